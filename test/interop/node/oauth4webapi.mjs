// oauth4webapi, which also verifies access tokens (RFC 9068).
import * as oauth from 'oauth4webapi'
import { config, run } from './checks.mjs'

const insecure = { [oauth.allowInsecureRequests]: true }

const methods = {
  client_secret_basic: ({ secret }) => oauth.ClientSecretBasic(secret),
  client_secret_post: ({ secret }) => oauth.ClientSecretPost(secret),
  none: () => oauth.None(),
  nobody: () => () => {}, // an assertion without a client (RFC 7521 section 4.1)
}

async function metadata() {
  const issuer = new URL(config.issuer)
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
  return oauth.processDiscoveryResponse(issuer, response)
}

function client(who) {
  const self = { client_id: who.id ?? 'nobody' }
  const proof = methods[who.method](who)
  return {
    async token(grant, params) {
      const server = await metadata()
      switch (grant) {
        case 'client_credentials': {
          const response = await oauth.clientCredentialsGrantRequest(server, self, proof, params, insecure)
          return oauth.processClientCredentialsResponse(server, self, response)
        }
        case 'refresh_token': {
          const { refresh_token, ...additionalParameters } = params
          const response = await oauth.refreshTokenGrantRequest(server, self, proof, refresh_token, { additionalParameters, ...insecure })
          return oauth.processRefreshTokenResponse(server, self, response)
        }
        default: {
          const response = await oauth.genericTokenEndpointRequest(server, self, proof, grant, params, insecure)
          return oauth.processGenericTokenEndpointResponse(server, self, response)
        }
      }
    },
    async introspect(token) {
      const server = await metadata()
      return oauth.processIntrospectionResponse(server, self, await oauth.introspectionRequest(server, self, proof, token, insecure))
    },
    async revoke(token) {
      const server = await metadata()
      return oauth.processRevocationResponse(await oauth.revocationRequest(server, self, proof, token, insecure))
    },
  }
}

const servers = new Map() // the library caches the key set by the metadata object

async function verify(token, alg, issuer, audience) {
  if (!servers.has(issuer)) servers.set(issuer, { ...(await metadata()), issuer })
  const server = servers.get(issuer)
  const request = new Request('https://api.example', { headers: { authorization: `Bearer ${token}` } })
  return oauth.validateJwtAccessToken(server, request, audience, { signingAlgorithms: [alg], ...insecure })
}

await run({ metadata, client, verify })
