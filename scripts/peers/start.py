# SPDX-License-Identifier: Apache-2.0
"""Where all peers start from: the file of experiments/performance/first_losses."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

FEATURES, OUTPUTS = 784, 10
LR, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Start:
    """A batch, and the parameters before the first step."""

    inputs: np.ndarray  # batch x 784, float32
    labels: np.ndarray  # batch, int32
    weights: list[np.ndarray]  # outputs x inputs, input side first
    biases: list[np.ndarray]

    @property
    def batch(self) -> int:
        return len(self.labels)


def read_start(path: Path, width: int, depth: int, batch: int) -> Start:
    """Raises ValueError where the file is not that of the shape."""
    values = np.fromfile(path, dtype=np.float32)
    position = 0

    def take(*shape: int) -> np.ndarray:
        nonlocal position
        size = int(np.prod(shape))
        block = values[position:position + size]
        if block.size != size:
            raise ValueError(f"{path}: ends early for {width}x{depth}x{batch}")
        position += size
        return block.reshape(shape)

    inputs = take(batch, FEATURES)
    labels = take(batch).view(np.int32)
    widths = [FEATURES] + [width] * depth + [OUTPUTS]
    weights, biases = [], []
    for columns, rows in zip(widths, widths[1:]):
        weights.append(take(rows, columns))
        biases.append(take(rows))
    if position != values.size:
        raise ValueError(f"{path}: is longer than {width}x{depth}x{batch} needs")
    return Start(inputs, labels, weights, biases)


@dataclass(frozen=True)
class Examples:
    """What the runs of a sweep learn from: noise with random labels, and the order of each run."""

    inputs: np.ndarray  # examples x 784, float32
    labels: np.ndarray  # examples, int32
    order: np.ndarray  # runs x steps x batch, int64

    EXAMPLES = 640

    @classmethod
    def drawn(cls, runs: int, steps: int, batch: int) -> "Examples":
        random = np.random.default_rng(1)
        inputs = random.standard_normal((cls.EXAMPLES, FEATURES), dtype=np.float32)
        labels = random.integers(OUTPUTS, size=cls.EXAMPLES, dtype=np.int32)
        epochs = -(-steps * batch // cls.EXAMPLES)
        order = np.stack([
            np.concatenate([random.permutation(cls.EXAMPLES) for _ in range(epochs)])
            [:steps * batch].reshape(steps, batch) for _ in range(runs)])
        return cls(inputs, labels, order)
