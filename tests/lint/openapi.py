#!/usr/bin/env python3
"""docs/openapi.yaml describes exactly the routes that ca/service/routes.c has."""
import re
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402

described, path = set(), None
for line in tables.source("docs/openapi.yaml").splitlines():
    if re.match(r"\S", line):
        path = None
    if m := re.match(r"  (/\S*):$", line):
        path = re.sub(r"\{[^}]*\}(\.[a-z]+)?", "*", m[1])
    elif path and (m := re.match(r"    (get|put|post|delete|patch|head):(?: [&*].*)?$", line)):
        described.add((m[1].upper(), path))
routes = tables.routes()
for method, pattern in sorted(routes - described):
    print(f"docs/openapi.yaml lacks {method} {pattern}")
for method, pattern in sorted(described - routes):
    print(f"ca/service/routes.c lacks {method} {pattern}")
sys.exit(0 if routes and routes == described else 1)
