#!/usr/bin/env python3
"""Forwards TCP and tells round trips: each time that a client sends after something has come back, whatever is in it, TLS too. Questions that
are sent together are one.

usage: trip_proxy.py HOST LISTEN-PORT TARGET-PORT FILE
Both ports are on HOST. FILE gets a line for each: nanoseconds of the monotonic clock.
"""
import select
import socket
import sys
import threading
import time


def serve(client, target, told):
    server = socket.create_connection(target)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    answered = True
    with client, server:
        while True:
            for source in select.select([client, server], [], [])[0]:
                try:
                    data = source.recv(1 << 18)
                    if not data:
                        return
                    if source is client and answered:
                        told.write(f"{time.monotonic_ns()}\n")
                    answered = source is server
                    (server if source is client else client).sendall(data)
                except OSError:
                    return


def main():
    host = sys.argv[1]
    # A line at a time.
    with socket.create_server((host, int(sys.argv[2]))) as listener, open(sys.argv[4], "w", buffering=1, encoding="ascii") as told:
        while True:
            client, _ = listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(client, (host, int(sys.argv[3])), told), daemon=True).start()


main()
