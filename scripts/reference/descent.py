# SPDX-License-Identifier: Apache-2.0
"""Rules by momentum, by signs and by averages, for optimizers.py: see there for the form."""

import numpy as np


def nesterov(theta, gradients, factors, lr, momentum):
    """v <- mu v - lr g; w <- w + mu v - lr g: Sutskever, Martens, Dahl & Hinton 2013, equations 3
    and 4, in the variable w + mu v at which the gradient is taken."""
    v = np.zeros_like(theta)
    for g, factor in zip(gradients, factors):
        v = momentum * v - lr * factor * g
        theta = theta + momentum * v - lr * factor * g
        yield theta


def lion(theta, gradients, factors, lr, beta1, beta2, weight_decay):
    """w <- w - lr (sign(beta1 m + (1 - beta1) g) + weight_decay w); m <- beta2 m + (1 - beta2) g.
    Chen et al. 2023, arXiv:2302.06675, Algorithm 2."""
    m = np.zeros_like(theta)
    for g, factor in zip(gradients, factors):
        update = np.sign(beta1 * m + (1 - beta1) * g)
        theta = theta - lr * factor * (update + weight_decay * theta)
        m = beta2 * m + (1 - beta2) * g
        yield theta


def signsgd(theta, gradients, factors, lr):
    """w <- w - lr sign(g). Bernstein et al. 2018, arXiv:1802.04434, Algorithm 1."""
    for g, factor in zip(gradients, factors):
        theta = theta - lr * factor * np.sign(g)
        yield theta


def signum(theta, gradients, factors, lr, momentum):
    """m <- mu m + (1 - mu) g; w <- w - lr sign(m). Bernstein et al. 2018, arXiv:1802.04434,
    Algorithm 2."""
    m = np.zeros_like(theta)
    for g, factor in zip(gradients, factors):
        m = momentum * m + (1 - momentum) * g
        theta = theta - lr * factor * np.sign(m)
        yield theta


def rprop(
    theta, gradients, factors, initial_step, min_step, max_step, increase, decrease, variant
):
    """With p = g_previous g: D <- min(increase D, max_step) where p > 0, max(decrease D, min_step)
    where p < 0; w <- w - f sign(g) D. Variant "plus" (Riedmiller & Braun 1993) takes the last step
    back where p < 0, instead of a new one, and then sets g_previous = 0; "minus" (Igel & Huesken
    2003, Rprop-) does not."""
    # Element by element, as the paper writes it.
    shape = theta.shape
    w = theta.ravel().tolist()
    n = len(w)
    size = [initial_step] * n
    before = [0.0] * n
    last = [0.0] * n
    for g, factor in zip(gradients, factors):
        for i, slope in enumerate(g.ravel().tolist()):
            p = before[i] * slope
            before[i] = slope
            if p > 0:
                size[i] = min(increase * size[i], max_step)
            if p < 0:
                size[i] = max(decrease * size[i], min_step)
            if p < 0 and variant == "plus":
                w[i] -= last[i]
                before[i] = 0.0
            else:
                last[i] = -factor * float(np.sign(slope)) * size[i]
                w[i] += last[i]
        yield np.array(w).reshape(shape)


def warm_up(t, warmup_steps):
    return min(1.0, t / warmup_steps) if warmup_steps else 1.0


def share_of_last(rates, averaging):
    """The weight of the last point in the average of all."""
    if averaging == "uniform":
        return 1 / (len(rates) + 1)
    return rates[-1] ** 2 / sum(rate**2 for rate in rates)


