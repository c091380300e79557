# SPDX-License-Identifier: Apache-2.0
"""Error signal and gradient norm by layer before training, beside what theory says.

A column of panels for each combination of swept settings, over all seeds; depths are lines of one
panel. Files without gradient_norm have panels of the error signal alone. The theory's band holds the
error signal of 95 % of the random nets of this width. The median of narrow nets lies below the dashed
line, which is the root mean square over nets.
"""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator

from plumbline_report.appearance import (FAINT_INK, GRID, STYLE, THEORY_COLOUR, THEORY_DASHES,
                                         depth_colours)
from plumbline_report.facets import caption, facets, of_seeds
from plumbline_report.layer_profiles import (QUANTITIES, before_training, in_order, layer_curve,
                                             select)
from plumbline_report.results import open_results
from plumbline_report.ticks import decade_ticks, layer_ticks

VARIABLES = ["depth", "seed", "n_layers", "error_signal", "theory_error_signal",
             "theory_error_signal_low", "theory_error_signal_high"]
MOST_FACETS, COLUMNS = 12, 4
# Inches.
PANEL_HEIGHT, HEAD, WIDTH = 1.75, 1.0, 10.0
# Panels never span fewer decades than this, so that flat looks flat.
FEWEST_DECADES = 2.0


def draw(path: str | Path) -> Figure:
    """The figure of the results file at `path`. Raises ResultsError if it cannot be drawn."""
    results = open_results(path, VARIABLES, where_there=list(QUANTITIES))
    runs = before_training(results)
    quantities = [name for name in QUANTITIES if name in runs]
    cells = facets(results, runs, {"seed", "depth"}, MOST_FACETS)
    columns = min(len(cells), COLUMNS)
    blocks, tall = -(-len(cells) // columns), len(quantities)
    colours = depth_colours(sorted(in_order(runs["depth"])))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEAD + tall * blocks * PANEL_HEIGHT), layout="constrained")
        grid = figure.subplots(tall * blocks, columns, squeeze=False)
        for place in range(blocks * columns):
            block, column = divmod(place, columns)
            panels = grid[tall * block: tall * (block + 1), column]
            if place >= len(cells):
                for axes in panels:
                    axes.remove()
                continue
            panels[0].set_title(cells[place].heading(columns), size=9, weight="bold")
            panels[-1].set_xlabel("layer (1 = input side)")
            for axes, quantity in zip(panels, quantities):
                _profiles(axes, cells[place].runs, quantity, colours)
                low, high = _limits(runs, quantity)
                axes.set_ylim(10.0**low, 10.0**high)
                axes.yaxis.set_major_locator(FixedLocator(decade_ticks((low, high))))
                axes.tick_params(labelleft=column == 0, labelbottom=axes is panels[-1])
                if column == 0:
                    axes.set_ylabel(QUANTITIES[quantity])
        _legend(figure, colours)
        figure.supxlabel(
            caption(results, runs, f"Lines: {of_seeds(runs)}, before training; bands: "
                    "quartiles, and where theory has 95 % of all nets."),
            x=0.01, ha="left", size=7.5, color=FAINT_INK)
        return figure


def _profiles(axes, runs, quantity: str, colours: dict[int, str]):
    for depth in sorted(in_order(runs["depth"])):
        of_depth = select(runs, depth=depth)
        curve = layer_curve(of_depth, quantity)
        axes.fill_between(curve.layers, curve.low, curve.high, color=colours[depth], alpha=0.3,
                          linewidth=0, zorder=2)
        axes.plot(curve.layers, curve.median, color=colours[depth], linewidth=1.8, zorder=3)
        if quantity == "error_signal":
            _theory(axes, of_depth)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(layer_ticks(int(runs["n_layers"].values.max()))))
    axes.grid(axis="y", color=GRID, linewidth=0.6)


def _theory(axes, runs):
    theory, low, high = (layer_curve(runs, f"theory_error_signal{end}")
                         for end in ("", "_low", "_high"))
    axes.fill_between(theory.layers, low.median, high.median, color=THEORY_COLOUR, alpha=0.16,
                      linewidth=0, zorder=1)
    axes.plot(theory.layers, theory.median, color=THEORY_COLOUR, linewidth=1.3,
              linestyle=THEORY_DASHES, zorder=4)


def _limits(runs, quantity: str) -> tuple[float, float]:
    """The decades of all panels of a quantity; with the theory's band where it has one."""
    decades = [np.log10(values[values > 0]) for values in (
        runs[name].values for name in runs if name == quantity
        or quantity == "error_signal" and name.startswith("theory_"))]
    decades = np.concatenate([part[np.isfinite(part)] for part in decades])
    if decades.size == 0:
        return -FEWEST_DECADES, 0.0
    low, high = decades.min(), decades.max()
    room = 0.05 * (high - low) + max(0.0, FEWEST_DECADES - (high - low)) / 2
    return low - room, high + room


def _legend(figure: Figure, colours: dict[int, str]):
    handles = [Line2D([], [], color=colour, linewidth=2.2, label=f"{depth} hidden layers")
               for depth, colour in colours.items()]
    handles += [Line2D([], [], color=THEORY_COLOUR, linewidth=1.4, linestyle=THEORY_DASHES,
                       label="mean-field theory"),
                Patch(color=THEORY_COLOUR, alpha=0.16, linewidth=0, label="its 95 % band")]
    figure.legend(handles=handles, ncols=min(len(handles), 6), frameon=False,
                  loc="outside upper left", fontsize=8)
