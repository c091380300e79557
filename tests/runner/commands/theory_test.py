# SPDX-License-Identifier: Apache-2.0
"""What `plumbline theory` prints, and how it refuses what it cannot answer."""

import json
import math
import shutil
import subprocess

import pytest

KEYS = ["q_star", "chi_1", "chi_c", "c_star", "xi_q", "xi_c", "xi_grad", "norm_factor"]
POINT = ["activation=tanh", "weight_variance=1.5", "bias_variance=0.05"]


def call_other(words, folder):
    """Another program than `call` calls, in `folder`."""
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(name="theory")
def theory_fixture(call):
    """The JSON of a call."""
    return lambda *words: json.loads(call("theory", *words, "--json").stdout)


def test_the_table_has_every_quantity_and_says_what_becomes_of_gradients(call):
    text = call("theory", *POINT).stdout
    assert text.startswith("tanh, weight_variance 1.5, bias_variance 0.05: ordered\n")
    values = {line.split()[0]: line.split()[1] for line in text.splitlines() if line}
    # The reference's 9 digits.
    assert values["q_star"] == "0.418037201"
    assert values["chi_1"] == values["chi_c"] == "0.938636268"
    assert values["xi_grad"] == values["xi_c"] == "15.790994"
    assert values["c_star"] == "1"
    assert values["norm_factor"] == "0.968832425"
    assert set(KEYS) <= values.keys()
    sentence = " ".join(text.split())
    assert "gradients vanish: towards the input their norm halves every 22 layers" in sentence
    assert "6 xi_c = 95 layers" in sentence


def test_json_has_the_keys_of_the_contract_in_full_precision(theory):
    found = theory("activation=tanh", "weight_variance=2.5", "bias_variance=0.05")
    assert found["q_star"] == pytest.approx(1.06395838, abs=5e-9)
    assert found["xi_grad"] == pytest.approx(-7.97931502, abs=5e-9)
    assert found["c_star"] == pytest.approx(0.446804232, abs=5e-10)
    assert found["xi_c"] == pytest.approx(11.7955975, abs=5e-8)
    assert found["norm_factor"] == math.sqrt(found["chi_1"])
    assert found["phase"] == "chaotic"
    assert set(KEYS) <= found.keys() and found["undefined"] == {}


def test_infinite_is_the_text_inf_and_undefined_is_null_with_a_reason(theory):
    critical = theory("activation=relu", "weight_variance=2")
    assert critical["xi_grad"] == critical["xi_c"] == "inf"
    assert critical["q_star"] is None
    assert critical["undefined"]["q_star"] == "every length stays as it is"
    assert critical["phase"] == "critical"
    assert theory("activation=relu", "weight_variance=2.2")["q_star"] == "inf"
    line = theory("activation=tanh", "weight_variance=0.5")
    assert line["c_star"] is None and line["xi_c"] is None
    assert "linear" in line["undefined"]["xi_c"]


# fan_in times the variance that the paper of each gives a weight, between layers of 50 units.
@pytest.mark.parametrize("words, weight_variance, bias_variance", [
    (["initializer=glorot_uniform"], 1, 0), (["initializer=glorot_normal"], 1, 0),
    (["initializer=he_normal"], 2, 0), (["initializer=he_uniform", "initializer.slope=1"], 1, 0),
    (["initializer=standard_uniform"], 1 / 3, 0), (["initializer=lecun_normal"], 1, 0),
    (["initializer=orthogonal"], 1, 0), (["initializer=normal", "width=50"], 50 * 0.05**2, 0),
    (["initializer=uniform", "initializer.high=0.1", "initializer.low=-0.1", "width=50"], 50 * 0.01 / 3, 0),
    (["initializer={ name = 'mean_field', weight_variance = 1.5, bias_variance = 0.05 }"], 1.5, 0.05)])
