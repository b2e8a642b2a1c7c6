#!/usr/bin/python3
"""A client of RFC 7030 that does what the document says and nothing more: takes the first challenge only, asks what a request should
hold, repeats a request that is not decided yet. openssl makes its keys and requests.

usage: est_client.py URL CAFILE USER PASSWORD-FILE FOLDER LABEL|- simpleenroll|simplereenroll
       est_client.py URL CAFILE USER PASSWORD-FILE FOLDER LABEL|- serverkeygen CERTIFICATE KEY
Prints "issued", "pending" (after three tries) or "refused STATUS"; the certificate is FOLDER/est.pem, the key FOLDER/est.key. A key that
the server makes is FOLDER/made.key, with FOLDER/made.pem; it comes encrypted to CERTIFICATE, whose key opens it."""

import base64
import email
import hashlib
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
            text = decoded(text)
        self.content_type = answer.getheader("Content-Type")
        return answer.status, text


def decoded(text):
    if not text.endswith(b"\n") or max(map(len, text.splitlines())) > 76:
        sys.exit("base64 that is not in lines")
    return base64.b64decode(text)


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


def tlv(tag, *contents):
    content = b"".join(contents)
    size = len(content)
    length = bytes([size]) if size < 128 else (lambda n: bytes([0x80 | len(n)]) + n)(size.to_bytes((size.bit_length() + 7) // 8, "big"))
    return bytes([tag]) + length + content


OID_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
OID_KEY_PACKAGE = "2.16.840.1.101.2.1.2.78.5"
AES_256_CBC, RSAES_OAEP = bytes.fromhex("060960864801650304012a"), bytes.fromhex("06092a864886f70d010107")


def naming_recipient(request, certificate, key):
    """The request with AsymmetricDecryptKeyIdentifier and SMIMECapabilities (RFC 7030 4.4.1), signed anew."""
    identifier = openssl("x509", "-in", certificate, "-noout", "-ext", "subjectKeyIdentifier").decode().split("\n")[1]
    more = [
        tlv(0x30, bytes.fromhex("060b2a864886f70d0109100236"), tlv(0x31, tlv(4, bytes.fromhex(identifier.strip().replace(":", ""))))),
        tlv(0x30, bytes.fromhex("06092a864886f70d01090f"), tlv(0x31, tlv(0x30, tlv(0x30, AES_256_CBC), tlv(0x30, RSAES_OAEP)))),
    ]
    info, algorithm, _ = elements(request)
    version, subject, public_key, attributes = elements(info)
    info = tlv(0x30, version, subject, public_key, tlv(0xA0, *sorted(elements(attributes) + more)))
    return tlv(0x30, info, algorithm, tlv(3, b"\0", openssl("dgst", "-sha256", "-sign", key, input=info)))


def take_key(folder, answer, content_type, cafile, recipient):
    """The two parts of RFC 7030 4.4.2; what openssl makes of the first."""
    message = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + answer)
    parts = {part.get_param("smime-type"): part for part in message.get_payload()}
    if message.get_content_type() != "multipart/mixed" or set(parts) != {"server-generated-key", "certs-only"}:
        sys.exit(f"parts: {content_type} {list(parts)}")
    for part in parts.values():
        if part.get_content_type() != "application/pkcs7-mime" or part["Content-Transfer-Encoding"] != "base64":
            sys.exit(f"a part's headers: {part.items()}")
    enveloped = decoded(parts["server-generated-key"].get_payload().encode())
    certificates = decoded(parts["certs-only"].get_payload().encode())
    certificate, key = recipient
    signed = openssl("cms", "-decrypt", "-inform", "DER", "-binary", "-inkey", key, "-recip", certificate, input=enveloped)
    signed = tlv(0x30, OID_SIGNED_DATA, tlv(0xA0, signed))
    kind = openssl("cms", "-cmsout", "-print", "-inform", "DER", input=signed).decode()
    if OID_KEY_PACKAGE not in kind:
        sys.exit("no AsymmetricKeyPackage")
    issued = openssl("x509", "-outform", "DER", input=openssl("pkcs7", "-inform", "DER", "-print_certs", input=certificates))
    own = openssl("x509", "-in", certificate, "-outform", "DER")
    hashes = [tlv(4, hashlib.sha256(der).digest()) for der in (issued, own)]
    if tlv(0x30, b"\2\1\1", *hashes) not in signed:
        sys.exit("no KeyDelivery for these certificates")
    package = openssl("cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any", "-CAfile", cafile, input=signed)
    (one,) = elements(package)
    (folder / "made.key").write_bytes(openssl("pkcs8", "-inform", "DER", "-nocrypt", input=one))
    (folder / "made.pem").write_bytes(openssl("pkcs7", "-inform", "DER", "-print_certs", input=certificates))
    of_key = openssl("pkey", "-in", str(folder / "made.key"), "-pubout")
    if openssl("x509", "-in", str(folder / "made.pem"), "-noout", "-pubkey") != of_key:
        sys.exit("the key is not the certificate's")


def main():
    url, cafile, user, password_file, folder, label, operation, *recipient = sys.argv[1:]
    folder = Path(folder)
    client = Client(url, cafile, user, Path(password_file).read_text(), label)
    status, certificates = client.call("GET", "cacerts")
    if status != 200 or not openssl("pkcs7", "-inform", "DER", "-print_certs", input=certificates):
        sys.exit(f"cacerts: {status}")
    status, attributes = client.call("GET", "csrattrs")
    if status not in (200, 204):
        sys.exit(f"csrattrs: {status}")
    request = make_request(folder, wanted_extensions(attributes) if status == 200 else [])
    if recipient:
        request = naming_recipient(request, recipient[0], str(folder / "est.key"))
        (folder / "made.csr").write_bytes(request)
    request = base64.encodebytes(request)
    for _ in range(3):
        status, answer = client.call("POST", operation, request, "application/pkcs10")
        if status == 200 and recipient:
            take_key(folder, answer, client.content_type, cafile, recipient)
            print("issued")
            return
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
