# SPDX-License-Identifier: Apache-2.0
"""A quantity of each layer as training goes on: layer against step, its logarithm as colour.

A panel for each combination of swept settings, the median over its seeds. Every step at which the
quantity was recorded is one column, which reaches half way to its neighbours.
"""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator

from plumbline_report.appearance import FAINT_INK, FRAME, STYLE
from plumbline_report.facets import caption, facets, of_seeds
from plumbline_report.layer_profiles import QUANTITIES
from plumbline_report.results import ResultsError, open_results
from plumbline_report.step_axis import scale_steps, step_edges
from plumbline_report.ticks import layer_ticks

QUANTITY = "error_signal"
MOST_FACETS, COLUMNS = 12, 4
# Told apart without colour vision, and light where much arrives.
COLOURS = "viridis"
# Inches.
PANEL_HEIGHT, HEAD, WIDTH = 2.5, 0.9, 10.0
FEWEST_DECADES = 1.0


def draw(path: str | Path, quantity: str = QUANTITY) -> Figure:
    """The figure of the results file at `path`. Raises ResultsError if it cannot be drawn."""
    results = open_results(path, ["seed", "n_layers", quantity])
    if results.sweep[quantity].dims != ("run", "step", "layer"):
        raise ResultsError(f"{path}: {quantity} is not over steps and layers")
    runs = results.drawable(quantity)
    cells = facets(results, runs, {"seed"}, MOST_FACETS)
    images = [image(cell.runs, quantity) for cell in cells]
    if any((values < 0).any() for _, values in images):
        raise ResultsError(f"{path}: {quantity} has values below 0, which have no logarithm")
    columns = min(len(cells), COLUMNS)
    rows = -(-len(cells) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEAD + rows * PANEL_HEIGHT), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False)
        colours = matplotlib.colormaps[COLOURS].with_extremes(bad=(0, 0, 0, 0))
        norm = _range([values for _, values in images])
        for axes, cell, (steps, values) in zip(grid.flat, cells, images):
            drawn = _panel(axes, steps, values, norm, colours)
            axes.set_title(cell.heading(columns), size=9, weight="bold")
        for axes in grid.flat[len(cells):]:
            axes.remove()
        for axes in grid[:, 0]:
            axes.set_ylabel("layer (1 = input side)")
        name = QUANTITIES.get(quantity, quantity.replace("_", " "))
        figure.colorbar(drawn, ax=grid.ravel().tolist()[:len(cells)], pad=0.01, aspect=30,
                        label=r"$\log_{10}$ of the " + name)
        if any((values == 0).any() for _, values in images):
            figure.legend(handles=[Patch(color=FRAME, label="zero in most runs (underflow)")],
                          loc="outside upper right", frameon=False, fontsize=8)
        figure.supxlabel(caption(results, runs, f"Colour: {of_seeds(runs)}."), x=0.01,
                         ha="left", size=7.5, color=FAINT_INK)
        return figure


def image(runs, quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """The steps (column,) at which `quantity` was recorded, and its median (column, layer).

    NaN where no run has a finite value; layers that none of the runs has are left out.
    """
    values = runs[quantity].values[..., :int(runs["n_layers"].values.max())]
    values = np.where(np.isfinite(values), values, np.nan)
    seen = np.isfinite(values).any(axis=0)
    median = np.full(values.shape[1:], np.nan)
    median[seen] = np.nanmedian(values[:, seen], axis=0)
    recorded = seen.any(axis=1)
    return runs["step"].values[recorded], median[recorded]


def _range(images: list[np.ndarray]) -> Normalize:
    positive = np.concatenate([values[values > 0] for values in images])
    if positive.size == 0:
        return Normalize(-FEWEST_DECADES, 0)
    low, high = np.log10(positive.min()), np.log10(positive.max())
    room = max(0.0, FEWEST_DECADES - (high - low)) / 2
    return Normalize(low - room, high + room)


def _panel(axes, steps, values, norm: Normalize, colours):
    layers = values.shape[1]
    column_edges, layer_edges = step_edges(steps), np.arange(layers + 1) + 0.5
    if (values == 0).any():
        axes.pcolormesh(column_edges, layer_edges, np.ma.masked_where(values.T != 0, values.T),
                        cmap=matplotlib.colors.ListedColormap([FRAME]), rasterized=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        decades = np.ma.masked_invalid(np.log10(values.T))
    drawn = axes.pcolormesh(column_edges, layer_edges, decades, norm=norm, cmap=colours,
                            rasterized=True)
    scale_steps(axes, steps)
    axes.set_xlim(column_edges[0], column_edges[-1])
    axes.set_xlabel("update step")
    axes.yaxis.set_major_locator(FixedLocator(layer_ticks(layers)))
    axes.set_ylim(0.5, layers + 0.5)
    return drawn
