# SPDX-License-Identifier: Apache-2.0
"""Readers of a sweep that is being computed, or was killed: they see what is on disk, and are in nobody's
way."""

import json
import re
import signal
import subprocess

import pytest

DEADLINE_SECONDS = 120
RUNS = 12
LEAST_SECONDS = 4  # of the sweep, on one thread

# Each run takes a few tenths of a second, so that readers come between them.
SWEEP = f"""\
schema = 1
name = "running"
title = "A sweep that takes a few seconds"

[data]
name = "digits"

[model]
depth = 6
width = 64
precision = "float64"

[train]
batch = 100
steps = 1500

[probes]
error_signal = {{ every = 500 }}

[sweep]
seeds = {RUNS}
"""


@pytest.fixture
def folder(tmp_path, lasting):
    (tmp_path / "sweep.toml").write_text(lasting(SWEEP, LEAST_SECONDS / RUNS))
    return tmp_path


@pytest.fixture
def start(program, folder):
    """Starts the sweep on one thread, and ends it at the end of the test."""
    started = []

    def start_program(*words):
        started.append(subprocess.Popen(
            [program, "run", "sweep.toml", "--threads", "1", "--progress", "none", *words],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]
    yield start_program
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def status(call):
    def read(*words):
        return json.loads(call("status", *words, "--json").stdout)
    return read


def test_status_of_a_running_sweep_never_falls_and_disturbs_nobody(
        call, folder, start, status, assert_same_numbers):
    sweep = start("-o", "x.h5")
    done, etas, processes = [0], [], []
    while sweep.poll() is None:
        seen = status("sweep.toml", "-o", "x.h5")
        assert seen["failed"] == seen["diverged"] == 0
        assert seen["complete"] + seen["pending"] == RUNS
        done.append(seen["complete"])
        if 0 < seen["complete"] < RUNS and seen["files"][0]["process"]:
            etas.append(seen["eta_seconds"])
            processes.append(seen["files"][0]["process"])
    out, err = sweep.communicate()
    assert sweep.returncode == 0, err
    assert done == sorted(done)
    # The readers saw it grow, and not from nothing to everything.
    assert len(set(done) - {0, RUNS}) >= 2
    assert all(eta is not None and 0 < eta < DEADLINE_SECONDS for eta in etas)
    assert {process["pid"] for process in processes} == {str(sweep.pid)}
    assert all(process["alive"] for process in processes)
    assert status("x.h5")["complete"] == RUNS
    call("run", "sweep.toml", "-o", "undisturbed.h5")
    assert_same_numbers(folder / "x.h5", folder / "undisturbed.h5")


def wait_for_runs(status, at_least):
    """Asks until so many runs are on disk, for a segment announces itself to nobody."""
    while (seen := status("sweep.toml", "-o", "x.h5"))["complete"] < at_least:
        assert seen["pending"] > 0
    return seen


def test_what_a_killed_shard_has_finished_is_merged(
        call, folder, start, status, assert_same_numbers):
    shard = start("--shard", "1/2", "-o", "x.h5")
    wait_for_runs(status, 1)
    shard.send_signal(signal.SIGKILL)
    shard.wait()
    assert not (folder / "x.shard-1-of-2.h5").exists()
    call("run", "sweep.toml", "--shard", "2/2", "-o", "x.h5")
    seen = status("x.h5")
    done = seen["complete"]
    assert RUNS // 2 < done < RUNS and seen["eta_seconds"] is None
    assert not seen["files"][0]["process"]["alive"]
    assert "which has ended" in call("status", "x.h5").stdout

    merged = call("merge", "-o", "x.h5", status=1)
    assert f"{done} of {RUNS} runs: {done} complete" in merged.stdout
    # The shard goes on where it was, and the merge has the rest.
    log = call("run", "sweep.toml", "--shard", "1/2", "-o", "x.h5").stderr
    assert f"{done - RUNS // 2} of {RUNS // 2} runs were there already" in log
    call("merge", "-o", "x.h5")
    call("run", "sweep.toml", "-o", "whole.h5")
    assert_same_numbers(folder / "x.h5", folder / "whole.h5")


def test_a_merge_takes_the_outputs_own_segments_along_and_waits_for_no_writer(
        call, folder, start, status, assert_same_numbers):
    sweep = start("-o", "x.h5")
    wait_for_runs(status, 1)
    call("run", "sweep.toml", "train.seed=0,1,2", "-o", "part.h5")
    done = call("merge", "part.h5", "-o", "x.h5", status=3)
    assert re.search(rf"x\.h5: is being written by process {sweep.pid} on ", done.stderr)
    sweep.send_signal(signal.SIGKILL)
    sweep.wait()
    kept = status("sweep.toml", "-o", "x.h5")["complete"]

    call("run", "sweep.toml", "--shard", "1/1", "-o", "y.h5")
    done = call("merge", "y.shard-1-of-1.h5", "-o", "x.h5")
    assert f"{RUNS} of {RUNS} runs" in done.stdout and "from 2 files" in done.stdout
    assert kept >= 1
    assert not (folder / "x.h5.d").exists()
    call("run", "sweep.toml", "-o", "whole.h5")
    assert_same_numbers(folder / "x.h5", folder / "whole.h5")


def test_watching_follows_a_sweep_to_its_end(program, folder, start):
    watching = subprocess.Popen([program, "status", "sweep.toml", "-o", "x.h5", "--watch"],
                                cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)
    try:
        assert watching.stdout.readline().startswith(f"0 of {RUNS} runs, ")
        sweep = start("-o", "x.h5")
        out, err = watching.communicate(timeout=DEADLINE_SECONDS)
    finally:
        watching.kill()
    assert watching.returncode == 0, err
    lines = out.splitlines()
    assert lines[-1] == f"{RUNS} of {RUNS} runs, 0 diverged, 0 failed, 0 pending"
    assert any(re.search(r", about .* left$", line) for line in lines)
    assert sweep.wait(timeout=DEADLINE_SECONDS) == 0
