#!/usr/bin/env python3
"""Callgrind's counts of enrollments by stage (tests/bench/budget, which says what it is asked): tables, or verdicts about those of README.md.

Callgrind keeps the callers of every function (--separate-callers), so that each instruction belongs to one stage: that of the nearest of its
callers that STAGES names, and if none is named there, that of the thread. The sum of the stages is all that was counted."""
import argparse
import json
import pathlib
import re
import subprocess
import sys
from collections import Counter

README = pathlib.Path(__file__).resolve().parent / "README.md"
# More than that is a stage that costs more. Counts of one program repeat within a percent; a small stage also by a few hundred.
TOLERANCE, FEW, FEW_CALLS = 0.03, 1500, 3

# Stage -> functions; of two that call each other the inner one counts. Only such as are called from another file or through a table: the
# compiler merges others into their callers.
STAGES = {
    "front": {
        "HTTP, TLS": ["SSL_read", "SSL_write", "on_bytes", "on_sent", "on_done", "http_done"],
        "worker, route": ["route_dispatch"],
        "identity": ["auth_call", "ca_principal"],
        "decode": ["enroll_request_decode", "enroll_request_hash", "pem_any", "pem_request"],
        "signatures of the request": ["enroll_request_verify"],
        "checks, decision": ["enroll_decide", "enroll_find_second_key", "ca_take_quota", "ca_check_space"],
        "a repeat?": ["enroll_find_repeat"],
        "archive": ["enroll_archive", "enroll_archival_begin", "sealing_note"],
        "vault calls": ["vault_issue", "vault_rewrap", "vault_sign_message"],
        "certificate": ["certificate_issue", "certificate_names_make"],
        "response": ["enroll_answer_begin", "enroll_answer_finish", "enroll_respond", "base64_encode_lines", "cms_certs_only", "answer_body", "answer_give"],
        "row": ["enroll_commit_prepare"],
        "store": ["store_do", "store_add_request", "store_find_precedent", "store_precedent", "take_group", "run_group", "wake_group"],
        "audit, events": ["ca_audit", "ca_audit_row", "ca_event_keep", "enroll_note_archived", "enroll_remark_keep", "enroll_event_keep", "enroll_remark_tell",
                          "enroll_event_tell"],
        "log": ["log_write"],
    },
    "vault": {
        "socket, dispatch": ["vault_dispatch", "handle_issue"],
        "payload": ["archive_payload_read", "vault_rewrap_claim"],
        "exchange key": ["cms_enveloped_open"],
        "proof of the key": ["archive_blob_matches", "keyblob_read"],
        "sealing": ["handle_rewrap", "archive_rewrap", "archive_seal"],
        "certificate": ["vault_check_certificate", "vault_sign_tbs"],
        "response": ["cms_sign_attrs", "handle_sign_message"],
        "signatures": ["key_signer_sign"],
        "journal": ["journal_add"],
    },
}
# Done from time to time, by whoever comes then: the write-ahead log is copied back, a view that was replaced is given up. It is nobody's.
NOW_AND_THEN = ["copyback_look", "ca_view_release"]
THREADS = {"work": "worker, route", "serve": "socket, dispatch"}
MEMORY = re.compile(r"^(malloc|calloc|realloc|free|cfree|_int_malloc|_int_free|_int_realloc|_int_memalign|malloc_consolidate|unlink_chunk\.?.*|sysmalloc|"
                    r"systrim\.?.*|tcache_.*|arena_get.*|ptmalloc.*|posix_memalign|aligned_alloc|malloc_usable_size|reallocarray)$")
