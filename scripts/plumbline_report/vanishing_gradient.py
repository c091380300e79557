# SPDX-License-Identifier: Apache-2.0
"""The flagship figure: how far gradients reach in nets that have not been trained.

A row an activation; for each initializer two panels side by side, over the same layers of the
same nets and on the same axis: the error signal |dL/dz| and the weight gradient |dL/dW|. They
differ by the activations in between, dL/dW_l = a_{l-1}^T delta_l, so dL/dW can be flat over the
layers while the error signal vanishes: what errors lose backward, activations lose forward
(Glorot & Bengio 2010, equation 14). Below: what became of these nets in training.
"""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, PercentFormatter

from plumbline_report.appearance import (FAINT_INK, FRAME, GRID, STYLE, THEORY_COLOUR,
                                         THEORY_DASHES, depth_colours)
from plumbline_report.decay import median_factor, median_factor_near_output
from plumbline_report.layer_profiles import (QUANTITIES, before_training, in_order, layer_curve,
                                             select)
from plumbline_report.results import Results, open_results
from plumbline_report.step_axis import scale_steps
from plumbline_report.ticks import decade_ticks, layer_ticks

VARIABLES = ["depth", "width", "activation", "initializer", "seed", "n_layers",
             "error_signal", "gradient_norm", "theory_error_signal", "theory_error_signal_low",
             "theory_error_signal_high", "valid_accuracy"]
DRAWN_AXES = {"depth", "activation", "initializer"}

# Inches.
LEAST_WIDTH, LEFT, RIGHT = 10.0, 1.26, 0.19
BLOCK, GAP_BETWEEN_BLOCKS, GAP_BETWEEN_PANELS = 4.08, 0.36, 0.12
HEAD, BLOCK_TITLE, ROW, ROW_GAP = 0.86, 0.58, 1.26, 0.16
TRAINING_TITLE, TRAINING, FOOT, GAP_IN_TRAINING = 1.0, 0.92, 0.58, 0.24
MARGIN = 0.14

# A row never spans fewer decades than this, so that flat looks flat.
FEWEST_DECADES = 5.0
# A profile bends, and its factor near the output is told too, when the two differ by this share.
BENT = 0.05


def draw(path: str | Path) -> Figure:
    """The figure of the results file at `path`. Raises ResultsError if it cannot be drawn."""
    results = open_results(path, VARIABLES)
    runs = before_training(results)
    with matplotlib.rc_context(STYLE):
        return _Composition(results, runs).figure


