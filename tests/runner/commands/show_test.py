# SPDX-License-Identifier: Apache-2.0
"""The tables of `plumbline show`, against numpy and the settings of their runs."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

SMALL = Path(__file__).parents[1].joinpath("small.toml").read_text(encoding="utf-8")


def factor_per_layer(profile):
    """By numpy: exp of the slope of ln e against the number of layers below the output."""
    n_layers = len(profile)
    layers = np.arange(5, n_layers - 1) if n_layers >= 12 else np.arange(1, n_layers)
    return np.exp(np.polyfit(n_layers - layers, np.log(profile[layers - 1]), 1)[0])


def test_show_agrees_with_numpy(call, folder):
    call("run", "small.toml", "-o", "a.h5", "sweep.seeds=5")
    shown = json.loads(call("show", "a.h5", "--json").stdout)
    assert shown["runs"] == {"total": 20, "complete": 20, "diverged": 0, "failed": 0, "pending": 0}
    assert [group["key"] for group in shown["groups"]] == [
        {"depth": depth, "activation": activation}
        for depth in (2, 13) for activation in ("sigmoid", "tanh")]
    with h5py.File(folder / "a.h5") as file:
        for index, group in enumerate(shown["groups"]):
            runs = slice(5 * index, 5 * index + 5)
            accuracy = np.percentile(file["final_valid_accuracy"][runs], [25, 50, 75])
            value = group["values"]["final_valid_accuracy"]
            assert [value["low"], value["median"], value["high"]] == pytest.approx(accuracy)
            n_layers = group["key"]["depth"] + 1
            for name in ("error_signal", "gradient_norm"):
                profiles = file[name][runs, 0, :n_layers]
                decay = group["layers_at_step_0"][name]
                assert decay["first_to_last"]["median"] == pytest.approx(
                    np.median(profiles[:, 0] / profiles[:, -1]))
                assert decay["factor_per_layer"]["median"] == pytest.approx(
                    np.median([factor_per_layer(profile) for profile in profiles]))
            theory = file["theory_error_signal"][runs, :n_layers]
            shown_theory = group["layers_at_step_0"]["error_signal"]["theory_factor_per_layer"]
            assert shown_theory["median"] == pytest.approx(
                np.median([factor_per_layer(profile) for profile in theory]))


def test_show_prints_tables_by_the_settings_asked_for(call):
    call("run", "small.toml", "-o", "a.h5")
    text = call("show", "a.h5", "--by", "activation").stdout
    assert text.startswith("A small sweep\na.h5: 8 of 8 runs complete, ")
    assert max(map(len, text.splitlines())) <= 100
    rows = [line.split() for line in text.splitlines() if line.startswith(("sigmoid", "tanh"))]
    assert [row[:3] for row in rows[:2]] == [["sigmoid", "4", "0"], ["tanh", "4", "0"]]


# Axes whose values are tables, and how many different runs they make of the definition's.
TABLES = {
    "the same name": ('optimizer = [{ name = "sgd", lr = 0.1 }, { name = "sgd", lr = 0.5 }]', 2),
    "wrappers": ('optimizer = [{ name = "clip_norm", inner = { name = "sgd", lr = 0.1 } },'
                 ' { name = "clip_norm", inner = { name = "sgd", lr = 0.2 } },'
                 ' { name = "clip_norm", inner = "adam" }]', 3),
    "groups": ('optimizer = [{ name = "sgd", lr = 0.1 },'
               ' { name = "sgd", lr = 0.1, groups = { bias = { lr = 0.2 } } },'
               ' { name = "sgd", lr = 0.1, groups = { bias = { name = "adam" } } }]', 3),
    "activations": ('model.activation = ["relu", { name = "leaky_relu", slope = 0.1 },'
                    ' { name = "leaky_relu", slope = 0.3 }]', 3),
    "both": ('optimizer = [{ name = "sgd", lr = 0.1 }, { name = "sgd", lr = 0.5 }]\n'
             'model.activation = [{ name = "silu", beta = 1.0 },'
             ' { name = "silu", beta = 2.0 }]', 4),
}


@pytest.mark.parametrize("axes, different", TABLES.values(), ids=TABLES)
def test_show_pools_runs_that_differ_in_the_seed_alone(call, folder, axes, different):
    text = SMALL[:SMALL.index("model.depth = [2, 13]")] + axes
    if "optimizer = " in axes:
        text = text.replace('[optimizer]\nname = "sgd"\nlr = 0.1\n', "")
    (folder / "tables.toml").write_text(text)
    call("run", "tables.toml", "-o", "a.h5")
    groups = json.loads(call("show", "a.h5", "--json").stdout)["groups"]
    assert [group["runs"]["total"] for group in groups] == [2] * different
    rows = {line for line in call("show", "a.h5").stdout.splitlines() if "(" in line}
    assert len(rows) >= different, "told apart in the table too"


STUDIES = """
[[study]]
name = "with"
set.budget.target = { metric = "train_accuracy", at_least = 1.0 }
[[study]]
name = "without"
set.optimizer.lr = 0.2
"""


def test_show_says_of_studies_without_a_target_nothing_of_reaching_it(call, folder):
    text = SMALL.replace("steps = 20", "steps = 20\nevaluate = { every = 10 }")
    (folder / "studies.toml").write_text(text + STUDIES)
    call("run", "studies.toml", "-o", "a.h5")
    show = "show", "a.h5", "--metric", "steps_to_target", "--by", "study"
    rows = [line.split() for line in call(*show).stdout.splitlines() if line.startswith("with")]
    assert rows == [["with", "8", "0", "0", "of", "8:", "not", "reached"], ["without", "8", "0", "-"]]
    groups = json.loads(call(*show, "--json").stdout)["groups"]
    assert [group["values"]["steps_to_target"]["n"] for group in groups] == [8, 0]


def test_show_keeps_the_stages_of_a_sweep_apart(call, folder):
    (folder / "stages.toml").write_text(SMALL[:SMALL.index("[sweep]")] + """
