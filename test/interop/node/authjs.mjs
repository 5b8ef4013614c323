// Auth.js in an application to which people sign in. The arguments are the address to listen on, and
// JSON with the issuer and the clients.
import { createServer } from 'node:http'
import { Auth } from '@auth/core'

const [address, settings] = process.argv.slice(2)
const { issuer, clients } = JSON.parse(settings)
const base = `http://${address}`
const server = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()

// refresh does what the documentation of Auth.js tells an application to do.
async function refresh(token) {
  const { id, secret } = clients.find(({ id }) => id === token.client)
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token.refresh_token, client_id: id })
  if (secret) form.set('client_secret', secret)
  const answer = await fetch(server.token_endpoint, { method: 'POST', body: form })
  return { ...token, ...await answer.json() }
}

const config = {
  basePath: '/auth',
  secret: 'a-secret-of-this-test',
  trustHost: true,
  providers: clients.map(({ id, secret }) => ({
    id, name: id, type: 'oidc', issuer, clientId: id, clientSecret: secret, checks: ['pkce', 'state', 'nonce'],
    idToken: !secret, // the confidential client gets the profile from userinfo
    client: secret ? {} : { token_endpoint_auth_method: 'none' },
  })),
  callbacks: {
    jwt({ token, account, profile, trigger }) {
      if (account) {
        const { access_token, refresh_token, id_token } = account
        return { client: account.provider, profile, access_token, refresh_token, id_token }
      }
      return trigger === 'update' ? refresh(token) : token
    },
    session: ({ session, token }) => ({ ...session, ...token }),
    redirect: ({ url }) => url.startsWith(`${server.end_session_endpoint}?`) || url.startsWith(`${base}/`) ? url : base,
  },
}

createServer(async (request, response) => {
  if (request.url.startsWith('/out')) {
    response.end('signed out')
    return
  }
  const body = request.method === 'POST' ? await new Response(request).text() : undefined
  const answer = await Auth(new Request(base + request.url, { method: request.method, headers: request.headers, body }), config)
  for (const cookie of answer.headers.getSetCookie()) response.appendHeader('Set-Cookie', cookie)
  if (answer.headers.has('Location')) response.setHeader('Location', answer.headers.get('Location'))
  response.writeHead(answer.status).end(await answer.text())
}).listen(Number(address.split(':')[1]), '127.0.0.1')
