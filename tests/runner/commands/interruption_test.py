# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in a running sweep: what was finished is kept, and the next call does exactly the rest."""

import json
import os
import pty
import re
import select
import signal
import subprocess

import h5py
import pytest

PENDING, COMPLETE, FAILED = 0, 1, 3
DEADLINE_SECONDS = 120

# The dearest run comes first; each of the others takes about as long as a signal needs to arrive,
# and there are enough of them.
SWEEP = """\
schema = 1
name = "interrupted"
title = "A sweep that takes a few seconds"

[data]
name = "digits"

[model]
depth = 6
width = 64
precision = "float64"

[train]
batch = 100
steps = 200

[probes]
error_signal = { every = 50 }

[sweep]
seeds = 12
"""


LEAST_SECONDS_OF_A_RUN = 0.1


@pytest.fixture
def folder(tmp_path, lasting):
    (tmp_path / "sweep.toml").write_text(lasting(SWEEP, LEAST_SECONDS_OF_A_RUN))
    return tmp_path


def allow_signals():
    """In the child: a shell starts background jobs with SIGINT ignored, and children inherit it."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)


@pytest.fixture
def start(program, folder):
    """Starts the sweep on one thread."""
    def start_program(*words, **streams):
        return subprocess.Popen([program, "run", "sweep.toml", "--threads", "1", *words],
                                cwd=folder, preexec_fn=allow_signals, **streams)
    return start_program


@pytest.fixture
def run(start):
    """Runs the sweep to its end and returns its standard output."""
    def run_program(*words):
        process = start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = process.communicate(timeout=DEADLINE_SECONDS)
        assert process.returncode == 0, err
        return out
    return run_program


@pytest.fixture
def interrupt_after_the_first_run(start):
    """Sends a signal when the first run is finished; returns status, output and errors."""
    def interrupt(how, *words):
        process = start(*words, "--progress", "json", stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE, text=True)
        while json.loads(process.stderr.readline())["done"] < 1:
            pass
        process.send_signal(how)
        out, err = process.communicate(timeout=DEADLINE_SECONDS)
        return process.returncode, out, err
    return interrupt


def statuses(path):
    with h5py.File(path) as file:
        return file["status"][()].tolist()


def test_a_signal_while_failed_runs_are_tried_again_is_told_by_the_exit_status(
        folder, run, interrupt_after_the_first_run):
    run("-o", "a.h5")
    with h5py.File(folder / "a.h5", "r+") as file:
        file["status"][...] = FAILED
        del file["checksum"]  # which would tell
    status, _, err = interrupt_after_the_first_run(signal.SIGINT, "-o", "a.h5")
    assert status == 130, err
    found = statuses(folder / "a.h5")
    assert 1 <= found.count(COMPLETE) < 12
    assert found.count(FAILED) == 12 - found.count(COMPLETE)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_the_finished_runs_and_the_next_call_does_the_rest(
        folder, run, interrupt_after_the_first_run, assert_same_numbers, how):
    status, out, err = interrupt_after_the_first_run(how, "-o", "a.h5")
    assert status == 130, err
    messages = [each["message"] for each in map(json.loads, err.splitlines()) if "message" in each]
    assert len(messages) == 1 and messages[0].startswith("Interrupted: ")
    found = statuses(folder / "a.h5")
    finished = found.count(COMPLETE)
    assert 1 <= finished < 12
    assert found.count(PENDING) == 12 - finished
    assert f"{12 - finished} pending" in out

    out = run("-o", "a.h5")
    assert f"{12 - finished} run" in out and " computed in " in out
    run("-o", "undisturbed.h5")
    assert_same_numbers(folder / "a.h5", folder / "undisturbed.h5")


def test_an_interrupted_file_can_be_shown(program, folder, interrupt_after_the_first_run):
    interrupt_after_the_first_run(signal.SIGINT, "-o", "a.h5")
    finished = statuses(folder / "a.h5").count(COMPLETE)
    shown = subprocess.run([program, "show", "a.h5"], cwd=folder, text=True, capture_output=True,
                           timeout=DEADLINE_SECONDS, check=True)
    assert f"{finished} of 12 runs complete" in shown.stdout


def read_until(terminal, wanted, seen=b""):
    """What the program wrote to its terminal, up to `wanted` or until it closed it."""
    while wanted is None or wanted not in seen:
        ready, _, _ = select.select([terminal], [], [], DEADLINE_SECONDS)
        assert ready, f"waited for {wanted}, seen {seen}"
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # EIO: Linux says so when the other side is closed.
            piece = b""
        if not piece:
            assert wanted is None, seen
            break
        seen += piece
    return seen


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_has_a_live_line_that_is_cleared(start, colour):
    terminal, program_side = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    if not colour:
        environment["NO_COLOR"] = "1"
    # At this rate every run diverges within a few steps.
    process = start("optimizer.lr=1e12", "model.activation=relu", "sweep.seeds=2",
                    "-o", "a.h5", stdout=subprocess.PIPE, stderr=program_side, env=environment)
    os.close(program_side)
    seen = read_until(terminal, None)
    process.communicate(timeout=DEADLINE_SECONDS)
    os.close(terminal)
    assert process.returncode == 0
    sharing, _, seen = seen.partition(b"\r\n")
    assert re.match(rb"\d+ threads?: ", sharing)
    assert b"\r2/2 runs  " in seen
    assert (b"\033[33m2 diverged\033[0m" in seen) == colour
    assert seen.endswith(b"\r\033[K")
    assert b"\n" not in seen


def test_a_signal_before_the_first_finished_run_leaves_no_file_behind(folder, start):
    terminal, program_side = pty.openpty()
    process = start("train.steps=1000000000",
                    "probes.error_signal.every=1000000000", "sweep.seeds=1", "-o", "a.h5",
                    stdout=subprocess.PIPE, stderr=program_side)
    os.close(program_side)
    read_until(terminal, b"0/1 run ")
    process.send_signal(signal.SIGINT)
    seen = read_until(terminal, None)
    out, _ = process.communicate(timeout=DEADLINE_SECONDS)
    os.close(terminal)
    assert process.returncode == 130
    assert b"Interrupted: " in seen and b"no run was finished" in seen
    assert out == b""
    assert sorted(path.name for path in folder.iterdir()) == ["sweep.toml"]
