#!/usr/bin/env python3
"""docs/openapi.yaml describes exactly the routes that ca/service/routes.c has, and a request with exactly the
columns that ca/store/columns.h shows; the client knows the same columns and prints no other members of it."""
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
# "**" is one parameter too, whatever is in it.
routes = {(method, pattern.replace("**", "*")) for method, pattern in tables.routes()}
for method, pattern in sorted(routes - described):
    print(f"docs/openapi.yaml lacks {method} {pattern}")
for method, pattern in sorted(described - routes):
    print(f"ca/service/routes.c lacks {method} {pattern}")

# What the API says of each kind of column. RequestID and HasArchivedKey are in no list.
KINDS = {
    "COL_DISPOSITION": "$ref: \"#/components/schemas/Disposition\"",
    "COL_STATUS": "type: string",
    "COL_VERSION": "type: integer",
    "COL_REASON": "type: integer, nullable: true",
    "COL_WHEN": "type: string, format: date-time, nullable: true",
    "COL_TEXT": "type: string, nullable: true",
    "COL_BLOB": "type: string, nullable: true",
}
shown = {m: KINDS[kind] for m, kind in tables.request_columns().items()}
shown |= {"request_id": "type: integer", "archived_key": "type: boolean"}
schemas = tables.source("docs/openapi.yaml")
request = re.search(r"\n    Request:\n(.*?)\n    \w", schemas, re.S)[1]
members = dict(re.findall(r"\n        (\w+): \{(.*)\}", request))
wrong = [m for m in sorted(shown.keys() | members.keys()) if not members.get(m, "").startswith(shown.get(m, "?"))]
for m in wrong:
    print(f"ca/store/columns.h and docs/openapi.yaml differ about the member {m} of a request")

candidate = re.search(r"\n    Candidate:\n(.*?)\n    \w", schemas, re.S)[1]
known = shown.keys() | set(re.findall(r"\n            (\w+): \{", candidate))
for name in ("cli/request_list.c", "cli/cmd_getkey.c"):
    printed = set(re.findall(r'json_(?:text|object_get)\((?:r|c|row), "(\w+)"\)', tables.source(name)))
    wrong += sorted(printed - known) if printed else [name]
    for m in sorted(printed - known):
        print(f"{name} reads the member {m}, which no request has")


def columns(name):
    """{column: (kind, the CA sorts by it)} of the members in the table of a list."""
    rows = re.findall(r'\n    \{"(\w+)", TABLE_(\w+), (true|false), NULL\},', tables.source(name))
    return {m: (kind, indexed == "true") for m, kind, indexed in rows}


# What is sorted by: as the store has indexes.
sorts = {m: (kind, column, member) for kind, column, member, m in tables.sorted_columns()}
for m in sorted(m for m, row in sorts.items() if row not in tables.column_rows()):
    print(f"ca/store/columns.h: what SORTED_COLUMNS says of {m} is not what the other lists say")
    wrong.append(m)
offered = re.search(r"name: sort\n.*?enum: \[request_id, (.*?)\]", schemas, re.S)[1].split(", ")
client = [m for m, (_, indexed) in columns("cli/request_columns.c").items() if indexed]
for name, names in (("docs/openapi.yaml", {"request_id", *offered}), ("cli/request_columns.c", set(client))):
    for m in sorted(names ^ {"request_id", *sorts}):
        print(f"{name} and ca/store/columns.h differ about sorting by {m}")
        wrong.append(m)

# Each $ref leads to a component, each component is led to, and a path has methods alone.
components, room, section = set(), None, None
for line in schemas.splitlines():
    if m := re.match(r"(\w+):", line):
        room = m[1]
    elif m := re.match(r"  (\w+):", line):
        section = m[1]
    elif m := re.match(r"    (\w+):", line):
        if room == "components":
            components.add(f"{section}/{m[1]}")
        elif room == "paths" and m[1] not in ("get", "put", "post", "parameters"):
            wrong.append(m[1])
            print(f"docs/openapi.yaml: {m[1]} is no method of a path")
# What a route takes beside its path is what it refuses others for.
import yaml  # noqa: E402

tree = yaml.safe_load(schemas)


def whole(node):
    while "$ref" in node:
        name, node = node["$ref"], tree
        for step in name.removeprefix("#/").split("/"):
            node = node[step]
    return node


