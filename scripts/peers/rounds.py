# SPDX-License-Identifier: Apache-2.0
"""Rounds in which all take turns, the test that says which to keep, and what they come to."""

import statistics
import sys
from dataclasses import dataclass, field

from peers.programs import RESIDUAL, Programs, Shape

GATE_SECONDS = 0.03
# A core whose FMA test gives less than this share of the session's best is slow.
QUIET_SHARE = 0.9
# Losses of two float32 implementations agree to about 1e-6 over six steps of a small net; a rate
# that is 1 % too large or beta1 = 0.91 sets them further apart than the tolerance (tests/scripts/
# peers_test.py). In deep and wide nets Adam's first steps are so large that each multiplies the
# difference by a hundred: there, the losses before and after one step must agree. Convolutional and
# recurrent nets are not deep.
LOSSES, LOSSES_OF_ANY_SHAPE = 6, 2
LOSS_TOLERANCE = 1e-4
OURS = "ours"


def losses_compared(shape: Shape) -> int:
    return LOSSES_OF_ANY_SHAPE if shape.kind in ("mlp", *RESIDUAL) else LOSSES


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def turns(names: list[str], number: int) -> list[str]:
    """The order of a round: each name is first, second, ... equally often over the rounds."""
    first = number % len(names)
    return names[first:] + names[:first]


def loss_difference(losses: list[float], right: list[float]) -> float:
    """The greatest relative difference."""
    if len(losses) != len(right):
        return float("inf")
    # Not max(): it may lose a NaN.
    differences = sorted(abs(a - b) / abs(b) if a == a else float("inf")
                         for a, b in zip(losses, right))
    return differences[-1]


def worst_difference(losses: dict[str, list[float]], right: list[float]) -> float:
    """Of all variants of a peer; infinite rather than NaN."""
    return max(loss_difference(one, right) for one in losses.values())


class Gate:
    """The FMA test of the cores in use, relative to the best that each has shown."""

    def __init__(self, programs: Programs, cores: list[int]):
        self.programs = programs
        self.cores = cores
        self.best = {core: 0.0 for core in cores}
        for _ in range(3):
            self.measure()

    def measure(self) -> dict[int, float]:
        rates = self.programs.fma_rates(self.cores, GATE_SECONDS)
        self.best = {core: max(self.best[core], rate) for core, rate in rates.items()}
        return rates

    def is_quiet(self, rates: dict[int, float]) -> bool:
        return all(rate >= QUIET_SHARE * self.best[core] for core, rate in rates.items())


@dataclass
class Round:
    """One turn of everyone, with the FMA tests before and after."""

    before: dict[int, float]
    after: dict[int, float]
    ours: float
    peers: dict[str, float]


@dataclass
class Series:
    """The rounds of what is compared. Values are times, or rates with `higher_is_better`."""

    higher_is_better: bool = False
    rounds: list[Round] = field(default_factory=list)
    variants: dict[str, str] = field(default_factory=dict)

    def kept(self, gate: Gate) -> list[Round]:
        return [one for one in self.rounds
                if gate.is_quiet(one.before) and gate.is_quiet(one.after)]

    def summary(self, gate: Gate) -> dict:
        """Medians over the quiet rounds; a ratio is how many times ours is faster."""
        kept = self.kept(gate)
        result = {"quiet_rounds": len(kept), "rounds": len(self.rounds), "peers": {}}
        if not kept:
            return result
        result["ours"] = statistics.median(one.ours for one in kept)
        for name in dict.fromkeys(name for one in kept for name in one.peers):
            pairs = [(one.ours, one.peers[name]) for one in kept if name in one.peers]
            ratios = [ours / peer if self.higher_is_better else peer / ours for ours, peer in pairs]
            result["peers"][name] = {
                "value": statistics.median(peer for _, peer in pairs),
                "ratio": statistics.median(ratios), "least": min(ratios), "greatest": max(ratios),
                "variant": self.variants.get(name, ""),
            }
        return result
