#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/layers: outputs and gradients of layers by PyTorch in float64.

usage: layers.py [NAME ...]

Needs PyTorch and numpy, such as scripts/compare_peers installs. A file has one case: the settings of
the layer, the shape of its input, and flat numbers of parameters, inputs, slopes dL/d(output), and what
PyTorch makes of them. A batch is a matrix as the engine has it: row t * batch + b is step t of example
b; an image has its channels last.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "golden" / "layers"
BATCH = 3


def image(x, shape):
    """channels x height x width, first the examples."""
    return x.reshape(-1, shape["height"], shape["width"], shape["channels"]).permute(0, 3, 1, 2)


def flat_image(x):
    return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1)


def sequence(x, shape):
    """steps x examples x values."""
    return x.reshape(shape["steps"], -1, shape["channels"])


def dense(x, p, shape, settings):
    return torch.tanh(F.linear(x, p["weight"].reshape(4, -1), p["bias"]))


def weight_norm(x, p, shape, settings):
    w = torch._weight_norm(p["weight"].reshape(4, -1), p["gain"].reshape(-1, 1), 0)
    return torch.tanh(F.linear(x, w, p["bias"]))


def batch_norm(x, p, shape, settings):
    x = image(x, shape) if shape["height"] > 1 else x
    y = F.batch_norm(x, torch.zeros(x.shape[1], dtype=x.dtype), torch.ones(x.shape[1], dtype=x.dtype),
                     p["gain"], p["bias"], not settings.get("in_use"), 0.1, 1e-5)
    return flat_image(y) if shape["height"] > 1 else y


def layer_norm(x, p, shape, settings):
    return F.layer_norm(x, x.shape[1:], p["gain"], p["bias"], 1e-5)


def rms_norm(x, p, shape, settings):
    return F.rms_norm(x, x.shape[1:], p["gain"], 1e-5)


def convolution(x, p, shape, settings):
    size, channels = settings.get("kernel", 3), settings["channels"]
    w = p["weight"].reshape(channels, size, size, shape["channels"]).permute(0, 3, 1, 2)
    return flat_image(torch.tanh(F.conv2d(image(x, shape), w, p["bias"],
                                          stride=settings.get("stride", 1),
                                          padding=settings.get("padding", 0))))


def max_pool(x, p, shape, settings):
    size = settings.get("size", 2)
    return flat_image(F.max_pool2d(image(x, shape), size, settings.get("stride", size)))


def mean_pool(x, p, shape, settings):
    size = settings.get("size", 2)
    return flat_image(F.avg_pool2d(image(x, shape), size, settings.get("stride", size)))


def global_pool(x, p, shape, settings):
    return image(x, shape).mean(dim=(2, 3))


def unrolled(x, p, shape, module, gates, units):
    """One of torch.nn's recurrent modules with these parameters in place of its own."""
    each = ("weight", "recurrent", "bias")
    parts = {kind: torch.cat([p[f"{kind}_{gate}" if gate else kind].reshape(units, -1)
                              for gate in gates]) for kind in each}
    bias_hh = (torch.cat([p[f"recurrent_bias_{gate}"] for gate in gates])
               if f"recurrent_bias_{gates[0]}" in p else torch.zeros_like(parts["bias"].flatten()))
    own = {"weight_ih_l0": parts["weight"], "weight_hh_l0": parts["recurrent"],
           "bias_ih_l0": parts["bias"].flatten(), "bias_hh_l0": bias_hh}
    y, _ = torch.func.functional_call(module.double(), own, (sequence(x, shape),))
    return y.reshape(-1, units)


def rnn(x, p, shape, settings):
    return unrolled(x, p, shape, torch.nn.RNN(shape["channels"], 5), [""], 5)


def lstm(x, p, shape, settings):
    return unrolled(x, p, shape, torch.nn.LSTM(shape["channels"], 5), list("ifgo"), 5)


def gru(x, p, shape, settings):
    return unrolled(x, p, shape, torch.nn.GRU(shape["channels"], 5), list("run"), 5)


