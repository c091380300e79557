# SPDX-License-Identifier: Apache-2.0
"""Measures the figures of a section into its file. Takes from a minute to half an hour each."""

import json
import os
import subprocess
import sys
from pathlib import Path

from peers.environment import circumstances, write_figures
from peers.programs import Programs
from peers.rounds import Gate, say
from performance.benchmark_tables import medians, numbers_of
from performance.documents import FIGURES, FiguresError

PROGRAMS = {
    "scaling": "sweep_benchmark",
    "products": "gemm_benchmark",
    "kernels": "kernel_benchmark",
    "step": "step_benchmark",
    "recording": "recorder_benchmark",
    "cost": "cost_benchmark",
}
COMPARISONS = {"steps": (), "layers": ("--layers",), "sweep": ("--sweep",)}
RUNS_FOR_EACH_QUIET_ONE = 3
CORES_USED = {1: "one used", 2: "two used"}


def measure(root: Path, name: str, repetitions: int, python: Path | None) -> None:
    """Writes the section's file. Raises FiguresError where the measurement fails."""
    path = root / FIGURES / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if name in COMPARISONS:
        compare(root, path, COMPARISONS[name], repetitions, python)
    else:
        run_benchmarks(root, path, name, repetitions)


def compare(root: Path, path: Path, options: tuple, rounds: int, python: Path | None) -> None:
    fresh = path.with_suffix(".fresh")
    fresh.unlink(missing_ok=True)
    command = [root / "scripts/compare_peers", *options, "--rounds", str(rounds), "--json", fresh]
    if python:
        command += ["--python", python]
    # Its tables go into the documents. Where there were too few quiet rounds it has status 1 and
    # figures, which tell; a crash has no figures.
    status = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    if status not in (0, 1) or not fresh.exists():
        raise FiguresError(f"scripts/compare_peers ended with status {status}")
    os.replace(fresh, path)


def run_benchmarks(root: Path, path: Path, name: str, repetitions: int) -> None:
    """Runs the program until so many runs stand between two quiet tests of the cores."""
    build = root / "build" / "release"
    programs = Programs(build)
    all_cores = os.sched_getaffinity(0)
    cores = sorted(all_cores)[:2 if name == "scaling" else 1]
    os.sched_setaffinity(0, cores)
    try:
        gate = Gate(programs, cores)
        runs = []
        for _ in range(RUNS_FOR_EACH_QUIET_ONE * repetitions):
            before = gate.measure()
            benchmarks = one_run(programs.folder / PROGRAMS[name])
            runs.append((before, gate.measure(), benchmarks))
            if len(quiet(runs, gate)) == repetitions:
                break
        kept = quiet(runs, gate)
    finally:
        os.sched_setaffinity(0, all_cores)
    say(f"{name}: {len(kept)} of {len(runs)} runs quiet")
    if not kept:
        raise FiguresError(f"{PROGRAMS[name]}: none of {len(runs)} runs was quiet")
    command = f"scripts/update_performance --measure {name} --repetitions {repetitions}"
    facts = circumstances(build, Path(sys.executable), CORES_USED[len(cores)], {}, command)
    del facts["Peers"]
    facts["Quiet runs"] = f"{len(kept)} of {len(runs)}"
    document = {"kind": name, "circumstances": facts, "left_out": {}, "benchmarks": medians(kept)}
    write_figures(path, document)


def quiet(runs: list[tuple], gate: Gate) -> list[dict]:
    return [benchmarks for before, after, benchmarks in runs
            if gate.is_quiet(before) and gate.is_quiet(after)]


def one_run(program: Path) -> dict[str, dict[str, float]]:
    done = subprocess.run([program, "--benchmark_format=json"], stdout=subprocess.PIPE, text=True)
    try:
        return numbers_of(json.loads(done.stdout))
    except ValueError as error:
        raise FiguresError(f"{program.name} (status {done.returncode}): {error}") from None