[[study]]
[study.search]
method = "grid"
[study.search.space]
optimizer.lr = [0.01, 0.1, 0.3]
[study.search.halving]
rungs = [10]
metric = "valid_loss"
""")
    call("run", "stages.toml", "-o", "a.h5")
    shown = json.loads(call("show", "a.h5", "--by", "activation", "--json").stdout)
    assert shown["by"] == ["activation", "stage"]
    assert [(group["key"]["stage"], group["runs"]["total"]) for group in shown["groups"]] == [
        ("rung 1", 3), ("rung 2", 1)]


def test_show_has_no_column_for_what_another_one_tells(call):
    call("run", "small.toml", "optimizer=sgd,adam", "model.depth=2", "-o", "a.h5")
    shown = json.loads(call("show", "a.h5", "--json").stdout)
    assert shown["by"] == ["activation", "optimizer"], "and none for beta1, which adam alone has"


def test_show_measures_what_is_asked_for(call):
    call("run", "small.toml", "-o", "a.h5")
    words = ["show", "a.h5", "--json", "--metric", "train_loss,final_train_loss,error_signal"]
    shown = json.loads(call(*words).stdout)
    for group in shown["groups"]:
        assert list(group["values"]) == ["train_loss", "final_train_loss"]
        assert list(group["layers_at_step_0"]) == ["error_signal"]
        train_loss = group["values"]["train_loss"]
        assert train_loss.pop("steps") == [20, 20]
        assert train_loss == group["values"]["final_train_loss"]


def test_show_refuses_names_that_the_file_does_not_have(call):
    call("run", "small.toml", "model.depth=2", "-o", "a.h5")
    result = call("show", "a.h5", "--by", "actvation", status=2)
    assert "did you mean 'activation'?" in result.stderr
    result = call("show", "a.h5", "--metric", "eror_signal", status=2)
    assert "did you mean 'error_signal'?" in result.stderr
    assert "nothing.h5" in call("show", "nothing.h5", status=3).stderr


def test_show_counts_the_diagnoses_of_each_group(call, folder):
    call("run", "small.toml", "-o", "a.h5", "sweep.seeds=5", 'model.initializer="glorot_normal"')
    groups = json.loads(call("show", "a.h5", "--json").stdout)["groups"]
    with h5py.File(folder / "a.h5") as file:
        findings = [text.split(":")[0] for text in file["diagnosis"].asstr()[()]]
    for index, group in enumerate(groups):
        of_group = findings[5 * index:5 * index + 5]
        assert group["diagnosis"] == {one: of_group.count(one) for one in of_group}
    assert groups[2]["key"] == {"depth": 13, "activation": "sigmoid"}
    assert groups[2]["diagnosis"] == {"vanishing as predicted": 5}
    text = call("show", "a.h5").stdout
    assert [line.split() for line in text.splitlines() if "as predicted" in line][-1] == [
        "13", "sigmoid", "vanishing", "as", "predicted", "5", "of", "5"]
    assert max(map(len, text.splitlines())) <= 100


def test_a_file_from_before_there_were_diagnoses_is_shown_verified_and_taken_over(call, folder):
    call("run", "small.toml", "-o", "a.h5")
    before = call("show", "a.h5").stdout
    with h5py.File(folder / "a.h5", "a") as file:
        for name in ("theory_error_signal_z", "diagnosis", "checksum"):
            del file[name]
        file.attrs["schema_version"] = "1.0"
    assert before.startswith(call("show", "a.h5").stdout)
    assert "8 of 8 runs have the same digest" in call("verify", "a.h5").stdout
    assert "8 of 8" in call("status", "a.h5").stdout


SEQUENCES = """# SPDX-License-Identifier: Apache-2.0
schema = 1
name = "sequences"
title = "Sequences"
[data]
name = "adding_problem"
steps = 6
train = 20
valid = 10
[model]
depth = 1
width = 4
[loss]
name = "mean_squared_error"
[optimizer]
name = "sgd"
lr = 0.01
[train]
batch = 10
steps = 4
[probes]
gradient_norm = { every = 2 }
update_norm = { every = 2 }
state_gradient = { steps = [0, 3] }
sharpness = { every = 2, count = 3 }
[sweep]
seeds = 2
[sweep.grid]
model.kind = ["rnn", "mlp"]
"""
NO_HESSIAN = ("layer 1 of the rnn model is no dense layer, no activation and no residual block of such "
              "layers")


@pytest.fixture(name="sequences")
def sequences_fixture(call, folder):
    """A results file with a metric over each kind of axis, of which two are undefined in half of the runs."""
    (folder / "sequences.toml").write_text(SEQUENCES)
    call("run", "sequences.toml", "-o", "a.h5")
    return folder / "a.h5"


# What is asked for, its variable in the file, the place on the axis, the last step that has it (no update
# follows the last), and whether the rnn and the mlp have it.
@pytest.mark.parametrize("word, variable, place, step, has_it", [
    ("sharpness[2]", "sharpness", 1, 4, (False, True)),
    ("state_gradient[5]", "state_gradient", 5, 4, (True, False)),
    ("state_gradient[0]", "state_gradient", 0, 4, (True, False)),
    ("update_norm[2]", "update_norm", 1, 2, (True, True)),
    ("gradient_norm[2]", "gradient_norm", 1, 4, (True, True)),
    ("gradient_norm[6]", "gradient_norm", 5, 4, (True, False))])
def test_show_takes_a_coordinate_of_an_axis_and_says_at_which_step_it_stands(
        call, sequences, word, variable, place, step, has_it):
    shown = json.loads(call("show", sequences, "--metric", word, "--json").stdout)
    with h5py.File(sequences) as file:
        row = list(file["step"][()]).index(step)
        for index, group in enumerate(shown["groups"]):
            value = group["values"][word]
            if has_it[index]:
                values = file[variable][2 * index:2 * index + 2, row, place]
                assert value["median"] == pytest.approx(np.median(values))
                assert value["n"] == 2 and value["steps"] == [step, step]
            else:
                assert value["n"] == 0 and "steps" not in value
    text = call("show", sequences, "--metric", word).stdout
    assert f"\n{word}: at step {step}, the last that has it\n" in text


def test_show_of_lags_and_indices_without_a_coordinate_has_the_first_and_the_last(call, sequences):
    words = ["show", sequences, "--metric", "sharpness,state_gradient", "--json"]
    for group in json.loads(call(*words).stdout)["groups"]:
        assert list(group["values"]) == ["sharpness[1]", "sharpness[3]", "state_gradient[0]",
                                         "state_gradient[5]"]


def test_show_says_of_which_runs_a_quantity_is_undefined_and_why(call, sequences):
    words = ["show", sequences, "--metric", "stability_limit,gradient_norm[6]"]
    text = call(*words).stdout
    rows = [line.split() for line in text.splitlines() if line.startswith(("rnn", "mlp"))]
    assert rows[0][3] == "undefined" and rows[1][3] != "undefined"
    assert rows[1][-1] == "-", "of layers that a net does not have there is no number, and no reason"
    assert f"\nstability_limit: undefined in 2 of 4 complete or diverged runs, because {NO_HESSIAN}\n" in text
    shown = json.loads(call(*words, "--json").stdout)
    assert shown["undefined"] == {"stability_limit": {"runs": 2, "because": NO_HESSIAN}}
    assert [group["values"]["stability_limit"].get("undefined") for group in shown["groups"]] == [2, None]
    assert "undefined" not in call("show", sequences).stdout


def test_show_says_why_a_quantity_is_undefined_where_all_runs_diverged(call, folder):
    (folder / "sequences.toml").write_text(SEQUENCES)
    call("run", "sequences.toml", "optimizer.lr=1e30", "-o", "a.h5")
    text = call("show", "a.h5", "--metric", "stability_limit").stdout
    assert "0 of 4 runs complete, 4 diverged" in text
    assert f"\nstability_limit: undefined in 2 of 4 complete or diverged runs, because {NO_HESSIAN}\n" in text


@pytest.mark.parametrize("word, message", [
    ("sharpnes", "'sharpnes' is not measured in a.h5; did you mean 'sharpness'?"),
    ("nothing_of_the_kind", "'nothing_of_the_kind' is not measured in a.h5\n"),
    ("sharpnes[1]", "'sharpnes[1]' is not measured in a.h5; did you mean 'sharpness'?"),
    ("sharpness[0]", "'sharpness[0]' is not there: the index of 'sharpness' is [1] to [3]"),
    ("sharpness[4]", "'sharpness[4]' is not there: the index of 'sharpness' is [1] to [3]"),
    ("sharpness[]", "'sharpness[]' is not there: the index of 'sharpness' is [1] to [3]"),
    ("state_gradient[6]", "'state_gradient[6]' is not there: the lag of 'state_gradient' is [0] to [5]"),
    ("gradient_norm[1]x", "'gradient_norm[1]x' is not there: the layer of 'gradient_norm' is [1] to "),
    ("train_loss[1]", "'train_loss[1]' is one number at each step: without [...]")])
def test_show_lists_what_the_file_has_where_it_refuses(call, sequences, word, message):
    error = call("show", sequences.name, "--metric", word, status=2).stderr
    assert error.startswith(f"--metric: {message}")
    rows = [line.split("  ", 1) for line in error.splitlines()[4:]]
    table = {row[0]: row[1].strip() for row in rows if row[0]}
    assert table["step"].startswith("train_loss, train_accuracy, ")
    assert table["lag, [0] to [5]"] == "state_gradient"
    assert table["index, [1] to [3]"].startswith("sharpness, ")
    assert "final_train_loss" in error and max(map(len, error.splitlines()[1:])) <= 100
