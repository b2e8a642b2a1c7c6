#!/usr/bin/env python3
"""Every rule of `dirca template lint` has its heading, condition and cure in docs/TEMPLATE-LINT.md, and no heading is left over."""
import re
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402

source = (tables.TOP / "templates/lint.c").read_text(encoding="utf-8")
table = source[source.index("rules[] = {"):source.index("\n};") + 1]
rows = re.findall(r'\{"([A-Z0-9]+)",(.*?)\}(?=,\n)', table, re.S)
rules = {name: not body.rstrip().endswith("NULL") for name, body in rows}
page = (tables.TOP / "docs/TEMPLATE-LINT.md").read_text(encoding="utf-8")
sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.S | re.M))
bad = 0
for name in sorted(set(rules) ^ set(sections)):
    print(f"{name}: {'has no heading in docs/TEMPLATE-LINT.md' if name in rules else 'is no rule of templates/lint.c'}")
    bad += 1
for name, unseen in rules.items():
    text = sections.get(name, "")
    if not unseen and not ("Condition:" in text and "Cure:" in text):
        print(f"{name}: its section lacks condition or cure")
        bad += 1
sys.exit(1 if bad or len(rules) < 20 else 0)
