# SPDX-License-Identifier: Apache-2.0
"""How deep nets train: depth against weight variance, and 6 xi_c of mean-field theory over it.

Colour is the accuracy on the training examples after the last update. After 6 xi_c layers two inputs
are either alike or have lost what they had in common: nothing is left to be learned from.
Schoenholz, Gilmer, Ganguli & Sohl-Dickstein, ICLR 2017, arXiv:1611.01232, figure 5.
xi_c comes from `plumbline theory`: $PLUMBLINE_PROGRAM, or build/release/plumbline.
"""

import json
import os
import subprocess
from pathlib import Path

import matplotlib
import numpy as np
import xarray as xr
from matplotlib import patheffects
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from plumbline_report.appearance import (FAINT_INK, INK, SHARES, STYLE, THEORY_COLOUR,
                                         THEORY_DASHES)
from plumbline_report.facets import Facet, caption, facets, of_seeds
from plumbline_report.results import DIVERGED, ResultsError, open_results

ROOT = Path(__file__).resolve().parents[2]
ACCURACY = "final_train_accuracy"
VARIABLES = ["depth", "seed", "activation", "weight_variance", "bias_variance", "status", ACCURACY]
MOST_FACETS, COLUMNS = 6, 3
SCALES_A_NET_TRAINS_OVER = 6
POINTS_OF_A_CURVE = 61
MOST_TICKS_ACROSS, MOST_TICKS_UP = 30, 20
# Inches.
LONE_WIDTH, WIDTH, PANEL_HEIGHT, HEAD = 7.2, 10.0, 3.9, 0.7


def draw(path: str | Path) -> Figure:
    """The figure of the results file at `path`.

    Raises ResultsError if it cannot be drawn, also where the program cannot be asked.
    """
    results = open_results(path, VARIABLES)
    runs = results.drawable("depth")  # with the diverged ones: they did not train
    cells = facets(results, runs, {"seed", "depth", "weight_variance"}, MOST_FACETS)
    columns = min(len(cells), COLUMNS)
    rows = -(-len(cells) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(LONE_WIDTH if columns == 1 else WIDTH, HEAD + rows * PANEL_HEIGHT),
                        layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, cell in zip(grid.flat, cells):
            drawn = _panel(axes, cell, columns)
        for axes in grid.flat[len(cells):]:
            axes.remove()
        for axes in grid[:, 0]:
            axes.set_ylabel("hidden layers")
        figure.colorbar(drawn, ax=grid.ravel().tolist()[:len(cells)], pad=0.015, aspect=30,
                        label="accuracy on training examples after the last update")
        figure.legend(handles=_keys(bool((runs["status"] == DIVERGED).any())), loc="outside upper left",
                      ncols=2, frameon=False, fontsize=8.5, handlelength=3)
        figure.supxlabel(caption(results, runs, f"Colour: {of_seeds(runs)}."), x=0.01, ha="left",
                         size=7.5, color=FAINT_INK)
        return figure


def trained(runs: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight variances (column,), depths (row,) and the median accuracy (row, column).

    Of an even number of runs the lower of the middle two; NaN where there is no run, -inf where half
    of the runs, or more, diverged.
    """
    weights, depths = np.unique(runs["weight_variance"]), np.unique(runs["depth"])
    accuracy = np.where(runs["status"] == DIVERGED, -np.inf, runs[ACCURACY])
    found = np.full((len(depths), len(weights)), np.nan)
    for row, depth in enumerate(depths):
        for column, weight in enumerate(weights):
            of_cell = accuracy[(runs["depth"] == depth) & (runs["weight_variance"] == weight)]
            if of_cell.size:
                found[row, column] = np.percentile(of_cell, 50, method="lower")
    return weights, depths, found


def xi_c(activation: str, weight_variance: float, bias_variance: float) -> float:
    """What `plumbline theory` says of one point: infinite when critical, NaN when undefined."""
    program = ROOT / os.environ.get("PLUMBLINE_PROGRAM", "build/release/plumbline")
    words = [program, "theory", f"activation={activation}", f"weight_variance={weight_variance!r}",
             f"bias_variance={bias_variance!r}", "--json"]
    try:
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        scale = json.loads(said)["xi_c"]
    except subprocess.CalledProcessError as error:
        raise ResultsError(f"{program}: does not tell xi_c: {error.stderr.strip()}") from error
    except (OSError, ValueError, KeyError) as error:
        raise ResultsError(f"{program}: does not tell xi_c: {error}") from error
    return float("nan") if scale is None else float(scale)


def _panel(axes, cell: Facet, columns: int):
    weights, depths, accuracy = trained(cell.runs)
    across, up = _edges(weights), _edges(depths)
    drawn = axes.pcolormesh(across, up, np.ma.masked_invalid(accuracy), cmap=SHARES, vmin=0, vmax=1,
                            rasterized=True)
    row, column = np.nonzero(np.isneginf(accuracy))
    axes.plot(weights[column], depths[row], linestyle="none", marker="x", markersize=5,
              color=FAINT_INK)
    curve = np.linspace(across[0], across[-1], POINTS_OF_A_CURVE)
    activation = str(cell.runs["activation"].values[0])
    bias_variance = float(cell.runs["bias_variance"].values[0])
    bound = [SCALES_A_NET_TRAINS_OVER * xi_c(activation, float(weight), bias_variance)
             for weight in curve]
    axes.plot(curve, bound, color=THEORY_COLOUR, linewidth=2, linestyle=THEORY_DASHES,
              path_effects=[patheffects.Stroke(linewidth=3.6, foreground="white"),
                            patheffects.Normal()])
    # A cell is wider than the one value that its runs have, which the ticks tell.
    axes.set_xticks(_apart(weights, across, MOST_TICKS_ACROSS // columns))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda weight, _: f"{weight:g}"))
    axes.set_yticks(_apart(depths, up, MOST_TICKS_UP))
    axes.set(xlim=(across[0], across[-1]), ylim=(up[0], up[-1]),
             xlabel=r"weight variance $\sigma_w^2$ (times fan-in)")
    axes.set_title(cell.title or rf"{activation}, bias variance $\sigma_b^2$ = {bias_variance:g}",
                   size=9, weight="bold", color=INK)
    return drawn


def _apart(values: np.ndarray, edges: np.ndarray, most: int) -> list[float]:
    """Those of ascending `values` that have room: none nearer to the one before than 1/most of the axis."""
    kept = [values[0]]
    for value in values[1:]:
        if value - kept[-1] >= (edges[-1] - edges[0]) / most:
            kept.append(value)
    return kept


def _edges(centres: np.ndarray) -> np.ndarray:
    """The edges of cells around ascending `centres`, midway between them."""
    if len(centres) == 1:
        return np.array([0.9 * centres[0], 1.1 * centres[0]])
    middles = (centres[1:] + centres[:-1]) / 2
    return np.array([max(0, 2 * centres[0] - middles[0]), *middles, 2 * centres[-1] - middles[-1]])


def _keys(any_diverged: bool) -> list[Line2D]:
    keys = [Line2D([], [], color=THEORY_COLOUR, linewidth=2, linestyle=THEORY_DASHES,
                   label=r"6 $\xi_c$ of mean-field theory: how deep differences of inputs reach")]
    if any_diverged:
        keys.append(Line2D([], [], color=FAINT_INK, linestyle="none", marker="x", markersize=5,
                           label="diverged"))
    return keys
