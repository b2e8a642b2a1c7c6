#!/usr/bin/env python3
"""The people and templates of the conformance suite as LDIF. The RIDs and names are those that suite.sh speaks of.

usage: fixtures.py openldap|samba tree             people, groups and templates
       fixtures.py openldap|samba authority CN     what the CA of this name issues, and its officer rights
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from lab_ldif import (  # noqa: E402
    AUTOENROLL, CONTROL_ACCESS, DOMAIN, DOMAIN_COMPUTERS, DOMAIN_USERS, INHERIT_ONLY_TO_CHILDREN, SERVICES, USERS,
    Directory, allow, allow_right, deny, deny_right, descriptor, modify, officer_rule, record, template)

READ_PROP = 0x10
EVERYONE, AUTHENTICATED = "S-1-1-0", "S-1-5-11"
ALICE, BOB, CARL, DAVE, ERIN, FRANK, GRACE, HEIDI, PAT1, PAT2, MALLORY, NOUPN = range(1301, 1313)
HOST, NAMELESS = 1320, 1321
INNER, OUTER, OUTERMOST, CONTRACTORS, BANNED, BANNED_ABOVE, ALLOWED, JUNIORS = range(1341, 1349)
OFFICERS = range(1361, 1369)
OFFICER1 = 1111
# Of a domain that is gone; who was moved from there has it in sIDHistory.
MOVED = "S-1-5-21-1-2-3-1105"
MANAGERS = "CN=Certificate Managers," + USERS
NORTH, SOUTH = "OU=North," + DOMAIN, "OU=South," + DOMAIN


def dn(name, place=USERS):
    return "CN=%s,%s" % (name, place)


def people(d):
    yield record(NORTH, [("objectClass", "organizationalUnit")])
    yield record(SOUTH, [("objectClass", "organizationalUnit")])
    yield d.user("alice", ALICE, cn="Alice Able")
    yield d.user("bob", BOB, mail=None)
    yield d.user("carl", CARL)
    yield d.user("dave", DAVE)
    yield d.user("erin", ERIN)
    yield d.user("frank", FRANK)
    yield d.user("grace", GRACE)
    yield d.user("heidi", HEIDI)
    yield d.user("pat1", PAT1, NORTH, cn="Pat Smith")
    yield d.user("pat2", PAT2, SOUTH, cn="Pat Smith")
    # Her UPN is Alice's mail in another spelling, her mail is Alice's UPN.
    yield d.user("mallory", MALLORY, upn="alice.able@nwtraders.com", mail="alice@nwtraders.com")
    yield d.user("noupn", NOUPN, upn=None)
    yield d.computer("host", HOST, "host.nwtraders.com")
    yield d.computer("nameless", NAMELESS, None)
    yield d.group("Inner", INNER, [dn("Alice Able")])
    yield d.group("Outer", OUTER, [dn("Inner")])
    yield d.group("Outermost", OUTERMOST, [dn("Outer")])
    # A circle, which must not make anybody walk for ever.
    yield modify(dn("Inner"), "add", "member", [dn("Outermost")])
    yield d.group("Contractors", CONTRACTORS, [dn("carl"), dn("erin")])
    yield d.primary_group(dn("carl"), "Contractors", CONTRACTORS)
    yield d.group("Banned", BANNED, [dn("dave")])
    yield d.group("Banned Above", BANNED_ABOVE, [dn("Banned")])
    yield d.group("Allowed", ALLOWED, [dn("dave"), dn("bob")])
    for i, rid in enumerate(OFFICERS):
        yield d.user("cfo%d" % i, rid)
    yield d.group("Juniors", JUNIORS, [dn("cfo5")])
    yield modify(MANAGERS, "add", "member", [dn("cfo%d" % i) for i in range(len(OFFICERS))])


# Who may enroll: one template a rule. The subject is the common name, the purpose e-mail protection.
RIGHTS = {
    "RightUser": [allow_right(ALICE)],
    "RightGroup": [allow_right(ALLOWED)],
    "RightNested": [allow_right(OUTERMOST)],
    "RightPrimary": [allow_right(CONTRACTORS)],
    "RightDomainUsers": [allow_right(DOMAIN_USERS)],
    "RightComputers": [allow_right(DOMAIN_COMPUTERS)],
    "RightAuthenticated": [allow_right(AUTHENTICATED)],
    "RightEveryone": [allow_right(EVERYONE)],
    "RightDenyGroup": [deny_right(BANNED), allow_right(AUTHENTICATED)],
    "RightDenyNested": [deny_right(BANNED_ABOVE), allow_right(AUTHENTICATED)],
    "RightDenyUser": [deny_right(DAVE), allow_right(ALLOWED)],
    "RightDenyAll": [deny(CONTROL_ACCESS, BANNED), allow_right(AUTHENTICATED)],
    "RightDenyOther": [deny_right(BANNED, AUTOENROLL), allow_right(AUTHENTICATED)],
    "RightAllExtended": [allow(CONTROL_ACCESS, ALICE)],
    "RightAutoenroll": [allow_right(ALICE, AUTOENROLL)],
    "RightInheritOnly": [allow_right(ALICE, flags=INHERIT_ONLY_TO_CHILDREN)],
    "RightFullControl": [allow(0xF00FF, ALICE)],
    "RightFullMask": [allow(0xF01FF, ALICE)],
    "RightOther": [allow_right(BOB)],
    "RightNobody": [],
    "RightOwner": [],
    "RightMoved": [allow_right(MOVED)],
    "RightMovedDenied": [deny_right(MOVED), allow_right(AUTHENTICATED)],
    "RightReadDenied": [deny(READ_PROP, BANNED), allow_right(AUTHENTICATED)],
}

# What stands in the certificate, for everybody: msPKI-Certificate-Name-Flag.
CN, MAIL, DNS_AS_CN, PATH = 0x40000000, 0x20000000, 0x10000000, 0x80000000
ALT_DNS, ALT_MAIL, ALT_UPN, ALT_GUID = 0x08000000, 0x04000000, 0x02000000, 0x01000000
SUBJECTS = {
    "SubjectCn": CN, "SubjectMail": CN | MAIL, "SubjectPath": PATH, "SubjectDns": DNS_AS_CN, "SubjectEmpty": ALT_UPN,
    "AltUpn": CN | ALT_UPN, "AltMail": CN | ALT_MAIL, "AltDns": CN | ALT_DNS, "AltGuid": CN | ALT_GUID,
    "AltSeveral": CN | ALT_UPN | ALT_MAIL,
}
PENDING, PUBLISHED, NO_SID = 0x2, 0x8, 0x80000


def signed(flags):
    return str(flags - (1 << 32) if flags & 0x80000000 else flags)


def plain(cn, number, aces, names=CN, enrollment=0, purpose="1.3.6.1.5.5.7.3.4", owner=519, **more):
    """No archival, no autoenrollment."""
    return template(cn, number, aces, owner=owner, drop=("pKIExtendedKeyUsage", "msPKI-Certificate-Application-Policy"),
                    flags="131072", msPKI_Certificate_Name_Flag=signed(names), msPKI_Enrollment_Flag=str(enrollment),
                    msPKI_Private_Key_Flag="16", pKIExtendedKeyUsage=purpose,
                    msPKI_Certificate_Application_Policy=purpose, **more)


def templates():
    everybody = [allow_right(AUTHENTICATED)]
    number = 100
    for cn, aces in RIGHTS.items():
        number += 1
        yield cn, plain(cn, number, aces, owner=ALICE if cn == "RightOwner" else 519)
    for cn, names in SUBJECTS.items():
        number += 1
        yield cn, plain(cn, number, everybody, names)
    yield "SubjectSupplied", plain("SubjectSupplied", 201, everybody, 1)
    yield "LogonSupplied", plain("LogonSupplied", 202, everybody, 1, purpose="1.3.6.1.5.5.7.3.2")
    yield "SidLess", plain("SidLess", 203, everybody, enrollment=NO_SID)
    yield "Pending", plain("Pending", 204, everybody, enrollment=PENDING)
    yield "Published", plain("Published", 205, everybody, enrollment=PUBLISHED)
    yield "Changing", plain("Changing", 206, everybody)
    yield "Archiving", template("Archiving", 207, everybody, "EFSArchive")
    yield "ArchivingToo", template("ArchivingToo", 208, everybody, "EFSArchive")
    yield "Disabled", plain("Disabled", 209, everybody)


ALLOW, DENY = 9, 10
RULES = [
    officer_rule(ALLOW, OFFICER1, [EVERYONE]),
    officer_rule(ALLOW, OFFICERS[0], [EVERYONE]),
    officer_rule(ALLOW, OFFICERS[1], [ALICE, MOVED]),
    officer_rule(ALLOW, OFFICERS[2], [OUTERMOST]),
    officer_rule(DENY, OFFICERS[3], [ALICE]),
    officer_rule(ALLOW, OFFICERS[3], [EVERYONE]),
    officer_rule(ALLOW, OFFICERS[4], [EVERYONE], "Archiving"),
    officer_rule(ALLOW, JUNIORS, [ALICE]),
    officer_rule(DENY, OFFICERS[6], [EVERYONE], "Archiving"),
    officer_rule(ALLOW, OFFICERS[6], [EVERYONE]),
]


def authority(cn):
    service = "CN=%s,CN=Enrollment Services,%s" % (cn, SERVICES)
    issued = [name for name, _ in templates() if name != "Disabled"]
    yield modify(service, "add", "certificateTemplates", issued)
    yield modify(service, "replace", "dircaOfficerRights", [descriptor(RULES, "S-1-5-32-544", 0x8004)])


def main(directory, what, *names):
    if what == "tree":
        sys.stdout.writelines(people(Directory(directory)))
        sys.stdout.writelines(text for _, text in templates())
    else:
        sys.stdout.writelines(authority(*names))


main(*sys.argv[1:])
