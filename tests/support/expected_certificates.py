#!/usr/bin/env python3
"""What a CA puts into the certificates of the 65 default templates, derived from their LDIF and from the rules of
[MS-WCCE] 3.2.2.6.2.1.4, [MS-CRTD] 2 and RFC 5280, which stand beside each line. It shares no code with the CA.

    expected_certificates.py            prints tests/fixtures/templates/expected-certificates.txt
    expected_certificates.py --check    compares with it

The requester is user1, for templates of computers (CT_FLAG_MACHINE_TYPE) the computer host1. The request has an RSA
key, the subject CN=requested and the alternative name DNS:requested.nwtraders.com, and is signed by as many
registration authorities as the template wants. Templates without an OID get <arc>.1.<place in the file>, as a forest
gives them one."""
import base64
import pathlib
import struct
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
FOLDER = TOP / "tests/fixtures/templates"
ARC = "1.3.6.1.4.1.311.21.8.1.2.3.4.5.6.1"

USER = {"dn": "CN=user1,CN=Users,DC=nwtraders,DC=com", "cn": "user1", "upn": "user1@nwtraders.com",
        "mail": "user1@nwtraders.com", "dns": None, "guid": "01" * 16, "sid": "S-1-5-21-1-2-3-1101"}
HOST = {"dn": "CN=host1,OU=Servers,DC=nwtraders,DC=com", "cn": "host1", "upn": None,
        "mail": None, "dns": "host1.nwtraders.com", "guid": "02" * 16, "sid": "S-1-5-21-1-2-3-1102"}
DOMAIN = ("nwtraders.com", "NWTRADERS")

USAGES = ["digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign",
          "cRLSign", "encipherOnly", "decipherOnly"]
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"


def entries(path):
    """[{attribute: [values]}]; this LDIF has no folded lines but base64."""
    entry = {}
    for line in path.read_text(encoding="utf-8").splitlines() + [""]:
        if line.startswith("#"):
            continue
        if not line:
            if entry:
                yield entry
            entry = {}
            continue
        name, value = line.split(":", 1)
        entry.setdefault(name, []).append(base64.b64decode(value[2:]) if value.startswith(":") else value.strip())


class Template:
    def __init__(self, entry, place):
        self.entry = entry
        self.cn = self.text("cn")
        self.version = self.number("msPKI-Template-Schema-Version", 1)
        self.oid = self.text("msPKI-Cert-Template-OID") or f"{ARC}.{place}"
        self.flags = self.word("flags")
        self.enrollment = self.word("msPKI-Enrollment-Flag")
        self.name_flag = self.word("msPKI-Certificate-Name-Flag")
        self.key_flag = self.word("msPKI-Private-Key-Flag")
        self.critical = entry.get("pKICriticalExtensions", [])
        self.who = HOST if self.flags & 0x40 else USER

    def text(self, name):
        return self.entry.get(name, [None])[0]

    def number(self, name, default=0):
        return int(self.text(name) or default)

    def word(self, name):
        return self.number(name) & 0xFFFFFFFF

    def days(self, name):
        return -struct.unpack("<q", self.entry[name][0])[0] / 10_000_000 / 86400

    def mark(self, oid, always=False):
        return "critical " if always or oid in self.critical else ""

    def is_ca(self):
        return self.flags & (0x80 | 0x800)

    def supplied(self):
        return self.name_flag & 0x1


def subject(t):
    if t.supplied():
        return "CN=requested", "[MS-WCCE] 4.5.9: CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT takes that of the request"
    name, rules = "", []
    if t.name_flag & 0x80000000:
        name, rules = t.who["dn"], ["4.5.9: SUBJECT_REQUIRE_DIRECTORY_PATH is the DN"]
    elif t.name_flag & 0x50000000:
        machine = t.who is HOST
        name = "CN=" + (t.who["dns"] if machine else t.who["cn"])
        rules = ["4.5.9: COMMON_NAME or DNS_AS_CN is " + ("dNSHostName of a machine" if machine else "cn of a user")]
    if t.name_flag & 0x20000000:
        name = "emailAddress=" + t.who["mail"] + ("," + name if name else "")
        rules.append("SUBJECT_REQUIRE_EMAIL adds mail")
    return name or "(empty)", "[MS-WCCE] " + "; ".join(rules or ["4.5.9: no flag names a subject"])


def alternative_names(t):
    rule = "[MS-WCCE] 4.5.9"
    if t.supplied():
        names = ["DNS:requested.nwtraders.com"]
        rule += ": those of the request"
    else:
        names = []
        if t.name_flag & (0x2000000 | 0x800000):
            names.append("UPN:" + t.who["upn"])
        if t.name_flag & 0x4000000:
            names.append("email:" + t.who["mail"])
        if t.name_flag & 0x1000000:
            names.append("GUID:" + t.who["guid"])
        if t.name_flag & 0x400000:
            names += ["DNS:" + d for d in DOMAIN]
        if t.name_flag & 0x8000000:
            names.append("DNS:" + t.who["dns"])
        rule += ": by SUBJECT_ALT_REQUIRE_*"
    if not names:
        return "(none)", rule
    empty = subject(t)[0] == "(empty)"
    if empty or "2.5.29.17" in t.critical:
        rule += "; critical by " + ("RFC 5280 4.2.1.6: no subject" if empty else "4.4.6")
    return t.mark("2.5.29.17", empty) + " ".join(names), rule


