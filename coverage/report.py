#!/usr/bin/env python3
# What `llvm-cov export` says, as ./dev coverage prints it: totals, then every place that the tests do not reach, with the
# reason that coverage/uncovered.txt gives. Fails where a place has no reason, and where a reason has no place.
import argparse
import json
import os
import re
import sys
from collections import defaultdict

LIST = "coverage/uncovered.txt"


def read_reasons():
    """(file, line's text, what) -> [(reason, whether the place is reached by luck)], one for each such place."""
    reasons = defaultdict(list)
    with open(LIST) as listed:
        _, *blocks = re.split(r"\n{2,}", listed.read().strip())
    for block in blocks:
        file, text, what, reason, *more = block.split("\n") + 3 * [""]
        if any(more) or not text.startswith("- ") or reason[:2] not in ("= ", "~ "):
            sys.exit(f"coverage: {LIST}: not a block:\n{block}")
        reasons[file, text[2:], what].append((reason[2:], reason[0] == "~"))
    return reasons


def merge(branches):
    """A condition's place -> how often each side was taken, over all instances of a template."""
    sides = defaultdict(lambda: [0, 0])
    for line, column, end_line, end_column, yes, no, *_ in branches:
        taken = sides[line, column, end_line, end_column]
        taken[0] += yes
        taken[1] += no
    return sides


def scan(source, segments):
    """Lines with code that is reached, and line -> code that is not."""
    reached, missed = set(), {}
    for (line, column, count, counted, _, gap), (end_line, end_column, *_) in zip(segments, segments[1:]):
        if not counted or gap:
            continue
        for i in range(line, end_line + 1):
            # A region ends before its semicolon, which belongs to the code around it and is no code of its own.
            code = source[i - 1][column - 1 if i == line else 0 : end_column - 1 if i == end_line else None]
            code = code.split("//")[0].strip(" ;")
            if code and count:
                reached.add(i)
            elif code:
                missed.setdefault(i, code)
    return reached, missed


def percent(part, whole):
    return f"{part:6}/{whole:<6}{100 * part / whole if whole else 100:5.1f}%"


def row(name, lines, of, sides, all_sides):
    print(f"{name:43}{percent(lines, of)} {percent(sides, all_sides)}")


parser = argparse.ArgumentParser(description="Totals of coverage, and the reasons for what is not covered.")
parser.add_argument("export", help="what llvm-cov export printed")
with open(parser.parse_args().export) as export:
    files = json.load(export)["data"][0]["files"]

totals = [0, 0, 0, 0]
places = []
texts = set()
print(f"{'':43}{'lines':>13}{'':7}{'branches':>13}")
for file in sorted(files, key=lambda f: f["filename"]):
    name = os.path.relpath(file["filename"])
    with open(name) as text:
        source = text.read().split("\n")
    texts.update((name, line.strip()) for line in source)
    reached, missed = scan(source, file["segments"])
    conditions = merge(file["branches"])
    explained = set()  # a side that is missing says why the rest of its line is
    for (line, column, end_line, end_column), taken in sorted(conditions.items()):
        condition = source[line - 1][column - 1 : end_column - 1 if line == end_line else None]
        for side, times in zip(("true", "false"), taken):
            if times == 0:
                places.append((name, line, source[line - 1].strip(), f"never {side}: {condition}"))
                explained.add(line)
    for line, code in missed.items():
        if line not in explained:
            places.append((name, line, source[line - 1].strip(), f"not reached: {code}"))
    sides = [times for taken in conditions.values() for times in taken]
    counts = [len(reached), len(reached | missed.keys()), len(sides) - sides.count(0), len(sides)]
    row(name, *counts)
    totals = [a + b for a, b in zip(totals, counts)]
row("total", *totals)

reasons = read_reasons()
wrong = []
for name, line, text, what in sorted(places):
    given = reasons[name, text, what]
    if given:
        print(f"{name}:{line} {what}\n    {given.pop(0)[0]}")
    else:
        wrong.append(f"line {line} needs a test, or a reason in {LIST}:\n{name}\n- {text}\n{what}")
for (name, text, what), left in reasons.items():
    for _, by_luck in left:
        if not by_luck or (name, text) not in texts:
            wrong.append(f"{LIST} has a place that is reached, or is no longer there:\n{name}\n- {text}\n{what}")
print(f"coverage: {len(places)} places are not reached; {len(wrong)} mistakes in {LIST}")
if wrong:
    sys.exit("coverage: " + "\ncoverage: ".join(wrong))
