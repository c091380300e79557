# SPDX-License-Identifier: Apache-2.0
"""A results file opens, with named dimensions and the same numbers, in every reader.

The readers: h5py (what HDF5 itself sees, and here the reference), xarray through h5netcdf and
through netCDF4, netCDF4 alone, and `ncdump`. The real program writes the file: it is
$PLUMBLINE_PROGRAM, or build/release/plumbline. Sections of the contract that are not about the
file are tested elsewhere.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr

REPOSITORY = Path(__file__).resolve().parents[2]

DEFINITION = """\
schema = 1
name = "opens_everywhere"
title = "A tiny sweep of ragged depth"
[about]
question = "Does every reader open the file?"
expectation = "Yes, with the same numbers."
paper = "none"
[data]
name = "digits"
[model]
kind = "mlp"
width = 8
initializer = "glorot_normal"
precision = "float64"
[loss]
name = "cross_entropy"
[optimizer]
name = "sgd"
lr = 0.1
[train]
batch = 32
steps = 20
[probes]
error_signal = { every = 10 }
gradient_norm = { every = 10 }
[sweep]
seeds = 2
[sweep.grid]
model.depth = [1, 3]
model.activation = ["tanh", "relu"]
"""
N_RUNS, N_LAYERS, WIDTH, LAST_STEP = 8, 4, 8, 20
PROBED_STEPS = [0, 10, 20]
PROGRAM_SECONDS = 300

ROOT_ATTRIBUTES = ["Conventions", "title", "summary", "source", "history", "date_created", "id",
                   "schema", "schema_version", "sweep_axes", "coordinates", "definition_sha256"]
PROVENANCE = ["git_commit", "compiler", "cxx_flags", "instruction_set", "cpu_model", "cpu_count",
              "memory", "kernel", "command_line", "definition", "plan"]
DIMENSIONS = {"run", "step", "layer"}

# name: (dimensions, type), str for variable-length UTF-8.
VARIABLES = {
    "run": (("run",), "i4"), "step": (("step",), "i4"), "layer": (("layer",), "i4"),
    "run_id": (("run",), str), "depth": (("run",), "i4"), "width": (("run",), "i4"),
    "activation": (("run",), str), "initializer": (("run",), str), "optimizer": (("run",), str),
    "data": (("run",), str), "lr": (("run",), "f8"), "seed": (("run",), "i8"),
    "status": (("run",), "i1"), "message": (("run",), str), "digest": (("run",), str),
    "n_layers": (("run",), "i4"), "n_steps": (("run",), "i4"),
    "wall_seconds": (("run",), "f8"), "cpu_seconds": (("run",), "f8"),
    "threads": (("run",), "i4"), "host": (("run",), str), "started": (("run",), "i8"),
    "train_loss": (("run", "step"), "f8"), "train_accuracy": (("run", "step"), "f8"),
    "valid_loss": (("run", "step"), "f8"), "valid_accuracy": (("run", "step"), "f8"),
    "error_signal": (("run", "step", "layer"), "f8"),
    "gradient_norm": (("run", "step", "layer"), "f8"),
    "theory_error_signal": (("run", "layer"), "f8"),
    "theory_error_signal_low": (("run", "layer"), "f8"),
    "theory_error_signal_high": (("run", "layer"), "f8"),
    "theory_error_signal_z": (("run", "layer"), "f8"), "diagnosis": (("run",), str),
}

# Written by the HDF5 library itself where it attaches dimension scales, in its own types.
HDF5_OWN_ATTRIBUTES = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The path of a results file that the program wrote just now."""
    program = REPOSITORY / os.environ.get("PLUMBLINE_PROGRAM", "build/release/plumbline")
    if not program.is_file():
        pytest.fail(f"there is no program at {program}: build it (scripts/test does), "
                    "or set PLUMBLINE_PROGRAM", pytrace=False)
    folder = tmp_path_factory.mktemp("results")
    definition, file = folder / "opens_everywhere.toml", folder / "opens_everywhere.h5"
    definition.write_text(DEFINITION)
    done = subprocess.run([program, "run", definition, "-o", file, "--progress", "none"],
                          capture_output=True, text=True, timeout=PROGRAM_SECONDS)
    if done.returncode != 0 or not file.is_file():
        pytest.fail(f"plumbline run ended with status {done.returncode}\n{done.stdout}\n"
                    f"{done.stderr}", pytrace=False)
    return file


@pytest.fixture()
def hdf5(results):
    with h5py.File(results) as file:
        yield file


def datasets(file):
    """Every dataset by its path; soft links are not followed, so each comes once."""
    found = {}
    file.visititems(lambda name, item: found.update({name: item})
                    if isinstance(item, h5py.Dataset) else None)
    return found


