// A verifier that runs during the whole soak. The first line of standard input is the configuration,
// and each later line is a token. The verifier answers each token with a line of JSON.
import { createInterface } from 'node:readline'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const config = JSON.parse((await lines.next()).value)
const lifetime = config.max_age_seconds * 1000

const keys = createRemoteJWKSet(new URL(config.jwks_uri), {
  cacheMaxAge: lifetime, // 10 minutes by default; the library ignores Cache-Control
  cooldownDuration: lifetime, // 30 s by default; for so long, an unknown kid causes no other fetch
  headers: { 'user-agent': config.user_agent },
})

async function verify({ token_id, token, alg, audience }) {
  const answer = { token_id, ok: true, detail: '' }
  try {
    await jwtVerify(token, keys, { issuer: config.issuer, audience, typ: 'at+jwt', algorithms: [alg], requiredClaims: ['exp', 'sub'] })
  } catch (error) {
    answer.ok = false
    answer.detail = `${error.code ?? ''} ${error.stack ?? error}`
  }
  console.log(JSON.stringify(answer))
}

for await (const line of lines) verify(JSON.parse(line))
