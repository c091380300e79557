# SPDX-License-Identifier: Apache-2.0
"""Writing a figure so that the same data gives the same bytes.

Matplotlib would put the date into an SVG and salt its element ids at random; both are fixed
here. Text becomes paths, so that a page shows the same letters on every machine.
"""

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

DETERMINISTIC = {"svg.hashsalt": "plumbline", "svg.fonttype": "path"}
PNG_DOTS_PER_INCH = 200


def write_figure(figure: Figure, prefix: str | Path) -> list[Path]:
    """Writes PREFIX.png and PREFIX.svg and returns the two paths.

    Creates the folder if it is missing. Raises OSError where the disk refuses.
    """
    png, svg = Path(f"{prefix}.png"), Path(f"{prefix}.svg")
    png.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(DETERMINISTIC):
        figure.savefig(png, dpi=PNG_DOTS_PER_INCH, metadata={"Software": None})
        figure.savefig(svg, metadata={"Date": None, "Creator": None})
    return [png, svg]
