// The checks that every Node client must pass. Each client library has an adapter of its own, such as
// openid-client.mjs.
import { readFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import assert from 'node:assert/strict'
import * as jose from 'jose'
import { ResponseBodyError, WWWAuthenticateChallengeError } from 'oauth4webapi'

export const config = JSON.parse(readFileSync(0, 'utf8'))

const basic = (client) => ({ ...client, method: 'client_secret_basic' })
const post = (client) => ({ ...client, method: 'client_secret_post' })
const open = (id) => ({ id, method: 'none' })
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const both = 'read write'

// run makes all checks. A library is
//   metadata()                              → the metadata from RFC 8414 discovery
//   client({ id, secret, method })          → { token(grant, params), introspect(token), revoke(token) }
//   verify(token, alg, issuer, audience)    → the claims
export async function run(library) {
  await check('metadata found by RFC 8414', () => metadata(library))
  for (const alg of ['RS256', 'ES256']) await grants(library, alg)
  await check('verifier goes on through a key rotation', () => rotation(library))
  await clients(library)
  await introspection(library)
  await revocation(library)
  await refusals(library)
}

export async function check(name, body) {
  const report = { check: name, ok: true, detail: '' }
  try {
    await body()
  } catch (error) {
    report.ok = false
    report.detail = error.stack ?? String(error)
  }
  console.log(JSON.stringify(report))
}

async function metadata(library) {
  const found = await library.metadata()
  assert.equal(found.issuer, config.issuer)
  for (const name of ['token_endpoint', 'jwks_uri', 'introspection_endpoint', 'revocation_endpoint']) {
    assert.equal(found[name], config[name], name)
  }
  for (const grant of ['client_credentials', 'password', 'refresh_token', jwtBearer]) {
    assert.ok(found.grant_types_supported.includes(grant), grant)
  }
  for (const method of ['client_secret_basic', 'client_secret_post', 'none']) {
    assert.ok(found.token_endpoint_auth_methods_supported.includes(method), method)
  }
}

// holds verifies the token of an answer and compares its claims.
async function holds(library, alg, answer, sub, clientId) {
  const resource = config.resources[alg].id
  assert.equal(answer.token_type.toLowerCase(), 'bearer')
  assert.ok(answer.expires_in > 0, 'expires_in')
  assert.equal(answer.scope, both)
  const claims = await library.verify(answer.access_token, alg, config.issuer, resource)
  assert.equal(claims.aud, resource)
  assert.equal(claims.sub, sub)
  assert.equal(claims.client_id, clientId)
  assert.equal(claims.scope, both)
}

async function grants(library, alg) {
  const app = config.clients[alg]
  const { id: resource, other } = config.resources[alg]
  const { username, password, id: userId } = config.user
  const login = { username, password, scope: both, resource }

  for (const who of [basic(app), post(app)]) {
    await check(`${alg} client_credentials by ${who.method}`, async () => {
      const answer = await library.client(who).token('client_credentials', { scope: both, resource })
      assert.equal(answer.refresh_token, undefined)
      await holds(library, alg, answer, app.id, app.id)
    })
  }
  await check(`${alg} password`, async () => {
    await holds(library, alg, await library.client(basic(app)).token('password', login), userId, app.id)
  })
  await check(`${alg} refresh_token`, async () => {
    const client = library.client(post(app))
    const first = await client.token('password', login)
    const second = await client.token('refresh_token', { refresh_token: first.refresh_token })
    assert.notEqual(second.refresh_token, first.refresh_token)
    await holds(library, alg, second, userId, app.id)
  })
  for (const idp of config.idps[alg]) {
    await check(`${alg} jwt-bearer with an ${idp.alg} assertion`, async () => {
      const client = library.client(idp.client_auth ? basic(app) : { method: 'nobody' })
      const answer = await client.token(jwtBearer, { assertion: await assertion(idp), scope: both })
      assert.equal(answer.refresh_token, undefined)
      await holds(library, alg, answer, idp.expect_sub, idp.client_auth ? app.id : idp.iss)
    })
  }
  await check(`${alg} verifier refuses another audience`, async () => {
    const { access_token } = await library.client(basic(app)).token('client_credentials', { resource: other })
    await library.verify(access_token, alg, config.issuer, other)
    await assert.rejects(library.verify(access_token, alg, config.issuer, resource))
  })
  await check(`${alg} verifier refuses an altered payload`, async () => {
    const { access_token } = await library.client(basic(app)).token('client_credentials', { resource })
    await library.verify(access_token, alg, config.issuer, resource)
    await assert.rejects(library.verify(altered(access_token), alg, config.issuer, resource))
  })
  await check(`${alg} verifier refuses another issuer`, async () => {
    const { access_token } = await library.client(basic(app)).token('client_credentials', { resource })
    await assert.rejects(library.verify(access_token, alg, `${config.issuer}/another`, resource))
  })
}

// rotation verifies with the key set from an earlier fetch.
async function rotation(library) {
  const mint = async (alg) => {
    const answer = await library.client(basic(config.clients[alg])).token('client_credentials', {})
    return { alg, token: answer.access_token, kid: jose.decodeProtectedHeader(answer.access_token).kid }
  }
  const before = [await mint('RS256'), await mint('ES256')]
  const rotated = await fetch(config.rotate_url, { method: 'POST' })
  assert.equal(rotated.status, 204, await rotated.text())
  const after = [await mint('RS256'), await mint('ES256')]
  for (const i of [0, 1]) assert.notEqual(after[i].kid, before[i].kid)
  for (const { alg, token } of [...before, ...after]) await library.verify(token, alg, config.issuer, config.resources[alg].id)
}

async function assertion(idp) {
  return new jose.SignJWT({ ...idp.claims, jti: randomUUID() })
    .setProtectedHeader({ alg: idp.alg, ...idp.header })
    .setIssuer(idp.iss).setAudience(idp.audience).setIssuedAt().setExpirationTime('2m')
    .sign(await jose.importJWK(idp.key, idp.alg))
}

function altered(token) {
  const [header, payload, signature] = token.split('.')
  const claims = { ...JSON.parse(Buffer.from(payload, 'base64url')), scope: 'admin' }
  return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.')
}

async function clients(library) {
  const app = config.clients.RS256
  const { username, password } = config.user

  for (const who of [basic(config.odd_client), post(config.odd_client)]) {
    await check(`secret that needs escaping by ${who.method}`, async () => {
      const { access_token } = await library.client(who).token('client_credentials', {})
      assert.equal(jose.decodeJwt(access_token).sub, who.id)
    })
  }
  await check('public client refreshes', async () => {
    const client = library.client(open(config.public_client.id))
    const first = await client.token('password', { username, password })
    const second = await client.token('refresh_token', { refresh_token: first.refresh_token })
    assert.equal(jose.decodeJwt(second.access_token).client_id, config.public_client.id)
  })
  await check('token for two resources', async () => {
    const { id, other } = config.resources.RS256
    const params = new URLSearchParams([['resource', id], ['resource', other]])
    const { access_token } = await library.client(basic(app)).token('client_credentials', params)
    for (const audience of [id, other]) await library.verify(access_token, 'RS256', config.issuer, audience)
  })
  await check('refresh narrows the scope', async () => {
    const client = library.client(basic(app))
    const { refresh_token } = await client.token('password', { username, password })
    assert.equal((await client.token('refresh_token', { refresh_token, scope: 'read' })).scope, 'read')
  })
  await check('refresh retried gets the same successor', async () => {
    const client = library.client(basic(app))
    const { refresh_token } = await client.token('password', { username, password })
    const first = await client.token('refresh_token', { refresh_token })
    const again = await client.token('refresh_token', { refresh_token })
    assert.equal(again.refresh_token, first.refresh_token)
  })
}

async function introspection(library) {
  const app = config.clients.RS256
  const { username, password } = config.user
  const login = () => library.client(basic(app)).token('password', { username, password, scope: 'read' })

  for (const [who, name] of [[app, 'client'], [config.resource_server, 'resource server']]) {
    await check(`introspection by the ${name}`, async () => {
      const { access_token } = await login()
      const seen = await library.client(basic(who)).introspect(access_token)
      const claims = jose.decodeJwt(access_token)
      assert.equal(seen.active, true)
      for (const name of ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'scope']) assert.deepEqual(seen[name], claims[name], name)
      assert.equal(seen.username, config.user.name)
    })
  }
  await check('introspection of a refresh token', async () => {
    const { refresh_token } = await login()
    const seen = await library.client(post(app)).introspect(refresh_token)
    assert.equal(seen.active, true)
    assert.equal(seen.client_id, app.id)
  })
  await check('introspection of an unknown token', async () => {
    assert.deepEqual(await library.client(basic(app)).introspect('unknown'), { active: false })
  })
}

