"""Authlib as an application to which people sign in."""

import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from checks import CONFIG, check

SERVER = requests.get(CONFIG["issuer"] + "/.well-known/openid-configuration", timeout=30).json()
KEYS = KeySet.import_key_set(requests.get(SERVER["jwks_uri"], timeout=30).json())


def browse(name, address):
    """Makes a person open an address, and returns the address to which the browser was sent."""
    answer = requests.post(CONFIG["browse_url"], params={"name": name}, data=address.encode(), timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.text


class Application:
    def __init__(self, client):
        self.id = client["id"]
        self.name = "authlib " + self.id
        self.session = OAuth2Session(
            self.id, client.get("secret"), scope="openid profile email", redirect_uri=CONFIG["redirect_uri"],
            token_endpoint=SERVER["token_endpoint"], code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if client.get("secret") else "none",
        )
        self.tokens = None

    def ask(self, **more):
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe()
        to, state = self.session.create_authorization_url(
            SERVER["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **more)
        back = browse(self.name, to)
        assert parse_qs(urlsplit(back).query)["iss"] == [CONFIG["issuer"]], back
        tokens = self.session.fetch_token(authorization_response=back, code_verifier=verifier, state=state)
        claims = self.verify(tokens, nonce)
        return tokens, claims

    def verify(self, tokens, nonce):
        decoded = jwt.decode(tokens["id_token"], KEYS, algorithms=SERVER["id_token_signing_alg_values_supported"])
        claims = CodeIDToken(
            decoded.claims, decoded.header,
            {"iss": {"value": CONFIG["issuer"]}, "aud": {"value": self.id}},
            {"nonce": nonce, "client_id": self.id, "access_token": tokens["access_token"]},
        )
        claims.validate()
        return claims

    def signs_in(self):
        self.tokens, claims = self.ask()
        assert claims["sub"] == CONFIG["user"]["id"], claims
        _, again = self.ask(prompt="none")
        assert again["sid"] == claims["sid"], again

    def userinfo(self):
        info = self.session.get(SERVER["userinfo_endpoint"]).json()
        assert (info["sub"], info["email"]) == (CONFIG["user"]["id"], "zoe@example.com"), info

    def refreshes(self):
        old = self.session.token["refresh_token"]
        new = self.session.refresh_token(SERVER["token_endpoint"], refresh_token=old)
        assert new["refresh_token"] != old, new
        self.userinfo()

    def logs_out(self):
        refresh = self.session.token["refresh_token"]
        out = {"id_token_hint": self.tokens["id_token"], "post_logout_redirect_uri": CONFIG["home"], "state": "out"}
        back = browse(self.name, SERVER["end_session_endpoint"] + "?" + urlencode(out))
        assert back == CONFIG["home"] + "?state=out", back
        try:
            self.session.refresh_token(SERVER["token_endpoint"], refresh_token=refresh)
        except OAuthError as error:
            assert error.error == "invalid_grant", error
        else:
            raise AssertionError("the refresh token of a session that ended is good")


for registered in CONFIG["clients"]:
    application = Application(registered)
    check(application.id + " signs in", application.signs_in)
    check(application.id + " userinfo", application.userinfo)
    check(application.id + " refreshes", application.refreshes)
    check(application.id + " logs out", application.logs_out)
