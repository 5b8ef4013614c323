"""Authlib and PyJWT against authserver."""

import base64
import json
import time
import uuid

import jwt
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import AssertionSession, OAuth2Session
from joserfc.jwk import import_key

from checks import CONFIG, check
from verifiers import Verifiers

BOTH = "read write"
JWT_BEARER = AssertionSession.JWT_BEARER_GRANT_TYPE
VERIFIERS = Verifiers(CONFIG["jwks_uri"])
LOGIN = {"username": CONFIG["user"]["username"], "password": CONFIG["user"]["password"]}


def equal(got, want, what=""):
    assert got == want, f"{what}: got {got!r}, want {want!r}"


def session(client, method="client_secret_basic"):
    return OAuth2Session(
        client["id"], client.get("secret"), token_endpoint_auth_method=method, revocation_endpoint_auth_method=method
    )


def token(client, grant, method="client_secret_basic", **params):
    return session(client, method).fetch_token(CONFIG["token_endpoint"], grant_type=grant, **params)


def refresh(client, refresh_token, method="client_secret_basic", **params):
    return session(client, method).refresh_token(CONFIG["token_endpoint"], refresh_token=refresh_token, **params)


def introspect(client, value, method="client_secret_basic"):
    answer = session(client, method).introspect_token(CONFIG["introspection_endpoint"], token=value)
    answer.raise_for_status()
    return answer.json()


def metadata():
    found = requests.get(CONFIG["issuer"] + "/.well-known/oauth-authorization-server", timeout=10).json()
    for name in ("issuer", "token_endpoint", "jwks_uri", "introspection_endpoint", "revocation_endpoint"):
        equal(found[name], CONFIG[name], name)
    assert {"client_credentials", "password", "refresh_token", JWT_BEARER} <= set(found["grant_types_supported"])
    methods = set(found["token_endpoint_auth_methods_supported"])
    assert {"client_secret_basic", "client_secret_post", "none"} <= methods, methods


def holds(alg, answer, sub, client_id):
    """Verifies the token of an answer and compares its claims."""
    resource = CONFIG["resources"][alg]["id"]
    equal(answer["token_type"].lower(), "bearer")
    assert answer["expires_in"] > 0
    equal(answer["scope"], BOTH, "scope of the answer")
    claims = VERIFIERS.verify(answer["access_token"], alg, CONFIG["issuer"], resource)
    for name, want in {"aud": resource, "sub": sub, "client_id": client_id, "scope": BOTH}.items():
        equal(claims[name], want, name)


def client_credentials(alg, method):
    app, resource = CONFIG["clients"][alg], CONFIG["resources"][alg]["id"]
    answer = token(app, "client_credentials", method, scope=BOTH, resource=resource)
    assert "refresh_token" not in answer
    holds(alg, answer, app["id"], app["id"])


def password(alg):
    app, resource = CONFIG["clients"][alg], CONFIG["resources"][alg]["id"]
    answer = token(app, "password", scope=BOTH, resource=resource, **LOGIN)
    holds(alg, answer, CONFIG["user"]["id"], app["id"])


def refresh_token(alg):
    app, resource = CONFIG["clients"][alg], CONFIG["resources"][alg]["id"]
    first = token(app, "password", "client_secret_post", scope=BOTH, resource=resource, **LOGIN)
    second = refresh(app, first["refresh_token"], "client_secret_post")
    assert second["refresh_token"] != first["refresh_token"]
    holds(alg, second, CONFIG["user"]["id"], app["id"])


def assertion(idp):
    now = int(time.time())
    claims = {"iss": idp["iss"], "aud": idp["audience"], "iat": now, "exp": now + 120, "jti": str(uuid.uuid4())}
    key = jwt.PyJWK(idp["key"], algorithm=idp["alg"]).key
    return jwt.encode(claims | idp["claims"], key, algorithm=idp["alg"], headers=idp["header"])


