# SPDX-License-Identifier: Apache-2.0
"""Untrained dense nets in numpy: one forward and one backward pass, and their mean field.

The nets are those of the flagship experiment: 64 inputs, `depth` hidden layers of 100, 10
classes, biases 0, softmax with cross-entropy. It is not the oracle of the engine's tests; it
gives the report realistic curves with a realistic spread over seeds.

    forward    z_l = a_{l-1} W_l,  a_l = phi(z_l)
    backward   delta_L = softmax(z_L) - y,  delta_l = (delta_{l+1} W_{l+1}^T) * phi'(z_l)
    mean field q_1 = v_1 n_0 mean(x^2),  q_{l+1} = v_{l+1} n_l E[phi(sqrt(q_l) u)^2]
               E|delta_l|^2 = E|delta_{l+1}|^2 v_{l+1} n_l E[phi'(sqrt(q_l) u)^2]

with v_l the variance of a weight, n_l the width and u standard normal.
"""

from dataclasses import dataclass

import numpy as np

INPUTS, WIDTH, CLASSES, BATCH = 64, 100, 10, 32

# An even number of nodes: none of them lies on the step of phi' of ReLU at 0.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(100)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()

_GELU = np.sqrt(2 / np.pi)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _gelu_slope(z):
    t = np.tanh(_GELU * (z + 0.044715 * z**3))
    return 0.5 * (1 + t) + 0.5 * z * (1 - t**2) * _GELU * (1 + 3 * 0.044715 * z**2)


# name: (phi, phi'). GELU in its tanh form: numpy has no erf.
ACTIVATIONS = {
    "sigmoid": (_sigmoid, lambda z: _sigmoid(z) * (1 - _sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "gelu": (lambda z: 0.5 * z * (1 + np.tanh(_GELU * (z + 0.044715 * z**3))), _gelu_slope),
}

# name: variance of a weight from its layer's (inputs, outputs).
INITIALIZERS = {
    "glorot_normal": lambda inputs, outputs: 2 / (inputs + outputs),
    "he_normal": lambda inputs, outputs: 2 / inputs,
}


@dataclass(frozen=True)
class Profile:
    """One value a weight layer, layer 1 first; each array has the shape (depth + 1,)."""

    error_signal: np.ndarray
    gradient_norm: np.ndarray
    theory_error_signal: np.ndarray


def untrained_profile(depth: int, activation: str, initializer: str, seed: int) -> Profile:
    """The layer profiles of one net drawn from `seed`. Equal seeds see equal inputs."""
    phi, slope = ACTIVATIONS[activation]
    variance = INITIALIZERS[initializer]
    sizes = [INPUTS] + [WIDTH] * depth + [CLASSES]
    shapes = list(zip(sizes[:-1], sizes[1:]))

    data = np.random.default_rng([seed, 0])
    inputs = data.standard_normal((BATCH, INPUTS))
    labels = np.eye(CLASSES)[data.integers(CLASSES, size=BATCH)]

    draw = np.random.default_rng([seed, 1])
    weights = [draw.standard_normal(shape) * np.sqrt(variance(*shape)) for shape in shapes]

    # Forward.
    activations, preactivations = [inputs], []
    for layer, weight in enumerate(weights):
        z = activations[-1] @ weight
        preactivations.append(z)
        if layer < depth:
            activations.append(phi(z))
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))

    # Backward.
    deltas = [exponentials / exponentials.sum(axis=1, keepdims=True) - labels]
    for layer in range(depth - 1, -1, -1):
        deltas.append((deltas[-1] @ weights[layer + 1].T) * slope(preactivations[layer]))
    deltas.reverse()

    error_signal = np.array([np.sqrt((delta**2).sum(axis=1).mean()) for delta in deltas])
    gradient_norm = np.array([np.linalg.norm(a.T @ delta) / BATCH
                              for a, delta in zip(activations, deltas)])

    # Mean field, scaled to the measured last layer.
    square = [error_signal[-1] ** 2]
    length = variance(*shapes[0]) * INPUTS * (inputs**2).mean()
    chis = []
    for shape in shapes[1:]:
        nodes = np.sqrt(length) * _NODES
        chis.append(variance(*shape) * shape[0] * (_WEIGHTS @ slope(nodes) ** 2))
        length = variance(*shape) * shape[0] * (_WEIGHTS @ phi(nodes) ** 2)
    for chi in reversed(chis):
        square.append(square[-1] * chi)
    return Profile(error_signal, gradient_norm, np.sqrt(square[::-1]))
