# SPDX-License-Identifier: Apache-2.0
import h5py
import matplotlib.image
import numpy as np
import pytest
from plumbline_report.figure_file import write_figure
from plumbline_report.heat_map import draw, image
from plumbline_report.results import ResultsError, open_results
from synthetic import geometric_run, write_results

STEPS = np.array([0, 1, 10, 100])


def growing_run(depth, first, **settings):
    """A run whose error signal is first * 10^k at its step k in all layers; step 10 is not recorded."""
    run = geometric_run(depth, 1.0, **settings)
    run.error_signal = first * 10.0 ** np.arange(len(STEPS))[:, None] * np.ones(depth + 1)
    run.error_signal[2] = np.nan
    return run


def write(path, runs, **options):
    return write_results(path, runs, steps=STEPS, sweep_axes="activation depth seed", **options)


def test_the_image_is_the_median_over_seeds_at_the_steps_recorded(tmp_path):
    runs = [growing_run(3, first, seed=seed) for seed, first in enumerate((1e-6, 1e-4, 1e-3))]
    results = open_results(write(tmp_path / "a.h5", runs), ["n_layers", "error_signal"])
    steps, values = image(results.sweep, "error_signal")
    assert steps.tolist() == [0, 1, 100]
    assert values == pytest.approx(np.outer([1e-4, 1e-3, 1e-1], np.ones(4)))


def test_colours_are_decades_and_the_same_in_all_panels(tmp_path):
    runs = [growing_run(3, 1e-6, activation="tanh"), growing_run(3, 1e-2, activation="relu")]
    first, second, _ = draw(write(tmp_path / "a.h5", runs)).axes
    assert (first.get_title(), second.get_title()) == ("tanh", "relu")
    drawn = first.collections[0]
    assert drawn.get_array()[0].tolist() == pytest.approx([-6, -5, -3])
    assert drawn.get_clim() == second.collections[0].get_clim() == pytest.approx((-6, 1))
    assert [text.get_text() for text in first.get_xticklabels()] == ["0", "1", "10", "100"]


def test_a_column_stands_at_its_step_and_reaches_half_way_to_the_next(tmp_path):
    axes = draw(write(tmp_path / "a.h5", [growing_run(3, 1.0)])).axes[0]
    assert axes.get_xscale() == "symlog"
    edges = np.array(axes.collections[0].get_coordinates()[0, :, 0])
    # The first step takes half a decade: half way to step 1 is 0.5, from 1 to 100 it is 10.
    assert edges == pytest.approx([-0.5, 0.5, 10, 1000])
    assert axes.get_xlim() == pytest.approx((-0.5, 1000))


def test_layers_of_shallow_nets_end_where_they_end(tmp_path):
    runs = [growing_run(2, 1.0), growing_run(5, 1.0)]
    shallow, deep, _ = draw(write(tmp_path / "a.h5", runs)).axes
    assert shallow.get_ylim() == (0.5, 3.5)
    assert deep.get_ylim() == (0.5, 6.5)


def test_underflow_has_a_colour_of_its_own(tmp_path):
    run = growing_run(3, 1.0)
    run.error_signal[:, 0] = 0
    figure = draw(write(tmp_path / "a.h5", [run]))
    zeros, rest = figure.axes[0].collections
    assert np.ma.getmaskarray(zeros.get_array())[1:].all()
    assert not np.ma.getmaskarray(zeros.get_array())[0].any()
    assert np.ma.getmaskarray(rest.get_array())[0].all()
    (legend,) = figure.legends
    assert legend.get_texts()[0].get_text() == "zero in most runs (underflow)"


def test_another_quantity_may_be_named_if_it_is_over_layers(tmp_path):
    file = write(tmp_path / "a.h5", [growing_run(3, 1.0)])
    figure = draw(file, "gradient_norm")
    assert not np.any(figure.axes[0].collections[0].get_array())
    assert "weight gradient" in figure.axes[-1].get_ylabel()
    with pytest.raises(ResultsError, match="valid_accuracy is not over steps and layers"):
        draw(file, "valid_accuracy")
    with pytest.raises(ResultsError, match="no variable weight_norm"):
        draw(file, "weight_norm")


def test_values_below_0_have_no_logarithm(tmp_path):
    file = write(tmp_path / "a.h5", [growing_run(3, 1.0)])
    with h5py.File(file, "a") as opened:
        opened["gradient_norm"][0, 0, 0] = -0.5
    with pytest.raises(ResultsError, match="gradient_norm has values below 0"):
        draw(file, "gradient_norm")


def test_the_picture_is_written_and_is_not_empty(tmp_path):
    png, svg = write_figure(draw(write(tmp_path / "a.h5", [growing_run(3, 1.0)])), tmp_path / "map")
    assert matplotlib.image.imread(png).std() > 0.05
    assert svg.stat().st_size > 10_000
