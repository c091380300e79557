# SPDX-License-Identifier: Apache-2.0
"""`plumbline profile`: its JSON, its file, its exit status. What it counts and how it times is tested
in profile_test.cpp, step_work_test.cpp and step_clock_test.cpp; no test looks at how long it took."""

import json
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

ROOT = Path(__file__).resolve().parents[3]

SMALL = ["vanishing_gradient", "model.depth=3", "model.width=12", "model.activation=tanh",
         "model.initializer=he_normal", "train.batch=16", "sweep.seeds=1"]
LAYERS = 4
# The sum of some hundred doubles of one sign, each rounded to 2^-53 of itself.
ROUNDING = 1e-12


@pytest.fixture(scope="module", name="profile")
def profile_fixture(program):
    def call(*arguments, status=0):
        done = subprocess.run([program, "profile", *map(str, arguments)], capture_output=True,
                              text=True, cwd=ROOT, check=False, timeout=300)
        assert done.returncode == status, f"{arguments}: {done.stdout}{done.stderr}"
        return done
    return call


@pytest.fixture(scope="module", name="measured")
def measured_fixture(profile, tmp_path_factory):
    """The JSON and the file of one call."""
    path = tmp_path_factory.mktemp("profile") / "p.h5"
    done = profile(*SMALL, "--steps", "100", "--threads", "1,2", "--json", "-o", path)
    return json.loads(done.stdout), path


def test_the_phases_cover_every_layer_of_a_step(measured):
    rows = measured[0]["phases"]
    places = [(row["phase"], row["layer"]) for row in rows]
    layers = range(1, LAYERS + 1)
    assert places == [("data", 0), *(("forward", layer) for layer in layers), ("loss", 0),
                      *(("backward", layer) for layer in reversed(layers)), ("optimizer", 0),
                      ("probes", 0), ("evaluation", 0), ("other", 0)]
    # 60 steps and 40 of a second pass, evaluated at 10 and 30; each pass leaves its first step out.
    assert {row["steps"] for row in rows if row["phase"] == "evaluation"} == {4}
    assert {row["steps"] for row in rows if row["phase"] == "forward"} == {100}


def test_the_times_add_up_to_the_whole(measured):
    profile = measured[0]
    total = sum(row["total_seconds"] for row in profile["phases"])
    assert total == pytest.approx(profile["total_seconds"], rel=ROUNDING)
    assert profile["steps"] == 100


def test_shares_and_limits_follow_from_what_is_printed(measured):
    profile = measured[0]
    ceiling = profile["ceiling"]
    limit = 0
    for row in profile["phases"]:
        expected = (row["flops"] / ceiling["flops_per_second"]
                    + row["bytes_beyond_l2"] / ceiling["bytes_per_second"])
        assert row["limit_seconds"] == pytest.approx(expected, rel=ROUNDING)
        if row["phase"] != "evaluation":
            limit += expected
    assert profile["limit_seconds"] == pytest.approx(limit, rel=ROUNDING)
    assert profile["share_of_limit"] == pytest.approx(limit / profile["step_seconds"], rel=ROUNDING)
    training = sum(row["seconds"] for row in profile["phases"]
                   if row["phase"] not in ("probes", "evaluation"))
    assert profile["step_seconds"] == pytest.approx(training, rel=ROUNDING)
    beside = sum(row["seconds"] for row in profile["phases"]
                 if row["phase"] in ("probes", "evaluation"))
    assert profile["steps_per_second"] == pytest.approx(1 / (profile["step_seconds"] + beside),
                                                        rel=ROUNDING)


def test_the_products_are_counted_in_closed_form(measured):
    flops = {(row["phase"], row["layer"]): row["flops"] for row in measured[0]["phases"]}
    assert flops["forward", 1] == 2 * 16 * 64 * 12 + 16 * 12
    assert flops["backward", 1] == 2 * 16 * 64 * 12 + 3 * 16 * 12
    assert flops["backward", 2] == 4 * 16 * 12 * 12 + 3 * 16 * 12
    assert flops["optimizer", 0] == 2 * (64 * 12 + 12 + 2 * (12 * 12 + 12) + 10 * 12 + 10)


def test_it_tells_ceilings_scaling_counters_and_noise(measured):
    profile = measured[0]
    ceiling = profile["ceiling"]
    assert ceiling["threads"] == [1, 2]
    assert ceiling["streams_over_one"][0] == 1
    for rates in [*ceiling["multiply_adds"].values(),
                  *(level[f"{traffic}_bytes_per_second"] for level in ceiling["levels"]
                    for traffic in ("copy", "update"))]:
        # So many streams may have no size of a level, which one has.
        assert len(rates) == 2 and rates[0] > 0 and (rates[1] is None or rates[1] > 0)
    assert ceiling["levels"][-1]["name"] == "memory"
    assert [one["threads"] for one in profile["scaling"]] == [1, 2]
    assert profile["counters"].get("missing") or profile["counters"]["cycles"] > 0
    assert profile["noise"]["seconds"] > 0
    assert isinstance(profile["noise"]["warnings"], list)