# What is counted by calls -> functions, by whoever calls them.
CALLS = {
    "malloc, calloc, realloc": ["malloc", "calloc", "realloc"],
    "free": ["free"],
    "algorithms fetched (OpenSSL)": ["EVP_MD_fetch", "EVP_CIPHER_fetch", "EVP_SIGNATURE_fetch", "EVP_KEYMGMT_fetch", "EVP_ASYM_CIPHER_fetch", "EVP_KDF_fetch",
                                     "EVP_KEYEXCH_fetch", "EVP_RAND_fetch", "EVP_MAC_fetch", "OSSL_ENCODER_fetch", "OSSL_DECODER_fetch"],
    "locks taken (pthread)": ["pthread_mutex_lock", "pthread_rwlock_rdlock", "pthread_rwlock_wrlock"],
    "SQLite statements": ["sqlite3_reset"],
    "directory searches": ["dir_search"],
    "calls answered": ["route_dispatch", "vault_dispatch"],
}
# Told, and not held against the table: libldap takes some for each piece in which an answer happens to come.
BY_CHANCE = ["locks taken (pthread)"]
COLUMNS = ("own", "libcrypto", "SQLite", "memory", "rest")
ALL = "**all**"
KINDS = {"p256": "P-256", "rsa2048": "RSA-2048"}


def read(path):
    """One of callgrind's files: what the dump is called (None: it is of no enrollments), whose it is, [(callers, nearest first; object;
    instructions)], [(the same callers, calls)]."""
    names, objects, objects_of, cost, calls = {}, {}, {}, Counter(), Counter()
    here = function = callee = trigger = role = None
    inclusive = False

    def named(table, text):
        """"(7) name" the first time, "(7)" afterwards."""
        number, _, name = text.partition(" ")
        if name:
            table[number] = name
        return number

    with open(path, encoding="utf-8") as f:
        for line in map(str.rstrip, f):
            key, _, value = line.partition("=")
            if key == "fn":
                function = named(names, value)
                objects_of.setdefault(function, here)
            elif key == "cfn":
                callee = named(names, value)
            elif key == "ob":
                here = objects[named(objects, value)]
            elif key == "cob":
                named(objects, value)
            elif key == "calls":
                calls[callee] += int(value.split()[0])
                inclusive = True
            elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
                if not inclusive:
                    cost[function] += int(line.split()[1])
                inclusive = False
            elif line.startswith("cmd: "):
                role = re.search(r"--role=(\w+)", line)[1]
            elif line.startswith("desc: Trigger: "):
                trigger = line.partition("Client Request: ")[2]
                if not trigger:
                    return None, role, [], []
    callers = {number: name.split("'") for number, name in names.items()}
    return trigger, role, [(callers[i], objects_of[i], n) for i, n in cost.items()], [(callers[i], n) for i, n in calls.items()]


def column(function, library, program):
    base = pathlib.Path(library or "?").name
    if base == program:
        return "own"
    if base.startswith("libcrypto"):
        return "libcrypto"
    if base.startswith("libsqlite"):
        return "SQLite"
    return "memory" if base.startswith("libc.so") and MEMORY.match(function) else "rest"


def stage_of(callers, by_function):
    for f in callers:
        if f in by_function:
            return by_function[f]
    return next((THREADS[f] for f in reversed(callers) if f in THREADS), None)


class Counts:
    """Of one process in one phase: stages, {stage: {column: instructions an enrollment}}; calls, {what: calls an enrollment}; and callgrind's own."""

    def __init__(self, role, costs, calls, count, program):
        by_function = {f: stage for stage, functions in STAGES[role].items() for f in functions}
        by_function.update(dict.fromkeys(NOW_AND_THEN))
        called = {f: what for what, functions in CALLS.items() for f in functions}
        self.costs, self.called = costs, calls
        self.stages = {stage: dict.fromkeys(COLUMNS, 0) for stage in STAGES[role]}
        self.calls = dict.fromkeys(CALLS, 0)
        for callers, library, n in costs:
            stage = stage_of(callers, by_function)
            if stage is not None:
                self.stages[stage][column(callers[0], library, program)] += n / count
        for callers, times in calls:
            name = callers[0].partition("@")[0]
            # libpthread's own have two names, of which one calls the other.
            if name in called and stage_of(callers, by_function) is not None and name not in (f.partition("@")[0] for f in callers[1:2]):
                self.calls[called[name]] += times / count

    def sums(self, which):
        """By stage, and of all: of that column, or of all columns."""
        sums = {stage: sum(costs.values()) if which == "sum" else costs[which] for stage, costs in self.stages.items()}
        return {**sums, ALL: sum(sums.values())}


