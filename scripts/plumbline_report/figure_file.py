# SPDX-License-Identifier: Apache-2.0
"""Writing a figure so that the same data gives the same bytes.

Matplotlib would put the date into an SVG and salt its element ids at random; both are fixed
here. Text becomes paths, so that a page shows the same letters on every machine.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

DETERMINISTIC = {"svg.hashsalt": "plumbline", "svg.fonttype": "path"}
PNG_DOTS_PER_INCH = 200
FORMATS = ("png", "svg")


def write_figure(figure: Figure, prefix: str | Path,
                 formats: Sequence[str] = FORMATS) -> list[Path]:
    """Writes PREFIX.png and PREFIX.svg, or those of `formats`, and returns the paths.

    Creates the folder if it is missing. Raises OSError where the disk refuses.
    """
    options = {"png": {"dpi": PNG_DOTS_PER_INCH, "metadata": {"Software": None}},
               "svg": {"metadata": {"Date": None, "Creator": None}}}
    paths = [Path(f"{prefix}.{ending}") for ending in formats]
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(DETERMINISTIC):
        for path, ending in zip(paths, formats):
            figure.savefig(path, **options[ending])
    return paths