def jwt_bearer(alg, idp):
    app = CONFIG["clients"][alg]
    if idp["client_auth"]:
        answer = token(app, JWT_BEARER, assertion=assertion(idp), scope=BOTH)
        holds(alg, answer, idp["expect_sub"], app["id"])
        return
    service = AssertionSession(
        CONFIG["token_endpoint"],
        issuer=idp["iss"],
        subject=idp["claims"]["sub"],
        scope=BOTH,
        key=import_key(idp["key"]),
        header={"alg": idp["alg"]} | idp["header"],
    )
    holds(alg, service.refresh_token(), idp["expect_sub"], idp["iss"])


def refuses_audience(alg):
    resource = CONFIG["resources"][alg]
    value = token(CONFIG["clients"][alg], "client_credentials", resource=resource["other"])["access_token"]
    VERIFIERS.verify(value, alg, CONFIG["issuer"], resource["other"])
    VERIFIERS.both_refuse(value, alg, CONFIG["issuer"], resource["id"])


def refuses_payload(alg):
    resource = CONFIG["resources"][alg]["id"]
    value = token(CONFIG["clients"][alg], "client_credentials", resource=resource)["access_token"]
    claims = VERIFIERS.verify(value, alg, CONFIG["issuer"], resource) | {"scope": "admin"}
    header, _, signature = value.split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    VERIFIERS.both_refuse(f"{header}.{payload}.{signature}", alg, CONFIG["issuer"], resource)


def refuses_issuer(alg):
    resource = CONFIG["resources"][alg]["id"]
    value = token(CONFIG["clients"][alg], "client_credentials", resource=resource)["access_token"]
    VERIFIERS.both_refuse(value, alg, CONFIG["issuer"] + "/another", resource)


def rotation():
    """Verifies with the key sets from earlier fetches."""

    def mint(alg):
        value = token(CONFIG["clients"][alg], "client_credentials")["access_token"]
        return alg, value, jwt.get_unverified_header(value)["kid"]

    before = [mint("RS256"), mint("ES256")]
    requests.post(CONFIG["rotate_url"], timeout=60).raise_for_status()
    after = [mint("RS256"), mint("ES256")]
    for (_, _, old), (_, _, new) in zip(before, after):
        assert old != new, "the same key signs"
    for alg, value, _ in before + after:
        VERIFIERS.verify(value, alg, CONFIG["issuer"], CONFIG["resources"][alg]["id"])


def odd_secret(method):
    odd = CONFIG["odd_client"]
    value = token(odd, "client_credentials", method)["access_token"]
    equal(jwt.decode(value, options={"verify_signature": False})["sub"], odd["id"])


def public_client():
    public = CONFIG["public_client"]
    first = token(public, "password", "none", **LOGIN)
    second = refresh(public, first["refresh_token"], "none")
    equal(jwt.decode(second["access_token"], options={"verify_signature": False})["client_id"], public["id"])


def narrowed():
    app = CONFIG["clients"]["RS256"]
    first = token(app, "password", **LOGIN)
    equal(refresh(app, first["refresh_token"], scope="read")["scope"], "read")


def retried():
    app = CONFIG["clients"]["RS256"]
    first = token(app, "password", **LOGIN)["refresh_token"]
    equal(refresh(app, first)["refresh_token"], refresh(app, first)["refresh_token"])


def introspection(who):
    value = token(CONFIG["clients"]["RS256"], "password", scope="read", **LOGIN)["access_token"]
    seen = introspect(who, value)
    claims = jwt.decode(value, options={"verify_signature": False})
    assert seen["active"] is True
    for name in ("iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"):
        equal(seen[name], claims[name], name)
    equal(seen["username"], CONFIG["user"]["name"])


def introspection_refresh():
    app = CONFIG["clients"]["RS256"]
    seen = introspect(app, token(app, "password", **LOGIN)["refresh_token"], "client_secret_post")
    assert seen["active"] is True
    equal(seen["client_id"], app["id"])


def introspection_unknown():
    equal(introspect(CONFIG["clients"]["RS256"], "unknown"), {"active": False})


def revoke(client, value):
    session(client).revoke_token(CONFIG["revocation_endpoint"], token=value).raise_for_status()


