# SPDX-License-Identifier: Apache-2.0
"""The step in JAX under jit, one or several a call; and runs one by one or under vmap."""

import functools

import jax
import jaxlib
from jax import numpy as jnp

from peers.jax_layers import logits_of, mlp
from peers.start import BETA1, BETA2, EPSILON, LR, Examples, Start

# Steps in a call of the variant that goes on by itself (lax.scan).
STEPS_A_CALL = 10


def versions() -> str:
    return f"JAX {jax.__version__}, jaxlib {jaxlib.__version__}"


def loss_of(parameters, inputs, labels, logits):
    logarithms = jax.nn.log_softmax(logits(parameters, inputs))
    return -jnp.mean(jnp.take_along_axis(logarithms, labels[:, None], axis=1))


def step(state, inputs, labels, logits=mlp):
    parameters, m, v, steps = state
    loss, gradient = jax.value_and_grad(loss_of)(parameters, inputs, labels, logits)
    steps = steps + 1
    size = LR / (1 - BETA1**steps)
    correction = 1 / jnp.sqrt(1 - BETA2**steps)
    each = jax.tree.map
    m = each(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, gradient)
    v = each(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, gradient)
    parameters = each(lambda w, m, v: w - size * m / (jnp.sqrt(v) * correction + EPSILON),
                      parameters, m, v)
    return (parameters, m, v, steps), loss


def step_of_batch(state, inputs, labels, batch):
    return step(state, inputs[batch], labels[batch])


def first_state(start: Start):
    parameters = [jnp.array(tensor) for tensor in start.tensors]
    zeros = functools.partial(jax.tree.map, jnp.zeros_like)
    return parameters, zeros(parameters), zeros(parameters), jnp.float32(0)


class Step:
    VARIANTS = ("a call a step", f"{STEPS_A_CALL} steps a call")

    def __init__(self, start: Start, variant: str):
        self.start = start
        self.inputs, self.labels = jnp.array(start.inputs), jnp.array(start.labels)
        one = functools.partial(step, logits=logits_of(start.shape))
        self.one = jax.jit(one, donate_argnums=0)

        def several(state, inputs, labels):
            return jax.lax.scan(lambda state, _: one(state, inputs, labels), state,
                                length=STEPS_A_CALL)

        self.several = jax.jit(several, donate_argnums=0) if variant == self.VARIANTS[1] else None
        self.restart()

    def restart(self) -> None:
        # Transfers are under way when the call that makes them returns.
        self.state = jax.block_until_ready(first_state(self.start))

    def run(self, steps: int) -> None:
        while steps > 0:
            several = self.several is not None and steps >= STEPS_A_CALL
            call = self.several if several else self.one
            self.state, _ = call(self.state, self.inputs, self.labels)
            steps -= STEPS_A_CALL if several else 1
        jax.block_until_ready(self.state)

    def losses(self, steps: int) -> list[float]:
        self.restart()
        found = []
        if self.several is not None:
            self.state, found = self.several(self.state, self.inputs, self.labels)
        while len(found) < steps:
            self.state, loss = self.one(self.state, self.inputs, self.labels)
            found.append(loss)
        return [float(loss) for loss in found[:steps]]


class Runs:
    """What runs one by one and under vmap have in common: the examples and the two variants."""

    VARIANTS = Step.VARIANTS

    def __init__(self, start: Start, runs: int, steps: int, variant: str):
        self.start = start
        self.runs = runs
        examples = Examples.drawn(runs, steps, start.batch)
        self.inputs, self.labels = jnp.array(examples.inputs), jnp.array(examples.labels)
        self.order = jnp.array(examples.order)
        self.by_call = variant == self.VARIANTS[0]
        one = self.one_step

        def several(state, inputs, labels, batches):
            return jax.lax.scan(lambda state, batch: one(state, inputs, labels, batch), state,
                                batches)

        self.one = jax.jit(one, donate_argnums=0)
        self.several = jax.jit(several, donate_argnums=0)

    def advance(self, state, order):
        """The state after the steps of `order`, steps x ... indices."""
        if self.by_call:
            for batch in order:
                state, _ = self.one(state, self.inputs, self.labels, batch)
            return state
        for first in range(0, len(order), STEPS_A_CALL):
            batches = order[first:first + STEPS_A_CALL]
            state, _ = self.several(state, self.inputs, self.labels, batches)
        return state

    def losses_on_start(self, state, order, steps: int) -> list[float]:
        inputs, labels = jnp.array(self.start.inputs), jnp.array(self.start.labels)
        found = []
        for _ in range(steps):
            state, loss = self.one(state, inputs, labels, order)
            found.append(float(jnp.mean(loss)))
        return found


class OneByOne(Runs):
    one_step = staticmethod(step_of_batch)

    def __init__(self, start: Start, runs: int, steps: int, variant: str):
        super().__init__(start, runs, steps, variant)
        self.states = [first_state(start) for _ in range(runs)]

    def run(self, steps: int) -> None:
        for run in range(self.runs):
            self.states[run] = self.advance(self.states[run], self.order[run, :steps])
        jax.block_until_ready(self.states)

    def losses(self, steps: int) -> list[float]:
        return self.losses_on_start(first_state(self.start), jnp.arange(self.start.batch), steps)


class Vmapped(Runs):
    one_step = staticmethod(jax.vmap(step_of_batch, in_axes=(0, None, None, 0)))

    def __init__(self, start: Start, runs: int, steps: int, variant: str):
        super().__init__(start, runs, steps, variant)
        self.order = self.order.swapaxes(0, 1)
        self.state = self.stacked()

    def stacked(self):
        return jax.tree.map(lambda x: jnp.broadcast_to(x, (self.runs, *x.shape)).copy(),
                            first_state(self.start))

    def run(self, steps: int) -> None:
        self.state = self.advance(self.state, self.order[:steps])
        jax.block_until_ready(self.state)

    def losses(self, steps: int) -> list[float]:
        order = jnp.broadcast_to(jnp.arange(self.start.batch), (self.runs, self.start.batch))
        return self.losses_on_start(self.stacked(), order, steps)
