# SPDX-License-Identifier: Apache-2.0
import math

import matplotlib.image
import numpy as np
import pytest
from plumbline_report.figure_file import write_figure
from plumbline_report.results import ResultsError, open_results
from plumbline_report.trainability import VARIABLES, draw, trained, xi_c
from synthetic import COMPLETE, DIVERGED, geometric_run, write_results

WEIGHTS, DEPTHS = (1.0, 2.0), (10, 20, 40)


@pytest.fixture(name="program", autouse=True)
def program_fixture(tmp_path, monkeypatch):
    """A program that says xi_c is ten times the weight variance, nothing at 3, infinite at 4."""
    program = tmp_path / "plumbline"
    program.write_text("""#!/bin/sh
weights=${3#weight_variance=}
case "$1 $2 $4 $5" in
  "theory activation=tanh bias_variance=0.05 --json") ;;
  *) echo "no such point" >&2; exit 2 ;;
esac
case $weights in
  3.0) scale=null ;;
  4.0) scale='"inf"' ;;
  *) scale=${weights}e1 ;;
esac
echo "{\\"xi_c\\": $scale}"
""", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PLUMBLINE_PROGRAM", str(program))
    return program


def write(path, accuracy, status=lambda weight, depth, seed: COMPLETE, seeds=1):
    cells = [(weight, depth, seed) for weight in WEIGHTS for depth in DEPTHS for seed in range(seeds)]
    runs = [geometric_run(depth, 1.0, seed=seed, status=status(weight, depth, seed))
            for weight, depth, seed in cells]
    return write_results(
        path, runs, sweep_axes="bias_variance weight_variance depth seed",
        more={"weight_variance": (("run",), [weight for weight, _, _ in cells]),
              "bias_variance": (("run",), [0.05 for _ in cells]),
              "final_train_accuracy": (("run",), [accuracy(*cell) for cell in cells])})


def test_a_cell_is_the_median_accuracy_of_its_runs(tmp_path):
    file = write(tmp_path / "a.h5", lambda weight, depth, seed: weight / 10 + depth / 100 + seed / 1000,
                 seeds=3)
    weights, depths, accuracy = trained(open_results(file, VARIABLES).sweep)
    assert (weights.tolist(), depths.tolist()) == ([1, 2], [10, 20, 40])
    assert accuracy == pytest.approx(np.array([[0.2, 0.3], [0.3, 0.4], [0.5, 0.6]]) + 0.001)


def test_of_two_runs_the_worse_one_is_the_cell(tmp_path):
    file = write(tmp_path / "a.h5", lambda weight, depth, seed: 0.2 + 0.5 * seed, seeds=2)
    *_, accuracy = trained(open_results(file, VARIABLES).sweep)
    assert accuracy == pytest.approx(np.full((3, 2), 0.2))


def test_runs_that_diverged_did_not_train(tmp_path):
    file = write(tmp_path / "a.h5", lambda *_: 0.9, seeds=3,
                 status=lambda weight, depth, seed: DIVERGED if (weight, depth) == (2.0, 40) and seed
                 else COMPLETE)
    *_, accuracy = trained(open_results(file, VARIABLES).sweep)
    assert accuracy[2, 1] == -np.inf
    assert accuracy[2, 0] == 0.9
    figure = draw(file)
    crosses, _ = figure.axes[0].lines
    assert crosses.get_xydata().tolist() == [[2, 40]]
    assert [text.get_text() for text in figure.legends[0].get_texts()][1] == "diverged"


def test_the_line_is_six_times_what_the_program_says(tmp_path):
    axes = draw(write(tmp_path / "a.h5", lambda *_: 0.5)).axes[0]
    line = axes.lines[-1]
    assert line.get_ydata() == pytest.approx(60 * line.get_xdata(), nan_ok=True)
    # Edges are midway between measured values, and as far outside the first and last.
    assert axes.get_xlim() == (0.5, 2.5)
    assert axes.get_ylim() == (5, 50)
    assert axes.collections[0].get_array().shape == (3, 2)
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "2"]
    assert axes.get_yticks().tolist() == [10, 20, 40]
    assert "tanh" in axes.get_title() and "0.05" in axes.get_title()


def test_infinite_and_undefined_scales_are_read():
    assert xi_c("tanh", 4.0, 0.05) == math.inf
    assert math.isnan(xi_c("tanh", 3.0, 0.05))
    assert xi_c("tanh", 1.5, 0.05) == 15


def test_a_program_that_is_missing_or_refuses_is_an_error_with_its_path(program, monkeypatch):
    with pytest.raises(ResultsError, match="does not tell xi_c: no such point"):
        xi_c("relu", 1.5, 0.05)
    monkeypatch.setenv("PLUMBLINE_PROGRAM", str(program) + "_absent")
    with pytest.raises(ResultsError, match="plumbline_absent"):
        xi_c("tanh", 1.5, 0.05)


def test_the_picture_is_written_and_is_not_empty(tmp_path):
    png, svg = write_figure(draw(write(tmp_path / "a.h5", lambda *_: 0.5)), tmp_path / "depths")
    assert matplotlib.image.imread(png).std() > 0.05
    assert svg.stat().st_size > 10_000
