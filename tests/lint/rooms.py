#!/usr/bin/env python3
"""The table of rooms in docs/ARCHITECTURE.md says what each may include: the LINKS of CMakeLists.txt, no more and no less."""
import re
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402


def linked(cmake):
    """{folder: folders that it links}."""
    rooms = {}
    for folder, rest in re.findall(r"^dirca_room\((\S+)([^)]*)\)", cmake, re.M):
        links = re.search(r"LINKS((?:\s+(?:dirca_\w+|PkgConfig::\w+))+)", rest)
        rooms[folder] = re.findall(r"dirca_(\w+)", links.group(1)) if links else []
    names = {folder.removeprefix("ca/").replace("/", "_"): folder for folder in rooms}
    return {folder: {names[name] for name in links} for folder, links in rooms.items()}


def told(text):
    """The same from the table."""
    rows = re.findall(r"^\| `([\w/]+)/` \| .* \| ([^|]*) \|$", text, re.M)
    return {folder: set(re.findall(r"`([\w/]+)/`", may)) for folder, may in rows}


def main():
    is_so = linked((tables.TOP / "CMakeLists.txt").read_text(encoding="utf-8"))
    is_told = told((tables.TOP / "docs/ARCHITECTURE.md").read_text(encoding="utf-8"))
    bad = 0
    for folder in sorted(is_so.keys() | is_told.keys()):
        if is_so.get(folder) != is_told.get(folder):
            print(f"{folder}: links {is_so.get(folder)}, docs/ARCHITECTURE.md says {is_told.get(folder)}")
            bad += 1
    return 1 if bad or len(is_so) < 15 else 0


sys.exit(main())
