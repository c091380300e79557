# SPDX-License-Identifier: Apache-2.0
"""A long run that is ended by kill -9 or Ctrl-C goes on from its last checkpoint, to the same bits."""

import json
import re
import shutil
import signal
import subprocess
import time

import pytest

DEADLINE_SECONDS = 120
STEPS = 4000

# Some seconds.
LONG = f"""\
schema = 1
name = "long"
title = "One long run"

[data]
name = "digits"
train = 500
valid = 200

[model]
depth = 5
width = 50
normalization = "batch_norm"

[optimizer]
name = "adam"

[train]
batch = 50
steps = {STEPS}
checkpoint_every = 50

[probes]
error_signal = {{ every = 25 }}
"""


def start(program, folder, *words):
    return subprocess.Popen([program, "run", "long.toml", "-o", "a.h5", "--progress", "plain", *words],
                            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def finish(program, folder, *words, status=0):
    """Runs it to its end, and returns what it says."""
    process = start(program, folder, *words)
    out, err = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == status, err
    return out + err


def checkpoint_in(folder):
    """The one checkpoint that stands there, None where there is none."""
    found = [path for path in folder.glob("a.h5.d/checkpoints/*") if path.suffix != ".tmp"]
    assert len(found) <= 1
    return found[0] if found else None


def end_after_a_checkpoint(program, folder, how):
    """Runs it, and ends it when it has written a checkpoint; returns status and errors."""
    def written():
        path = checkpoint_in(folder)
        return path and path.stat().st_mtime_ns

    before = written()
    process = start(program, folder)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while written() == before:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(how)
    _, err = process.communicate(timeout=DEADLINE_SECONDS)
    return process.returncode, err


@pytest.fixture(scope="module")
def undisturbed(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "long.toml").write_text(LONG)
    said = finish(program, folder, "train.checkpoint_every=0")
    assert "goes on" not in said
    assert sorted(path.name for path in folder.iterdir()) == ["a.h5", "long.toml"]
    return folder / "a.h5"


@pytest.fixture(scope="module")
def killed_once(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    (folder / "long.toml").write_text(LONG)
    status, _ = end_after_a_checkpoint(program, folder, signal.SIGKILL)
    assert status == -signal.SIGKILL
    assert not (folder / "a.h5").exists()
    return folder


@pytest.fixture
def killed(killed_once, tmp_path):
    """The folder of a run that was killed after a checkpoint."""
    return shutil.copytree(killed_once, tmp_path / "killed")


def updates_before(said):
    """How many updates the run says that it goes on from."""
    found = re.search(rf"run [0-9a-f]{{16}}: goes on from its checkpoint after (\d+) of {STEPS} updates",
                      said)
    assert found, said
    return int(found[1])


def assert_only_results_in(folder):
    left = {path.name for path in folder.iterdir()}
    assert {name for name in left if not name.endswith(".tmp")} == {"a.h5", "long.toml"}
    # That of the results, where they were killed, stands beside them.
    assert not [name for name in left if name.endswith(".tmp") and not name.startswith("a.h5.")]


def test_a_killed_run_goes_on_to_the_same_bits(program, killed, undisturbed, assert_same_numbers):
    updates = updates_before(finish(program, killed))
    assert 50 <= updates < STEPS and updates % 50 == 0
    assert_same_numbers(killed / "a.h5", undisturbed)
    assert_only_results_in(killed)


def test_the_time_left_is_judged_by_what_this_call_has_computed(program, killed):
    process = start(program, killed)
    updates = 0
    deadline = time.monotonic() + DEADLINE_SECONDS
    while updates < STEPS / 2:
        assert process.poll() is None and time.monotonic() < deadline
        seen = subprocess.run([program, "status", "long.toml", "-o", "a.h5", "--json"], cwd=killed,
                              capture_output=True, text=True, check=True)
        updates = max([each["step"] for each in json.loads(seen.stdout)["under_way"]], default=0)
    process.kill()
    process.communicate()
    with open(killed / "long.toml", "a") as definition:
        definition.write("[sweep]\nseeds = 2\n")
    run = subprocess.run([program, "run", "long.toml", "-o", "a.h5", "--threads", "1", "--progress", "json"],
                         cwd=killed, capture_output=True, text=True, check=True)
    # Of two equal runs this call has computed at most half of one, and one is left.
    first = next(json.loads(line) for line in run.stderr.splitlines() if '"done":1,' in line)
    rounding = 0.0015  # of both, to milliseconds
    assert first["eta_seconds"] >= 2 * first["elapsed_seconds"] - rounding > 0, (updates, first)


def test_a_run_that_is_killed_twice_goes_on_from_the_later_checkpoint(
        program, killed, undisturbed, assert_same_numbers):
    _, err = end_after_a_checkpoint(program, killed, signal.SIGKILL)
    assert updates_before(finish(program, killed)) > updates_before(err)
    assert_same_numbers(killed / "a.h5", undisturbed)


def test_an_interrupted_run_loses_no_update(program, killed, undisturbed, assert_same_numbers):
    status, err = end_after_a_checkpoint(program, killed, signal.SIGINT)
    assert status == 130, err
    assert updates_before(finish(program, killed)) > updates_before(err)
    assert_same_numbers(killed / "a.h5", undisturbed)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "of another run"])
