#!/usr/bin/env python3
"""Manual pages say what the tables of the sources say: verbs, options, configuration names, settings, error codes."""
import re
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402

COMMON = {"OPTS_SESSION", "OPTS_ALL", "OPTS_TABLE"}  # described once, in dirca.1
bad = 0


def same(what, in_source, in_page):
    global bad
    for name in sorted(in_source - in_page):
        print(f"{what}: the page lacks {name}")
        bad += 1
    for name in sorted(in_page - in_source):
        print(f"{what}: the source lacks {name}")
        bad += 1
    if not in_source:
        print(f"{what}: nothing was read from the source")
        bad += 1


def option_items(mdoc):
    """"-H, --uri" of `.It Fl H , Fl -uri Ar URI`"""
    found = set()
    for line in tables.items(mdoc, "Fl"):
        flags = [w for w in re.findall(r"(?:^|Fl )(-?[A-Za-z0-9-]+)", line)]
        found.add(", ".join("-" + f for f in flags))
    return found


def spelled(name, letter):
    return (f"-{letter}, " if letter else "") + f"--{name}"


def check_groups():
    """A group of options that no verb takes, or that is of no option: somebody forgot a half."""
    taken = set().union(*tables.verbs().values())
    of = set().union(*(groups for _, _, groups in tables.options()))
    known = set(re.findall(r"^\t(OPTS_\w+),", tables.source("cli/cli.h"), re.M)) - {"OPTS_END"}
    same("cli/verbs.h, groups of options", known, taken | {"OPTS_ALL"})
    same("cli/options.c, groups of options", known - {"OPTS_FIELDS", "OPTS_FLAGS"}, of)  # what arguments may be


def check_verbs():
    all_options = tables.options()
    main = tables.page("dirca.1")
    same("dirca.1 verbs", set(tables.verbs()), {re.sub(r" (Ar|Op|\.).*| ,$", "", x).strip() for x in tables.items(main, "Cm")})
    common = {spelled(n, c) for n, c, groups in all_options if groups & COMMON}
    same("dirca.1 options", common, option_items(main))
    for verb, groups in tables.verbs().items():
        name = f"dirca-{verb.replace(' ', '-')}.1"
        text = tables.page(name)
        own = {spelled(n, c) for n, c, g in all_options if (g & groups) - COMMON}
        same(f"{name} options", own, option_items(text)) if own else same(f"{name} options", {"none"}, option_items(text) | {"none"})
        if ("OPTS_SESSION" in groups) != ("session options" in text):
            same(name, {"the session options"} if "OPTS_SESSION" in groups else set(), {"the session options"})
        if ("OPTS_TABLE" in groups) != (".Op Ar list options" in text):
            same(name, {"the list options"} if "OPTS_TABLE" in groups else set(), {"the list options"})


def check_pages():
    pages = {p.name for p in (tables.TOP / "docs/man").iterdir()}
    wanted = {f"dirca-{v.replace(' ', '-')}.1" for v in tables.verbs()} | {"dirca.1", "dirca.conf.5", "dircad.conf.5", "dircad.8"}
    same("docs/man", wanted, pages)
    see_also = re.findall(r"^\.Xr (\S+) (\d)", tables.page("dirca.1").split(".Sh SEE ALSO")[1], re.M)
    same("dirca.1, SEE ALSO", wanted - {"dirca.1"}, {f"{name}.{section}" for name, section in see_also})
    known = tables.error_names() | {f"DIRCA_{s.upper()}" for s in tables.client_settings()}  # and variables of the environment
    for p in sorted(pages):
        text = tables.page(p)
        used = set(re.findall(r"\b((?:CERTSRV|XENROLL|DIRCA|CRYPT|CERT|TYPE|NTE|E|ERROR)_[A-Z_]*[A-Z])\b", text)) - {"CERTSRV_E"}
        for name in sorted(used - known):
            same(f"{p} error codes", known, known | {name})


def check_examples():
    """Whoever looks up a verb sees a line to type before all words about it. `dirca VERB --help` has the same; quoted_commands.py holds it."""
    global bad
    for verb in sorted(tables.verbs()):
        page = f"dirca-{verb.replace(' ', '-')}.1"
        first = tables.page(page).split(".Sh DESCRIPTION\n")[1].split(".Bd ")[0]
        if first.count("\n") > 3 or ".Sh " in first:
            print(f"{page}: the description does not begin with an example")
            bad += 1


def check_paper():
    """The section about certutil and certreq names each of their commands and options that is known."""
    global bad
    commands, options = tables.paper_commands()
    for name, letter, _ in tables.options():
        if letter in ("p", "t") or (letter == "v" and name != "verbose"):
            print(f"--{name}: dirca.1 says that -{letter} is not its letter")
            bad += 1
    section = tables.page("dirca.1").split(".Sh SPELLING OF CERTUTIL AND CERTREQ")[1].split(".Sh ")[0]
    lines = [line for line in section.splitlines() if " Ic " in line or line.startswith((".Ic ", ".Pq Ic "))]
    named = {n.lower() for n in re.findall(r"(?<= )-(\w+)", " ".join(lines))}
    same("dirca.1, commands and options of certutil", {n.lower() for n in commands | options}, named)


check_groups()
check_verbs()
check_examples()
check_paper()
check_pages()
same("dirca.conf.5", tables.client_settings(), set(tables.items(tables.page("dirca.conf.5"), "Ic")))
same("dircad.conf.5", tables.daemon_settings(), set(tables.items(tables.page("dircad.conf.5"), "Ic")))
same("dirca-setreg.1", tables.registry_settings(), {x.replace("\\e", "\\") for x in tables.items(tables.page("dirca-setreg.1"), "Ic")})
same("dirca-template-set.1", tables.template_fields(), {x.split()[0] for x in tables.items(tables.page("dirca-template-set.1"), "Ic")})
sys.exit(1 if bad else 0)
