"""Which object of the libraries needs which, read from their symbols (nm)."""
import collections
import pathlib
import re
import subprocess


def arrows(build):
    """{object: objects it needs}, as "room/object"."""
    defined, needed = {}, collections.defaultdict(set)
    for library in sorted(pathlib.Path(build).glob("libdirca_*.a")):
        room = library.stem.removeprefix("libdirca_")
        text = subprocess.run(["nm", "-A", "-g", library], capture_output=True, text=True, check=True).stdout
        for name, kind, symbol in re.findall(r"^[^:]+:([^:]+)\.c\.o:[0-9a-f ]*\s(\w) (\S+)$", text, re.M):
            if kind == "U":
                needed[f"{room}/{name}"].add(symbol)
            else:
                defined.setdefault(symbol, f"{room}/{name}")
    return {name: {defined[s] for s in symbols if s in defined} - {name} for name, symbols in needed.items()}
