# SPDX-License-Identifier: Apache-2.0
import matplotlib.image
import numpy as np
import pytest
from plumbline_report.by_layer import draw
from plumbline_report.figure_file import write_figure
from plumbline_report.results import ResultsError
from synthetic import geometric_run, write_results


def two_activations(path, **options):
    runs = [geometric_run(depth, factor, activation=activation, seed=seed)
            for activation, factors in (("tanh", (0.4, 0.5, 0.9)), ("relu", (0.6, 0.7, 0.8)))
            for depth in (3, 6) for seed, factor in enumerate(factors)]
    return write_results(path, runs, sweep_axes="activation depth seed", **options)


def test_each_combination_has_a_column_with_both_quantities(tmp_path):
    figure = draw(two_activations(tmp_path / "a.h5"))
    assert [axes.get_title() for axes in figure.axes] == ["tanh", "relu", "", ""]
    assert [axes.get_xlabel() for axes in figure.axes[2:]] == ["layer (1 = input side)"] * 2
    assert "error signal" in figure.axes[0].get_ylabel()
    assert "weight gradient" in figure.axes[2].get_ylabel()
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_a_line_is_the_median_over_seeds_and_theory_stands_beside_it(tmp_path):
    tanh = draw(two_activations(tmp_path / "a.h5")).axes[0]
    shallow, theory, deep, _ = tanh.lines
    assert shallow.get_xdata().tolist() == [1, 2, 3, 4]
    assert shallow.get_ydata() == pytest.approx(0.5 ** np.arange(3, -1, -1.0))
    assert theory.get_ydata() == pytest.approx(shallow.get_ydata())
    assert deep.get_ydata() == pytest.approx(0.5 ** np.arange(6, -1, -1.0))
    # Of the theory's band, from half to twice the median, at layer 1 of the shallow nets.
    band = tanh.collections[1].get_paths()[0].vertices
    assert band[band[:, 0] == 1, 1].min() == pytest.approx(0.5 * 0.5**3)
    assert band[band[:, 0] == 1, 1].max() == pytest.approx(2 * 0.5**3)


def test_a_file_without_gradient_norm_shows_the_error_signal_alone(tmp_path):
    figure = draw(two_activations(tmp_path / "a.h5", leave_out=("gradient_norm",)))
    assert len(figure.axes) == 2
    with pytest.raises(ResultsError, match="has no variable error_signal"):
        draw(two_activations(tmp_path / "b.h5", leave_out=("error_signal",)))


def test_flat_profiles_span_two_decades(tmp_path):
    axes = draw(write_results(tmp_path / "a.h5", [geometric_run(5, 1.0)])).axes[1]
    low, high = axes.get_ylim()
    assert np.log10(high / low) == pytest.approx(2)


def test_the_picture_is_written_and_is_not_empty(tmp_path):
    png, svg = write_figure(draw(two_activations(tmp_path / "a.h5")), tmp_path / "layers")
    assert matplotlib.image.imread(png).std() > 0.05
    assert svg.stat().st_size > 10_000
