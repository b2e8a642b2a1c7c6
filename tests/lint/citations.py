#!/usr/bin/env python3
"""What comments and documents cite is in the repository, or among the sources that docs/ARCHITECTURE.md names."""
import re
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402

NOWHERE = re.compile(r"\bfacts (?:section )?\d|\bpaper:|\bpaper/")
SUFFIXES = {".c", ".h", ".py", ".sh", ".md", ".sql", ".yaml", ".ldif", ".service", ".1", ".5", ".8"}

sources = re.search(r"\n## Sources\n(.*?)\n## ", tables.source("docs/ARCHITECTURE.md"), re.S)
known = set(re.findall(r"\[MS-[A-Z0-9]+\]", sources[1])) if sources else set()
facts = set(re.findall(r"^\| (\d+) \|", tables.source("docs/FACTS.md"), re.M))
unused, bad, seen = set(facts), [], 0
for path in tables.TOP.rglob("*"):
    name = path.relative_to(tables.TOP)
    if path.suffix not in SUFFIXES or name.parts[0] in ("build", ".git") or name.name == "citations.py" or not path.is_file():
        continue
    # a citation may go on in the comment's next line
    text = re.sub(r"\s*\n[ \t]*(?:\*|#|\.\\\")?[ \t]*", " ", path.read_text(encoding="utf-8", errors="replace"))
    cited = re.findall(r"docs/FACTS\.md (\d+)", text)
    seen += len(cited)
    unused -= set(cited)
    bad += [f"{name} cites docs/FACTS.md {n}, which has no such row" for n in cited if n not in facts]
    bad += [f"{name} cites {s}, which is not among the sources of docs/ARCHITECTURE.md" for s in set(re.findall(r"\[MS-[A-Z0-9]+\]", text)) - known]
    if path.suffix in (".c", ".h"):
        pages = set(re.findall(r"(?<![\w/])/?(\w[\w./-]*\.md)\b", text))
        bad += [f"{name} cites {p}, which is not in the repository" for p in pages if not (tables.TOP / p).exists() and not (path.parent / p).exists()]
    bad += [f'{name} cites what is not in the repository: "{m}"' for m in NOWHERE.findall(text)]
bad += [f"docs/FACTS.md {n} is cited nowhere" for n in sorted(unused, key=int)]
# What is said of a number or name there is said of each that the code has, and of no other.
rows = dict(re.findall(r"^\| (\d+) \| [^|]* \| ([^|]*) \|", tables.source("docs/FACTS.md"), re.M))
events = {int(n) for n in re.findall(r"X\(\w+, (\d+), \w+,", tables.source("ca/trail/trail.h"))}
listed = {n for a, b in re.findall(r"\b([5-8]\d\d)(?: to (\d{3}))?\b", rows["2"]) for n in range(int(a), int(b or a) + 1)}
bad += [f"docs/FACTS.md 2 lacks the audit event {n}" for n in sorted(n for n in events - listed if n < 1000)]
bad += [f"docs/FACTS.md 2 has the audit event {n}, which ca/trail/trail.h has not" for n in sorted(listed - events)]
settings = {n for name in re.findall(r'"CA\\\\([\w\\]+)"', tables.source("ca/core/settings.c")) for n in name.split("\\\\")}
said = set(re.findall(r"\b(?:C[A-Z]\w+|KRACertCount|KeySize|SymmetricKeySize|EncryptionCSP|\w+Units)\b", rows["5"])) - {"CA"}
bad += [f"docs/FACTS.md 5 has {n}, which is no setting" for n in sorted(said - settings)]
bad += [f"docs/FACTS.md 5 lacks {n}" for n in sorted(settings - said) if re.search(r"^(CRL|CAXchg|Validity).*(Period|Units)$", n) and n != "ValidityPeriod"]
if not known or not facts or not seen or not events or not settings:
    bad.append("nothing found: mend this lint")
print("\n".join(bad), end="\n" if bad else "")
sys.exit(1 if bad else 0)
