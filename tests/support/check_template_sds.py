#!/usr/bin/python3
"""Reads LDIF of templates on stdin: each has a well-formed nTSecurityDescriptor, and Enroll is granted where it should be.

Argument: a file with the descriptor of ClientAuth as a Windows domain controller made it.
"""

import base64
import struct
import sys

ENROLL = bytes.fromhex("68c9100efb78d21190d400c04f79dc55")
DOMAIN_USERS = bytes.fromhex("010500000000000515000000897285c6d42f0d4fddbfae2501020000")


def sid_length(data, offset):
    assert data[offset] == 1 and 1 <= data[offset + 1] <= 15, "not a SID"
    return 8 + 4 * data[offset + 1]


def enrollers(sd):
    """SIDs that hold Enroll by an object ACE; asserts that the descriptor has no slack."""
    revision, _, control, owner, group, sacl, dacl = struct.unpack_from("<BBHIIII", sd)
    assert revision == 1 and control & 0x8004 == 0x8004 and sacl == 0, "header"
    assert owner + sid_length(sd, owner) == group and group + sid_length(sd, group) == dacl, "owner and group"
    _, _, size, count, _ = struct.unpack_from("<BBHHH", sd, dacl)
    assert dacl + size == len(sd), "DACL size"
    at, found = dacl + 8, []
    for _ in range(count):
        kind, _, length, mask = struct.unpack_from("<BBHI", sd, at)
        assert kind in (0, 5), "ACE type"
        who = at + (8 if kind == 0 else 28)
        assert who + sid_length(sd, who) == at + length, "ACE size"
        if kind == 5 and mask & 0x100 and sd[at + 12:at + 28] == ENROLL:
            found.append(sd[who:at + length])
        at += length
    assert at == len(sd), "trailing bytes"
    return found


def main():
    descriptors, cn = {}, None
    for line in sys.stdin.read().replace("\n ", "").split("\n"):
        if line.startswith("cn: "):
            cn = line[4:]
        if line.startswith("nTSecurityDescriptor:: "):
            descriptors[cn] = base64.b64decode(line.split(" ")[1], validate=True)
    assert len(descriptors) == 35, "%d templates have a security descriptor" % len(descriptors)
    with open(sys.argv[1], "rb") as real:
        assert descriptors["ClientAuth"] == real.read(), "ClientAuth differs from the real one"
    open_to_users = sorted(cn for cn, sd in descriptors.items() if DOMAIN_USERS in enrollers(sd))
    assert open_to_users == ["ClientAuth", "EFS", "EFSArchive", "User", "UserArchive", "UserSignature"], open_to_users


main()
