#!/usr/bin/python3
"""The table of base/printable.c against Unicode's categories as Python knows them: every control, format and separator
character is in it, and what else is in it is not assigned."""
import pathlib
import re
import sys
import unicodedata

HIDDEN = {"Cc", "Cf", "Zl", "Zp"}


def main():
    source = pathlib.Path(__file__).resolve().parents[2] / "base/printable.c"
    ranges = [(int(a, 16), int(b, 16)) for a, b in re.findall(r"\{0x([0-9a-f]+), 0x([0-9a-f]+)\}", source.read_text())]
    bad = 0
    if ranges != sorted(ranges) or not ranges:
        print("printable.c: the ranges are not in order")
        bad = 1
    listed = {c for first, last in ranges for c in range(first, last + 1)}
    for c in range(0x110000):
        category = unicodedata.category(chr(c))
        if category in HIDDEN and c not in listed:
            print(f"printable.c: U+{c:04X} is {category} and missing")
            bad = 1
        # A newer Unicode than Python's may have assigned it; characters that people see have none of these categories.
        if c in listed and category not in HIDDEN | {"Cn"}:
            print(f"printable.c: U+{c:04X} is {category} and listed")
            bad = 1
    return bad


sys.exit(main())
