#!/usr/bin/python3
"""usage: sd_oracle.py SD_DRIVER

Compares our reader, writer and access check of security descriptors with those of Samba's Python modules, over descriptors
that a fixed seed generates. Fails, and does not skip, where the modules are missing. Where Samba itself leaves [MS-DTYP], the
functions as_samba_means_it and samba_allows say so, and nothing else is excused.
"""
import random
import re
import subprocess
import sys

try:
    import samba.security
    from samba.dcerpc import misc, security
    from samba.ndr import ndr_pack, ndr_unpack
except ImportError as missing:
    sys.exit(f"sd_oracle: {missing}; install python3-samba")

COUNT = 2500
DOMAIN = "S-1-5-21-3330634377-1326264276-632209373"
ENROLL = "0e10c968-78fb-11d2-90d4-00c04f79dc55"
AUTOENROLL = "a05b8cc2-17bc-4802-a710-e7c15ab866a2"
PHONE = "bf967a49-0de6-11d0-a285-00aa003049e2"
INFO = "77b5b886-944a-11d1-aebd-0000f80367c1"
GUIDS = [ENROLL, AUTOENROLL, PHONE, INFO]
RIDS = [500, 501, 512, 513, 514, 515, 516, 517, 518, 519, 520, 1104, 1105, 1106, 1107]
# Who may stand in a token: all but OWNER RIGHTS.
CALLERS = [f"{DOMAIN}-{rid}" for rid in RIDS] + [
    "S-1-1-0", "S-1-3-0", "S-1-3-1", "S-1-5-2", "S-1-5-4", "S-1-5-6", "S-1-5-7", "S-1-5-9", "S-1-5-10", "S-1-5-11",
    "S-1-5-12", "S-1-5-18", "S-1-5-19", "S-1-5-20", "S-1-5-32-544", "S-1-5-32-545", "S-1-5-32-546", "S-1-5-32-554",
    "S-1-5-32-560", "S-1-16-4096", "S-1-5-21-7-8-9-1000", "S-1-18-1"]
SIDS = CALLERS + ["S-1-3-4"]
DACL_TYPES = [0, 0, 0, 1, 1, 5, 5, 5, 6, 6]
SACL_TYPES = [2, 2, 7, 3, 8]
FLAGS = [0, 0, 0, 0, 0x01, 0x02, 0x04, 0x08, 0x0a, 0x10, 0x12, 0x1f]
RIGHTS = [0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x130, 0x10000, 0x20000, 0x40000, 0x80000, 0xf00ff, 0xf01ff,
          0x20094, 0x120089, 0x1f01ff, 0x10000000, 0x20000000, 0x40000000, 0x80000000, 0x3, 0x300, 0]
CONTROL = [0x0001, 0x0002, 0x0008, 0x0020, 0x0040, 0x0080, 0x0100, 0x0200, 0x0400, 0x0800, 0x1000, 0x2000]
# What SDDL can say of a list: that it is there, P, AR and AI. The other control bits have no letters.
DACL_CONTROL = 0x0004 | 0x0100 | 0x0400 | 0x1000
SACL_CONTROL = 0x0010 | 0x0200 | 0x0800 | 0x2000


