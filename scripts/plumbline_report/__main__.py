# SPDX-License-Identifier: Apache-2.0
"""Command line: python -m plumbline_report figure NAME FILE [-o PREFIX] [--format png]."""

import argparse
import sys
from pathlib import Path

from plumbline_report import (by_layer, heat_map, peers, phase_diagram, roofline, time_lags,
                              trainability, underflow, vanishing_gradient)
from plumbline_report.figure_file import FORMATS, write_figure
from plumbline_report.results import ResultsError

FIGURES = {"by_layer": by_layer, "heat_map": heat_map, "peers": peers,
           "phase_diagram": phase_diagram, "roofline": roofline, "time_lags": time_lags,
           "trainability": trainability, "underflow": underflow, "vanishing_gradient": vanishing_gradient}

EXIT_WELL = 0
EXIT_ENVIRONMENT = 3


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="plumbline_report",
        description="Draws figures from Plumbline results files.",
        epilog="Exit status: 0 all well; 2 wrong usage; 3 a file cannot be read or written.")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    figure = commands.add_parser(
        "figure", help="draw a figure as PNG and SVG and print the two paths",
        description="Draws one figure and writes PREFIX.png and PREFIX.svg, or one of them.")
    figure.add_argument("name", choices=sorted(FIGURES), help="which figure")
    figure.add_argument("file", type=Path, metavar="FILE",
                        help="results of `plumbline run`, of `plumbline profile` for roofline, JSON "
                             "of scripts/compare_peers for peers; `plumbline theory --plot` hands over that of "
                             "phase_diagram")
    figure.add_argument("-o", "--output", type=Path, metavar="PREFIX",
                        help="where to write, without .png (default: FILE without its end)")
    figure.add_argument("--quantity", metavar="NAME",
                        help="of heat_map: a variable over steps and layers (default: error_signal)")
    figure.add_argument("--format", choices=FORMATS, help="write this one alone")
    return root


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit status. Paths go to standard output."""
    usage = parser()
    options = usage.parse_args(arguments)
    if options.quantity and options.name != "heat_map":
        usage.error("--quantity is for heat_map")
    settings = {"quantity": options.quantity} if options.quantity else {}
    prefix = options.output or options.file.with_suffix("")
    try:
        figure = FIGURES[options.name].draw(options.file, **settings)
        written = write_figure(figure, prefix, [options.format] if options.format else FORMATS)
    except ResultsError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_ENVIRONMENT
    except OSError as error:
        print(f"error: cannot write {prefix}: {error}", file=sys.stderr)
        return EXIT_ENVIRONMENT
    for path in written:
        print(path)
    return EXIT_WELL


if __name__ == "__main__":
    sys.exit(main())
