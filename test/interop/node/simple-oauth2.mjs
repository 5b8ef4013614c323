// simple-oauth2, which parses every answer of the server as JSON.
import assert from 'node:assert/strict'
import * as jose from 'jose'
import { ClientCredentials, ResourceOwnerPassword } from 'simple-oauth2'
import { check, config } from './checks.mjs'

const alg = 'RS256'
const app = config.clients[alg]
const { id: resource } = config.resources[alg]
const { username, password, id: userId } = config.user
const keys = jose.createRemoteJWKSet(new URL(config.jwks_uri))

// settings are those of a client that authenticates in the body, or in the header with the encoding of
// RFC 6749 section 2.3.1.
const settings = ({ id, secret }, authorizationMethod) => ({
  client: { id, secret },
  auth: { tokenHost: config.issuer, tokenPath: '/oauth2/token', revokePath: '/oauth2/revoke' },
  options: { authorizationMethod, credentialsEncodingMode: 'strict' },
})

async function holds(token, sub, clientId) {
  const { payload } = await jose.jwtVerify(token.access_token, keys, { issuer: config.issuer, audience: resource, typ: 'at+jwt' })
  assert.equal(payload.sub, sub)
  assert.equal(payload.client_id, clientId)
}

async function active(token) {
  const response = await fetch(config.introspection_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${app.id}:${app.secret}`)}` },
    body: new URLSearchParams({ token }),
  })
  return (await response.json()).active
}

for (const method of ['header', 'body']) {
  const own = new ClientCredentials(settings(app, method))
  const login = new ResourceOwnerPassword(settings(app, method))

  await check(`client_credentials in the ${method}`, async () => {
    const { token } = await own.getToken({ scope: 'read', resource })
    assert.equal(token.scope, 'read')
    await holds(token, app.id, app.id)
  })
  await check(`password in the ${method}`, async () => {
    const { token } = await login.getToken({ username, password, scope: 'read write', resource })
    await holds(token, userId, app.id)
  })
  await check(`refresh in the ${method}`, async () => {
    const first = await login.getToken({ username, password, resource })
    assert.equal(first.expired(), false)
    const second = await first.refresh({ scope: 'read' })
    assert.notEqual(second.token.refresh_token, first.token.refresh_token)
    assert.equal(second.token.scope, 'read')
    await holds(second.token, userId, app.id)
  })
  await check(`revoke in the ${method}`, async () => {
    const tokens = await login.getToken({ username, password, resource })
    assert.equal(await active(tokens.token.access_token), true)
    await tokens.revoke('access_token')
    assert.equal(await active(tokens.token.access_token), false)
    assert.equal(await active(tokens.token.refresh_token), true)
    await tokens.revoke('refresh_token')
    assert.equal(await active(tokens.token.refresh_token), false)
  })
  await check(`revokeAll in the ${method}`, async () => {
    const tokens = await login.getToken({ username, password, resource })
    await tokens.revokeAll()
    assert.equal(await active(tokens.token.refresh_token), false)
  })
}

await check('secret that needs escaping', async () => {
  const { token } = await new ClientCredentials(settings(config.odd_client, 'header')).getToken({})
  assert.equal(jose.decodeJwt(token.access_token).sub, config.odd_client.id)
})
await check('invalid_client for a wrong secret', async () => {
  const wrong = new ClientCredentials(settings({ ...app, secret: 'wrong' }, 'header'))
  await assert.rejects(wrong.getToken({}), (error) => error.data?.payload?.error === 'invalid_client')
})
