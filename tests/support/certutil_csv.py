#!/usr/bin/env python3
"""What `certutil -view -out ... csv` writes: rows of an AD CS database, for tests.

usage: certutil_csv.py [--german] [--utf16] FILE ROW...

A row is NAME=VALUE pairs between semicolons: id, disposition, requester, template, upn, reason, serial, hashes, attributes as they are;
cert, request and key name files, a certificate and a request (PEM) and an EnvelopedData (DER); revoked and submitted are times (seconds since 1970). Header and dates are
those of an English or a German Windows.
"""
import argparse
import base64
import re
import sys
import time

COLUMNS = [  # what -out is given, the name on an English and on a German Windows, and the pair
    ("Request.RequestID", "Request ID", "Anforderungs-ID", "id"),
    ("Request.Disposition", "Request Disposition", "Anforderungsdisposition", "disposition"),
    ("Request.StatusCode", "Request Status Code", "Anforderungsstatuscode", "status"),
    ("Request.SubmittedWhen", "Request Submission Date", "Anforderungsübermittlungsdatum", "submitted"),
    ("Request.RequesterName", "Requester Name", "Antragstellername", "requester"),
    ("CertificateTemplate", "Certificate Template", "Zertifikatvorlage", "template"),
    ("SerialNumber", "Serial Number", "Seriennummer", "serial"),
    ("UPN", "User Principal Name", "Benutzerprinzipalname", "upn"),
    ("Request.RevokedEffectiveWhen", "Effective Revocation Date", "Effektives Sperrdatum", "revoked"),
    ("Request.RevokedReason", "Revocation Reason", "Sperrungsgrund", "reason"),
    ("Request.KeyRecoveryHashes", "Key Recovery Agent Hashes", "Hashwerte des Schlüsselwiederherstellungs-Agents", "hashes"),
    ("RawCertificate", "Binary Certificate", "Binäres Zertifikat", "cert"),
    ("Request.RequestAttributes", "Request Attributes", "Anforderungsattribute", "attributes"),
    ("Request.RawRequest", "Binary Request", "Binäre Anforderung", "request"),
    ("Request.RawArchivedKey", "Archived Key", "Archivierter Schlüssel", "key"),
]
DISPOSITIONS = {"9": "Under Submission", "12": "Foreign", "20": "Issued", "21": "Revoked", "30": "Error", "31": "Denied"}


def certificate(path):
    """The DER of a PEM file."""
    with open(path, encoding="ascii") as file:
        return base64.b64decode(file.read().split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0])


def content(der):
    """The content of the first element, and what is behind it."""
    length, at = der[1], 2
    if length >= 0x80:
        at += length & 0x7f
        length = int.from_bytes(der[2:at], "big")
    return der[at:at + length], der[at + length:]


def serial(der):
    tbs = content(content(der)[0])[0]
    if tbs[0] == 0xa0:  # version
        tbs = content(tbs)[1]
    return content(tbs)[0].hex()


def armour(label, der):
    text = base64.b64encode(der).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\r\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def value(name, row, german):
    text = row.get(name)
    if name == "serial" and text is None and "cert" in row:
        return serial(certificate(row["cert"]))
    if name == "status":
        return "0x0 (WIN32: 0) -- The operation completed successfully."
    if text is None:
        return "EMPTY"
    if name == "disposition":
        return f"{text} -- {DISPOSITIONS.get(text, text)}"
    if name == "submitted":
        return time.strftime("%d.%m.%Y %H:%M:%S" if german else "%-m/%-d/%Y %-I:%M:%S %p", time.localtime(int(text)))
    if name == "revoked":
        when = time.localtime(int(text))
        return time.strftime("%d.%m.%Y %H:%M" if german else "%-m/%-d/%Y %-I:%M %p", when)
    if name == "reason":
        return f"0x{int(text):x} ({text}) -- Reason"
    if name == "cert":
        return armour("CERTIFICATE", certificate(text))
    if name == "request":
        with open(text, encoding="ascii") as file:
            return armour("NEW CERTIFICATE REQUEST", base64.b64decode(re.search("-----\n(.*?)-----END", file.read(), re.S)[1]))
    if name == "key":
        with open(text, "rb") as file:
            return armour("CERTIFICATE", file.read())
    return text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--german", action="store_true")
    parser.add_argument("--utf16", action="store_true")
    parser.add_argument("--names", action="store_true", help="print what -out is given, and stop")
    parser.add_argument("file", nargs="?")
    parser.add_argument("rows", nargs="*")
    options = parser.parse_args()
    if options.names:
        print(",".join(c[0] for c in COLUMNS))
        return
    lines = [[c[2 if options.german else 1] for c in COLUMNS]]
    for text in options.rows:
        row = dict(pair.split("=", 1) for pair in text.split(";"))
        lines.append([value(c[3], row, options.german) for c in COLUMNS])
    text = "".join(",".join('"' + field.replace('"', '""') + '"' for field in line) + "\r\n" for line in lines)
    with open(options.file, "wb") as file:
        file.write(text.encode("utf-16" if options.utf16 else "utf-8"))


if __name__ == "__main__":
    sys.exit(main())
