#!/usr/bin/env python3
"""The pictures and the goals' table are what goals.json makes of them; and tests/bench/draw, with a small file: each picture is XML with title,
units and every figure, whatever the file calls the processor; another figure is another picture, and --check sees it."""
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
