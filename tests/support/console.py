#!/usr/bin/env python3
"""Runs the console blocks of a Markdown file that are marked as tested.

usage: console.py [--mark WORD] [--again WORDS]... FILE.md [FROM=TO]...

A block follows a line `<!-- tested -->`, or `<!-- tested WORD -->`. Lines that begin with "$ " or "# " are commands; all of them, of all blocks, are typed into one
shell. The other lines must stand in the command's output, in this order, each on a line of its own; "..." stands for anything.
FROM=TO replaces text before the run: folder names of the page by those of the test. Commands with the WORDS are typed again where they
fail, for a minute and a half at most: what was changed before need not be in force at once; behind a command that failed they are not. Each is printed with the seconds since the
first.
"""
import re
import subprocess
import sys
import textwrap
import time
import uuid

PATIENCE_S = 90


def blocks(text, mark):
    found = re.findall(rf"^( *)<!-- tested{mark} -->\n( *)```console\n(.*?)^ *```$", text, re.M | re.S)
    return [textwrap.dedent(block) for _, _, block in found]


def steps(block):
    """[(command, expected lines)]"""
    out = []
    for line in block.splitlines():
        if line.startswith(("$ ", "# ")):
            out.append((line[2:], []))
        elif not out:
            sys.exit(f"console.py: output before the first command: {line}")
        elif out[-1][0].endswith("\\"):
            out[-1] = (out[-1][0] + "\n" + line, [])
        else:
            out[-1][1].append(line)
    return out


def run(shell, command):
    """(output lines, status)"""
    mark = uuid.uuid4().hex
    shell.stdin.write(f"{command}\nconsole_status=$?; echo; echo {mark} $console_status\n")
    shell.stdin.flush()
    output = []
    for line in shell.stdout:
        if line.startswith(mark):
            return output, int(line.split()[1])
        output.append(line.rstrip("\n"))
    sys.exit(f"console.py: the shell ended in: {command}")


def misses(expected, output):
    """The first expected line that the output lacks behind the one before it."""
    rest = iter(output)
    for line in expected:
        if line.strip() in ("", "..."):
            continue
        pattern = re.compile(".*".join(map(re.escape, line.rstrip().split("..."))))
        if not any(pattern.fullmatch(said.rstrip()) for said in rest):
            return line
    return None


def main(*arguments):
    mark, again = "", []
    while arguments[0] in ("--mark", "--again"):
        if arguments[0] == "--mark":
            mark = " " + arguments[1]
        else:
            again.append(arguments[1])
        arguments = arguments[2:]
    path, *replacements = arguments
    text = open(path, encoding="utf-8").read()
    for r in replacements:
        text = text.replace(*r.split("=", 1))
    shell = subprocess.Popen(["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    count = bad = 0
    begun = time.monotonic()
    for block in blocks(text, mark):
        for command, expected in steps(block):
            until = time.monotonic() + PATIENCE_S
            output, status = run(shell, command)
            while status != 0 and not bad and any(words in command for words in again) and time.monotonic() < until:
                time.sleep(0.2)
                output, status = run(shell, command)
            missing = misses(expected, output)
            count += 1
            if status == 0 and missing is None:
                print(f"ok   {time.monotonic() - begun:.1f} s: {command}")
                continue
            bad += 1
            print(f"FAIL {command}\n     exit status {status}" + (f"; not printed: {missing}" if missing else ""))
            print("\n".join("     " + line for line in output[-25:]))
    shell.stdin.close()
    shell.wait()
    print(f"{path}: {count} commands, {bad} bad")
    return 1 if bad or not count else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
