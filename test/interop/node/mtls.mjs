// oauth4webapi with clients that authenticate with a certificate (RFC 8705). undici presents the
// certificate.
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import * as jose from 'jose'
import * as oauth from 'oauth4webapi'
import { Agent, fetch } from 'undici'
import { check, config, refused } from './checks.mjs'

const presenting = ({ certificate: cert, key } = {}) => {
  const dispatcher = new Agent({ connect: { ca: config.authority, cert, key } })
  return (url, options) => fetch(url, { ...options, dispatcher })
}

const issuer = new URL(config.issuer)
const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', [oauth.customFetch]: presenting() })
const server = await oauth.processDiscoveryResponse(issuer, found)
const keys = jose.createRemoteJWKSet(new URL(server.jwks_uri), { [jose.customFetch]: presenting() })

// clientCredentials sends a request of a client, with its own certificate or another one.
async function clientCredentials(id, pair) {
  const self = { client_id: id, use_mtls_endpoint_aliases: true }
  const options = { [oauth.customFetch]: presenting(pair) }
  const response = await oauth.clientCredentialsGrantRequest(server, self, oauth.TlsClientAuth(), {}, options)
  return oauth.processClientCredentialsResponse(server, self, response)
}

async function bound(id, pair) {
  const answer = await clientCredentials(id, pair)
  const expected = { issuer: config.issuer, audience: config.resource, typ: 'at+jwt' }
  const { payload } = await jose.jwtVerify(answer.access_token, keys, expected)
  assert.equal(payload.sub, id)
  const thumbprint = createHash('sha256').update(new X509Certificate(pair.certificate).raw).digest('base64url')
  assert.deepEqual(payload.cnf, { 'x5t#S256': thumbprint })
}

const { tls_client_auth: byAuthority, self_signed_tls_client_auth: bySelf } = config.clients

await check('metadata of mutual TLS', () => {
  assert.equal(server.tls_client_certificate_bound_access_tokens, true)
  for (const method of Object.keys(config.clients)) assert.ok(server.token_endpoint_auth_methods_supported.includes(method), method)
})
await check('tls_client_auth', () => bound(byAuthority.id, byAuthority))
await check('self_signed_tls_client_auth', () => bound(bySelf.id, bySelf))
await check("invalid_client for another client's certificate", async () => {
  await refused('invalid_client', clientCredentials(byAuthority.id, bySelf))
  await refused('invalid_client', clientCredentials(bySelf.id, byAuthority))
})
await check('invalid_client without a certificate', () => refused('invalid_client', clientCredentials(byAuthority.id)))
