#!/usr/bin/env python3
"""The table of presets in CONTRIBUTING.md is that of CMakePresets.json, and no command of the documents names another."""
import json
import re
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402

presets = json.loads((tables.TOP / "CMakePresets.json").read_text(encoding="utf-8"))
visible = {p["name"] for p in presets["configurePresets"] if not p.get("hidden")}
page = (tables.TOP / "CONTRIBUTING.md").read_text(encoding="utf-8")
table = page[page.index("| preset |"):]
listed = set(re.findall(r"^\| `(\w+)` \|", table[: table.index("\n\n")], re.M))
bad = 0
for name in sorted(visible ^ listed):
    print(f"{name}: {'is not in the table of CONTRIBUTING.md' if name in visible else 'is no preset of CMakePresets.json'}")
    bad += 1
for document in [*tables.TOP.glob("*.md"), *tables.TOP.glob("docs/*.md"), *tables.TOP.glob("tests/**/*.md"), tables.TOP / "check"]:
    for name in set(re.findall(r"--preset (\w+)", document.read_text(encoding="utf-8"))) - visible:
        print(f"{document.relative_to(tables.TOP)} names the preset {name}, which does not exist")
        bad += 1
sys.exit(1 if bad or not listed else 0)
