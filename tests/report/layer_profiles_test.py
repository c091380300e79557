# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from plumbline_report.layer_profiles import before_training, in_order, layer_curve, select
from plumbline_report.results import ResultsError, open_results
from plumbline_report.vanishing_gradient import VARIABLES
from synthetic import geometric_run, write_results


def read(path):
    return before_training(open_results(path, VARIABLES))


def test_the_padding_of_a_ragged_depth_is_ignored(tmp_path):
    file = write_results(tmp_path / "a.h5", [geometric_run(2, 0.5), geometric_run(9, 0.5)])
    runs = read(file)
    assert np.isnan(select(runs, depth=2)["error_signal"].values[0, 3:]).all()
    curve = layer_curve(select(runs, depth=2), "error_signal")
    assert curve.layers.tolist() == [1, 2, 3]
    assert curve.median.tolist() == [0.25, 0.5, 1]


def test_the_band_holds_the_quartiles_over_the_seeds(tmp_path):
    runs = [geometric_run(1, factor, seed=seed)
            for seed, factor in enumerate([0.1, 0.2, 0.3, 0.4, 0.5])]
    curve = layer_curve(read(write_results(tmp_path / "a.h5", runs)), "error_signal")
    assert (curve.low[0], curve.median[0], curve.high[0]) == pytest.approx((0.2, 0.3, 0.4))


def test_step_zero_is_drawn_wherever_it_stands(tmp_path):
    runs = [geometric_run(3, 0.5)]
    file = write_results(tmp_path / "a.h5", runs, steps=np.array([0, 7]))
    assert read(file)["error_signal"].dims == ("run", "layer")


def test_a_file_without_step_zero_is_an_error(tmp_path):
    file = write_results(tmp_path / "a.h5", [geometric_run(3, 0.5)], steps=np.array([1, 2]))
    with pytest.raises(ResultsError, match="not recorded at step 0"):
        read(file)


def test_underflow_leaves_a_gap_in_the_curve(tmp_path):
    run = geometric_run(3, 0.5)
    run.error_signal[0] = 0
    curve = layer_curve(read(write_results(tmp_path / "a.h5", [run])), "error_signal")
    assert np.isnan(curve.median[0])
    assert np.isfinite(curve.median[1:]).all()


def test_settings_keep_the_order_of_the_runs(tmp_path):
    runs = [geometric_run(1, 0.5, activation=name) for name in ("tanh", "relu", "tanh", "gelu")]
    file = write_results(tmp_path / "a.h5", runs)
    assert in_order(read(file)["activation"]) == ["tanh", "relu", "gelu"]
