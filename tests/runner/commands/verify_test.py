# SPDX-License-Identifier: Apache-2.0
"""`plumbline verify`: runs computed again have the digests that the file holds, on any number of
threads, and one that does not is named."""

import json
import shutil
import subprocess

import h5py
import pytest

# Not what the definition says by itself: a file must remember how it was called.
OVERRIDES = ["train.steps=7", "model.depth=2,5", "optimizer={name='adam',beta1=0.8}"]

DEFINITION = """
schema = 1
name = "small"
[data]
name = "digits"
[model]
width = 12
[train]
batch = 16
steps = 300
[sweep]
seeds = 3
[sweep.grid]
model.depth = [4]
model.activation = ["tanh", "relu"]
"""


@pytest.fixture(name="verify")
def verify_fixture(program):
    def call(*arguments):
        return subprocess.run([program, "verify", *arguments], capture_output=True, text=True,
                              check=False)
    return call


@pytest.fixture(name="results", scope="module")
def results_fixture(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("verify")
    definition = folder / "small.toml"
    definition.write_text(DEFINITION, encoding="utf-8")
    path = folder / "small.h5"
    subprocess.run([program, "run", definition, *OVERRIDES, "-o", path, "--threads", "2"],
                   check=True, capture_output=True)
    definition.unlink()
    return path


@pytest.fixture(name="changed")
def changed_fixture(results, tmp_path):
    """A copy of the results in which a variable of some runs has other values."""
    def change(variable, values):
        path = tmp_path / "changed.h5"
        shutil.copy(results, path)
        with h5py.File(path, "r+") as file:
            for run, value in values.items():
                file[variable][run] = value
        return path
    return change


@pytest.mark.parametrize("threads", ["1", "2", "3", "5"])
def test_every_run_has_the_same_bits_on_any_number_of_threads(verify, results, threads):
    done = verify(results, "--threads", threads, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"runs": 12, "equal": 12, "first_difference": None}


def test_the_text_says_how_many_are_equal(verify, results):
    done = verify(results)
    assert done.returncode == 0
    assert done.stdout == f"{results}: 12 of 12 runs have the same digest\n"


def test_the_first_run_that_differs_is_named(verify, changed):
    path = changed("digest", {4: "0" * 16, 9: "1" * 16})
    with h5py.File(path) as file:
        run_id = file["run_id"].asstr()[4]
    done = verify(path)
    assert done.returncode == 1
    assert "10 of 12 runs have the same digest" in done.stdout
    assert f"run {run_id}:" in done.stdout
    assert "complete, digest " + "0" * 16 in done.stdout
    found = json.loads(verify(path, "--json").stdout)
    assert (found["runs"], found["equal"]) == (12, 10)
    assert found["first_difference"]["run_id"] == run_id
    assert found["first_difference"]["recorded"] == {"status": "complete", "digest": "0" * 16}
    assert found["first_difference"]["computed"]["digest"] != "0" * 16


def test_another_status_is_a_difference(verify, changed):
    assert verify(changed("status", {0: 2})).returncode == 1


def test_some_runs_are_spread_over_the_file(verify, changed):
    path = changed("digest", {4: "0" * 16})
    found = json.loads(verify(path, "--runs", "3", "--json").stdout)
    assert (found["runs"], found["equal"]) == (3, 2)
    assert json.loads(verify(path, "--runs", "2", "--json").stdout)["equal"] == 2


def test_runs_that_are_not_finished_are_left_out(verify, changed):
    path = changed("status", {0: 3, 5: 0})
    assert json.loads(verify(path, "--json").stdout)["runs"] == 10


def test_a_file_without_finished_runs_is_refused(verify, changed):
    done = verify(changed("status", {run: 3 for run in range(12)}))
    assert (done.returncode, done.stdout) == (3, "")
    assert "has no finished run to verify" in done.stderr


def test_a_run_of_another_version_is_refused(verify, changed):
    done = verify(changed("run_id", {2: "0123456789abcdef"}))
    assert (done.returncode, done.stdout) == (3, "")
    assert "run 0123456789abcdef is not among the runs" in done.stderr


FROM_FILE = DEFINITION.replace("width = 12", """width = 12
depth = 1
initializer = { name = "from_file", path = "weights.h5" }""").replace("model.depth = [4]\n", "")


@pytest.fixture(name="from_file")
def from_file_fixture(program, tmp_path):
    """Results of runs that start from weights which lie beside their definition."""
    folder = tmp_path / "definitions"
    folder.mkdir()
    with h5py.File(folder / "weights.h5", "w") as file:
        for layer, shape in ((1, (12, 64)), (2, (10, 12))):
            file[f"layer_{layer}.weight"] = [[0.01 * (i + j) for j in range(shape[1])]
                                             for i in range(shape[0])]
            file[f"layer_{layer}.bias"] = [0.0] * shape[0]
    (folder / "d.toml").write_text(FROM_FILE, encoding="utf-8")
    path = tmp_path / "results.h5"
    subprocess.run([program, "run", folder / "d.toml", "train.steps=3", "-o", path],
                   check=True, capture_output=True)
    return path, folder


def test_weights_beside_the_definition_are_found_again(verify, from_file):
    path, _ = from_file
    done = verify(path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 of 6 runs have the same digest" in done.stdout


def test_weights_that_moved_are_found_in_a_data_folder(verify, from_file, tmp_path):
    path, folder = from_file
    folder.rename(tmp_path / "elsewhere")
    done = verify(path)
    assert (done.returncode, done.stdout) == (3, "")
    assert "cannot be run here" in done.stderr and "'weights.h5'" in done.stderr
    assert verify(path, "--data-dir", tmp_path / "elsewhere").returncode == 0


def test_a_missing_file_is_an_error_of_the_environment(verify, tmp_path):
    done = verify(tmp_path / "nothing.h5")
    assert done.returncode == 3
    assert "nothing.h5" in done.stderr


def test_a_run_that_the_clock_ended_is_repeated_for_the_steps_that_it_made(program, verify, tmp_path):
    definition = tmp_path / "small.toml"
    definition.write_text(DEFINITION, encoding="utf-8")
    path = tmp_path / "small.h5"
    done = subprocess.run(
        [program, "run", definition, "budget.max_seconds=0.02", "train.steps=100000000",
         "sweep.seeds=1", "schedule=cosine", "-o", path],
        capture_output=True, text=True, check=True)
    assert "'budget.max_seconds' ends runs by the clock" in done.stderr
    with h5py.File(path) as file:
        assert set(file["ended_by"].asstr()[()]) == {"max_seconds"}
        assert all(file["n_steps"][()] < 100000000)
    done = verify(path)
    assert (done.returncode, done.stdout) == (0, f"{path}: 2 of 2 runs have the same digest\n")
    # Of another number of steps the digest is another.
    with h5py.File(path, "r+") as file:
        file["n_steps"][1] += 1
    assert "1 of 2 runs" in verify(path).stdout
