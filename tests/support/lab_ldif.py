"""LDIF of test data for either directory: the same people, groups, templates and rights in the terms of OpenLDAP with ldif/ or
of Samba AD. For lab_modify of tests/support/lab.sh."""
import base64
import pathlib
import re
import struct
import uuid

DOMAIN = "DC=nwtraders,DC=com"
USERS = "CN=Users," + DOMAIN
COMPUTERS = "CN=Computers," + DOMAIN
SERVICES = "CN=Public Key Services,CN=Services,CN=Configuration," + DOMAIN
TEMPLATES = "CN=Certificate Templates," + SERVICES
DOMAIN_SID = "S-1-5-21-3330634377-1326264276-632209373"
DOMAIN_USERS, DOMAIN_COMPUTERS = 513, 515
GLOBAL_SECURITY_GROUP = "-2147483646"
ENROLL = "0e10c968-78fb-11d2-90d4-00c04f79dc55"
AUTOENROLL = "a05b8cc2-17bc-4802-a710-e7c15ab866a2"
CONTROL_ACCESS = 0x100
INHERIT_ONLY_TO_CHILDREN = 0x0A   # container inherit, inherit only

LDIF = pathlib.Path(__file__).resolve().parents[2] / "ldif"


# ---- SIDs and security descriptors ----------------------------------------------------------------------------------

def sid(who):
    """A SID in binary form, of its text or of a RID of the domain."""
    parts = ("%s-%d" % (DOMAIN_SID, who) if isinstance(who, int) else who).split("-")
    subs = [int(p) for p in parts[3:]]
    return struct.pack(">BBHI", 1, len(subs), 0, int(parts[2])) + struct.pack("<%dI" % len(subs), *subs)


def ace(kind, flags, mask, who, data=b""):
    body = struct.pack("<I", mask) + sid(who) + data
    body += bytes(-len(body) % 4)
    return struct.pack("<BBH", kind, flags, 4 + len(body)) + body


def object_ace(kind, flags, mask, guid, who):
    body = struct.pack("<II", mask, 1) + uuid.UUID(guid).bytes_le + sid(who)
    return struct.pack("<BBH", kind, flags, 4 + len(body)) + body


def allow(mask, who, flags=0):
    return ace(0, flags, mask, who)


def deny(mask, who):
    return ace(1, 0, mask, who)


def allow_right(who, right=ENROLL, flags=0):
    return object_ace(5, flags, CONTROL_ACCESS, right, who)


def deny_right(who, right=ENROLL):
    return object_ace(6, 0, CONTROL_ACCESS, right, who)


def descriptor(aces, owner=519, control=0x9004):
    """Self-relative, DACL present and protected."""
    who = sid(owner)
    dacl = struct.pack("<BBHHH", 4, 0, 8 + sum(map(len, aces)), len(aces), 0) + b"".join(aces)
    return struct.pack("<BBHIIII", 1, 0, control, 20, 20 + len(who), 0, 20 + 2 * len(who)) + who + who + dacl


def officer_rule(kind, officer, requesters, template=None):
    """[MS-CSRA] 2.2.1.11; `kind` is 9 to allow and 10 to deny."""
    data = struct.pack("<I", len(requesters)) + b"".join(map(sid, requesters))
    if template is not None:
        data += template.encode("utf-16-le") + b"\0\0"
    return ace(kind, 0, 0x10000, officer, data)


# ---- records --------------------------------------------------------------------------------------------------------

def value(name, v):
    if isinstance(v, bytes):
        return "%s:: %s\n" % (name, base64.b64encode(v).decode())
    return "%s: %s\n" % (name, v)


def record(dn, pairs, changetype="add"):
    return "dn: %s\nchangetype: %s\n" % (dn, changetype) + "".join(value(n, v) for n, v in pairs) + "\n"


def modify(dn, operation, name, values=()):
    lines = "%s: %s\n" % (operation, name) + "".join(value(name, v) for v in values)
    return "dn: %s\nchangetype: modify\n%s-\n\n" % (dn, lines)


