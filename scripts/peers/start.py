# SPDX-License-Identifier: Apache-2.0
"""Where all peers start from: the file of experiments/performance/first_losses."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peers.programs import Shape

FEATURES, OUTPUTS = 784, 10
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
LR, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Start:
    """A batch, and the parameters before the first step, input side first."""

    shape: Shape
    inputs: np.ndarray  # batch x 784, batch x height x width x channels, or steps x batch x 2; float32
    labels: np.ndarray  # batch, int32
    tensors: list[np.ndarray]

    @property
    def batch(self) -> int:
        return len(self.labels)

    @property
    def weights(self) -> list[np.ndarray]:
        """Of a net of dense layers: outputs x inputs."""
        return self.tensors[0::2]

    @property
    def biases(self) -> list[np.ndarray]:
        return self.tensors[1::2]


def input_of(shape: Shape) -> tuple[int, ...]:
    if shape.kind == "cnn":
        return shape.batch, shape.depth, shape.depth, 1 if shape.depth == 28 else 3
    if shape.kind in GATES:
        return shape.depth, shape.batch, 2
    return shape.batch, FEATURES


def tensors_of(shape: Shape) -> list[tuple[int, ...]]:
    """Dimensions of the parameters, in their order."""

    def dense(outputs: int, inputs: int) -> list[tuple[int, ...]]:
        return [(outputs, inputs), (outputs,)]

    width = shape.width
    if shape.kind == "cnn":
        side, colours = shape.depth, input_of(shape)[-1]
        return [(width, 3, 3, colours), (width,), (2 * width, 3, 3, width), (2 * width,),
                *dense(OUTPUTS, (side // 2 // 2) ** 2 * 2 * width)]
    if shape.kind in GATES:
        rows = GATES[shape.kind] * width
        # The gated recurrent unit has biases of its products with the state too.
        biases = [(rows,)] * (2 if shape.kind == "gru" else 1)
        return [(rows, 2), (rows, width), *biases, *dense(OUTPUTS, width)]
    norm = [(width,), (width,)] if shape.kind == "residual_batch_norm" else []
    hidden = [*norm, *dense(width, width)] * (shape.depth - 1)
    return [*dense(width, FEATURES), *hidden, *norm, *dense(OUTPUTS, width)]


def read_start(path: Path, shape: Shape) -> Start:
    """Raises ValueError where the file is not that of the shape."""
    values = np.fromfile(path, dtype=np.float32)
    position = 0

    def take(dimensions: tuple[int, ...]) -> np.ndarray:
        nonlocal position
        size = int(np.prod(dimensions))
        block = values[position:position + size]
        if block.size != size:
            raise ValueError(f"{path}: ends early for {shape}")
        position += size
        return block.reshape(dimensions)

    inputs = take(input_of(shape))
    labels = take((shape.batch,)).view(np.int32)
    tensors = [take(dimensions) for dimensions in tensors_of(shape)]
    if position != values.size:
        raise ValueError(f"{path}: is longer than {shape} needs")
    return Start(shape, inputs, labels, tensors)


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
