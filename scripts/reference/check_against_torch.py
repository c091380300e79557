# SPDX-License-Identifier: Apache-2.0
"""Compares the golden trajectories of the optimizers with torch.optim, in float64.

Writes the outcome into the field "cross_check" of each tests/golden/optimizers/<name>.json. Needs
a Python with PyTorch and numpy; nothing else in the project does.

usage: python scripts/reference/check_against_torch.py
"""

import json
import sys

import optimizers
import torch

# torch takes the same roundings in another order: 10 steps of a few 1.1e-16 each, and a parameter
# that ends a hundred times nearer to zero than its steps are long shows a hundred times that.
TOLERANCE = 1e-13


def sgd(parameters, settings):
    return torch.optim.SGD(parameters, lr=settings["lr"])


def momentum(parameters, settings):
    return torch.optim.SGD(parameters, lr=settings["lr"], momentum=settings["momentum"])


def adam(parameters, settings):
    betas = (settings["beta1"], settings["beta2"])
    return torch.optim.Adam(parameters, lr=settings["lr"], betas=betas, eps=settings["epsilon"])


# How torch names the variant, and whether a schedule acts as in the formula of the golden file.
VARIANTS = {
    "sgd": (sgd, "torch.optim.SGD", True),
    # torch keeps v <- mu v + g and steps by lr v: the same only while lr is constant.
    "momentum": (momentum, "torch.optim.SGD with momentum, dampening 0", False),
    "adam": (adam, "torch.optim.Adam", True),
}


def tensors_of(values, shapes):
    tensors = []
    begin = 0
    for shape in shapes:
        size = shape["rows"] * shape["cols"]
        block = torch.tensor(values[begin : begin + size], dtype=torch.float64)
        tensors.append(block.reshape(shape["rows"], shape["cols"]))
        begin += size
    return tensors


def largest_difference(make, data, case):
    """Relative to the golden value, over all parameters and kept steps."""
    parameters = [
        torch.nn.Parameter(tensor) for tensor in tensors_of(data["initial"], data["tensors"])
    ]
    optimizer = make(parameters, case["settings"])
    largest = 0.0
    for step, (values, factor) in enumerate(
        zip(data["gradients"], case["schedule_factors"]), start=1
    ):
        for group in optimizer.param_groups:
            group["lr"] = case["settings"]["lr"] * factor
        for parameter, gradient in zip(parameters, tensors_of(values, data["tensors"])):
            parameter.grad = gradient
        optimizer.step()
        if str(step) in case["after"]:
            expected = tensors_of(case["after"][str(step)], data["tensors"])
            for parameter, golden in zip(parameters, expected):
                relative = ((parameter.detach() - golden) / golden).abs().max()
                largest = max(largest, float(relative))
    return largest


def main():
    failed = []
    for name, (make, variant, schedules_agree) in VARIANTS.items():
        path = optimizers.GOLDEN / f"{name}.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        checked = [
            case
            for case in data["cases"]
            if schedules_agree or len(set(case["schedule_factors"])) == 1
        ]
        largest = max(largest_difference(make, data, case) for case in checked)
        outcome = (
            f"{variant}, PyTorch {torch.__version__}, float64, CPU: {len(checked)} of "
            f"{len(data['cases'])} cases, largest relative difference {largest:.1e}"
        )
        if not schedules_agree:
            outcome += (
                "; the case with a changing learning rate is not compared, because torch keeps "
                "lr outside the velocity"
            )
        print(f"{name}: {outcome}")
        if largest > TOLERANCE:
            failed.append(name)
            continue
        data["cross_check"] = outcome
        path.write_text(optimizers.text_of(data), encoding="utf-8")
    return f"more than {TOLERANCE}: {', '.join(failed)}" if failed else None


if __name__ == "__main__":
    sys.exit(main())