def measure(folder, kinds, count, program):
    """{(kind, phase): {role: Counts}}"""
    tables = {}
    for path in sorted(folder.iterdir()):
        kind = path.name.split(".")[0]
        phase, role, costs, calls = read(path) if kind in kinds and path.name.count(".") == 2 else (None,) * 4
        if phase is not None:
            tables.setdefault((kind, phase), {})[role] = Counts(role, costs, calls, count, program)
    return tables


def versions(program):
    """Of what decides counts beside our own code."""
    found = {}
    for line in subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout.splitlines():
        if m := re.search(r"(libcrypto|libssl|libsqlite3|libc|libldap-?[\d.]*|libevent_core-?[\d.]*)\.so\S* => (\S+)", line):
            path = pathlib.Path(m[2]).resolve()
            owner = subprocess.run(["dpkg-query", "-S", f"*{path.name}"], capture_output=True, text=True).stdout.split(":")[0]
            found[owner] = subprocess.run(["dpkg-query", "-W", "-f=${Version}", owner], capture_output=True, text=True).stdout
    comment = subprocess.run(["readelf", "-p", ".comment", program], check=True, capture_output=True, text=True).stdout
    found["compiler"] = re.search(r"\] +(.*)", comment)[1]
    return ", ".join(f"{name} {version}" for name, version in sorted(found.items()))


def thousands(n):
    return f"{n / 1000:.1f}"


def lines_of(processes):
    """Markdown of one kind and phase."""
    yield f"| process | stage | {' | '.join(COLUMNS)} | sum |"
    yield "| --- " * (len(COLUMNS) + 3) + "|"
    for role, c in sorted(processes.items()):
        columns = {which: c.sums(which) for which in COLUMNS + ("sum",)}
        for stage in (*STAGES[role], ALL):
            if columns["sum"][stage] >= 50:
                yield f"| {role} | {stage} | {' | '.join(thousands(of[stage]) for of in columns.values())} |"
    yield ""
    yield "| process | " + " | ".join(CALLS) + " |"
    yield "| --- " * (len(CALLS) + 1) + "|"
    for role, c in sorted(processes.items()):
        yield f"| {role} | " + " | ".join(f"{n:.1f}" for n in c.calls.values()) + " |"


def block(kind, phase, processes, told):
    text = f"<!-- budget {kind} {phase}: {told} -->\n\nCA key {KINDS[kind]}, key is {'archived' if phase == 'archived' else 'not archived'}; thousands of instructions:\n\n"
    return text + "\n".join(lines_of(processes)) + f"\n\n<!-- end of budget {kind} {phase} -->\n"


BLOCK = r"<!-- budget {0} {1}: (.*) -->\n(?:.*\n)*?<!-- end of budget {0} {1} -->\n"


def written(kind, phase):
    """What README.md says: versions, {(role, stage or what is called): {column: number}}."""
    m = re.search(BLOCK.format(kind, phase), README.read_text(encoding="utf-8"))
    if m is None:
        return None, {}
    rows, heads = {}, ()
    for line in m[0].splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if cells[0] == "process":
            heads = cells
        elif cells[0] in STAGES and heads[1] == "stage":
            rows[cells[0], cells[1]] = {c: float(n) * 1000 for c, n in zip(heads[2:], cells[2:])}
        elif cells[0] in STAGES:
            rows.update({(cells[0], what): {"calls": float(n)} for what, n in zip(heads[1:], cells[1:])})
    return m[1], rows


