# SPDX-License-Identifier: Apache-2.0
"""Golden trajectories of the optimizers, from the papers' formulas, in numpy and float64.

Writes tests/golden/optimizers/<name>.json. Independent of the engine: each rule below is written
from its paper, tensor by tensor, with the paper's letters, and shares nothing with engine/. A rule
is a generator: given the initial tensor, the gradients and the schedule's factors, it yields the
tensor after each step, or a pair of it and the point at which the model is evaluated. More rules
stand in descent.py and adaptive.py.

usage: python scripts/reference/optimizers.py [NAME...]
"""

import json
import sys
from pathlib import Path

import adaptive
import descent
import numpy as np
from golden_files import write

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden" / "optimizers"

STEPS = 10
KEPT = (1, 2, 10)
# Three tensors of different shapes, 34 values in all: no multiple of any SIMD width.
TENSORS = (
    {"name": "layer_1.weight", "layer": 1, "group": "input", "rows": 3, "cols": 5},
    {"name": "layer_1.bias", "layer": 1, "group": "bias", "rows": 5, "cols": 1},
    {"name": "layer_2.weight", "layer": 2, "group": "output", "rows": 2, "cols": 7},
)
CONSTANT = [1.0] * STEPS
# Neither constant nor smooth, so that it shows where a schedule's factor enters.
UNEVEN = [1.0, 0.5, 0.25, 0.9, 0.1, 0.7, 0.3, 1.0, 0.6, 0.05]


def sgd(theta, gradients, factors, lr):
    """w <- w - lr g. Robbins & Monro 1951."""
    for g, factor in zip(gradients, factors):
        theta = theta - lr * factor * g
        yield theta


def momentum(theta, gradients, factors, lr, momentum):
    """v <- mu v - lr g; w <- w + v. Sutskever, Martens, Dahl & Hinton 2013, equations 1 and 2."""
    v = np.zeros_like(theta)
    for g, factor in zip(gradients, factors):
        v = momentum * v - lr * factor * g
        theta = theta + v
        yield theta


def adam(theta, gradients, factors, lr, beta1, beta2, epsilon):
    """w <- w - lr m_hat / (sqrt(v_hat) + epsilon). Kingma & Ba 2015, Algorithm 1."""
    m = np.zeros_like(theta)
    v = np.zeros_like(theta)
    for t, (g, factor) in enumerate(zip(gradients, factors), start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        theta = theta - lr * factor * m_hat / (np.sqrt(v_hat) + epsilon)
        yield theta


# The rule, its default settings, and the settings of the second and third case.
RULES = {
    "sgd": (sgd, {"lr": 0.1}, {"lr": 0.03}),
    "momentum": (momentum, {"lr": 0.1, "momentum": 0.9}, {"lr": 0.02, "momentum": 0.5}),
    "adam": (
        adam,
        {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
        {"lr": 0.05, "beta1": 0.7, "beta2": 0.95, "epsilon": 1e-2},
    ),
    **descent.RULES,
    **adaptive.RULES,
}
# Rules that need all tensors at once: they are given the concatenation.
OVER_ALL_TENSORS = {"cautious_adamw", "prodigy"}
# Rules whose default variant meets the schedule's factor otherwise than the other one.
UNEVEN_DEFAULTS = {
    "adabound",
    "adamw",
    "cautious_adamw",
    "nadamw",
    "rprop",
    "schedule_free_adamw",
    "schedule_free_sgd",
}


def problem():
    """Initial tensors, and for each step the gradient of each: the same for every rule."""
    draw = np.random.default_rng(20)
    initial = [draw.normal(size=(t["rows"], t["cols"])) for t in TENSORS]
    gradients = []
    for _ in range(STEPS):
        # Over four powers of ten and of both signs.
        gradients.append(
            [draw.normal(size=w.shape) * 10.0 ** draw.uniform(-3, 1, size=w.shape) for w in initial]
        )
    return initial, gradients


def flat(tensors):
    return [float(value) for tensor in tensors for value in np.ravel(tensor)]


def paths(name, settings, factors):
    """For each tensor, or for the concatenation, what the rule yields."""
    rule = RULES[name][0]
    initial, gradients = problem()
    if name in OVER_ALL_TENSORS:
        initial = [np.array(flat(initial))]
        gradients = [[np.array(flat(step))] for step in gradients]
    for index, theta in enumerate(initial):
        own = [step[index] for step in gradients]
        yield list(rule(theta, own, factors, **settings))


def case(name, settings, factors):
    """The flat parameters after each kept step, and where it differs the point of evaluation."""
    found = list(paths(name, settings, factors))
    data = {"settings": settings, "schedule_factors": factors}
    if isinstance(found[0][0], tuple):
        data["after"] = kept([[theta for theta, _ in path] for path in found])
        data["evaluation"] = kept([[x for _, x in path] for path in found])
    else:
        data["after"] = kept(found)
    return data


def kept(found):
    return {str(step): flat(path[step - 1] for path in found) for step in KEPT}


def cases(name):
    _, defaults, others = RULES[name]
    yield case(name, defaults, CONSTANT)
    yield case(name, others, CONSTANT)
    yield case(name, others, UNEVEN)
    if name in UNEVEN_DEFAULTS:
        yield case(name, defaults, UNEVEN)


def golden(name):
    initial, gradients = problem()
    return {
        "license": "SPDX-License-Identifier: Apache-2.0",
        "made_by": f"scripts/reference/optimizers.py {name}",
        "formula": RULES[name][0].__doc__,
        "cross_check": "none",
        "tensors": TENSORS,
        "initial": flat(initial),
        "gradients": [flat(step) for step in gradients],
        "cases": list(cases(name)),
    }


def text_of(data):
    """JSON with one line for each list of numbers, in digits that give the same bits back."""
    lists = []

    def shelve(value):
        if isinstance(value, dict):
            return {key: shelve(item) for key, item in value.items()}
        if isinstance(value, list) and value and isinstance(value[0], float):
            lists.append(json.dumps(value))
            return f"@{len(lists) - 1}@"
        if isinstance(value, (list, tuple)):
            return [shelve(item) for item in value]
        return value

    text = json.dumps(shelve(data), indent=2)
    for index, numbers in enumerate(lists):
        text = text.replace(f'"@{index}@"', numbers)
    return text + "\n"


def main(names):
    return write(names, RULES, golden, GOLDEN, text_of)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
