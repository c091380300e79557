# SPDX-License-Identifier: Apache-2.0
"""What `plumbline describe` says of settings whose default or range another setting decides, of probes' variables and of models."""

import itertools
import json
import re
import subprocess

import h5py
import pytest


@pytest.fixture(name="described")
def described_fixture(program):
    """The row of one setting, the lines of its meaning joined."""
    def call(name, setting):
        text = subprocess.run([program, "describe", name], capture_output=True, text=True,
                              check=True).stdout
        rows = re.split(r"\n(?=\S)", text)
        (row,) = [row for row in rows if row.split()[:1] == [setting]]
        return " ".join(row.split())
    return call


def test_a_scale_that_another_setting_moves_says_so(described):
    row = described("model", "residual_scale")
    assert row.startswith("residual_scale number 1 any ")
    assert "with rezero where the learned scale starts, by default 0" in row


@pytest.mark.parametrize("layer", ["dense", "rnn", "highway", "weight_norm"])
def test_a_layer_has_the_activation_that_models_have_by_default(described, layer):
    assert described(layer, "activation").startswith('activation plugin "tanh" activations ')


def test_normalizations_which_no_list_has_stand_in_their_setting(described):
    row = described("model", "normalization")
    for name in ("none", "batch_norm", "layer_norm", "rms_norm", "weight_norm"):
        assert name in row
    assert described("model", "activation").startswith('activation plugin "tanh" activations ')


@pytest.mark.parametrize("setting, after", [("search.halving.metric", "text one of "),
                                            ("search.halving.rungs", "list integers "),
                                            ("protocol.select.metric", "text one of "),
                                            ("protocol.rerun.seeds", "integer in ")])
def test_what_must_be_given_has_no_default(described, setting, after):
    assert described("study", setting).startswith(f"{setting} {after}")


@pytest.mark.parametrize("table, setting, start", [
    ("search", "trials", "trials integer in [1, "),
    ("search", "halving.rungs", "halving.rungs list integers "),
    ("halving", "factor", "factor integer 3 in [2, "),
    ("protocol", "select.metric", "select.metric text one of "),
    ("protocol", "rerun.seeds", "rerun.seeds integer in ")])
def test_tables_of_a_study_are_described_by_themselves(described, table, setting, start):
    assert described(table, setting).startswith(start)


# No probe says nothing of both.
MODELS_OF_ALL_PROBES = """
schema = 1
name = "all"
title = "All probes"
data = { name = "adding_problem", steps = 6, train = 20, valid = 10 }
model = { depth = 2, width = 4 }
loss.name = "mean_squared_error"
optimizer = { name = "sgd", lr = 0.01 }
train = { batch = 10, steps = 20 }
sweep.grid.model.kind = ["mlp", "rnn"]
"""


@pytest.fixture(name="text_of")
def text_of_fixture(program):
    return lambda name: subprocess.run([program, "describe", name], capture_output=True, text=True,
                                       check=True).stdout


def variables_in(text):
    """The lines of the table of variables."""
    (table,) = [part for part in text.split("\n\n") if part.startswith("variable ")]
    return table.splitlines()


@pytest.mark.parametrize("probe, variable, rest", [
    ("gradient_norm", "gradient_norm", "run, step, layer 1 "),
    ("state_gradient", "state_gradient", "run, step, lag 1 "),
    ("sharpness", "sharpness", "run, step, index 1 "),
    ("sharpness", "stability_limit", "run, step 1 ")])
def test_a_probe_says_which_variables_it_writes(text_of, probe, variable, rest):
    rows = [" ".join(line.split()) for line in variables_in(text_of(probe))]
    assert any(row.startswith(f"{variable} {rest}") for row in rows)


def test_variables_that_a_setting_brings_name_the_setting(described):
    assert described("sharpness", "hessian_trace").endswith(" With trace_samples.")
    assert " With " not in described("sharpness", "stability_limit")


def test_every_probe_describes_the_variables_that_its_files_have(program, text_of, call, folder):
    listed = json.loads(subprocess.run([program, "list", "probes", "--json"], capture_output=True,
                                       text=True, check=True).stdout)
    probes = ", ".join(f'{probe["name"]} = {{ every = 20 }}' for probe in listed)
    (folder / "all.toml").write_text(f"probes = {{ {probes} }}\n{MODELS_OF_ALL_PROBES}")
    call("run", "all.toml", "-o", "a.h5")
    described = {}
    for probe in listed:
        table = variables_in(text_of(probe["name"]))
        begin = [table[0].index(word) for word in ("variable", "dimensions", "units", "meaning")]
        for row in table[2:]:
            name, dimensions, units = (row[a:b].strip() for a, b in itertools.pairwise(begin))
            if name and " With " not in row:
                described[name] = (dimensions, units)
    with h5py.File(folder / "a.h5") as file:
        measured = {}
        for name, item in file.items():
            if item.attrs.get("role") != "metric" or re.fullmatch("(train|valid)_(loss|accuracy)", name):
                continue
            dimensions = ", ".join(scale[0].name.strip("/") for scale in item.dims)
            measured[name] = (dimensions, item.attrs["units"])
    assert measured.items() <= described.items()
    assert {"hessian_trace", "hessian_trace_error"} >= described.keys() - measured.keys()


def test_a_kind_of_model_has_its_own_settings(described, text_of):
    assert described("cnn", "kernel").startswith("kernel integer 3 in [1, ")
    assert described("residual", "block_layers").startswith("block_layers integer 2 in [1, ")
    mlp = text_of("mlp")
    assert mlp.startswith("mlp (kind of model)\n") and "`plumbline describe model`" in mlp
    assert "kernel" not in mlp


def test_a_name_of_several_things_is_described_as_each(text_of):
    text = text_of("lstm")
    assert text.startswith("lstm (layers)\n") and "\n\nlstm (kind of model)\n" in text


def test_every_kind_that_a_definition_may_name_is_described(call, text_of):
    schema = json.loads(call("schema").stdout)
    for kind in schema["definitions"]["model.table"]["properties"]["kind"]["enum"]:
        assert f"{kind} (kind of model)\n" in text_of(kind)
