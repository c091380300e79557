# SPDX-License-Identifier: Apache-2.0
"""Sweeps whose later runs follow from the results of earlier ones: successive halving, and choosing on one
set of seeds to report on fresh ones. Who goes on is computed here once more, from the file's numbers."""

import json
import math
import re
import shutil
import signal
import statistics
import subprocess

import h5py
import numpy as np
import pytest

HALVING = """\
schema = 1
name = "halving"
[data]
name = "digits"
train = 300
valid = 100
[model]
depth = 1
width = 8
[train]
batch = 30
steps = 60
evaluate = { every = 5 }
[schedule]
name = "cosine"
[probes]
error_signal = { every = 5 }
[sweep]
seeds = 3
[sweep.grid]
model.activation = ["tanh", "relu"]
[[study]]
[study.search]
method = "random"
trials = 7
seed = 3
[study.search.space]
optimizer.lr = { min = 1e-3, max = 1e45, scale = "log" }
[study.search.halving]
rungs = [10, 25]
factor = 3
metric = "valid_loss"
"""

PROTOCOL = """\
schema = 1
name = "protocol"
[data]
name = "digits"
train = 300
valid = 100
[model]
depth = 1
width = 8
[train]
batch = 30
steps = 60
seed = 5
evaluate = { every = 5 }
[probes]
error_signal = { every = 50 }
[budget]
target = { metric = "train_accuracy", at_least = 0.3 }
[[study]]
name = "sgd"
[study.set]
optimizer.name = "sgd"
[study.search]
method = "grid"
[study.search.space]
optimizer.lr = [1e-4, 0.03, 0.3, 1.0, 100.0]
[study.protocol]
select = { metric = "steps_to_target", goal = "min", seeds = 2 }
rerun = { seeds = 4 }
[[study]]
name = "adam"
[study.set]
optimizer.name = "adam"
[study.search]
method = "grid"
[study.search.space]
optimizer.lr = [1e-4, 1e-3, 1e-2]
[study.protocol]
select = { metric = "steps_to_target", goal = "min", seeds = 2 }
rerun = { seeds = 4 }
"""

COMPLETE, DIVERGED = 1, 2


@pytest.fixture(name="folder")
def folder_fixture(tmp_path):
    (tmp_path / "halving.toml").write_text(HALVING, encoding="utf-8")
    (tmp_path / "protocol.toml").write_text(PROTOCOL, encoding="utf-8")
    return tmp_path


def rows_of(path):
    """A results file as one dictionary a run."""
    with h5py.File(path) as file:
        runs = file["run"].shape[0]
        columns = {name: item.asstr()[()] if item.dtype == object else item[()]
                   for name, item in file.items()
                   if isinstance(item, h5py.Dataset) and item.shape[:1] == (runs,)
                   and name not in ("step", "layer")}
    return [{name: values[run] for name, values in columns.items()} for run in range(runs)]


def median(values):
    """NaN is worst: of a minimum."""
    return statistics.median(math.inf if math.isnan(value) else value for value in values)


def best(trials, count):
    """Of [(name, values)], the names of the `count` least medians, the earlier of equal ones."""
    order = sorted(range(len(trials)), key=lambda i: (median(trials[i][1]), i))
    return [trials[i][0] for i in sorted(order[:count])]


def trials_of(rows, metric):
    trials = {}
    for row in rows:
        trials.setdefault(row["lr"], []).append(row[metric])
    return list(trials.items())


def test_the_survivors_of_a_rung_are_its_best_thirds(call, folder):
    call("run", "halving.toml", "-o", "a.h5", "--threads", "2")
    rows = rows_of(folder / "a.h5")
    assert any(row["status"] == DIVERGED for row in rows), "else nothing tests what that is worth"
    assert len(rows) == 2 * 3 * (7 + 3 + 1)
    for activation in ("tanh", "relu"):
        of_cell = [row for row in rows if row["activation"] == activation]
        rungs = [[row for row in of_cell if row["stage"] == f"rung {rung}"] for rung in (1, 2, 3)]
        assert [len(rung) for rung in rungs] == [21, 9, 3]
        for rung, following in zip(rungs, rungs[1:]):
            trials = trials_of(rung, "final_valid_loss")
            survivors = best(trials, math.ceil(len(trials) / 3))
            assert [lr for lr, _ in trials_of(following, "final_valid_loss")] == survivors
            assert [row["seed"] for row in following] == [0, 1, 2] * len(survivors)
        for rung, steps in zip(rungs, (10, 25, 60)):
            complete = [row for row in rung if row["status"] == COMPLETE]
            assert complete and all(row["n_steps"] == steps for row in complete)


