// openid-client, with jose as the verifier.
import * as oidc from 'openid-client'
import * as jose from 'jose'
import { config, run } from './checks.mjs'

const methods = {
  client_secret_basic: ({ secret }) => oidc.ClientSecretBasic(secret),
  client_secret_post: ({ secret }) => oidc.ClientSecretPost(secret),
  none: () => oidc.None(),
  nobody: () => () => {}, // an assertion without a client (RFC 7521 section 4.1)
}

function discover(who) {
  const options = { algorithm: 'oauth2', execute: [oidc.allowInsecureRequests] }
  return oidc.discovery(new URL(config.issuer), who.id ?? 'nobody', undefined, methods[who.method](who), options)
}

function client(who) {
  return {
    async token(grant, params) {
      const server = await discover(who)
      switch (grant) {
        case 'client_credentials':
          return oidc.clientCredentialsGrant(server, params)
        case 'refresh_token': {
          const { refresh_token, ...rest } = params
          return oidc.refreshTokenGrant(server, refresh_token, rest)
        }
        default:
          return oidc.genericGrantRequest(server, grant, params)
      }
    },
    introspect: async (token) => oidc.tokenIntrospection(await discover(who), token),
    revoke: async (token) => oidc.tokenRevocation(await discover(who), token),
  }
}

const keys = jose.createRemoteJWKSet(new URL(config.jwks_uri))

async function verify(token, alg, issuer, audience) {
  const requiredClaims = ['sub', 'exp', 'iat', 'jti', 'client_id']
  const { payload } = await jose.jwtVerify(token, keys, { issuer, audience, algorithms: [alg], typ: 'at+jwt', requiredClaims })
  return payload
}

const metadata = async () => (await discover({ method: 'none' })).serverMetadata()

await run({ metadata, client, verify })
