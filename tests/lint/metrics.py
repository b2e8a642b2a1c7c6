#!/usr/bin/env python3
"""docs/MONITORING.md lists exactly the metrics of ca/service/metrics.h, of the same kind, and its alert rules ask for no
other; their causes are errors of base/err.h, and their other labels those of the list."""
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

rules = re.findall(r"^\s+expr: (.*)$", text, re.M)
errors = set(re.findall(r"X\(0x[0-9A-F]+u, (\w+),", tables.source("base/err.h")))
for rule in rules:
    asked = re.findall(r"\b(dirca_\w+)(?:\{([^}]*)\})?", rule)
    if not asked and "up{" not in rule:
        complaints.append(f"an alert that asks for no metric: {rule}")
    for name, labels in asked:
        base = next((name[: -len(p)] for p in PARTS if name.endswith(p) and kinds.get(name[: -len(p)]) == "histogram"), name)
        if base not in kinds or (base == name and kinds[base] == "histogram"):
            complaints.append(f"an alert asks for {name}, which ca/service/metrics.h does not have")
            continue
        labels_known = listed.get(base, ("", ""))[1]
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            known = value in errors if label == "cause" else f"`{value}`" in labels_known or base == "dirca_request_duration_seconds"
            if f"`{label}`" not in labels_known or not known:
                complaints.append(f"an alert asks for {name} with {label}={value!r}, which the list does not know")
if not kinds or not rules:
    complaints.append("no metrics or no alert rules were found")
for complaint in complaints:
    print(complaint)
sys.exit(bool(complaints))
