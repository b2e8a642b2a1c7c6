#!/usr/bin/env python3
"""One bit of a recovery BLOB flipped at every tenth byte: dirca recoverkey must refuse each of them.
usage: s05_flip.py BLOB FOLDER COMMAND... (which is given BLOB and output file in place of @BLOB and @OUT)"""
import pathlib
import subprocess
import sys


def opens(blob, folder, command):
    file, out = folder / "flipped.rec", folder / "flipped.pfx"
    file.write_bytes(blob)
    out.unlink(missing_ok=True)
    words = [{"@BLOB": str(file), "@OUT": str(out)}.get(word, word) for word in command]
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return out.exists()


def main():
    blob, folder, command = pathlib.Path(sys.argv[1]).read_bytes(), pathlib.Path(sys.argv[2]), sys.argv[3:]
    if not opens(blob, folder, command):
        print("the BLOB as it is cannot be opened")
        return 1
    taken = []
    for at in range(0, len(blob), 10):
        flipped = bytearray(blob)
        flipped[at] ^= 1 << (at // 10 % 8)
        if opens(bytes(flipped), folder, command):
            taken.append(at)
    print(f"{len(taken)} of {(len(blob) + 9) // 10} changed BLOBs were opened: {taken[:20]}")
    return 1 if taken else 0


sys.exit(main())