def test_an_initializer_stands_for_its_variances(theory, words, weight_variance, bias_variance):
    found = theory("activation=tanh", *words)
    assert found["weight_variance"] == pytest.approx(weight_variance, rel=1e-12)
    assert found["bias_variance"] == bias_variance
    given = theory("activation=tanh", f"weight_variance={found['weight_variance']!r}",
                   f"bias_variance={bias_variance}")
    assert {key: found[key] for key in KEYS} == {key: given[key] for key in KEYS}


def test_the_edge_of_chaos_is_that_of_the_activation(theory):
    assert theory("activation=relu", "initializer=edge_of_chaos")["weight_variance"] == pytest.approx(2)
    found = theory("activation=tanh", "initializer=edge_of_chaos", "initializer.bias_variance=0.05")
    assert found["phase"] == "critical" and found["bias_variance"] == 0.05


def test_a_band_is_of_independent_weights(theory, call):
    words = ["activation=tanh", "depth=5", "width=20"]
    band = theory(*words, "initializer=glorot_normal")["error_signal"]
    assert band == theory(*words, "weight_variance=1")["error_signal"]
    assert "error_signal" not in theory(*words, "initializer=orthogonal")
    text = " ".join(call("theory", *words, "initializer=orthogonal").stdout.split())
    assert text.startswith("tanh, orthogonal: weight_variance 1, bias_variance 0: ")
    assert "The weights of orthogonal depend on each other" in text


def test_depth_and_width_give_the_band_over_random_nets(theory, call):
    words = ["activation=relu", "weight_variance=2", "depth=20", "width=40"]
    found = theory(*words)
    band = found["error_signal"]
    assert len(band["rms"]) == len(band["low"]) == len(band["high"]) == 21
    assert band["rms"][0] == pytest.approx(1, abs=1e-11)
    # ln |delta_1|^2 / |delta_21|^2 is normal with mean -kappa L / (2n), variance kappa L / n, kappa = 5.
    mean, deviation = -5 * 20 / 80, math.sqrt(5 * 20 / 40)
    assert 2 * math.log(band["high"][0]) == pytest.approx(mean + 1.959964 * deviation, abs=1e-5)
    assert 2 * math.log(band["low"][0]) == pytest.approx(mean - 1.959964 * deviation, abs=1e-5)
    assert found["jacobian_largest_gaussian"] == pytest.approx(108.753915, abs=5e-7)
    assert found["jacobian_variance_orthogonal"] == pytest.approx(20, abs=1e-9)
    assert found["gradient_correlation"] == pytest.approx(0.00823534, abs=5e-9)
    assert "over random nets of width 40" in call("theory", *words).stdout


def test_where_lengths_leave_float64_the_band_says_so_and_has_no_numbers(theory, call):
    words = ["activation=relu_squared", "weight_variance=2", "depth=12", "width=10"]
    reason = "No prediction below layer 13: on the way up lengths or moments leave the range of float64."
    text = call("theory", *words).stdout
    assert "nan" not in text and "-0" not in text.split()
    assert text.split("97.5 %")[1].splitlines()[2].split() == ["1", "-", "-", "-"]
    assert text.endswith("\n" + reason + "\n")
    found = theory(*words)
    assert found["xi_grad"] == 0 and found["norm_factor"] == "inf"
    assert found["error_signal"]["low"] == [None] * 12 + [1]
    assert found["undefined"]["error_signal"] == reason
    assert "error_signal" not in theory(*POINT, "depth=3", "width=9")["undefined"]


def test_batch_norm_and_residual_blocks_have_numbers_of_their_own(theory):
    found = theory("activation=relu", "weight_variance=2", "batch=64", "depth=20", "residual_scale=1")
    assert found["batch_norm_norm_factor"] == pytest.approx(1.221910, abs=5e-7)
    assert found["residual_gradient_factor"] == pytest.approx(2**10, rel=1e-12)
    assert found["residual_length"] == pytest.approx(2**20, rel=1e-12)
    other = theory("activation=tanh", "weight_variance=2", "batch=64")
    assert other["batch_norm_norm_factor"] is None
    assert "relu and linear" in other["undefined"]["batch_norm_norm_factor"]


