# SPDX-License-Identifier: Apache-2.0
"""The axis of update steps: even where steps are, logarithmic where they grow, with step 0 beside them."""

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

# What step 0 to 1 takes of a logarithmic axis, in decades.
FIRST_STEP = 0.5
# Numbers on an axis, step 0 and the last aside.
MOST_TICKS = 4


def grows(steps: np.ndarray) -> bool:
    """Whether ascending `steps` are rather even in their logarithm: half lie in the first quarter."""
    return bool(np.median(steps) < steps[-1] / 4)


def scale_steps(axes, steps: np.ndarray) -> None:
    """Makes the x axis one of `steps`, and numbers it."""
    if grows(steps):
        # Matplotlib's linscale is in units of 1 - 1 / base.
        axes.set_xscale("symlog", linthresh=1, linscale=0.9 * FIRST_STEP)
    axes.xaxis.set_major_locator(FixedLocator(step_ticks(steps)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def step_edges(steps: np.ndarray) -> np.ndarray:
    """The edges of cells around `steps`, midway between them on the axis."""
    if len(steps) == 1:
        return steps[0] + np.array([-0.5, 0.5])
    places = _place(steps) if grows(steps) else steps
    middles = (places[1:] + places[:-1]) / 2
    edges = np.array([2 * places[0] - middles[0], *middles, 2 * places[-1] - middles[-1]])
    return _step(edges) if grows(steps) else edges


def step_ticks(steps: np.ndarray) -> list[int]:
    """Step 0 and at most four or so round numbers up to the last; of decades the last step as well."""
    last = int(steps[-1])
    if last == 0:
        return [0]
    if not grows(steps):
        stride = next(s * 10**e for e in range(16) for s in (1, 2, 5)
                      if last / (s * 10**e) <= MOST_TICKS + 0.5)
        return list(range(0, last + 1, stride))
    powers = list(range(int(np.log10(last)), -1, -1))
    powers = powers[::1 if len(powers) <= MOST_TICKS else 2]
    ticks = [0, *(10**e for e in reversed(powers))]
    return [*ticks, last] if last >= 3 * ticks[-1] else ticks


def _place(steps):
    """Where steps are on a logarithmic axis, in decades from step 0."""
    return np.where(steps < 1, FIRST_STEP * steps, FIRST_STEP + np.log10(np.maximum(steps, 1)))


def _step(places):
    return np.where(places < FIRST_STEP, places / FIRST_STEP, 10.0 ** (places - FIRST_STEP))
