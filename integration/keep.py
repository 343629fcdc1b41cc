#!/usr/bin/python3
"""Puts the results of a run into the documentation: keep.py RESULTS DOCS.

The tables go between the marks in integration.md, with the day and the commit; the plots into figures/.
"""

import datetime
import pathlib
import re
import shutil
import subprocess
import sys


def commit():
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    changed = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    return head + (" and changes" if changed else "")


def main():
    results, docs = (pathlib.Path(name) for name in sys.argv[1:])
    page = docs / "integration.md"
    text = page.read_text()
    for name in ("redis", "nginx", "wrk"):
        table = (results / name / "table.md").read_text()
        made = f"{datetime.date.today()}, commit {commit()}\n\n{table}"
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
        text, found = re.subn(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: begin + made + end, text, flags=re.DOTALL)
        if found != 1:
            sys.exit(f"{page}: no place for the table of {name}")
    page.write_text(text)
    for name in ("redis", "nginx"):
        shutil.copy(results / f"{name}.svg", docs / "figures" / f"integration_{name}.svg")


if __name__ == "__main__":
    main()
