# SPDX-License-Identifier: Apache-2.0
"""How many times as fast as other libraries, by what was trained: a dot for each, with its spread.

Reads the JSON of scripts/compare_peers, of steps or of a sweep.
"""

import json
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from peers.report import label
from plumbline_report.appearance import CATEGORY_COLOURS, GRID, INK, STYLE, THEORY_COLOUR
from plumbline_report.results import ResultsError

MARKS = tuple(zip(CATEGORY_COLOURS, "os^DvP"))
ROW_INCHES = 0.34


def rows_of(document: dict) -> list[tuple[str, dict]]:
    """(what is trained, ratios by peer); rows without a quiet round are left out."""
    if document["kind"] == "sweep":
        return [(label(name), {name: peer}) for name, peer in document["peers"].items()]
    return [(f"{shape['width']} wide, {shape['depth']} deep, batch {shape['batch']}",
             shape["peers"]) for shape in document["shapes"] if shape["peers"]]


def draw(file: Path) -> Figure:
    """Raises ResultsError where the file is not that of a comparison."""
    try:
        document = json.loads(Path(file).read_text(encoding="utf-8"))
        rows = rows_of(document)
        facts = document["circumstances"]
        names = list(dict.fromkeys(name for _, peers in rows for name in peers))
        if not rows:
            raise ResultsError(f"{file}: no round was quiet")
        with matplotlib.rc_context(STYLE):
            return drawn(rows, names, facts, document["kind"] == "sweep")
    except FileNotFoundError:
        raise ResultsError(f"{file}: no such file") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultsError(f"{file}: is no JSON of scripts/compare_peers: {error!r}") from None


def drawn(rows, names: list[str], facts: dict[str, str], is_sweep: bool) -> Figure:
    figure = Figure(figsize=(10, 1.3 + ROW_INCHES * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.axvline(1, color=THEORY_COLOUR, linewidth=1)
    axes.grid(axis="x", which="both", color=GRID, linewidth=0.6)
    # Peers of one row stand a little apart, so that no spread hides another.
    apart = 0.6 / max(1, len(names))
    for place, name in enumerate(names):
        colour, mark = MARKS[place % len(MARKS)]
        points = [(row, peers[name]) for row, (_, peers) in enumerate(rows) if name in peers]
        middle = 0 if is_sweep else apart * (place - (len(names) - 1) / 2)
        heights = [row + middle for row, _ in points]
        axes.hlines(heights, [peer["least"] for _, peer in points],
                    [peer["greatest"] for _, peer in points], color=colour, linewidth=1.4)
        axes.plot([peer["ratio"] for _, peer in points], heights, mark, color=colour, markersize=5,
                  label=label(name))
    axes.set_yticks(range(len(rows)), [text for text, _ in rows], color=INK)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    ticks = (0.5, 1, 2, 3, 5, 10, 20, 50)
    lowest = min(peer["least"] for _, peers in rows for peer in peers.values())
    highest = max(peer["greatest"] for _, peers in rows for peer in peers.values())
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(min(0.9, lowest / 1.1), max(2.2, 1.2 * highest))
    axes.set_xlabel("Plumbline is so many times as fast: median of paired rounds, least to greatest\n"
                    + facts["Processor"])
    if not is_sweep:
        axes.legend(ncols=len(names), loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    return figure
