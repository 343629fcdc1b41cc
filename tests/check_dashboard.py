"""Every metric and label that the dashboard asks for is one that the library shows, and every panel asks for something.

    check_dashboard.py DASHBOARD DESCRIPTIONS    DESCRIPTIONS: lib/metric_descriptions.cpp
"""

import json
import pathlib
import re
import sys

dashboard = json.loads(pathlib.Path(sys.argv[1]).read_text())
source = pathlib.Path(sys.argv[2]).read_text()

shown = set(re.findall(r'"(bulwark_\w+)"', source))
shown |= {name + suffix for name in shown if re.search("_(wait|queue|duration)_seconds$", name) for suffix in ("_bucket", "_sum", "_count")}
labels = {"name", "le"} | set(re.findall(r'with\(labels, "(\w+)"', source))
values = set(re.findall(r'"(\w+)"', source))

wrong, asked = [], set()
for panel in dashboard["panels"]:
    if panel["type"] == "row":
        continue
    if not panel.get("targets"):
        wrong.append(f"{panel['title']}: asks for nothing")
    for target in panel["targets"]:
        expression = target["expr"]
        for name in re.findall(r"\bbulwark_\w+", expression):
            asked.add(name)
            if name not in shown:
                wrong.append(f"{panel['title']}: no metric {name}")
        for label, wanted in re.findall(r'(\w+)=~?"([^"]*)"', expression):
            if label not in labels:
                wrong.append(f"{panel['title']}: no label {label}")
            if label != "name" and not set(wanted.split("|")) <= values:
                wrong.append(f"{panel['title']}: no {label} {wanted}")
        for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
            if label not in labels:
                wrong.append(f"{panel['title']}: no label {label} in its legend")
if len({panel["id"] for panel in dashboard["panels"]}) != len(dashboard["panels"]):
    wrong.append("two panels with one id")

print("\n".join(wrong) if wrong else f"{len(asked)} metrics asked for, all shown")
sys.exit(bool(wrong))