def test_a_damaged_checkpoint_is_told_and_the_run_begins_anew(
        program, killed, undisturbed, assert_same_numbers, damage):
    path = checkpoint_in(killed)
    content = bytearray(path.read_bytes())
    wrong = "is damaged: its checksum is wrong"
    if damage == "truncated":
        path.write_bytes(content[:-100])
    elif damage == "flipped":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        plan = subprocess.run([program, "plan", "long.toml", "train.seed=1", "--json"], cwd=killed,
                              capture_output=True, text=True, check=True).stdout
        other = re.search('"run_id": *"([0-9a-f]{16})"', plan)[1]
        wrong = f"is of another run, {path.name}"
        path.rename(path.with_name(other))
        said = finish(program, killed, "train.seed=1", "train.steps=4000")
        assert f"a.h5.d/checkpoints/{other}: {wrong}; the run begins anew" in said
        return
    said = finish(program, killed)
    assert f"a.h5.d/checkpoints/{path.name}: {wrong}; the run begins anew" in said
    assert "goes on" not in said
    assert_same_numbers(killed / "a.h5", undisturbed)
    assert_only_results_in(killed)


def test_fresh_begins_anew(program, killed, undisturbed, assert_same_numbers):
    said = finish(program, killed, "--fresh")
    assert "goes on" not in said and "anew" not in said
    assert_same_numbers(killed / "a.h5", undisturbed)
    assert_only_results_in(killed)


def test_a_checkpoint_that_cannot_be_written_costs_no_run(
        program, tmp_path, undisturbed, assert_same_numbers):
    (tmp_path / "long.toml").write_text(LONG)
    (tmp_path / "a.h5.d").mkdir()
    (tmp_path / "a.h5.d/checkpoints").write_text("no folder")
    said = finish(program, tmp_path)
    assert said.count("a.h5.d/checkpoints: cannot make the folder: ") == 1
    assert "; the runs go on without new checkpoints" in said
    assert_same_numbers(tmp_path / "a.h5", undisturbed)


def test_status_says_how_far_long_runs_are(program, killed):
    def status(*words):
        return subprocess.run([program, "status", "long.toml", "-o", "a.h5", *words], cwd=killed,
                              check=True, capture_output=True, text=True).stdout

    (under_way,) = json.loads(status("--json"))["under_way"]
    said = status()
    step = updates_before(finish(program, killed))
    assert under_way == {"run_id": under_way["run_id"], "step": step, "steps": STEPS}
    assert f"\n  run {under_way['run_id']}: checkpoint at step {step} of {STEPS} (" in said
    assert json.loads(status("--json"))["under_way"] == []
