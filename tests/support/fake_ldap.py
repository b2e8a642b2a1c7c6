#!/usr/bin/env python3
"""An LDAP server that answers as real ones seldom do: values in parts, referrals, the port of a global catalog. For anybody who binds;
writes nothing. usage: fake_ldap.py [ad]     prints a line "ADDRESS PORT"; listens on ports PORT and 3268 there; ad: as a domain controller
"""
import os
import socketserver
import sys
import threading

from der import tlv, tlvs

IS_AD = "ad" in sys.argv[1:]
MEMBERS, PART = 4000, 1500
OTHER = "ldap://other.example/OU=elsewhere,DC=x"


def text(s):
    return tlv(0x04, s.encode())


def number(n):
    return tlv(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def message(id_, op):
    return tlv(0x30, number(id_), op)


def entry(dn, **attributes):
    return tlv(0x64, text(dn), tlv(0x30, *(tlv(0x30, text(name), tlv(0x31, *map(text, values)))
                                          for name, values in attributes.items())))


def result(tag, code, referral=()):
    more = tlv(0xA3, *map(text, referral)) if referral else b""
    return tlv(tag, tlv(0x0A, bytes([code])), text(""), text(""), more)


def part(name, first, last, count=None):
    """Values first to last, and that more follow unless they are the last ones."""
    end = "*" if last >= MEMBERS - 1 else str(last)
    values = ["CN=%d,DC=x" % i for i in range(first, min(last + 1, MEMBERS))][:count]
    return {"%s;range=%d-%s" % (name, first, end): values}


def root():
    made = {"namingContexts": ["DC=x", "CN=Configuration,DC=x"], "isGlobalCatalogReady": ["TRUE"]}
    if IS_AD:
        made.update(supportedCapabilities=["1.2.840.113556.1.4.800"], defaultNamingContext=["DC=x"],
                    configurationNamingContext=["CN=Configuration,DC=x"])
    return made


def answers(base, attributes):
    """The messages before the end, and how it ends."""
    asked = next((int(a.split("=")[1].split("-")[0]) for a in attributes if ";range=" in a.lower()), 0)
    done = result(0x65, 0)
    if base == "":
        return [entry("", **root())], done
    if base == "OU=split,DC=x":
        own = [tlv(0x73, text("ldap://x.example/" + dn)) for dn in ("CN=Configuration,DC=x", "DC=DomainDnsZones,DC=x")]
        return [entry("CN=one," + base, cn=["one"]), tlv(0x73, text(OTHER))] + (own if IS_AD else []), done
    if base == "OU=moved,DC=x":
        return [], result(0x65, 10, [OTHER])
    kind = base.split(",")[0].lower()
    values = part("member", asked, asked + PART - 1)
    if kind == "cn=whole":
        values = {"member;range=0-*": ["CN=1,DC=x", "CN=2,DC=x"]}
    elif kind == "cn=later":  # begins in the middle
        values = part("member", 5, PART)
    elif kind == "cn=gap" and asked:
        values = part("member", asked + 1, asked + PART)
    elif kind == "cn=again" and asked:
        values = part("member", 0, PART - 1)
    elif kind == "cn=empty" and asked:
        values = part("member", asked, asked + PART, 0)
    elif kind == "cn=other" and asked:
        values = part("memberOf", asked, asked + PART)
    elif kind == "cn=gone" and asked:
        values = {}
    elif kind == "cn=odd":
        values = {"member;range=x-9": ["CN=1,DC=x"]}
    if not asked:
        values["cn"] = [kind]
    return [entry(base, **values)], done


class Session(socketserver.StreamRequestHandler):
    def read(self):
        head = self.rfile.read(2)
        if len(head) < 2:
            return None
        size = head[1]
        if size & 0x80:
            size = int.from_bytes(self.rfile.read(size & 0x7F), "big")
        return self.rfile.read(size)

    def handle(self):
        while (body := self.read()) is not None:
            (_, id_), (tag, op) = tlvs(body)[:2]
            id_ = int.from_bytes(id_, "big")
            if tag == 0x60:
                self.wfile.write(message(id_, result(0x61, 0)))
            elif tag == 0x63:
                fields = tlvs(op)
                entries, end = answers(fields[0][1].decode(), [a.decode() for _, a in tlvs(fields[7][1])])
                for e in entries + [end]:
                    self.wfile.write(message(id_, e))
            elif tag == 0x66:
                self.wfile.write(message(id_, result(0x67, 10, [OTHER])))
            else:
                return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


pid = os.getpid()
address = "127.84.%d.%d" % (pid >> 8 & 0xFF, 1 + pid % 254)
catalog, plain = Server((address, 3268), Session), Server((address, 0), Session)
threading.Thread(target=catalog.serve_forever, daemon=True).start()
print(address, plain.server_address[1], flush=True)
plain.serve_forever()
