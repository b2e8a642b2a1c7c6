#!/usr/bin/env python3
"""Reads the Prometheus text format 0.0.4 on stdin and holds every line to it: names, escapes, one HELP and TYPE before
the samples of a metric, all of them together and none twice, histograms cumulative with +Inf equal to the count.
usage: exposition.py [SERIES...]: prints the value of each of them, as it is written ("dirca_requests{disposition=\"issued\"}")."""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"({NAME})(\{{{LABEL}(?:,{LABEL})*\}})? (-?[0-9]+(?:\.[0-9]+)?)")
PARTS = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}

types, helps, values, current = {}, set(), {}, None


def fail(line, why):
    sys.exit(f"{why}: {line!r}")


text = sys.stdin.read()
if not text.endswith("\n"):
    fail(text[-40:], "no newline at the end")
for line in text.split("\n")[:-1]:
    if m := re.fullmatch(rf"# HELP ({NAME}) (?:[^\\]|\\[\\n])+", line):
        if m[1] in helps:
            fail(line, "a second HELP")
        helps.add(m[1])
        current = m[1]
    elif m := re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge|histogram)", line):
        if m[1] in types or m[1] != current:
            fail(line, "a TYPE that is not behind its HELP")
        types[m[1]] = m[2]
    elif m := SAMPLE.fullmatch(line):
        if current not in types or m[1] not in {current + part for part in PARTS[types[current]]}:
            fail(line, "a sample that is not among its own")
        if m[1] + (m[2] or "") in values:
            fail(line, "a series twice")
        values[m[1] + (m[2] or "")] = m[3]
    else:
        fail(line, "no line of the format")

buckets = {}
for series, value in values.items():
    if m := re.fullmatch(r'(.*)_bucket\{(.*),le="([^"]*)"\}', series):
        buckets.setdefault((m[1], m[2]), []).append((float(m[3]), int(value)))
for (name, labels), counts in buckets.items():
    if counts != sorted(counts) or [n for _, n in counts] != sorted(n for _, n in counts):
        fail(name, "buckets out of order")
    if counts[-1] != (float("inf"), int(values[f"{name}_count{{{labels}}}"])):
        fail(name, "the last bucket is not +Inf with all")
if not values:
    sys.exit("no samples")
for series in sys.argv[1:]:
    print(values.get(series, "none"))
