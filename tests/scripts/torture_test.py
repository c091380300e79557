# SPDX-License-Identifier: Apache-2.0
"""scripts/torture in short: kills in a running sweep and while its file is made; and it finds losses."""

import os
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
