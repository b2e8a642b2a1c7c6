#!/usr/bin/env python3
"""Files and folders that the documents name exist; so do the pages that manual pages refer to."""
import re
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402

tops = {p.name for p in tables.TOP.iterdir() if not p.name.startswith(".git")} - {"build"}
documents = [p for pattern in ("*.md", "docs/**/*.md", "ldif/*.md", "tests/**/*.md", "NEWS", "docs/*.service", "docs/openapi.yaml") for p in tables.TOP.glob(pattern)]
bad = 0
for document in documents:
    text = document.read_text(encoding="utf-8")
    for name in sorted(set(re.findall(r"(?<![\w/.~$-])(?:\./)?([A-Za-z_.][\w.-]*/[\w./*-]*\w|[\w.-]+/)(?![\w/])", text))):
        if name.split("/")[0] not in tops:
            continue
        if not any(tables.TOP.glob(name.rstrip("/"))):
            print(f"{document.relative_to(tables.TOP)} names {name}, which does not exist")
            bad += 1
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        if not (document.parent / target).exists():
            print(f"{document.relative_to(tables.TOP)} links to {target}, which does not exist")
            bad += 1
own = {f"{p.stem} {p.suffix[1:]}" for p in (tables.TOP / "docs/man").iterdir()}
for p in (tables.TOP / "docs/man").iterdir():
    for name, section in re.findall(r"^\.Xr (\S+) (\d)", p.read_text(encoding="utf-8"), re.M):
        if name.startswith("dirca") and f"{name} {section}" not in own:
            print(f"{p.name} refers to {name}({section}), which does not exist")
            bad += 1
sys.exit(1 if bad or len(documents) < 4 else 0)
