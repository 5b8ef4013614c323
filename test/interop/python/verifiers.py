"""The two verifiers of access tokens: PyJWT, and Authlib, which uses joserfc."""

import jwt
import requests
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet


class ResourceServer(JWTBearerTokenValidator):
    """Authlib's verifier of access tokens (RFC 9068)."""

    def __init__(self, keys, issuer, audience):
        super().__init__(issuer, audience)
        self.keys = keys

    def get_jwks(self):
        return self.keys


class Verifiers:
    """Both cache the keys from their first fetch."""

    def __init__(self, jwks_uri):
        self.pyjwt_keys = jwt.PyJWKClient(jwks_uri)
        self.authlib_keys = KeySet.import_key_set(requests.get(jwks_uri, timeout=10).json())

    def by_pyjwt(self, token, alg, issuer, audience):
        decoded = jwt.decode_complete(
            token,
            self.pyjwt_keys.get_signing_key_from_jwt(token),
            algorithms=[alg],
            issuer=issuer,
            audience=audience,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]},
        )
        assert decoded["header"]["typ"] == "at+jwt", decoded["header"]
        return decoded["payload"]

    def by_authlib(self, token, issuer, audience):
        validator = ResourceServer(self.authlib_keys, issuer, audience)
        validator.validate_token(validator.authenticate_token(token), [], None)

    def verify(self, token, alg, issuer, audience):
        self.by_authlib(token, issuer, audience)
        return self.by_pyjwt(token, alg, issuer, audience)

    def both_refuse(self, token, alg, issuer, audience):
        for verifier, refusal in (
            (lambda: self.by_pyjwt(token, alg, issuer, audience), jwt.InvalidTokenError),
            (lambda: self.by_authlib(token, issuer, audience), InvalidTokenError),
        ):
            try:
                verifier()
            except refusal:
                continue
            raise AssertionError("a verifier accepted it")
