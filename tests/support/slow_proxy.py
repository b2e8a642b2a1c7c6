#!/usr/bin/env python3
"""Forwards TCP, and holds every answer back for as many seconds as FILE says at that moment.

usage: slow_proxy.py LISTEN-PORT TARGET-PORT FILE
Both ports are on 127.0.0.1. To hang the service behind it, stop this process; to kill it, kill this process.
"""
import socket
import sys
import threading
import time


def pump(source, target, delay):
    try:
        while data := source.recv(65536):
            time.sleep(delay())
            target.sendall(data)
    except OSError:
        pass  # the other direction closed both
    for s in (source, target):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, port, delay):
    try:
        server = socket.create_connection(("127.0.0.1", port))
    except OSError:
        client.close()
        return
    threading.Thread(target=pump, args=(client, server, lambda: 0), daemon=True).start()
    pump(server, client, delay)


def main():
    listen_port, target_port, file = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

    def delay():
        with open(file, encoding="ascii") as f:
            return float(f.read() or 0)

    with socket.create_server(("127.0.0.1", listen_port)) as listener:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client, target_port, delay), daemon=True).start()


main()