def variables(file):
    """The datasets at the root, which are what netCDF calls the variables of the file."""
    return {name: dataset for name, dataset in datasets(file).items() if "/" not in name}


def dimensions_of(dataset):
    """The names of the scales on its axes; a scale is its own dimension."""
    if dataset.is_scale:
        return (dataset.name[1:],)
    return tuple(scale.name[1:] for axis in dataset.dims for scale in axis.values())


def objects(file):
    """The root group and everything below it by path."""
    found = {"/": file}
    file.visititems(lambda name, item: found.update({name: item}))
    return found


def values(dataset):
    """The numbers, or the texts as str."""
    return dataset.asstr()[()] if h5py.check_string_dtype(dataset.dtype) else dataset[()]


def texts(file, name):
    return list(file[name].asstr()[()])


def is_utf8_of_variable_length(hdf5_type):
    return (hdf5_type.get_class() == h5py.h5t.STRING and hdf5_type.is_variable_str()
            and hdf5_type.get_cset() == h5py.h5t.CSET_UTF8)


def is_allowed(hdf5_type):
    """Integers, floats and variable-length UTF-8: no bool (an enum), compound, opaque, sequence."""
    return (hdf5_type.get_class() in (h5py.h5t.INTEGER, h5py.h5t.FLOAT)
            or is_utf8_of_variable_length(hdf5_type))


# ---- the same numbers in every reader


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_xarray_opens_it_with_named_dimensions_and_equal_values(results, hdf5, engine):
    with xr.open_dataset(results, engine=engine, decode_times=False) as sweep:
        assert set(sweep.sizes) == DIMENSIONS
        assert (sweep.sizes["run"], sweep.sizes["layer"]) == (N_RUNS, N_LAYERS)
        assert set(sweep.variables) == set(variables(hdf5))
        for name, variable in sweep.variables.items():
            assert variable.dims == dimensions_of(hdf5[name]), name
            np.testing.assert_array_equal(variable.values, values(hdf5[name]), err_msg=name)


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_xarray_takes_the_settings_as_coordinates(results, hdf5, engine):
    named = hdf5.attrs["coordinates"].split()
    with xr.open_dataset(results, engine=engine, decode_times=False) as sweep:
        assert set(named) | DIMENSIONS == set(sweep.coords)


def test_xarray_selects_runs_by_their_settings(results):
    with xr.open_dataset(results, engine="h5netcdf", decode_times=False) as sweep:
        chosen = sweep.where((sweep.depth == 3) & (sweep.activation == "relu"), drop=True)
        assert chosen.sizes["run"] == 2
        assert np.isfinite(chosen.error_signal.sel(step=0)).all()


def test_netcdf4_opens_it_with_named_dimensions_and_equal_values(results, hdf5):
    with netCDF4.Dataset(results) as file:
        file.set_auto_maskandscale(False)
        assert set(file.dimensions) == DIMENSIONS
        assert set(file.variables) == set(variables(hdf5))
        for name, variable in file.variables.items():
            assert variable.dimensions == dimensions_of(hdf5[name]), name
            np.testing.assert_array_equal(variable[...], values(hdf5[name]), err_msg=name)
        assert file.getncattr("schema") == "plumbline.sweep"
        assert set(file.groups) == {"provenance", "plots"}


def test_ncdump_prints_the_header_with_named_dimensions(results):
    header = ncdump("-h", results)
    for name, size in (("run", N_RUNS), ("layer", N_LAYERS)):
        assert re.search(rf"\b{name} = ({size} ;|UNLIMITED ; // \({size} currently\))", header)
    assert "double error_signal(run, step, layer) ;" in header
    assert "string activation(run) ;" in header
    assert "byte status(run) ;" in header
    assert "group: provenance {" in header


def test_ncdump_prints_all_of_it(results, hdf5):
    everything = ncdump(results)
    assert everything.rstrip().endswith("}")
    data = everything[everything.index("\ndata:"):]
    for name in variables(hdf5):
        assert re.search(rf"\n {name} =\s", data), name
    assert f'"{texts(hdf5, "run_id")[-1]}"' in data


def ncdump(*arguments):
    tool = shutil.which("ncdump")
    assert tool, "ncdump is missing: scripts/setup installs it (package netcdf-bin)"
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"ncdump ended with {done.returncode}: {done.stderr}"
    assert done.stderr == ""
    return done.stdout


# ---- how it is stored


def test_the_variables_of_the_contract_are_there(hdf5):
    for name, (dimensions, kind) in VARIABLES.items():
        assert name in hdf5, name
        dataset = hdf5[name]
        assert dataset.ndim == len(dimensions), name
        if kind is not str:
            assert dataset.dtype == np.dtype(kind), name


