"""Authlib with clients that send no secret: they sign a JWT for each request."""

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from joserfc.jwk import import_key

from checks import CONFIG, check
from verifiers import Verifiers

VERIFIERS = Verifiers(CONFIG["jwks_uri"])
RESOURCE = CONFIG["resources"]["ES256"]["id"]


def obtains(client, secret, method):
    session = OAuth2Session(client["id"], secret, token_endpoint_auth_method=method)
    for _ in range(2):
        answer = session.fetch_token(CONFIG["token_endpoint"], grant_type="client_credentials", resource=RESOURCE)
        claims = VERIFIERS.verify(answer["access_token"], "ES256", CONFIG["issuer"], RESOURCE)
        assert claims["sub"] == client["id"], claims


def private_key_jwt():
    client = CONFIG["key_client"]
    method = PrivateKeyJWT(CONFIG["token_endpoint"], alg="ES256", headers={"kid": client["key"]["kid"]})
    obtains(client, import_key(client["key"]), method)


def client_secret_jwt():
    client = CONFIG["hmac_client"]
    obtains(client, client["secret"], ClientSecretJWT(CONFIG["token_endpoint"]))


check("private_key_jwt", private_key_jwt)
check("client_secret_jwt", client_secret_jwt)
