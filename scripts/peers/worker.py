# SPDX-License-Identifier: Apache-2.0
"""One peer in a process of its own: python -m peers.worker NAME.

Reads requests and writes replies, a JSON object a line each. A reply to what failed has the key
`error`. The process ends with its standard input.
"""

import importlib
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Peer:
    module: str
    step: str  # the class of a training step, or of the runs of a sweep
    processes: int = 1
    threads: int = 1


PEERS = {
    "pytorch": Peer("torch_step", "Eager"),
    "torch.compile": Peer("torch_step", "Compiled"),
    "jax": Peer("jax_step", "Step"),
    "numpy": Peer("numpy_step", "Step"),
}
SWEEP_PEERS = {
    "pytorch, 2 processes": Peer("torch_step", "OneByOne", processes=2),
    "pytorch, stacked": Peer("torch_step", "Stacked", threads=2),
    "jax, 2 processes": Peer("jax_step", "OneByOne", processes=2),
    "jax, vmap": Peer("jax_step", "Vmapped", threads=2),
}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
# The choice between variants of a step is by the best of this many blocks.
BLOCKS = 3


def seconds_of(call, clock) -> float:
    start = clock()
    call()
    return clock() - start


class Server:
    def __init__(self, peer: Peer):
        self.module = importlib.import_module(f"peers.{peer.module}")
        self.make = getattr(self.module, peer.step)
        self.step = None

    def versions(self) -> dict:
        return {"versions": self.module.versions()}

    def prepare(self, start: str, shape: str, losses: int, seconds: float, clock: str,
                runs: int = 0, steps: int = 0) -> dict:
        """Makes the fastest variant; the first losses of each. `runs` and `steps` are of sweeps."""
        from peers.programs import Shape
        from peers.start import read_start

        first = read_start(Path(start), Shape(shape))
        self.step = None
        more = (runs, steps) if runs else ()
        times, found, reasons = {}, {}, {}
        for variant in variants_of(self.make, first.shape):
            try:
                self.step = self.make(first, *more, variant)
                found[variant] = self.step.losses(losses)
                self.step.run(10)
                if runs:
                    times[variant] = self.time_runs(10, clock)["seconds"]
                else:
                    times[variant] = min(self.time_steps(seconds, clock)["seconds"]
                                         for _ in range(BLOCKS))
            except Exception as error:  # one variant's failure is not the peer's
                reasons[variant] = short(error)
            self.step = None
        if not times:
            raise RuntimeError("; ".join(dict.fromkeys(reasons.values())))
        best = min(times, key=times.get)
        self.step = self.make(first, *more, best)
        self.step.run(10)  # compiles, allocates
        return {"variant": best, "losses": found, "failed": reasons}

    def time_steps(self, seconds: float, clock: str) -> dict:
        """Of one step: the mean over a block of about this length, after a warm-up."""
        now = CLOCKS[clock]
        self.step.restart()
        few = 10 if 10 * seconds_of(lambda: self.step.run(1), now) < seconds else 1
        self.step.run(few)
        one = seconds_of(lambda: self.step.run(few), now) / few
        count = max(1, round(seconds / one))
        self.step.restart()
        self.step.run(1)
        return {"seconds": seconds_of(lambda: self.step.run(count), now) / count}

    def time_runs(self, steps: int, clock: str) -> dict:
        """Of this many steps of every run."""
        return {"seconds": seconds_of(lambda: self.step.run(steps), CLOCKS[clock])}


def variants_of(step: type, shape) -> tuple[str, ...]:
    images = getattr(step, "VARIANTS_OF_IMAGES", step.VARIANTS)
    return images if shape.kind == "cnn" else step.VARIANTS


def short(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]


def main() -> None:
    # What libraries print goes to standard error: standard output is for replies.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    name = sys.argv[1]
    server, broken = None, ""
    try:
        server = Server((PEERS | SWEEP_PEERS)[name])
    except Exception as error:
        broken = short(error)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if server is None:
                raise RuntimeError(broken)
            reply = getattr(server, request.pop("do"))(**request)
        except Exception as error:
            reply = {"error": short(error) if server else broken}
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main()