MARKS = {"array": "[]", "boolean": "?", "string": ""}
handlers = {(method, pattern.replace("**", "*")): handler for method, pattern, handler in tables.route_handlers()}
inputs, operation_ids = tables.route_inputs(), []
for path, methods in tree["paths"].items():
    for method, operation in methods.items():
        if method == "parameters":
            continue
        operation_ids.append(operation.get("operationId", path))
        if not path.startswith("/dirca/v1/"):
            continue
        query = [p["name"] for p in map(whole, operation.get("parameters", [])) if p["in"] == "query"]
        body = whole(operation.get("requestBody", {})).get("content", {}).get("application/json", {"schema": {}})
        members = [n + MARKS[whole(s)["type"]] for n, s in whole(body["schema"]).get("properties", {}).items()]
        takes = inputs.pop(handlers.get((method.upper(), re.sub(r"\{[^}]*\}", "*", path))), ([], []))
        if (sorted(query), sorted(members)) != tuple(map(sorted, takes)):
            print(f"ca/service/route_input.c and docs/openapi.yaml differ about what {method.upper()} {path} takes")
            wrong.append(path)
for name in inputs:
    print(f"ca/service/route_input.c: {name} is no handler of a route below /dirca/v1")
    wrong.append(name)
for name in sorted({n for n in operation_ids if operation_ids.count(n) > 1 or not re.fullmatch(r"[a-z][A-Za-z0-9]*", n)}):
    print(f"docs/openapi.yaml: {name} has no operationId of its own")
    wrong.append(name)
# Columns of lists are the members of a row, instants as such; lists and objects are none.
for name, schema in (("cli/request_columns.c", "Request"), ("cli/cmd_audit.c", "AuditRecord"), ("cli/cmd_events.c", "Event"),
                     ("cli/cmd_case.c", "Case"), ("cli/cmd_archive_batch.c", "Batch")):
    members = {m: whole(s) for m, s in tree["components"]["schemas"][schema]["properties"].items()}
    of_row = {m: s.get("format") == "date-time" for m, s in members.items() if s["type"] not in ("array", "object")}
    in_list = {m: kind == "WHEN" for m, (kind, _) in columns(name).items()}
    for m in sorted({m for m, _ in of_row.items() ^ in_list.items()}) or ([] if of_row else [schema]):
        print(f"{name} and docs/openapi.yaml differ about the column {m}")
        wrong.append(m)
drills = set(re.findall(r'"(\w+)"', re.search(r'json_pack\("\{s:s, s:s, s:s, s:s\?, s:I, s:I, s:s\}"(.*?)\);', tables.source("ca/service/drill_acts.c"), re.S)[1]))
for m in sorted(drills ^ columns("cli/cmd_archive.c").keys()):
    print(f"ca/service/drill_acts.c and cli/cmd_archive.c differ about the column {m}")
    wrong.append(m)

# A state has one name: what is counted, and who prints or measures the counts, says it as a row does.
states = set(re.findall(r'return "(\w+)"', tables.source("ca/store/requests.c").split("\ndisposition_name(")[1].split("\n}")[0]))
schema = tree["components"]["schemas"]
counted = set(next(s["properties"]["requests"]["properties"] for s in schema.values() if "broken_oids" in s.get("properties", {}))) - {"archived_keys"}
measured = set(re.search(r"`dirca_requests`.*`disposition`: ([^|]*) \|", tables.source("docs/MONITORING.md"))[1].replace("`", "").split(", "))
printed = [re.search(start + r"[^{]*\{(.*?)\}", tables.source(name), re.S)[1] for name, start in
           (("cli/cmd_expiring.c", r"names\[\] ="), ("cli/cmd_ca.c", r"counts\[\] ="))]
for what in (counted, measured, *(set(re.findall(r'"(\w+)"', p)) - {"archived_keys"} for p in printed)):
    for name in sorted(what - states) or ([] if what else ["nothing"]):
        print(f"{name} is counted, which is no disposition")
        wrong.append(name)
if tree["info"]["version"] not in tables.source("CMakeLists.txt").split("project(")[1].split(")")[0]:
    print("docs/openapi.yaml is of another version than the program")
    wrong.append("version")
led_to = {r.removeprefix("#/components/") for r in re.findall(r'\$ref: "([^"]*)"', schemas)}
for name in sorted(led_to - components):
    print(f"docs/openapi.yaml: $ref to {name}, which is nowhere")
for name in sorted(n for n in components - led_to if not n.startswith("securitySchemes/")):
    print(f"docs/openapi.yaml: nothing leads to {name}")
wrong += sorted(led_to ^ {n for n in components if not n.startswith("securitySchemes/")})
sys.exit(0 if routes and routes == described and len(shown) > 2 and not wrong else 1)