class Directory:
    """`name` is openldap or samba."""

    def __init__(self, name):
        self.is_ad = name == "samba"

    def password(self, name):
        text = name.rstrip("$") + "-Passw0rd"
        return ("unicodePwd", ('"%s"' % text).encode("utf-16-le")) if self.is_ad else ("userPassword", text)

    def user(self, name, rid, place=USERS, cn=None, upn="", mail="", **more):
        """A user with NAME-Passw0rd; `upn` and `mail` are NAME@nwtraders.com, or None for none."""
        classes = ["user"] if self.is_ad else ["person", "organizationalPerson", "inetOrgPerson", "securityPrincipal"]
        usual = name + "@nwtraders.com"
        pairs = [("objectClass", c) for c in classes]
        pairs += [("sn", name), ("sAMAccountName", name), ("objectSid", sid(rid)), ("userAccountControl", "512"),
                  self.password(name)]
        pairs += [(n, usual if v == "" else v) for n, v in (("userPrincipalName", upn), ("mail", mail)) if v is not None]
        pairs += list(more.items())
        if not self.is_ad:
            pairs += [("primaryGroupID", str(DOMAIN_USERS)), ("objectGUID", uuid.uuid4().bytes)]
        return record("CN=%s,%s" % (cn or name, place), pairs)

    def computer(self, name, rid, host):
        pairs = [("objectClass", "computer"), ("sAMAccountName", name + "$"), ("objectSid", sid(rid)),
                 ("userAccountControl", "4096"), self.password(name)]
        pairs += [("dNSHostName", host)] if host is not None else []
        if not self.is_ad:
            pairs += [("objectClass", "securityPrincipal"), ("primaryGroupID", str(DOMAIN_COMPUTERS)),
                      ("objectGUID", uuid.uuid4().bytes)]
        return record("CN=%s,%s" % (name, COMPUTERS), pairs)

    def group(self, name, rid, members):
        classes = ["group"] if self.is_ad else ["groupOfNames", "securityPrincipal"]
        pairs = [("objectClass", c) for c in classes]
        pairs += [("sAMAccountName", name), ("objectSid", sid(rid)), ("groupType", GLOBAL_SECURITY_GROUP)]
        return record("CN=%s,%s" % (name, USERS), pairs + [("member", m) for m in members])

    def primary_group(self, member, group, rid):
        """Makes a group, of which `member` is an ordinary member so far, the primary one, of which no `member` tells."""
        text = modify(member, "replace", "primaryGroupID", [str(rid)])
        return text if self.is_ad else text + modify("CN=%s,%s" % (group, USERS), "delete", "member", [member])


def template_source(cn):
    """The attributes of a template of ldif/tree/, without what makes it that one."""
    text = "".join((LDIF / "tree" / name).read_text() for name in ("20-templates.ldif", "25-archival-templates.ldif"))
    entry = re.search(r"^dn: CN=%s,.*?(?=\n\n|\Z)" % re.escape(cn), text.replace("\n ", ""), re.M | re.S).group(0).rstrip()
    pairs = [re.match(r"([^:]*)(::?) (.*)", line).groups() for line in entry.split("\n")[1:]]
    skip = ("cn", "displayName", "nTSecurityDescriptor", "objectGUID", "msPKI-Cert-Template-OID")
    return [(n, base64.b64decode(v) if sep == "::" else v) for n, sep, v in pairs if n not in skip]


def template(cn, number, aces, source="UserArchive", owner=519, drop=(), **changes):
    """A copy of `source` with an OID of its own and these ACEs before those for administrators (full control, which holds no
    extended right) and readers; in `changes` an underscore stands for a hyphen."""
    aces = aces + [allow(0xF00FF, 512), allow(0xF00FF, 519), allow(0x20094, "S-1-5-11")]
    changes = {name.replace("_", "-"): v for name, v in changes.items()}
    pairs = [(n, changes.pop(n, v)) for n, v in template_source(source) if n not in drop]
    pairs += list(changes.items())
    pairs += [("displayName", cn), ("msPKI-Cert-Template-OID", "1.3.6.1.4.1.311.21.8.1.2.3.4.5.6.%d" % number),
              ("nTSecurityDescriptor", descriptor(aces, owner))]
    return record("CN=%s,%s" % (cn, TEMPLATES), pairs)
