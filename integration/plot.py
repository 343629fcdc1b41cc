#!/usr/bin/python3
"""Draws what the callers of a service saw: plot.py FOLDER TITLE PLOT..., with slices.csv and phases.csv in the folder.

Above the 99th percentile of the latency over time, below the answers in time; each PLOT is a file to write (.svg, .png).
"""

import csv
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  after the choice of what draws

plt.rcParams["svg.hashsalt"] = "bulwark"  # the same figures give the same file

STYLES = {"without": ("without bulwark", "tab:red"), "with": ("with bulwark", "tab:blue")}


def rows_of(file):
    with open(file) as lines:
        return list(csv.DictReader(lines))


def main():
    folder, title, *plots = sys.argv[1:]
    slices = rows_of(pathlib.Path(folder) / "slices.csv")
    # The runs enter their phases at almost the same moments: those of the last one are drawn.
    phases = [row for row in rows_of(pathlib.Path(folder) / "phases.csv") if row["run"] == "with"]

    figure, (latency, answers) = plt.subplots(
        2, 1, figsize=(9, 6), sharex=True, layout="constrained", height_ratios=(3, 2)
    )
    for phase in phases:
        begin, end = float(phase["begin"]), float(phase["end"])
        for axis in (latency, answers):
            if phase["faulty"] == "1":
                axis.axvspan(begin, end, color="tab:orange", alpha=0.15, lw=0)
        latency.text(
            (begin + end) / 2, 0.97, phase["phase"], transform=latency.get_xaxis_transform(), ha="center", va="top", fontsize=7.5,
        )
    for run, (label, colour) in STYLES.items():
        of_run = [row for row in slices if row["run"] == run]
        seconds = [float(row["second"]) for row in of_run]
        step = seconds[1] - seconds[0]
        latency.plot(seconds, [float(row["p99_ms"]) for row in of_run], color=colour, lw=1.6, label=label)
        answers.plot(seconds, [int(row["in_time"]) / step for row in of_run], color=colour, lw=1.6, label=label)
    latency.set(yscale="log", ylabel="p99 of the callers' latency, ms", xlim=(0, float(phases[-1]["end"])))
    latency.set_ylim(top=latency.get_ylim()[1] * 3)  # room for the names of the phases
    latency.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    latency.grid(alpha=0.3)
    answers.set(xlabel="seconds", ylabel="answers in time, per second")
    answers.set_ylim(0, answers.get_ylim()[1] * 1.25)  # room for the legend
    answers.legend(loc="upper right", ncol=2, fontsize="small")
    answers.grid(alpha=0.3)
    figure.suptitle(title, fontsize="medium")
    for plot in plots:
        figure.savefig(plot, metadata={"Date": None} if plot.endswith(".svg") else None, dpi=110)


if __name__ == "__main__":
    main()
