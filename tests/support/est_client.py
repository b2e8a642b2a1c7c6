#!/usr/bin/python3
"""A client of RFC 7030 that does what the document says and nothing more: takes the first challenge only, asks what a request should
hold, repeats a request that is not decided yet. openssl makes its keys and requests.

usage: est_client.py URL CAFILE USER PASSWORD-FILE FOLDER LABEL|- simpleenroll|simplereenroll
Prints "issued", "pending" (after three tries) or "refused STATUS"; the certificate is FOLDER/est.pem, the key FOLDER/est.key."""

import base64
import http.client
import ssl
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlparse


class Client:
    def __init__(self, url, cafile, user, password, label):
        where = urlparse(url)
        self.connection = http.client.HTTPSConnection(where.hostname, where.port, context=ssl.create_default_context(cafile=cafile))
        self.login = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.base = "/.well-known/est/" + ("" if label == "-" else label + "/")
        self.headers = {}

    def call(self, method, operation, body=None, content_type=None):
        """Status, headers, decoded body; signs in if it is asked to."""
        headers = dict(self.headers)
        if body is not None:
            headers |= {"Content-Type": content_type, "Content-Transfer-Encoding": "base64"}
        self.connection.request(method, self.base + operation, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status == 401 and not self.headers:
            scheme = answer.getheader("WWW-Authenticate").split()[0]  # of several the first
            if scheme != "Basic":
                sys.exit(f"the first challenge is {scheme}")
            self.headers = {"Authorization": "Basic " + self.login}
            return self.call(method, operation, body, content_type)
        if answer.getheader("Content-Transfer-Encoding") == "base64":
            if not text.endswith(b"\n") or max(map(len, text.splitlines())) > 76:
                sys.exit("base64 that is not in lines")
            text = base64.b64decode(text)
        return answer.status, text


def openssl(*arguments, **more):
    return subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more).stdout


def elements(der):
    """The values one level down, whole; lengths below 64 KiB."""
    inside, found = der[2 + (der[1] & 0x7F if der[1] & 0x80 else 0) :], []
    while inside:
        head = 2 + (inside[1] & 0x7F if inside[1] & 0x80 else 0)
        size = head + (int.from_bytes(inside[2:head], "big") if head > 2 else inside[1])
        found.append(inside[:size])
        inside = inside[size:]
    return found


def wanted_extensions(attributes):
    """Lines of an extension section of openssl's configuration, from CsrAttrs."""
    lines = []
    for attribute in elements(attributes):
        kind, values = elements(attribute)
        if kind == bytes.fromhex("06092a864886f70d01090e"):  # extensionRequest
            for extension in elements(elements(values)[0]):
                oid = openssl("asn1parse", "-inform", "DER", input=elements(extension)[0]).decode().split(":")[-1].strip()
                value = elements(extension)[-1]
                lines.append(f"{oid} = DER:{value[2:].hex()}")
    return lines


def make_request(folder, extensions):
    config = folder / "est.cnf"
    config.write_text("[req]\ndistinguished_name = dn\nprompt = no\nreq_extensions = wanted\n[dn]\nCN = est\n[wanted]\n" + "\n".join(extensions))
    key = folder / "est.key"
    if not key.exists():
        openssl("genrsa", "-out", str(key), "2048")
    without = [] if extensions else ["-reqexts", "wanted"]
    return openssl("req", "-new", "-key", str(key), "-config", str(config), "-outform", "DER", *without)


def main():
    url, cafile, user, password_file, folder, label, operation = sys.argv[1:]
    folder = Path(folder)
    client = Client(url, cafile, user, Path(password_file).read_text(), label)
    status, certificates = client.call("GET", "cacerts")
    if status != 200 or not openssl("pkcs7", "-inform", "DER", "-print_certs", input=certificates):
        sys.exit(f"cacerts: {status}")
    status, attributes = client.call("GET", "csrattrs")
    if status not in (200, 204):
        sys.exit(f"csrattrs: {status}")
    request = base64.encodebytes(make_request(folder, wanted_extensions(attributes) if status == 200 else []))
    for _ in range(3):
        status, answer = client.call("POST", operation, request, "application/pkcs10")
        if status == 200:
            (folder / "est.pem").write_bytes(openssl("pkcs7", "-inform", "DER", "-print_certs", input=answer))
            print("issued")
            return
        if status != 202:
            print(f"refused {status}")
            return
    print("pending")


if __name__ == "__main__":
    main()
