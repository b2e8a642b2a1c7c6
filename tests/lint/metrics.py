#!/usr/bin/env python3
"""docs/MONITORING.md lists exactly the metrics of ca/service/metrics.h, of the same kind; its alert rules and the panels of
docs/grafana-dashboard.json ask for no other, their causes are errors of base/err.h and their other labels those of the list. The dashboard shows
all of them."""
import json
import re
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402

PARTS = ("_bucket", "_sum", "_count")
complaints = []
kinds = dict(re.findall(r'X\(METRIC_\w+,\s*"(dirca_\w+)",\s*"(\w+)"', tables.source("ca/service/metrics.h").replace("\\\n", " ")))
text = tables.source("docs/MONITORING.md")
listed = {m[1]: (m[2], m[3]) for m in re.finditer(r"^\| `(dirca_\w+)` \| (\w+) \|([^|]*)\|", text, re.M)}
complaints += [f"docs/MONITORING.md does not list {n}, a {k}" for n, k in kinds.items() if listed.get(n, ("",))[0] != k]
complaints += [f"ca/service/metrics.h has no {n}" for n in listed if n not in kinds]

def panels():
    for panel in json.loads(tables.source("docs/grafana-dashboard.json"))["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"].replace('{instance=~"$instance"}', "")


shown = list(panels())
rules = re.findall(r"^\s+expr: (.*)$", text, re.M)
complaints += [f"docs/grafana-dashboard.json does not show {n}" for n in kinds if not any(re.search(rf"\b{n}(_bucket|_count)?\b", e) for e in shown)]
errors = set(re.findall(r"X\(0x[0-9A-F]+u, (\w+),", tables.source("base/err.h")))
for rule in rules + shown:
    asked = re.findall(r"\b(dirca_\w+)(?:\{([^}]*)\})?", rule)
    if not asked and "up{" not in rule:
        complaints.append(f"an alert or panel that asks for no metric: {rule}")
    for name, labels in asked:
        base = next((name[: -len(p)] for p in PARTS if name.endswith(p) and kinds.get(name[: -len(p)]) == "histogram"), name)
        if base not in kinds or (base == name and kinds[base] == "histogram"):
            complaints.append(f"an alert or panel asks for {name}, which ca/service/metrics.h does not have")
            continue
        labels_known = listed.get(base, ("", ""))[1]
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            known = value in errors if label == "cause" else f"`{value}`" in labels_known or base == "dirca_request_duration_seconds"
            if f"`{label}`" not in labels_known or not known:
                complaints.append(f"an alert or panel asks for {name} with {label}={value!r}, which the list does not know")
if not kinds or not rules:
    complaints.append("no metrics or no alert rules were found")
for complaint in complaints:
    print(complaint)
sys.exit(bool(complaints))
