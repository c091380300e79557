# SPDX-License-Identifier: Apache-2.0
"""Rules that hold another rule; see tensor_optimizers.py."""

import numpy as np
from tensor_steps import ADAM, MOMENTUM, OTHER_ADAM, SGD, inner_rule, norm, steps, usual


def wrapping(change_gradients):
    """The rule of a wrapper that changes the gradients and nothing else."""

    def rule(tensors, groups, gradient, factors, inner, **settings):
        held = inner_rule(inner)
        for t, f, gradients in steps(gradient, factors, lambda: tensors):
            tensors = held.step(t, tensors, change_gradients(gradients, **settings), f)
            yield tensors, tensors

    rule.__doc__ = change_gradients.__doc__
    return rule


@wrapping
def clip_norm(gradients, max_norm):
    """g <- g min(1, max_norm / |g|) over all parameters; then the inner rule. Pascanu, Mikolov &
    Bengio 2013."""
    scale = min(1.0, max_norm / norm(gradients))
    return [scale * g for g in gradients]


@wrapping
def clip_layer(gradients, max_norm):
    """g <- g min(1, max_norm / |g|) tensor by tensor; then the inner rule."""
    return [min(1.0, max_norm / np.linalg.norm(g)) * g for g in gradients]


@wrapping
def clip_value(gradients, max_value):
    """Each component of g into [-max_value, max_value]; then the inner rule."""
    return [np.clip(g, -max_value, max_value) for g in gradients]


@wrapping
def gradient_centralization(gradients):
    """Each row of a matrix's gradient less its mean; then the inner rule. Yong et al. 2020."""
    return [g - g.mean(axis=1, keepdims=True) if g.shape[1] > 1 else g for g in gradients]


def lookahead(tensors, groups, gradient, factors, inner, every, alpha):
    """After every k inner steps: phi <- phi + alpha (w - phi); w <- phi. Evaluated at phi. Zhang et
    al. 2019, Algorithm 1."""
    held, slow = inner_rule(inner), tensors
    for t, f, gradients in steps(gradient, factors, lambda: tensors):
        tensors = held.step(t, tensors, gradients, f)
        if t % every == 0:
            slow = [phi + alpha * (w - phi) for phi, w in zip(slow, tensors)]
            tensors = slow
        yield tensors, slow


def ema(tensors, groups, gradient, factors, inner, decay, bias_correction):
    """a <- decay a + (1 - decay) w after each inner step, from the first parameters, or from zero
    and divided by 1 - decay^t. Evaluated at a. Polyak & Juditsky 1992 for the idea."""
    held = inner_rule(inner)
    average = [np.zeros_like(w) for w in tensors] if bias_correction else tensors
    for t, f, gradients in steps(gradient, factors, lambda: tensors):
        tensors = held.step(t, tensors, gradients, f)
        average = [decay * a + (1 - decay) * w for a, w in zip(average, tensors)]
        correction = 1 - decay**t if bias_correction else 1.0
        yield tensors, [a / correction for a in average]


def swa(tensors, groups, gradient, factors, inner, start, every):
    """The mean of the parameters after every c-th step of the phase that begins when a share
    `start` of the steps is done. Evaluated there, once there is one. Izmailov et al. 2018,
    Algorithm 1."""
    held, models = inner_rule(inner), []
    for t, f, gradients in steps(gradient, factors, lambda: tensors):
        tensors = held.step(t, tensors, gradients, f)
        in_phase = t - start * len(factors)
        if in_phase > 0 and in_phase % every == 0:
            models.append(tensors)
        yield tensors, [sum(w) / len(models) for w in zip(*models)] if models else tensors


def cautious(tensors, groups, gradient, factors, inner):
    """u the inner step; phi = 1 where -u g > 0, else 0; w <- w + u phi n / (sum phi + 1), over all
    n parameters. Liang et al. 2024, Algorithm 1."""
    held = inner_rule(inner)
    for t, f, gradients in steps(gradient, factors, lambda: tensors):
        u = [b - a for a, b in zip(tensors, held.step(t, tensors, gradients, f))]
        phi = [(-d * g > 0).astype(float) for d, g in zip(u, gradients)]
        scale = sum(p.size for p in phi) / (sum(p.sum() for p in phi) + 1)
        tensors = [w + d * p * scale for w, d, p in zip(tensors, u, phi)]
        yield tensors, tensors


def weight_decay(tensors, groups, gradient, factors, inner, kind, rate, biases):
    """decoupled: w <- inner(w, g) - f rate w, with w before the step and without lr; coupled: w <-
    inner(w, g + rate w). Loshchilov & Hutter 2019."""
    held = inner_rule(inner)
    rates = [rate if biases or group != "bias" else 0.0 for group in groups]
    for t, f, gradients in steps(gradient, factors, lambda: tensors):
        if kind == "coupled":
            gradients = [g + r * w for g, r, w in zip(gradients, rates, tensors)]
            tensors = held.step(t, tensors, gradients, f)
        else:
            stepped = held.step(t, tensors, gradients, f)
            tensors = [b - f * r * w for b, r, w in zip(stepped, rates, tensors)]
        yield tensors, tensors


# The rule, and the settings and factors of its cases.
RULES = {
    "clip_norm": usual(
        clip_norm, {"inner": SGD, "max_norm": 1.0}, {"inner": OTHER_ADAM, "max_norm": 9.0}
    ),
    "clip_layer": usual(
        clip_layer, {"inner": SGD, "max_norm": 1.0}, {"inner": OTHER_ADAM, "max_norm": 3.0}
    ),
    "clip_value": usual(
        clip_value, {"inner": SGD, "max_value": 1.0}, {"inner": MOMENTUM, "max_value": 0.5}
    ),
    "gradient_centralization": usual(
        gradient_centralization, {"inner": SGD}, {"inner": OTHER_ADAM}, {"inner": MOMENTUM}
    ),
    "lookahead": usual(
        lookahead,
        {"inner": ADAM, "every": 5, "alpha": 0.5},
        {"inner": MOMENTUM, "every": 2, "alpha": 0.8},
    ),
    "ema": usual(
        ema,
        {"inner": ADAM, "decay": 0.999, "bias_correction": False},
        {"inner": MOMENTUM, "decay": 0.7, "bias_correction": True},
        {"inner": MOMENTUM, "decay": 0.7, "bias_correction": False},
    ),
    "swa": usual(
        swa,
        {"inner": ADAM, "start": 0.0, "every": 1},
        {"inner": MOMENTUM, "start": 0.5, "every": 2},
    ),
    "cautious": usual(cautious, {"inner": ADAM}, {"inner": MOMENTUM}),
    "weight_decay": usual(
        weight_decay,
        {"inner": ADAM, "kind": "decoupled", "rate": 1e-2, "biases": True},
        {"inner": MOMENTUM, "kind": "coupled", "rate": 0.3, "biases": False},
        {"inner": OTHER_ADAM, "kind": "decoupled", "rate": 0.3, "biases": False},
    ),
}
