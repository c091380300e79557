# SPDX-License-Identifier: Apache-2.0
"""One training step on one core: ours and every peer's in turns."""

import math
import os
import statistics
import tempfile
import time
from pathlib import Path

from peers.programs import Programs, Shape
from peers.rounds import (LOSS_TOLERANCE, LOSSES, QUIET_SHARE, Gate, Round, OURS, Series,
                          losses_compared, say, turns, worst_difference)
from peers.worker_process import PeerFailed, Worker

CBLAS = "cblas"
# Where peers are held to more losses than elsewhere.
STRICT_SHAPE = Shape("32x5x128")


class StepComparison:
    """Goes over the shapes until each has its quiet rounds or the time is over."""

    def __init__(self, programs: Programs, arguments, peers: list[str]):
        self.programs = programs
        self.arguments = arguments
        self.core = fastest_core(programs)
        self.gate = Gate(programs, [self.core])
        self.deadline = time.monotonic() + 60 * arguments.minutes
        self.series = {str(shape): Series() for shape in arguments.shapes}
        self.variants: dict[tuple[str, str], str] = {}  # the fastest by shape and peer
        self.left_out: dict[str, str] = {}  # peer, or peer and shape: reason
        self.ready: list[str] = []  # of the shape at hand
        self.versions: dict[str, str] = {}
        self.workers: dict[str, Worker] = {}
        self.with_cblas = CBLAS in peers
        for name in peers:
            if name != CBLAS:
                self.start_worker(name)
        self.differences = self.prepare(STRICT_SHAPE, LOSSES)
        for name in set(self.workers) - set(self.ready):
            self.workers.pop(name).close()
        self.with_cblas = CBLAS in self.ready

    def start_worker(self, name: str) -> None:
        worker = Worker(self.arguments.python, name, {self.core})
        try:
            self.versions[name] = worker.ask("versions")["versions"]
            self.workers[name] = worker
        except PeerFailed as failure:
            self.leave_out(name, failure)
            worker.close()

    def leave_out(self, name: str, reason) -> None:
        self.left_out[name] = str(reason)
        say(f"{name} is left out: {reason}")

    def close(self) -> None:
        for worker in self.workers.values():
            worker.close()

    def missing(self, shape: Shape) -> int:
        return max(0, self.arguments.rounds - len(self.series[str(shape)].kept(self.gate)))

    def run(self) -> None:
        """Measures all; a shape is gone over at most three times."""
        for _ in range(3):
            for shape in self.arguments.shapes:
                if not self.missing(shape):
                    continue
                if time.monotonic() > self.deadline:
                    say("The time is over.")
                    return
                self.measure(shape)

    def check(self) -> bool:
        """Prints each peer's first losses' distance from ours; whether all are within tolerance."""
        self.print_check(STRICT_SHAPE, LOSSES, self.differences)
        for shape in self.arguments.shapes:
            self.print_check(shape, losses_compared(shape), self.prepare(shape))
        return not self.left_out

    @staticmethod
    def print_check(shape: Shape, losses: int, differences: dict[str, float]) -> None:
        for name, difference in differences.items():
            print(f"{shape}  {losses} losses  {name:14} {difference:.1e}  "
                  f"{'the same' if difference <= LOSS_TOLERANCE else 'NOT THE SAME'}", flush=True)

    def prepare(self, shape: Shape, count: int | None = None) -> dict[str, float]:
        """Makes the peers ready for a shape; by name, how far their first losses are from ours."""
        count = count or losses_compared(shape)
        with tempfile.TemporaryDirectory() as folder:
            start = Path(folder) / "start"
            losses = self.programs.first_losses(shape, count, start)
            right = losses.pop("plumbline")
            differences = {}
            for name, worker in list(self.workers.items()):
                try:
                    prepared = worker.ask("prepare", start=str(start), shape=str(shape),
                                          losses=count, seconds=self.arguments.seconds,
                                          clock=self.arguments.clock)
                except PeerFailed as failure:
                    self.fail(name, shape, failure)
                    continue
                self.variants[str(shape), name] = prepared["variant"]
                for variant, reason in prepared["failed"].items():
                    say(f"{name} at {shape}, variant '{variant}': {reason}")
                differences[name] = worst_difference(prepared["losses"], right)
        if self.with_cblas and CBLAS in losses:
            differences[CBLAS] = worst_difference(losses, right)
        self.ready = []
        for name, difference in differences.items():
            if difference <= LOSS_TOLERANCE:
                self.ready.append(name)
            else:
                self.leave_out(f"{name} at {shape}",
                               f"its first losses differ from ours by {difference:.1e}")
        return differences

    def measure(self, shape: Shape) -> None:
        """As many rounds as `shape` still needs, quiet or not."""
        self.prepare(shape)
        series = self.series[str(shape)]
        series.variants |= {name: self.variants.get((str(shape), name), "") for name in self.ready}
        before = self.gate.measure()
        for _ in range(self.missing(shape)):
            ours, peers = math.nan, {}
            for name in turns([OURS, *self.ready], len(series.rounds)):
                if name == OURS:
                    ours = self.seconds_of("step_benchmark", "step", shape)
                elif (seconds := self.peer_seconds(name, shape)) is not None:
                    peers[name] = seconds
            after = self.gate.measure()
            series.rounds.append(Round(before, after, ours, peers))
            before = after
            if time.monotonic() > self.deadline:
                break
        kept = series.kept(self.gate) or series.rounds
        ratios = ", ".join(
            f"{name} {statistics.median(one.peers[name] / one.ours for one in kept):.2f}"
            for name in self.ready if all(name in one.peers for one in kept))
        say(f"{shape}: {len(series.kept(self.gate))} of {len(series.rounds)} rounds quiet; "
            f"{ratios}")

    def seconds_of(self, program: str, series: str, shape: Shape) -> float:
        return self.programs.step_seconds(program, series, shape, self.arguments.seconds,
                                          self.arguments.clock)

    def peer_seconds(self, name: str, shape: Shape) -> float | None:
        """None where the peer fails, which leaves it out."""
        if name == CBLAS:
            return self.seconds_of("cblas_benchmark", "cblas", shape)
        try:
            return self.workers[name].ask("time_steps", seconds=self.arguments.seconds,
                                          clock=self.arguments.clock)["seconds"]
        except PeerFailed as failure:
            self.fail(name, shape, failure)
            self.ready.remove(name)
            return None

    def fail(self, name: str, shape: Shape, failure: PeerFailed) -> None:
        """Leaves the peer out at this shape; at all that follow where its process has ended."""
        self.leave_out(f"{name} at {shape}", failure)
        if self.workers[name].process.poll() is not None:
            self.workers.pop(name).close()

    def document(self, circumstances: dict[str, str]) -> dict:
        shapes = []
        for shape in self.arguments.shapes:
            summary = self.series[str(shape)].summary(self.gate)
            shapes.append({**shape.numbers, **summary})
        return {
            "kind": "steps" if all("kind" not in shape for shape in shapes) else "layers",
            "quiet_share": QUIET_SHARE,
            "circumstances": circumstances | {
                "FMA test, float32": f"{self.gate.best[self.core]:.0f} GFLOP/s at best"},
            "left_out": self.left_out,
            "shapes": shapes,
        }


def fastest_core(programs: Programs) -> int:
    """Binds this process and its children to the core with the best FMA rate."""
    rates = {}
    for core in sorted(os.sched_getaffinity(0)):
        rates[core] = max(programs.fma_rates([core], 0.03)[core] for _ in range(3))
    best = max(rates, key=rates.get)
    os.sched_setaffinity(0, {best})
    return best