def revoked_access():
    app = CONFIG["clients"]["RS256"]
    value = token(app, "client_credentials")["access_token"]
    assert introspect(app, value)["active"] is True
    revoke(app, value)
    assert introspect(app, value)["active"] is False


def revoked_family():
    app = CONFIG["clients"]["RS256"]
    answer = token(app, "password", **LOGIN)
    revoke(app, answer["refresh_token"])
    assert introspect(app, answer["access_token"])["active"] is False
    refused("invalid_grant", lambda: refresh(app, answer["refresh_token"]))


def refused(code, attempt):
    """Requires the library's error to have the error code of the server."""
    try:
        attempt()
    except OAuthError as error:
        equal(error.error, code)
        assert error.description
    except requests.HTTPError as error:  # Authlib returns the answers of introspection and revocation unchanged
        equal(error.response.json()["error"], code)
    else:
        raise AssertionError("it was accepted")


def used_assertion():
    idp = CONFIG["idps"]["RS256"][0]
    params = {"data": {"grant_type": JWT_BEARER, "assertion": assertion(idp)}, "timeout": 10}
    requests.post(CONFIG["token_endpoint"], **params).raise_for_status()
    requests.post(CONFIG["token_endpoint"], **params).raise_for_status()


def refusals():
    app = CONFIG["clients"]["RS256"]
    wrong = app | {"secret": "wrong"}
    server = CONFIG["resource_server"]
    return {
        "invalid_client for a wrong secret by client_secret_basic": lambda: token(wrong, "client_credentials"),
        "invalid_client for a wrong secret by client_secret_post": lambda: token(
            wrong, "client_credentials", "client_secret_post"
        ),
        "invalid_client at the introspection endpoint": lambda: introspect(wrong, "unknown"),
        "invalid_client at the revocation endpoint": lambda: revoke(wrong, "unknown"),
        "invalid_grant for a wrong password": lambda: token(app, "password", **LOGIN | {"password": "wrong password"}),
        "invalid_grant for an unknown refresh token": lambda: refresh(app, "unknown"),
        "invalid_grant for an assertion that was used": used_assertion,
        "invalid_scope for a scope that is not allowed": lambda: token(app, "client_credentials", scope="admin"),
        "invalid_target for a resource that is not allowed": lambda: token(
            app, "client_credentials", resource="https://nobody.example"
        ),
        "unauthorized_client for a grant that the client does not have": lambda: token(server, "client_credentials"),
        "unsupported_grant_type for an unknown grant": lambda: token(app, "urn:example:nothing"),
    }


def main():
    check("metadata found by RFC 8414", metadata)
    for alg in ("RS256", "ES256"):
        for method in ("client_secret_basic", "client_secret_post"):
            check(f"{alg} client_credentials by {method}", lambda: client_credentials(alg, method))
        check(f"{alg} password", lambda: password(alg))
        check(f"{alg} refresh_token", lambda: refresh_token(alg))
        for idp in CONFIG["idps"][alg]:
            check(f"{alg} jwt-bearer with an {idp['alg']} assertion", lambda: jwt_bearer(alg, idp))
        check(f"{alg} verifier refuses another audience", lambda: refuses_audience(alg))
        check(f"{alg} verifier refuses an altered payload", lambda: refuses_payload(alg))
        check(f"{alg} verifier refuses another issuer", lambda: refuses_issuer(alg))
    check("verifier goes on through a key rotation", rotation)
    for method in ("client_secret_basic", "client_secret_post"):
        check(f"secret that needs escaping by {method}", lambda: odd_secret(method))
    check("public client refreshes", public_client)
    check("refresh narrows the scope", narrowed)
    check("refresh retried gets the same successor", retried)
    check("introspection by the client", lambda: introspection(CONFIG["clients"]["RS256"]))
    check("introspection by the resource server", lambda: introspection(CONFIG["resource_server"]))
    check("introspection of a refresh token", introspection_refresh)
    check("introspection of an unknown token", introspection_unknown)
    check("revocation of an access token", revoked_access)
    check("revocation of a refresh token ends its family", revoked_family)
    for name, attempt in refusals().items():
        check(name, lambda: refused(name.split()[0], attempt))


main()