class _Composition:
    """The figure while it is put together; places are inches from its left and top edge."""

    def __init__(self, results: Results, runs):
        self.runs = runs
        self.activations = in_order(runs["activation"])
        self.initializers = in_order(runs["initializer"])
        self.depths = sorted(in_order(runs["depth"]))
        self.colours = depth_colours(self.depths)
        self.evaluated = runs["step"].values[np.isfinite(runs["valid_accuracy"].values).any(axis=0)]

        gaps = GAP_BETWEEN_BLOCKS * (len(self.initializers) - 1)
        self.width = max(LEAST_WIDTH, LEFT + BLOCK * len(self.initializers) + gaps + RIGHT)
        self.block = (self.width - LEFT - RIGHT - gaps) / len(self.initializers)
        self.rows_top = HEAD + BLOCK_TITLE
        self.training_top = (self.rows_top + (ROW + ROW_GAP) * len(self.activations)
                             + TRAINING_TITLE - ROW_GAP)
        self.height = self.training_top + TRAINING + FOOT
        self.figure = Figure(figsize=(self.width, self.height))

        self._head()
        for column, initializer in enumerate(self.initializers):
            self._block_title(column, initializer)
        for row, activation in enumerate(self.activations):
            self._row(row, activation)
        self._training()
        self._text(MARGIN, self.height - MARGIN, _caption(results, runs), size=7.5,
                   color=FAINT_INK, va="bottom")

    def _text(self, left, top, text, **look):
        self.figure.text(left / self.width, 1 - top / self.height, text, **look)

    def _axes(self, left, top, width, height):
        return self.figure.add_axes((left / self.width, 1 - (top + height) / self.height,
                                     width / self.width, height / self.height))

    def _block_left(self, column):
        return LEFT + column * (self.block + GAP_BETWEEN_BLOCKS)

    def _head(self):
        self._text(MARGIN, MARGIN, "How far gradients reach before training", size=14.5,
                   weight="bold", va="top")
        self._text(MARGIN, MARGIN + 0.34,
                   "Where activations shrink forward as errors shrink backward, their product, "
                   "the weight gradient, looks flat while the error signal vanishes.",
                   size=8.5, color=FAINT_INK, va="top")
        depth_lines = [Line2D([], [], color=self.colours[depth], linewidth=2.6, label=str(depth))
                       for depth in self.depths]
        theory = Line2D([], [], color=THEORY_COLOUR, linewidth=1.4, linestyle=THEORY_DASHES,
                        label=f"mean-field theory, {self.depths[-1]}")
        title = Line2D([], [], linestyle="none", label="hidden layers")
        legend = self.figure.legend(
            handles=[title, *depth_lines, theory], ncols=len(depth_lines) + 2, frameon=False,
            loc="upper right", bbox_to_anchor=(1 - RIGHT / self.width, 1 - 0.12 / self.height),
            borderpad=0, borderaxespad=0, fontsize=8, handlelength=1.7, columnspacing=0.9,
            handletextpad=0.4)
        legend.legend_handles[0].set_visible(False)

    def _block_title(self, column, initializer):
        left, top = self._block_left(column), HEAD
        self._text(left + self.block / 2, top + 0.2, initializer, size=10.5, weight="bold",
                   ha="center", va="baseline")
        rule = 1 - (top + 0.28) / self.height
        self.figure.add_artist(Line2D(
            [left / self.width, (left + self.block) / self.width], [rule, rule],
            color=FRAME, linewidth=0.8))
        for half, text in enumerate(QUANTITIES.values()):
            centre = left + (1 + 2 * half) * self.block / 4
            self._text(centre, top + 0.46, text, size=8.5, ha="center", va="baseline")

    def _row(self, row, activation):
        of_row = select(self.runs, activation=activation)
        limits = _row_limits(of_row)
        top = self.rows_top + row * (ROW + ROW_GAP)
        self._text(MARGIN, top + ROW / 2, activation, size=10.5, weight="bold", va="center")
        last = row == len(self.activations) - 1
        for column, initializer in enumerate(self.initializers):
            cell = select(of_row, initializer=initializer)
            panel = (self.block - GAP_BETWEEN_PANELS) / 2
            for half, quantity in enumerate(QUANTITIES):
                left = self._block_left(column) + half * (panel + GAP_BETWEEN_PANELS)
                axes = self._axes(left, top, panel, ROW)
                self._profiles(axes, cell, quantity, limits)
                axes.tick_params(labelleft=column == 0 and half == 0, labelbottom=last)
                if last:
                    axes.set_xlabel("layer (1 = input side)", labelpad=2, size=8)

    def _profiles(self, axes, cell, quantity, limits):
        deepest = self.depths[-1]
        for depth in self.depths:
            curve = layer_curve(select(cell, depth=depth), quantity)
            if curve is None:
                continue
            axes.fill_between(curve.layers, curve.low, curve.high, color=self.colours[depth],
                              alpha=0.28, linewidth=0)
            axes.plot(curve.layers, curve.median, color=self.colours[depth],
                      linewidth=2.1 if depth == deepest else 1.2, zorder=2 + (depth == deepest))
        axes.set_yscale("log")
        axes.set_ylim(10.0 ** limits[0], 10.0 ** limits[1])
        axes.set_xlim(0, deepest + 2)
        axes.xaxis.set_major_locator(FixedLocator(layer_ticks(deepest + 1)))
        axes.yaxis.set_major_locator(FixedLocator(decade_ticks(limits)))
        axes.minorticks_off()
        axes.grid(axis="y", color=GRID, linewidth=0.6)

        main = select(cell, depth=deepest)
        if main.sizes["run"] == 0:
            return
        if quantity == "error_signal":
            theory = layer_curve(main, "theory_error_signal")
            axes.plot(theory.layers, theory.median, color=THEORY_COLOUR, linewidth=1.3,
                      linestyle=THEORY_DASHES, zorder=4)
            low = layer_curve(main, "theory_error_signal_low").median
            high = layer_curve(main, "theory_error_signal_high").median
            axes.fill_between(theory.layers, low, high, color=THEORY_COLOUR, alpha=0.16,
                              linewidth=0, zorder=1)
        at_top = _ends_in_the_lower_half(layer_curve(main, quantity).median, limits)
        lines = _factors(main, quantity, self.colours[deepest])
        for index, (text, look) in enumerate(lines if at_top else reversed(lines)):
            axes.text(0.98, 0.95 - 0.15 * index if at_top else 0.05 + 0.15 * index, text,
                      transform=axes.transAxes, ha="right", va="top" if at_top else "bottom",
                      zorder=5, **look)

    def _training(self):
        top = self.training_top
        self._text(MARGIN, top - 0.3, "The same nets in training", size=10.5, weight="bold",
                   va="baseline")
        self._text(MARGIN + 2.34, top - 0.3, "median validation accuracy against step",
                   size=8.5, va="baseline")
        for column, initializer in enumerate(self.initializers):
            panel = (self.block + GAP_IN_TRAINING) / len(self.activations)
            for index, activation in enumerate(self.activations):
                axes = self._axes(self._block_left(column) + index * panel, top,
                                  panel - GAP_IN_TRAINING, TRAINING)
                cell = select(self.runs, activation=activation, initializer=initializer)
                self._accuracy(axes, cell)
                axes.tick_params(labelleft=column == 0 and index == 0, labelsize=7)
                axes.set_title(activation, size=8, pad=3)

    def _accuracy(self, axes, cell):
        for depth in self.depths:
            runs = select(cell, depth=depth)
            values = runs["valid_accuracy"].values
            seen = np.isfinite(values).any(axis=0)
            if seen.any():
                axes.plot(runs["step"].values[seen], np.nanmedian(values[:, seen], axis=0),
                          color=self.colours[depth],
                          linewidth=2.1 if depth == self.depths[-1] else 1.2)
        scale_steps(axes, self.evaluated)
        axes.set_ylim(0, 1.03)
        axes.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.minorticks_off()
        axes.grid(axis="y", color=GRID, linewidth=0.6)