class Driver:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *fields):
        self.process.stdin.write("\t".join(fields) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def verdict(self, *fields):
        allowed, granted = self.ask(*fields).split()
        return allowed == "1", int(granted)


def random_ace(rng, types):
    ace = security.ace()
    ace.type = rng.choice(types)
    ace.flags = rng.choice(FLAGS) | (rng.choice([0x40, 0x80, 0xc0]) if types is SACL_TYPES else 0)
    ace.access_mask = rng.choice(RIGHTS) | (rng.choice(RIGHTS) if rng.random() < 0.4 else 0)
    ace.trustee = security.dom_sid(rng.choice(SIDS))
    if ace.type in (5, 6, 7, 8):
        ace.object.flags = rng.choice([0, 1, 1, 1, 2, 3])
        if ace.object.flags & 1:
            ace.object.type = misc.GUID(rng.choice(GUIDS))
        if ace.object.flags & 2:
            ace.object.inherited_type = misc.GUID(rng.choice(GUIDS))
    return ace


def random_acl(rng, types):
    acl = security.acl()
    # Deviation: Samba does not read the flags of two empty lists, "D:AIS:AI". Only the DACL may be empty.
    aces = [random_ace(rng, types) for _ in range(rng.choice([0 if types is DACL_TYPES else 6, 1, 2, 3, 4, 5, 8, 12]))]
    acl.revision = 4 if any(a.type >= 5 for a in aces) or rng.random() < 0.3 else 2
    acl.aces = aces
    acl.num_aces = len(aces)
    acl.size = 8
    return acl


def random_descriptor(rng):
    sd = security.descriptor()
    sd.type = 0x8000
    for bit in CONTROL:
        if rng.random() < 0.15:
            sd.type |= bit
    if rng.random() < 0.9:
        sd.owner_sid = security.dom_sid(rng.choice(SIDS))
    if rng.random() < 0.8:
        sd.group_sid = security.dom_sid(rng.choice(SIDS))
    if rng.random() < 0.95:
        sd.dacl = random_acl(rng, DACL_TYPES)
        sd.type |= 0x0004
    if rng.random() < 0.4:
        sd.sacl = random_acl(rng, SACL_TYPES)
        sd.type |= 0x0010
    return ndr_pack(sd)


def fields_of_acl(acl):
    if acl is None:
        return None
    return [(a.type, a.flags, a.access_mask, str(a.trustee),
             a.type >= 5 and (a.object.flags, str(a.object.type) if a.object.flags & 1 else "",
                              str(a.object.inherited_type) if a.object.flags & 2 else "")) for a in acl.aces]


def fields_of(raw):
    """All that SDDL can say of a descriptor."""
    sd = ndr_unpack(security.descriptor, raw)
    control = (DACL_CONTROL if sd.dacl else 0) | (SACL_CONTROL if sd.sacl else 0)
    return (str(sd.owner_sid), str(sd.group_sid), sd.type & control, fields_of_acl(sd.dacl), fields_of_acl(sd.sacl))


def samba_reads(text):
    """Deviation: after the flags of a DACL that holds no ACEs, Samba does not see that "S:" begins, not even in what it wrote
    itself ("D:PS:(...)"). It gets the SACL first."""
    text = re.sub(r"D:((?:P|AR|AI)+)(S:.*)$", r"\2D:\1", text)
    try:
        return fields_of(ndr_pack(security.descriptor.from_sddl(text, security.dom_sid(DOMAIN))))
    except TypeError as error:
        return str(error)


def compare_text(driver, raw, fail):
    for ours in (driver.ask("sddl", raw.hex()), driver.ask("aliases", DOMAIN, raw.hex())):
        if samba_reads(ours) != fields_of(raw):
            fail(f"Samba reads our SDDL otherwise: {ours}: {samba_reads(ours)}")
    text = ndr_unpack(security.descriptor, raw).as_sddl(security.dom_sid(DOMAIN))
    back = driver.ask("parse", DOMAIN, text)
    if back.startswith("error") or fields_of(bytes.fromhex(back)) != fields_of(raw):
        fail(f"we read Samba's SDDL otherwise: {text}: {back}")


def as_samba_means_it(sd):
    """The deviations of a check of a mask, written into the descriptor that Samba gets.
    - [MS-ADTS] 5.1.3.3.3 takes an object ACE without ObjectType for a plain one; Samba passes over it.
    - Generic bits in a stored ACE mean nothing to either, but ours takes a denial of GENERIC_ALL for one of everything, and so
      fails closed."""
    if sd.dacl is None:
        return
    acl = security.acl()
    acl.revision = 4
    aces = [ace if ace.type >= 5 and ace.object.flags & 1 and not denies_all(ace) else plain(ace) for ace in sd.dacl.aces]
    acl.aces, acl.num_aces = aces, len(aces)
    sd.dacl = acl


def denies_all(ace):
    return ace.type in (1, 6) and ace.access_mask & 0x10000000


def plain(ace):
    out = security.ace()
    out.type, out.flags, out.trustee = ace.type % 5, ace.flags, ace.trustee
    out.access_mask = 0xffffffff if denies_all(ace) else ace.access_mask
    return out


def samba_allows(sd, token, mask):
    """Whether Samba grants the mask. Deviation: a descriptor whose "DACL present" bit is off refuses with Samba;
    [MS-ADTS] 5.1.3.3.3 lets everybody in, as if a NULL DACL were there."""
    if sd.dacl is None:
        return True
    try:
        samba.security.access_check(sd, token, mask)
        return True
    except samba.NTSTATUSError:
        return False


def token_of(sids):
    token = security.token()
    token.sids = [security.dom_sid(sid) for sid in sids]
    token.num_sids = len(sids)
    return token


def compare_masks(driver, raw, rng, fail, seen):
    sd = ndr_unpack(security.descriptor, raw)
    as_samba_means_it(sd)
    for _ in range(4):
        sids = rng.sample(CALLERS, rng.randint(1, 12))
        mask = rng.choice(RIGHTS[:15] + RIGHTS[-5:-1])
        ours = driver.verdict("mask", raw.hex(), ",".join(sids), hex(mask))[0]
        theirs = samba_allows(sd, token_of(sids), mask)
        seen[ours] += 1
        if ours != theirs:
            fail(f"mask {mask:#x} for {sids}: we say {ours}, Samba {theirs}: {sd.as_sddl()}")


def rule_extended_right(sd, sids, guid):
    """[MS-ADTS] 5.1.3.3.4, which Samba's modules do not offer: its numbered rules, one after the other."""
    if sd.dacl is None:
        return True
    for ace in sd.dacl.aces:
        if ace.flags & 8 or not speaks_to(sd, ace, sids) or not (ace.access_mask & 0x100 or denies_all(ace)):
            continue
        if ace.type in (0, 1) or not ace.object.flags & 1 or str(ace.object.type) == guid:
            return ace.type in (0, 5)
    return False


def speaks_to(sd, ace, sids):
    if str(ace.trustee) == "S-1-3-4":
        return str(sd.owner_sid) in sids
    return str(ace.trustee) in sids


def rule_write_property(sd, sids, attribute, property_set):
    """[MS-ADTS] 5.1.3.3.3 for one attribute and WRITE_PROPERTY: Grant and Deny of the nodes of its tree."""
    if sd.dacl is None:
        return True
    nodes = ["object", property_set, attribute]
    granted, denied = set(), set()
    for ace in sd.dacl.aces:
        if ace.flags & 8 or not speaks_to(sd, ace, sids) or not (ace.access_mask & 0x20 or denies_all(ace)):
            continue
        guid = str(ace.object.type) if ace.type in (5, 6) and ace.object.flags & 1 else "object"
        if guid not in nodes:
            continue
        if ace.type in (0, 5):
            granted |= {node for node in nodes[nodes.index(guid):] if node not in denied}
        else:
            denied |= {node for node in nodes[nodes.index(guid):] if node not in granted}
    return attribute in granted


def compare_object_rights(driver, raw, rng, fail, seen):
    sd = ndr_unpack(security.descriptor, raw)
    for _ in range(3):
        sids = rng.sample(CALLERS, rng.randint(1, 12))
        guid = rng.choice(GUIDS)
        ours = driver.verdict("right", raw.hex(), ",".join(sids), guid)[0]
        if ours != rule_extended_right(sd, sids, guid):
            fail(f"right {guid} for {sids}: we say {ours}: {sd.as_sddl()}")
        seen[ours] += 1
        ours = driver.verdict("property", raw.hex(), ",".join(sids), "0x20", PHONE, INFO)[0]
        if ours != rule_write_property(sd, sids, PHONE, INFO):
            fail(f"property for {sids}: we say {ours}: {sd.as_sddl()}")
        seen[ours] += 1


def main():
    driver, rng = Driver(sys.argv[1]), random.Random(20260)
    failures, seen = [], {True: 0, False: 0}
    for i in range(COUNT):
        raw = random_descriptor(rng)

        def fail(why):
            failures.append(f"descriptor {i}: {why}")

        if driver.ask("recode", raw.hex()) != raw.hex():
            fail(f"other bytes after decoding and encoding: {raw.hex()}: {driver.ask('recode', raw.hex())}")
            continue
        compare_text(driver, raw, fail)
        compare_masks(driver, raw, rng, fail, seen)
        compare_object_rights(driver, raw, rng, fail, seen)
    for line in failures[:8]:
        print(line)
    print(f"{COUNT} descriptors, verdicts {seen}, {len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
