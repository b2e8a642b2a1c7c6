#!/usr/bin/python3
"""Requests that two programs read differently, for tests/attack/s07_s12_s19_doors.sh: a whole second request stands where one of the two
takes it for the body of the first. Status 0: each gets one answer, 400, and the connection ends.

usage: framing.py URL CAFILE
"""

import re
import socket
import ssl
import sys
from urllib.parse import urlparse

SECOND = "GET /.well-known/est/cacerts HTTP/1.1\r\nHost: {host}\r\n\r\n"
# Between request line with Host and the empty line.
HEADS = [
    "Content-Length: 0\r\nContent-Length: {len}\r\n",
    "Content-Length: 0, {len}\r\n",
    "Content-Length: +0\r\n",
    "Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: {len}\r\n",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
    "Content-Length : {len}\r\n",
    "X: y\r\n Content-Length: {len}\r\n",
    "X: y\nContent-Length: {len}\r\n",
    "X: y\rContent-Length: {len}\r\n",
    "X: y\0\r\n",
    "Host: other\r\n",
    "Authorization: Basic eDp4\r\nAuthorization: Basic eTp5\r\n",
]


def answers(url, cafile, head):
    where = urlparse(url)
    context = ssl.create_default_context(cafile=cafile)
    s = context.wrap_socket(socket.create_connection((where.hostname, where.port), timeout=5), server_hostname=where.hostname)
    second = SECOND.format(host=where.netloc)
    s.sendall((f"GET /.well-known/est/cacerts HTTP/1.1\r\nHost: {where.netloc}\r\n{head.format(len=len(second))}\r\n{second}").encode())
    data = b""
    try:
        while more := s.recv(65536):
            data += more
    except TimeoutError:
        return re.findall(rb"HTTP/1\.1 (\d{3})", data), False
    except OSError:
        pass
    return re.findall(rb"HTTP/1\.1 (\d{3})", data), True


bad = 0
for text in HEADS:
    got, closed = answers(sys.argv[1], sys.argv[2], text)
    if got != [b"400"] or not closed:
        print(f"{text!r}: {got}, {'closed' if closed else 'still open'}")
        bad += 1
sys.exit(1 if bad else 0)
