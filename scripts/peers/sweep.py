# SPDX-License-Identifier: Apache-2.0
"""A sweep of 64 small runs on two cores: our scheduler and every peer's way in turns."""

import math
import os
import tempfile
import time
from pathlib import Path

from peers.programs import PeersError, Programs, Shape
from peers.rounds import (LOSS_TOLERANCE, LOSSES, OURS, QUIET_SHARE, Gate, Round, Series, say,
                          turns, worst_difference)
from peers.worker import SWEEP_PEERS
from peers.worker_process import PeerFailed, Worker

RUNS = 64
SHAPE = Shape("64x10x32")
# Steps of each run in a slice are a multiple of this: what some peers take in one call.
STEPS_AT_ONCE = 10


class Way:
    """One peer's way to train the runs: its processes, each with its share of them."""

    def __init__(self, python: Path, name: str, cores: list[int]):
        self.name = name
        self.peer = SWEEP_PEERS[name]
        places = [set(cores)] if self.peer.processes == 1 else [{core} for core in cores]
        self.workers = [Worker(python, name, place) for place in places]
        self.steps = STEPS_AT_ONCE

    def ask_all(self, request: str, **arguments) -> list[dict]:
        """Sends to all before it waits for any."""
        for worker in self.workers:
            worker.send(request, **arguments)
        return [worker.reply() for worker in self.workers]

    def prepare(self, start: Path, right: list[float], most_steps: int, seconds: float) -> str:
        """Returns the chosen variant. Raises PeerFailed where it does other work than we do."""
        prepared = self.ask_all("prepare", start=str(start), shape=str(SHAPE), losses=LOSSES,
                                seconds=seconds, clock="wall",
                                runs=RUNS // self.peer.processes, steps=most_steps)
        for one in prepared:
            difference = worst_difference(one["losses"], right)
            if not difference <= LOSS_TOLERANCE:
                raise PeerFailed(f"its first losses differ from ours by {difference:.1e}")
        took = self.slice_seconds()
        wanted = STEPS_AT_ONCE * round(seconds / took)
        self.steps = min(max(wanted, STEPS_AT_ONCE), most_steps // STEPS_AT_ONCE * STEPS_AT_ONCE)
        # Each process takes the variant that is fastest there.
        return "; ".join(dict.fromkeys(one["variant"] for one in prepared))

    def slice_seconds(self) -> float:
        started = time.perf_counter()
        self.ask_all("time_runs", steps=self.steps, clock="wall")
        return time.perf_counter() - started

    def rate(self) -> float:
        """Run-steps a second."""
        return RUNS * self.steps / self.slice_seconds()

    def close(self) -> None:
        for worker in self.workers:
            worker.close()


class SweepComparison:
    def __init__(self, programs: Programs, arguments, peers: list[str]):
        self.programs = programs
        self.arguments = arguments
        self.cores = sorted(os.sched_getaffinity(0))[:2]
        if len(self.cores) < 2:
            raise PeersError("The sweep is compared on two cores, and there is one.")
        os.sched_setaffinity(0, set(self.cores))
        self.gate = Gate(programs, self.cores)
        self.deadline = time.monotonic() + 60 * arguments.minutes
        self.series = Series(higher_is_better=True)
        self.left_out: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        self.ways: list[Way] = []
        with tempfile.TemporaryDirectory() as folder:
            start = Path(folder) / "start"
            self.right = programs.first_losses(SHAPE, LOSSES, start)["plumbline"]
            for name in peers:
                self.add(name, start)

    def add(self, name: str, start: Path) -> None:
        way = Way(self.arguments.python, name, self.cores)
        try:
            self.versions[name] = way.ask_all("versions")[0]["versions"]
            variant = way.prepare(start, self.right, self.arguments.steps, self.arguments.seconds)
        except PeerFailed as failure:
            self.leave_out(way, failure)
            return
        self.series.variants[name] = variant
        self.ways.append(way)
        say(f"{name}: {variant}, {way.steps} steps of each run a round")

    def rate_of(self, way: Way) -> float | None:
        """None where the peer fails, which leaves it out."""
        try:
            return way.rate()
        except PeerFailed as failure:
            self.leave_out(way, failure)
            self.ways.remove(way)
            return None

    def leave_out(self, way: Way, failure: PeerFailed) -> None:
        self.left_out[way.name] = str(failure)
        say(f"{way.name} is left out: {failure}")
        way.close()

    def close(self) -> None:
        for way in self.ways:
            way.close()

    def check(self) -> bool:
        """add() has compared the first losses already."""
        for way in self.ways:
            print(f"{way.name:22} the same")
        return not self.left_out

    def missing(self) -> int:
        return max(0, self.arguments.rounds - len(self.series.kept(self.gate)))

    def run(self) -> None:
        before = self.gate.measure()
        for _ in range(3 * self.arguments.rounds):
            if not self.missing():
                break
            if time.monotonic() > self.deadline:
                say("The time is over.")
                break
            ours, peers = math.nan, {}
            ways = {way.name: way for way in self.ways}
            for name in turns([OURS, *ways], len(self.series.rounds)):
                if name == OURS:
                    ours = self.programs.sweep_rate(self.arguments.steps)
                elif (rate := self.rate_of(ways[name])) is not None:
                    peers[name] = rate
            after = self.gate.measure()
            self.series.rounds.append(Round(before, after, ours, peers))
            ratios = ", ".join(f"{name} {ours / rate:.2f}" for name, rate in peers.items())
            say(f"{ours:.0f} run-steps/s; {ratios}")
            before = after

    def document(self, circumstances: dict[str, str]) -> dict:
        rates = ", ".join(f"{self.gate.best[core]:.0f}" for core in self.cores)
        return {
            "kind": "sweep",
            "quiet_share": QUIET_SHARE,
            "circumstances": circumstances | {
                "FMA test, float32": f"{rates} GFLOP/s at best, both cores at work"},
            "left_out": self.left_out,
            "runs": RUNS, "steps": self.arguments.steps,
            "width": SHAPE.width, "depth": SHAPE.depth, "batch": SHAPE.batch,
            **self.series.summary(self.gate),
        }
