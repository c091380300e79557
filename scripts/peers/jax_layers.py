# SPDX-License-Identifier: Apache-2.0
"""The net of a shape in JAX: logits of parameters (as the file of a start has them) and inputs."""

import functools

import jax
from jax import lax
from jax import numpy as jnp

from peers.programs import RESIDUAL, Shape


def dense(a, weight, bias):
    return a @ weight.T + bias


def mlp(parameters, a):
    for position in range(0, len(parameters) - 2, 2):
        a = jax.nn.relu(dense(a, *parameters[position:position + 2]))
    return dense(a, *parameters[-2:])


def batch_norm(x, gain, bias):
    """Of a batch in training; it keeps no running statistics."""
    mean = jnp.mean(x, axis=0)
    variance = jnp.mean((x - mean) ** 2, axis=0)
    return (x - mean) * (gain * lax.rsqrt(variance + 1e-5)) + bias


def residual(parameters, a, normalized):
    left = iter(parameters)

    def activation(x):
        return jax.nn.relu(batch_norm(x, next(left), next(left)) if normalized else x)

    def half(x):
        return dense(activation(x), next(left), next(left))

    a = dense(a, next(left), next(left))
    for _ in range((len(parameters) - 4) // (8 if normalized else 4)):
        a = a + half(half(a))
    return dense(activation(a), next(left), next(left))


def cnn(parameters, a):
    for position in (0, 2):
        kernel, bias = parameters[position:position + 2]
        a = lax.conv_general_dilated(a, kernel, (1, 1), "SAME",
                                     dimension_numbers=("NHWC", "OHWI", "NHWC"))
        a = jax.nn.relu(a + bias)
        batch, height, width, channels = a.shape
        a = a.reshape(batch, height // 2, 2, width // 2, 2, channels).max((2, 4))
    return dense(a.reshape(len(a), -1), *parameters[4:])


def rnn_cell(state, sums, recurrent):
    return jnp.tanh(sums + state @ recurrent.T)


def gru_cell(state, sums, recurrent, bias):
    zr, zu, zn = jnp.split(sums, 3, axis=1)
    vr, vu, vn = jnp.split(dense(state, recurrent, bias), 3, axis=1)
    r, u = jax.nn.sigmoid(zr + vr), jax.nn.sigmoid(zu + vu)
    n = jnp.tanh(zn + r * vn)
    return n + u * (state - n)


def lstm_cell(state, sums, recurrent):
    h, c = state
    i, f, g, o = jnp.split(sums + h @ recurrent.T, 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def recurrent(parameters, a, kind):
    weight, over_state, bias, *more = parameters[:-2]
    cell = {"rnn": rnn_cell, "gru": gru_cell, "lstm": lstm_cell}[kind]
    zeros = jnp.zeros((a.shape[1], over_state.shape[1]), a.dtype)
    state, _ = lax.scan(lambda state, sums: (cell(state, sums, over_state, *more), None),
                        (zeros, zeros) if kind == "lstm" else zeros, dense(a, weight, bias))
    return dense(state[0] if kind == "lstm" else state, *parameters[-2:])


def logits_of(shape: Shape):
    if shape.kind == "mlp":
        return mlp
    if shape.kind == "cnn":
        return cnn
    if shape.kind in RESIDUAL:
        return functools.partial(residual, normalized=shape.kind == "residual_batch_norm")
    return functools.partial(recurrent, kind=shape.kind)
