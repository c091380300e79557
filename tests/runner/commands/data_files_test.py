# SPDX-License-Identifier: Apache-2.0
"""Bad data files of the user's own: each a clear error, and nothing that was finished is lost."""

import gzip
import hashlib
import os
import struct
import subprocess

import h5py
import numpy as np
import pytest

ROWS = 40
DEFINITION = """\
schema = 1
name = "own"
[data]
{data}
[model]
depth = 1
width = 4
[train]
batch = 5
steps = 3
[sweep]
seeds = {seeds}
"""


def idx(values):
    values = np.asarray(values, np.uint8)
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    return header + values.tobytes()


def write_good(folder):
    labels = np.arange(ROWS) % 2
    images = np.arange(ROWS * 6).reshape(ROWS, 2, 3) % 251
    (folder / "own.csv").write_text("a,b,kind\n" + "".join(
        f"{i},{i * i % 7},{label}\n" for i, label in enumerate(labels)))
    (folder / "images").write_bytes(idx(images))
    (folder / "labels").write_bytes(idx(labels))
    with h5py.File(folder / "own.h5", "w") as file:
        file["inputs"] = images.astype("f4")
        file["labels"] = labels.astype("u1")


SOURCES = {
    "csv": 'name = "csv"\nfile = "own.csv"\nlabel = "kind"',
    "idx": 'name = "idx"\nimages = "images"\nlabels = "labels"',
    "hdf5": 'name = "hdf5"\nfile = "own.h5"',
    "streamed": 'name = "hdf5"\nfile = "own.h5"\nstream = true\nblock = 8\nwindow = 2',
}


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def rewrite_hdf5(folder, **datasets):
    with h5py.File(folder / "own.h5", "w") as file:
        for name, values in datasets.items():
            file[name] = values


def lines(change):
    def change_lines(folder):
        path = folder / "own.csv"
        path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    return change_lines


ZEROS, ONES = np.zeros((4, 3), "f4"), np.ones(4, "u1")
# What is done to the good files, and what is said then.
BAD = {
    "csv": {
        "missing": (lambda folder: (folder / "own.csv").unlink(), "there is no such file"),
        "truncated": (lambda folder: (folder / "own.csv").write_bytes(
            gzip.compress((folder / "own.csv").read_bytes())[:-9]), "own.csv: is truncated"),
        "nan": (lines(lambda rows: [*rows, "1,nan,0"]),
                "own.csv:42:3: 'nan' in column 'b' is not a finite number"),
        "ragged": (lines(lambda rows: [*rows, "1,0"]),
                   "own.csv:42:1: has 2 fields, and the header has 3"),
        "column": (lines(lambda rows: ["a,b,knd", *rows[1:]]),
                   "names the column 'kind', which own.csv does not have; did you mean 'knd'?"),
    },
    "idx": {
        "missing": (lambda folder: (folder / "labels").unlink(), "there is no such file"),
        "truncated": (lambda folder: cut(folder / "images"),
                      "images: holds 231 values, and its header says 240; is it truncated?"),
        "magic": (lambda folder: (folder / "labels").write_bytes(b"\0\0\x0d\1" + bytes(44)),
                  "labels: is not an IDX file of unsigned bytes (wrong magic number)"),
        "counts": (lambda folder: (folder / "labels").write_bytes(idx(np.arange(39) % 2)),
                   "images with labels: 40 images, but 39 labels"),
        "class": (lambda folder: (folder / "labels").write_bytes(idx(np.arange(40) % 2 * 2)),
                  "labels: has no example of class 1; classes are 0 to 2"),
    },
    "hdf5": {
        "missing": (lambda folder: (folder / "own.h5").unlink(), "there is no such file"),
        "truncated": (lambda folder: cut(folder / "own.h5"), "own.h5: cannot open it as HDF5"),
        "magic": (lambda folder: (folder / "own.h5").write_bytes(b"no HDF5" * 99),
                  "own.h5: cannot open it as HDF5"),
        "counts": (lambda folder: rewrite_hdf5(folder, inputs=ZEROS, labels=ONES[:3]),
                   "own.h5: 'inputs' has 4 rows, and 'labels' has 3"),
        "nan": (lambda folder: rewrite_hdf5(folder, inputs=ZEROS / 0, labels=ONES - 1),
                "own.h5: 'inputs' holds a number that is not finite in single precision in row 0"),
        "dataset": (lambda folder: rewrite_hdf5(folder, inputs=ZEROS, label=ONES),
                    "own.h5: has no dataset 'labels'"),
        "class": (lambda folder: rewrite_hdf5(folder, inputs=ZEROS, labels=ONES),
                  "own.h5: 'labels' has no example of class 0; classes are 0 to 1"),
        "shape": (lambda folder: rewrite_hdf5(folder, inputs=ZEROS, labels=ONES.reshape(2, 2, 1)),
                  "own.h5: 'inputs' has 4 rows, and 'labels' has 2"),
        "axes": (lambda folder: rewrite_hdf5(folder, inputs=ZEROS, labels=ONES.reshape(4, 1, 1)),
                 "own.h5: 'labels' is 4 x 1 x 1; expected rows, or rows x steps"),
        "type": (lambda folder: rewrite_hdf5(folder, inputs=["a"] * 4, labels=ONES),
                 "own.h5: 'inputs' does not hold numbers"),
        "floats": (lambda folder: rewrite_hdf5(folder, inputs=ZEROS, labels=ONES.astype("f4")),
                   "own.h5: 'labels' holds floating-point numbers; class labels are integers"),
    },
}
BAD["streamed"] = BAD["hdf5"]


@pytest.fixture(name="call")
def call_fixture(program, tmp_path):
    """Runs a definition of the data source with so many seeds."""
    def call(source, seeds, status):
        (tmp_path / "own.toml").write_text(DEFINITION.format(data=SOURCES[source], seeds=seeds))
        result = subprocess.run([program, "run", "own.toml", "--progress", "none"], cwd=tmp_path,
                                text=True, timeout=300, capture_output=True, check=False)
        assert result.returncode == status, result.stdout + result.stderr
        return result
    return call


def digests(path):
    with h5py.File(path) as file:
        return file["digest"].asstr()[()].tolist()


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("source, kind", [(source, kind) for source in BAD for kind in BAD[source]])
def test_bad_data_are_a_clear_error_and_cost_no_finished_run(call, tmp_path, source, kind):
    write_good(tmp_path)
    call(source, 2, status=0)
    results = tmp_path / "results/own.h5"
    before = hashlib.sha256(results.read_bytes()).hexdigest()
    change, message = BAD[source][kind]
    with np.errstate(invalid="ignore"):
        change(tmp_path)
    error = call(source, 3, status=2).stderr
    assert message in error.replace(f"{tmp_path}/", ""), error
    assert "own.toml:" in error, "the place in the definition"
    assert hashlib.sha256(results.read_bytes()).hexdigest() == before
    assert sorted(os.listdir(tmp_path / "results")) == ["own.h5"]
    # Made good again, the same definition computes the run that is missing and no other.
    write_good(tmp_path)
    first = digests(results)
    assert "1 run computed" in call(source, 3, status=0).stdout
    assert digests(results)[:2] == first


@pytest.mark.parametrize("source", SOURCES)
def test_streamed_or_not_a_source_of_ones_own_is_repeated(call, tmp_path, source):
    write_good(tmp_path)
    call(source, 2, status=0)
    first = digests(tmp_path / "results/own.h5")
    (tmp_path / "results/own.h5").unlink()
    call(source, 2, status=0)
    assert digests(tmp_path / "results/own.h5") == first
    assert len(set(first)) == 2
