# SPDX-License-Identifier: Apache-2.0
"""The benchmark programs of this project, called one measurement at a time."""

import json
import os
import re
import subprocess
from pathlib import Path

NANOSECONDS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
NEEDED = ("step_benchmark", "cblas_benchmark", "sweep_benchmark", "gemm_benchmark", "first_losses")
# The field of Google Benchmark for a clock.
CLOCK_FIELDS = {"wall": "real_time", "cpu": "cpu_time"}
RESIDUAL = ("residual", "residual_batch_norm")


class PeersError(Exception):
    """What the user must know to go on."""


class Programs:
    """`build` is a build folder. Raises PeersError where a program is not there, or fails."""

    def __init__(self, build: Path):
        self.folder = build / "performance"
        for name in NEEDED:
            if not os.access(self.folder / name, os.X_OK):
                raise PeersError(f"{self.folder / name} is not there. Build it:\n"
                                 "  cmake --preset release && cmake --build build/release")

    def entry(self, program: str, name: str, seconds: float, *arguments: str,
              core: int | None = None) -> dict:
        """One benchmark's entry of the program's JSON; on one core where it is given."""
        with self.started(program, name, seconds, *arguments, core=core) as process:
            return self.finished(process, program, name)

    def started(self, program: str, name: str, seconds: float, *arguments: str,
                core: int | None = None) -> subprocess.Popen:
        bind = None if core is None else lambda: os.sched_setaffinity(0, {core})
        return subprocess.Popen(
            [self.folder / program, f"--benchmark_filter=^{re.escape(name)}$",
             f"--benchmark_min_time={seconds}", "--benchmark_format=json", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=bind)

    @staticmethod
    def finished(process: subprocess.Popen, program: str, name: str) -> dict:
        out, err = process.communicate()
        try:
            [entry] = json.loads(out)["benchmarks"]
        except (ValueError, KeyError):
            end = "\n".join(err.splitlines()[-5:])
            raise PeersError(f"{program} has no result for {name} "
                             f"(status {process.returncode}).\n{end}") from None
        return entry

    def step_seconds(self, program: str, series: str, shape: "Shape", seconds: float,
                     clock: str) -> float:
        """Of one step of a shape."""
        entry = self.entry(program, f"{series}/float32/{shape.benchmark_name}", seconds, str(shape))
        return entry[CLOCK_FIELDS[clock]] * NANOSECONDS[entry["time_unit"]] * 1e-9

    def sweep_rate(self, steps: int) -> float:
        """Run-steps a second of 64 small runs on two threads."""
        entry = self.entry("sweep_benchmark", f"sweep/runs:64/steps:{steps}/threads:2/real_time",
                           0.01, str(steps))
        return entry["run-steps/s"]

    def fma_rates(self, cores: list[int], seconds: float) -> dict[int, float]:
        """GFLOP/s of fused multiply-adds of each core while all of them work.

        By the wall clock: a core that another program has half of the time is a slow one.
        """
        name = "fma_peak/float32"
        started = {core: self.started("gemm_benchmark", name, seconds, core=core)
                   for core in cores}
        entries = {core: self.finished(process, "gemm_benchmark", name)
                   for core, process in started.items()}
        return {core: entry["GFLOP/s"] * entry["cpu_time"] / entry["real_time"]
                for core, entry in entries.items()}

    def first_losses(self, shape: "Shape", steps: int, start: Path) -> dict[str, list[float]]:
        """Writes the start of a shape; the losses of "plumbline" and, of an mlp, "cblas" from there."""
        done = subprocess.run([self.folder / "first_losses", str(shape), str(steps), start],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise PeersError(done.stderr.strip())
        return json.loads(done.stdout)


class Shape:
    """A net and its batch: "64x50x32" is a ReLU net 784-W^L-10 of width 64, depth 50, batch 32.

    "lstm:50x50x32" is of another kind; StepShape in experiments/performance/training_step.hpp says
    what the kinds are.
    """

    KINDS = (*RESIDUAL, "cnn", "rnn", "gru", "lstm")

    def __init__(self, text: str):
        found = re.fullmatch(rf"(?:({'|'.join(self.KINDS)}):)?" + "x".join([r"([1-9]\d{0,6})"] * 3),
                             text)
        if not found:
            raise ValueError(f"'{text}' is no WIDTHxDEPTHxBATCH such as 64x50x32, and no "
                             "KIND:WIDTHxDEPTHxBATCH such as lstm:50x50x32")
        self.kind = found[1] or "mlp"
        self.width, self.depth, self.batch = (int(part) for part in found.groups()[1:])

    def __str__(self) -> str:
        kind = "" if self.kind == "mlp" else f"{self.kind}:"
        return f"{kind}{self.width}x{self.depth}x{self.batch}"

    @property
    def benchmark_name(self) -> str:
        return (f"{'relu' if self.kind == 'mlp' else self.kind}/width:{self.width}/"
                f"depth:{self.depth}/batch:{self.batch}")

    @property
    def numbers(self) -> dict[str, int | str]:
        """As figures have them."""
        kind = {} if self.kind == "mlp" else {"kind": self.kind}
        return kind | {"width": self.width, "depth": self.depth, "batch": self.batch}
