# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest
from plumbline_report.decay import factor_per_layer, median_factor, median_factor_near_output
from plumbline_report.layer_profiles import before_training, select
from plumbline_report.results import open_results
from plumbline_report.vanishing_gradient import VARIABLES
from synthetic import geometric_run, write_results

# ln e is at most 91 and exact to 1 ulp (1.4e-14); the fit averages that over 59 layers.
EXACT = 1e-12


@pytest.mark.parametrize("factor", [0.236, 0.707, 1.0, 1.051])
def test_the_factor_of_an_exactly_geometric_file_is_recovered(tmp_path, factor):
    file = write_results(tmp_path / "a.h5",
                         [geometric_run(64, factor, seed=0), geometric_run(4, 0.9, seed=0)])
    runs = select(before_training(open_results(file, VARIABLES)), depth=64)
    assert median_factor(runs["error_signal"].values, 65) == pytest.approx(factor, rel=EXACT)
    assert median_factor(runs["gradient_norm"].values, 65) == pytest.approx(1, rel=EXACT)


def test_the_factor_counts_from_the_output_towards_the_input():
    falls_towards_the_input = 0.5 ** np.arange(20, -1, -1.0)
    assert factor_per_layer(falls_towards_the_input, 21) == pytest.approx(0.5, rel=EXACT)
    assert factor_per_layer(falls_towards_the_input[::-1], 21) == pytest.approx(2, rel=EXACT)


def test_the_first_four_and_the_last_two_layers_do_not_enter():
    profile = 0.5 ** np.arange(20, -1, -1.0)
    profile[[0, 1, 2, 3, -1, -2]] = 1e6
    assert factor_per_layer(profile, 21) == pytest.approx(0.5, rel=EXACT)
    profile[4] = 1e6
    assert factor_per_layer(profile, 21) != pytest.approx(0.5, rel=1e-2)


def test_padding_and_underflow_do_not_enter():
    profile = 0.5 ** np.arange(20, -1, -1.0)
    profile[7] = 0
    padded = np.concatenate([profile, np.full(44, np.nan)])
    assert factor_per_layer(padded, 21) == pytest.approx(0.5, rel=EXACT)


def test_a_net_too_shallow_for_three_layers_has_no_factor():
    assert math.isnan(factor_per_layer(np.ones(8), 8))
    assert factor_per_layer(np.ones(9), 9) == 1


def test_the_median_is_over_the_seeds():
    profiles = np.array([factor ** np.arange(20, -1, -1.0) for factor in (0.3, 0.5, 0.9)])
    assert median_factor(profiles, 21) == pytest.approx(0.5, rel=EXACT)


def test_a_profile_that_bends_has_its_own_factor_near_the_output():
    bent = np.maximum(0.5 ** np.arange(64, -1, -1.0), 0.5**20)
    assert median_factor_near_output(bent[None], 65) == pytest.approx(0.5, rel=EXACT)
    assert median_factor(bent[None], 65) > 0.7
