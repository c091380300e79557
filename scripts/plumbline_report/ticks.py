# SPDX-License-Identifier: Apache-2.0
"""Where the axes of layers and of powers of ten are numbered."""

import numpy as np


def decade_ticks(limits: tuple[float, float]) -> list[float]:
    """Four or so powers of ten within `limits`, equally far apart, counted from 10^0."""
    low, high = int(np.ceil(limits[0])), int(np.floor(limits[1]))
    stride = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200) if (high - low) / s <= 4.5)
    return [10.0**e for e in range(low, high + 1) if e % stride == 0]


def layer_ticks(n_layers: int) -> list[int]:
    """Layer 1 and four or so round numbers up to `n_layers`."""
    stride = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, n_layers)
                  if n_layers / s <= 4.5)
    return sorted({1, *range(stride, n_layers + 1, stride)})