def test_activations_bring_their_settings(theory):
    found = theory("activation=leaky_relu", "activation.slope=0.2", "weight_variance=1")
    assert found["chi_1"] == pytest.approx(0.52, rel=1e-12)
    same = theory("activation={ name = 'leaky_relu', slope = 0.2 }", "weight_variance=1")
    assert same["chi_1"] == found["chi_1"]


@pytest.mark.parametrize("words, message", [
    (["activation=tanhh", "weight_variance=1"],
     "activation=tanhh: 'tanhh' is not among the activations; did you mean 'tanh'?"),
    (["activation=tanh", "weight_variance=-1"],
     "weight_variance=-1: 'weight_variance' is -1; allowed is >= 0"),
    (["activation=tanh", "weight_variance=1", "bias_varianc=0"],
     "bias_varianc=0: 'bias_varianc' is not a setting; did you mean 'bias_variance'?"),
    (["activation=tanh", "weight_variance=1,2"],
     "weight_variance=1,2: 'weight_variance' takes one value here"),
    (["activation=tanh", "weight_variance=1", "weight_variance=2"],
     "weight_variance=2: 'weight_variance' is given twice"),
    (["activation=tanh"], "'weight_variance' must be given"),
    (["activation=tanh", "initializer=glorot_normal", "weight_variance=1"],
     "weight_variance=1: 'weight_variance' is given beside 'initializer', which has it"),
    (["activation=tanh", "initializer=normal"],
     "initializer=normal: 'initializer' is 'normal', whose variance times fan_in depends on the width: "
     "it needs width=N"),
    (["activation=tanh", "initializer=lsuv"], "initializer=lsuv: 'initializer' is 'lsuv', whose weights have "
     "no variance that is known before they are drawn; give weight_variance"),
    (["activation=tanh", "initializer=normal", "initializer.mean=1", "width=10"],
     "initializer=normal: 'initializer' is 'normal', whose weights have a mean"),
    (["activation=tanh", "initializer=glorot_norml"], "did you mean 'glorot_normal'?"),
    (["activation=tanh", "initializer=he_normal", "initializer.slop=1"], "did you mean 'slope'?"),
    (["activation=gelu", "initializer=edge_of_chaos"],
     "initializer=edge_of_chaos: 'initializer.bias_variance' is 0, where 'gelu' has no weight variance at the edge"),
    (["weight_variance=1"], "'activation' must be given"),
    (["activation=tanh", "weight_variance=1", "width=5"], "width=5: 'width' needs depth=N"),
    (["activation=tanh", "weight_variance"], "weight_variance: there is no '='"),
    ([*POINT, "--plot", "figure.jpg"], "--plot: 'figure.jpg' must end in .png or .svg"),
])
def test_what_is_wrong_is_told_with_the_argument(call, words, message):
    result = call("theory", *words, status=2)
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


@pytest.mark.parametrize("ending, begin", [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_plot_draws_the_phase_diagram_into_the_file_alone(call, folder, ending, begin):
    result = call("theory", *POINT, "--plot", f"figures/phases.{ending}")
    assert result.stderr == f"figures/phases.{ending}: the phase diagram\n"
    assert result.stdout.startswith("tanh,")
    (figure,) = (folder / "figures").iterdir()
    assert figure.name == f"phases.{ending}"
    assert figure.read_bytes().startswith(begin)


def test_without_python_the_figure_is_refused_with_what_to_do(program, folder):
    alone = folder / "bin" / "plumbline"
    alone.parent.mkdir()
    shutil.copy(program, alone)
    words = [alone, "theory", *POINT, "--plot", "figure.png"]
    missing = call_other(words, folder)
    assert missing.returncode == 3 and missing.stdout == ""
    assert "scripts/plumbline_report of Plumbline's source folder" in missing.stderr
    package = folder / "scripts" / "plumbline_report"
    package.mkdir(parents=True)
    (package / "__main__.py").touch()
    missing = call_other(words, folder)
    assert missing.returncode == 3
    assert ".venv is not there; scripts/setup makes it" in missing.stderr
