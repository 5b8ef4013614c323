"""A verifier that runs during the whole soak. The first line of standard input is the configuration,
and each later line is a token. The verifier answers each token with a line of JSON."""

import json
import sys
import traceback

import jwt

CONFIG = json.loads(sys.stdin.readline())
KEYS = jwt.PyJWKClient(
    CONFIG["jwks_uri"],
    lifespan=CONFIG["max_age_seconds"],  # 5 minutes by default; the library ignores Cache-Control
    cooldown_duration=CONFIG["max_age_seconds"],  # 30 s by default; for so long, an unknown kid causes no other fetch
    cache_keys=False,  # the default; a key that is cached by itself never expires
    headers={"User-Agent": CONFIG["user_agent"]},
)


def verify(token, alg, audience):
    required = {"require": ["iss", "aud", "exp", "sub"]}
    key = KEYS.get_signing_key_from_jwt(token)
    decoded = jwt.decode_complete(token, key, [alg], required, issuer=CONFIG["issuer"], audience=audience)
    assert decoded["header"]["typ"] == "at+jwt", decoded["header"]


for line in sys.stdin:
    asked = json.loads(line)
    answer = {"token_id": asked["token_id"], "ok": True, "detail": ""}
    try:
        verify(asked["token"], asked["alg"], asked["audience"])
    except Exception:
        answer.update(ok=False, detail=traceback.format_exc())
    print(json.dumps(answer), flush=True)
