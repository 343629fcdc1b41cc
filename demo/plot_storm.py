#!/usr/bin/python3
"""Draws a retry storm: plot_storm.py FIGURES.csv PLOT.svg, with the figures that `bulwark-demo --pipeline --csv` wrote."""

import csv
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  after the choice of what draws

plt.rcParams["svg.hashsalt"] = "bulwark"  # the same figures give the same file

TITLES = {
    "no budget": "retries, no budget",
    "budget": "retries, budget of 10 %",
    "and a breaker": "retries, budget, breaker",
}
LINES = (
    ("attempts", "attempts at the service", "tab:red", "-"),
    ("calls", "calls", "tab:gray", "--"),
    ("answered", "calls answered in time", "tab:green", "-"),
)


def main():
    source, plot = sys.argv[1:]
    acts = {}
    with open(source) as file:
        for row in csv.DictReader(file):
            acts.setdefault(row["act"], []).append({key: float(row[key]) for key in row if key != "act"})

    figure, axes = plt.subplots(1, len(acts), figsize=(4 * len(acts), 3.6), sharey=True, layout="constrained", squeeze=False)
    for axis, (act, rows) in zip(axes[0], acts.items()):
        rows = [row for row in rows if row["calls"]]  # what is left over after the end of the load is no rate
        length = rows[0]["second"]
        middles = [row["second"] - length / 2 for row in rows]
        for row in rows:
            if row["slow"]:
                axis.axvspan(row["second"] - length, row["second"], color="tab:orange", alpha=0.2, lw=0)
        for key, label, colour, style in LINES:
            axis.plot(middles, [row[key] / length for row in rows], style, color=colour, marker=".", label=label)
        axis.set(title=TITLES.get(act, act), xlabel="seconds", xlim=(0, rows[-1]["second"]), ylim=(0, None))
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("per second")
    axes[0][-1].legend(fontsize="small", loc="upper right")
    figure.suptitle("The service can do 200 a second; where shaded it is slow", fontsize="medium")
    figure.savefig(plot, metadata={"Date": None})


if __name__ == "__main__":
    main()
