#!/usr/bin/env python3
"""What tests/bench/goals measured, held against the goals: a table, goals.json, and the table in README.md.

    goals_table.py --look WORK [--anyway]         writes WORK/about.json; fails where the machine has something else to do
    goals_table.py [--json FILE] [--write] WORK   of WORK/figures, WORK/budget.json
    goals_table.py --json FILE                    tells what is in FILE
    goals_table.py --table                        goals.json into README.md
    goals_table.py --check                        README.md has the table that goals.json makes
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
JSON, README = HERE / "goals.json", HERE / "README.md"
# So much of the processors may others have in the seconds before, in percent.
QUIET = 10
TABLE = r"<!-- goals -->\n(?:.*\n)*?<!-- end of goals -->\n"

# Figure, what it is, how it must be, unit; what it was on 29 November 2026 (b716047, quiet machine; whole numbers there too).
GOALS = (
    ("ratio.rsa2048", "archived, RSA-2048 CA: CPU of the floor by front + vault", ">=", 0.80, "", "0.43 to 0.51"),
    ("ratio.p256", "the same, P-256 CA", ">=", 0.65, "", "0.30"),
    ("ratio.rsa3072", "the same, RSA-3072 CA", ">=", 0.90, "", "0.65"),
    ("front_us.rsa2048", "front, CPU an archived enrollment, RSA-2048", "<=", 450, "us", "1150 to 1170"),
    ("front_us.p256", "the same, P-256", "<=", 450, "us", "1142 to 1211"),
    ("vault_above_us.rsa2048", "vault above its share of the floor, RSA-2048", "<=", 150, "us", ""),
    ("vault_above_us.p256", "the same, P-256", "<=", 150, "us", ""),
    ("scale.rsa2048", "two processors and workers by one of each, RSA-2048", ">=", 1.8, "", ""),
    ("scale.p256", "the same, P-256", ">=", 1.8, "", ""),
    ("cfssl_store.rsa2048", "plain PKCS#10 by cfssl with its SQLite store, RSA-2048", ">", 1.0, "", ""),
    ("cfssl_store.p256", "the same, P-256", ">", 1.0, "", ""),
    ("cfssl_none.rsa2048", "plain PKCS#10 by cfssl without a store, RSA-2048", ">=", 1.0, "", "0.89"),
    ("cfssl_none.p256", "the same, P-256", ">=", 0.6, "", "0.24"),
    ("p99_p50.rsa2048", "p99 by p50, 8 connections, RSA-2048", "<=", 2, "", ""),
    ("p99_p50.p256", "the same, P-256", "<=", 2, "", ""),
    ("trips.openldap", "round trips to OpenLDAP an enrollment", "<=", 2, "", "5"),
    ("trips.ad", "round trips to Samba's Active Directory", "<=", 1, "", ""),
    ("groups_p50_ms", "principal with 500 groups through 20 levels, p50", "<=", 5, "ms", "10.4"),
    ("search_inside_ms.4", "search, worst of six forms, p99 less a bare call's p50, 10^4 rows", "<", 1, "ms", ""),
    ("search_inside_ms.6", "the same, 10^6 rows", "<", 1, "ms", ""),
    ("search_inside_ms.7", "the same, 10^7 rows", "<", 1, "ms", ""),
    ("search_growth.6", "p50 of the worst form, 10^6 by 10^4 rows", "<", 2, "", ""),
    ("search_growth.7", "the same, 10^7 by 10^4 rows", "<", 2, "", ""),
    ("getkey_ms", "dirca getkey of one key, warm, from start to end", "<=", 60, "ms", ""),
    ("getkey_connections", "connections to the CA that it makes", "<=", 1, "", "2"),
    ("getkey_discoveries", "connections to the directory that it makes", "<=", 1, "", ""),
    ("start_s.7", "start until an answer, 10^7 rows", "<", 0.5, "s", ""),
    ("memory_mb.7", "front and vault, resident, then", "<", 100, "MB", ""),
    ("import", "bulk import by its floor", ">=", 0.8, "", "0.72"),
    ("crl_s", "CRL of 10^6 entries beside 8 enrolling, by dirca crl", "<", 3, "s", ""),
    ("crl_slower_percent", "enrollments slower meanwhile", "<=", 5, "%", ""),
    ("ocsp.kept.p256.rate", "OCSP, kept answers, 8 connections, P-256", ">=", 15000, "/s", ""),
    ("ocsp.kept.rsa2048.rate", "the same, RSA-2048", ">=", 15000, "/s", ""),
)
# What the figures above were made of, and what the pictures are made of.
BESIDE = (
    ("archived.{}.rate", "archived enrollments/s", ("rsa2048", "p256", "rsa3072")),
    ("floor.{}.rate", "floor/s", ("rsa2048", "p256", "rsa3072")),
    ("floor.{}.us", "floor, us of CPU", ("rsa2048", "p256", "rsa3072")),
    ("vault_us.{}", "vault, us of CPU", ("rsa2048", "p256", "rsa3072")),
    ("front_us.{}", "front, us of CPU", ("rsa2048", "p256", "rsa3072")),
    ("archived.{}.p50_ms", "p50, ms, 8 connections", ("rsa2048", "p256", "rsa3072")),
    ("archived.{}.p99_ms", "p99, ms", ("rsa2048", "p256", "rsa3072")),
    ("plain.{}.rate", "plain PKCS#10/s", ("rsa2048", "p256")),
    ("cfssl.none.{}.rate", "cfssl/s, nothing stored", ("rsa2048", "p256")),
    ("cfssl.store.{}.rate", "cfssl/s, SQLite, the better of 8 connections and 1", ("rsa2048", "p256")),
    ("one.{}.rate", "one worker, one processor: archived/s", ("rsa2048", "p256")),
    ("two.{}.rate", "two workers, two processors: archived/s", ("rsa2048", "p256")),
    ("ocsp.signed.{}.rate", "OCSP, signed answers/s", ("rsa2048", "p256")),
)


# What other work beside it does not change: processor time by processor time, counts, memory.
SURE = ("ratio.", "front_us.", "vault_above_us.", "trips.", "getkey_connections", "getkey_discoveries", "memory_mb.")


def median(values):
    return sorted(values)[len(values) // 2] if len(values) % 2 else sum(sorted(values)[len(values) // 2 - 1:][:2]) / 2


def is_met(value, how, goal):
    return {">=": value >= goal, "<=": value <= goal, "<": value < goal, ">": value > goal}[how]


def told(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


# ---- the machine

def busy_share(seconds):
    """Of all processors, in percent."""
    def read():
        with open("/proc/stat", encoding="ascii") as f:
            n = [int(x) for x in f.readline().split()[1:9]]
        return sum(n), n[3] + n[4]
    all0, idle0 = read()
    time.sleep(seconds)
    all1, idle1 = read()
    return 100 * (1 - (idle1 - idle0) / max(1, all1 - all0))


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, cwd=HERE).stdout.strip()


def look(work, anyway):
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.partition(": ")[2].strip() for line in f if line.startswith("model name")), "?")
    commit = run("git", "rev-parse", "--short=8", "HEAD") or "?"
    changed = run("git", "status", "--porcelain", "--untracked-files=no", "--", "../..", ":!../../tests/bench/goals.json", ":!../../tests/bench/README.md")
    built = (pathlib.Path(os.environ.get("DIRCA_BIN", HERE / "../../build/release/bin")) / "dircad").stat().st_mtime
    of_source = run("git", "log", "-1", "--format=%ct", "--", "../../ca", "../../base", "../../directory", "../../templates", "../../cli")
    if of_source.isdigit() and built < int(of_source):
        if not anyway:
            sys.exit(f"goals: dircad is older than {commit}: cmake --build --preset release; --anyway")
        changed = True
    busy = busy_share(3)
    about = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "commit": commit + ("+" if changed else ""),
             "load": round(os.getloadavg()[0], 2), "busy_percent": round(busy, 1), "processor": model,
             "processors": len(os.sched_getaffinity(0)), "kernel": os.uname().release}
    (work / "about.json").write_text(json.dumps(about), encoding="utf-8")
    if busy > QUIET and not anyway:
        sys.exit(f"goals: others have {busy:.0f} percent of the processors (load average {about['load']}): figures would say nothing; --anyway")
    print(words(about))


def words(about):
    quiet = "nothing else to do" if about["busy_percent"] <= QUIET else f"{about['busy_percent']:.0f} percent of it busy with other work"
    return (f"{about['date']}, commit {about['commit']}, two of {about['processors']} processors ({about['processor']}), load average before "
            f"{about['load']}, {quiet}")


# ---- figures

def read_figures(path):
    figures, missing = {}, {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(" ")
        if value.startswith("lacks "):
            missing[name] = value[6:]
        else:
            figures.setdefault(name, []).append(float(value))
    return figures, missing


def merged(old, new):
    """Of one commit, by two calls."""
    if old.get("about", {}).get("commit") != new["about"]["commit"]:
        return new
    both = {key: {**old.get(key, {}), **new.get(key, {})} for key in ("figures", "missing", "budget")}
    both["missing"] = {name: why for name, why in both["missing"].items() if name not in both["figures"]}
    # The worse of both is what can be said of all.
    return {"about": max(old["about"], new["about"], key=lambda a: a["busy_percent"]), **both}


def verdicts(data):
    for name, what, how, goal, unit, before in GOALS:
        values = data["figures"].get(name)
        cells = [what, f"{how} {told(goal)}{' ' + unit if unit else ''}", before]
        if values is None:
            lack = data["missing"].get(name)
            yield cells + [f"not measured{': needs ' + lack if lack else ''}", ""], None
        else:
            met = is_met(median(values), how, goal)
            if data["about"]["busy_percent"] > QUIET and not name.startswith(SURE):
                met = None
            yield cells + [", ".join(told(v) for v in values), {True: "met", False: "**not met**", None: "not judged: others worked"}[met]], met


def markdown(data):
    yield f"Measured {words(data['about'])}. Of the runs of each figure the median is what counts."
    yield ""
    yield "| figure | goal | b716047, 29 Nov. 2026 | runs | |"
    yield "| --- | --- | --- | --- | --- |"
    for cells, _ in verdicts(data):
        yield "| " + " | ".join(cells) + " |"
    yield ""
    yield "| beside them, medians | RSA-2048 | P-256 | RSA-3072 |"
    yield "| --- | --- | --- | --- |"
    for name, what, _ in BESIDE:
        cells = [data["figures"].get(name.format(kind)) for kind in ("rsa2048", "p256", "rsa3072")]
        if any(cells):
            yield f"| {what} | " + " | ".join(told(median(c)) if c else "" for c in cells) + " |"


def in_readme(data):
    return "<!-- goals -->\n" + "\n".join(markdown(data)) + "\n<!-- end of goals -->\n"


def tell(data):
    print(words(data["about"]))
    count = {True: 0, False: 0, None: 0}
    for cells, met in verdicts(data):
        count[met] += 1
        print(f"{cells[0]:<62} {cells[1]:<12} {cells[3]:<28} {cells[4].strip('*')}")
    print(f"{count[True]} met, {count[False]} not met, {count[None]} not measured or not judged")


def write(data):
    text, n = re.subn(TABLE, lambda _: in_readme(data), README.read_text(encoding="utf-8"))
    if n != 1:
        sys.exit(f"{README} has no place for the goals")
    README.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    for option in ("--look", "--anyway", "--write", "--table", "--check"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path, nargs="?")
    a = parser.parse_args()
    if a.check:
        if in_readme(json.loads(JSON.read_text(encoding="utf-8"))) not in README.read_text(encoding="utf-8"):
            sys.exit("README.md has another table than goals.json makes: tests/bench/goals --write writes both")
        return
    if a.table:
        write(json.loads(JSON.read_text(encoding="utf-8")))
        return
    if a.work is None and a.json is not None:
        tell(json.loads(a.json.read_text(encoding="utf-8")))
        return
    if a.look:
        look(a.work, a.anyway)
        return
    figures, missing = read_figures(a.work / "figures")
    data = {"about": json.loads((a.work / "about.json").read_text(encoding="utf-8")), "figures": figures, "missing": missing}
    if (a.work / "budget.json").exists():
        data["budget"] = json.loads((a.work / "budget.json").read_text(encoding="utf-8"))
    path = a.json or (JSON if a.write else None)
    if path is not None:
        old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        data = merged(old, data)
        path.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    tell(data)
    if a.write:
        write(data)


main()
