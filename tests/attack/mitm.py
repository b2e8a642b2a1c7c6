#!/usr/bin/env python3
"""A man on the path between client and CA.

usage: mitm.py LISTEN-PORT TARGET-PORT FOLDER
Both ports are on 127.0.0.1. FOLDER/mode is read for every connection: "pass" forwards TCP; "tls" ends the client's TLS with
FOLDER/thief.pem (certificate and key), opens a TLS connection to the CA and forwards what is said; "switch" forwards the first
connection until it was answered once, cuts it, and ends the TLS of those that follow.
FOLDER/begun and FOLDER/over get a line for each connection. FOLDER/seen gets what clients say inside TLS. After the CA's first answer 200 on a connection, "METHOD PATH" of FOLDER/inject is sent
to the CA in the client's place; FOLDER/injected gets the answer.
"""
import os
import re
import select
import socket
import ssl
import sys
import threading


def is_whole(answer):
    head, blank, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\ncontent-length: *([0-9]+)", head)
    return bool(blank and length) and len(body) >= int(length.group(1))


def received(source):
    """What is there; None where it was only TLS's own, such as a session ticket: the other side may have more to say."""
    source.settimeout(0.05)
    try:
        return source.recv(65536)
    except TimeoutError:
        return None
    finally:
        source.settimeout(None)


# More than what a TLS server says between its handshake and its first answer (session tickets), less than that answer.
ANSWER_MIN = 900


class Path:
    def __init__(self, port, target, folder):
        self.port = port
        self.target = target
        self.folder = folder
        self.lock = threading.Lock()
        self.mode = ""

    def text(self, name):
        try:
            with open(os.path.join(self.folder, name), encoding="ascii") as f:
                return f.read().strip()
        except FileNotFoundError:
            return ""

    def note(self, name, data):
        with self.lock, open(os.path.join(self.folder, name), "ab") as f:
            f.write(data)

    def inject(self, server):
        act = self.text("inject")
        if act:
            server.sendall(f"{act} HTTP/1.1\r\nHost: localhost:{self.port}\r\nContent-Type: application/json\r\n"
                           "Content-Length: 0\r\n\r\n".encode())
            self.note("injected", server.recv(65536) + b"\n")

    def relay(self, client, server, tls, cut):
        answer = b""
        flights = after_hello = 0
        while True:
            readable = [s for s in (client, server) if tls and s.pending()]
            readable = readable or select.select([client, server], [], [])[0]
            for source in readable:
                data = received(source)
                if data is None:
                    continue
                if not data:
                    return
                if source is client:
                    flights += 1
                    if cut and after_hello > ANSWER_MIN:
                        return
                    if tls:
                        self.note("seen", data)
                elif flights > 1:
                    after_hello += len(data)
                (server if source is client else client).sendall(data)
                if tls and source is server and answer is not None:
                    answer = answer + data if answer or data.startswith(b"HTTP/1.1 200") else b""
                    if is_whole(answer):
                        answer = None
                        self.inject(server)

    def serve(self, client):
        mode = self.text("mode")
        first = self.mode != mode
        self.mode = mode
        tls = mode == "tls" or (mode == "switch" and not first)
        try:
            if tls:
                ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                ours.load_cert_chain(os.path.join(self.folder, "thief.pem"))
                client = ours.wrap_socket(client, server_side=True)
            server = socket.create_connection(("127.0.0.1", self.target))
            if tls:
                anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                anybody.check_hostname = False
                anybody.verify_mode = ssl.CERT_NONE
                server = anybody.wrap_socket(server)
            self.relay(client, server, tls, mode == "switch" and first)
            server.close()
        except OSError as e:
            self.note("errors", f"{e}\n".encode())
        client.close()
        self.note("over", b"over\n")


def main():
    path = Path(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    with socket.create_server(("127.0.0.1", path.port)) as listener:
        while True:
            client, _ = listener.accept()
            path.note("begun", b"begun\n")
            threading.Thread(target=path.serve, args=(client,), daemon=True).start()


main()