def write(tables, told):
    text = README.read_text(encoding="utf-8")
    for (kind, phase), table in tables.items():
        new = block(kind, phase, table, told)
        text, n = re.subn(BLOCK.format(kind, phase), lambda _, new=new: new, text)
        if n != 1:
            sys.exit(f"{README} has no place for {kind} {phase}")
    README.write_text(text, encoding="utf-8")


def check(tables, told):
    """True: nothing costs more than README.md says. With other libraries than those that it was written for our own code is compared alone."""
    good = True
    for (kind, phase), processes in tables.items():
        of, rows = written(kind, phase)
        which = "sum" if of == told else "own"
        print(f"{kind}, {phase}: {'all' if which == 'sum' else f'our own code alone: the rest is {told} and was {of}'}")
        for role, c in processes.items():
            found = [(stage, which, n, FEW, "instructions") for stage, n in c.sums(which).items()]
            found += [(what, "calls", n, FEW_CALLS, "calls") for what, n in c.calls.items()
                      if which == "sum" and what not in BY_CHANCE]
            for what, head, n, few, unit in found:
                before = rows.get((role, what), {}).get(head, 0)
                most = before * TOLERANCE + few
                if n > before + most:
                    print(f"{role}, {what}: {n:,.0f} {unit} instead of {before:,.0f}")
                    good = False
                elif n < before - most:
                    print(f"{role}, {what}: {n:,.0f} {unit} instead of {before:,.0f}, which is less: `tests/bench/budget --write` renews README.md")
    return good


def each(tables):
    return [(f"{kind}, {phase}, {role}", c) for (kind, phase), processes in tables.items() for role, c in sorted(processes.items())]


def top(tables, count, n):
    for title, c in each(tables):
        alone, whole, called = Counter(), Counter(), Counter()
        for callers, _, cost in c.costs:
            alone[callers[0]] += cost
            for f in set(callers):
                whole[f] += cost
        for callers, times in c.called:
            called[callers[0]] += times
        for what, list_ in (("with its callees", whole), ("by itself", alone)):
            print(f"\n{title}: {what}, thousands of instructions; calls")
            for f, cost in list_.most_common(n):
                print(f"{cost / count / 1000:10.1f} {called[f] / count:9.1f}  {f}")


def tree(tables, count, program, least=10000):
    for title, c in each(tables):
        print(f"\n{title}")
        own = {callers[0] for callers, library, _ in c.costs if column(callers[0], library, program) == "own"}
        paths = Counter()
        for callers, _, cost in c.costs:
            path = tuple(f for f in reversed(callers) if f in own and not f.startswith("__wrap"))
            for k in range(1, len(path) + 1):
                paths[path[:k]] += cost / count
        for path in sorted(paths, key=lambda p: [(-paths[p[:k]], p[k - 1]) for k in range(1, len(p) + 1)]):
            if paths[path] >= least:
                print(f"{paths[path] / 1000:10.1f} {'  ' * (len(path) - 1)}{path[-1]}")


def main():
    parser = argparse.ArgumentParser()
    for option in ("--json", "--check", "--write", "--tree"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("--top", type=int)
    parser.add_argument("--count", type=int)
    parser.add_argument("--program", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("kinds", nargs="+")
    a = parser.parse_args()
    tables = measure(a.folder, a.kinds, a.count, a.program.name)
    if len(tables) != 2 * len(a.kinds) or any(len(t) != 2 for t in tables.values()):
        sys.exit("budget: something was not counted")
    if a.json:
        print(json.dumps({title: {"instructions": c.stages, "calls": c.calls} for title, c in each(tables)}, indent=1))
    elif a.check:
        sys.exit(0 if check(tables, versions(a.program)) else 1)
    elif a.write:
        write(tables, versions(a.program))
    elif a.top:
        top(tables, a.count, a.top)
    elif a.tree:
        tree(tables, a.count, a.program.name)
    else:
        for (kind, phase), t in tables.items():
            print(f"CA key {KINDS[kind]}, {phase}")
            print("\n".join(lines_of(t)) + "\n")


if __name__ == "__main__":
    main()
