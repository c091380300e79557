# SPDX-License-Identifier: Apache-2.0
"""The step in PyTorch: eager, compiled, and the runs of a sweep one by one or stacked."""

import os

import torch
from torch import nn
from torch.nn import functional

from peers import torch_layers
from peers.start import BETA1, BETA2, EPSILON, GATES, LR, Examples, Start

ADAM = {
    "for-loop Adam": {"foreach": False, "fused": False},
    "foreach Adam": {"foreach": True},
    "fused Adam": {"fused": True},
}
# Behind the name of an Adam: images in memory pixel by pixel.
CHANNELS_LAST = ", channels last"


def versions() -> str:
    return f"PyTorch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()})"


def adam(parameters, variant: str) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=LR, betas=(BETA1, BETA2), eps=EPSILON, **ADAM[variant])


def reset(optimizer: torch.optim.Optimizer) -> None:
    for state in optimizer.state.values():
        for value in state.values():
            if torch.is_tensor(value):
                value.zero_()


class Eager:
    """Layers of torch.nn, torch.optim.Adam."""

    VARIANTS = tuple(ADAM)
    VARIANTS_OF_IMAGES = ("foreach Adam", "fused Adam", f"fused Adam{CHANNELS_LAST}")

    def __init__(self, start: Start, variant: str):
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        self.start = start
        self.channels_last = variant.endswith(CHANNELS_LAST)
        self.model = torch_layers.model_of(start.shape, self.channels_last)
        self.inputs = torch_layers.inputs_of(start, self.channels_last)
        self.labels = torch.from_numpy(start.labels).long()
        self.loss = nn.CrossEntropyLoss()
        self.make_optimizer(variant.removesuffix(CHANNELS_LAST))
        self.restart()

    def make_optimizer(self, variant: str) -> None:
        self.optimizer = adam(self.learned(), variant)
        self.update = self.optimizer.step

    def learned(self) -> list[nn.Parameter]:
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def restart(self) -> None:
        torch_layers.restart(self.model, self.start, self.channels_last)
        reset(self.optimizer)

    def loss_of(self, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self.loss(self.model(inputs), labels)

    def step(self, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss_of(inputs, labels)
        loss.backward()
        self.update()
        return loss

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.step(self.inputs, self.labels)

    def losses(self, steps: int) -> list[float]:
        self.restart()
        return [self.step(self.inputs, self.labels).item() for _ in range(steps)]


class Compiled(Eager):
    """Forward and backward by torch.compile; Adam fused, or compiled too."""

    VARIANTS = ("fused Adam", "compiled Adam")
    VARIANTS_OF_IMAGES = (*VARIANTS, f"fused Adam{CHANNELS_LAST}")

    def __init__(self, start: Start, variant: str):
        # With allow_rnn it fails at the backward pass of nn.LSTM, and unrolls the others for minutes.
        if start.shape.kind in GATES:
            raise NotImplementedError("Dynamo does not take nn.RNN, nn.GRU and nn.LSTM")
        super().__init__(start, variant)

    def make_optimizer(self, variant: str) -> None:
        torch.compiler.reset()
        self.loss_of = torch.compile(super().loss_of, fullgraph=True)
        if variant == "fused Adam":
            super().make_optimizer(variant)
            return
        # With a number for a rate it would be compiled anew at every step.
        self.optimizer = torch.optim.Adam(self.learned(), lr=torch.tensor(LR), betas=(BETA1, BETA2),
                                          eps=EPSILON, foreach=False)
        self.update = torch.compile(self.optimizer.step)


class OneByOne:
    """Runs that are trained one after the other, eager."""

    VARIANTS = Eager.VARIANTS

    def __init__(self, start: Start, runs: int, steps: int, variant: str):
        self.models = [Eager(start, variant) for _ in range(runs)]
        examples = Examples.drawn(runs, steps, start.batch)
        self.inputs = torch.from_numpy(examples.inputs)
        self.labels = torch.from_numpy(examples.labels).long()
        self.order = torch.from_numpy(examples.order)

    def run(self, steps: int) -> None:
        """This many steps of each run."""
        for model, order in zip(self.models, self.order):
            for batch in order[:steps]:
                model.step(self.inputs[batch], self.labels[batch])

    def losses(self, steps: int) -> list[float]:
        return self.models[-1].losses(steps)


class Stacked:
    """All runs as one net of batched products."""

    VARIANTS = ("for-loop Adam", "foreach Adam", "fused Adam")

    def __init__(self, start: Start, runs: int, steps: int, variant: str):
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        self.start = start
        self.runs = runs
        self.weights = [torch.empty(runs, *weight.shape) for weight in start.weights]
        self.biases = [torch.empty(runs, 1, len(bias)) for bias in start.biases]
        for parameter in self.weights + self.biases:
            parameter.requires_grad_(True)
        self.optimizer = adam(self.weights + self.biases, variant)
        examples = Examples.drawn(runs, steps, start.batch)
        self.inputs = torch.from_numpy(examples.inputs)
        self.labels = torch.from_numpy(examples.labels).long()
        self.order = torch.from_numpy(examples.order)
        self.restart()

    def restart(self) -> None:
        with torch.no_grad():
            for own, first in zip(self.weights + self.biases,
                                  self.start.weights + self.start.biases):
                own.copy_(torch.from_numpy(first))
        reset(self.optimizer)

    def step(self, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The mean over the runs of their losses; inputs are runs x batch x 784."""
        self.optimizer.zero_grad(set_to_none=True)
        a = inputs
        for weight, bias in zip(self.weights, self.biases):
            a = torch.baddbmm(bias, a if a is inputs else torch.relu(a), weight.transpose(1, 2))
        # The sum over the runs: each has the gradient that it would have alone.
        loss = functional.cross_entropy(a.flatten(0, 1), labels.flatten(), reduction="sum")
        loss = loss / self.start.batch
        loss.backward()
        self.optimizer.step()
        return loss / self.runs

    def run(self, steps: int) -> None:
        for step in range(steps):
            batch = self.order[:, step]
            self.step(self.inputs[batch], self.labels[batch])

    def losses(self, steps: int) -> list[float]:
        self.restart()
        inputs = torch.from_numpy(self.start.inputs).expand(self.runs, -1, -1)
        labels = torch.from_numpy(self.start.labels).long().expand(self.runs, -1)
        return [self.step(inputs, labels).item() for _ in range(steps)]
