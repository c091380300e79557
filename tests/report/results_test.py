# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from plumbline_report.results import ResultsError, open_results
from synthetic import COMPLETE, DIVERGED, FAILED, PENDING, geometric_run, write_results

VARIABLES = ["depth", "error_signal"]


def test_pending_and_failed_runs_are_excluded_and_counted(tmp_path):
    statuses = [COMPLETE, PENDING, COMPLETE, FAILED, COMPLETE]
    file = write_results(tmp_path / "a.h5", [geometric_run(4, 0.5, seed=seed, status=status)
                                             for seed, status in enumerate(statuses)])
    results = open_results(file, [*VARIABLES, "seed"])
    drawn = results.drawable("error_signal")
    assert drawn["seed"].values.tolist() == [0, 2, 4]
    assert results.share_of_runs(drawn) == "3 of 5 runs"


def test_a_diverged_run_counts_where_the_metric_was_recorded(tmp_path):
    recorded = geometric_run(4, 0.5, seed=0, status=DIVERGED)
    unrecorded = geometric_run(4, 0.5, seed=1, status=DIVERGED)
    unrecorded.error_signal[:] = np.nan
    file = write_results(tmp_path / "a.h5", [recorded, unrecorded])
    drawn = open_results(file, [*VARIABLES, "seed"]).drawable("error_signal")
    assert drawn["seed"].values.tolist() == [0]


def test_a_file_in_which_nothing_ran_is_an_error(tmp_path):
    file = write_results(tmp_path / "a.h5", [geometric_run(4, 0.5, status=PENDING)])
    with pytest.raises(ResultsError, match="none of its 1 runs is complete"):
        open_results(file, VARIABLES).drawable("error_signal")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ResultsError, match="absent.h5: no such file"):
        open_results(tmp_path / "absent.h5", VARIABLES)


def test_a_file_that_is_not_hdf5_is_named(tmp_path):
    text = tmp_path / "notes.h5"
    text.write_text("not HDF5")
    with pytest.raises(ResultsError, match="notes.h5: cannot be read"):
        open_results(text, VARIABLES)


def test_another_schema_is_refused_with_both_names(tmp_path):
    file = write_results(tmp_path / "a.h5", [geometric_run(4, 0.5)], schema="someone.else")
    with pytest.raises(ResultsError, match='has schema "someone.else", expected "plumbline.sweep"'):
        open_results(file, VARIABLES)


def test_a_missing_variable_is_named(tmp_path):
    file = write_results(tmp_path / "a.h5", [geometric_run(4, 0.5)])
    with pytest.raises(ResultsError, match="has no variable jacobian"):
        open_results(file, [*VARIABLES, "jacobian"])


def test_sweep_axes_and_provenance_are_read(tmp_path):
    file = write_results(tmp_path / "a.h5", [geometric_run(4, 0.5)])
    results = open_results(file, VARIABLES)
    assert results.sweep_axes == ["depth", "activation", "initializer", "seed"]
    assert results.provenance["git_commit"] == "synthetic"
