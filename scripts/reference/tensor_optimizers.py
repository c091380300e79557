# SPDX-License-Identifier: Apache-2.0
"""Golden trajectories of optimizers that see whole tensors, or more of the net than its gradient.

As optimizers.py, for rules that need the shapes and groups of all tensors of a run, and for those
that wrap another rule. Each rule is a generator over the steps of a run:

    rule(tensors, groups, gradient, factors, **settings)

with `tensors` a list of matrices, `groups` their parameter groups, gradient(t, tensors) the list of
gradients at these tensors in step t, and `factors` those of the schedule. After each step it yields
the tensors that the net trains at and those it is evaluated at. None of it is shared with engine/.
The rules stand in matrix_rules.py, objective_rules.py and wrapper_rules.py.

usage: python scripts/reference/tensor_optimizers.py [NAME...]
"""

import sys

import matrix_rules
import numpy as np
import objective_rules
import wrapper_rules
from golden_files import write
from optimizers import GOLDEN, KEPT, STEPS, flat, text_of
from tensor_steps import inner_product

# No multiple of any SIMD width in all, and no gradient whose G G^T or G^T G has a null space of
# more than one dimension, of which each program would have a basis of its own.
TENSORS = (
    {"name": "layer_1.weight", "layer": 1, "group": "input", "rows": 4, "cols": 5},
    {"name": "layer_1.bias", "layer": 1, "group": "bias", "rows": 4, "cols": 1},
    {"name": "layer_2.weight", "layer": 2, "group": "hidden", "rows": 3, "cols": 4},
    {"name": "layer_3.weight", "layer": 3, "group": "hidden", "rows": 4, "cols": 3},
    {"name": "layer_4.weight", "layer": 4, "group": "output", "rows": 5, "cols": 4},
    {"name": "layer_4.bias", "layer": 4, "group": "bias", "rows": 5, "cols": 1},
)
# The rule, and the settings and factors of its cases.
RULES = {**matrix_rules.RULES, **objective_rules.RULES, **wrapper_rules.RULES}


def shaped(values):
    shapes = [(t["rows"], t["cols"]) for t in TENSORS]
    ends = np.cumsum([rows * cols for rows, cols in shapes])
    return [
        part.reshape(shape) for part, shape in zip(np.split(np.array(values), ends[:-1]), shapes)
    ]


def problem():
    """Initial tensors, gradients of the steps, and an objective: the same for every rule."""
    draw = np.random.default_rng(3)
    size = sum(t["rows"] * t["cols"] for t in TENSORS)

    def away_from_zero():
        return draw.uniform(0.3, 1.5, size) * draw.choice([-1.0, 1.0], size)

    initial = away_from_zero()
    # Over two powers of ten, a narrower range than elementwise rules see: G G^T squares it.
    gradients = [
        draw.normal(size=size) * 10.0 ** draw.uniform(-1.5, 0.5, size) for _ in range(STEPS)
    ]
    objective = {
        "curvature": [float(h) for h in draw.uniform(0.6, 1.3, size)],
        # Beyond the start as seen from zero, so that no path crosses it.
        "center": [float(c) for c in initial * draw.uniform(1.3, 2.0, size)],
        "coupling": 3e-3,
    }
    return shaped(initial), [shaped(g) for g in gradients], objective


class Listed:
    """Gradients as they are listed, wherever the net stands."""

    def __init__(self, gradients):
        self.gradients = gradients

    def __call__(self, t, tensors):
        return self.gradients[t - 1]


class Objective:
    """L(w) = 1/2 sum h_i (w_i - c_i)^2 + coupling / 4 (sum (w_i - c_i)^2)^2, in each step."""

    def __init__(self, curvature, center, coupling):
        self.curvature, self.center, self.coupling = shaped(curvature), shaped(center), coupling

    def from_center(self, tensors):
        return [w - c for w, c in zip(tensors, self.center)]

    def loss(self, tensors):
        d = self.from_center(tensors)
        quadratic = sum(np.sum(h * x**2) for h, x in zip(self.curvature, d))
        return quadratic / 2 + self.coupling / 4 * inner_product(d, d) ** 2

    def __call__(self, t, tensors):
        d = self.from_center(tensors)
        square = inner_product(d, d)
        return [(h + self.coupling * square) * x for h, x in zip(self.curvature, d)]


def case(name, settings, factors):
    initial, gradients, objective = problem()
    result = {"settings": settings, "schedule_factors": factors}
    source = Listed(gradients)
    if name in objective_rules.RULES and settings.get("gradient") != "approximate":
        result["objective"] = objective
        source = Objective(**objective)
    arguments = {"gradient_choice" if key == "gradient" else key: v for key, v in settings.items()}
    groups = [t["group"] for t in TENSORS]
    path = list(RULES[name][0](initial, groups, source, factors, **arguments))
    result["after"] = {str(step): flat(path[step - 1][0]) for step in KEPT}
    if any(evaluated is not trained for trained, evaluated in path):
        result["evaluation"] = {str(step): flat(path[step - 1][1]) for step in KEPT}
    return result


def golden(name):
    initial, gradients, _ = problem()
    return {
        "license": "SPDX-License-Identifier: Apache-2.0",
        "made_by": f"scripts/reference/tensor_optimizers.py {name}",
        "formula": " ".join(RULES[name][0].__doc__.split()),
        "cross_check": "none",
        "tensors": TENSORS,
        "initial": flat(initial),
        "gradients": [flat(step) for step in gradients],
        "cases": [case(name, settings, factors) for settings, factors in RULES[name][1]],
    }


def main(names):
    return write(names, RULES, golden, GOLDEN, text_of)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
