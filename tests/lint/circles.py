#!/usr/bin/env python3
"""usage: circles.py BUILD. Objects of the libraries need each other in one direction only, and rooms too: read from the symbols (nm).

dirca, which has no business there, does not link the database. What is not so yet would stand in KNOWN.
"""
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
from symbols import arrows  # noqa: E402

KNOWN = set()


def circles(graph):
    """Strongly connected components of more than one (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in graph.get(v, ()):
            if w not in index:
                visit(w)
            if w in stack:
                low[v] = min(low[v], low[w])
        if low[v] == index[v]:
            component = stack[stack.index(v):]
            del stack[stack.index(v):]
            if len(component) > 1:
                found.append(sorted(component))

    for v in sorted(graph):
        if v not in index:
            visit(v)
    return found


def needed_libraries(program):
    """Shared libraries that an ELF file asks for itself."""
    text = subprocess.run(["objdump", "-p", program], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^\s*NEEDED\s+(\S+)", text, re.M))


def main():
    sys.setrecursionlimit(5000)
    graph = arrows(sys.argv[1])
    seen = set()
    for circle in circles(graph):
        rooms = {name.split("/")[0] for name in circle}
        seen.add(f"{' '.join(sorted(rooms))}: " + " ".join(name.split("/")[1] for name in circle))
    for text in sorted(seen - KNOWN):
        print(f"a circle: {text}")
    for text in sorted(KNOWN - seen):
        print(f"no longer a circle, take it off the list: {text}")
    client, daemon = (needed_libraries(pathlib.Path(sys.argv[1]) / "bin" / name) for name in ("dirca", "dircad"))
    database = {name for name in daemon if name.startswith("libsqlite3")}
    if client & database or not database:
        print("dirca links the database, or dircad does not")
        return 1
    return 1 if seen != KNOWN or len(graph) < 200 or not circles({"a": {"b"}, "b": {"a"}}) else 0


sys.exit(main())