def schedule_free_sgd(theta, gradients, factors, lr, beta, warmup_steps, weight_decay, averaging):
    """z <- z - gamma (g + weight_decay y); x <- (1 - c) x + c z; y <- (1 - beta) z + beta x, with
    g taken at y, the parameters; gamma = lr min(1, t / warmup_steps), c = gamma^2 / sum gamma^2, or
    1 / (t + 1) with averaging "uniform"; evaluation at x. Defazio et al. 2024, arXiv:2405.15682,
    equations 3 to 5."""
    x = y = z = theta
    rates = []
    for t, (g, factor) in enumerate(zip(gradients, factors), start=1):
        rates.append(lr * factor * warm_up(t, warmup_steps))
        c = share_of_last(rates, averaging)
        z = z - rates[-1] * (g + weight_decay * y)
        x = (1 - c) * x + c * z
        y = (1 - beta) * z + beta * x
        yield y, x


def schedule_free_adamw(
    theta, gradients, factors, lr, beta1, beta2, epsilon, warmup_steps, weight_decay, averaging
):
    """v <- beta2 v + (1 - beta2) g^2; gamma = lr sqrt(1 - beta2^t) min(1, t / warmup_steps);
    z <- z - gamma (g / (sqrt(v) + epsilon) + weight_decay y); x <- (1 - c) x + c z;
    y <- (1 - beta1) z + beta1 x, with g taken at y, the parameters; c = gamma^2 / sum gamma^2, or
    1 / (t + 1) with averaging "uniform"; evaluation at x. Defazio et al. 2024, arXiv:2405.15682,
    Algorithm 1."""
    x = y = z = theta
    v = np.zeros_like(theta)
    rates = []
    for t, (g, factor) in enumerate(zip(gradients, factors), start=1):
        v = beta2 * v + (1 - beta2) * g**2
        rates.append(lr * factor * np.sqrt(1 - beta2**t) * warm_up(t, warmup_steps))
        c = share_of_last(rates, averaging)
        z = z - rates[-1] * (g / (np.sqrt(v) + epsilon) + weight_decay * y)
        x = (1 - c) * x + c * z
        y = (1 - beta1) * z + beta1 * x
        yield y, x


# The rule, its default settings, and the settings of the second and third case.
RULES = {
    "nesterov": (nesterov, {"lr": 0.1, "momentum": 0.9}, {"lr": 0.02, "momentum": 0.5}),
    "lion": (
        lion,
        {"lr": 1e-4, "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0},
        {"lr": 3e-2, "beta1": 0.6, "beta2": 0.8, "weight_decay": 0.3},
    ),
    "signsgd": (signsgd, {"lr": 1e-3}, {"lr": 0.07}),
    "signum": (signum, {"lr": 1e-3, "momentum": 0.9}, {"lr": 0.07, "momentum": 0.6}),
    "rprop": (
        rprop,
        {
            "initial_step": 0.1,
            "min_step": 1e-6,
            "max_step": 50.0,
            "increase": 1.2,
            "decrease": 0.5,
            "variant": "plus",
        },
        # Both bounds are reached within the ten steps.
        {
            "initial_step": 0.05,
            "min_step": 0.02,
            "max_step": 0.08,
            "increase": 1.3,
            "decrease": 0.4,
            "variant": "minus",
        },
    ),
    "schedule_free_sgd": (
        schedule_free_sgd,
        {
            "lr": 1.0,
            "beta": 0.9,
            "warmup_steps": 0,
            "weight_decay": 0.0,
            "averaging": "squared_lr",
        },
        {
            "lr": 0.05,
            "beta": 0.6,
            "warmup_steps": 4,
            "weight_decay": 0.3,
            "averaging": "uniform",
        },
    ),
    "schedule_free_adamw": (
        schedule_free_adamw,
        {
            "lr": 2.5e-3,
            "beta1": 0.9,
            "beta2": 0.999,
            "epsilon": 1e-8,
            "warmup_steps": 0,
            "weight_decay": 0.0,
            "averaging": "squared_lr",
        },
        {
            "lr": 0.05,
            "beta1": 0.7,
            "beta2": 0.95,
            "epsilon": 1e-2,
            "warmup_steps": 4,
            "weight_decay": 0.3,
            "averaging": "uniform",
        },
    ),
}
