# SPDX-License-Identifier: Apache-2.0
import matplotlib.image
import numpy as np
import pytest
from plumbline_report.figure_file import write_figure
from plumbline_report.results import ResultsError
from plumbline_report.time_lags import draw
from synthetic import geometric_run, write_results

STEPS = np.array([0, 5, 9])
LAGS = 8


def write(path, factors):
    """State gradients of factor^lag before training and 1 after it; step 5 is not recorded."""
    runs, gradients, models = [], [], []
    for model, of_seeds in factors.items():
        for seed, factor in enumerate(of_seeds):
            runs.append(geometric_run(1, 1.0, seed=seed))
            models.append(model)
            gradients.append([factor ** np.arange(LAGS), np.full(LAGS, np.nan), np.ones(LAGS)])
    return write_results(path, runs, steps=STEPS, sweep_axes="study seed", more={
        "study": (("run",), models), "state_gradient": (("run", "step", "lag"), gradients)})


def test_a_model_is_a_line_and_the_first_and_last_step_are_panels(tmp_path):
    figure = draw(write(tmp_path / "a.h5", {"rnn": (0.2, 0.5, 0.6), "lstm": (0.8, 0.9, 1.0)}))
    before, after = figure.axes
    assert (before.get_title(), after.get_title()) == ("before training", "after 9 updates")
    rnn, lstm = before.lines
    assert (rnn.get_label(), lstm.get_label()) == ("rnn", "lstm")
    assert rnn.get_xdata().tolist() == list(range(LAGS))
    assert rnn.get_ydata() == pytest.approx(0.5 ** np.arange(LAGS))
    assert lstm.get_ydata() == pytest.approx(0.9 ** np.arange(LAGS))
    assert after.lines[0].get_ydata() == pytest.approx(np.ones(LAGS))
    assert before.get_ylim() == after.get_ylim()


def test_underflow_leaves_a_gap(tmp_path):
    line = draw(write(tmp_path / "a.h5", {"rnn": (0.0,)})).axes[0].lines[0]
    assert line.get_ydata()[0] == 1
    assert np.isnan(line.get_ydata()[1:]).all()


def test_more_lines_than_colours_are_an_error(tmp_path):
    with pytest.raises(ResultsError, match="7 combinations of study, and at most 6"):
        draw(write(tmp_path / "a.h5", {f"model {k}": (0.5,) for k in range(7)}))


def test_the_picture_is_written_and_is_not_empty(tmp_path):
    png, svg = write_figure(draw(write(tmp_path / "a.h5", {"rnn": (0.5,)})), tmp_path / "lags")
    assert matplotlib.image.imread(png).std() > 0.05
    assert svg.stat().st_size > 10_000
