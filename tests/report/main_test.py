# SPDX-License-Identifier: Apache-2.0
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from synthetic import geometric_run, write_results

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"


def report(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "plumbline_report", *map(str, arguments)], text=True,
        capture_output=True, env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, timeout=120)


def test_the_command_prints_the_two_paths_it_wrote(tmp_path):
    file = write_results(tmp_path / "a.h5", [geometric_run(8, 0.5)])
    done = report("figure", "vanishing_gradient", file, "-o", tmp_path / "picture")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"{tmp_path}/picture.png", f"{tmp_path}/picture.svg"]
    assert done.stderr == ""
    assert all(Path(path).stat().st_size > 10_000 for path in done.stdout.split())


def test_an_unknown_file_ends_with_status_3_and_its_path(tmp_path):
    absent = tmp_path / "absent.h5"
    done = report("figure", "vanishing_gradient", absent)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"error: {absent}: no such file\n"


def test_a_file_of_another_schema_ends_with_status_3_and_both_names(tmp_path):
    file = write_results(tmp_path / "a.h5", [geometric_run(8, 0.5)], schema="someone.else")
    done = report("figure", "vanishing_gradient", file)
    assert done.returncode == 3
    assert str(file) in done.stderr
    assert '"someone.else", expected "plumbline.sweep"' in done.stderr


def test_a_place_that_cannot_be_written_ends_with_status_3(tmp_path):
    file = write_results(tmp_path / "a.h5", [geometric_run(8, 0.5)])
    done = report("figure", "vanishing_gradient", file, "-o", file / "below_a_file")
    assert done.returncode == 3
    assert "cannot write" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("figure", "no_such_figure", "a.h5")])
def test_wrong_usage_ends_with_status_2(arguments):
    assert report(*arguments).returncode == 2


def test_help_names_the_figures_and_the_readme_those_of_sweeps():
    done = report("figure", "--help")
    assert done.returncode == 0
    named = set(re.search(r"\{([a-z_,]*vanishing_gradient[a-z_,]*)\}", done.stdout)[1].split(","))
    text = (ROOT / "experiments/README.md").read_text(encoding="utf-8")
    table = text.partition("| figure |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z_]+)`", table, re.MULTILINE)) == named - {
        "peers", "phase_diagram", "roofline"}


def test_a_quantity_may_be_named_for_heat_maps_alone(tmp_path):
    file = write_results(tmp_path / "a.h5", [geometric_run(8, 0.5)])
    done = report("figure", "heat_map", file, "--quantity", "gradient_norm", "--format", "png")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/a.png\n"), done.stderr
    done = report("figure", "by_layer", file, "--quantity", "gradient_norm")
    assert done.returncode == 2
    assert "--quantity is for heat_map" in done.stderr
