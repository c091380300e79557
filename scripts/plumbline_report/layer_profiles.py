# SPDX-License-Identifier: Apache-2.0
"""What a quantity is in each layer at step 0, over the seeds of one kind of net.

`quartiles` does the same for the places of any axis.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from plumbline_report.results import Results, ResultsError

QUANTITIES = {"error_signal": r"error signal  $\|\partial L\,/\,\partial z\|$",
              "gradient_norm": r"weight gradient  $\|\partial L\,/\,\partial W\|$"}


@dataclass(frozen=True)
class Curve:
    """A quantity against the layers 1 .. n_layers over the seeds of one kind of net.

    layers, median, low, high: (n_layers,); low and high are the quartiles.
    """

    layers: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray


def before_training(results: Results) -> xr.Dataset:
    """The drawable runs, with error_signal, and gradient_norm if read, (run, layer) those of step 0.

    Raises ResultsError where step 0 was not recorded.
    """
    runs = results.drawable("error_signal")
    if 0 not in runs["step"].values:
        raise ResultsError(f"{results.path}: error_signal was not recorded at step 0")
    start = runs.sel(step=0, drop=True)
    return runs.assign({name: start[name] for name in QUANTITIES if name in runs})


def select(runs: xr.Dataset, **settings) -> xr.Dataset:
    """The runs in which each named setting has the given value."""
    keep = np.ones(runs.sizes["run"], dtype=bool)
    for name, value in settings.items():
        keep &= runs[name].values == value
    return runs.isel(run=np.flatnonzero(keep))


def layer_curve(runs: xr.Dataset, quantity: str) -> Curve | None:
    """Median and quartiles of `quantity` over `runs`, all of one depth; None without runs.

    The NaN that pads ragged depths lies beyond n_layers and is never read. Zeros, which is what
    underflow leaves, have no place on a logarithmic axis and become NaN.
    """
    if runs.sizes["run"] == 0:
        return None
    n_layers = int(runs["n_layers"].values[0])
    low, median, high = quartiles(runs[quantity].values[:, :n_layers])
    return Curve(np.arange(1, n_layers + 1), median, low, high)


def quartiles(values: np.ndarray) -> np.ndarray:
    """Quartile, median and quartile (3, place) of `values` (run, place) that are above zero."""
    values = np.where(values > 0, values, np.nan)
    seen = np.isfinite(values).any(axis=0)
    found = np.full((3, values.shape[1]), np.nan)
    found[:, seen] = np.nanpercentile(values[:, seen], [25, 50, 75], axis=0)
    return found


def in_order(variable: xr.DataArray) -> list:
    """The distinct values of a setting, in the order in which the runs bring them."""
    return list(dict.fromkeys(variable.values.tolist()))