def test_a_run_of_a_rung_is_the_beginning_of_the_whole_run(call, folder):
    call("run", "halving.toml", "-o", "a.h5", "--threads", "2")
    rows = rows_of(folder / "a.h5")
    with h5py.File(folder / "a.h5") as file:
        steps = file["step"][()].tolist()
    compared = 0
    for whole in (row for row in rows if row["stage"] == "rung 3"):
        for other in rows:
            same = all(other[key] == whole[key] for key in ("activation", "lr", "seed"))
            if not same or other["stage"] == "rung 3":
                continue
            last = steps.index(10 if other["stage"] == "rung 1" else 25) + 1
            for metric in ("train_loss", "valid_accuracy", "error_signal"):
                assert np.isfinite(other[metric][:last]).all()
                assert other[metric][:last].tobytes() == whole[metric][:last].tobytes()
                compared += last
    assert compared == 3 * 6 * (3 + 6)


def test_the_best_trial_is_computed_anew_with_fresh_seeds(call, folder):
    call("run", "protocol.toml", "-o", "a.h5", "--threads", "2")
    rows = rows_of(folder / "a.h5")
    assert len(rows) == (5 + 3) * 2 + 2 * 4
    unreached = [row for row in rows if math.isnan(row["steps_to_target"])]
    assert unreached, "else nothing tests what that is worth"
    for study in ("sgd", "adam"):
        of_study = [row for row in rows if row["study"] == study]
        selected = [row for row in of_study if row["stage"] == "select"]
        reruns = [row for row in of_study if row["stage"] == "rerun"]
        winner = best(trials_of(selected, "steps_to_target"), 1)[0]
        assert {row["seed"] for row in selected} == {5, 6}
        assert [(row["lr"], row["seed"]) for row in reruns] == [(winner, seed)
                                                               for seed in (7, 8, 9, 10)]
        assert all(row["optimizer"] == study for row in of_study)


@pytest.mark.parametrize("name", ["halving", "protocol"])
def test_the_numbers_are_the_same_at_any_number_of_threads(call, folder, assert_same_numbers, name):
    for threads in (1, 2, 3):
        call("run", f"{name}.toml", "-o", f"{threads}.h5", "--threads", threads)
    assert_same_numbers(folder / "1.h5", folder / "2.h5")
    assert_same_numbers(folder / "1.h5", folder / "3.h5")
    # And nothing is left to do.
    counts = call("run", f"{name}.toml", "-o", "1.h5").stdout
    assert "runs were there already" in counts


def test_a_shard_takes_what_the_output_has_of_a_study_that_is_not_finished(
        call, folder, assert_same_numbers, damage_record):
    call("run", "protocol.toml", "-o", "whole.h5")
    call("run", "protocol.toml", "-o", "a.h5")
    damage_record(folder / "a.h5", 3)
    done = call("run", "protocol.toml", "-o", "a.h5", "--shard", "1/1")
    # Of the trials all but that one, and then the reruns of the best.
    assert re.findall(r"(\d+) runs are taken from a\.h5\n", done.stderr) == ["9", "4"]
    assert "1 run computed in " in done.stdout
    call("merge", "-o", "a.h5")
    assert_same_numbers(folder / "whole.h5", folder / "a.h5")


def test_reruns_have_the_threads_that_fewer_trials_could_not_use(call, folder):
    one_trial = PROTOCOL[:PROTOCOL.rindex("[[study]]")]
    one_trial = one_trial.replace("[1e-4, 0.03, 0.3, 1.0, 100.0]", "[0.3]").replace(
        'goal = "min", seeds = 2', 'goal = "min", seeds = 1')
    (folder / "protocol.toml").write_text(one_trial, encoding="utf-8")
    call("run", "protocol.toml", "-o", "a.h5", "--threads", "2")
    rows = rows_of(folder / "a.h5")
    assert [row["stage"] for row in rows] == ["select"] + 4 * ["rerun"]
    assert {row["threads"] for row in rows} == {2}


