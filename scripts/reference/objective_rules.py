# SPDX-License-Identifier: Apache-2.0
"""Rules that ask for gradients at other points than the net's; see tensor_optimizers.py."""

from optimizers import CONSTANT, UNEVEN
from tensor_steps import MOMENTUM, SGD, Adam, inner_product, inner_rule, norm, steps, usual

# Strong Wolfe searches accept the first trial step at these, as lbfgs() sees to.
GENTLE = [1.0, 0.5, 0.75, 0.9, 0.4, 0.7, 0.6, 1.0, 0.8, 0.45]


def mars(
    tensors, groups, gradient, factors, lr, beta1, beta2, epsilon, gamma, weight_decay, **named
):
    """c = g + gamma beta1 / (1 - beta1) (g - g'), c / |c| where |c| > 1 over all parameters; AdamW
    (decay times lr) of c. g' at the parameters before, on this step's examples (exact) or as it was
    then (approximate); g' = g at first. Yuan et al. 2024, Algorithm 2."""
    adam = Adam(lr, beta1, beta2, epsilon, weight_decay)
    before, last = None, None
    for t, f, gradients in steps(gradient, factors, lambda: tensors):
        if before is None:
            reference = gradients
        elif named["gradient_choice"] == "exact":
            reference = gradient(t, before)
        else:
            reference = last
        c = [g + gamma * beta1 / (1 - beta1) * (g - r) for g, r in zip(gradients, reference)]
        length = norm(c)
        c = [x / length for x in c] if length > 1 else c
        before, last = tensors, gradients
        tensors = adam.step(t, tensors, c, f)
        yield tensors, tensors


def lbfgs(tensors, groups, gradient, factors, lr, history, line_search, max_evaluations):
    """d = -H g by the two-loop recursion over the last pairs, H_0 = <s, y> / <y, y> I; w <- w + a
    d, a from a strong Wolfe search (c1 = 1e-4, c2 = 0.9) whose first trial is lr, or lr. Liu &
    Nocedal 1989; Nocedal & Wright, Algorithms 7.4 and 7.5."""
    pairs = []
    for t, f, g in steps(gradient, factors, lambda: tensors):
        q, shares = g, []
        for s, y in reversed(pairs):
            shares.append(inner_product(s, q) / inner_product(s, y))
            q = [a - shares[-1] * b for a, b in zip(q, y)]
        if pairs:
            s, y = pairs[-1]
            q = [inner_product(s, y) / inner_product(y, y) * a for a in q]
        for (s, y), share in zip(pairs, reversed(shares)):
            back = inner_product(y, q) / inner_product(s, y)
            q = [a + (share - back) * b for a, b in zip(q, s)]
        trial = [w - lr * f * a for w, a in zip(tensors, q)]
        there = gradient(t, trial)
        if line_search == "strong_wolfe":
            # Beyond the first trial a search may interpolate as it likes: golden data must not.
            slope = -inner_product(g, q)
            fall = gradient.loss(trial) - gradient.loss(tensors)
            assert fall <= 1e-4 * lr * f * slope
            assert abs(inner_product(there, q)) <= 0.9 * abs(slope)
        pairs.append(([b - a for a, b in zip(tensors, trial)], [b - a for a, b in zip(g, there)]))
        pairs = pairs[-history:]
        tensors = trial
        yield tensors, tensors


def sam(tensors, groups, gradient, factors, inner, rho):
    """The inner rule with the gradient at w + rho g / |g|. Foret et al. 2021, Algorithm 1, p =
    2."""
    held = inner_rule(inner)
    for t, f, gradients in steps(gradient, factors, lambda: tensors):
        length = norm(gradients)
        up = [w + rho * g / length for w, g in zip(tensors, gradients)]
        tensors = held.step(t, tensors, gradient(t, up), f)
        yield tensors, tensors


# The rule, and the settings and factors of its cases.
RULES = {
    "mars": usual(
        mars,
        {
            "lr": 3e-3,
            "beta1": 0.95,
            "beta2": 0.99,
            "epsilon": 1e-8,
            "gamma": 0.025,
            "weight_decay": 0.0,
            "gradient": "exact",
        },
        {
            "lr": 0.05,
            "beta1": 0.7,
            "beta2": 0.9,
            "epsilon": 1e-2,
            "gamma": 0.3,
            "weight_decay": 0.2,
            "gradient": "exact",
        },
        {
            "lr": 0.05,
            "beta1": 0.7,
            "beta2": 0.9,
            "epsilon": 1e-2,
            "gamma": 0.3,
            "weight_decay": 0.2,
            "gradient": "approximate",
        },
    ),
    "lbfgs": (
        lbfgs,
        [
            (
                {"lr": 1.0, "history": 10, "line_search": "strong_wolfe", "max_evaluations": 25},
                CONSTANT,
            ),
            (
                {"lr": 0.7, "history": 2, "line_search": "strong_wolfe", "max_evaluations": 20},
                GENTLE,
            ),
            ({"lr": 0.3, "history": 3, "line_search": "none", "max_evaluations": 20}, UNEVEN),
        ],
    ),
    "sam": usual(sam, {"inner": SGD, "rho": 0.05}, {"inner": MOMENTUM, "rho": 0.6}),
}
