# SPDX-License-Identifier: Apache-2.0
"""scripts/setup: tells what is missing, installs only that, and says why when it cannot.

No test installs anything: programs put first in PATH stand for apt-get, sudo and dpkg-query.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    shutil.which("dpkg-query") is None, reason="needs Debian's dpkg-query"
)

# What the script calls, besides the programs that a test replaces.
TOOLS = (
    "bash cat dirname env flock grep id mktemp python3 readlink rm sed sha256sum tail"
).split()


class Machine:
    """A copy of scripts/setup in its own folder, with a PATH of chosen programs."""

    def __init__(self, folder):
        self.root = folder / "repository"
        (self.root / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "setup", self.root / "scripts" / "setup")
        # No pins: the virtual environment is made, and nothing is fetched for it.
        self.requirements = self.root / "scripts" / "requirements.txt"
        self.requirements.write_text("# none\n", encoding="utf-8")
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.calls = folder / "calls"
        self.reset()

    def reset(self):
        """Everything installed, root or not as the test is, no sudo, no call noted."""
        self.calls.write_text("", encoding="utf-8")
        for path in self.programs.iterdir():
            path.unlink()
        for tool in TOOLS:
            self.programs.joinpath(tool).symlink_to(shutil.which(tool))
        self.program("apt-get")
        self.lacks()

    def program(self, name, body=""):
        """A program that notes its call and then does `body`."""
        path = self.programs / name
        path.unlink(missing_ok=True)
        path.write_text(
            f'#!/bin/bash\necho "{name} $*" >>"{self.calls}"\n{body}\n', encoding="utf-8"
        )
        path.chmod(0o755)

    def lacks(self, *packages):
        """dpkg-query knows every package it is asked for as installed, but not these."""
        path = self.programs / "dpkg-query"
        path.write_text(
            "#!/bin/bash\n"
            "status=0\n"
            'for package in "${@:3}"; do\n'
            f'  if [[ " {" ".join(packages)} " == *" $package "* ]]; then\n'
            '    echo "dpkg-query: no packages found matching $package" >&2; status=1\n'
            '  else echo "installed $package"; fi\n'
            "done\n"
            "exit $status\n",
            encoding="utf-8",
        )
        path.chmod(0o755)

    def setup(self, *arguments):
        return subprocess.run(
            [str(self.root / "scripts" / "setup"), *arguments],
            capture_output=True, text=True, check=False,
            env={"PATH": str(self.programs), "HOME": str(self.root)},
        )

    def called(self):
        return self.calls.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture(scope="module")
def machine_with_environment(tmp_path_factory):
    """Shared, since making a virtual environment takes seconds."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    process = machine.setup()
    assert process.returncode == 0, process.stderr
    return machine


@pytest.fixture
def ready_machine(machine_with_environment):
    """With its virtual environment made, so that only the Debian packages are in question."""
    machine_with_environment.reset()
    return machine_with_environment


def test_print_lists_a_missing_package_and_installs_nothing(tmp_path):
    # The repository's own script on this machine, but for one package.
    programs = tmp_path / "bin"
    programs.mkdir()
    calls = tmp_path / "calls"
    query = programs / "dpkg-query"
    query.write_text(
        f'#!/bin/bash\n{shutil.which("dpkg-query")} "$@" | grep -v librandom123-dev\n',
        encoding="utf-8",
    )
    query.chmod(0o755)
    for name in ("apt-get", "sudo", "pip"):
        (programs / name).write_text(f'#!/bin/bash\necho {name} >>"{calls}"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    process = subprocess.run(
        [str(ROOT / "scripts" / "setup"), "--print"],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
    )
    assert process.returncode == 0, process.stderr
    assert "librandom123-dev" in process.stdout
    assert not calls.exists()


def test_the_compiler_of_the_fuzzers_is_asked_for_where_they_are_wanted(ready_machine):
    ready_machine.lacks("clang-19")
    assert ready_machine.setup("--print").stdout == "Nothing to install.\n"
    process = ready_machine.setup("--fuzz", "--print")
    assert process.stdout == "Would install 1 Debian packages: clang-19\n"


