# SPDX-License-Identifier: Apache-2.0
"""The net of a shape in PyTorch, of torch.nn's layers."""

import torch
from torch import nn

from peers.programs import Shape
from peers.start import GATES, OUTPUTS, Start, input_of, tensors_of


class Residual(nn.Module):
    def __init__(self, *branch: nn.Module):
        super().__init__()
        self.branch = nn.Sequential(*branch)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.branch(x)


class LastStep(nn.Module):
    """Of one of torch.nn's recurrent layers, over a sequence of steps x batch x values."""

    def __init__(self, layer: nn.RNNBase):
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0][-1]


class FlatChannelsLast(nn.Module):
    """A view of images that have their channels last in memory."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


def mlp(shape: Shape) -> list[nn.Module]:
    layers = []
    for outputs, inputs in tensors_of(shape)[0::2]:
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return layers[:-1]


def residual(shape: Shape) -> list[nn.Module]:
    width = shape.width

    def activation() -> list[nn.Module]:
        norm = [nn.BatchNorm1d(width)] if shape.kind == "residual_batch_norm" else []
        return [*norm, nn.ReLU()]

    def half() -> list[nn.Module]:
        return [*activation(), nn.Linear(width, width)]

    blocks = [Residual(*half(), *half()) for _ in range((shape.depth - 1) // 2)]
    return [nn.Linear(input_of(shape)[1], width), *blocks, *activation(), nn.Linear(width, OUTPUTS)]


def cnn(shape: Shape, channels_last: bool) -> list[nn.Module]:
    layers, below = [], input_of(shape)[-1]
    for channels in (shape.width, 2 * shape.width):
        layers += [nn.Conv2d(below, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        below = channels
    flat = FlatChannelsLast() if channels_last else nn.Flatten()
    return [*layers, flat, nn.Linear(below * (shape.depth // 2 // 2) ** 2, OUTPUTS)]


def recurrent(shape: Shape) -> list[nn.Module]:
    layer = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[shape.kind](2, shape.width)
    if shape.kind != "gru":
        # Theirs has two vectors of biases that are added, ours one: the second stays 0.
        layer.bias_hh_l0.requires_grad_(False).zero_()
    return [LastStep(layer), nn.Linear(shape.width, OUTPUTS)]


def model_of(shape: Shape, channels_last: bool) -> nn.Module:
    if shape.kind == "cnn":
        model = nn.Sequential(*cnn(shape, channels_last))
        return model.to(memory_format=torch.channels_last) if channels_last else model
    make = recurrent if shape.kind in GATES else mlp if shape.kind == "mlp" else residual
    return nn.Sequential(*make(shape))


def inputs_of(start: Start, channels_last: bool) -> torch.Tensor:
    inputs = torch.from_numpy(start.inputs)
    if start.shape.kind != "cnn":
        return inputs
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return inputs.permute(0, 3, 1, 2).contiguous(memory_format=layout)


def restart(model: nn.Module, start: Start, channels_last: bool) -> None:
    """Sets all parameters and running statistics to what they were before the first step."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.reset_running_stats()
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    with torch.no_grad():
        for own, first in zip(learned, start.tensors, strict=True):
            value = torch.from_numpy(first)
            if value.dim() == 4:  # of a convolution
                value = value.permute(0, 3, 1, 2)
            elif start.shape.kind == "cnn" and value.dim() == 2 and not channels_last:
                side = start.shape.depth // 2 // 2
                value = value.reshape(OUTPUTS, side, side, -1).permute(0, 3, 1, 2).flatten(1)
            own.copy_(value)
