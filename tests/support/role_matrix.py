#!/usr/bin/env python3
"""Calls every route of ca/service/routes.c in every role, and holds what the CA answers against the column that says whose act it is.

usage: role_matrix.py URL CA-CERTIFICATE PASSWORD-FOLDER PKCS10 CMC ROLE=USER...
ROLE is outsider, enrollee, reader, operator, auditor, officer, admin, or both: officer and administrator where roles are kept apart.
Prints a row a route, "yes" and "no" by role; fails where an answer is not what the column says or not as
docs/openapi.yaml describes it, and for an actor that is not known here."""
import base64
import json
import pathlib
import re
import ssl
import sys
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
from described import DESCRIPTION, Description  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "ca/service/routes.c"
DESCRIBED = Description(DESCRIPTION.read_text(encoding="utf-8"))
MAY = {
    "BY_ANYBODY": {"outsider", "enrollee", "reader", "operator", "auditor", "officer", "admin", "both"},
    "BY_ENROLLEE": {"enrollee"},
    "BY_VIEWER": {"reader", "auditor", "officer", "admin", "both"},  # Read is no role
    "BY_AUDITOR": {"auditor"},
    "BY_WATCHER": {"auditor", "admin"},
    "BY_REVIEWER": {"auditor", "officer"},
    "BY_OFFICER": {"officer"},
    "BY_ADMIN": {"admin"},
}
ROLE_ACTS = {"BY_OFFICER", "BY_ADMIN", "BY_WATCHER", "BY_REVIEWER"}  # of "both"


def routes():
    row = r'\{"([A-Z]+)", "([^"]*)", (true|false), (?:true|false), ROUTE_\w+,\s+(BY_\w+),\s*(\w+)\}'
    text = SOURCE.read_text()
    found = re.findall(row, text)
    if len(found) != len(re.findall(r'\{"[A-Z]+", "/', text)):
        sys.exit("role_matrix.py does not understand every row of routes.c")
    return [r for r in found if r[2] == "false"]


def request_of(method, pattern, handler, user, pkcs10, cmc):
    star = "CA%5CEncryptionCSP%5CCNGEncryptionAlgorithm" if "settings" in pattern else "999999" if "requests" in pattern or "cases" in pattern else "User"
    path, body = pattern.replace("*", star), None
    if method in ("POST", "PUT"):
        body = b"{}"
    if "/est/" in pattern:
        body = cmc if "cmc" in pattern else pkcs10
    if "settings/" in pattern:
        body = json.dumps({"value": "AES"}).encode()
    if handler == "route_revocation":
        body = json.dumps({"serial_number": "01"}).encode()
    if handler == "route_recovery_blob":
        body = json.dumps({"serial": "01"}).encode()
    query = {
        "route_candidates": {"token": "user1@nwtraders.com"},
        "route_explain_enroll": {"user": "NWTRADERS\\" + user, "template": "User"},
        "route_explain_request": {"request": "999999"},
        "route_explain_recover": {"officer": "NWTRADERS\\" + user, "user": "NWTRADERS\\user1"},
    }.get(handler)
    return path + ("?" + urllib.parse.urlencode(query) if query else ""), body


def ask(opener, url, method, path, body, user, password):
    request = urllib.request.Request(url + path, method=method, data=body)
    request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
    if body is not None:
        request.add_header("Content-Type", "application/json" if body[:1] == b"{" else "application/pkcs10")
    try:
        with opener.open(request) as answer:
            status, headers, text = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refusal:
        status, headers, text = refusal.code, refusal.headers, refusal.read()
    return status, (headers.get("Dirca-Error") or "").split(" ")[-1], DESCRIBED.faults(method, path, status, headers, text)


def main():
    url, certificate, passwords = sys.argv[1:4]
    roles = dict(r.split("=") for r in sys.argv[6:])
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=certificate)))
    bodies = [pathlib.Path(p).read_bytes() for p in sys.argv[4:6]]
    wrong = 0
    for method, pattern, _, actor, handler in routes():
        row = []
        for role, user in roles.items():
            path, sent = request_of(method, pattern, handler, user, *bodies)
            password = (pathlib.Path(passwords) / user).read_text()
            status, code, faults = ask(opener, url, method, path, sent, user, password)
            conflict = role == "both" and actor in ROLE_ACTS
            refused = code in ({"CERTSRV_E_ROLECONFLICT"} if conflict else {"E_ACCESSDENIED", "CERTSRV_E_ENROLL_DENIED"})
            right = (not refused and status != 401 and status < 500) if role in MAY[actor] else refused and status == 403
            for fault in faults:
                print(fault)
            wrong += len(faults)
            row.append(("no" if refused else "yes") + ("" if right else f" ({status} {code})!"))
            wrong += not right
        print(f"{method:4} {pattern:42} {actor:12} " + " ".join(f"{r}={a}" for r, a in zip(roles, row)))
    sys.exit(f"{wrong} answers are not what routes.c and the description say" if wrong else 0)


main()
