#!/usr/bin/env python3
"""Ends the TLS of a client with the certificate of its CA, and does to one enrollment what a network, a gateway or a machine can do.

usage: faulty_proxy.py LISTEN-PORT TARGET-PORT FOLDER CA-STATE DIRCAD-PID-FILE
Both ports are on 127.0.0.1. FOLDER/fault holds "NAME TIMES", read at each POST that enrolls and is signed in (bad-exchange: GET of the
exchange certificate): TIMES of them meet the fault NAME, everything else passes. FOLDER/client is the process id of the client.
"""
import base64
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

KEY_HASH = bytes.fromhex("06092b060104018237151531220420")  # attribute 1.3.6.1.4.1.311.21.21, and 32 bytes follow


class Cut(Exception):
    """The connection ends here."""


def read_message(source):
    """One HTTP message: its first line and headers, and its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = source.recv(65536)
        if not more:
            raise Cut
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    while length and len(body) < int(length.group(1)):
        more = source.recv(65536)
        if not more:
            raise Cut
        body += more
    return head, body


def message(head, body):
    return re.sub(rb"(?im)^content-length: *\d+", b"Content-Length: %d" % len(body), head) + b"\r\n\r\n" + body


def run(*args, data=None):
    return subprocess.run(args, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


class Proxy:
    def __init__(self, target, folder, state, pid_file):
        self.target = target
        self.folder = folder
        self.state = state
        self.pid_file = pid_file
        self.server = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def number(self, file):
        with open(file, encoding="ascii") as f:
            return int(f.read())

    def take_fault(self, head):
        with open(self.path("fault"), encoding="ascii") as f:
            name, times = f.read().split()
        where = b"GET /dirca/v1/exchange-certificate" if name == "bad-exchange" else b"POST /.well-known/est/"
        if int(times) == 0 or not head.startswith(where):
            return "none"
        with open(self.path("fault"), "w", encoding="ascii") as f:
            f.write(f"{name} {int(times) - 1}")
        return name

    def kill_front(self):
        """The child of dircad that is not the vault."""
        for child in run("ps", "-o", "pid=,args=", "--ppid", str(self.number(self.pid_file))).decode().splitlines():
            if "--role=front" in child:
                os.kill(int(child.split()[0]), signal.SIGKILL)

    def interrupt(self):
        os.kill(self.number(self.path("client")), signal.SIGINT)
        raise Cut

    def exchange(self, request):
        self.server.sendall(request)
        return read_message(self.server)

    def sign_another_hash(self, der):
        """The same response with another hash of the archived key, signed by the CA's own key."""
        with tempfile.TemporaryDirectory(dir=self.folder) as work:
            def at(name):
                return os.path.join(work, name)
            with open(at("in"), "wb") as f:
                f.write(der)
            run("openssl", "cms", "-verify", "-noverify", "-inform", "DER", "-in", at("in"), "-certsout", at("certs"), "-out", at("body"))
            with open(at("body"), "rb") as f:
                body = f.read()
            where = body.index(KEY_HASH) + len(KEY_HASH)
            with open(at("body"), "wb") as f:
                f.write(body[:where] + bytes(32) + body[where + 32:])
            return run("openssl", "cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.3.6.1.5.5.7.12.3", "-in", at("body"),
                       "-outform", "DER", "-signer", os.path.join(self.state, "ca.crt"), "-inkey",
                       os.path.join(self.state, "vault/ca.key"), "-certfile", at("certs"), "-md", "sha256")

    def wrong(self, head, body):
        """Another hash, or to who sent no key another certificate."""
        if b"CMC-response" in head:
            return message(head, base64.b64encode(self.sign_another_hash(base64.b64decode(body))))
        return message(head, base64.b64encode(run("openssl", "crl2pkcs7", "-nocrl", "-outform", "DER", "-certfile",
                                                  os.path.join(self.state, "ca.crt"))))

    def before(self, fault, request):
        """What happens before the request has come to the CA."""
        if fault == "cut-before":
            raise Cut
        if fault == "cut-during":
            self.server.sendall(request[:-100])
            raise Cut
        if fault == "interrupt-before":
            self.interrupt()
        if fault in ("kill-before", "kill-during"):
            if fault == "kill-during":
                self.server.sendall(request)
                time.sleep(0.005)
            self.kill_front()
            raise Cut

    def after(self, fault, head, body):
        """What becomes of the answer."""
        if fault == "cut-after":
            raise Cut
        if fault == "kill-after":
            self.kill_front()
            raise Cut
        if fault == "interrupt-after":
            self.interrupt()
        if fault == "disk-full":
            resource.prlimit(self.number(self.path("client")), resource.RLIMIT_FSIZE, (16, 16))
        if fault == "bad-exchange":
            return message(head, body[:-1] + bytes([body[-1] ^ 1]))
        if fault == "record":
            with open(self.path("recorded"), "wb") as f:
                f.write(body)
        if fault == "replay":
            with open(self.path("recorded"), "rb") as f:
                return message(head, f.read())
        if fault == "damaged":
            return message(head, b"A" * len(body))
        if fault == "truncated":
            return message(head, body[:len(body) // 2])
        if fault == "wrong":
            return self.wrong(head, body)
        if fault == "502-after":
            return self.gateway_error()
        return message(head, body)

    def unable(self):
        words = b'{"error": {"name": "DIRCA_E_DATABASE", "message": "the database is full"}}'
        return b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(words), words)

    def gateway_error(self):
        return b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 11\r\n\r\nBad Gateway"

    def answer(self, head, body):
        request = message(head, body)
        signed_in = b"authorization:" not in head.lower() or b" sid=" in head
        fault = self.take_fault(head) if signed_in else "none"
        if fault == "502":
            return self.gateway_error()
        if fault == "503":
            return self.unable()
        self.before(fault, request)
        answer = self.exchange(request)
        return self.after(fault, *answer)


def serve(client, port, context, args):
    proxy = Proxy(port, *args)
    to_ca = ssl.create_default_context(cafile=os.path.join(args[1], "ca.crt"))
    try:
        with context.wrap_socket(client, server_side=True) as client_tls, \
                socket.create_connection(("127.0.0.1", port)) as plain, to_ca.wrap_socket(plain, server_hostname="localhost") as server:
            proxy.server = server
            while True:
                client_tls.sendall(proxy.answer(*read_message(client_tls)))
    except (Cut, OSError):
        client.close()


def main():
    port, target = int(sys.argv[1]), int(sys.argv[2])
    state = sys.argv[4]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(state, "tls.crt"), os.path.join(state, "tls.key"))
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client, target, context, sys.argv[3:]), daemon=True).start()


main()