def allow_signals():
    """In the child: a shell starts background jobs with SIGINT ignored, and children inherit it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("name", ["halving", "protocol"])
def test_the_numbers_are_the_same_after_interruptions(program, call, folder, assert_same_numbers,
                                                      name):
    longer = ["train.steps=1500", "train.evaluate.every=500"]
    call("run", f"{name}.toml", *longer, "-o", "whole.h5", "--threads", "2")
    interruptions = 0
    for finished in (1, 15, 30, 40, 43, 48, 50, 55, 60, 62, 64):
        process = subprocess.Popen([program, "run", f"{name}.toml", *longer, "-o", "pieces.h5",
                                    "--threads", "1", "--progress", "json"], cwd=folder, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=allow_signals)
        done = 0
        for line in process.stderr:
            if line.startswith("{"):
                done = json.loads(line)["done"]
            if done >= finished:
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=120)
        assert process.returncode in (0, 130)
        interruptions += process.returncode == 130
    call("run", f"{name}.toml", *longer, "-o", "pieces.h5")
    assert interruptions > 0
    assert_same_numbers(folder / "whole.h5", folder / "pieces.h5")


def test_progress_counts_the_runs_of_later_stages_from_the_beginning(call):
    said = call("run", "halving.toml", "-o", "a.h5", "--progress", "json").stderr
    counts = [json.loads(line) for line in said.splitlines()]
    assert {count["total"] for count in counts} == {66}
    done = [count["done"] for count in counts]
    assert done == sorted(done) and done[-1] == 66
    said = call("run", "halving.toml", "model.activation=tanh", "-o", "a.h5").stderr
    said = call("run", "halving.toml", "-o", "a.h5", "--progress", "plain").stderr.splitlines()
    assert said == ["33 runs are taken back from a.h5.previous", "33 of 66 runs were there already",
                    "66 of 66 runs, nothing to be computed"]


def test_what_a_changed_number_would_have_chosen_is_computed(call, folder):
    """An axis value more in the sweep keeps the runs that are there."""
    call("run", "halving.toml", "-o", "a.h5")
    before = {row["run_id"]: row["digest"] for row in rows_of(folder / "a.h5")}
    text = HALVING.replace('["tanh", "relu"]', '["tanh", "relu", "sigmoid"]')
    (folder / "halving.toml").write_text(text, encoding="utf-8")
    said = call("run", "halving.toml", "-o", "a.h5")
    after = {row["run_id"]: row["digest"] for row in rows_of(folder / "a.h5")}
    assert len(after) == 99
    assert before.items() <= after.items()
    assert "66 of 99 runs were there already" in said.stderr
    assert "33 runs computed" in said.stdout


def test_a_trial_that_had_failed_may_be_chosen_when_it_is_computed_again(call, folder,
                                                                         assert_same_numbers):
    call("run", "protocol.toml", "-o", "a.h5")
    call("run", "protocol.toml", "-o", "whole.h5")
    with h5py.File(folder / "a.h5", "r+") as file:
        stages = file["stage"].asstr()[:]
        winners = {(row["study"], row["lr"]) for row in rows_of(folder / "whole.h5")
                   if row["stage"] == "rerun"}
        rows = list(zip(file["study"].asstr()[:], file["lr"][:], stages, strict=True))
        status = file["status"][:]
        for i, (study, lr, stage) in enumerate(rows):
            if (study, lr) in winners:
                status[i] = 3 if stage == "select" else 0
        file["status"][:] = status
        del file["checksum"]  # which would tell
    assert 0 in status and 3 in status
    call("run", "protocol.toml", "-o", "a.h5")
    assert_same_numbers(folder / "whole.h5", folder / "a.h5")


def test_plan_counts_the_runs_of_later_stages(call):
    plan = json.loads(call("plan", "halving.toml", "--json").stdout)
    assert plan["n_runs"] == 66
    assert [run["run_id"] is None for run in plan["runs"]] == [False] * 42 + [True] * 24
    assert [run["stage"] for run in plan["runs"]] == (["rung 1"] * 42 + ["rung 2"] * 18
                                                      + ["rung 3"] * 6)
    plan = json.loads(call("plan", "protocol.toml", "--json").stdout)
    assert [(run["study"], run["stage"], run["seed"]) for run in plan["runs"][-8:]] == [
        (study, "rerun", seed) for study in ("sgd", "adam") for seed in (7, 8, 9, 10)]
    said = call("plan", "halving.toml").stdout
    assert "66 runs" in said and "rung 2" in said


def test_show_and_verify_read_files_of_stages(call):
    call("run", "protocol.toml", "-o", "a.h5")
    shown = call("show", "a.h5", "--by", "study,stage").stdout
    assert "rerun" in shown and "sgd" in shown
    chosen_by = re.search(r"diverged  (\w+) +(\w+)", call("show", "a.h5").stdout)
    assert chosen_by.groups() == ("steps_to_target", "final_valid_accuracy")
    assert "24 of 24 runs have the same digest" in call("verify", "a.h5").stdout


@pytest.mark.parametrize("change, key, message", [
    (("rungs = [10, 25]", "rungs = [10, 60]"), "rungs",
     "'study.search.halving.rungs' holds 60; a run of 60 steps is over by then"),
    (('"valid_loss"', '"steps_to_target"'), "metric",
     "'study.search.halving.metric' is 'steps_to_target', and there is no 'budget.target'"),
    (('"valid_loss"', '"valid_los"'), "metric",
     "'study.search.halving.metric' is 'valid_los', which is unknown; did you mean 'valid_loss'?"),
    (("valid = 100", "valid = 0"), "metric",
     "'study.search.halving.metric' is 'final_valid_loss', and the data have no validation examples"),
    (("factor = 3", "factor = 1"), "factor",
     "'study.search.halving.factor' is 1; allowed is in [2, 1e+06]"),
    (("factor = 3", "faktor = 3"), "faktor",
     "'study.search.halving.faktor' is not a setting; did you mean 'factor'?"),
])
def test_what_cannot_be_halved_is_a_mistake_with_its_place(call, folder, change, key, message):
    text = HALVING.replace(*change)
    (folder / "halving.toml").write_text(text, encoding="utf-8")
    before = text[:text.index(f"\n{key} = ") + 1]
    place = f"halving.toml:{before.count(chr(10)) + 1}:{len(key) + 4}"
    assert f"{place}: {message}\n" in call("check", "halving.toml", status=2).stderr


@pytest.mark.parametrize("change, message", [
    (("[budget]", "[sweep]\nseeds = 3\n[budget]"),
     "'sweep.seeds' is given beside 'study.protocol', which has seeds of its own"),
    (('[study.search]\nmethod = "grid"\n[study.search.space]\noptimizer.lr = [1e-4, 1e-3, 1e-2]\n',
      ""), "'study.protocol' chooses among the trials of 'study.search', and there is none"),
])
def test_what_nothing_can_be_chosen_by_is_a_mistake_with_its_place(call, folder, change, message):
    (folder / "protocol.toml").write_text(PROTOCOL.replace(*change), encoding="utf-8")
    said = call("check", "protocol.toml", status=2)
    assert message in said.stdout + said.stderr


def test_reruns_of_a_trial_that_no_longer_is_the_winner_are_left_out_of_a_merge(call, folder):
    shard = folder / "x.shard-1-of-1.h5"
    call("run", "protocol.toml", "--shard", "1/1", "-o", "x.h5")
    rows = rows_of(shard)
    (winner,) = {row["lr"] for row in rows if row["study"] == "sgd" and row["stage"] == "rerun"}
    reruns = {row["run_id"] for row in rows
              if row["study"] == "sgd" and row["stage"] == "rerun"}
    with h5py.File(shard, "r+") as file:
        for index, row in enumerate(rows):
            if row["study"] == "sgd" and row["stage"] == "select" and row["lr"] == winner:
                file["steps_to_target"][index] = math.nan
        del file["checksum"]  # which would tell
    done = call("merge", "-o", "x.h5", status=1)
    assert "20 of 24 runs: 20 complete, 0 diverged, 0 failed, 4 pending; from 1 file" in done.stdout
    assert ("4 runs left out: the definition, or what a stage has chosen, has changed since"
            in done.stdout)
    assert not reruns & {row["run_id"] for row in rows_of(folder / "x.h5") if row["status"]}
    # Those that the output has are kept.
    shutil.copy(shard, folder / "y.h5")
    done = call("merge", shard.name, "y.h5", "-o", "y.h5", status=1)
    assert "4 earlier runs are not in this plan; they are kept in y.h5.previous" in done.stdout
    assert (folder / "y.h5.previous").read_bytes() == shard.read_bytes()