def cell_by_cell(x, p, shape, settings, gates, units, cell):
    """h_t, c_t = cell(the sums over x_t of all gates, those over h_{t-1}, h_{t-1}, c_{t-1}), with 0 before the
    first step. Autograd sees nothing across the borders between pieces of `truncate` steps, counted from
    the last step: a loss at that one goes back over so many steps."""
    def sums(kind, of):
        return [F.linear(of, p[f"{kind}_{gate}" if gate else kind].reshape(units, -1))
                for gate in gates]

    x = sequence(x, shape)
    h = c = torch.zeros(x.shape[1], units, dtype=x.dtype)
    outputs = []
    for t, x_t in enumerate(x):
        if (shape["steps"] - t) % settings.get("truncate", shape["steps"]) == 0:
            h, c = h.detach(), c.detach()
        z = [z + p[f"bias_{gate}" if gate else "bias"] for z, gate in zip(sums("weight", x_t), gates)]
        h, c = cell(z, sums("recurrent", h), h, c)
        outputs.append(h)
    return torch.cat(outputs)


def rnn_cell(x, p, shape, settings):
    def cell(z, r, h, c):
        return torch.tanh(z[0] + r[0]), c
    return cell_by_cell(x, p, shape, settings, [""], 5, cell)


def lstm_cell(x, p, shape, settings):
    """With the peepholes of Gers, Schraudolph & Schmidhuber, Learning precise timing with LSTM recurrent
    networks, JMLR 3, 2002: the input and the forget gate see the state of the step before, the output gate
    that of its own. The outputs go through a tanh, which is the identity there."""
    see_i, see_f, see_o = p.get("peepholes", torch.zeros(15, dtype=x.dtype)).reshape(3, 5)

    def cell(z, r, h, c):
        i = torch.sigmoid(z[0] + r[0] + see_i * c)
        f = torch.sigmoid(z[1] + r[1] + see_f * c)
        c = f * c + i * torch.tanh(z[2] + r[2])
        o = torch.sigmoid(z[3] + r[3] + see_o * c)
        return o * torch.tanh(c), c
    return cell_by_cell(x, p, shape, settings, list("ifgo"), 5, cell)


def gru_cell(x, p, shape, settings):
    def cell(z, v, h, c):
        v = [v + p[f"recurrent_bias_{gate}"] for v, gate in zip(v, "run")]
        r, u = torch.sigmoid(z[0] + v[0]), torch.sigmoid(z[1] + v[1])
        return (1 - u) * torch.tanh(z[2] + r * v[2]) + u * h, c
    return cell_by_cell(x, p, shape, settings, list("run"), 5, cell)


def highway(x, p, shape, settings):
    n = shape["channels"]
    h = torch.tanh(F.linear(x, p["weight"].reshape(n, n), p["bias"]))
    t = torch.sigmoid(F.linear(x, p["gate_weight"].reshape(n, n), p["gate_bias"]))
    return t * h + (1 - t) * x


def embedding(x, p, shape, settings):
    table = p["table"].reshape(shape["symbols"], -1)
    return F.embedding(x.long(), table).reshape(x.shape[0], -1)


def vector(values):
    return {"steps": 1, "channels": values, "height": 1, "width": 1}


def pixels(channels, height, width):
    return {"steps": 1, "channels": channels, "height": height, "width": width}


def steps(count, values):
    return {"steps": count, "channels": values, "height": 1, "width": 1}


def symbols(count, values, kinds):
    return steps(count, values) | {"symbols": kinds}


def gated(gates, inputs, units, recurrent_bias=False):
    sizes = {}
    for part, size in (("weight", units * inputs), ("recurrent", units * units), ("bias", units)):
        sizes |= {f"{part}_{gate}" if gate else part: size for gate in gates}
    if recurrent_bias:
        sizes |= {f"recurrent_bias_{gate}": units for gate in gates}
    return sizes


