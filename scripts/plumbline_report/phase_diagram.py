# SPDX-License-Identifier: Apache-2.0
"""The phase diagram of mean-field theory: weight variance against bias variance.

Left of the critical line, chi_1 = 1, two inputs become alike and gradients vanish; right of it they
part and gradients explode. Each thin line joins nets of one depth scale xi_grad = -1 / ln(chi_1): over so
many layers the squared error signal falls, or grows, by a factor e.
Poole et al., NIPS 2016, arXiv:1606.05340; Schoenholz et al., ICLR 2017, arXiv:1611.01232.
`plumbline theory --plot` writes what is drawn here.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from plumbline_report.appearance import INK, STYLE
from plumbline_report.results import ResultsError

SCHEMA = "plumbline.phase_diagram"
# Okabe and Ito: told apart without colour vision.
ORDERED, CHAOTIC = "#0072b2", "#d55e00"
# Lines of up to so many layers are far enough apart to be written on at one height.
SPARSE = 12
LABEL_HEIGHTS = ((SPARSE, 0.5), (25, 0.62), (math.inf, 0.74))


@dataclass(frozen=True)
class PhaseDiagram:
    """Lines as (xi_grad, pieces), each piece an array (points, 2) of weight and bias variance."""

    activation: str
    point: tuple[float, float]
    most: tuple[float, float]
    lines: list[tuple[float, list[np.ndarray]]]

    def critical(self) -> list[np.ndarray]:
        """The pieces of the critical line."""
        return [piece for xi, pieces in self.lines if math.isinf(xi) for piece in pieces]


def read(path: str | Path) -> PhaseDiagram:
    """What the program wrote to `path`. Raises ResultsError if it is something else."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path}: cannot be read: {error}") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ResultsError(f"{path}: is no phase diagram of `plumbline theory`")
    lines = [(float(line["xi_grad"]), [np.array(piece, dtype=float) for piece in line["pieces"]])
             for line in data["lines"]]
    return PhaseDiagram(data["activation"], tuple(data["point"]), tuple(data["most"]), lines)


def draw(path: str | Path) -> Figure:
    """The figure of the diagram at `path`. Raises ResultsError if it cannot be drawn."""
    diagram = read(path)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.6), layout="constrained")
        axes = figure.add_subplot()
        axes.set(xlim=(0, diagram.most[0]), ylim=(0, diagram.most[1]),
                 xlabel=r"weight variance $\sigma_w^2$ (times fan-in)",
                 ylabel=r"bias variance $\sigma_b^2$")
        _sides(axes, diagram)
        for xi, pieces in diagram.lines:
            for piece in pieces:
                _line(axes, diagram, xi, piece)
        axes.plot(*diagram.point, marker="o", markersize=6, color=INK, clip_on=False, zorder=5)
        axes.set_title(f"{diagram.activation}: order and chaos\nthin lines: layers over which the "
                       "squared error signal falls (ordered) or grows (chaotic) by e",
                       loc="left", fontsize=9)
        return figure


def _sides(axes, diagram: PhaseDiagram):
    """Shades both sides of the critical line, where it is one line that rises."""
    width = diagram.most[0]
    for piece in diagram.critical():
        order = np.argsort(piece[:, 1])
        weight, bias = piece[order, 0], piece[order, 1]
        axes.fill_betweenx(bias, 0, weight, color=ORDERED, alpha=0.10, linewidth=0)
        axes.fill_betweenx(bias, weight, np.maximum(weight, width), color=CHAOTIC, alpha=0.10,
                           linewidth=0)
        middle = float(np.interp(0.55 * diagram.most[1], bias, weight))
        look = {"size": 10, "weight": "bold", "ha": "center", "va": "center", "zorder": 4,
                "bbox": {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1.5}}
        if middle > 0.1 * width:
            axes.text(middle / 2, 0.93 * diagram.most[1], "ordered: gradients vanish",
                      color=ORDERED, **look)
        if middle < 0.9 * width:
            axes.text((middle + width) / 2, 0.93 * diagram.most[1], "chaotic: gradients explode",
                      color=CHAOTIC, **look)


def _line(axes, diagram: PhaseDiagram, xi: float, piece: np.ndarray):
    if math.isinf(xi):
        axes.plot(piece[:, 0], piece[:, 1], color=INK, linewidth=2, zorder=3)
        return
    colour = ORDERED if xi > 0 else CHAOTIC
    axes.plot(piece[:, 0], piece[:, 1], color=colour, linewidth=0.9, zorder=2)
    _label(axes, diagram, xi, piece, colour)


def _label(axes, diagram: PhaseDiagram, xi: float, piece: np.ndarray, colour: str):
    """Writes the scale on the line, higher and beside it where lines are close to each other."""
    order = np.argsort(piece[:, 1])
    layers = abs(xi)
    height = next(share for most, share in LABEL_HEIGHTS if layers <= most) * diagram.most[1]
    if not piece[order[0], 1] <= height <= piece[order[-1], 1]:
        return
    at = float(np.interp(height, piece[order, 1], piece[order, 0]))
    if at < diagram.most[0]:
        beside = "right" if xi > 0 else "left"
        axes.text(at, height, f"{layers:g}", size=7, color=colour, va="center", zorder=4,
                  ha="center" if layers <= SPARSE else beside,
                  bbox={"facecolor": "white", "linewidth": 0, "pad": 0.8})
