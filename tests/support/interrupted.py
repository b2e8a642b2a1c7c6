#!/usr/bin/env python3
"""Ctrl-C while a command waits for the CA, whose database is held meanwhile: it goes on when the signal was noted, and must end in good order.

usage: interrupted.py DATABASE HOME COMMAND...    prints what the command says; status 0 if it ended by the signal
"""
import os
import signal
import sqlite3
import subprocess
import sys
import time


def catches(pid, number):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        caught = next(line for line in status if line.startswith("SigCgt:"))
    return int(caught.split()[1], 16) >> (number - 1) & 1 == 1


database = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
database.execute("BEGIN IMMEDIATE")
command = subprocess.Popen(sys.argv[3:], env={**os.environ, "HOME": sys.argv[2]}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
while command.poll() is None and not catches(command.pid, signal.SIGINT):
    time.sleep(0.01)
command.send_signal(signal.SIGINT)
while command.poll() is None and catches(command.pid, signal.SIGINT):  # the handler is for one signal
    time.sleep(0.01)
database.execute("ROLLBACK")
print(command.communicate()[0], end="")
sys.exit(0 if command.returncode == -signal.SIGINT else 1)
