# SPDX-License-Identifier: Apache-2.0
"""The phase diagram of mean-field theory: weight variance against bias variance.

On the ordered side of the critical line, chi_1 = 1, two inputs become alike and gradients vanish; on
the chaotic one they part and gradients explode. Each thin line joins nets of one depth scale
xi_grad = -1 / ln(chi_1): over so many layers the squared error signal falls, or grows, by a factor e.
Poole et al., NIPS 2016, arXiv:1606.05340; Schoenholz et al., ICLR 2017, arXiv:1611.01232.
A dashed line is where lengths jump to another fixed point, or to none, and chi_1 with them past 1.
`plumbline theory --plot` writes what is drawn here.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from plumbline_report.appearance import CATEGORY_COLOURS, FAINT_INK, INK, STYLE, THEORY_COLOUR
from plumbline_report.results import ResultsError

SCHEMA = "plumbline.phase_diagram"
ORDERED, CHAOTIC = CATEGORY_COLOURS[0], THEORY_COLOUR
# Shares of the height shown: where lines of up to so many layers are written on if there is room, and
# where else.
LABEL_HEIGHTS = ((12, 0.5), (25, 0.62), (math.inf, 0.74))
OTHER_HEIGHTS = np.linspace(0.1, 0.9, 33)
# Share of the width shown: the room that a label needs on both sides.
ROOM = 0.018
POINTS_BETWEEN = 20
JUMPS = "\n" r"Dashed line: lengths, and $\chi_1$ with them, jump from one side to the other."


@dataclass(frozen=True)
class PhaseDiagram:
    """Lines as (xi_grad, pieces), each piece an array (points, 2) of weight and bias variance, as in jumps.

    weights (column,), biases (row,) and chi_1 (row, column) are the plane with its two sides.
    """

    activation: str
    point: tuple[float, float]
    most: tuple[float, float]
    lines: list[tuple[float, list[np.ndarray]]]
    jumps: list[np.ndarray]
    weights: np.ndarray
    biases: np.ndarray
    chi_1: np.ndarray

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
    lines = [(float(line["xi_grad"]), _pieces(line["pieces"])) for line in data["lines"]]
    plane = [np.array(data["plane"][name], dtype=float)
             for name in ("weight_variances", "bias_variances", "chi_1")]
    return PhaseDiagram(data["activation"], tuple(data["point"]), tuple(data["most"]), lines,
                        _pieces(data["jumps"]), *plane)


def _pieces(lists) -> list[np.ndarray]:
    return [np.array(piece, dtype=float) for piece in lists]


def draw(path: str | Path) -> Figure:
    """The figure of the diagram at `path`. Raises ResultsError if it cannot be drawn."""
    diagram = read(path)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.8), layout="constrained")
        axes = figure.add_subplot()
        axes.set(xlim=(0, diagram.most[0]), ylim=(0, diagram.most[1]),
                 xlabel=r"weight variance $\sigma_w^2$ (times fan-in)",
                 ylabel=r"bias variance $\sigma_b^2$")
        _sides(axes, diagram)
        lines = [(xi, stretch) for xi, pieces in diagram.lines for piece in pieces
                 for stretch in _stretches(piece, diagram)]
        for xi, pieces in diagram.lines:
            for piece in pieces:
                _line(axes, xi, piece)
        for piece in diagram.jumps:
            axes.plot(piece[:, 0], piece[:, 1], color=INK, linewidth=1.6, linestyle=(0, (3, 1.5)), zorder=3)
        for xi, line in lines:
            if math.isfinite(xi):
                _label(axes, diagram, xi, line, [other for _, other in lines if other is not line])
        axes.plot(*diagram.point, marker="o", markersize=6.5, color=INK, markeredgecolor="white",
                  clip_on=False, zorder=5)
        figure.suptitle(f"{diagram.activation}: order and chaos", x=0.01, ha="left", fontsize=11,
                        weight="bold")
        figure.supxlabel(r"Thick line: critical, $\chi_1$ = 1. Thin lines: layers over which the squared "
                         "error signal falls (ordered) or grows (chaotic) by e."
                         + (JUMPS if diagram.jumps else ""),
                         x=0.01, ha="left", size=7.5, color=FAINT_INK)
        return figure


def _sides(axes, diagram: PhaseDiagram):
    """Shades both sides, and names above the axes those that there are."""
    axes.contourf(diagram.weights, diagram.biases, diagram.chi_1, levels=[-1, 1, math.inf],
                  colors=[ORDERED, CHAOTIC], alpha=0.10)
    above = {"transform": axes.transAxes, "size": 10, "weight": "bold", "va": "bottom"}
    if diagram.chi_1.min() < 1:
        axes.text(0, 1.02, "ordered: gradients vanish", color=ORDERED, ha="left", **above)
    if diagram.chi_1.max() > 1:
        axes.text(1, 1.02, "chaotic: gradients explode", color=CHAOTIC, ha="right", **above)


def _stretches(piece: np.ndarray, diagram: PhaseDiagram) -> list[np.ndarray]:
    """What the figure shows of `piece`, with points close to each other: a line may leave it and come back."""
    corners = np.arange(len(piece))
    at = np.linspace(0, len(piece) - 1, POINTS_BETWEEN * (len(piece) - 1) + 1)
    dense = np.column_stack([np.interp(at, corners, piece[:, axis]) for axis in (0, 1)])
    seen = (dense <= diagram.most).all(axis=1)
    ends = np.flatnonzero(np.diff(seen)) + 1
    return [part for part, is_seen in zip(np.split(dense, ends), np.split(seen, ends))
            if is_seen[0] and len(part) > 1]


def _line(axes, xi: float, line: np.ndarray):
    critical = math.isinf(xi)
    axes.plot(line[:, 0], line[:, 1], color=INK if critical else _colour(xi),
              linewidth=2.2 if critical else 0.9, zorder=3 if critical else 2)


def _colour(xi: float) -> str:
    return ORDERED if xi > 0 else CHAOTIC


def _crossing(line: np.ndarray, height: float) -> int | None:
    """The first point of `line` beside `height`; none where it does not come there."""
    beside = np.flatnonzero((line[:-1, 1] - height) * (line[1:, 1] - height) <= 0)
    return int(beside[0]) if beside.size else None


def _room(line, others, height: float, width: float) -> float:
    """Distance to the next line at `height`, as a share of the width; negative off the line."""
    here = _crossing(line, height)
    if here is None:
        return -1.0
    beside = [(other, _crossing(other, height)) for other in others]
    return min((abs(other[at, 0] - line[here, 0]) / width for other, at in beside
                if at is not None), default=1.0)


def _label(axes, diagram: PhaseDiagram, xi: float, line: np.ndarray, others: list[np.ndarray]):
    """Writes the scale along the line, where others are not too close, or else beside it."""
    width, most = diagram.most
    usual = next(share for layers, share in LABEL_HEIGHTS if abs(xi) <= layers)
    height = most * usual
    room = _room(line, others, height, width)
    if room < ROOM:
        best = max(OTHER_HEIGHTS, key=lambda share: _room(line, others, share * most, width))
        found = _room(line, others, best * most, width)
        if found >= ROOM or room < 0 <= found:
            height, room = best * most, found
    at = _crossing(line, height)
    if at is None:
        return
    rise = (line[at + 1] - line[at]) * (1 if line[at + 1, 1] >= line[at, 1] else -1)
    beside = "center" if room >= ROOM else "bottom" if xi > 0 else "top"
    axes.text(line[at, 0], height, f"{abs(xi):g}", size=7, color=_colour(xi), zorder=4, ha="center",
              va=beside, rotation=math.degrees(math.atan2(rise[1], rise[0])), rotation_mode="anchor",
              transform_rotates_text=True,
              path_effects=[Stroke(linewidth=2.5, foreground="white"), Normal()])
