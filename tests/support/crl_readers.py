#!/usr/bin/python3
"""Readers of a large CRL for tests/integration/big_crl.sh. Status 0: the server did what it must.

usage: crl_readers.py CHECK URL PATH [ARGUMENT...]; CHECK is the name of a function below.
"""

import socket
import sys
import time
from urllib.parse import urlparse


def ask(url, path, method="GET"):
    """A connection on which the CRL was asked for, with a small window, so that it waits at the server."""
    where = urlparse(url)
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.settimeout(30)
    s.connect((where.hostname, where.port))
    s.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost:{where.port}\r\n\r\n".encode())
    return s


def head(s):
    """Length of the body, and what came of it."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += s.recv(256)
    top, body = data.split(b"\r\n\r\n", 1)
    return int(top.lower().split(b"content-length:")[1].split()[0]), body


def read(s, parts, pause):
    """Bytes of the body that come, with a pause after each of so many parts, and its length."""
    length, body = head(s)
    got = len(body)
    while got < length:
        try:
            more = len(s.recv(min(length // parts + 1, length - got), socket.MSG_WAITALL))
        except ConnectionResetError:
            break
        if not more:
            break
        got += more
        time.sleep(pause)
    return got, length


def slow_and_stalled(url, path, seconds):
    """One reads the whole in so many seconds, longer than the server waits for one that does nothing, as another does."""
    nothing, s, begun = ask(url, path), ask(url, path), time.monotonic()
    got, length = read(s, 40, float(seconds) / 40)
    assert got == length, f"cut after {got} of {length} bytes and {time.monotonic() - begun:.1f} s"
    assert time.monotonic() - begun >= float(seconds), "was not slow"
    got, length = read(nothing, 1, 0)
    assert got < length, "one that read nothing was waited for"


def many(url, path, count, pid):
    """So many that read nothing cost the server one copy of the CRL."""

    def memory():
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:")) * 1024

    length = head(ask(url, path, "HEAD"))[0]
    before = memory()
    readers = [ask(url, path) for _ in range(int(count))]
    assert all(s.recv(12) == b"HTTP/1.1 200" for s in readers)
    grown = memory() - before
    assert grown < 2 * length, f"{grown} bytes for {count} readers of {length}"


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
