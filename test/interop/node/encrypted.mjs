// openid-client as an application with a key to which the server encrypts ID tokens and UserInfo.
import assert from 'node:assert/strict'
import * as jose from 'jose'
import * as oidc from 'openid-client'
import { check, config } from './checks.mjs'

const rsa = { name: 'RSA-OAEP', hash: 'SHA-256' }
const ec = { name: 'ECDH', namedCurve: 'P-256' }

for (const { id, secret, alg, key } of config.clients) {
  await check(`${id} decrypts`, async () => {
    const server = await oidc.discovery(new URL(config.issuer), id, undefined, oidc.ClientSecretBasic(secret), { execute: [oidc.allowInsecureRequests] })
    const usages = key.kty === 'RSA' ? ['decrypt'] : ['deriveBits']
    const own = await crypto.subtle.importKey('jwk', key, key.kty === 'RSA' ? rsa : ec, false, usages)
    oidc.enableDecryptingResponses(server, ['A128CBC-HS256'], { key: own, alg, kid: key.kid })

    const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
    const expectedNonce = oidc.randomNonce()
    const to = oidc.buildAuthorizationUrl(server, {
      redirect_uri: config.redirect_uri, scope: 'openid profile email', nonce: expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
    })
    const back = await fetch(`${config.browse_url}?name=${id}`, { method: 'POST', body: to.href })
    const text = await back.text()
    assert.equal(back.status, 200, text)
    let tokens = await oidc.authorizationCodeGrant(server, new URL(text), { pkceCodeVerifier, expectedNonce, idTokenExpected: true })
    for (const what of ['sign-in', 'refresh']) {
      const header = jose.decodeProtectedHeader(tokens.id_token)
      assert.deepEqual([header.alg, header.enc, header.cty], [alg, 'A128CBC-HS256', 'JWT'], what)
      assert.equal(tokens.claims().sub, config.user.id, what)
      const info = await oidc.fetchUserInfo(server, tokens.access_token, tokens.claims().sub)
      assert.equal(info.email, 'zoe@example.com', what)
      tokens = await oidc.refreshTokenGrant(server, tokens.refresh_token)
    }
  })
}
