#!/usr/bin/python3
"""Clients that open connections and say nothing, for tests/attack/s07_r01_connections.sh. Status 0: the service bore it.

usage: many_connections.py CHECK ARGUMENT...; CHECK is the name of a function below. A client comes from many addresses of 127.0.0.0/8,
as one that owns a network does.
"""

import selectors
import socket
import sys
import time


def expect(condition, what):
    if not condition:
        print(what)
        sys.exit(1)


def open_many(port, count, addresses):
    """Sockets that are connected or about to be."""
    sockets = []
    for n in range(count):
        s = socket.socket()
        s.setblocking(False)
        s.bind((f"127.0.{n % addresses // 250 + 1}.{n % addresses % 250 + 1}", 0))
        s.connect_ex(("127.0.0.1", port))
        sockets.append(s)
        if n % 50 == 49:
            time.sleep(0.005)  # the backlog
    return sockets


def open_local(path, count):
    """The same at a Unix socket; fewer where its backlog is full."""
    sockets = []
    for _ in range(count):
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        if s.connect_ex(path) == 0:
            sockets.append(s)
        else:
            s.close()
    return sockets


def wait_closed(sockets, seconds):
    """Those that the service has not closed within that time."""
    selector = selectors.DefaultSelector()
    for s in sockets:
        selector.register(s, selectors.EVENT_READ)
    until = time.monotonic() + seconds
    while selector.get_map() and time.monotonic() < until:
        for key, _ in selector.select(0.2):
            try:
                if key.fileobj.recv(4096) != b"":
                    continue
            except BlockingIOError:
                continue
            except OSError:
                pass
            selector.unregister(key.fileobj)
            key.fileobj.close()
    return [key.fileobj for key in selector.get_map().values()]


def silent(port, count, addresses, seconds):
    """All of them are closed in time, and none is answered."""
    left = wait_closed(open_many(int(port), int(count), int(addresses)), float(seconds))
    expect(not left, f"{len(left)} of {count} were not closed within {seconds} s")


def flood(where, count, addresses, seconds):
    """Holds that many for that long, at a port or a Unix socket: what the service closes is opened again. Says when all knocked once."""
    until = time.monotonic() + float(seconds)
    said = False
    sockets = []
    while time.monotonic() < until:
        missing = int(count) - len(sockets)
        sockets += open_local(where, missing) if "/" in where else open_many(int(where), missing, int(addresses))
        if not said:
            print("all knocked", flush=True)
            said = True
        sockets = wait_closed(sockets, 0.3)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
