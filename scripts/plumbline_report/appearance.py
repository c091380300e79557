# SPDX-License-Identifier: Apache-2.0
"""The colours and type of all figures.

Meant to be read at 1000 pixels across, the width of a README: a figure is 10 inches wide, so a
point of type is 1.4 pixels there. Colours are told apart without colour vision: depth runs from
pale to dark in one hue, theory is vermilion (Okabe and Ito) and always dashed.
"""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_hex

INK, FAINT_INK, FRAME, GRID = "#1b1f24", "#59626d", "#9aa3ad", "#dfe3e8"
THEORY_COLOUR = "#d55e00"
THEORY_DASHES = (0, (4, 2.2))
# Okabe and Ito's, for lines that have no order.
CATEGORY_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#1b1f24")
_DEPTHS = LinearSegmentedColormap.from_list("depth", ["#b3d0ea", "#5b9bd0", "#0b3c6f"])
# Of a share from none to all, behind lines of theory.
SHARES = LinearSegmentedColormap.from_list("share", ["#f4f8fc", "#b3d0ea", "#5b9bd0", "#0b3c6f"])

STYLE = {
    "font.family": "DejaVu Sans", "font.size": 8.5, "mathtext.fontset": "dejavusans",
    "text.color": INK, "axes.edgecolor": FRAME, "axes.labelcolor": INK, "axes.linewidth": 0.7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "xtick.color": FAINT_INK, "ytick.color": FAINT_INK,
    "xtick.labelsize": 7.5, "ytick.labelsize": 7.5,
    "xtick.major.size": 2.5, "ytick.major.size": 2.5,
    "xtick.major.width": 0.7, "ytick.major.width": 0.7,
    "figure.facecolor": "white", "lines.solid_capstyle": "round",
}


def depth_colours(depths: list[int]) -> dict[int, str]:
    """A colour for each of the ascending `depths`; the deepest is the darkest."""
    shades = np.linspace(1, 0, len(depths))[::-1]
    return {depth: to_hex(_DEPTHS(shade)) for depth, shade in zip(depths, shades)}