def test_every_axis_of_every_dataset_has_its_one_dimension_scale(hdf5):
    for name, dataset in datasets(hdf5).items():
        if dataset.is_scale:
            assert name in DIMENSIONS
            assert h5py.h5ds.get_scale_name(dataset.id).decode() == name
            continue
        assert dataset.ndim > 0, name
        assert [len(axis) for axis in dataset.dims] == [1] * dataset.ndim, name
        assert set(dimensions_of(dataset)) <= DIMENSIONS, name
        if name in VARIABLES:
            assert dimensions_of(dataset) == VARIABLES[name][0], name


def test_no_type_is_used_that_some_reader_lacks(hdf5):
    for name, dataset in datasets(hdf5).items():
        hdf5_type = dataset.id.get_type()
        assert is_allowed(hdf5_type), f"{name} is {dataset.dtype}"
        if VARIABLES.get(name, (None, None))[1] is str:
            assert is_utf8_of_variable_length(hdf5_type), name


def test_every_attribute_is_a_number_or_variable_length_utf8(hdf5):
    for path, item in objects(hdf5).items():
        for name in item.attrs:
            if name not in HDF5_OWN_ATTRIBUTES:
                assert is_allowed(item.attrs.get_id(name).get_type()), f"{path}@{name}"


def test_chunked_numbers_are_shuffled_deflated_and_checksummed(hdf5):
    for name, dataset in datasets(hdf5).items():
        if dataset.chunks is None or h5py.check_string_dtype(dataset.dtype):
            continue
        assert dataset.shuffle, name
        assert (dataset.compression, dataset.compression_opts) == ("gzip", 1), name
        assert dataset.fletcher32, name


