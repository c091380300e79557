# SPDX-License-Identifier: Apache-2.0
"""scripts/torture in short: kills in a running sweep and while its file is made; and it finds losses."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("PLUMBLINE_PROGRAM", ROOT / "build/release/plumbline")).resolve()


def torture(*words, program=PROGRAM):
    return subprocess.run([sys.executable, ROOT / "scripts/torture", *map(str, words), "--program",
                           program], capture_output=True, text=True, timeout=300, check=False)


def test_a_sweep_survives_ten_kills(tmp_path):
    result = torture("kill", "--times", 10, "--runs", 60, "--threads", 1, "--during",
                     "running,publishing", "--seed", 2, "--folder", tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    *_, summary = result.stdout.splitlines()
    assert summary.startswith("10 kills, ")
    assert sum(" killed after " in line for line in result.stdout.splitlines()) == 10
    assert list(tmp_path.iterdir()) == []


# Trains nets that are a fraction of the work, as a far faster machine would.
FASTER = """#!/bin/sh
exec {program} "$@" model.width=2 model.depth=1 data.train=200 data.valid=100 train.batch=1
"""


def test_a_sweep_is_sized_by_the_speed_of_the_machine(tmp_path):
    program = tmp_path / "program"
    program.write_text(FASTER.format(program=PROGRAM))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    result = torture("kill", "--times", 1, "--runs", 20, "--threads", 1, "--during", "running", "--seconds",
                     2, program=program)
    assert result.returncode == 0, result.stdout + result.stderr
    steps, seconds = re.findall(r"^undisturbed: 20 runs of (\d+) steps in the mean in ([0-9.]+) s",
                                result.stdout, re.MULTILINE)[-1]
    assert float(seconds) >= 1.5
    assert int(steps) > 400  # those of no machine


# Programs that do their work, and harm beside it.
LOSES_RUNS = """#!/bin/sh
rm -rf "$(dirname "$2")"/sweep.h5.d/segments
exec {program} "$@"
"""
LEAVES_FILES = """#!/bin/sh
touch "$(dirname "$2")"/left.tmp
exec {program} "$@"
"""


@pytest.mark.parametrize("script, told", [
    (LOSES_RUNS, "runs were on disk and no longer are"),
    (LEAVES_FILES, "left behind: left.tmp sweep.h5 tortured.toml")])
def test_a_program_that_loses_runs_or_leaves_files_is_found_out(tmp_path, script, told):
    program = tmp_path / "program"
    program.write_text(script.format(program=PROGRAM))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    result = torture("kill", "--times", 10, "--runs", 80, "--threads", 1, "--during", "running",
                     "--seed", 2, program=program)
    assert result.returncode == 1
    assert result.stderr.startswith("LOST: ") and told in result.stderr


def test_wrong_usage_has_status_2():
    assert "unknown kinds: sleeping" in torture("kill", "--times", 1, "--during", "sleeping").stderr
    assert torture("kill", "--times", 0).returncode == 2
    assert torture("kill", "--times", 1, program="nowhere").returncode == 2
