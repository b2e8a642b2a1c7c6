#!/usr/bin/env python3
"""A mail server for tests, on loopback: smtp_server.py FOLDER [CERTIFICATE KEY [USER PASSWORD]]. Writes its port into FOLDER/port and each
message, with its envelope before it, into FOLDER/N.eml. With a certificate it offers STARTTLS and takes nothing without; with a user, nothing
from anybody else. While FOLDER/hang is there it says nothing; while FOLDER/smtps is there a connection begins with TLS,
while FOLDER/plain is there it offers none. FOLDER/lines has what
clients say in the clear."""
import base64
import os
import pathlib
import socketserver
import ssl
import sys
import time

folder = pathlib.Path(sys.argv[1])
tls = sys.argv[2:4]
login = sys.argv[4:6]
count = 0


class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")
        self.wfile.flush()

    def begin_tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        self.request = context.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb")
        self.encrypted = True

    def take(self):
        global count
        self.say("354 end with a dot")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        count += 1
        text = "".join(f"{e}\n" for e in self.envelope).encode() + b"\n" + b"".join(lines)
        (folder / f"{count}.tmp").write_bytes(text)
        os.rename(folder / f"{count}.tmp", folder / f"{count}.eml")
        self.say("250 taken")

    def handle(self):
        self.envelope, self.encrypted, self.user = [], False, not login
        while (folder / "hang").exists():
            time.sleep(0.1)
        if (folder / "smtps").exists():
            self.begin_tls()
        self.say("220 test")
        while line := self.rfile.readline().decode("latin-1").strip():
            if not self.encrypted:
                with open(folder / "lines", "a", encoding="latin-1") as lines:
                    print(line, file=lines)
            word = line.split(" ")[0].upper()
            if word == "EHLO":
                self.say("250-test")
                if tls and not self.encrypted and not (folder / "plain").exists():
                    self.say("250-STARTTLS")
                self.say("250 AUTH PLAIN" if login else "250 8BITMIME")
            elif word == "STARTTLS":
                self.say("220 go on")
                self.begin_tls()
            elif tls and not self.encrypted and not (folder / "plain").exists() and word != "QUIT":
                self.say("530 STARTTLS first")
            elif word == "AUTH":
                if line.upper() == "AUTH PLAIN":
                    self.say("334 ")
                    line += " " + self.rfile.readline().decode("latin-1").strip()
                self.user = base64.b64decode(line.split(" ")[2]).split(b"\0")[1:] == [x.encode() for x in login]
                self.say("235 welcome" if self.user else "535 no")
            elif not self.user and word != "QUIT":
                self.say("530 AUTH first")
            elif word in ("MAIL", "RCPT"):
                self.envelope.append(line)
                self.say("250 yes")
            elif word == "DATA":
                self.take()
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("502 what")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


with Server(("127.0.0.1", 0), Session) as server:
    (folder / "port.tmp").write_text(str(server.server_address[1]))
    os.rename(folder / "port.tmp", folder / "port")
    server.serve_forever()
