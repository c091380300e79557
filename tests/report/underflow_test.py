# SPDX-License-Identifier: Apache-2.0
import h5py
import matplotlib.image
import numpy as np
import pytest
from plumbline_report.figure_file import write_figure
from plumbline_report.results import ResultsError, open_results
from plumbline_report.underflow import VARIABLES, draw, losses
from synthetic import geometric_run, write_results

LEAST_NORMAL = 2.0**-126


def write_sweep(path, runs):
    """Geometric error signals beside what float32 makes of them; dL/dW is lost in all layers from depth 40 on."""
    write_results(path, runs, steps=np.array([0, 5]))
    with h5py.File(path, "a") as file:
        exact = file["error_signal"][()]
        single = np.where(np.isnan(exact), np.nan, exact.astype(np.float32).astype(np.float64))
        file["error_signal"][...] = single
        lost = np.where(np.isnan(exact), np.nan, (exact < LEAST_NORMAL).astype(float))
        deep = file["depth"][()][:, None, None] >= 40
        gradient = np.where(np.isnan(exact), np.nan, np.broadcast_to(deep, exact.shape).astype(float))
        for name, values in (("shadow_error_signal", exact), ("error_signal_lost_share", lost),
                             ("gradient_lost_share", gradient)):
            dataset = file.create_dataset(name, data=values)
            for axis, dimension in enumerate(("run", "step", "layer")):
                dataset.dims[axis].attach_scale(file[dimension])
    return path


def sweep(path):
    return write_sweep(path, [geometric_run(depth, factor, activation=activation, seed=seed)
                              for depth in (20, 60) for seed in (0, 1)
                              for activation, factor in (("sigmoid", 0.125), ("relu", 1.0))])


def test_a_signal_is_lost_where_it_passes_the_least_normal_float(tmp_path):
    found = losses(open_results(sweep(tmp_path / "a.h5"), VARIABLES))
    sigmoid = found["glorot_normal", "sigmoid"]
    # 8^-k is below 2^-126 from k = 43 on, and 0 in float32 from 2^-150 on, which is k = 50.
    assert sigmoid.lost_at == 43
    assert sigmoid.magnitude == pytest.approx(43 * np.log10(0.125))
    assert np.flatnonzero(np.isnan(sigmoid.single))[0] == 50
    assert np.isfinite(sigmoid.double).all() and len(sigmoid.layers) == 61
    assert sigmoid.depth == 60
    assert "lost 43 layers from the output" in str(sigmoid) and "$10^{-39}$" in str(sigmoid)


def test_a_signal_that_stays_in_range_is_told_from_one_that_does_not(tmp_path):
    relu = losses(open_results(sweep(tmp_path / "a.h5"), VARIABLES))["glorot_normal", "relu"]
    assert np.isnan(relu.lost_at)
    assert str(relu).startswith("not lost in 60 layers")


def test_the_figure_has_a_panel_for_each_kind_of_net(tmp_path):
    figure = draw(sweep(tmp_path / "a.h5"))
    assert [axes.get_title() for axes in figure.axes] == ["sigmoid", "relu"]
    sigmoid = figure.axes[0]
    single, double, mark = sigmoid.lines
    assert np.isnan(single.get_ydata()[-1]) and np.isfinite(double.get_ydata()[-1])
    assert mark.get_xdata()[0] == 43
    (png,) = write_figure(figure, tmp_path / "lost", ["png"])
    assert matplotlib.image.imread(png).std() > 0.05


def test_a_sweep_without_the_probe_is_refused(tmp_path):
    with pytest.raises(ResultsError, match="shadow_error_signal"):
        draw(write_results(tmp_path / "a.h5", [geometric_run(8, 0.5)]))
