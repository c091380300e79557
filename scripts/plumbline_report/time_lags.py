# SPDX-License-Identifier: Apache-2.0
"""How far back in time gradients reach in recurrent nets, before training and after it.

|dL/dh_{T-lag}| against the lag, as the probe state_gradient measures it: a line for each combination
of swept settings, a panel for the first and one for the last step that was recorded.
Pascanu, Mikolov & Bengio, ICML 2013, arXiv:1211.5063.
"""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from plumbline_report.appearance import CATEGORY_COLOURS, FAINT_INK, GRID, STYLE
from plumbline_report.facets import caption, facets, of_seeds
from plumbline_report.layer_profiles import quartiles
from plumbline_report.results import open_results

QUANTITY = "state_gradient"
DASHES = ("-", (0, (5, 1.6)), (0, (1.4, 1.2)), (0, (5, 1.4, 1.2, 1.4)), "-", (0, (5, 1.6)))


def draw(path: str | Path) -> Figure:
    """The figure of the results file at `path`. Raises ResultsError if it cannot be drawn."""
    results = open_results(path, ["seed", QUANTITY])
    runs = results.drawable(QUANTITY)
    lines = facets(results, runs, {"seed"}, len(CATEGORY_COLOURS))
    recorded = runs["step"].values[np.isfinite(runs[QUANTITY].values).any(axis=(0, 2))]
    steps = list(dict.fromkeys([int(recorded[0]), int(recorded[-1])]))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10, 4.2), layout="constrained")
        panels = figure.subplots(1, len(steps), sharey=True, squeeze=False)[0]
        for axes, step in zip(panels, steps):
            for line, colour, dashes in zip(lines, CATEGORY_COLOURS, DASHES):
                _line(axes, line.runs.sel(step=step), line.title or QUANTITY, colour, dashes)
            axes.set_title("before training" if step == 0 else f"after {step} updates", size=9.5,
                           weight="bold")
            axes.set_yscale("log")
            axes.set_xlim(0, int(runs["lag"].values[-1]))
            axes.set_xlabel("time lag from the last step, in steps")
            axes.grid(axis="y", color=GRID, linewidth=0.6)
        panels[0].set_ylabel(r"gradient in the state  $\|\partial L\,/\,\partial h_{T-\mathrm{lag}}\|$")
        figure.legend(*panels[0].get_legend_handles_labels(), ncols=len(lines), frameon=False,
                      loc="outside upper left", fontsize=9, handlelength=3)
        figure.supxlabel(caption(results, runs, f"Lines: {of_seeds(runs)}; bands: quartiles."),
                         x=0.01, ha="left", size=7.5, color=FAINT_INK)
        return figure


def _line(axes, runs, name: str, colour: str, dashes):
    low, median, high = quartiles(runs[QUANTITY].values)
    lags = runs["lag"].values
    axes.fill_between(lags, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(lags, median, color=colour, linewidth=2, linestyle=dashes, label=name)
