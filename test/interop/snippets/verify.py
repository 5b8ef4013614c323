"""Verifies an access token: python verify.py ISSUER AUDIENCE TOKEN"""

import sys

import jwt  # PyJWT[crypto]

issuer, audience, token = sys.argv[1:]
keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json")  # one for the whole process


def verify(token):
    key = keys.get_signing_key_from_jwt(token)
    if jwt.get_unverified_header(token).get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    required = {"require": ["iss", "aud", "exp", "sub"]}
    return jwt.decode(token, key, ["RS256", "ES256"], required, issuer=issuer, audience=audience)


print(verify(token)["sub"])
