# SPDX-License-Identifier: Apache-2.0
"""A time of day that jumps by days at every look, forth and back: only what says when is wrong then."""

import json
import os
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import h5py
import pytest

DEADLINE_SECONDS = 120
DAY = 86400
RUNS = 30
LEAST_SECONDS = 4  # of the sweep, on one thread
# Each run takes some tenths of a second, so that there is progress to tell of.
SWEEP = f"""\
schema = 1
name = "sweep"
[data]
name = "digits"
[model]
depth = 3
width = 64
[train]
batch = 100
steps = 1600
[probes]
error_signal = {{ every = 100 }}
[sweep]
seeds = {RUNS}
"""


@pytest.fixture(scope="module")
def jumping(tmp_path_factory):
    """The environment in which the clock jumps."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "a compiler has built the program"
    library = tmp_path_factory.mktemp("clock") / "jumping_clock.so"
    source = Path(__file__).with_name("jumping_clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source, "-ldl"],
                   check=True)
    return os.environ | {"LD_PRELOAD": str(library)}


@pytest.fixture
def folder(tmp_path, lasting):
    (tmp_path / "sweep.toml").write_text(lasting(SWEEP, LEAST_SECONDS / RUNS))
    return tmp_path


@pytest.fixture
def run(program, folder, jumping):
    """Calls `run` under the jumping clock; returns what it said, and how long it took by a good one."""
    def run_program(*words, status=0, **options):
        begin = time.monotonic()
        result = subprocess.run([program, "run", "sweep.toml", "-o", "a.h5", "--threads", "1", *words],
                                cwd=folder, text=True, capture_output=True, env=jumping,
                                timeout=DEADLINE_SECONDS, check=False, **options)
        assert result.returncode == status, result.stdout + result.stderr
        return result, time.monotonic() - begin
    return run_program


def column(path, name):
    with h5py.File(path) as file:
        values = file[name]
        return values.asstr()[()].tolist() if values.dtype == object else values[()].tolist()


def test_a_budget_of_seconds_is_one_of_a_good_clock(run, folder):
    _, seconds = run("train.steps=1000000", "budget.max_seconds=0.5", "sweep.seeds=2")
    assert column(folder / "a.h5", "ended_by") == ["max_seconds"] * 2
    wall = column(folder / "a.h5", "wall_seconds")
    assert min(wall) >= 0.5 and sum(wall) <= seconds


@pytest.mark.limited_memory
def test_a_failed_run_has_a_duration_of_a_good_clock(run, folder):
    limit = 700_000_000  # which the wide net does not fit into
    _, seconds = run("model.width=5000,16", "model.depth=2", "model.precision=float64", "train.steps=1",
                     "train.batch=1", "data.train=10", "data.valid=0", "sweep.seeds=1", status=1,
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    assert column(folder / "a.h5", "status") == [3, 1]
    assert 0 <= column(folder / "a.h5", "wall_seconds")[0] <= seconds


def test_a_sweep_is_saved_watched_and_resumed_to_the_same_numbers(
        program, call, run, folder, jumping, assert_same_numbers):
    begin = time.monotonic()
    with open(folder / "progress", "wb") as progress:
        process = subprocess.Popen([program, "run", "sweep.toml", "-o", "a.h5", "--threads", "1"],
                                   cwd=folder, env=jumping, stdout=progress, stderr=progress)
    try:
        while not list(folder.glob("a.h5.d/segments/*.h5")):
            assert process.poll() is None and time.monotonic() < begin + DEADLINE_SECONDS
            time.sleep(0.01)
        seen = json.loads(call("status", "sweep.toml", "-o", "a.h5", "--json", environment=jumping).stdout)
        assert 1 <= seen["complete"] < RUNS and seen["files"][0]["process"]["alive"]
        assert seen["eta_seconds"] is None or 0 < seen["eta_seconds"] < DAY
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = sum(len(column(path, "status")) for path in folder.glob("a.h5.d/segments/*.h5"))

    result, seconds = run("--progress", "json")
    assert f"\n{RUNS - kept} run" in result.stdout
    told = [json.loads(line) for line in result.stderr.splitlines()]
    elapsed = [each["elapsed_seconds"] for each in told]
    assert elapsed == sorted(elapsed) and 0 < elapsed[-1] <= seconds
    assert all(0 <= each["eta_seconds"] <= 100 * seconds for each in told)
    wall = column(folder / "a.h5", "wall_seconds")
    assert min(wall) > 0 and sum(wall) <= time.monotonic() - begin
    # The clock does jump.
    started = column(folder / "a.h5", "started")
    assert max(started) - min(started) > 300 * DAY and started != sorted(started)
    call("run", "sweep.toml", "-o", "undisturbed.h5")
    assert_same_numbers(folder / "a.h5", folder / "undisturbed.h5")
