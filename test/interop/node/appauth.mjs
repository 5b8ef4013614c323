// AppAuth-JS as a desktop app: it opens the browser with xdg-open, and waits for the answer on the
// loopback interface (RFC 8252 §7.3).
import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { register } from 'node:module'
import { delimiter } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { check, config } from './checks.mjs'

// AppAuth-JS is written for bundlers: it imports its files without ".js".
register(`data:text/javascript,${encodeURIComponent(`
export function resolve(name, context, next) {
  return next(name.startsWith('.') && context.parentURL.includes('/@openid/appauth/') && !name.endsWith('.js') ? name + '.js' : name, context)
}`)}`)
const appauth = await import('@openid/appauth')
const { NodeBasedHandler, NodeCrypto, NodeRequestor } = await import('@openid/appauth/built/src/node_support/index.js')
appauth.setFlag('IS_LOG', false)

chmodSync(`${import.meta.dirname}/xdg-open`, 0o700)
process.env.PATH = import.meta.dirname + delimiter + process.env.PATH

const requestor = new NodeRequestor()
const tokens = new appauth.BaseTokenRequestHandler(requestor)
const server = await appauth.AuthorizationServiceConfiguration.fetchFromIssuer(config.issuer, requestor)
const keys = createRemoteJWKSet(new URL(`${config.issuer}/.well-known/jwks.json`))
const redirect_uri = `http://${config.loopback}/callback`

async function userinfo(accessToken) {
  const answer = await fetch(server.userInfoEndpoint, { headers: { Authorization: `Bearer ${accessToken}` } })
  const info = await answer.json()
  assert.deepEqual([info.sub, info.email], [config.user.id, 'zoe@example.com'])
}

for (const { id, secret } of config.clients) {
  process.env.BROWSE_URL = `${config.browse_url}?name=appauth-${id}`
  const extras = secret ? { client_secret: secret } : {}
  let held

  // ask signs a person in, and returns the answer of AppAuth.
  const ask = async (more) => {
    const handler = new NodeBasedHandler(Number(new URL(redirect_uri).port))
    const request = new appauth.AuthorizationRequest({
      client_id: id, redirect_uri, scope: 'openid profile email', response_type: 'code', extras: { nonce: 'a nonce', ...more },
    }, new NodeCrypto())
    const answered = new Promise((resolve) => {
      const notifier = new appauth.AuthorizationNotifier()
      notifier.setAuthorizationListener((_, response, error) => resolve({ response, error }))
      handler.setAuthorizationNotifier(notifier)
    })
    handler.performAuthorizationRequest(server, request)
    const { response, error } = await answered
    assert.equal((response ?? error).state, request.state)
    return { code: response?.code, error: error?.error, verifier: request.internal.code_verifier }
  }

  await check(`${id} signs in`, async () => {
    const { code, verifier } = await ask()
    held = await tokens.performTokenRequest(server, new appauth.TokenRequest({
      client_id: id, redirect_uri, grant_type: appauth.GRANT_TYPE_AUTHORIZATION_CODE, code, extras: { code_verifier: verifier, ...extras },
    }))
    const { payload } = await jwtVerify(held.idToken, keys, { issuer: config.issuer, audience: id })
    assert.deepEqual([payload.sub, payload.nonce], [config.user.id, 'a nonce'])
  })
  await check(`${id} userinfo`, () => userinfo(held.accessToken))
  const refresh = () => tokens.performTokenRequest(server, new appauth.TokenRequest({
    client_id: id, redirect_uri, grant_type: appauth.GRANT_TYPE_REFRESH_TOKEN, refresh_token: held.refreshToken, extras,
  }))
  await check(`${id} refreshes`, async () => {
    const first = held
    held = await refresh()
    assert.notEqual(held.refreshToken, first.refreshToken)
    await userinfo(held.accessToken)
  })
  await check(`${id} logs out`, async () => {
    const out = new URL(server.endSessionEndpoint)
    out.search = new URLSearchParams({ id_token_hint: held.idToken, post_logout_redirect_uri: config.home, state: 'out' })
    const answer = await fetch(process.env.BROWSE_URL, { method: 'POST', body: out.href })
    assert.equal(await answer.text(), `${config.home}?state=out`)
    assert.equal((await ask({ prompt: 'none' })).error, 'login_required')
    await assert.rejects(refresh(), { message: 'Bad Request' }) // AppAuth reports nothing else about a refusal
  })
}
