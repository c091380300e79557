# SPDX-License-Identifier: Apache-2.0
"""scripts/check_streaming in a small form: memory and bits, which do not depend on the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("PLUMBLINE_PROGRAM", ROOT / "build/release/plumbline")


def call(folder, *options):
    return subprocess.run([sys.executable, ROOT / "scripts/check_streaming", PROGRAM, "--folder",
                           folder, "--examples", "100000", "--rounds", "2", *options],
                          capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(name="result", scope="module")
def result_fixture(tmp_path_factory):
    # Of rates a busy machine says nothing: any ratio will do here.
    return call(tmp_path_factory.mktemp("streaming"), "--least-ratio", "0",
                "--most-megabytes", "250")


def test_a_file_of_314_megabytes_is_streamed_in_less(result):
    assert "peak" in result.stdout, result.stdout + result.stderr
    peak = next(line for line in result.stdout.splitlines() if line.startswith("peak"))
    assert "of a file of 314 MB" in peak
    assert peak.endswith("holds")


def test_streamed_runs_are_repeated_bit_by_bit(result):
    assert result.stdout.splitlines()[-1].startswith("bits")
    assert result.stdout.splitlines()[-1].endswith("holds"), result.stdout


def test_a_figure_that_is_missed_is_status_1(tmp_path):
    result = call(tmp_path, "--examples", "2000", "--features", "5", "--most-megabytes", "1")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "MISSED" in result.stdout
