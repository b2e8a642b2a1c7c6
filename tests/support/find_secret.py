#!/usr/bin/env python3
"""Looks for an RSA or EC private key in files and in the memory of processes.

usage: find_secret.py [--public] KEY.pem TARGET...     TARGET: a file, a folder, or pid:NUMBER
       find_secret.py --lines FILE TARGET...

Sought are the private numbers (d, p, q, dp, dq, qinv) in both byte orders, in binary and as hexadecimal text, the PEM lines, and
the base64 of the DER. With --public the modulus (or the point) is sought instead: the control that a target can be read at all.
With --lines each line of the file, a password, is sought.
Prints where it found what. Exit status: 0 nothing found, 1 found, 2 a target could not be read.
"""
import base64
import os
import subprocess
import sys

SLICE = 20  # bytes of a number that count as the number; a partial copy is a copy
OVERLAP = 12  # of a PEM line
CHUNK = 1 << 20


def elements(der):
    """(tag, content) of each element of a DER value."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, at = int.from_bytes(der[at : at + count], "big"), at + count
        yield tag, der[at : at + length]
        at += length


def numbers(der):
    """Names and magnitudes: (private, public)."""
    parts = list(elements(next(elements(der))[1]))
    if parts[1][0] == 0x04:  # ECPrivateKey: version, OCTET STRING d, [0] curve, [1] point
        point = next(elements(next(v for t, v in parts if t == 0xA1)))[1][2:]
        return {"d": parts[1][1]}, {"point": point[: len(point) // 2]}
    n, _, *private = (v.lstrip(b"\0") for _, v in parts[1:9])
    return dict(zip(("d", "p", "q", "dp", "dq", "qinv"), private)), {"n": n}


def is_private(data, secrets):
    """Some OVERLAP bytes of a private number are in the data: the lines of headers and public numbers are found everywhere."""
    return any(number[at : at + OVERLAP] in data for number in secrets for at in range(len(number) - OVERLAP + 1))


def run(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout


def passwords(path):
    with open(path, "rb") as f:
        return {f"line {i + 1}": line for i, line in enumerate(f.read().splitlines())}


def needles(path, public):
    der = run("openssl", "pkey", "-in", path, "-traditional", "-outform", "DER")
    out = {}
    for name, value in numbers(der)[1 if public else 0].items():
        middle = (len(value) - SLICE) // 2
        part = value[middle : middle + SLICE]
        out[name + ", big-endian"] = part
        out[name + ", little-endian"] = part[::-1]
        out[name + ", hexadecimal"] = part.hex().encode()
    if not public:
        secrets = numbers(der)[0].values()
        for kind in ((), ("-traditional",)):
            lines = run("openssl", "pkey", "-in", path, *kind).splitlines()[1:-1]
            for i, line in enumerate(lines):
                if is_private(base64.b64decode(line), secrets):
                    out[f"PEM line {i}{' (traditional)' if kind else ''}"] = lines[i]
    return out


def search(read, start, size, sought, where, found):
    """Reads in chunks that overlap, so that nothing hides on a boundary. Most of a process is stacks that nobody has touched."""
    overlap = max(map(len, sought.values()))
    untouched = bytes(CHUNK + overlap)
    at = 0
    while at < size:
        data = read(start + at, min(CHUNK + overlap, size - at))
        if data and (data != untouched if len(data) == len(untouched) else any(data)):
            found.update((where, name) for name, needle in sought.items() if needle in data)
        at += CHUNK


def search_file(path, sought, found):
    with open(path, "rb") as f:
        size = f.seek(0, os.SEEK_END)
        search(lambda at, n: os.pread(f.fileno(), n, at), 0, size, sought, path, found)


def search_process(pid, sought, found):
    readable = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:

        def read(at, n):
            try:
                return os.pread(mem.fileno(), n, at)
            except OSError:
                return b""  # a guard page or [vvar]

        for line in maps:
            area, rights, *rest = line.split()
            start, end = (int(x, 16) for x in area.split("-"))
            if rights[0] == "r" and start < 1 << 63:
                readable += end - start
                search(read, start, end - start, sought, f"pid:{pid} {rest[-1] if len(rest) > 3 else 'anonymous'}", found)
    if readable == 0:
        raise OSError(f"process {pid} has no readable memory")


def main(arguments):
    option = arguments.pop(0) if arguments[0].startswith("--") else None
    key, *targets = arguments
    sought = passwords(key) if option == "--lines" else needles(key, option == "--public")
    found = set()
    for target in targets:
        if target.startswith("pid:"):
            search_process(int(target[4:]), sought, found)
        elif os.path.isdir(target):
            for folder, _, names in os.walk(target):
                for name in names:
                    search_file(os.path.join(folder, name), sought, found)
        else:
            search_file(target, sought, found)
    for where, name in sorted(found):
        print(f"{where}: {name}")
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, subprocess.CalledProcessError, ValueError) as e:
        print(f"find_secret.py: {e}", file=sys.stderr)
        sys.exit(2)
