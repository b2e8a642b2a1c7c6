#!/usr/bin/env python3
"""A person at a terminal: runs a program on a pseudo terminal of its own, answers its prompts, and looks at what is seen.

usage: by_hand.py SCRIPT -- PROGRAM [ARGUMENT...]

SCRIPT is one argument, a step a line:
  sees TEXT      waits until the terminal shows it
  types TEXT     types it and Enter, once the terminal does not echo
  hands FILE     types its first line so, which is in no argument list then
  says TEXT      types it and Enter, where it may be seen
  presses C      Ctrl-C, \\ or Z, once the terminal does not echo
  interrupts     Ctrl-C, whatever it does
  runs COMMAND   a command of the shell's, which succeeds
  removes FILE   meanwhile
  goes on        SIGCONT, to a program that was stopped
  ends N         the program ends by itself with this status
  dies SIGNAL    a signal ends it, by number
  shows not TEXT nowhere on the terminal, so far
Then the terminal must be as it was before.
"""
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

LIMIT_S = 90


class Person:
    def __init__(self, argv):
        self.seen = b""
        self.unread = 0  # what a step has not looked at yet
        told, seen = os.pipe()
        self.pid, self.tty = pty.fork()
        if self.pid == 0:
            os.read(told, 1)  # how the terminal is before
            # The terminal outlives the program, which is the foreground group of its own.
            child = os.fork()
            if child == 0:
                os.setpgid(0, 0)
                signal.signal(signal.SIGTTOU, signal.SIG_IGN)
                os.tcsetpgrp(0, os.getpid())
                for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU):
                    signal.signal(number, signal.SIG_DFL)  # who runs this in the background may have them ignored
                os.execvp(argv[0], argv)
            self.leader(child)
        self.before = termios.tcgetattr(self.tty)
        os.write(seen, b"!")

    @staticmethod
    def leader(child):
        """Says how the program ended, in words that no program says."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU):
            signal.signal(number, signal.SIG_IGN)
        print(f"\r\n#pid {child}#", flush=True)
        while True:
            _, status = os.waitpid(child, os.WUNTRACED)
            if os.WIFSTOPPED(status):
                print("\r\n#stopped#", flush=True)
                continue
            how = f"died {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"ended {os.WEXITSTATUS(status)}"
            print(f"\r\n#{how}#", flush=True)
            time.sleep(LIMIT_S)
            os._exit(0)

    def fail(self, why):
        print(f"{why}; the terminal showed:\n{self.seen.decode(errors='replace')}")
        self.end()
        sys.exit(1)

    def end(self):
        os.kill(self.pid, signal.SIGKILL)

    def until(self, found, what):
        limit = time.monotonic() + LIMIT_S
        while not found():
            left = limit - time.monotonic()
            if left <= 0 or not select.select([self.tty], [], [], min(left, 0.05))[0]:
                if left <= 0:
                    self.fail(f"waited for {what}")
                continue
            try:
                self.seen += os.read(self.tty, 65536)
            except OSError:
                self.fail(f"the terminal was closed, waiting for {what}")

    def sees(self, text):
        wanted = text.encode()
        self.until(lambda: wanted in self.seen[self.unread:], repr(text))
        self.unread = self.seen.index(wanted, self.unread) + len(wanted)

    def echoes(self):
        return bool(termios.tcgetattr(self.tty)[3] & termios.ECHO)

    def types(self, text):
        self.until(lambda: not self.echoes(), "no echo")
        os.write(self.tty, text.encode() + b"\n")

    def hands(self, path):
        with open(path, encoding="utf-8") as file:
            self.types(file.readline().rstrip("\n"))

    def says(self, text):
        os.write(self.tty, text.encode() + b"\n")

    def presses(self, key):
        self.until(lambda: not self.echoes(), "no echo")
        os.write(self.tty, {"C": b"\x03", "\\": b"\x1c", "Z": b"\x1a"}[key])

    def interrupts(self, _):
        os.write(self.tty, b"\x03")
        self.sees("^C")  # which the terminal shows when the signal is there

    def runs(self, command):
        if subprocess.run(command, shell=True, check=False).returncode != 0:
            self.fail(f"{command!r} failed")

    def removes(self, path):
        os.remove(path)

    def goes(self, _):
        self.sees("#stopped#")
        if not self.echoes():
            self.fail("a stopped program left a terminal that does not echo")
        pid = int(self.seen.split(b"#pid ")[1].split(b"#")[0])
        os.kill(pid, signal.SIGCONT)

    def ends(self, status):
        self.sees(f"#ended {status}#")

    def dies(self, number):
        self.sees(f"#died {number}#")

    def shows(self, words):
        if words.removeprefix("not ").encode() in self.seen:
            self.fail(f"{words!r}")


def main():
    at = sys.argv.index("--")
    person = Person(sys.argv[at + 1:])
    for line in sys.argv[1].strip().splitlines():
        verb, _, rest = line.strip().partition(" ")
        getattr(person, verb)(rest)
    if termios.tcgetattr(person.tty) != person.before:
        person.fail("the terminal is not as it was")
    sys.stdout.write(person.seen.decode(errors="replace"))
    person.end()


main()
