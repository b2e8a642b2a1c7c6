#!/usr/bin/env python3
"""The tables of flags in docs/TEMPLATES.md are those of templates/flags.c. With --print: the tables, to be put there."""
import re
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402

ROLES = {"HONOURED": "honoured", "REFUSED": "refused", "IGNORED": "ignored", "CLIENT": "client", "RESERVED": "reserved"}
WORDS = {"general_flags": "flags", "enrollment_flags": "msPKI-Enrollment-Flag", "name_flags": "msPKI-Certificate-Name-Flag",
         "private_key_flags": "msPKI-Private-Key-Flag"}


MASKS = dict(re.findall(r"#define CT_FLAG_(\w+)\s+0x([0-9a-f]{8})u", tables.source("templates/tmpl.h")))


def rows(text, word):
    """(mask, name, role, effect) of one array: FLAG(name of tmpl.h, ...), or a row with number and name."""
    for flag, mask, name, role, effect in re.findall(
            r'(?:FLAG\(\s*(\w+)|\{0x([0-9a-f]{8})u,\s*"([^"]*)"),\s*([A-Z]+),\s*((?:"[^"]*"\s*)+)[})]', tables.table(text, f"{word}[] =")):
        yield mask or MASKS[flag], name or f"CT_FLAG_{flag}", ROLES[role], "".join(re.findall(r'"([^"]*)"', effect))


def expected():
    text = tables.source("templates/flags.c")
    for word, attribute in WORDS.items():
        yield f"### {attribute}\n\n| bit | name | this CA | |\n| --- | --- | --- | --- |\n" + "".join(
            f"| 0x{mask} | {name} | {role} | {effect} |\n" for mask, name, role, effect in rows(text, word))


def main():
    if sys.argv[1:] == ["--print"]:
        print("\n".join(expected()))
        return 0
    page = tables.source("docs/TEMPLATES.md")
    bad = 0
    for block in expected():
        heading = block.splitlines()[0]
        if block.count("\n") < 14:
            print(f"templates/flags.c: fewer rows of {heading} than there are flags")
            bad += 1
        if block not in page:
            print(f"docs/TEMPLATES.md: '{heading}' differs from templates/flags.c; tests/lint/template_flags.py --print")
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
