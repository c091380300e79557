# SPDX-License-Identifier: Apache-2.0
"""What `plumbline describe` says of settings whose default or range another setting decides."""

import re
import subprocess

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
