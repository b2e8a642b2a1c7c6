"""DER for tests that change what the programs write, or make what they would not: tags of one octet."""


def tlvs(der):
    """The elements one after the other: tag and content of each."""
    out = []
    while der:
        n, at = der[1], 2
        if n & 0x80:
            at = 2 + (n & 0x7F)
            n = int.from_bytes(der[2:at], "big")
        out.append((der[0], der[at : at + n]))
        der = der[at + n :]
    return out


def tlv(tag, *contents):
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content
