# SPDX-License-Identifier: Apache-2.0
"""The library installs, and a project of its own finds, builds and runs with it."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_project_that_finds_the_installed_library_trains_a_net(tmp_path):
    run("cmake", "--install", ROOT / "build/release", "--prefix", tmp_path / "installed")
    run("cmake", "-S", ROOT / "tests/consumer", "-B", tmp_path / "build", "-G", "Ninja",
        "-D", f"CMAKE_PREFIX_PATH={tmp_path / 'installed'}")
    run("cmake", "--build", tmp_path / "build")
    assert run(tmp_path / "build/consumer").strip() == "1"


def test_the_installed_program_knows_the_shipped_definitions(tmp_path):
    run("cmake", "--install", ROOT / "build/release", "--prefix", tmp_path / "installed")
    listed = run(tmp_path / "installed/bin/plumbline", "list", "experiments")
    for definition in (ROOT / "experiments").glob("*.toml"):
        assert definition.stem in listed