def test_the_profiled_run_ends_with_the_bits_of_the_plain_run(measured, program, tmp_path):
    path = tmp_path / "run.h5"
    subprocess.run([program, "run", *SMALL, "-o", path, "--progress", "none"], check=True,
                   capture_output=True, cwd=ROOT)
    with h5py.File(path) as file:
        assert file["digest"].asstr()[0] == measured[0]["digest"]
        assert file["run_id"].asstr()[0] == measured[0]["run_id"]


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_the_file_holds_what_was_printed(measured, engine):
    profile, path = measured
    with xr.open_dataset(path, engine=engine) as file:
        assert file["update_bandwidth"].dims == ("level", "threads")
        assert file["threads"].values.tolist() == [1, 2]
        assert file["phase"].values.tolist() == [row["phase"] for row in profile["phases"]]
        for name in ("layer", "seconds", "flops", "bytes", "bytes_beyond_l2", "limit_seconds"):
            assert file[name].dims == ("row",)
            assert file[name].values.tolist() == [row[name] for row in profile["phases"]], name
            assert file[name].attrs["long_name"]
        assert file["runs_over_one"].values[0] == 1
        assert int(file["round_steps"].sum()) == 100
        assert file.attrs["schema"] == "plumbline.profile"
        assert file.attrs["schema_version"] == "1.0"
        for name in ("share_of_limit", "steps_per_second", "step_seconds", "working_set"):
            assert np.ravel(file.attrs[name]).tolist() == [profile[name]]
    with xr.open_dataset(path, engine=engine, group="provenance") as group:
        assert 'name = "vanishing_gradient"' in group.attrs["definition"]
        assert "model.width=12" in group.attrs["overrides"]
        assert " profile " in group.attrs["command_line"]
    with xr.open_dataset(path, engine=engine, group="noise") as group:
        assert np.ravel(group.attrs["seconds"]).tolist() == [profile["noise"]["seconds"]]


def test_the_text_has_a_line_for_each_phase_and_layer(profile):
    done = profile(*SMALL, "--steps", "5", "--threads", "1")
    for phase in ("data", "forward", "loss", "backward", "optimizer", "other"):
        assert f"\n{phase} " in done.stdout
    assert "\nlayer  forward, us  GFLOP/s" in done.stdout
    assert "\nMost above their limit: " in done.stdout
    assert "threads  steps/s" not in done.stdout
    for line in done.stderr.splitlines():
        assert line.startswith("warning: the machine was not quiet: ")


def test_what_takes_long_says_what_it_does(profile):
    done = profile("vanishing_gradient", "model.depth=2", "model.width=3000", "--steps", "1",
                   "--threads", "1")
    stages = [line for line in done.stderr.splitlines() if line.startswith("profile: ")]
    assert stages == ["profile: steps on one thread ...", "profile: the machine's ceilings ..."]


def test_the_ceilings_stand_alone(profile):
    ceiling = json.loads(profile("--ceiling", "--threads", "2", "--json").stdout)["ceiling"]
    assert ceiling["threads"] == [1, 2]
    assert ceiling["flops_per_second"] == ceiling["multiply_adds"]["float32"][0] > 0
    memory = ceiling["levels"][-1]
    assert ceiling["bytes_per_second"] == max(memory["copy_bytes_per_second"][0],
                                              memory["update_bytes_per_second"][0]) > 0
    assert "memory copy, GB/s" in profile("--ceiling", "--threads", "1").stdout


@pytest.mark.parametrize("arguments, message", [
    ((), "profile needs a DEFINITION, or --ceiling"),
    (("--ceiling", "vanishing_gradient"), "give no DEFINITION beside it"),
    (("--ceiling", "-o", "p.h5"), "-o needs a DEFINITION"),
    (("vanishing_gradient", "--threads", "1,x"), "'x' is not a number of threads in [1, 4096]"),
    (("vanishing_gradient", "--threads", "0"), "'0' is not a number of threads in [1, 4096]"),
    (("vanishing_gradient", "--steps", "0"), "--steps"),
    (("vanishing_gradient", "--run", "0123"), "'0123' is none of the 240 runs"),
    (("vanishing_gradient", "model.depht=3"), "depth"),
    (("one_hidden_layer", "train.steps=0"), "has no update to profile"),
])
def test_wrong_usage_is_status_2_and_says_what_is_wrong(profile, arguments, message):
    done = profile(*arguments, status=2)
    assert message in done.stdout + done.stderr
    assert done.stdout == ""


def test_a_file_is_not_measured_for_where_it_cannot_be_written(profile, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("mine")
    assert "is not written over" in profile(*SMALL, "-o", text, status=3).stderr
    assert text.read_text() == "mine"
    assert "cannot make the folder" in profile(*SMALL, "-o", text / "p.h5", status=3).stderr


def test_a_run_that_diverges_at_once_is_status_1(profile):
    done = profile(*SMALL, "model.precision=float32", "model.activation=relu",
                   'model.initializer={name="normal",std=1e30}', status=1)
    assert "ends before its second update: not finite: step 0" in done.stderr
