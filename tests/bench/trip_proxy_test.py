#!/usr/bin/env python3
"""tests/bench/trip_proxy.py: a question and its answer are one round trip, questions that are sent together too; two that wait for each other
are two."""
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

PROXY = pathlib.Path(__file__).resolve().parent / "trip_proxy.py"
HOST = f"127.91.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"   # nobody else's: a port that is free stays free


def answer(listener):
    """A line that ends in ? is answered, others are kept for it."""
    peer, _ = listener.accept()
    with peer:
        while data := peer.recv(100):
            if data.endswith(b"?"):
                peer.sendall(b"!")


def connect(port):
    while True:
        try:
            return socket.create_connection((HOST, port))
        except ConnectionRefusedError:
            time.sleep(0.01)


def main():
    with socket.create_server((HOST, 0)) as listener, socket.create_server((HOST, 0)) as free, tempfile.TemporaryDirectory() as folder:
        port, told = free.getsockname()[1], pathlib.Path(folder) / "trips"
        free.close()
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        proxy = subprocess.Popen([PROXY, HOST, str(port), str(listener.getsockname()[1]), told])
        try:
            with connect(port) as client:
                client.settimeout(60)
                for parts, trips in (([b"one?"], 1), ([b"many, ", b"all ", b"together?"], 2), ([b"a?"], 3), ([b"b?"], 4)):
                    for part in parts:
                        client.sendall(part)
                    if client.recv(1) != b"!":
                        sys.exit("no answer")
                    lines = told.read_text(encoding="ascii").splitlines()
                    if len(lines) != trips or sorted(map(int, lines)) != list(map(int, lines)):
                        sys.exit(f"{len(lines)} round trips instead of {trips}")
        finally:
            proxy.terminate()
            proxy.wait()


main()
