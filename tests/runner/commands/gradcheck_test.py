# SPDX-License-Identifier: Apache-2.0
"""`plumbline gradcheck`: its table, its JSON and its exit status. That it catches a wrong gradient is
shown in tests/training/gradient_check_test.cpp and tests/runner/commands/gradcheck_test.cpp."""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(name="gradcheck")
def gradcheck_fixture(program):
    def call(*arguments):
        return subprocess.run([program, "gradcheck", *arguments], capture_output=True, text=True,
                              cwd=ROOT, check=False)
    return call


SMALL = ["vanishing_gradient", "model.width=12", "train.batch=8"]


def test_a_small_net_is_checked_whole(gradcheck):
    done = gradcheck("one_hidden_layer", "--json")
    assert done.returncode == 0
    checked = json.loads(done.stdout)
    assert checked["holds"] is True
    assert [(one["layer"], one["tensor"], one["size"], one["checked"], one["verdict"])
            for one in checked["tensors"]] == [(1, "weight", 4, 4, "agrees"),
                                               (1, "bias", 2, 2, "agrees"),
                                               (2, "weight", 4, 4, "agrees"),
                                               (2, "bias", 2, 2, "agrees")]
    for one in checked["tensors"]:
        assert one["largest_difference"] <= 1e-9
        assert one["largest_gradient"] > 1e-3


def test_a_large_tensor_is_sampled(gradcheck):
    def checked(*options):
        tensors = json.loads(gradcheck(*SMALL, "--json", *options).stdout)["tensors"]
        return [(one["size"], one["checked"] + one["skipped"]) for one in tensors]
    assert checked()[0] == (64 * 12, 200)
    assert checked("--sample", "7")[0] == (64 * 12, 7)
    assert checked("--all")[0] == (64 * 12, 64 * 12)


def test_every_activation_that_ships_is_right_in_a_net(gradcheck, program):
    listed = subprocess.run([program, "list", "activations", "--json"], capture_output=True,
                            text=True, cwd=ROOT, check=True)
    for activation in json.loads(listed.stdout):
        name = activation["name"]
        done = gradcheck(*SMALL, f"model.activation={name}", "model.depth=3", "--sample", "25",
                         "--json")
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        verdicts = [one["verdict"] for one in json.loads(done.stdout)["tensors"]]
        assert verdicts.count("agrees") >= len(verdicts) // 2, f"{name}: {verdicts}"


def test_the_table_names_the_run_and_says_what_agrees_means(gradcheck):
    done = gradcheck(*SMALL, "--sample", "5")
    assert done.returncode == 0
    assert done.stdout.startswith("vanishing_gradient, run 1 of 240 (")
    assert "\nlayer  tensor  size  checked  skipped  largest gradient  largest difference" in \
        done.stdout
    assert "A parameter agrees within 1e-07\nof its own gradient plus rounding." in done.stdout
    assert done.stderr == ""


def test_a_long_check_says_what_it_does_before_it_has_done_it(program):
    with subprocess.Popen([program, "gradcheck", "vanishing_gradient", "model.width=1000"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          cwd=ROOT) as process:
        line = process.stderr.readline()
        process.terminate()
    # Of 64-1000-1000-10: 200 of each weight matrix and bias, but for the last biases.
    assert line.startswith("Checks 1010 parameters by 6 passes over the batch each, or more: "), line


def test_it_says_that_a_run_in_single_precision_is_checked_in_double(gradcheck):
    done = gradcheck(*SMALL, "model.precision=float32", "--sample", "5")
    assert done.returncode == 0
    assert done.stderr == "The run is in float32; its gradient is checked in float64.\n"


def test_kinks_are_skipped_and_not_taken_for_mistakes(gradcheck):
    # 50 examples in 360 rectifiers: some pre-activation is always nearer to 0 than a short step.
    done = gradcheck("vanishing_gradient", "model.activation=relu", "model.width=30",
                     "model.depth=12", "--sample", "60", "--json")
    checked = json.loads(done.stdout)
    assert done.returncode == 0, checked
    assert sum(one["skipped"] for one in checked["tensors"]) > 0


def test_wrong_usage_is_status_2(gradcheck):
    assert gradcheck("one_hidden_layer", "--sample", "0").returncode == 2
    assert gradcheck("one_hidden_layer", "--all", "--sample", "3").returncode == 2
    assert gradcheck("one_hidden_layer", "--run", "0").returncode == 2
    assert gradcheck("one_hidden_layer", "model.depht=3").returncode == 2