def key_usage(t):
    bits = t.entry.get("pKIKeyUsage", [b""])[0]
    names = [u for i, u in enumerate(USAGES) if i // 8 < len(bits) and bits[i // 8] & (0x80 >> i % 8)]
    if not names:
        return "(none)", "[MS-WCCE] 4.4.4: pKIKeyUsage has no bit"
    return t.mark("2.5.29.15") + " ".join(names), "[MS-WCCE] 4.4.4: pKIKeyUsage, RSA key; 4.4.6"


def oids(t, extension, values, rule):
    return (t.mark(extension) + " ".join(values) if values else "(none)"), rule


def application_policies(t):
    if t.version < 2:
        return "(none)", "[MS-CRTD] 2.25: not in version 1"
    return oids(t, "1.3.6.1.4.1.311.21.10", t.entry.get("msPKI-Certificate-Application-Policy", []), "[MS-WCCE] 4.5.5")


def policies(t):
    if t.version < 2:
        return "(none)", "[MS-CRTD] 2.24: not in version 1"
    return oids(t, "2.5.29.32", t.entry.get("msPKI-Certificate-Policy", []), "[MS-WCCE] 4.5.8")


def basic_constraints(t):
    if t.is_ca():
        depth = t.number("pKIMaxIssuingDepth", -1)
        return ("critical CA" + ("" if depth == -1 else f" path {depth}"),
                "[MS-WCCE] 4.4.1: IS_CA or IS_CROSS_CA; 4.4.5: pKIMaxIssuingDepth; critical by RFC 5280 4.2.1.9")
    if t.enrollment & 0x8000:
        return t.mark("2.5.29.19") + "no CA", "[MS-WCCE] 4.5.6: INCLUDE_BASIC_CONSTRAINTS_FOR_EE_CERTS"
    return "(none)", "[MS-WCCE] 4.4.1, 4.5.6: no flag asks for them"


def template_extension(t):
    if t.version >= 2:
        return (f"21.7 {t.oid} {t.number('revision')} {t.number('msPKI-Template-Minor-Revision')}",
                "[MS-WCCE] 2.2.2.7.7.2: OID, revision, minor revision")
    if t.flags & 0x200:
        return f"20.2 {t.cn}", "[MS-CRTD] 2.4: ADD_TEMPLATE_NAME, [MS-WCCE] 2.2.2.7.7.1"
    return "(none)", "[MS-CRTD] 2.4: no ADD_TEMPLATE_NAME"


def sid(t):
    if t.enrollment & 0x80000:
        return "(none)", "[MS-CRTD] 2.26: NO_SECURITY_EXTENSION"
    if t.supplied():
        return "(none)", "[MS-WCCE] 4.5.9: subject supplied, and the request has no SID"
    return t.who["sid"], "[MS-WCCE] 4.5.9: objectSid as text"


def no_check(t):
    return t.enrollment & 0x1000 and OCSP_SIGNING in t.entry.get("msPKI-Certificate-Application-Policy", [])


def revocation(t):
    if no_check(t):
        return "nocheck", "[MS-WCCE] 4.5.6: ADD_OCSP_NOCHECK: id-pkix-ocsp-nocheck, neither AIA nor CDP"
    if t.enrollment & 0x4000:
        return "AIA", "[MS-WCCE] 4.5.6: NOREVOCATIONINFOINISSUEDCERTS: no CDP"
    return "AIA CDP", "RFC 5280 4.2.1.13, 4.2.2.1"


def decision(t):
    words = []
    if t.number("msPKI-RA-Signature"):
        words.append(f"signatures {t.number('msPKI-RA-Signature')}")
    words += [w for bit, w in ((0x2, "pend"), (0x4, "publish-kra"), (0x8, "publish-ds")) if t.enrollment & bit]
    if t.version >= 2 and t.key_flag & 1:
        words.append("archive")
    return " ".join(words) or "(nothing)", "[MS-WCCE] 4.5.1, 4.5.6, 4.5.7"


def lines(t):
    yield "subject", subject(t)
    yield "alternative names", alternative_names(t)
    yield "key usage", key_usage(t)
    yield "extended key usage", oids(t, "2.5.29.37", t.entry.get("pKIExtendedKeyUsage", []), "[MS-WCCE] 4.4.3")
    yield "application policies", application_policies(t)
    yield "issuance policies", policies(t)
    yield "basic constraints", basic_constraints(t)
    yield "template", template_extension(t)
    smime = t.enrollment & 1
    yield "S/MIME capabilities", ("yes" if smime else "(none)", "[MS-WCCE] 4.5.6: INCLUDE_SYMMETRIC_ALGORITHMS")
    yield "SID", sid(t)
    yield "days", (f"{t.days('pKIExpirationPeriod'):g}", "[MS-WCCE] 4.4.2: pKIExpirationPeriod")
    yield "revocation", revocation(t)
    yield "decision", decision(t)


def derive():
    out = ["# Derived by tests/support/expected_certificates.py, which says for whom and from what. Sections x.y of [MS-WCCE]",
           "# are 3.2.2.6.2.1.x.y. The CA's answers are compared by tests/unit/core/test_default_templates.c."]
    for name in ("ws2003", "ws2008plus"):
        for place, entry in enumerate(entries(FOLDER / f"default-templates-{name}.ldif"), 1):
            t = Template(entry, place)
            out += ["", f"[{name} {t.cn}]"] + [f"{key}: {value}  # {rule}" for key, (value, rule) in lines(t)]
    return "\n".join(out) + "\n"


def main():
    text = derive()
    if sys.argv[1:] != ["--check"]:
        sys.stdout.write(text)
        return 0
    path = FOLDER / "expected-certificates.txt"
    if path.read_text(encoding="utf-8") == text:
        return 0
    print(f"{path} is not what the templates and the rules give; run {sys.argv[0]} and look at the difference")
    return 1


if __name__ == "__main__":
    sys.exit(main())