def _factors(runs, quantity, colour) -> list[tuple[str, dict]]:
    """What a panel says about `quantity`: its factor a layer, measured and predicted."""
    n_layers = int(runs["n_layers"].values[0])
    measured = median_factor(runs[quantity].values, n_layers)
    if not np.isfinite(measured):
        return []
    lines = [(f"×{measured:.3f} a layer", {"color": colour, "size": 9, "weight": "bold"})]
    if quantity == "error_signal":
        settled = median_factor_near_output(runs[quantity].values, n_layers)
        if abs(settled / measured - 1) > BENT:
            lines.append((f"×{settled:.3f} near the output", {"color": colour, "size": 8}))
        predicted = median_factor(runs["theory_error_signal"].values, n_layers)
        if np.isfinite(predicted):
            lines.append((f"theory ×{predicted:.3f}", {"color": THEORY_COLOUR, "size": 8}))
    return lines


def _ends_in_the_lower_half(profile, limits) -> bool:
    """Whether the output half of `profile` lies low, so that its free room is above it."""
    finite = profile[np.isfinite(profile)]
    right_half = finite[len(finite) // 2:]
    return bool(right_half.size and np.log10(right_half.max()) < sum(limits) / 2)


def _row_limits(runs) -> tuple[float, float]:
    """The decades (low, high) of a row of panels, with room for text below the curves."""
    decades = []
    for quantity in (*QUANTITIES, "theory_error_signal"):
        values = runs[quantity].values
        decades.append(np.log10(values[values > 0]))
    decades = np.concatenate(decades)
    if decades.size == 0:
        return -FEWEST_DECADES, 0.0
    span = max(np.ptp(decades), FEWEST_DECADES)
    return decades.max() - 1.12 * span, decades.max() + 0.06 * span


def _caption(results: Results, runs) -> str:
    """How to read a line and a band, and where the numbers come from."""
    over = [axis for axis in results.sweep_axes if axis not in DRAWN_AXES] or ["seed"]
    n_seeds = len(in_order(runs["seed"]))
    seeds = "1 seed" if n_seeds == 1 else f"{n_seeds} seeds"
    pooled = " and ".join(seeds if axis == "seed" else axis for axis in over)
    widths = ", ".join(map(str, in_order(runs["width"])))
    commit = str(results.provenance.get("git_commit", "unknown"))
    return (f"Lines: median over {pooled}; bands: quartiles, and the theory's 95 %. × a layer: least "
            f"squares over layers 5 to L−2, towards the input. Width {widths}. "
            f"{results.share_of_runs(runs)}, commit {commit[:12]}.")
