# SPDX-License-Identifier: Apache-2.0
"""The real program, called as a user calls it: exit status, both output streams and files."""

import hashlib
import json
import re
import resource
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]

SMALL = Path(__file__).parents[1].joinpath("small.toml").read_text(encoding="utf-8")
SMALL_RUNS = 8


def column(path, name):
    with h5py.File(path) as file:
        values = file[name]
        return values.asstr()[()].tolist() if values.dtype == object else values[()].tolist()


def content(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def limited(what, limit):
    """Before the program starts: sets a resource limit."""
    return lambda: resource.setrlimit(what, (limit, limit))


# Running


def test_run_writes_the_default_file_and_says_what_became_of_the_runs(call, folder):
    result = call("run", "small.toml", "--threads", 2)
    lines = result.stdout.splitlines()
    assert lines[0] == "results/small.h5"
    assert lines[1] == "8 of 8 runs: 8 complete, 0 diverged, 0 failed"
    assert lines[2].startswith("8 runs computed in ") and lines[2].endswith(" on 2 threads")
    sharing, progress = result.stderr.splitlines()
    assert sharing == "2 threads: 2 runs side by side, one thread each"
    assert progress.startswith("8 of 8 runs, ")
    path = folder / "results/small.h5"
    assert column(path, "status") == [1] * SMALL_RUNS
    assert column(path, "depth") == [2, 2, 2, 2, 13, 13, 13, 13]
    assert all(len(digest) == 16 for digest in column(path, "digest"))


def test_the_flagship_has_the_same_bits_on_one_thread_and_on_two(call, folder, assert_same_numbers):
    words = ["run", ROOT / "experiments/vanishing_gradient.toml", "model.depth=2,8",
             "sweep.seeds=2", "train.steps=10", "--fresh"]
    call(*words, "--threads", 1, "-o", "one.h5")
    call(*words, "--threads", 2, "-o", "two.h5")
    assert set(column(folder / "one.h5", "threads")) == {1}
    assert set(column(folder / "two.h5", "threads")) == {2}
    assert set(column(folder / "one.h5", "status")) == {1}
    assert_same_numbers(folder / "one.h5", folder / "two.h5")


def test_a_second_call_computes_nothing_and_leaves_the_file_alone(call, folder):
    call("run", "small.toml", "-o", "a.h5")
    before = content(folder / "a.h5"), (folder / "a.h5").stat().st_mtime_ns
    result = call("run", "small.toml", "-o", "a.h5")
    assert "8 of 8 runs were there already" in result.stdout
    assert (content(folder / "a.h5"), (folder / "a.h5").stat().st_mtime_ns) == before


def test_fresh_computes_every_run_again(call):
    call("run", "small.toml", "-o", "a.h5")
    result = call("run", "small.toml", "-o", "a.h5", "--fresh")
    assert "8 runs computed" in result.stdout


def test_a_wider_sweep_takes_over_the_runs_that_it_shares(call, folder, assert_same_numbers):
    call("run", "small.toml", "model.depth=2", "-o", "a.h5", "--threads", 1)
    result = call("run", "small.toml", "-o", "a.h5", "--threads", 2)
    assert "4 runs computed" in result.stdout
    assert column(folder / "a.h5", "threads") == [1, 1, 1, 1, 2, 2, 2, 2]
    call("run", "small.toml", "-o", "b.h5")
    assert_same_numbers(folder / "a.h5", folder / "b.h5")


def test_one_run_is_spoken_of_as_one(call):
    words = ("run", "small.toml", "model.depth=2", "model.activation=tanh", "-o", "a.h5")
    call(*words, "sweep.seeds=2")
    result = call(*words, "sweep.seeds=1")
    assert "1 earlier run is not in this plan; it is kept in a.h5.previous" in result.stdout


def test_a_share_of_all_is_a_plain_number(call):
    one = call("plan", "small.toml", "model.depth=2", "model.activation=tanh", "sweep.seeds=1")
    assert "  100 %\n" in one.stdout
    several = call("plan", "small.toml").stdout
    assert "e+" not in several and " %\n" in several


@pytest.mark.parametrize("number, kind", [
    ("1e400", "numbers, which ends near 1.8e308"),
    ("-1e400", "numbers, which ends near 1.8e308"),
    ("+1_000.5e399", "numbers, which ends near 1.8e308"),
    ("99999999999999999999", "integers, which ends at 2^63 - 1")])
def test_a_number_that_is_too_large_is_called_so(call, folder, number, kind):
    beyond = f"'{number}' is out of the range of {kind}"
    result = call("check", "small.toml", f"optimizer.lr={number}", status=2)
    assert result.stderr.strip() == f"optimizer.lr={number}: 'optimizer.lr': {beyond}"
    text = SMALL.replace("lr = 0.1", f"lr = {number}  # large")
    (folder / "large.toml").write_text(text)
    line = text.splitlines().index(f"lr = {number}  # large") + 1
    result = call("check", "large.toml", status=2)
    assert result.stderr.startswith(f"large.toml:{line}:") and beyond in result.stderr
    result = call("check", "small.toml", f"sweep.seeds={number}", status=2)
    assert beyond in result.stderr


def test_runs_that_the_plan_no_longer_has_are_kept_beside(call, folder):
    call("run", "small.toml", "-o", "a.h5")
    before = content(folder / "a.h5")
    result = call("run", "small.toml", "model.depth=2", "-o", "a.h5")
    assert "4 earlier runs are not in this plan; they are kept in a.h5.previous" in result.stdout
    assert content(folder / "a.h5.previous") == before
    assert len(column(folder / "a.h5", "status")) == 4

    call("run", "small.toml", "model.depth=2,3", "-o", "a.h5")
    second = content(folder / "a.h5")
    call("run", "small.toml", "model.depth=2", "-o", "a.h5")
    assert content(folder / "a.h5.previous") == before
    assert content(folder / "a.h5.previous.2") == second


def test_what_is_kept_already_is_not_kept_twice(call, folder):
    call("run", "small.toml", "-o", "a.h5")
    call("run", "small.toml", "model.depth=2", "-o", "a.h5")
    before = content(folder / "a.h5.previous")
    call("run", "small.toml", "model.depth=2,3", "-o", "a.h5")
    result = call("run", "small.toml", "model.depth=3", "-o", "a.h5")
    assert "4 earlier runs are not in this plan; they are kept in a.h5.previous\n" in result.stdout
    assert content(folder / "a.h5.previous") == before
    assert not (folder / "a.h5.previous.2").exists()


def test_divergence_is_recorded_and_the_other_runs_finish(call, folder):
    result = call("run", "small.toml", "model.activation=linear",
                  "optimizer.lr=0.1,1e200", "-o", "a.h5")
    assert "8 of 8 runs: 4 complete, 4 diverged, 0 failed" in result.stdout
    rows = zip(*(column(folder / "a.h5", name) for name in ("lr", "status", "message")))
    for lr, status, message in rows:
        if lr == 0.1:
            assert (status, message) == (1, "")
        else:
            assert status == 2
            assert all(word in message for word in ("step ", "layer ")), message
            assert any(word in message for word in ("weight", "bias", "loss")), message


@pytest.mark.limited_memory
def test_a_run_that_fails_is_named_and_the_others_finish(call, folder):
    # 12,000 x 12,000 weights in float64 are 1.2 GB, which the machine has and the limit has not.
    words = ["run", "small.toml", "model.depth=2", "model.width=16,12000", "sweep.seeds=1",
             "model.activation=tanh", "-o", "a.h5"]
    limit = limited(resource.RLIMIT_AS, 1 << 30)
    result = call(*words, status=1, preexec_fn=limit)
    assert "1 of 2 runs: 1 complete, 0 diverged, 1 failed: the same command" in result.stdout
    failed = [line for line in result.stdout.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 1
    assert "model.width=12000" in failed[0] and failed[0].endswith(": out of memory")
    assert column(folder / "a.h5", "status") == [1, 3]
    # A failed run was never done: the next call tries it again.
    again = call(*words, status=1, preexec_fn=limit)
    assert "1 run computed" in again.stdout


# Progress


def test_json_progress_is_one_object_a_line(call):
    result = call("run", "small.toml", "--progress", "json")
    objects = [json.loads(line) for line in result.stderr.splitlines()]
    keys = ["done", "total", "failed", "diverged", "elapsed_seconds", "eta_seconds"]
    assert all(list(each) == keys for each in objects)
    assert objects[0]["done"] == 0, "there is one before any run ends"
    assert objects[-1]["done"] == objects[-1]["total"] == SMALL_RUNS
    assert objects[-1]["eta_seconds"] == 0


def test_no_progress_leaves_standard_error_empty(call):
    assert call("run", "small.toml", "--progress", "none").stderr == ""


# Mistakes and the environment


def test_a_wrong_definition_names_every_place(call, folder):
    text = SMALL.replace("width = 16", "width = -16").replace('"sgd"', '"sdg"')
    (folder / "wrong.toml").write_text(text)
    result = call("run", "wrong.toml", status=2)
    line = 1 + text[:text.index("width = -16")].count("\n")
    assert f"wrong.toml:{line}:9: 'model.width' is -16" in result.stderr
    assert "did you mean 'sgd'?" in result.stderr
    assert result.stdout == ""
    assert not (folder / "results").exists()


def test_missing_data_names_the_folders_that_were_searched(call, folder):
    text = SMALL.replace('name = "digits"', 'name = "mnist"')
    (folder / "small.toml").write_text(text)
    result = call("run", "small.toml", "--data-dir", "/first", status=3,
                  environment={"PLUMBLINE_DATA": "/second"})
    assert "/first, /second, data" in result.stderr
    assert list(folder.glob("results/*")) == []


def test_a_folder_that_cannot_be_made_is_an_error_with_its_path(call, folder):
    (folder / "results").write_text("in the way")  # not a matter of permissions, which root lacks
    assert "results: cannot make the folder" in call("run", "small.toml", status=3).stderr


def test_the_folders_of_an_output_are_made(call, folder):
    call("run", "small.toml", "sweep.seeds=1", "-o", "below/there/a.h5")
    call("merge", "below/there/a.h5", "-o", "elsewhere/too/b.h5")
    assert column(folder / "elsewhere/too/b.h5", "status") == [1] * 4


def test_no_folder_is_made_where_a_file_is_in_the_way(call, folder):
    result = call("run", "small.toml", "-o", "small.toml/there/a.h5", status=3)
    assert result.stderr.startswith("plumbline: small.toml: cannot make the folder: File exists")


def test_a_net_that_the_memory_does_not_hold_is_not_started(call, folder):
    # Some 10^12 weights in float64: themselves, their gradient, and the layer as it is drawn.
    words = ["small.toml", "model.depth=2", "model.width=16,1000000", "sweep.seeds=1",
             "model.activation=tanh"]
    refused = call("run", *words, status=3).stderr
    needed = re.match(r"plumbline: run model.width=1000000 train.seed=0 needs "
                      r"(\S+) TB of memory, \S+ .B of it for the data, and \S+ .B are "
                      r"available$", refused)
    assert needed and 24 <= float(needed[1]) < 25, refused
    assert not (folder / "results").exists()
    planned = call("plan", *words)
    assert "warning: " + refused.removeprefix("plumbline: ").split(", and")[0] in planned.stderr


def test_a_warm_up_longer_than_the_run_is_a_warning(call):
    words = ["small.toml", "schedule.name=warmup", "schedule.steps=30"]
    warning = ("schedule.name=warmup: warning: schedule 'warmup' warms up for 30 updates, and the "
               "run ends after 20\n")
    for command in ("check", "plan", "run"):
        assert call(command, *words).stderr.startswith(warning)
    assert call("check", "small.toml", "schedule.name=warmup", "schedule.steps=20").stderr == ""
    several = call("check", *words, "train.steps=1,2,3").stderr
    assert several.count("\n") == 1 and "the run ends after 1" in several
    told = call("run", *words, "--fresh", "--progress", "json").stderr.splitlines()
    assert json.loads(told[0]) == {"message": warning.rstrip("\n")}
    assert all("done" in json.loads(line) for line in told[1:])


def test_errors_are_objects_too_where_progress_is(call, folder):
    (folder / "results").write_text("in the way")
    result = call("run", "small.toml", "--progress", "json", status=3)
    assert "cannot make the folder" in json.loads(result.stderr)["message"]
    result = call("run", "small.toml", "train.batch=0", "model.width=0", "--progress", "json", status=2)
    assert len([json.loads(line)["message"] for line in result.stderr.splitlines()]) == 2


def test_weights_are_found_beside_the_definition_and_then_among_the_data(call, folder):
    def write(path, scale, *, swapped=False):
        with h5py.File(path, "w") as file:
            for layer, (rows, columns) in enumerate([(16, 64), (16, 16), (10, 16)], start=1):
                shape = (columns, rows) if swapped else (rows, columns)
                file[f"layer_{layer}.weight"] = np.full(shape, scale)
                file[f"layer_{layer}.bias"] = np.zeros(rows)

    (folder / "defined").mkdir()
    (folder / "data").mkdir()
    text = SMALL.replace('"glorot_normal"', '{ name = "from_file", path = "w.h5" }')
    (folder / "defined/d.toml").write_text(text.replace("depth = [2, 13]", "depth = [2]"))
    words = ["defined/d.toml", "--data-dir", "far"]
    missing = call("check", *words, status=2).stderr
    assert missing.splitlines() == [
        "defined/d.toml:15:44: 'model.initializer.path' is 'w.h5', and there is no such file; looked "
        "in defined, far, data, the working directory"]

    def run_ids():
        return [run["run_id"] for run in json.loads(call("plan", *words, "--json").stdout)["runs"]]

    write(folder / "w.h5", 1)
    write(folder / "a.h5", 1)
    here = run_ids()
    write(folder / "data/w.h5", 2)
    among_data = run_ids()
    write(folder / "defined/w.h5", 3)
    beside = run_ids()
    assert len({here[0], among_data[0], beside[0]}) == 3
    words += [f"model.initializer.path={folder}/a.h5"]
    assert run_ids() == here

    write(folder / "a.h5", 1, swapped=True)
    words[-1] = "model.initializer.path=a.h5"
    assert call("check", *words, status=2).stderr == (
        "model.initializer.path=a.h5: 'model.initializer.path' does not fit this net: a.h5: "
        "'layer_1.weight' is 64 x 16, and the layer needs 16 x 64; is it transposed?\n")


def test_a_folder_in_the_place_of_the_file_is_an_error(call, folder):
    (folder / "a.h5").mkdir()
    assert "a.h5: is a folder" in call("run", "small.toml", "-o", "a.h5", status=3).stderr


def test_a_file_that_is_no_results_file_is_never_written_over(call, folder):
    (folder / "a.h5").write_text("my notes")
    for words in ([], ["--fresh"]):
        result = call("run", "small.toml", "-o", "a.h5", *words, status=3)
        assert "a.h5: is no results file, and is not written over" in result.stderr
        assert (folder / "a.h5").read_text() == "my notes"


def test_a_damaged_results_file_is_replaced_only_when_asked(call, folder):
    call("run", "small.toml", "-o", "a.h5")
    damaged = (folder / "a.h5").read_bytes()[:3000]
    (folder / "a.h5").write_bytes(damaged)
    result = call("run", "small.toml", "-o", "a.h5", status=3)
    assert "a.h5" in result.stderr and "--fresh" in result.stderr
    assert (folder / "a.h5").read_bytes() == damaged
    call("run", "small.toml", "-o", "a.h5", "--fresh")
    assert column(folder / "a.h5", "status") == [1] * SMALL_RUNS


def test_a_call_that_computes_nothing_leaves_no_copy_of_earlier_results(call, folder):
    call("run", "small.toml", "-o", "a.h5")
    before = content(folder / "a.h5")
    missing = call("run", "small.toml", "model.depth=2", "-o", "a.h5", "data.name=digits,mnist",
                   status=3)
    assert "mnist" in missing.stderr
    assert content(folder / "a.h5") == before
    assert [path.name for path in folder.glob("a.h5*")] == ["a.h5"]


def test_a_full_disk_leaves_the_earlier_file_untouched(call, folder):
    call("run", "small.toml", "-o", "a.h5")
    before = content(folder / "a.h5")
    files = sorted(folder.iterdir())
    result = call("run", "small.toml", "-o", "a.h5", "--fresh", status=3,
                  preexec_fn=limited(resource.RLIMIT_FSIZE, 20_000))
    assert "a.h5" in result.stderr
    assert content(folder / "a.h5") == before
    assert sorted(folder.iterdir()) == files


def test_standard_output_that_cannot_be_written_is_an_error(program):
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run([program, "list"], stdout=full, stderr=subprocess.PIPE, text=True,
                                timeout=60, check=False)
    assert result.returncode == 3
    assert "standard output" in result.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.toml")),
                         ids=lambda path: path.stem)
def test_a_definition_that_ships_has_no_mistakes_and_its_file_has_its_name(call, path):
    result = call("check", path)
    assert result.stderr == ""
    assert f'\nname = "{path.stem}"\n' in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["list", "describe", "check", "plan", "run", "show", "profile"])
def test_every_command_explains_itself(call, command):
    text = call(command, "--help").stdout
    assert f"Usage: plumbline {command}" in text
    assert max(map(len, text.splitlines())) <= 100
    assert command in call("--help").stdout


def test_wrong_usage_has_status_2(call):
    assert "did you mean 'run'?" in call("rnu", status=2).stderr
    for words in [(), ("run",), ("run", "small.toml", "--threads", "0"),
                  ("run", "small.toml", "--progress", "loud"), ("show",), ("show", "--bogus")]:
        result = call(*words, status=2)
        assert result.stdout == "" and result.stderr != ""


def test_the_version_is_told(call):
    assert call("--version").stdout.startswith("plumbline 0.")
