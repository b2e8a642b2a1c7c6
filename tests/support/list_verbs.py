#!/usr/bin/env python3
"""Every verb that prints a list, by the table of verbs, behaves as one. usage: list_verbs.py DIRCA DIRCAD_CONF, with the HOME of an
auditor. Prints what does not, and ends with 1."""
import csv
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lint"))
import tables  # noqa: E402

dirca, conf = sys.argv[1:]
OPTIONS = {"expiring": ["--within", "5000d"], "case list": ["--state", "all"]}


def run(verb, *more, **how):
    groups = tables.verbs()[verb]
    words = [*verb.split(), *OPTIONS.get(verb, []), *(["-c", conf] if "OPTS_DAEMON" in groups and "-c" not in more else []), *more]
    return subprocess.run([dirca, *words], capture_output="stdout" not in how, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL, **how)


def closed(verb):
    """Nobody reads it: not a word, and the end that a pipe brings."""
    r, w = os.pipe()
    os.close(r)
    try:
        p = run(verb, "--csv", stdout=w, stderr=subprocess.PIPE)  # which has a head where the list is empty
    finally:
        os.close(w)
    return [] if (p.returncode, p.stderr) == (-13, "") else [f"nobody reads: {p.returncode} {p.stderr}"]


def failed(verb):
    """It prints nothing where it fails: neither a head nor an empty list."""
    where = ["-H", "ldap://127.0.0.1:1"] if "OPTS_SESSION" in tables.verbs()[verb] else ["-c", "/nonexistent"]
    p = run(verb, *where, "--json")
    return [] if p.returncode in (1, 3) and p.stdout == "" and p.stderr else [f"a failure: {p.returncode} {p.stdout}{p.stderr}"]


def columns(verb):
    """A name that there is not is answered with those that there are; each can be asked for, and what no row holds leaves none."""
    p = run(verb, "--columns", "nosuch")
    known = re.search(r"there is no column 'nosuch'.*; there are ([a-z0-9_, ]+) \(", p.stderr)
    if p.returncode != 2 or p.stdout or not known:
        return [f"an unknown column: {p.returncode} {p.stdout}{p.stderr}"]
    names = known[1].split(", ")
    p = run(verb, "--columns", ",".join(names), "--csv", "--limit", "1")
    rows = list(csv.reader(p.stdout.splitlines()))
    said = [] if p.returncode in (0, 4) and rows[0] == names and len(rows) <= 2 else [f"all columns: {p.returncode} {rows[:2]} {p.stderr}"]
    p = run(verb, "--where", f"{names[0]}=abcdef", "--json")
    return said if p.returncode == 0 and json.loads(p.stdout) == [] else [*said, f"a condition: {p.returncode} {p.stdout}{p.stderr}"]


lists = [v for v, groups in tables.verbs().items() if "OPTS_TABLE" in groups]
wrong = [] if len(lists) >= 13 else [f"only {len(lists)} lists"]
with ThreadPoolExecutor(4) as pool:
    for (verb, act), said in [((v, a), pool.submit(a, v)) for v in lists for a in (closed, failed, columns)]:
        wrong += [f"{verb}, {line}" for line in said.result()]
print(*wrong, sep="\n", end="\n" if wrong else "")
sys.exit(1 if wrong else 0)
