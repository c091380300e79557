# SPDX-License-Identifier: Apache-2.0
"""Where error signals leave the range of float32, and what they are there in float64.

A panel for each activation and initializer: the error signal against the layers from the output, of the
deepest net of the sweep, in float32 as the run has it and in float64 as the probe `underflow` has it beside
(dashed). A layer is lost where more than half of the entries that are not 0 in float64 are 0 or subnormal in
float32. Below stands from which depth on gradients are lost: not the error signal alone may leave the range, but
also its product with activations that shrink as it does.
"""

from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from plumbline_report.appearance import (FAINT_INK, FRAME, INK, STYLE, THEORY_COLOUR,
                                         THEORY_DASHES)
from plumbline_report.layer_profiles import in_order, select
from plumbline_report.results import Results, ResultsError, open_results

QUANTITIES = ["error_signal", "shadow_error_signal", "error_signal_lost_share", "gradient_lost_share"]
VARIABLES = ["depth", "activation", "initializer", "seed", "n_layers", *QUANTITIES]
LOST = 0.5
LEAST_NORMAL, LEAST_SUBNORMAL = np.log10(2.0) * -126, np.log10(2.0) * -149


@dataclass(frozen=True)
class Loss:
    """What nets of one activation and initializer lose, in the median over seeds.

    layers      layers from the output, 0 for the output layer
    single      log10 of the error signal in float32, NaN where it is 0
    double      the same in float64
    lost_at     layers from the output at which the error signal is lost first; NaN where it is not
    magnitude   log10 of the error signal there in float64
    depth       hidden layers of the shallowest net in which a layer's gradient is lost; NaN for none
    """

    layers: np.ndarray
    single: np.ndarray
    double: np.ndarray
    lost_at: float
    magnitude: float
    depth: float

    def __str__(self) -> str:
        if np.isfinite(self.lost_at):
            layers = "1 layer" if self.lost_at == 1 else f"{self.lost_at:.0f} layers"
            signal = f"lost {layers} from the output,\nin float64 {_power(self.magnitude)}"
        else:
            signal = f"not lost in {self.layers[-1]} layers"
        if np.isfinite(self.depth):
            return f"{signal}\ngradients lost from depth {self.depth:.0f} on"
        return f"{signal}\nnor are gradients" if np.isnan(self.lost_at) else signal


def losses(results: Results) -> dict[tuple[str, str], Loss]:
    """By initializer and activation. Raises ResultsError where step 0 was not recorded."""
    runs = results.drawable("shadow_error_signal")
    if 0 not in runs["step"].values:
        raise ResultsError(f"{results.path}: the probes were not called at step 0")
    start = runs.sel(step=0, drop=True)
    cells = {(initializer, activation): select(start, initializer=initializer, activation=activation)
             for initializer in in_order(start["initializer"])
             for activation in in_order(start["activation"])}
    return {kind: _loss(cell) for kind, cell in cells.items() if cell.sizes["run"] > 0}


def draw(path: str | Path) -> Figure:
    """The figure of the results file at `path`. Raises ResultsError if it cannot be drawn."""
    results = open_results(path, VARIABLES)
    found = losses(results)
    initializers = list(dict.fromkeys(kind[0] for kind in found))
    activations = list(dict.fromkeys(kind[1] for kind in found))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(max(10, 1.9 * len(activations)), 0.9 + 2.3 * len(initializers)),
                        layout="constrained")
        grid = figure.subplots(len(initializers), len(activations), sharex=True, sharey=True,
                               squeeze=False)
        for row, initializer in enumerate(initializers):
            for column, activation in enumerate(activations):
                _panel(grid[row, column], found.get((initializer, activation)))
                if row == 0:
                    grid[row, column].set_title(activation, size=9.5, weight="bold")
            grid[row, 0].set_ylabel(f"{initializer}\n" + r"$\log_{10}\|\partial L\,/\,\partial z\|$")
        for axes in grid[-1]:
            axes.set_xlabel("layers from the output")
        figure.suptitle("Where error signals leave the range of float32", size=12, weight="bold",
                        x=0.01, ha="left")
        figure.legend(handles=[
            Line2D([], [], color=INK, linewidth=2, label="float32"),
            Line2D([], [], color=THEORY_COLOUR, linestyle=THEORY_DASHES, label="the same step in float64"),
            Patch(color=FRAME, alpha=0.4, label="subnormal in float32")],
            ncols=3, frameon=False, loc="upper right")
        return figure


def _loss(cell) -> Loss:
    counts = cell["n_layers"].values
    of_run = [{name: cell[name].values[run, :counts[run]][::-1] for name in QUANTITIES}
              for run in range(len(counts))]
    deepest = [run for run, n in zip(of_run, counts) if n == counts.max()]
    middle = {name: np.nanmedian(_filled(deepest, name), axis=0) for name in QUANTITIES}
    lost = np.flatnonzero(middle["error_signal_lost_share"] > LOST)
    double = _logarithm(middle["shadow_error_signal"])
    at_depth = {int(depth): [run["gradient_lost_share"] for run, of in
                             zip(of_run, cell["depth"].values) if of == depth]
                for depth in cell["depth"].values}
    dead = [depth for depth, shares in at_depth.items()
            if np.median([np.any(share > LOST) for share in shares]) > 0.5]
    return Loss(np.arange(counts.max()), _logarithm(middle["error_signal"]), double,
                float(lost[0]) if lost.size else np.nan, double[lost[0]] if lost.size else np.nan,
                float(min(dead)) if dead else np.nan)


def _filled(runs: list[dict], name: str) -> np.ndarray:
    """Of these runs; a share of nothing, as of a layer that is 0 in float64 too, counts as 0."""
    values = np.array([run[name] for run in runs])
    return np.nan_to_num(values) if name.endswith("share") else values


def _logarithm(values: np.ndarray) -> np.ndarray:
    return np.log10(np.where(values > 0, values, np.nan))


def _power(logarithm: float) -> str:
    return f"$10^{{{round(logarithm)}}}$"


def _panel(axes, loss: Loss | None):
    axes.axhspan(LEAST_SUBNORMAL, LEAST_NORMAL, color=FRAME, alpha=0.4, linewidth=0, zorder=0)
    if loss is None:
        return
    axes.plot(loss.layers, loss.single, color=INK, linewidth=2.4, zorder=3)
    axes.plot(loss.layers, loss.double, color=THEORY_COLOUR, linestyle=THEORY_DASHES, linewidth=1.2,
              zorder=4)
    if np.isfinite(loss.lost_at):
        axes.axvline(loss.lost_at, color=FAINT_INK, linewidth=0.8, linestyle=":", zorder=2)
    said = axes.text(0.03, 0.03, str(loss), transform=axes.transAxes, size=6.6, va="bottom", zorder=5,
                     bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1})
    # Panels are equally wide, whatever stands in them.
    said.set_in_layout(False)
