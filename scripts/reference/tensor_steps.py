# SPDX-License-Identifier: Apache-2.0
"""What the rules of tensor_optimizers.py are made of: lists of matrices, simple rules to wrap, and
the settings and schedules that their cases come from."""

import numpy as np
from optimizers import CONSTANT, UNEVEN


def norm(tensors):
    """Euclidean, over all of them as one vector."""
    return np.sqrt(sum(np.sum(w**2) for w in tensors))


def inner_product(a, b):
    return sum(np.sum(x * y) for x, y in zip(a, b))


class Sgd:
    """w <- w - lr g."""

    def __init__(self, lr):
        self.lr = lr

    def step(self, t, tensors, gradients, factor):
        return [w - self.lr * factor * g for w, g in zip(tensors, gradients)]


class Momentum:
    """v <- mu v - lr g; w <- w + v."""

    def __init__(self, lr, momentum):
        self.lr, self.mu, self.v = lr, momentum, None

    def step(self, t, tensors, gradients, factor):
        if self.v is None:
            self.v = [np.zeros_like(w) for w in tensors]
        self.v = [self.mu * v - self.lr * factor * g for v, g in zip(self.v, gradients)]
        return [w + v for w, v in zip(tensors, self.v)]


class Adam:
    """Kingma & Ba, Algorithm 1, with a decoupled decay times lr for the rules that have one."""

    def __init__(self, lr, beta1, beta2, epsilon, weight_decay=0.0):
        self.lr, self.beta1, self.beta2, self.epsilon = lr, beta1, beta2, epsilon
        self.weight_decay, self.m, self.v = weight_decay, None, None

    def direction(self, t, gradients):
        """m_hat / (sqrt(v_hat) + epsilon)."""
        if self.m is None:
            self.m = [np.zeros_like(g) for g in gradients]
            self.v = [np.zeros_like(g) for g in gradients]
        self.m = [self.beta1 * m + (1 - self.beta1) * g for m, g in zip(self.m, gradients)]
        self.v = [self.beta2 * v + (1 - self.beta2) * g**2 for v, g in zip(self.v, gradients)]
        m_hat = [m / (1 - self.beta1**t) for m in self.m]
        v_hat = [v / (1 - self.beta2**t) for v in self.v]
        return [m / (np.sqrt(v) + self.epsilon) for m, v in zip(m_hat, v_hat)]

    def step(self, t, tensors, gradients, factor):
        u = self.direction(t, gradients)
        return [w - self.lr * factor * (d + self.weight_decay * w) for w, d in zip(tensors, u)]


def inner_rule(settings):
    settings = dict(settings)
    return {"sgd": Sgd, "momentum": Momentum, "adam": Adam}[settings.pop("name")](**settings)


def steps(gradient, factors, tensors_now):
    """(t, factor, gradient) of each step, at the tensors that tensors_now() gives."""
    for t, factor in enumerate(factors, start=1):
        yield t, factor, gradient(t, tensors_now())


SGD = {"name": "sgd", "lr": 0.1}
MOMENTUM = {"name": "momentum", "lr": 0.05, "momentum": 0.5}
ADAM = {"name": "adam", "lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
OTHER_ADAM = {"name": "adam", "lr": 0.05, "beta1": 0.7, "beta2": 0.95, "epsilon": 1e-2}


def usual(rule, defaults, others, *more):
    """Defaults, other settings, and those with an uneven schedule; then more settings, uneven."""
    return rule, [
        (defaults, CONSTANT),
        (others, CONSTANT),
        (others, UNEVEN),
        *((settings, UNEVEN) for settings in more),
    ]
