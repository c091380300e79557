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
        assert group["values"]["train_loss"] == group["values"]["final_train_loss"]


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
