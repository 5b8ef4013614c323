"""python-jose, which tries the keys of the set in their order, and fails at the first key that is of
another type than that of the token."""

import requests
from authlib.integrations.requests_client import OAuth2Session
from jose import jwt
from jose.exceptions import JOSEError, JWTClaimsError

from checks import CONFIG, check

RESOURCE = CONFIG["resources"]["RS256"]


def key_set():
    return requests.get(CONFIG["jwks_uri"], timeout=10).json()


def token():
    client = CONFIG["clients"]["RS256"]
    session = OAuth2Session(client["id"], client["secret"])
    answer = session.fetch_token(CONFIG["token_endpoint"], grant_type="client_credentials", resource=RESOURCE["id"])
    return answer["access_token"]


def decode(signed, keys, audience=RESOURCE["id"]):
    return jwt.decode(signed, keys, algorithms=["RS256"], audience=audience, issuer=CONFIG["issuer"])


def by_the_set():
    keys = key_set()
    kinds = [key["kty"] for key in keys["keys"]]
    assert "EC" in kinds, kinds  # otherwise the check proves nothing
    assert decode(token(), keys)["sub"] == CONFIG["clients"]["RS256"]["id"]


def by_the_first_key():
    first = key_set()["keys"][0]
    assert jwt.get_unverified_header(token())["kid"] == first["kid"], first
    decode(token(), first)


def through_a_rotation():
    before = token()
    assert requests.post(CONFIG["rotate_url"], timeout=60).status_code == 204
    after, keys = token(), key_set()
    assert jwt.get_unverified_header(before)["kid"] != jwt.get_unverified_header(after)["kid"]
    for signed in (before, after):
        decode(signed, keys)
    assert keys["keys"][0]["kid"] == jwt.get_unverified_header(after)["kid"]


def refuses():
    good, keys = token(), key_set()
    header, payload, signature = good.split(".")
    altered = ".".join((header, payload, signature[:10] + ("B" if signature[10] == "A" else "A") + signature[11:]))
    for name, attempt, refusal in (
        ("another audience", lambda: decode(good, keys, RESOURCE["other"]), JWTClaimsError),
        ("an altered signature", lambda: decode(altered, keys), JOSEError),
    ):
        try:
            attempt()
        except refusal:
            continue
        raise AssertionError(f"{name} was accepted")


check("verifies by the key set", by_the_set)
check("verifies by the first key", by_the_first_key)
check("verifies through a rotation", through_a_rotation)
check("refuses", refuses)
