#!/usr/bin/env python3
"""usage: walks.py BUILD. The walks of docs/ARCHITECTURE.md: each file is called by one before it, or its line says how else it is reached."""
import re
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402
from symbols import arrows  # noqa: E402

REACHED = re.compile(r"^ \((queue|socket|file)\)")


def walks(text):
    """[(title, [(path, is reached without a call)])]"""
    section = re.search(r"^## Walks$(.*?)^## ", text, re.M | re.S).group(1)
    for part in section.split("\n### ")[1:]:
        steps = re.findall(r"^\d+\. `([\w/]+\.c)`(.*)$", part, re.M)
        yield part.splitlines()[0], [(path, REACHED.match(rest) is not None) for path, rest in steps]


def object_of(path):
    """ca/enroll/enroll.c -> enroll/enroll, as its library has it."""
    folder, name = path.removesuffix(".c").rsplit("/", 1)
    return f"{folder.removeprefix('ca/').replace('/', '_')}/{name}"


def faults(steps, graph):
    for at, (path, reached) in enumerate(steps):
        before = [p for p, _ in steps[:at]]
        if not (tables.TOP / path).exists():
            yield f"{path} does not exist"
        elif path in before:
            yield f"{path} comes twice"
        elif at > 0 and not reached and not any(object_of(path) in graph.get(object_of(p), ()) for p in before):
            yield f"{path} is called by none before it"


def main():
    graph = arrows(sys.argv[1])
    found = list(walks((tables.TOP / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")))
    bad = [f"{title}: {fault}" for title, steps in found for fault in faults(steps, graph)]
    for line in bad:
        print(line)
    wrong = [("ca/enroll/enroll.c", False), ("ca/recover/token.c", False)]
    return 1 if bad or len(found) < 3 or min(len(steps) for _, steps in found) < 5 or not list(faults(wrong, graph)) else 0


sys.exit(main())
