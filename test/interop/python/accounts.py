"""Service accounts: clients that sign for themselves and for users, with google-auth and with
the flow of Salesforce's connected apps."""

import time

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from checks import CONFIG, check
from verifiers import Verifiers

ACCOUNT = CONFIG["service_account"]  # in the format of Google's key files
RESOURCE = CONFIG["resources"]["RS256"]["id"]
USER = CONFIG["user"]
VERIFIERS = Verifiers(CONFIG["jwks_uri"])


def holds(token, sub):
    claims = VERIFIERS.verify(token, "RS256", CONFIG["issuer"], RESOURCE)
    got = {name: claims[name] for name in ("sub", "client_id", "scope")}
    assert got == {"sub": sub, "client_id": ACCOUNT["client_email"], "scope": "read"}, got


def google(account=ACCOUNT, subject=ACCOUNT["client_email"]):
    return Credentials.from_service_account_info(account, scopes=["read"], subject=subject)


def google_here(*args, **kwargs):
    """The library sets Google as the aud of its assertions, and ignores token_uri."""
    return google(*args, **kwargs).with_claims({"aud": ACCOUNT["token_uri"]})


def google_obtains(credentials, sub):
    assert not credentials.valid
    credentials.refresh(Request())
    assert credentials.valid and not credentials.expired, credentials.expiry
    holds(credentials.token, sub)


def google_is_refused(credentials, why):
    try:
        credentials.refresh(Request())
    except RefreshError as error:
        answer = error.args[1]
        assert answer["error"] == "invalid_grant" and why in answer["error_description"], answer
        assert not error.retryable and not credentials.valid
    else:
        raise AssertionError("it was accepted")


def another_key():
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return ACCOUNT | {"private_key": private.private_bytes(serialization.Encoding.PEM, *form).decode()}


def salesforce(key=ACCOUNT["private_key"], exp=int):
    """Does the same as SalesforceLogin of simple-salesforce with consumer_key and privatekey. The test
    cannot call SalesforceLogin, because its URL and aud have the host salesforce.com, and its exp is text."""
    claims = {
        "iss": ACCOUNT["client_email"],
        "sub": USER["username"],
        "aud": CONFIG["issuer"],
        "exp": exp(time.time() + 180),
    }
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": jwt.encode(claims, key, algorithm="RS256"),
    }
    return requests.post(CONFIG["token_endpoint"], form, timeout=10)


def salesforce_obtains():
    answer = salesforce()
    answer.raise_for_status()
    claims = VERIFIERS.verify(answer.json()["access_token"], "RS256", CONFIG["issuer"], RESOURCE)
    assert claims["sub"] == USER["id"] and claims["client_id"] == ACCOUNT["client_email"], claims


def salesforce_is_refused(answer, why):
    assert answer.status_code == 400 and why in answer.json()["error_description"], answer.text


check("google-auth for itself", lambda: google_obtains(google_here(), ACCOUNT["client_email"]))
check("google-auth for a user", lambda: google_obtains(google_here().with_subject(USER["username"]), USER["id"]))
check(
    "google-auth with another key",
    lambda: google_is_refused(google_here(another_key()), "its signature was made by none of the registered keys"),
)
check("google-auth with an assertion for Google", lambda: google_is_refused(google(), "its aud must be"))
check("google-auth without a subject", lambda: google_is_refused(google_here(subject=None), "its claim sub"))
check("Salesforce's flow for a user", salesforce_obtains)
check(
    "Salesforce's flow with another key",
    lambda: salesforce_is_refused(salesforce(another_key()["private_key"]), "its signature was made by none"),
)
check(
    "Salesforce's flow with an exp that is text",
    lambda: salesforce_is_refused(salesforce(exp=lambda at: f"{at:.0f}"), "its exp is not a number"),
)
