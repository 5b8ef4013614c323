// oauth4webapi with clients that send no secret, and with tokens that are bound to a key (DPoP).
import assert from 'node:assert/strict'
import * as jose from 'jose'
import * as oauth from 'oauth4webapi'
import { check, config } from './checks.mjs'

const insecure = { [oauth.allowInsecureRequests]: true }
const resource = config.resources.ES256.id
const issuer = new URL(config.issuer)
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }))
const keys = jose.createRemoteJWKSet(new URL(config.jwks_uri))

async function clientCredentials(who, proof, options = {}) {
  const self = { client_id: who.id }
  const response = await oauth.clientCredentialsGrantRequest(server, self, proof, { resource }, { ...options, ...insecure })
  return oauth.processClientCredentialsResponse(server, self, response)
}

async function claims(answer) {
  return (await jose.jwtVerify(answer.access_token, keys, { issuer: config.issuer, audience: resource, typ: 'at+jwt' })).payload
}

await check('private_key_jwt', async () => {
  const key = { key: await jose.importJWK(config.key_client.key, 'ES256'), kid: config.key_client.key.kid }
  for (let i = 0; i < 2; i++) {
    assert.equal((await claims(await clientCredentials(config.key_client, oauth.PrivateKeyJwt(key)))).sub, config.key_client.id)
  }
})

await check('client_secret_jwt', async () => {
  const answer = await clientCredentials(config.hmac_client, oauth.ClientSecretJwt(config.hmac_client.secret))
  assert.equal((await claims(answer)).sub, config.hmac_client.id)
})

const pair = await oauth.generateKeyPair('ES256', { extractable: true })
const jkt = await jose.calculateJwkThumbprint(await jose.exportJWK(pair.publicKey))

await check('DPoP', async () => {
  const app = config.clients.ES256
  const answer = await clientCredentials(app, oauth.ClientSecretBasic(app.secret), { DPoP: oauth.DPoP(app, pair) })
  assert.equal(answer.token_type, 'dpop')
  assert.equal((await claims(answer)).cnf.jkt, jkt)
})

await check('DPoP with a refresh token', async () => {
  const self = { client_id: config.public_client.id }
  const { username, password } = config.user
  const DPoP = oauth.DPoP(self, pair)
  const login = await oauth.genericTokenEndpointRequest(server, self, oauth.None(), 'password', { username, password }, { DPoP, ...insecure })
  const { refresh_token } = await oauth.processGenericTokenEndpointResponse(server, self, login)
  const stranger = oauth.DPoP(self, await oauth.generateKeyPair('ES256'))
  const stolen = await oauth.refreshTokenGrantRequest(server, self, oauth.None(), refresh_token, { DPoP: stranger, ...insecure })
  await assert.rejects(oauth.processRefreshTokenResponse(server, self, stolen), { error: 'invalid_grant' })
  const response = await oauth.refreshTokenGrantRequest(server, self, oauth.None(), refresh_token, { DPoP, ...insecure })
  const answer = await oauth.processRefreshTokenResponse(server, self, response)
  assert.equal(answer.token_type, 'dpop')
  assert.equal(jose.decodeJwt(answer.access_token).cnf.jkt, jkt)
})