def test_print_on_a_bare_machine_lists_packages_and_pins(machine):
    machine.lacks("g++", "libopenblas-pthread-dev")
    machine.requirements.write_text("# pins\nnumpy==1.2.3  # why\n", encoding="utf-8")
    process = machine.setup("--print")
    assert process.returncode == 0, process.stderr
    assert process.stdout.splitlines() == [
        "Would install 2 Debian packages: g++ libopenblas-pthread-dev",
        "Would install 1 Python packages into .venv: numpy==1.2.3",
    ]
    assert not (machine.root / ".venv").exists()
    assert machine.called() == []


def test_missing_packages_are_installed_after_one_update(ready_machine):
    ready_machine.program("id", "echo 0")
    ready_machine.lacks("cmake", "netcdf-bin")
    process = ready_machine.setup()
    assert process.returncode == 0, process.stderr
    assert "Installing 2 Debian packages: cmake netcdf-bin" in process.stdout
    apt = [call for call in ready_machine.called() if call.startswith("apt-get")]
    assert len(apt) == 2
    assert apt[0].endswith(" update")
    assert apt[1].endswith(" install --yes --no-install-recommends cmake netcdf-bin")


def test_second_call_does_nothing(ready_machine):
    before = ready_machine.called()
    process = ready_machine.setup()
    assert process.returncode == 0, process.stderr
    assert process.stdout == "Nothing to install.\n"
    assert ready_machine.called() == before == []


def test_broken_package_source_is_a_warning(ready_machine):
    ready_machine.program("id", "echo 0")
    ready_machine.program("apt-get", 'for a in "$@"; do [[ $a != update ]] || exit 100; done')
    ready_machine.lacks("cmake")
    process = ready_machine.setup()
    assert process.returncode == 0, process.stderr
    assert "warning: some package lists could not be refreshed" in process.stderr


def test_failing_install_exits_3_with_the_end_of_its_output(ready_machine):
    ready_machine.program("id", "echo 0")
    fails = 'for a in "$@"; do [[ $a != install ]] || { echo "no room" >&2; exit 100; }; done'
    ready_machine.program("apt-get", fails)
    ready_machine.lacks("cmake")
    process = ready_machine.setup()
    assert process.returncode == 3
    assert "no room" in process.stderr
    assert "could not install the Debian packages: cmake" in process.stderr


def test_sudo_is_used_when_not_root(ready_machine):
    ready_machine.program("id", "echo 1000")
    ready_machine.program("sudo")
    ready_machine.lacks("cmake")
    process = ready_machine.setup()
    assert process.returncode == 0, process.stderr
    calls = ready_machine.called()
    assert not [call for call in calls if call.startswith("apt-get")]
    assert [call for call in calls if call.startswith("sudo") and call.endswith(" cmake")]


def test_neither_root_nor_sudo_exits_3_and_names_the_packages(ready_machine):
    ready_machine.program("id", "echo 1000")
    ready_machine.lacks("cmake")
    process = ready_machine.setup()
    assert process.returncode == 3
    assert "neither root nor is there sudo" in process.stderr
    assert "apt-get install --no-install-recommends cmake" in process.stderr


def test_other_systems_are_told_what_is_needed(machine):
    (machine.programs / "apt-get").unlink()
    process = machine.setup()
    assert process.returncode == 3
    assert "neither Debian nor Ubuntu" in process.stderr
    assert "libopenblas-pthread-dev" in process.stderr


def test_moved_repository_gets_a_new_environment(machine):
    assert machine.setup().returncode == 0
    old = machine.root
    machine.root = old.with_name("moved")
    old.rename(machine.root)
    (machine.root / ".venv" / "stale").touch()
    process = machine.setup()
    assert process.returncode == 0, process.stderr
    assert not (machine.root / ".venv" / "stale").exists()
    assert machine.setup().stdout == "Nothing to install.\n"


def test_unknown_argument_exits_2(machine):
    process = machine.setup("--fast")
    assert process.returncode == 2
    assert "unknown argument '--fast'" in process.stderr
