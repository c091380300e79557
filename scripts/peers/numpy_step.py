# SPDX-License-Identifier: Apache-2.0
"""The step in plain numpy, written by hand: every buffer is made once, every operation in place."""

import numpy as np

from peers.start import BETA1, BETA2, EPSILON, LR, Start


def versions() -> str:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"numpy {np.__version__} ({blas['name']} {blas['version']})"


class Step:
    VARIANTS = ("in place",)

    def __init__(self, start: Start, variant: str):
        if start.shape.kind != "mlp":
            raise ValueError(f"knows dense layers alone, and {start.shape} is of another kind")
        self.start = start
        sizes = [array.size for pair in zip(start.weights, start.biases) for array in pair]
        self.parameters = np.empty(sum(sizes), np.float32)
        self.gradient = np.empty_like(self.parameters)
        self.weights, self.biases = self.views(self.parameters)
        self.weight_gradients, self.bias_gradients = self.views(self.gradient)
        self.m, self.v, self.step_of, self.root = (
            np.empty_like(self.parameters) for _ in range(4))
        self.activated = [np.empty((start.batch, len(bias)), np.float32) for bias in self.biases]
        self.deltas = [np.empty_like(a) for a in self.activated]
        self.restart()

    def views(self, block: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        weights, biases, position = [], [], 0
        for weight, bias in zip(self.start.weights, self.start.biases):
            weights.append(block[position:position + weight.size].reshape(weight.shape))
            position += weight.size
            biases.append(block[position:position + bias.size])
            position += bias.size
        return weights, biases

    def restart(self) -> None:
        for own, first in zip(self.weights + self.biases, self.start.weights + self.start.biases):
            own[...] = first
        self.m[...] = 0
        self.v[...] = 0
        self.steps = 0

    def step(self) -> float:
        loss = self.forward()
        self.backward()
        self.adam()
        return loss

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.step()

    def losses(self, steps: int) -> list[float]:
        self.restart()
        return [self.step() for _ in range(steps)]

    def forward(self) -> float:
        """Leaves the derivative of the mean loss in the last delta."""
        below = self.start.inputs
        for weight, bias, a in zip(self.weights, self.biases, self.activated):
            np.matmul(below, weight.T, out=a)
            a += bias
            if a is not self.activated[-1]:
                np.maximum(a, 0, out=a)
            below = a
        rows = np.arange(len(below))
        shifted = np.subtract(below, below.max(axis=1, keepdims=True), out=self.deltas[-1])
        of_label = shifted[rows, self.start.labels]
        share = np.exp(shifted, out=shifted)
        sums = share.sum(axis=1, keepdims=True)
        share /= sums * np.float32(len(below))
        share[rows, self.start.labels] -= np.float32(1 / len(below))
        return float(np.mean(np.log(sums[:, 0]) - of_label))

    def backward(self) -> None:
        for layer in range(len(self.weights) - 1, -1, -1):
            delta = self.deltas[layer]
            below = self.activated[layer - 1] if layer else self.start.inputs
            np.matmul(delta.T, below, out=self.weight_gradients[layer])
            np.sum(delta, axis=0, out=self.bias_gradients[layer])
            if layer:
                np.matmul(delta, self.weights[layer], out=self.deltas[layer - 1])
                self.deltas[layer - 1] *= below > 0

    def adam(self) -> None:
        self.steps += 1
        f = np.float32
        self.m *= f(BETA1)
        np.multiply(self.gradient, f(1 - BETA1), out=self.step_of)
        self.m += self.step_of
        np.multiply(self.gradient, self.gradient, out=self.step_of)
        self.step_of *= f(1 - BETA2)
        self.v *= f(BETA2)
        self.v += self.step_of
        np.sqrt(self.v, out=self.root)
        self.root *= f(1 / (1 - BETA2**self.steps) ** 0.5)
        self.root += f(EPSILON)
        np.divide(self.m, self.root, out=self.step_of)
        self.step_of *= f(LR / (1 - BETA1**self.steps))
        self.parameters -= self.step_of
