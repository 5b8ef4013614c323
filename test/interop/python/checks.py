"""Every Python client reads the configuration from standard input, and prints one line of JSON per
check."""

import json
import sys
import traceback

CONFIG = json.load(sys.stdin)


def check(name, body):
    report = {"check": name, "ok": True, "detail": ""}
    try:
        body()
    except Exception:
        report.update(ok=False, detail=traceback.format_exc())
    print(json.dumps(report), flush=True)
