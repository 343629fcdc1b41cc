#!/usr/bin/python3
"""Makes of a run of the benchmarks (scripts/bench) what people read: Markdown tables on standard output, and a plot.

    report.py RUN [--keep]

RUN is the folder with times.json (Google Benchmark's), tail.tsv, fairness.tsv, counted.tsv, pipeline.tsv and
build.tsv; what is not there is left out. report.md, result.json, and plot and fairness as .svg and .png are written
into it. --keep copies them into bench/results/, named after the day, the commit and the compiler, and renews what
README.md shows of them.
"""

import csv
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  after the choice of what draws
import matplotlib.ticker  # noqa: E402

plt.rcParams["svg.hashsalt"] = "bulwark"  # the same figures give the same file

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
README = ROOT / "README.md"
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
THREADS = (1, 2, 4, 8)

# ---------------------------------------------------------------------------------------------------------------- input


def read_times(path):
    """{(name, threads): {"wall", "cpu", "spread"}}, medians in ns a call, and where they come from. Of a hand-over also
    "sleeps", of one to a sleeper the quantiles of the time."""
    if not path.exists():
        return {}, {}
    run = json.loads(path.read_text())
    times = {}
    for row in run["benchmarks"]:
        if row.get("error_occurred"):
            continue
        name = re.sub(r"/(real|manual)_time.*", "", row["run_name"])
        seen = times.setdefault((name, row["threads"]), {})
        kind = row.get("aggregate_name", "median" if row.get("repetitions", 1) == 1 else None)
        if kind == "median":
            seen.update(wall=row["real_time"], cpu=row.get("cpu_ns", row["cpu_time"]))
            seen.update({key: row[key] for key in ("sleeps", "p50", "p99") if key in row})
        elif kind == "cv":
            seen["spread"] = row["real_time"]
    kept = ("date", "num_cpus", "mhz_per_cpu", "caches", "load_avg")
    context = {key: value for key, value in run["context"].items() if key in kept or key.startswith(("bulwark", "coarse"))}
    return {key: value for key, value in times.items() if "cpu" in value}, context


def read_table(path):
    if not path.exists():
        return []
    with path.open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


def read_tail(path):
    """One row for a side and number of threads: the median of the rounds, and the longest call of all."""
    rounds = {}
    for row in read_table(path):
        rounds.setdefault((int(row["threads"]), row["side"]), []).append(row)
    rows = []
    for (threads, side), seen in sorted(rounds.items(), key=lambda item: item[0][0]):
        row = {"threads": threads, "side": side, "timed": sum(int(each["timed"]) for each in seen)}
        for quantile in ("p50", "p99", "p99.9", "p99.99"):
            row[quantile] = statistics.median(int(each[quantile]) for each in seen)
        row["max"] = max(int(each["max"]) for each in seen)
        rows.append(row)
    return rows