async function revocation(library) {
  const app = config.clients.RS256
  const { username, password } = config.user

  await check('revocation of an access token', async () => {
    const client = library.client(basic(app))
    const { access_token } = await client.token('client_credentials', {})
    assert.equal((await client.introspect(access_token)).active, true)
    await client.revoke(access_token)
    assert.equal((await client.introspect(access_token)).active, false)
  })
  await check('revocation of a refresh token ends its family', async () => {
    const client = library.client(post(app))
    const { access_token, refresh_token } = await client.token('password', { username, password })
    await client.revoke(refresh_token)
    assert.equal((await client.introspect(access_token)).active, false)
    await refused('invalid_grant', client.token('refresh_token', { refresh_token }))
  })
}

// refused requires the library's error to have the error code of the server. If an answer has
// WWW-Authenticate, as RFC 6749 section 5.2 requires with invalid_client, these libraries throw the
// challenge and do not read the body.
export async function refused(code, attempt) {
  const error = await attempt.then(() => assert.fail('it was accepted'), (error) => error)
  if (error instanceof WWWAuthenticateChallengeError) {
    assert.equal(error.status, 401)
    assert.equal(error.cause[0].scheme, 'basic')
    assert.equal((await error.response.json()).error, code)
    return
  }
  assert.ok(error instanceof ResponseBodyError, `${error.stack}`)
  assert.equal(error.error, code)
  assert.ok(error.error_description)
}

