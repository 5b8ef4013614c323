// openid-client as an application to which people sign in.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import { check, config, refused } from './checks.mjs'

// browse makes a person open an address, and returns the address to which the browser was sent.
async function browse(name, address) {
  const answer = await fetch(`${config.browse_url}?name=${name}`, { method: 'POST', body: address.href })
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  return new URL(text)
}

for (const { id, secret } of config.clients) {
  const name = `openid-client-${id}`
  const proof = secret ? oidc.ClientSecretBasic(secret) : oidc.None()
  const server = await oidc.discovery(new URL(config.issuer), id, undefined, proof, { execute: [oidc.allowInsecureRequests] })
  let tokens

  const ask = async (more) => {
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
    const expectedState = oidc.randomState()
    const expectedNonce = oidc.randomNonce()
    const to = oidc.buildAuthorizationUrl(server, {
      redirect_uri: config.redirect_uri, scope: 'openid profile email', state: expectedState, nonce: expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256', ...more,
    })
    const back = await browse(name, to)
    return oidc.authorizationCodeGrant(server, back, { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true })
  }

  await check(`${id} signs in`, async () => {
    tokens = await ask({ max_age: '3600' })
    assert.equal(tokens.claims().sub, config.user.id)
    assert.equal((await ask({ prompt: 'none' })).claims().sid, tokens.claims().sid)
  })
  await check(`${id} userinfo`, async () => {
    const info = await oidc.fetchUserInfo(server, tokens.access_token, tokens.claims().sub)
    assert.equal(info.email, 'zoe@example.com')
    assert.equal(info.name, 'Zoë Washburne')
  })
  await check(`${id} refreshes`, async () => {
    const first = tokens
    tokens = await oidc.refreshTokenGrant(server, first.refresh_token)
    assert.notEqual(tokens.refresh_token, first.refresh_token)
    assert.equal(tokens.claims().sub, config.user.id)
  })
  await check(`${id} logs out`, async () => {
    const out = oidc.buildEndSessionUrl(server, { id_token_hint: tokens.id_token, post_logout_redirect_uri: config.home, state: 'out' })
    assert.equal((await browse(name, out)).href, `${config.home}?state=out`)
    await refused('invalid_grant', oidc.refreshTokenGrant(server, tokens.refresh_token))
  })
}
