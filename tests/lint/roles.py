#!/usr/bin/env python3
"""docs/ROLES.md says of each verb and each route whose act it is, as cli/verbs.h and ca/service/routes.c do. With --print: the tables, to be
put there."""
import re
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402

ACTORS = {
    "BY_ANYBODY": "whoever signs in; of others' requests nothing is shown",
    "BY_ENROLLEE": "Request Certificates",
    "BY_VIEWER": "Read, or one of the roles",
    "BY_AUDITOR": "Auditor",
    "BY_WATCHER": "Auditor, or Manage CA",
    "BY_REVIEWER": "Auditor, or Issue and Manage Certificates",
    "BY_OFFICER": "Issue and Manage Certificates",
    "BY_ADMIN": "Manage CA",
}


def verbs():
    text = tables.source("cli/verbs.h").replace("\\\n", " ")
    words = dict(re.findall(r'#define (WHO_\w+)\s+"([^"]*)"', text))
    for name, who in re.findall(r'X\(\s*"([a-z -]+)",\s*"[^"]*",\s*\d+,\s*\w+,\s*GROUP_\w+,\s*(WHO_\w+),', text):
        yield f"`dirca {name}`", words[who]


def routes():
    for method, pattern, is_open, actor in re.findall(r'\{"([A-Z]+)", "(/[^"]*)", (true|false), (?:true|false), ROUTE_\w+,\s+(BY_\w+),', tables.source("ca/service/routes.c")):
        yield f"{method} `{pattern}`", "anybody" if is_open == "true" else ACTORS[actor]


def table(head, rows):
    return f"| {head} | by |\n| --- | --- |\n" + "".join(f"| {act} | {who} |\n" for act, who in rows)


expected = [table("verb", verbs()), table("route", routes())]
if sys.argv[1:] == ["--print"]:
    print("\n".join(expected))
    sys.exit(0)
page = tables.source("docs/ROLES.md")
bad = [t for t in expected if t not in page or t.count("\n") < 20]
for t in bad:
    print("docs/ROLES.md lacks this table:\n" + t)
sys.exit(bool(bad))
