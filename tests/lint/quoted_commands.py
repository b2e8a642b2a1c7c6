#!/usr/bin/env python3
"""Every command that a source, a page or a document quotes can be typed: its verb exists, takes that many arguments and those options,
and the fields and settings it names exist. What is looked at: `dirca ...` in backquotes anywhere, lines of examples in
pages and documents ("$ dirca ...", "# dirca ..."), and what units of systemd start."""
import re
import shlex
import sys

sys.dont_write_bytecode = True
import tables  # noqa: E402

VERBS, OPTIONS, FIELDS, SETTINGS = tables.verb_arguments(), tables.options(), tables.template_fields(), tables.registry_settings()
VERB_OPTIONS = tables.verbs()
FLAGS = tables.flags()


def files():
    for top in ("base", "ca", "cli", "directory", "templates", "docs"):
        for path in sorted((tables.TOP / top).rglob("*")):
            if path.is_file() and path.suffix in (".c", ".h", ".md", ".1", ".5", ".8", ".service"):
                yield path
    yield from (tables.TOP / n for n in ("README.md", "NEWS"))


def quoted(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".c", ".h"):
        text = re.sub(r'"\s*\n\s*"', "", text).replace('\\"', '"').replace("\\\\", "\\")
        text = re.sub(r"\n\s*\*\s?", " ", text)
        text = re.sub(r'"\s*PRI\w+\s*"', "", text)
    if path.suffix == ".service":
        yield from re.findall(r"^ExecStart=/usr/bin/(dirca .*)$", text, re.M)
    if path.suffix in (".1", ".5", ".8"):
        text = text.replace("\\e", "\\")
    if path.suffix not in (".c", ".h"):
        for line in re.findall(r"^ *\w*[$#] (?:sudo |as \w+ )?(dirca .*?)(?<!\\)$", text, re.M | re.S):
            yield line.replace("\\\n", " ")
    for command in re.findall(r"`(dirca(?: [^`]*)?)`", text):
        yield " ".join(command.split())


def find_verb(words):
    for n in (3, 2, 1):
        if " ".join(words[:n]) in VERBS:
            return " ".join(words[:n]), words[n:]
    return None, words


def belongs(option, verb):
    groups = VERB_OPTIONS[verb] | {"OPTS_ALL"}
    return any(option in (name, letter) and groups & of for name, letter, of in OPTIONS)


def check(command):
    """What is wrong with it, or None."""
    try:
        words = shlex.split(command)[1:]
    except ValueError:
        return "its quotes do not end"
    for stop in ("|", ">", ">>", "2>&1", "<", "&&", ";", "#"):
        if stop in words:
            words = words[: words.index(stop)]
    if not words or words[0] in ("VERB", "...", "--help", "--version", "--completion") or words[0].startswith("%"):
        return None
    if words[0].startswith("-") and not words[0].startswith("--"):
        known = {c.lower() for c in tables.paper_commands()[0]}
        return None if any(w.lstrip("-").lower() in known for w in words if w.startswith("-")) else "certutil has no such command"
    if any("|" in w for w in words[:2]):  # `dirca template list|show`
        alternatives = words[1].split("|")
        missing = [a for a in alternatives if f"{words[0]} {a}" not in VERBS]
        return f"there is no verb {words[0]} {missing[0]}" if missing else None
    verb, rest = find_verb(words)
    if verb is None:
        name = " ".join(w for w in words if w != "...")
        return None if any(v.startswith(name + " ") for v in VERBS) else f"there is no verb {name}"
    arguments, open_ended = [], False
    while rest:
        word = rest.pop(0)
        if word == "...":
            open_ended = True
        elif word.startswith("-") and word != "-" and not (verb == "setreg" and word[1].isupper()):
            name, _, value = word.lstrip("-").partition("=")
            if not belongs(name, verb):
                return f"{verb} has no option {word}"
            if not value and name not in FLAGS and rest:
                rest.pop(0)
        else:
            arguments.append(word)
    least, most = VERBS[verb]
    if not arguments and not open_ended:
        return None  # the verb's name
    if len(arguments) > most or (len(arguments) < least and not open_ended):
        return f"{verb} takes {least} to {most} arguments"
    if verb in ("template set", "template duplicate"):
        for field in (a.partition("=")[0] for a in arguments[1:] if "=" in a):
            if field not in FIELDS and field != "FIELD":
                return f"a template has no field {field}"
    keys = {s.rpartition("\\")[0] for s in SETTINGS} if verb == "getreg" else set()
    if verb in ("setreg", "getreg") and arguments[0] not in SETTINGS | keys | {"NAME"}:
        return f"there is no setting {arguments[0]}"
    return None


def main():
    looked = bad = 0
    for path in files():
        for command in quoted(path):
            looked += 1
            why = check(command)
            if why is not None:
                print(f"{path.relative_to(tables.TOP)}: `{command}`: {why}")
                bad += 1
    for wrong in ("dirca template set NAME sid-extension=yes", "dirca template revoke NAME TRUSTEE", "dirca nothing",
                  "dirca getkey --nothing x", "dirca crl now", "dirca setreg 'CA\\Nothing' 1"):
        if check(wrong) is None:
            print(f"`{wrong}` is not seen to be wrong")
            bad += 1
    return 1 if bad or looked < 150 else 0


sys.exit(main())
