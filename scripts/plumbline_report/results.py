# SPDX-License-Identifier: Apache-2.0
"""Opening a Plumbline results file, and which of its runs may be drawn.

A results file has one `run` axis; ragged depths are padded with NaN. Its layout is fixed by
`results/README.md`. Nothing here knows what a figure looks like.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

SCHEMA = "plumbline.sweep"

# The values of the variable `status`.
PENDING, COMPLETE, DIVERGED, FAILED = 0, 1, 2, 3


class ResultsError(Exception):
    """The file cannot be read, or is not what it should be. The message names the path."""


@dataclass(frozen=True)
class Results:
    """A sweep in memory.

    path        where it was read from
    sweep       the variables that were asked for, with the dimensions run, step, layer
    attributes  the root attributes
    provenance  the attributes of /provenance: git_commit, compiler, cpu_model, ...
    """

    path: Path
    sweep: xr.Dataset
    attributes: dict
    provenance: dict

    @property
    def sweep_axes(self) -> list[str]:
        """The settings that vary over the runs, slowest first; `seed` is the last."""
        return str(self.attributes.get("sweep_axes", "")).split()

    @property
    def settings(self) -> list[str]:
        """The settings that were read, swept or not."""
        return [name for name in self.sweep.variables
                if self.sweep[name].attrs.get("role") == "setting"]

    def drawable(self, metric: str) -> xr.Dataset:
        """The runs that are complete, and the diverged ones in which `metric` was recorded.

        A run that diverged at step 500 still has valid values at step 0. Pending and failed
        runs never count.
        """
        status = self.sweep["status"].values
        values = self.sweep[metric].values
        recorded = np.isfinite(values).reshape(len(status), -1).any(axis=1)
        keep = (status == COMPLETE) | ((status == DIVERGED) & recorded)
        if not keep.any():
            raise ResultsError(f"{self.path}: none of its {len(status)} runs is complete "
                               f"or diverged with {metric} recorded")
        return self.sweep.isel(run=np.flatnonzero(keep))

    def share_of_runs(self, drawn: xr.Dataset) -> str:
        """How many of the planned runs are drawn, such as "212 of 240 runs"."""
        return f"{drawn.sizes['run']} of {self.sweep.sizes['run']} runs"


def open_dataset(path: str | Path, schema: str, variables: list[str], hint: str = "",
                 listed_in: str = "", where_there: Sequence[str] = (), role: str = "") -> xr.Dataset:
    """Reads `variables` and the root attributes of the file at `path`, which is closed on return.

    Of the variables in `where_there`, those that the root attribute `listed_in` names and those that have
    `role`, reads the ones that the file has.
    Raises ResultsError where the file is missing, is not HDF5, is of another schema than `schema`,
    or lacks one of the variables; `hint` says then why it might.
    """
    path = Path(path)
    if not path.is_file():
        raise ResultsError(f"{path}: no such file")
    try:
        with xr.open_dataset(path, engine="h5netcdf", decode_times=False) as file:
            _require_schema(path, file.attrs, schema)
            missing = [name for name in variables if name not in file.variables]
            if missing:
                raise ResultsError(f"{path}: has no variable {', '.join(missing)}{hint}")
            listed = str(file.attrs.get(listed_in, "")).split()
            there = [name for name in [*listed, *where_there] if name in file.variables]
            there += [name for name in file.variables if role and file[name].attrs.get("role") == role]
            return file[list(dict.fromkeys([*variables, *there]))].load()
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise ResultsError(f"{path}: cannot be read as a Plumbline file: {error}") from error


def open_results(path: str | Path, variables: list[str],
                 where_there: Sequence[str] = ()) -> Results:
    """Reads `variables`, `status`, what the sweep varies and all settings from the results file at `path`,
    and of `where_there` what it has.

    Raises ResultsError where the file is missing, is not HDF5, is not of the schema
    `plumbline.sweep`, or lacks one of the variables. The file is closed on return.
    """
    path = Path(path)
    sweep = open_dataset(path, SCHEMA, [*variables, "status"],
                         hint="; was the probe in [probes], or the setting an axis of [sweep]?",
                         listed_in="sweep_axes", where_there=where_there, role="setting")
    return Results(path, sweep, dict(sweep.attrs), _read_provenance(path))


def _require_schema(path: Path, attributes: dict, expected: str) -> None:
    schema = attributes.get("schema")
    if schema == expected:
        return
    found = "has no root attribute schema" if schema is None else f'has schema "{schema}"'
    raise ResultsError(f'{path}: not a Plumbline results file: {found}, expected "{expected}"')


def _read_provenance(path: Path) -> dict:
    try:
        with xr.open_dataset(path, engine="h5netcdf", group="provenance") as group:
            return dict(group.attrs)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise ResultsError(f"{path}: its group provenance cannot be read: {error}") from error
