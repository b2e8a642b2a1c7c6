#!/usr/bin/env python3
"""Asks a CA that has requests, archived keys and cases everything that docs/openapi.yaml describes under GET and that is JSON, and what it has
not got, and holds each answer against the description; the CA's own copy of it too.

usage: openapi_live.py URL CA-CERTIFICATE PASSWORD-FOLDER TOKEN OFFICER USER TEMPLATE [DESCRIPTION]    TOKEN: of archived keys"""
import base64
import json
import pathlib
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
from described import DESCRIPTION, Description  # noqa: E402

url, certificate, passwords, token, officer, user, template = sys.argv[1:8]
text = (pathlib.Path(sys.argv[8]) if len(sys.argv) > 8 else DESCRIPTION).read_text(encoding="utf-8")
opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=certificate)))
described = Description(text)
faults, seen = [], {}


def ask(method, path, who, body=None, kind="application/json"):
    request = urllib.request.Request(url + path, method=method, data=body)
    if who:
        password = (pathlib.Path(passwords) / who).read_text()
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{who}:{password}".encode()).decode())
    if body is not None:
        request.add_header("Content-Type", kind)
    try:
        with opener.open(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers, refusal.read()


def expect(status, method, path, who, body=None, kind="application/json"):
    """An answer as it is described, of that status; its JSON."""
    got, headers, text = ask(method, path, who, body, kind)
    if got != status:
        faults.append(f"{method} {path} by {who}: {got} and not {status}: {text[:300]!r}")
    if described.operation(method, path):
        faults.extend(described.faults(method, path, got, headers, text))
    elif got >= 400 and (set(json.loads(text)) != {"error"} or not headers.get("Dirca-Error")):
        faults.append(f"{method} {path}: {got} is not told as a refusal is: {text[:200]!r}")
    return headers, json.loads(text) if headers.get("Content-Type") == "application/json" else text


def last(name, query, list_of, key):
    rows = expect(200, "GET", f"/dirca/v1/{name}?{query}", "auditor")[1].get(list_of)
    if not rows:
        sys.exit("\n".join([*faults, f"there are no {list_of}"]))
    return rows[-1][key]


# Who asks, with which parameters, for each path with JSON under GET.
ids = {
    "/dirca/v1/requests/{id}": last("requests", "limit=5", "requests", "request_id"),
    "/dirca/v1/cases/{id}": last("cases", "state=all", "cases", "case_id"),
}
parameters = {
    "findCandidates": {"token": token},
    "getRequest": {"groups": "true"},
    "explainEnrollment": {"user": user, "template": template},
    "explainRecovery": {"officer": officer, "user": token},
    "explainRequest": {"request": last("requests", "limit=1", "requests", "request_id")},
    "listExpiring": {"within": "3000000000"},
    "listCases": {"state": "all"},
}
asks_as = {"findCandidates": "officer1", "explainRequest": "officer1"}
may_be_empty = {"listBatches", "listExpiring", "verifyArchivedKeys", "getRequest", "listEvents"}

for method, path, operation in described.operations():
    name = operation["operationId"]
    if method != "GET" or "application/json" not in str(described.whole(operation["responses"].get("200", {})).get("content", "")):
        continue
    if "{" in path and path not in ids:
        faults.append(f"{path}: nobody said what to ask for")
        continue
    query = urllib.parse.urlencode(parameters.get(name, {}))
    at = (path.replace("{id}", str(ids[path])) if path in ids else path) + ("?" + query if query else "")
    _, answer = expect(200, "GET", at, asks_as.get(name, "auditor"))
    lists = [v for v in answer.values() if isinstance(v, list)]
    if lists and not any(lists) and name not in may_be_empty:
        faults.append(f"{path}: the lists of the answer are empty")
    seen[name] = True
    expect(400, "GET", at + ("&" if query else "?") + "dispositon=pending", asks_as.get(name, "auditor"))

# What there is not.
for who in ("auditor", None):
    expect(404, "GET", "/dirca/v1/nothing", who)
    expect(404, "GET", "/dirca/nothing.crl", who)
allow = expect(405, "DELETE", "/dirca/v1/requests", "auditor", b"{}")[0].get("Allow")
if allow != "GET, HEAD":
    faults.append(f"Allow of requests: {allow}")
allow = expect(405, "PUT", "/dirca/v1/cases", "auditor", b"{}")[0].get("Allow")
if allow != "GET, HEAD, POST":
    faults.append(f"Allow of cases: {allow}")
expect(401, "GET", "/dirca/v1/ca", None)
expect(415, "POST", "/ocsp", None, b"{}")
expect(400, "GET", "/dirca/v1/requests?limit=1&limit=2", "auditor")
expect(400, "PUT", "/dirca/v1/settings/CA%5CCRLPeriod", "caadmin", b'{"value":2}')
expect(400, "PUT", "/dirca/v1/settings/CA%5CCRLPeriod", "caadmin", b'{"valu":"2"}')
expect(400, "POST", "/dirca/v1/revocations", "officer1", b'["01"]')
expect(400, "POST", "/dirca/v1/cases", "officer1", b'{"keys":[1],"reason":"lost","ticket":"1"}')
expect(400, "GET", "/dirca/v1/openapi.yaml?version=2", None)

if expect(200, "GET", "/dirca/v1/openapi.yaml", None)[1] != text.encode():
    faults.append("the CA tells another description")
for f in faults:
    print(f)
print(f"{len(seen)} kinds of answers held against the description")
sys.exit(1 if faults or len(seen) < 12 else 0)
