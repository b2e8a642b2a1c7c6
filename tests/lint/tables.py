"""The tables of the sources that the documents are checked against, read from the C text."""
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]


def source(name):
    return (TOP / name).read_text(encoding="utf-8")


def table(text, start):
    """Text of the brace initializer that begins behind `start`."""
    at = text.index("{", text.index(start))
    return text[at : text.index("\n}", at)]


def _listed(groups):
    """{group} of the list in OPTS(...)"""
    return {g.strip() for g in groups.split(",")}


def verb_rows():
    """[(name, least, most, groups of options)] of the rows X("name", "arguments", least, most, group, who, needs, options, ...)."""
    text = source("cli/verbs.h").replace("\\\n", " ")
    return re.findall(r'X\(\s*"([a-z -]+)",\s*"[^"]*",\s*(\d+),\s*(\w+),\s*GROUP_\w+,\s*WHO_\w+,\s*NEEDS_\w+,\s*OPTS\(([A-Z_,\s]+)\),', text)


def verbs():
    """{verb: option groups}"""
    return {name: _listed(groups) for name, _, _, groups in verb_rows()}


def verb_arguments():
    """{verb: (least, most)} arguments."""
    return {name: (int(least), int(most) if most.isdigit() else 32) for name, least, most, _ in verb_rows()}


def flags():
    """Names and letters of the options that take no value."""
    rows = re.findall(r"\{\s*\"([a-z0-9-]+)\",\s*('.'|0),\s*FLAG,", table(source("cli/options.c"), "option_rows[] ="))
    return {n for n, _ in rows} | {c[1] for _, c in rows if c != "0"}


def options():
    """[(option, letter or None, groups)]; a name may come twice, for different verbs."""
    rows = re.findall(r"\{\s*\"([a-z0-9-]+)\",\s*('.'|0),\s*[A-Z]+,\s*OPTS\(([A-Z_,\s]+)\),\s*AT\(", table(source("cli/options.c"), "option_rows[] ="))
    return [(n, None if c == "0" else c[1], _listed(groups)) for n, c, groups in rows]


def paper_commands():
    """Commands of certutil and certreq, and their options, that cli/paper.c knows."""
    text = source("cli/paper.c")
    commands = set(re.findall(r'\.name = "(\w+)"', table(text, "commands[] =")))
    return commands, set(re.findall(r'\{"(\w+)",\s*OPTION_', table(text, "options[] =")))


def client_settings():
    """Names of dirca.conf."""
    return set(re.findall(r"^\tX\([A-Z_]+, ([a-z_]+)\)", source("cli/client_config.h"), re.M))


def daemon_settings():
    """Names of dircad.conf."""
    return set(re.findall(r'\{\s*"([a-z0-9_]+)",\s*[A-Z_]+,\s*AT\(', table(source("ca/home/config.c"), "} options[] =")))


def routes():
    """{(method, pattern)}; a segment of the path that varies is '*'."""
    return set(re.findall(r'\{\s*"([A-Z]+)",\s*"([^"]+)",', table(source("ca/service/routes.c"), "routes[] =")))


def route_handlers():
    """[(method, pattern, handler)]"""
    return re.findall(r'\{\s*"([A-Z]+)", "([^"]+)",[^}]*?(\w+)\}', table(source("ca/service/routes.c"), "routes[] ="))


def route_inputs():
    """{handler: (parameters of the query, members of the body)}"""
    rows = re.findall(r'\{(\w+),\s*(NULL|"[^"]*"),\s*(NULL|"[^"]*")\}', table(source("ca/service/route_input.c"), "inputs[] ="))
    return {name: tuple([] if t == "NULL" else t.strip('"').split() for t in texts) for name, *texts in rows}


def request_columns():
    """{member of the API's JSON: kind} of ca/store/columns.h."""
    rows = re.findall(r'X\((COL_\w+), \w+, \w+, \d+, +"(\w+)"\)', source("ca/store/columns.h"))
    return {member: kind for kind, member in rows}


def column_rows():
    """(kind, column, member) of each column of ca/store/columns.h."""
    return set(re.findall(r"X\((COL_\w+), (\w+), (\w+), \d+,", source("ca/store/columns.h")))


def sorted_columns():
    """(kind, column, member, member of the API's JSON) of those that the store sorts by."""
    return re.findall(r'X\([A-Z_]+, (COL_\w+), (\w+), (\w+), +"(\w+)"\)', source("ca/store/columns.h"))


def error_names():
    return set(re.findall(r"X\(\s*0x[0-9A-F]{8}u,\s*(\w+),", source("base/err.h")))


def registry_settings():
    """Names that setreg knows."""
    return {n.replace("\\\\", "\\") for n in re.findall(r'\{\s*"((?:CA|Policy)\\\\[A-Za-z\\]+)"', source("ca/core/settings.c"))}


def template_fields():
    """Names of the fields that `dirca template set` knows."""
    return set(re.findall(r'(?:BIT\(|\{)"([a-z0-9-]+)",', table(source("templates/tmpl_fields.c"), "tmpl_fields[] =")))


def page(name):
    return source(f"docs/man/{name}")


def items(mdoc, macro):
    """First arguments of `.It <macro> ...` lines."""
    return re.findall(rf"^\.It {macro} (.*)$", mdoc, re.M)
