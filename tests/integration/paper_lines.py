#!/usr/bin/env python3
"""Holds paper.sh's table complete, for whoever has a copy of the paper (docs/ARCHITECTURE.md, "Sources"), which is not in the project.

usage: paper_lines.py PAPER

PAPER is the paper as plain text, converted so that each heading begins with its bookmark, "[bookmark: _Toc165453949]Understanding the
Key Recovery Process". Every line of it that has certutil or certreq with a command must be a row of that section: typed lines with the
same command, options and settings, lines in sentences with the same command. An option that a sentence names must be in a row of its
section. What dirca's own table (cli/paper.c) does not know as command or option is named too, and a row of a section that the paper has
not. What programs print ("CertUtil: ...") is no line to type. Prints what is missing; exit status 1.
"""
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = re.compile(r"\b(?:[A-Z]:\\)?(certutil|certreq)(?:\.exe)?\b(?!:)", re.I)
DASHED = re.compile(r"(?<![\w.*\N{EN DASH}-])(?:-|\N{EN DASH} ?)([A-Za-z]+)\b(?![-.])")
SETTING = re.compile(r"(?:^|\s)(ca\\\S+(?:\s+\+?\w+)?)", re.I)


def known():
    """The names of commands and of options that cli/paper.c has."""
    text = (HERE / "../../cli/paper.c").read_text(encoding="utf-8")
    commands = {name.lower() for name in re.findall(r'\.name = "(\w+)"', text)}
    options = {name.lower() for name in re.findall(r'\{"(\w+)", OPTION_', text)}
    return commands, options


def rows():
    """paper.sh's table as bash reads it: (section, words) each."""
    text = (HERE / "paper.sh").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.split("\n") if re.match(r"(line|here_is=)", line) and not line.startswith("line()")]
    stubs = 'ca_lab_pass() { echo pass; }\nline() { printf "%s\\t" "$1"; printf "%s " "${@:5}"; echo; }\n'
    said = subprocess.run(["bash", "-c", stubs + "\n".join(lines)], check=True, capture_output=True, text=True).stdout
    for line in said.splitlines():
        section, words = line.split("\t")
        yield section, words


def sections(text):
    """(heading, line) for every line of the paper; one that ends in the middle of a command goes on in the next."""
    section, named = "", True
    for line in text.splitlines():
        heading = "[bookmark: _Toc" in line
        line = re.sub(r"\[bookmark: [^\]]*\]", "", line).strip()
        if heading or (not named and line):
            section, named = line, bool(line)
        elif line and not line.startswith(("CertUtil:", "CertReq:")):
            yield section, line


def signature(words):
    """What makes two lines the same: command and options, and the setting that is named."""
    settings = [" ".join(found.lower().split()) for found in SETTING.findall(words)]
    return frozenset(word.lower() for word in DASHED.findall(words)), frozenset(settings)


def main():
    commands, options = known()
    table = {}
    for section, words in rows():
        table.setdefault(section, []).append(signature(words))
    section_has = {section: set().union(*(words for words, _ in found)) for section, found in table.items()}
    printed = list(sections(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
    missing, seen = [f"{section}: no such section" for section in table if section not in {s for s, _ in printed}], 0
    for section, line in printed:
        found = [word.lower() for word in DASHED.findall(line)]
        program = PROGRAM.search(line)
        typed = program and program.start() == 0 and found and DASHED.match(line[program.end():].lstrip())
        if program and found:
            seen += 1
            missing += [f"{section}: -{word} is nothing that cli/paper.c knows: {line}" for word in found
                        if typed and word not in commands | options]
        is_row = typed and sum(word in commands for word in found) == 1 and not re.search(r"[a-z]\.$", line)
        if is_row and signature(line) not in table.get(section, []):
            missing.append(f"{section}: {line}")
        if not is_row:
            missing += [f"{section}: -{word} in: {line}" for word in found
                        if word in commands | options and word not in section_has.get(section, set())]
    print("\n".join(missing + [f"{seen} lines of the paper with a command, {sum(map(len, table.values()))} rows, {len(missing)} missing"]))
    return 1 if missing or not seen else 0


sys.exit(main())
