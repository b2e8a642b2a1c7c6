#!/usr/bin/env python3
"""docs/EVENTS.md lists exactly the events of ca/events/events.h, each with its name, level, variables and the files that raise it."""
import re
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402

source = tables.source("ca/events/events.h").replace("\\\n", " ")
rows = re.findall(r'X\((\w+), (\d+), (\w+), (\w+), "(\w+)", "[^"]*",\s*"([^"]*)"', source)
listed = {
    int(m[1]): (m[2], m[3], m[4].strip(), m[5].strip())
    for m in re.finditer(r"^\| (\d+) \| (\w+) \| (\w+) \|([^|]*)\|([^|]*)\|$", tables.source("docs/EVENTS.md"), re.M)
}
complaints = []


def raisers(event):
    """Files that name it; the rooms that only know and tell events are others."""
    return sorted(
        str(p.relative_to(tables.TOP))
        for p in (tables.TOP / "ca").rglob("*.c")
        if p.parent.name not in ("events", "service") and re.search(rf"\bEVENT_{event}\b", p.read_text(encoding="utf-8"))
    )


for event, number, level, _, name, variables in rows:
    by = ", ".join(f"`{f}`" for f in raisers(event)) or "nothing yet"
    want = (name, level.lower(), variables, by)
    if listed.get(int(number)) != want:
        complaints.append("docs/EVENTS.md should have | " + " | ".join((number, *want)).replace("|  |", "| |") + " |")
complaints += [f"docs/EVENTS.md has {n}, which ca/events/events.h has not" for n in listed if str(n) not in {r[1] for r in rows}]
if len(rows) != len(re.findall(r"\bX\([A-Z]", source)):
    complaints.append("the table of ca/events/events.h is not understood")
for complaint in complaints:
    print(complaint)
sys.exit(bool(complaints))
