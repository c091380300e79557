# SPDX-License-Identifier: Apache-2.0
import h5py
import numpy as np
import pytest
from plumbline_report.facets import Facet, caption, facets, of_seeds
from plumbline_report.results import ResultsError, open_results
from synthetic import FAILED, geometric_run, write_results

PAIRS = [("relu", "he_normal"), ("tanh", "glorot_normal"), ("relu", "glorot_normal")]


def read(path):
    results = open_results(path, ["seed", "error_signal"])
    return results, results.drawable("error_signal")


def test_settings_that_move_together_are_one_facet_each_in_the_order_of_the_runs(tmp_path):
    runs = [geometric_run(4, 0.5, activation=activation, initializer=initializer, seed=seed)
            for activation, initializer in PAIRS for seed in range(2)]
    found = facets(*read(write_results(tmp_path / "a.h5", runs)), {"seed"}, 12)
    assert [facet.title for facet in found] == [", ".join(pair) for pair in PAIRS]
    assert [facet.runs["seed"].values.tolist() for facet in found] == [[0, 1]] * 3
    assert set(found[1].runs["activation"].values) == {"tanh"}


def test_numbers_have_their_names_and_what_does_not_vary_is_not_told(tmp_path):
    runs = [geometric_run(depth, 0.5) for depth in (4, 9)]
    results, drawn = read(write_results(tmp_path / "a.h5", runs, sweep_axes="depth lr seed"))
    assert [facet.title for facet in facets(results, drawn, {"seed"}, 12)] == ["depth 4", "depth 9"]
    (all_runs,) = facets(results, drawn, {"seed", "depth"}, 12)
    assert all_runs.title == "" and all_runs.runs.sizes["run"] == 2


def test_an_axis_of_tables_is_divided_by_the_settings_in_them_and_runs_without_one_are_a_kind(tmp_path):
    runs = [geometric_run(4, 0.5, seed=seed) for seed in range(6)]
    path = write_results(tmp_path / "a.h5", runs, sweep_axes="initializer seed")
    with h5py.File(path, "a") as file:
        file["weight_variance"] = [1.5, 1.5, 3.0, 3.0, np.nan, np.nan]
        file["weight_variance"].dims[0].attach_scale(file["run"])
        file["weight_variance"].attrs["role"] = "setting"
    found = facets(*read(path), {"seed"}, 12)
    assert [facet.title for facet in found] == ["weight variance 1.5", "weight variance 3", ""]
    assert [facet.runs["seed"].values.tolist() for facet in found] == [[0, 1], [2, 3], [4, 5]]


def test_more_facets_than_can_be_drawn_are_an_error_with_what_varies(tmp_path):
    runs = [geometric_run(depth, 0.5) for depth in range(1, 5)]
    with pytest.raises(ResultsError, match="4 combinations of depth, and at most 3"):
        facets(*read(write_results(tmp_path / "a.h5", runs)), {"seed"}, 3)


def test_the_caption_counts_seeds_and_runs(tmp_path):
    runs = [geometric_run(4, 0.5, seed=0), geometric_run(4, 0.5, seed=1, status=FAILED)]
    results, drawn = read(write_results(tmp_path / "a.h5", runs))
    assert of_seeds(drawn) == "one seed"
    assert caption(results, drawn, "Said.") == "Said. 1 of 2 runs, commit synthetic."


def test_a_heading_has_lines_that_fit_its_panel():
    facet = Facet("depth 32, sigmoid, glorot_normal", None)
    assert facet.heading(1) == "depth 32, sigmoid, glorot_normal"
    assert facet.heading(4) == "depth 32, sigmoid,\nglorot_normal"
    assert Facet("", None).heading(4) == ""
