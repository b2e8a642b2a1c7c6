#!/usr/bin/env python3
"""The pictures and the goals' table are what goals.json makes of them; a goal is met by the median, and what other work changes is not judged
beside it; and tests/bench/draw, with a small file: each picture is XML with title, units and every figure, whatever the file calls the
processor; another figure is another picture, and --check sees it."""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent
SVG = "{http://www.w3.org/2000/svg}"
STAGE = {"own": 1000.0, "libcrypto": 250000.0, "SQLite": 0.0, "memory": 30000.0, "rest": 500.0}
SMALL = {
    "about": {"date": "2026-12-01 00:00 UTC", "commit": "0123abcd", "load": 0.1, "busy_percent": 2.0, "processor": "A <b> & \"c\"", "processors": 2,
              "kernel": "6"},
    "missing": {},
    "figures": {**{f"connections.p256.{n}.{what}": [n * 1.5, n * 2.0, n * 9.0] for n in (1, 8, 64) for what in ("rate", "p50_ms", "p99_ms")},
                **{f"rows.p256.{e}.rate": [700.0 - e] for e in (4, 6, 7)},
                **{f"search_{p}_ms.{e}": [e / 10] for p in ("p50", "p99") for e in (4, 6, 7)}},
    "budget": {"p256, archived, front": {"instructions": {"store & audit": STAGE, "identity": STAGE}},
               "p256, archived, vault": {"instructions": {"signatures": STAGE}}},
}
WORDS = {"connections": ["enrollments / s", "ms a call", "p50", "p99", "64"], "rows": ["enrollments / s", "ms a search", "10,000,000", "rate"],
         "stages": ["store & audit", "signatures", "libcrypto", "SQLite", "front: 0.56 million", "vault: 0.28 million"]}


# Figures -> how the table says it, on a quiet machine and on a busy one.
VERDICTS = (
    ("ratio.p256", [0.6, 0.7, 0.66], "the same, P-256 CA", " met", " met"),
    ("ratio.rsa2048", [0.9, 0.79, 0.7], "archived, RSA-2048 CA", " not met", " not met"),
    ("ocsp.kept.p256.rate", [15000.0], "OCSP, kept answers", " met", " not judged: others worked"),
    ("crl_s", [3.0], "CRL of 10^6", " not met", " not judged: others worked"),
)


def verdicts(folder, busy):
    data = copy.deepcopy(SMALL)
    data["about"]["busy_percent"] = 90.0 if busy else 2.0
    data["missing"] = {"cfssl_none.p256": "golang-cfssl"}
    data["figures"] = {name: values for name, values, _, _, _ in VERDICTS}
    path = folder / "verdicts.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    done = subprocess.run([HERE / "goals_table.py", "--json", path], capture_output=True, text=True)
    must(done.returncode == 0 and "needs golang-cfssl" in done.stdout, f"a table\n{done.stderr}")
    for _, _, title, quiet, beside in VERDICTS:
        line = next(line for line in done.stdout.splitlines() if line.startswith(title) and not line.endswith("not measured"))
        wanted = beside if busy else quiet
        must(line.endswith(wanted) and (wanted != " met" or not line.endswith("not met")), f"{title}:{wanted}, not {line}")


def draw(*arguments):
    return subprocess.run([HERE / "draw", *map(str, arguments)], capture_output=True, text=True)


def must(true, what):
    if not true:
        sys.exit(f"not so: {what}")


def main():
    for command in ([HERE / "goals_table.py", "--check"], [HERE / "draw", "--check"]):
        done = subprocess.run(command, capture_output=True, text=True)
        must(done.returncode == 0, f"{command[0].name} --check\n{done.stderr}")
    with tempfile.TemporaryDirectory() as name:
        verdicts(pathlib.Path(name), busy=False)
        verdicts(pathlib.Path(name), busy=True)
        data, folder = pathlib.Path(name) / "small.json", pathlib.Path(name) / "pictures"
        data.write_text(json.dumps(SMALL), encoding="utf-8")
        must(draw(data, folder).returncode == 0, "it draws")
        must(draw("--check", data, folder).returncode == 0, "it draws the same again")
        for picture, words in WORDS.items():
            root = xml.parse(folder / f"{picture}.svg").getroot()
            texts = [t.text for t in root.iter(SVG + "text")]
            for word in words:
                must(word in texts, f"{picture} has '{word}'")
            must(any(SMALL["about"]["processor"] in t for t in texts) or picture == "stages", f"{picture} says on what")
            points = [len(line.get("points").split()) for line in root.iter(SVG + "polyline")]
            must(points == ([] if picture == "stages" else [3] * 3), f"{picture} has every figure, not {points}")
        other = copy.deepcopy(SMALL)
        other["figures"]["rows.p256.6.rate"] = [300.0]
        data.write_text(json.dumps(other), encoding="utf-8")
        done = draw("--check", data, folder)
        must(done.returncode != 0 and "rows.svg" in done.stderr, "it sees another figure")
        del other["figures"]["rows.p256.4.rate"], other["figures"]["rows.p256.6.rate"], other["figures"]["rows.p256.7.rate"]
        data.write_text(json.dumps(other), encoding="utf-8")
        done = draw("--check", data, folder)
        must(done.returncode != 0 and "rows.svg" in done.stderr, "a picture without figures is none")


main()
