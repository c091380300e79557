# SPDX-License-Identifier: Apache-2.0
"""The runs of a sweep, divided into panels or lines by what varies."""

import textwrap
from dataclasses import dataclass

import numpy as np
import xarray as xr

from plumbline_report.layer_profiles import in_order
from plumbline_report.results import Results, ResultsError

# Of a figure 10 inches wide, without what its axes take.
LETTERS_ACROSS = 100


@dataclass(frozen=True)
class Facet:
    """Runs that are equal in all that divides, and its values as text, such as "relu, depth 8"."""

    title: str
    runs: xr.Dataset

    def heading(self, columns: int) -> str:
        """The title over one of so many panels side by side, in lines that fit 9 points of bold type."""
        return "\n".join(textwrap.wrap(self.title, LETTERS_ACROSS // columns, break_long_words=False))


def facets(results: Results, runs: xr.Dataset, within: set[str], most: int) -> list[Facet]:
    """`runs` by the swept settings that are not in `within`, in the order of the file, and by other settings
    where runs differ in them all the same, as an axis of tables makes them. A setting that a run does not
    have counts as a value.

    Raises ResultsError where there are more than `most`.
    """
    names = [name for name in results.sweep_axes if name in runs and name not in within]
    names = [name for name in names if len(set(_values(runs, name))) > 1]
    for name in results.settings:
        if name in within or name in names or name not in runs:
            continue
        if len(set(_keys(runs, [*names, name]))) > max(1, len(set(_keys(runs, names)))):
            names.append(name)
    if not names:
        return [Facet("", runs)]
    keys = _keys(runs, names)
    kinds = list(dict.fromkeys(keys))
    if len(kinds) > most:
        raise ResultsError(
            f"{results.path}: {len(kinds)} combinations of {', '.join(names)}, and at most {most} are "
            "drawn; a run with fewer values of these, or of one study, makes a file that can be")
    return [Facet(_title(names, kind),
                  runs.isel(run=np.flatnonzero([key == kind for key in keys]))) for kind in kinds]


def _values(runs: xr.Dataset, name: str) -> list:
    """One for each run; None where the run does not have it, as NaN is not equal to itself."""
    return [None if value != value else value for value in runs[name].values.tolist()]


def _keys(runs: xr.Dataset, names: list[str]) -> list[tuple]:
    return list(zip(*(_values(runs, name) for name in names)))


def _title(names: list[str], values: tuple) -> str:
    """Texts speak for themselves, numbers need their names."""
    words = []
    for name, value in zip(names, values):
        if value is None:
            continue
        if not isinstance(value, str):
            words.append(f"{name.replace('_', ' ')} {value:g}")
        else:
            words.append(value or f"no {name}")
    return ", ".join(words)


def caption(results: Results, runs: xr.Dataset, said: str) -> str:
    """`said` of lines and colours, then which runs they are and where they come from."""
    commit = str(results.provenance.get("git_commit", "unknown"))
    return f"{said} {results.share_of_runs(runs)}, commit {commit[:12]}."


def of_seeds(runs: xr.Dataset) -> str:
    """What is drawn of the runs of one kind, such as "median over 5 seeds"."""
    count = len(in_order(runs["seed"]))
    return "one seed" if count == 1 else f"median over {count} seeds"
