#!/usr/bin/python3
"""Hostile and clumsy HTTP clients for tests/integration/http_limits.sh. Status 0: the server did what it must.

usage: http_limits_client.py CHECK URL CAFILE [ARGUMENT...]; CHECK is the name of a function below.
"""

import base64
import os
import signal
import socket
import ssl
import sys
import threading
import time
from urllib.parse import urlparse

PATIENCE_S = 90  # for what comes at once on a machine with nothing else to do


def connect(url, cafile, at_most=ssl.TLSVersion.MAXIMUM_SUPPORTED):
    where = urlparse(url)
    if where.scheme == "unix":
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(PATIENCE_S)
        plain.connect(where.path)
        return plain
    plain = socket.create_connection((where.hostname, where.port), timeout=PATIENCE_S)
    if where.scheme == "http":
        return plain
    context = ssl.create_default_context(cafile=cafile)
    context.maximum_version = at_most
    return context.wrap_socket(plain, server_hostname=where.hostname)


def answer(s, head=False):
    """One answer: status, headers (list of pairs), body. Status 0: closed without one."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = s.recv(65536)
        if not more:
            return 0, [], data
        data += more
    top, body = data.split(b"\r\n\r\n", 1)
    lines = top.decode("latin-1").split("\r\n")
    headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
    length = next((int(v) for k, v in headers if k.lower() == "content-length"), 0)
    while not head and len(body) < length:
        more = s.recv(65536)
        if not more:
            return 0, headers, body
        body += more
    return int(lines[0].split()[1]), headers, body


def host(s):
    """What Host says on this connection."""
    return "localhost" if s.family == socket.AF_UNIX else f"localhost:{s.getpeername()[1]}"


def request(s, method, path, headers=(), body=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host(s)}", "Content-Type: application/json", *headers]
    if body or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(body)}")
    s.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return answer(s, method == "HEAD")


def is_closed(s):
    try:
        return s.recv(1) == b""
    except (ConnectionResetError, ssl.SSLError, BrokenPipeError):
        return True


def basic(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def quiet():
    """The time of a clock, in seconds, that stands while anybody on this machine waits for a processor or a disk (quiet_ms of checks.sh)."""
    now = time.monotonic()
    try:
        with open("/proc/pressure/cpu", encoding="ascii") as cpu, open("/proc/pressure/io", encoding="ascii") as io, \
                open("/proc/stat", encoding="ascii") as stat:
            waited = [int(f.readline().rsplit("=", 1)[1]) for f in (cpu, io)]
            return now - sum(waited) / 1e6 - int(stat.readline().split()[8]) / 100
    except OSError:
        return now / 10


def expect(condition, what):
    if not condition:
        print(what)
        sys.exit(1)


def gives(url, cafile, method, path, status):
    got, _, body = request(connect(url, cafile), method, path)
    expect(got == int(status), f"{got} instead of {status}: {body[:200]}")


def header_too_large(url, cafile):
    s = connect(url, cafile)
    try:
        got = request(s, "GET", "/dirca/v1/ca", ["X: " + "y" * 40000])[0]
    except (ConnectionResetError, BrokenPipeError):
        got = 0
    expect(got in (0, 400, 413, 431), f"status {got}")


def body_too_large(url, cafile):
    s = connect(url, cafile)
    s.sendall(f"POST /.well-known/est/fullcmc HTTP/1.1\r\nHost: {host(s)}\r\nContent-Length: 100000000\r\n\r\n".encode())
    try:
        s.sendall(b"A" * 600000)
        got = answer(s)[0]
    except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
        got = 0
    expect(got in (0, 413), f"status {got}")


def drip(url, cafile, seconds):
    """A byte every 0.2 s: the connection ends all the same."""
    begin = time.monotonic()
    s = connect(url, cafile)
    connected = quiet()
    try:
        s.sendall(b"GET /dirca/v1/ca HTTP/1.1\r\nX: ")
        while time.monotonic() - begin < PATIENCE_S:
            s.sendall(b"y")
            s.settimeout(0.2)
            try:
                if s.recv(4096) == b"":
                    break
            except TimeoutError:
                pass
    except OSError:
        pass
    took, waited = time.monotonic() - begin, quiet() - connected
    expect(float(seconds) - 1 < took < PATIENCE_S and waited < float(seconds) + 4, f"closed after {took:.1f} s")


def silent(url, cafile, seconds):
    where = urlparse(url)
    if where.scheme == "unix":
        s = connect(url, cafile)
    else:
        s = socket.create_connection((where.hostname, where.port), timeout=PATIENCE_S)
    begin = quiet()
    expect(is_closed(s), "it stays open")
    expect(quiet() - begin < float(seconds) + 4, "closed too late")


def over_the_limit(url, cafile, limit):
    """A connection over the limit of one address is served, and the one that waited longest goes for it."""
    # With TLS 1.3 a client has its handshake behind it while the server may still wait for the last message.
    held = [connect(url, cafile, ssl.TLSVersion.TLSv1_2) for _ in range(int(limit))]
    expect(request(connect(url, cafile), "GET", "/.well-known/est/cacerts")[0] == 200, "the one over the limit is not served")
    expect(request(held[-1], "GET", "/.well-known/est/cacerts")[0] == 200, "a younger one had to go too")
    expect(is_closed(held[0]), "the oldest one is still there")


def no_old_tls(url, cafile):
    where = urlparse(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_verify_locations(cafile)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    plain = socket.create_connection((where.hostname, where.port), timeout=PATIENCE_S)
    try:
        context.wrap_socket(plain, server_hostname=where.hostname)
    except (ssl.SSLError, ConnectionResetError):
        return
    expect(False, "TLS 1.1 was accepted")


def challenges(url, cafile):
    got, headers, _ = request(connect(url, cafile), "GET", "/dirca/v1/ca")
    schemes = sorted(v.split()[0] for k, v in headers if k.lower() == "www-authenticate")
    expect(got == 401, f"status {got}")
    expect(schemes == ["Basic", "Negotiate", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"], str(schemes))


def five_failures(url, cafile, user):
    s = connect(url, cafile)
    for n in range(1, 6):
        got = request(s, "GET", "/dirca/v1/ca", [basic(user, f"wrong{n}")])[0]
        expect(got == 401, f"attempt {n}: status {got}")
    expect(is_closed(s), "the connection is still open")


def credentials_are_the_connections(url, cafile, user, password):
    """Known on this connection without saying it again, on no other, and no more after a wrong word."""
    s = connect(url, cafile)
    expect(request(s, "GET", "/dirca/v1/requests", [basic(user, password)])[0] == 200, "good credentials")
    expect(request(s, "GET", "/dirca/v1/requests")[0] == 200, "kept for the connection")
    expect(request(connect(url, cafile), "GET", "/dirca/v1/requests")[0] == 401, "another connection")
    expect(request(s, "GET", "/dirca/v1/requests", [basic(user, "wrong")])[0] == 401, "wrong afterwards")
    expect(request(s, "GET", "/dirca/v1/requests")[0] == 401, "forgotten after the wrong ones")


def strange_credentials(url, cafile, user):
    """None of these opens the door, breaks the server or mixes two exchanges."""
    start = base64.b64encode(f"n,,n={user},r=abcdef".encode()).decode()
    values = ["Basic", "Basic ", "Basic !", basic(user, "")[15:], "Basic " + base64.b64encode(b"nocolon").decode(),
              "Basic " + base64.b64encode(b"\x00:x").decode(), "Basic Og==", "Negotiate", "Negotiate !", "Negotiate AAAA",
              "SCRAM-SHA-256 ", "SCRAM-SHA-256 data=", "SCRAM-SHA-256 data=AAAA", f"SCRAM-SHA-256 sid=x, data={start}",
              f"SCRAM-SHA-256 data={start}", f"Digest username={user}", "", "y" * 8000]
    for value in values:
        s = connect(url, cafile)
        got = request(s, "GET", "/dirca/v1/requests", ["Authorization: " + value])[0]
        expect(got == 401, f"{value[:60]}: status {got}")
    s = connect(url, cafile)
    for value in (f"SCRAM-SHA-256 data={start}", f"Negotiate {start}", f"SCRAM-SHA-256 data={start}", basic(user, "")[15:]):
        got = request(s, "GET", "/dirca/v1/requests", ["Authorization: " + value])[0]
        expect(got == 401, f"{value[:60]} in turn: status {got}")


def head_is_get_without_body(url, cafile, path):
    s = connect(url, cafile)
    got, headers, body = request(s, "HEAD", path)
    expect(got == 200 and body == b"", f"status {got}, {len(body)} bytes")
    length = next(int(v) for k, v in headers if k.lower() == "content-length")
    got, _, body = request(s, "GET", path)
    expect(got == 200 and len(body) == length, f"{len(body)} bytes instead of {length}")


def churn(url, cafile, user, password):
    """Clients that leave at every moment of an exchange."""
    port = urlparse(url).port
    whole = (f"GET /dirca/v1/requests HTTP/1.1\r\nHost: localhost:{port}\r\n" + basic(user, password) + "\r\n\r\n").encode()
    for n in range(60):
        try:
            s = connect(url, cafile)
            s.sendall(whole[: (n * 7) % len(whole)] if n % 3 == 0 else whole)
            if n % 3 == 1:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            if n % 3 == 2:
                s.recv(10)
            s.close()
        except OSError:
            pass
    expect(request(connect(url, cafile), "GET", "/dirca/v1/requests", [basic(user, password)])[0] == 200, "afterwards")


def wait_for(condition):
    until = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)


def load(url, cafile, user, password, signal_number, pid, count):
    """Requests on several connections while a signal comes: each that was sent whole is answered."""
    failures, done, stop = [], [], threading.Event()

    def ask():
        try:
            s = connect(url, cafile)
        except OSError:
            return
        while not stop.is_set():
            try:
                s.sendall((f"GET /dirca/v1/requests HTTP/1.1\r\nHost: {host(s)}\r\n"
                           + basic(user, password) + "\r\n\r\n").encode())
            except OSError:
                return
            try:
                got, headers, _ = answer(s)
            except OSError:
                got, headers = 0, []
            if got != 200:
                failures.append(got)
                return
            done.append(got)
            if ("Connection", "close") in headers:
                return

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(int(count)):
        wait_for(lambda enough=len(done) + 8: len(done) >= enough or failures)
        os.kill(int(pid), int(signal_number))
    if int(signal_number) == signal.SIGTERM:  # each connection is closed in the end
        wait_for(lambda: not any(thread.is_alive() for thread in threads))
    else:
        wait_for(lambda enough=len(done) + 8: len(done) >= enough or failures)
    stop.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    print(f"{len(done)} answers")
    # A request that the server had not begun to read when it ended is not an answer lost.
    lost = [f for f in failures if f != 0] if int(signal_number) == signal.SIGTERM else failures
    expect(done and not lost, f"{len(done)} good, failures {failures}")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