def read_fairness(path):
    """One row for a side, a number of permits and a length of work: the medians of the rounds, the longest wait of all,
    and what each thread got in the round whose min/max is the median."""
    rounds = {}
    for row in read_table(path):
        kind = "short" if int(row["work"]) < 2000 else "long"
        rounds.setdefault((kind, int(row["permits"]), row["side"]), []).append(row)
    rows = []
    for (kind, permits, side), seen in sorted(rounds.items(), key=lambda item: (item[0][0] != "short", item[0][1])):
        seen.sort(key=lambda each: float(each["min/max"]))
        middle = seen[len(seen) // 2]
        row = {"kind": kind, "permits": permits, "side": side, "threads": int(middle["threads"])}
        for figure in ("work", "per_second", "p50", "p99", "cpu", "sleeps"):
            row[figure] = statistics.median(float(each[figure]) for each in seen)
        row["longest"] = max(int(each["longest"]) for each in seen)
        row.update(min=int(middle["min"]), max=int(middle["max"]), ratio=float(middle["min/max"]))
        row["each"] = [int(each) for each in middle["each"].split(",")]
        rows.append(row)
    return rows


def git(*arguments):
    answer = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def where_from(context):
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            context["cpu"] = line.split(":", 1)[1].strip()
            break
    changed = git("status", "--porcelain", "--", "include", "lib", "bench", "CMakeLists.txt")
    context["commit"] = git("rev-parse", "--short", "HEAD") + ("+changes" if changed else "")
    return context


# -------------------------------------------------------------------------------------------------------------- figures


def number(value, unit=""):
    if value is None:
        return "-"
    return f"{value:.{3 if abs(value) < 0.1 and value else 2 if value < 10 else 1 if value < 100 else 0}f}{unit}"


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


class Figures:
    def __init__(self, times, tail):
        self.times = times
        self.tail = {(row["threads"], row["side"]): row for row in tail}

    def cpu(self, name, threads):
        return self.times.get((name, threads), {}).get("cpu")

    def p999(self, side, threads):
        return self.tail.get((threads, side), {}).get("p99.9")


def ratio(over, under):
    return None if over is None or not under else over / under


# The figures that issue 4 asks for: (what, case, floor, threads, at least so many times cheaper than the mutex, at most so
# many times the floor). CPU time a call.
AGAINST = (
    ("closed success, execute()", "closed_execute", "own_counts_2_clocks", 1, 10, 1.4),
    ("closed success, two steps", "closed_permit", "own_counts_2_clocks", 1, 10, 1.4),
    ("closed success, execute()", "closed_execute", "own_counts_2_clocks", 2, 50, 1.4),
    ("closed success, two steps", "closed_permit", "own_counts_2_clocks", 2, 50, 1.4),
    ("consecutive failures, endless, execute()", "endless_execute", "two_loads", 1, 40, None),
    ("consecutive failures, endless, two steps", "endless_permit", "two_loads", 1, 40, None),
    ("open rejection", "open_refusal", "coarse_clock", 1, 8, 1.3),
    ("open rejection", "open_refusal", "coarse_clock", 2, 50, 1.3),
    ("bulkhead pair", "bulkhead_pair", "two_locked_rmw", 1, 2, 1.15),
    ("bulkhead pair, 4096 permits, striped", "bulkhead_large", "two_own_rmw", 2, 8, None),
)


def crowded(times, cores):
    """How many of the runs whose threads never sleep had less than 85% of the cores, and of how many."""
    tireless = [(threads, seen) for (name, threads), seen in times.items()
                if not name.endswith(("/reference", "_mutex")) and "sleeps" not in seen]
    return sum(seen["cpu"] < 0.85 * min(threads, cores) * seen["wall"] for threads, seen in tireless), len(tireless)


def verdict(*met):
    known = [each for each in met if each is not None]
    return "-" if not known else "reached" if all(known) else "**not reached**"


def targets(figures):
    """The table of the issue with what was measured. `at the floor`: how many times cheaper than the mutex a call would
    be that costs nothing but the floor; no more can be had on this machine."""
    rows = []
    for what, case, floor_name, threads, cheaper, over in AGAINST:
        own = figures.cpu(f"{case}/lock_free", threads)
        if own is None:
            continue
        reference = figures.cpu(f"{case}/reference", threads)
        floor = figures.cpu(f"floor/{floor_name}", threads)
        against, above = ratio(reference, own), ratio(own, floor)
        rows.append((what, threads, number(own), number(reference), number(floor),
                     f">= {cheaper} x", number(against, " x"), number(ratio(reference, floor), " x"),
                     f"<= {over} x" if over else "", number(above, " x"),
                     verdict(against and against >= cheaper, over and above and above <= over)))
    heads = ("figure", "threads", "bulwark", "mutex", "floor", "target: mutex / bulwark", "measured", "at the floor",
             "target: bulwark / floor", "measured", "both")
    return table(heads, rows) if rows else ""


# The ways to hand a permit over (handover_bench.cpp), and who is to be as slow at the most. To compare by: on one core the
# CPU time, of which the wall time is made there; to a sleeper the median, since the machine's mood is in the mean.
HANDOVERS = (("one_core", "one core, CPU"), ("two_cores", "two cores, wall"), ("asleep", "to a sleeper, median"))
RIVALS = ("posix_sem_t", "std_semaphore", "reference")
PARKED = 0.95  # sleeps a hand-over, at least: those with fewer did not hand over to a thread that sleeps


def handovers(times, where):
    """{side: figures}, the floors among them."""
    found = {}
    for (name, _), seen in times.items():
        for prefix, side in ((f"handover_{where}/", ""), (f"floor/futex_{where}", "futex, the floor"),
                             (f"floor/condition_{where}", "condition variable")):
            if name.startswith(prefix):
                found[side or name[len(prefix):]] = seen
    return found


def handover_table(times):
    rows = []
    all_ways = [handovers(times, where) for where, _ in HANDOVERS]
    for side in sorted({side for way in all_ways for side in way}, key=by_importance):
        one, two, asleep = (way.get(side, {}) for way in all_ways)
        cells = [PLAIN_NAMES.get(side, side)]
        for way in (one, two):
            # In brackets: no hand-over to a thread that sleeps.
            brackets = "({})" if way.get("sleeps", 1) < PARKED else "{}"
            cells += [brackets.format(number(way.get(key))) for key in ("cpu", "wall")] + [number(way.get("sleeps"))]
        cells += [number(asleep.get(key)) for key in ("cpu", "p50", "p99")]
        rows.append(cells)
    heads = ("ns a hand-over", "one core: CPU", "wall", "sleeps", "two cores: CPU", "wall", "sleeps",
             "to a sleeper: CPU", "p50", "p99")
    return table(heads, rows) if rows else ""


def fairness_table(fairness):
    heads = ("work", "permits", "", "permits a second", "min", "max", "min / max", "wait p50", "p99", "longest",
             "CPU a permit", "sleeps a permit")
    rows = []
    before = None
    for row in fairness:
        group = (row["kind"], row["permits"])
        rows.append(((number(row["work"], " ns"), row["permits"]) if group != before else ("", ""))
                    + (PLAIN_NAMES.get(row["side"], row["side"]), f"{row['per_second']:.0f}", row["min"], row["max"],
                       number(row["ratio"]), *(number(row[key]) for key in ("p50", "p99", "longest", "cpu", "sleeps"))))
        before = group
    return table(heads, rows) if rows else ""


def other_targets(figures, layered=()):
    """`layered`: the rows of bulwark-pipeline."""
    cpu = figures.cpu
    rows = []

    def row(what, target, measured, unit, met):
        if measured is not None:
            rows.append((what, target, number(measured, unit) if measured >= 0 else f"{measured:.2f}{unit}", verdict(met)))

    def at_most(what, limit, value, unit):
        row(what, f"<= {limit}{unit}", value, unit, value is not None and value <= limit)

    for what, case in (("execute()", "closed_execute"), ("two steps", "closed_permit")):
        one, two = (cpu(f"{case}/lock_free", threads) for threads in (1, 2))
        at_most(f"closed success, {what}: 2 threads / 1 thread", 1.1, ratio(two, one), " x")
    for what, case in (("execute()", "endless_execute"), ("two steps", "endless_permit")):
        at_most(f"consecutive failures, endless window, {what}", 2, cpu(f"{case}/lock_free", 1), " ns")
    one, two = (cpu("bulkhead_large/lock_free", threads) for threads in (1, 2))
    at_most("bulkhead pair striped: 2 threads / 1 thread", 1.3, ratio(two, one), " x")
    for what, left, right in (("default", "closed_execute", "closed_permit"),
                              ("endless window", "endless_execute", "endless_permit")):
        execute, permit = (cpu(f"{case}/lock_free", 1) for case in (left, right))
        at_most(f"execute() over the two-step form, {what}", 1,
                None if None in (execute, permit) else execute - permit, " ns")
    for threads in (8, 32):
        tail = ratio(figures.p999("lock_free", threads), figures.p999("reference", threads))
        at_most(f"p99.9 of a call, {threads} threads: bulwark / mutex", 0.2, tail, " x")
    for where, what in HANDOVERS:
        sides = {side: seen["cpu" if where == "one_core" else "p50" if where == "asleep" else "wall"]
                 for side, seen in handovers(figures.times, where).items() if seen["sleeps"] > PARKED}
        best = min((sides[side] for side in RIVALS if side in sides), default=None)
        at_most(f"hand-over, {what}: bulwark / the best of sem_t, std and mutex that parked", 1,
                ratio(sides.get("lock_free"), best), " x")
    for case in layered:
        if case["case"].startswith("pipeline") and case["over"] != "-":
            at_most(f"{case['case']}: over the sum of its parts", 2, float(case["over"]), " ns")
    return table(("figure", "target", "measured", ""), rows) if rows else ""


SHOWN = (
    ("closed, success", "closed_execute", "own_counts_2_clocks"),
    ("closed, success; endless window", "endless_counted", "own_counts"),
    ("the same, successes not counted", "endless_execute", "two_loads"),
    ("closed, failure that does not trip", "closed_failure", "failed_call"),
    ("open, refused", "open_refusal", "coarse_clock"),
    ("reading the state", "observe_snapshot", "coarse_clock"),
    ("bulkhead, take and give back", "bulkhead_pair", "two_locked_rmw"),
    ("the same, by acquire()", "bulkhead_acquire", "two_locked_rmw"),
    ("the same, 3 permits at once", "bulkhead_pair_of_3", "two_locked_rmw"),
    ("the same, bytes", "memory_pair", "two_locked_rmw"),
    ("the same, 4096 permits, striped", "bulkhead_large", "two_own_rmw"),
    ("bulkhead full, refused", "bulkhead_refusal", "shared_load"),
    ("the same, and somebody waits", "bulkhead_queued", "shared_load"),
    ("adaptive limit, a timed call", "limit_timed", "timed_call"),
    ("adaptive limit, refused", "limit_refusal", "shared_load"),
    ("breaker, the last 100 calls", "window_of_calls", "two_locked_rmw"),
    ("breaker, the last 10 s", "window_of_time", "shared_counts_2_clocks"),
)


def overview(figures):
    """What the README shows."""
    rows = []
    for what, case, floor in SHOWN:
        for threads in (1, 2, 8):
            own, compact, reference = (figures.cpu(f"{case}/{side}", threads)
                                       for side in ("lock_free", "compact", "reference"))
            if own is not None:
                rows.append((what, threads, number(own), number(compact), number(reference),
                             number(ratio(reference, own)), number(figures.cpu(f"floor/{floor}", threads))))
                what = ""
    heads = ("CPU ns a call", "threads", "bulwark", "compact", "mutex", "mutex / bulwark", "floor")
    return table(heads, rows) if rows else ""


def alternatives(figures):
    rows = []
    for case, what in (("bulkhead_pair", "take and give back"), ("bulkhead_acquire", "the same, ready to wait"),
                       ("bulkhead_refusal", "refused"), ("bulkhead_queued", "refused, and somebody waits")):
        for side in sorted({name.split("/")[1] for name, _ in figures.times if name.startswith(case + "/")}):
            rows.append((what, side, *(number(figures.cpu(f"{case}/{side}", threads)) for threads in THREADS)))
            what = ""
    return table(("CPU ns a call", "", *(f"{n} threads" if n > 1 else "1 thread" for n in THREADS)), rows) if rows else ""


def tail_table(tail):
    heads = ("threads", "side", "timed", "p50", "p99", "p99.9", "p99.99", "max")
    return table(heads, [[f"{row[head]:.0f}" if head[0] in "pm" else row[head] for head in heads] for row in tail])


def plain_table(rows):
    return table(list(rows[0]), [list(row.values()) for row in rows])


# --------------------------------------------------------------------------------------------------------------- output

PANELS = (
    ("closed breaker, success", "closed_execute", "own_counts_2_clocks"),
    ("open breaker, refused", "open_refusal", "coarse_clock"),
    ("bulkhead, take and give back", "bulkhead_pair", "two_locked_rmw"),
    ("the same, 4096 permits", "bulkhead_large", "two_own_rmw"),
)
FIRST = ("lock_free", "with_stop_token", "with_time_limit", "compact", "reference", "floor")
STYLES = {"lock_free": "o-", "compact": "^-", "reference": "s--", "floor": "k:"}
PLAIN_NAMES = {"lock_free": "bulwark", "reference": "mutex", "with_stop_token": "bulwark, stop token",
               "with_time_limit": "bulwark, time limit"}


def by_importance(side):
    return (FIRST + (side,)).index(side), side


def save(figure, run, name):
    figure.savefig(run / f"{name}.svg", metadata={"Date": None})
    figure.savefig(run / f"{name}.png", dpi=100)


def draw(times, title, run):
    """CPU time of a call by threads: a line for each side of a case, and its floor."""
    figure, axes = plt.subplots(2, 2, figsize=(10, 8), sharex=True, layout="constrained")
    for axis, (heading, case, floor) in zip(axes.flat, PANELS):
        lines = {name.split("/")[1]: name for name, _ in times if name.startswith(case + "/")}
        if (f"floor/{floor}", 1) in times:
            lines["floor"] = f"floor/{floor}"
        for label, name in sorted(lines.items(), key=lambda line: by_importance(line[0])):
            points = [(threads, times[name, threads]["cpu"]) for threads in THREADS if (name, threads) in times]
            axis.plot(*zip(*points), STYLES.get(label, ".-"), label=PLAIN_NAMES.get(label, label),
                      linewidth=2 if label == "lock_free" else 1)
        axis.set(title=heading, xscale="log", yscale="log", xticks=THREADS, xticklabels=THREADS)
        axis.minorticks_off()
        axis.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.grid(alpha=0.3)
        if lines:
            axis.legend(fontsize="small")
    for axis in axes[1]:
        axis.set_xlabel("threads")
    for axis in axes[:, 0]:
        axis.set_ylabel("CPU ns a call")
    figure.suptitle(title, fontsize="small")
    save(figure, run, "plot")


COLOURS = {"lock_free": "tab:blue", "reference": "tab:orange", "std_semaphore": "tab:green", "posix_sem_t": "tab:red"}


def draw_fairness(fairness, title, run):
    """For each length of work: what each thread got, for each number of permits, and the throughput of all."""
    kinds = list(dict.fromkeys(row["kind"] for row in fairness))
    numbers = sorted({row["permits"] for row in fairness})
    sides = sorted({row["side"] for row in fairness}, key=by_importance)
    figure, axes = plt.subplots(len(kinds), len(numbers) + 1, figsize=(4 * len(numbers) + 4, 4 * len(kinds)),
                                layout="constrained", squeeze=False)
    for kind, line in zip(kinds, axes):
        rows = {(row["permits"], row["side"]): row for row in fairness if row["kind"] == kind}
        work = next(iter(rows.values()))["work"]
        for permits, axis in zip(numbers, line):
            for side in sides:
                if row := rows.get((permits, side)):
                    axis.plot(range(1, len(row["each"]) + 1), row["each"], ".-", markersize=4, color=COLOURS.get(side),
                              label=f"{PLAIN_NAMES.get(side, side)}: min/max {number(row['ratio'])}")
            # Logarithmic down to 1, with 0 below it: some threads get none.
            axis.set_yscale("symlog", linthresh=1)
            axis.set(title=f"{permits} permit{'s' * (permits != 1)}, {number(work)} ns of work", ylim=(-0.3, None),
                     xlabel="thread, the one with the fewest first", ylabel="permits it got")
            axis.grid(alpha=0.3)
            axis.legend(fontsize="small", loc="lower right")
        axis = line[-1]
        for i, side in enumerate(sides):
            shown = [(at, rows[permits, side]["per_second"]) for at, permits in enumerate(numbers) if (permits, side) in rows]
            axis.bar([at + (i + 0.5) * 0.8 / len(sides) - 0.4 for at, _ in shown], [value for _, value in shown],
                     0.8 / len(sides), color=COLOURS.get(side), label=PLAIN_NAMES.get(side, side))
        axis.set(title=f"permits a second, {number(work)} ns of work", xlabel="permits", xticks=range(len(numbers)),
                 xticklabels=numbers)
        axis.yaxis.set_major_formatter(matplotlib.ticker.EngFormatter())
        axis.grid(axis="y", alpha=0.3)
        axis.legend(fontsize="small")
    figure.suptitle(f"{fairness[0]['threads']} threads wait for few permits. {title}", fontsize="small")
    save(figure, run, "fairness")


def result_json(context, times, **other):
    """One line a figure, so that two results can be compared line by line."""
    def lines(rows):
        return "[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n ]"

    rows = [{"name": name, "threads": threads, **{key: round(value, 3) for key, value in seen.items()}}
            for (name, threads), seen in sorted(times.items())]
    parts = [f' "context": {json.dumps(context)}']
    parts += [f' "{name}": {lines(part)}' for name, part in {"times": rows, **other}.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def renew_readme(tables, source, name, plots):
    text = README.read_text()
    if BEGIN not in text or END not in text:
        sys.exit(f"report: README.md lacks {BEGIN} and {END}")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    pictures = {"plot": "CPU ns a call by threads", "fairness": "Permits a thread, and throughput"}
    shown = [source, *filter(None, tables), *(f"![{pictures[plot]}](bench/results/{kept_name(name, plot)}.svg)" for plot in plots),
             f"All tables of that run: [bench/results/{name}.md](bench/results/{name}.md)"]
    README.write_text(before + BEGIN + "\n" + "\n\n".join(shown) + "\n" + END + after)


def kept_name(name, made):
    return f"{name}-{made}" if made == "fairness" else name


def main():
    run, keep = pathlib.Path(sys.argv[1]), "--keep" in sys.argv[2:]
    times, context = read_times(run / "times.json")
    tail, counted, build = read_tail(run / "tail.tsv"), read_table(run / "counted.tsv"), read_table(run / "build.tsv")
    fairness, layered = read_fairness(run / "fairness.tsv"), read_table(run / "pipeline.tsv")
    figures = Figures(times, tail)
    context = where_from(context)
    day = context.get("date", "")[:10]
    compiler = context.get("bulwark_compiler", "")
    source = (f"{day}, commit {context['commit']}, {context.get('cpu', 'unknown CPU')}, {context.get('num_cpus', '?')} cores, "
              f"{compiler}, {context.get('bulwark_build_type', '?')} build")

    parts = [
        ("Figures to reach (CPU ns a call)", targets(figures)),
        ("", other_targets(figures, layered)),
        ("Overview", overview(figures)),
        ("Permits: the alternatives", alternatives(figures)),
        ("Hand-over of a permit to a thread that waits; in brackets: to one that did not sleep", handover_table(times)),
        (f"{fairness[0]['threads']} threads wait for few permits (times in ns)" if fairness else "",
         fairness_table(fairness)),
        ("Time of single calls, more threads than cores (ns, the fine clock's reading included)",
         tail_table(tail) if tail else ""),
        ("Accesses an operation, counted", plain_table(counted) if counted else ""),
        ("Layers put together: ns of CPU a call, beyond the call itself, beside the sum of its layers",
         plain_table(layered) if layered else ""),
        ("What a file costs a build", plain_table(build) if build else ""),
    ]
    report = f"# Benchmark result\n\n{source}\n"
    disturbed, runs = crowded(times, context.get("num_cpus", 1))
    if disturbed > runs * 0.02:
        report += (f"\n**Other programs had the cores in {disturbed} of {runs} runs**: threads contended less than they "
                   "should, which flatters the mutex above all.\n")
    for heading, part in parts:
        if part:
            report += (f"\n## {heading}\n" if heading else "") + f"\n{part}\n"
    print("\n" + report)

    (run / "report.md").write_text(report)
    (run / "result.json").write_text(
        result_json(context, times, tail=tail, fairness=fairness, counted=counted, pipeline=layered, build=build))
    draw(times, source, run)
    plots = ["plot"]
    if fairness:
        draw_fairness(fairness, source, run)
        plots.append("fairness")
    if not keep:
        return
    name = re.sub(r"[^\w.+-]+", "-", f"{day}-{context['commit']}-{compiler}".lower())
    RESULTS.mkdir(exist_ok=True)
    made = ["result.json", "report.md"] + [f"{plot}.{kind}" for plot in plots for kind in ("svg", "png")]
    for file in made:
        stem, suffix = file.split(".")
        shutil.copy(run / file, RESULTS / f"{kept_name(name, stem)}.{suffix}")
    renew_readme((overview(figures), handover_table(times)), source, name, plots)
    print(f"kept as bench/results/{name}*; README.md shows it")


if __name__ == "__main__":
    main()
