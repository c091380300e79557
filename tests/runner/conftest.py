# SPDX-License-Identifier: Apache-2.0
"""What the tests of the real program share."""

import functools
import math
import os
import re
import shutil
import subprocess
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
                    if isinstance(item, h5py.Dataset) and name not in TIMING
                    and not name.startswith("probe_seconds")}
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


@pytest.fixture(scope="session")
def damage_record():
    """Changes a number of run `index` of a results file, which the checksum of the run tells, and the seal of
    the file; returns the run's id."""
    def damage(path, index):
        with h5py.File(path, "r+") as file:
            losses = file["train_loss"][()]
            losses[index, 0] += 1
            file["train_loss"][...] = losses
            return file["run_id"].asstr()[index]
    return damage


@pytest.fixture
def folder(tmp_path):
    """A working folder with the definition small.toml."""
    shutil.copy(Path(__file__).with_name("small.toml"), tmp_path)
    return tmp_path


@pytest.fixture
def call(program, folder):
    """Calls the program in `folder` and checks its exit status."""
    def call_program(*words, status=0, environment=None, **options):
        inherited = {key: value for key, value in os.environ.items() if key != "PLUMBLINE_DATA"}
        result = subprocess.run([program, *map(str, words)], cwd=folder, text=True, timeout=900,
                                capture_output=True, env=inherited | (environment or {}),
                                check=False, **options)
        assert result.returncode == status, f"{words}: {result.stdout}{result.stderr}"
        return result
    return call_program


# A machine that is crowded for a moment does not make runs shorter; the program of a sanitizer is ten to a
# hundred times as slow.
MOST_TIMES_AS_LONG = 5


@pytest.fixture(scope="session")
def lasting(program, tmp_path_factory):
    """A function: the text of a sweep with so many steps that a run of it takes `seconds` of processor time, or
    up to five times that, on this machine. Of a fast one's runs nothing would be left to be ended."""
    @functools.cache
    def lengthened(text, seconds):
        folder = tmp_path_factory.mktemp("trial")
        (folder / "trial.toml").write_text(text)
        subprocess.run([program, "run", "trial.toml", "-o", "trial.h5", "sweep.seeds=1"], cwd=folder,
                       check=True, capture_output=True, timeout=300)
        with h5py.File(folder / "trial.h5") as file:
            taken = float(file["cpu_seconds"][0])
        steps = re.compile(r"^steps = (\d+)$", re.MULTILINE)
        times = max(seconds / taken, min(1.0, MOST_TIMES_AS_LONG * seconds / taken))
        return steps.sub(lambda found: f"steps = {100 * math.ceil(int(found[1]) * times / 100)}", text, count=1)
    return lengthened