def test_a_chunk_holds_the_runs_that_fit_in_16_kib(hdf5):
    n_steps = hdf5["step"].shape[0]
    n_runs = hdf5["run"].shape[0]
    fitting = max(1, min(n_runs, 16384 // (8 * n_steps * N_LAYERS)))
    layered = [dataset for dataset in datasets(hdf5).values() if dataset.ndim == 3]
    assert len(layered) >= 2
    for dataset in layered:
        assert dataset.chunks == (fitting, n_steps, N_LAYERS), dataset.name


def test_creation_order_is_tracked(hdf5):
    tracked = h5py.h5p.CRT_ORDER_TRACKED
    for path, item in objects(hdf5).items():
        if isinstance(item, h5py.Group):
            group = h5py.h5g.open(hdf5.id, path.encode())
            assert group.get_create_plist().get_link_creation_order() & tracked, path


def test_the_file_format_is_that_of_hdf5_1_8(results):
    # The byte after the signature is the version of the superblock: 2 in HDF5 1.8, 3 since 1.10.
    head = results.read_bytes()[:9]
    assert head == b"\x89HDF\r\n\x1a\n\x02"


def test_whole_numbers_are_exact_as_doubles(hdf5):
    for name, dataset in datasets(hdf5).items():
        if dataset.dtype == np.int64:
            assert np.abs(dataset[()]).max() < 2**53, name


# ---- what it says about itself


def test_the_root_attributes_of_the_contract_are_there(hdf5):
    attributes = hdf5.attrs
    for name in ROOT_ATTRIBUTES:
        assert isinstance(attributes.get(name), str) and attributes[name], name
    assert attributes["Conventions"] == "CF-1.10 ACDD-1.3"
    assert attributes["title"] == "A tiny sweep of ragged depth"
    assert attributes["schema"] == "plumbline.sweep"
    assert attributes["schema_version"] == "1.1"
    assert attributes["sweep_axes"] == "depth activation seed"
    assert re.fullmatch("[0-9a-f]{64}", attributes["definition_sha256"])


def test_the_coordinates_are_variables_over_the_runs(hdf5):
    named = hdf5.attrs["coordinates"].split()
    assert {"run_id", "depth", "activation", "seed"} <= set(named)
    assert named[0] == "run_id"
    for name in named:
        assert hdf5[name].shape == (N_RUNS,), name


def test_provenance_is_written_down(hdf5):
    provenance = hdf5["provenance"].attrs
    for name in PROVENANCE:
        assert name in provenance, name
    assert any("version" in name for name in provenance), "the versions of the libraries"
    assert 'name = "opens_everywhere"' in provenance["definition"]
    assert "opens_everywhere.toml" in provenance["command_line"]
    assert int(provenance["cpu_count"]) >= 1


def test_status_carries_the_meaning_of_its_values(hdf5):
    status = hdf5["status"]
    assert status.attrs["flag_values"].tolist() == [0, 1, 2, 3]
    assert status.attrs["flag_values"].dtype == status.dtype
    assert status.attrs["flag_meanings"] == "pending complete diverged failed"
    assert status[()].tolist() == [1] * N_RUNS


def test_each_plot_is_a_group_of_soft_links_that_resolve(hdf5):
    plots = hdf5["plots"]
    assert len(plots) >= 1
    for name, plot in plots.items():
        assert plot.attrs["NX_class"] == "NXdata", name
        axes = np.atleast_1d(plot.attrs["axes"]).tolist()
        assert {plot.attrs["signal"], *axes} - {"."} <= set(plot), name
        assert plot[plot.attrs["signal"]].ndim == len(axes), name
        for member in plot:
            assert isinstance(plot.get(member, getlink=True), h5py.SoftLink), f"{name}/{member}"
            assert isinstance(plot[member], h5py.Dataset), f"{name}/{member}"


# ---- the numbers


def test_the_runs_are_the_product_of_the_axes_with_the_seed_innermost(hdf5):
    assert hdf5["depth"][()].tolist() == [1] * 4 + [3] * 4
    assert texts(hdf5, "activation") == (["tanh"] * 2 + ["relu"] * 2) * 2
    seeds = hdf5["seed"][()]
    assert seeds[0] != seeds[1]
    assert seeds.tolist() == seeds[:2].tolist() * 4
    run_ids = texts(hdf5, "run_id")
    assert all(re.fullmatch("[0-9a-f]{16}", run_id) for run_id in run_ids)
    assert len(set(run_ids)) == N_RUNS
    assert len(set(texts(hdf5, "digest"))) == N_RUNS


def test_the_settings_that_do_not_vary_are_recorded_too(hdf5):
    assert hdf5["width"][()].tolist() == [WIDTH] * N_RUNS
    assert hdf5["lr"][()].tolist() == [0.1] * N_RUNS
    for name, value in (("initializer", "glorot_normal"), ("optimizer", "sgd"),
                        ("data", "digits")):
        assert texts(hdf5, name) == [value] * N_RUNS


def test_steps_and_layers_are_counted_as_the_contract_says(hdf5):
    steps = hdf5["step"][()].tolist()
    assert steps == sorted(set(steps))
    assert steps[0] == 0 and steps[-1] == LAST_STEP
    assert set(PROBED_STEPS) <= set(steps)
    assert hdf5["layer"][()].tolist() == [1, 2, 3, 4]
    assert hdf5["n_layers"][()].tolist() == [2] * 4 + [4] * 4
    assert hdf5["n_steps"][()].tolist() == [LAST_STEP] * N_RUNS


@pytest.mark.parametrize("name", ["error_signal", "gradient_norm"])
def test_padding_is_nan_exactly_beyond_the_layers_of_a_run(hdf5, name):
    profile = hdf5[name][()]
    exists = hdf5["layer"][()][None, :] <= hdf5["n_layers"][()][:, None]
    steps = hdf5["step"][()].tolist()
    for index, step in enumerate(steps):
        recorded = np.isfinite(profile[:, index])
        expected = exists if step in PROBED_STEPS else np.zeros_like(exists)
        assert (recorded == expected).all(), f"{name} at step {step}"
        assert np.isnan(profile[:, index][~expected]).all()
    assert (profile[:, 0][exists] > 0).all()


@pytest.mark.parametrize("name", ["train_loss", "train_accuracy", "valid_loss", "valid_accuracy"])
def test_every_metric_is_recorded_before_the_first_update(hdf5, name):
    assert np.isfinite(hdf5[name][:, 0]).all()


def test_the_theory_is_scaled_to_the_measured_last_layer(hdf5):
    # One multiplication and one division of float64 stand between the two.
    exact = 1e-14
    theory, measured = hdf5["theory_error_signal"][()], hdf5["error_signal"][:, 0]
    for run, n_layers in enumerate(hdf5["n_layers"][()]):
        assert theory[run, n_layers - 1] == pytest.approx(measured[run, n_layers - 1], rel=exact)
        assert np.isfinite(theory[run, :n_layers]).all()
        assert np.isnan(theory[run, n_layers:]).all()


def test_the_band_of_the_theory_has_a_lower_and_an_upper_edge(hdf5):
    low, high = hdf5["theory_error_signal_low"][()], hdf5["theory_error_signal_high"][()]
    exists = hdf5["layer"][()][None, :] <= hdf5["n_layers"][()][:, None]
    assert (low[exists] <= high[exists]).all()
    assert (np.isfinite(low) == exists).all() and (np.isfinite(high) == exists).all()
