#!/usr/bin/env python3
"""Every fault of docs/FAULTS.md has a test, and what the test is said to be called there stands in that file."""
import re
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402

page = (tables.TOP / "docs/FAULTS.md").read_text(encoding="utf-8")
rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| | fault", "| | what", "| ---"))]
bad = 0
for row in rows:
    tests = re.findall(r"`(tests/[\w/.]+)` \(([^)]*)\)", row[-1])
    if not tests:
        print(f"{row[0]}: no test is named")
        bad += 1
    for name, calls in tests:
        file = tables.TOP / name
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        for call in calls.split("; "):
            if call not in text:
                print(f"{row[0]}: {name} has no '{call}'")
                bad += 1
numbers = {row[0] for row in rows}
for number in [f"R{i}" for i in range(1, 16)] + [f"H{i}" for i in range(1, 13)]:
    if number not in numbers:
        print(f"{number} is missing")
        bad += 1
sys.exit(1 if bad else 0)
