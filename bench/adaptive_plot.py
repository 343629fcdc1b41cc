#!/usr/bin/python3
"""Draws what bulwark-adaptive-simulation wrote: the limit beside the optimum, throughput beside the possible, latency.

    adaptive_plot.py STEPS.tsv PLOT.svg

The optimum is the server's capacity, or, where fewer calls come than it can take, what the calls that come need.
"""

import csv
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  after the choice of what draws

plt.rcParams["svg.hashsalt"] = "bulwark"  # the same figures give the same file

STYLES = {"gradient": "C0-", "gradient without probes": "C2:", "aimd": "C1-"}
NAMES = {"gradient": "gradient", "gradient without probes": "gradient, probe_every = 0",
         "aimd": "aimd, timeout 20 ms"}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    runs = {}
    for row in rows:
        name = row.pop("algorithm")
        runs.setdefault(name, []).append({key: float(value) for key, value in row.items()})
    server = next(iter(runs.values()))
    seconds = [row["second"] for row in server]
    possible = [min(row["arrivals"], 1000 * row["capacity"] / row["service_ms"]) for row in server]
    needed = [rate * row["service_ms"] / 1000 for rate, row in zip(possible, server)]

    figure, (limits, throughput, latency) = plt.subplots(
        3, 1, figsize=(10, 9), sharex=True, layout="constrained", height_ratios=(2, 1, 1))
    limits.plot(seconds, needed, "k--", drawstyle="steps", label="optimum: what keeps the server busy")
    throughput.plot(seconds, possible, "k--", drawstyle="steps", label="possible")
    latency.plot(seconds, [row["service_ms"] for row in server], "k--", drawstyle="steps", label="without a queue")
    for name, run in runs.items():
        for axis, key in ((limits, "limit"), (throughput, "throughput"), (latency, "latency_ms")):
            axis.plot(seconds, [row[key] for row in run], STYLES[name], linewidth=1.2, label=NAMES[name])
    limits.set_ylabel("limit (calls at once)")
    limits.set_ylim(0, 120)
    throughput.set_ylabel("answered a second")
    latency.set_ylabel("mean latency (ms)")
    latency.set_ylim(0, 80)
    latency.set_xlabel("seconds of virtual time")
    limits.legend()
    limits.set_title("The adaptive limit before a server of 20, 5, 40, 20, 20 slow, and 20 half idle workers", fontsize="medium")
    for axis in (limits, throughput, latency):
        axis.grid(alpha=0.3)
    figure.savefig(sys.argv[2], metadata={"Date": None})


if __name__ == "__main__":
    main()
