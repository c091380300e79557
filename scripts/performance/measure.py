# SPDX-License-Identifier: Apache-2.0
"""Measures the figures of a section into its file. Takes from a minute to half an hour each."""

import json
import subprocess
import sys
from pathlib import Path

from peers.environment import circumstances, write_figures
from performance.benchmark_tables import reduced
from performance.documents import FIGURES, FiguresError

PROGRAMS = {
    "scaling": "sweep_benchmark",
    "products": "gemm_benchmark",
    "kernels": "kernel_benchmark",
    "step": "step_benchmark",
    "recording": "recorder_benchmark",
    "cost": "cost_benchmark",
}
COMPARISONS = {"steps": (), "sweep": ("--sweep",)}


def measure(root: Path, name: str, repetitions: int, python: Path | None) -> None:
    """Writes the section's file. Raises FiguresError where the measurement fails."""
    path = root / FIGURES / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if name in COMPARISONS:
        compare(root, path, COMPARISONS[name], repetitions, python)
    else:
        run_benchmarks(root, path, name, repetitions)


def compare(root: Path, path: Path, options: tuple, rounds: int, python: Path | None) -> None:
    command = [root / "scripts/compare_peers", *options, "--rounds", str(rounds), "--json", path]
    if python:
        command += ["--python", python]
    # Its tables go into the documents; 1 means too few quiet rounds, which they tell.
    status = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    if status not in (0, 1):
        raise FiguresError(f"scripts/compare_peers ended with status {status}")


def run_benchmarks(root: Path, path: Path, name: str, repetitions: int) -> None:
    build = root / "build" / "release"
    program = build / "performance" / PROGRAMS[name]
    options = [f"--benchmark_repetitions={repetitions}",
               "--benchmark_enable_random_interleaving=true", "--benchmark_format=json"]
    done = subprocess.run([program, *options], stdout=subprocess.PIPE, text=True)
    try:
        benchmarks = reduced(json.loads(done.stdout))
    except ValueError as error:
        raise FiguresError(f"{program.name} (status {done.returncode}): {error}") from None
    command = " ".join([f"build/release/performance/{program.name}", *options[:2]])
    cores = "two used" if name == "scaling" else "one used"
    facts = circumstances(build, Path(sys.executable), cores, {}, command)
    del facts["Peers"]
    document = {"kind": name, "circumstances": facts, "left_out": {}, "benchmarks": benchmarks}
    write_figures(path, document)