# name: (function, layer, settings, input, sizes of the parameters)
CASES = {
    "dense": (dense, "dense", {"width": 4}, vector(6), {"weight": 24, "bias": 4}),
    "weight_norm": (weight_norm, "weight_norm", {"width": 4}, vector(6),
                    {"weight": 24, "gain": 4, "bias": 4}),
    "batch_norm": (batch_norm, "batch_norm", {}, vector(5), {"gain": 5, "bias": 5}),
    "batch_norm_images": (batch_norm, "batch_norm", {}, pixels(2, 3, 4), {"gain": 2, "bias": 2}),
    "batch_norm_in_use": (batch_norm, "batch_norm", {"in_use": True}, vector(5),
                          {"gain": 5, "bias": 5}),
    "layer_norm": (layer_norm, "layer_norm", {}, vector(7), {"gain": 7, "bias": 7}),
    "rms_norm": (rms_norm, "rms_norm", {}, vector(7), {"gain": 7}),
    "convolution": (convolution, "convolution", {"channels": 3}, pixels(2, 5, 4),
                    {"weight": 54, "bias": 3}),
    "convolution_stride": (convolution, "convolution",
                           {"channels": 2, "kernel": 5, "stride": 3, "padding": 2},
                           pixels(3, 7, 6), {"weight": 150, "bias": 2}),
    "max_pool": (max_pool, "max_pool", {"size": 3, "stride": 2}, pixels(2, 7, 5), {}),
    "mean_pool": (mean_pool, "mean_pool", {"size": 2, "stride": 1}, pixels(2, 4, 5), {}),
    "global_pool": (global_pool, "global_pool", {}, pixels(3, 4, 5), {}),
    "rnn": (rnn, "rnn", {"width": 5}, steps(6, 3), gated([""], 3, 5)),
    "lstm": (lstm, "lstm", {"width": 5}, steps(6, 3), gated("ifgo", 3, 5)),
    "gru": (gru, "gru", {"width": 5}, steps(6, 3), gated("run", 3, 5, recurrent_bias=True)),
    "highway": (highway, "highway", {}, vector(5),
                {"weight": 25, "bias": 5, "gate_weight": 25, "gate_bias": 5}),
    "lstm_peepholes": (lstm_cell, "lstm", {"width": 5, "peepholes": True}, steps(6, 3),
                       gated("ifgo", 3, 5) | {"peepholes": 15}),
    "rnn_truncated": (rnn_cell, "rnn", {"width": 5, "truncate": 3}, steps(7, 3),
                      gated([""], 3, 5)),
    "lstm_truncated": (lstm_cell, "lstm", {"width": 5, "truncate": 3, "peepholes": True},
                       steps(7, 3), gated("ifgo", 3, 5) | {"peepholes": 15}),
    "gru_truncated": (gru_cell, "gru", {"width": 5, "truncate": 3}, steps(7, 3),
                      gated("run", 3, 5, recurrent_bias=True)),
    "embedding": (embedding, "embedding", {"width": 5}, symbols(4, 2, 7), {"table": 35}),
}


def golden(name):
    function, layer, settings, shape, sizes = CASES[name]
    random = np.random.default_rng(list(CASES).index(name))
    size = shape["channels"] * shape["height"] * shape["width"]

    def drawn(*dimensions):
        # Exact in float32, so that both precisions start at the same point.
        values = random.standard_normal(dimensions).astype(np.float32).astype(np.float64)
        return torch.tensor(values, requires_grad=True)

    parameters = {part: drawn(count) for part, count in sizes.items()}
    if "symbols" in shape:
        drawn_symbols = random.integers(shape["symbols"], size=(BATCH * shape["steps"], size))
        x = torch.tensor(drawn_symbols.astype(np.float64))
    else:
        x = drawn(BATCH * shape["steps"], size)
    y = function(x, parameters, shape, settings)
    slopes = drawn(*y.shape).detach()
    (y * slopes).sum().backward()

    def flat(tensor):
        return tensor.detach().flatten().tolist()

    data = {
        "license": "SPDX-License-Identifier: Apache-2.0",
        "made_by": f"scripts/reference/layers.py, PyTorch {torch.__version__.split('+')[0]}, float64",
        "layer": layer, "settings": {k: v for k, v in settings.items() if k != "in_use"},
        "training": not settings.get("in_use", False), "batch": BATCH, "input_shape": shape,
        "parameters": {part: flat(value) for part, value in parameters.items()},
        "inputs": flat(x), "slopes": flat(slopes), "outputs": flat(y),
        "gradients": {part: flat(value.grad) for part, value in parameters.items()},
    }
    if x.grad is not None:  # there is none for symbols
        data["input_gradient"] = flat(x.grad)
    return data


def main(names):
    unknown = [name for name in names if name not in CASES]
    if unknown:
        print(f"layers.py: no case {', '.join(unknown)}; there are {', '.join(CASES)}", file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or CASES:
        data = golden(name)
        assert all(math.isfinite(value) for value in data["outputs"])
        text = ",\n".join(f'  {json.dumps(key)}: {json.dumps(value)}' for key, value in data.items())
        (FOLDER / f"{name}.json").write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
        print(f"{name}.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
