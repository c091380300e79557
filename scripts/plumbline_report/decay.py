# SPDX-License-Identifier: Apache-2.0
"""By what factor a layer profile changes from one layer to the next one towards the input.

With k = L - l the number of layers below the output, a profile e_l that decays geometrically is
e = e_L r^k, so that

    ln r = sum_k (k - mean k) (ln e_k - mean ln e) / sum_k (k - mean k)^2      (least squares)

over the layers l = 5 .. L - 2. The first layers are left out because there the length q_l of the
activations has not yet come close to where it is going, the last two because the output layer
has another shape (width to classes).

A profile that bends has no single factor. Its factor near the output, over the layers
L - 12 .. L - 2, is where the deep end of the net settles: 0.707 for GELU under He, whose first
layers still pass the error on almost whole.
"""

import numpy as np

FIRST_LAYER = 5
LAYERS_LEFT_OUT_AT_THE_OUTPUT = 2
LAYERS_NEAR_THE_OUTPUT = 10
FEWEST_LAYERS = 3


def factor_per_layer(profile: np.ndarray, n_layers: int, first_layer: int = FIRST_LAYER) -> float:
    """The factor r of a `profile` (layer,), layer 1 first, of a net with `n_layers` weight layers.

    NaN where fewer than three layers remain, as in a shallow net. Layers that hold zero or NaN
    (underflow, divergence) don't enter: they have no logarithm.
    """
    layers = np.arange(first_layer, n_layers - LAYERS_LEFT_OUT_AT_THE_OUTPUT + 1)
    values = np.asarray(profile, dtype=float)[layers - 1]
    usable = np.isfinite(values) & (values > 0)
    if usable.sum() < FEWEST_LAYERS:
        return float("nan")
    below_output = (n_layers - layers[usable]).astype(float)
    logarithms = np.log(values[usable])
    centred = below_output - below_output.mean()
    slope = centred @ (logarithms - logarithms.mean()) / (centred @ centred)
    return float(np.exp(slope))


def median_factor(profiles: np.ndarray, n_layers: int, first_layer: int = FIRST_LAYER) -> float:
    """The median of `factor_per_layer` over the rows of `profiles` (run, layer); NaN if none."""
    factors = np.array([factor_per_layer(row, n_layers, first_layer) for row in profiles])
    factors = factors[np.isfinite(factors)]
    return float(np.median(factors)) if factors.size else float("nan")


def median_factor_near_output(profiles: np.ndarray, n_layers: int) -> float:
    """As `median_factor`, over the layers L - 12 .. L - 2, never below layer 5."""
    first = n_layers - LAYERS_LEFT_OUT_AT_THE_OUTPUT - LAYERS_NEAR_THE_OUTPUT
    return median_factor(profiles, n_layers, max(first, FIRST_LAYER))
