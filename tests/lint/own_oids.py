#!/usr/bin/env python3
"""An object identifier under the project's arc means one thing: those of messages (ca/messages/oids.h) are distinct and none of the
directory's (ldif/)."""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
ARC = "1.2.840.113556.1.8000.2554.37439.18520.28200.17134.42653.6345135.7414574"
OWN = re.compile(re.escape(ARC) + r"(?:\.\d+)+")

messages = OWN.findall((TOP / "ca/messages/oids.h").read_text(encoding="utf-8"))
directory = set()
for path in (TOP / "ldif").rglob("*.ldif"):
    directory |= set(OWN.findall(path.read_text(encoding="utf-8").replace("\n ", "")))
bad = sorted({o for o in messages if messages.count(o) > 1 or o in directory})
for oid in bad:
    print(f"{oid}: used twice")
if not messages or not directory:
    bad.append("nothing found: mend this lint")
    print(bad[-1])
sys.exit(1 if bad else 0)