async function refusals(library) {
  const app = config.clients.RS256
  const wrong = { ...app, secret: 'wrong' }
  const { username, password } = config.user
  const client = library.client(basic(app))
  const all = {
    'invalid_client for a wrong secret by client_secret_basic': () => library.client(basic(wrong)).token('client_credentials', {}),
    'invalid_client for a wrong secret by client_secret_post': () => library.client(post(wrong)).token('client_credentials', {}),
    'invalid_client at the introspection endpoint': () => library.client(basic(wrong)).introspect('unknown'),
    'invalid_client at the revocation endpoint': () => library.client(basic(wrong)).revoke('unknown'),
    'invalid_grant for a wrong password': () => client.token('password', { username, password: `${password}!` }),
    'invalid_grant for an unknown refresh token': () => client.token('refresh_token', { refresh_token: 'unknown' }),
    'invalid_grant for an assertion that was used': async () => {
      const [idp] = config.idps.RS256
      const params = { assertion: await assertion(idp) }
      await library.client({ method: 'nobody' }).token(jwtBearer, params)
      return library.client({ method: 'nobody' }).token(jwtBearer, params)
    },
    'invalid_scope for a scope that is not allowed': () => client.token('client_credentials', { scope: 'admin' }),
    'invalid_target for a resource that is not allowed': () => client.token('client_credentials', { resource: 'https://nobody.example' }),
    'unauthorized_client for a grant that the client does not have': () => library.client(basic(config.resource_server)).token('client_credentials', {}),
    'unsupported_grant_type for an unknown grant': () => client.token('urn:example:nothing', {}),
  }
  for (const [name, attempt] of Object.entries(all)) {
    await check(name, () => refused(name.split(' ')[0], attempt()))
  }
}
