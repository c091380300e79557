# SPDX-License-Identifier: Apache-2.0
"""Tables of what the benchmark programs print.

A document here is {"kind": KIND, "circumstances": {...}, "benchmarks": {name: numbers}}: of each
benchmark the medians over the quiet runs of `seconds`, `cpu_seconds`, its counters and its ratios to
others of the same run.
"""

import math
import re
import statistics

from peers.report import table

SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
# Google Benchmark's own fields of an entry; numbers beside them are counters.
OWN_FIELDS = {"family_index", "per_family_instance_index", "repetitions", "repetition_index",
              "threads", "iterations", "real_time", "cpu_time"}
# A benchmark, the one that it is compared with, the counter, and what their ratio is called.
RATIOS = (
    (r"product/\w+/(\w+)/.*/ours", r"fma_peak/\1", "GFLOP/s", "of_peak"),
    (r"(product/.*)/ours", r"\1/openblas", "GFLOP/s", "over_openblas"),
    (r"(.*)/float64/(.*)", r"\1/float32/\2", "GFLOP/s", "over_float32"),
    (r"(.*)/threads:2/(.*)", r"\1/threads:1/\2", "run-steps/s", "over_one_thread"),
)


def numbers_of(output: dict) -> dict[str, dict[str, float]]:
    """Of the JSON of one run of a program, with the ratios of its benchmarks to each other.

    Raises ValueError where a benchmark failed.
    """
    benchmarks = {}
    for entry in output["benchmarks"]:
        name = entry["run_name"]
        if entry.get("error_occurred"):
            raise ValueError(f"{name}: {entry['error_message']}")
        unit = SECONDS[entry["time_unit"]]
        benchmarks[name] = {"seconds": entry["real_time"] * unit,
                            "cpu_seconds": entry["cpu_time"] * unit}
        benchmarks[name] |= {key: value for key, value in entry.items()
                             if key not in OWN_FIELDS and isinstance(value, (int, float))}
    for name, numbers in benchmarks.items():
        for pattern, other_name, counter, ratio in RATIOS:
            found = re.fullmatch(pattern, name)
            other = benchmarks.get(found.expand(other_name), {}) if found else {}
            if counter in numbers and counter in other:
                numbers[ratio] = numbers[counter] / other[counter]
    return benchmarks


def medians(runs: list[dict]) -> dict[str, dict[str, float]]:
    return {name: {key: statistics.median(run[name][key] for run in runs) for key in numbers}
            for name, numbers in runs[0].items()}


def number(value: float) -> str:
    """Three digits."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def in_both_precisions(benchmarks: dict, pattern: str):
    """(match, float32, float64) of each benchmark whose name with {T} for a precision matches."""
    for name, single in benchmarks.items():
        found = re.fullmatch(pattern.replace("{T}", "float32"), name)
        double = benchmarks.get(name.replace("/float32", "/float64"))
        if found and double:
            yield found, single, double


def products_table(document: dict) -> str:
    rows = []
    for found, *ours in in_both_precisions(
            document["benchmarks"], r"product/(\w+)/{T}/width:(\d+)/batch:(\d+)/ours"):
        row = [found[2], found[3]]
        for one in ours:
            row += [number(one["GFLOP/s"]), f"{one['of_peak']:.2f}", f"{one['over_openblas']:.2f}"]
        row.append(f"{ours[1]['over_float32']:.2f}")
        rows.append([*row, found[1].replace("_", " ")])
    return table(["width", "batch", "float32, GFLOP/s", "of the peak", "over OpenBLAS",
                  "float64, GFLOP/s", "of the peak", "over OpenBLAS", "float64 over float32",
                  "product"], rows)


def kernels_table(document: dict) -> str:
    rows = []
    for found, single, double in in_both_precisions(document["benchmarks"],
                                                    r"([\w/]+?)/{T}/(.*)"):
        row = []
        for one in (single, double):
            row += [number(1e9 / one["items_per_second"]), number(1e-9 * one["bytes_per_second"])]
        rows.append([*row, found[1].replace("/", " ").replace("_", " "),
                     found[2].replace("/", ", ").replace(":", " ")])
    return table(["float32, ns an element", "GB/s", "float64, ns an element", "GB/s", "kernel",
                  "size"], rows, texts=2)


def step_table(document: dict) -> str:
    rows = []
    for found, single, double in in_both_precisions(
            document["benchmarks"], r"step/{T}/(\w+)/width:(\d+)/depth:(\d+)/batch:(\d+)"):
        rows.append([found[2], found[3], found[4], number(1e6 * single["cpu_seconds"]),
                     number(single["GFLOP/s"]), number(1e6 * double["cpu_seconds"]),
                     number(double["GFLOP/s"]), f"{double['over_float32']:.2f}", found[1]])
    return table(["width", "depth", "batch", "float32, µs", "GFLOP/s", "float64, µs", "GFLOP/s",
                  "float64 over float32", "activation"], rows)


def scaling_table(document: dict) -> str:
    benchmarks = document["benchmarks"]
    rows = []
    for name, share in benchmarks.items():
        found = re.fullmatch(r"(.*)/share(/iterations:\d+)?/manual_time", name)
        if not found:
            continue
        one, two, streams = (benchmarks[f"{found[1]}/{variant}/real_time"]
                             for variant in ("threads:1", "threads:2", "streams:2"))
        rates = [number(variant["run-steps/s"]) for variant in (one, two, streams)]
        rows.append([*rates, f"{two['over_one_thread']:.2f}",
                     f"{share['of_streams']:.3f}", found[1].replace("/", ", ").replace(":", " ")])
    return table(["1 thread, run-steps/s", "2 threads", "2 streams", "2 threads over 1",
                  "2 threads of 2 streams", "work"], rows)


def recording_table(document: dict) -> str:
    rows = []
    for name, numbers in document["benchmarks"].items():
        work = re.sub(r"(/iterations:\d+)?/manual_time$", "", name)
        rows.append([percent(numbers["on_top"]), percent(numbers["processor_on_top"]),
                     work.replace("/", ", ").replace(":", " ")])
    return table(["time on top", "processor time on top", "at every step"], rows)


def exponent(sizes: list[float], times: list[float]) -> float:
    """The least-squares slope of log time over log size."""
    return statistics.linear_regression([math.log(size) for size in sizes],
                                        [math.log(time) for time in times]).slope


def cost_table(document: dict) -> str:
    series: dict[str, list[tuple[int, float]]] = {}
    for name, numbers in document["benchmarks"].items():
        found = re.fullmatch(r"cost/(\w+):(\d+)", name)
        if found:
            series.setdefault(found[1], []).append((int(found[2]), numbers["cpu_seconds"]))
    rows = [[f"{exponent(*zip(*points)):.3f}",
             ", ".join(f"{size}: {number(1e3 * time)}" for size, time in points), name]
            for name, points in series.items()]
    return table(["exponent", "time of a run, ms", "as a function of"], rows, texts=2)
