#!/usr/bin/env python3
"""A client of its own for SCRAM-SHA-256 over HTTP (RFC 7804, RFC 5802, RFC 7677) and for Basic on one TLS connection.

usage: sign_in.py URL USER PASSWORD-FILE FLAG STEP...
FLAG is basic, or for SCRAM n (no channel binding), y (the client could, and says that the server cannot), or p (SCRAM-SHA-256-PLUS with
tls-server-end-point). STEP is "METHOD PATH", sent on the connection that signed in, "sleep SECONDS" or "run PROGRAM". Prints the status of the
sign-in and of every step. The server's certificate is not verified.
"""
import base64
import hashlib
import hmac
import http.client
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.parse


def b64(data):
    return base64.b64encode(data).decode()


class Client:
    def __init__(self, url, user, password, flag):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        where = urllib.parse.urlsplit(url)
        self.http = http.client.HTTPSConnection(where.hostname, where.port, context=context, timeout=90)
        self.http.connect()
        self.user, self.password = user, password
        self.basic = flag == "basic"
        self.scheme = "SCRAM-SHA-256-PLUS" if flag == "p" else "SCRAM-SHA-256"
        self.header = b"p=tls-server-end-point,," if flag == "p" else flag.encode() + b",,"
        # RFC 5929, 4.1: this service's certificate is signed with SHA-256.
        certificate = self.http.sock.getpeercert(binary_form=True)
        self.binding = hashlib.sha256(certificate).digest() if flag == "p" else b""

    def ask(self, method, path, authorization=None):
        headers = {"Content-Type": "application/json"}
        if self.basic:
            headers["Authorization"] = "Basic " + b64(f"{self.user}:".encode() + self.password)
        elif authorization is not None:
            headers["Authorization"] = f"{self.scheme} {authorization}"
        self.http.request(method, path, b"" if method != "GET" else None, headers)
        answer = self.http.getresponse()
        answer.read()
        return answer

    def sign_in(self, path="/dirca/v1/requests?requester=self"):
        if self.basic:
            return self.ask("GET", path).status
        bare = f"n={self.user},r={b64(os.urandom(18))}"
        answer = self.ask("GET", path, "data=" + b64(self.header + bare.encode()))
        challenges = answer.headers.get_all("WWW-Authenticate") or []
        found = [re.search(self.scheme + r" sid=(\S+), data=(\S+)", c) for c in challenges]
        if answer.status != 401 or not any(found):
            return answer.status
        sid, data = next(m for m in found if m).groups()
        first = base64.b64decode(data).decode()
        part = dict(p.split("=", 1) for p in first.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(part["s"]), int(part["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        final = f"c={b64(self.header + self.binding)},r={part['r']}"
        proof = hmac.digest(hashlib.sha256(key).digest(), f"{bare},{first},{final}".encode(), "sha256")
        final += ",p=" + b64(bytes(a ^ b for a, b in zip(key, proof)))
        return self.ask("GET", path, f"sid={sid}, data={b64(final.encode())}").status


def main():
    url, user, password_file, flag = sys.argv[1:5]
    with open(password_file, "rb") as f:
        client = Client(url, user, f.read(), flag)
    print("sign-in", client.sign_in())
    for step in sys.argv[5:]:
        word, rest = step.split(" ", 1)
        if word == "sleep":
            time.sleep(float(rest))
        elif word == "run":
            subprocess.run([rest], check=True)
        else:
            answer = client.ask(word, rest)
            print(step, answer.status, answer.headers.get("Dirca-Error", ""))


main()
