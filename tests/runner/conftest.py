# SPDX-License-Identifier: Apache-2.0
"""What the tests of the real program share."""

import os
from pathlib import Path

import h5py
import pytest

ROOT = Path(__file__).resolve().parents[2]

# What may differ between two computations of the same plan.
TIMING = {"wall_seconds", "cpu_seconds", "threads", "host", "started"}


@pytest.fixture(scope="session")
def program():
    """The program: $PLUMBLINE_PROGRAM, or build/release/plumbline."""
    path = Path(os.environ.get("PLUMBLINE_PROGRAM", ROOT / "build/release/plumbline")).resolve()
    assert path.is_file(), f"{path}: build the program, or set PLUMBLINE_PROGRAM"
    return path


def numbers_of(path):
    """Every variable of a results file that is not about timing; numbers as their bytes."""
    with h5py.File(path) as file:
        datasets = {name: item[()] for name, item in file.items()
                    if isinstance(item, h5py.Dataset) and name not in TIMING}
    return {name: values.tolist() if values.dtype == object else values.tobytes()
            for name, values in datasets.items()}


@pytest.fixture(scope="session")
def assert_same_numbers():
    """Asserts that two results files hold the same bits, but for timing and host."""
    def compare(a, b):
        first, second = numbers_of(a), numbers_of(b)
        assert first.keys() == second.keys()
        assert {"digest", "error_signal", "train_loss", "status"} <= first.keys()
        assert [name for name in first if first[name] != second[name]] == []
    return compare
