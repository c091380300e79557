# SPDX-License-Identifier: Apache-2.0
"""Disks that are full at every write in turn, or that cannot be written at all."""

import contextlib
import re
import subprocess

import h5py
import pytest

DEADLINE_SECONDS = 120
RUNS = 3
BLOCK = 4096
ENOUGH = "size=16m,nr_inodes=100"
# Runs of a few milliseconds.
DEFINITION = """\
schema = 1
name = "full"
[data]
name = "digits"
train = 20
valid = 0
[model]
depth = {depth}
width = 2
[train]
batch = 2
steps = {steps}
[probes]
error_signal = {{ every = 1 }}
[sweep]
seeds = {runs}
"""
DEFINITIONS = {"tiny": DEFINITION.format(depth=2, steps=20, runs=RUNS),
               # So much of one variable that the library writes it before the end.
               "large": DEFINITION.format(depth=120, steps=1200, runs=RUNS)}


def mount(*words):
    return subprocess.run(["mount", *words], capture_output=True, text=True, check=False)


@contextlib.contextmanager
def disk_of(folder, limit):
    """A file system of its own in folder/disk."""
    mounted = mount("-t", "tmpfs", "-o", limit, "tmpfs", folder / "disk")
    assert mounted.returncode == 0, mounted.stderr
    try:
        yield folder / "disk"
    finally:
        subprocess.run(["umount", folder / "disk"], check=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")
    for name, text in DEFINITIONS.items():
        (folder / f"{name}.toml").write_text(text)
    (folder / "disk").mkdir()
    if mount("-t", "tmpfs", "tmpfs", folder / "disk").returncode != 0:
        pytest.skip("needs the right to mount a file system")
    subprocess.run(["umount", folder / "disk"], check=True)
    return folder


@pytest.fixture(scope="module")
def run(program, folder):
    def run_program(name, *words, output="disk/a.h5"):
        result = subprocess.run([program, "run", f"{name}.toml", "-o", output, "--threads", "1",
                                 "--progress", "none", *words], cwd=folder, text=True,
                                capture_output=True, timeout=DEADLINE_SECONDS, check=False)
        assert result.returncode in (0, 3), f"{result.returncode}: {result.stderr}"
        return result
    return run_program


@pytest.fixture(scope="module")
def undisturbed(run, folder):
    """What the definitions lead to, by their names."""
    for name in DEFINITIONS:
        assert run(name, output=f"{name}.h5").returncode == 0
    return {name: folder / f"{name}.h5" for name in DEFINITIONS}


def finished_in(path):
    with h5py.File(path) as file:
        return set(file["run_id"].asstr()[()][file["status"][()] == 1])


def on_disk(disk):
    return set().union(*map(finished_in, [*disk.glob("a.h5"), *disk.glob("a.h5.d/segments/*.h5")]))


def computed(result):
    found = re.search(r"^(\d+) runs? computed", result.stdout, re.MULTILINE)
    return int(found[1]) if found else 0


@pytest.fixture
def fill(run, folder, undisturbed, assert_same_numbers):
    """Runs the sweep on a disk of this limit, and once more when the disk has grown; returns what could not
    be done for want of space, "" where all could, and how many runs the disk held then."""
    def run_and_grow(limit, name="tiny"):
        with disk_of(folder, limit) as disk:
            result = run(name)
            kept = on_disk(disk)
            error = ""
            if result.returncode == 3:
                last = result.stderr.splitlines()[-1]
                found = re.match(r"plumbline: disk/(a\.h5\S*: .*): No space left on device$", last)
                assert found, (limit, result.stderr)
                # Which piece of a variable the HDF5 library had in hand is its own affair.
                error = re.sub(r"write '[a-z_]*': .*", "write a variable", found[1])
                error = re.sub(r"\d+(\.h5| bytes)", r"N\1", error)
                assert [path.name for path in disk.rglob("*.tmp")] == []
                said = re.search(r"keeps the (\d+) runs finished", result.stderr)
                assert len(kept) == (int(said[1]) if said else 0), (limit, result.stderr)
            grown = mount("-o", "remount," + ENOUGH, folder / "disk")
            assert grown.returncode == 0, grown.stderr
            again = run(name)
            assert again.returncode == 0, (limit, again.stderr)
            assert computed(again) == RUNS - len(kept), limit
            assert_same_numbers(disk / "a.h5", undisturbed[name])
            assert [path.name for path in disk.iterdir()] == ["a.h5"]
            return error, len(kept)
    return run_and_grow


def require_in_turn(fill_at, sizes, *errors):
    """At each size the sweep gets as far as at a smaller one, or further: to all of these errors, and to its
    end. Between two of the sizes that pass over an error stands one that has it: halving finds it wherever
    the layout of the file puts it. What the sweep has kept counts with the file that it could not make."""
    expected = [*errors, ""]
    seen = {}

    def turn_at(size):
        error, kept = seen[size] = fill_at(size)
        assert kept == (0 if error.startswith("a.h5.d") else RUNS), (size, error)
        return expected.index(error)

    def find_between(low, at_low, high, at_high):
        assert at_low <= at_high, seen
        if at_high <= at_low + 1:
            return
        middle = (low + high) // 2
        assert low < middle, seen
        at_middle = turn_at(middle)
        find_between(low, at_low, middle, at_middle)
        find_between(middle, at_middle, high, at_high)

    turns = [turn_at(size) for size in sizes]
    assert turns[0] == 0 and turns[-1] == len(errors), seen
    for low, at_low, high, at_high in zip(sizes, turns, sizes[1:], turns[1:]):
        find_between(low, at_low, high, at_high)


def test_a_disk_that_is_full_after_any_block_costs_nothing_that_was_finished(fill):
    # Block by block where writes follow close on each other; then come what files reserve.
    require_in_turn(lambda blocks: fill(f"size={blocks * BLOCK}"), [1, 2, 3, 4, 5, 6, 150, 300, 400],
                    "a.h5.d/segments/N.h5: cannot create it: unable to create file",
                    "a.h5.d/segments/N.h5: cannot write a variable",
                    "a.h5.d/segments/N.h5: cannot write its N bytes",
                    "a.h5: cannot write its N bytes")


def test_a_disk_that_is_full_among_the_numbers_costs_nothing_that_was_finished(fill):
    require_in_turn(lambda size: fill(f"size={size}k", "large"), [300, 1500, 2700, 4500, 6600, 8100],
                    "a.h5.d/segments/N.h5: cannot write a variable",
                    "a.h5.d/segments/N.h5: cannot write its N bytes",
                    "a.h5: cannot write a variable",
                    "a.h5: cannot write its N bytes")


def test_a_disk_that_is_full_at_any_new_file_costs_nothing_that_was_finished(fill):
    require_in_turn(lambda files: fill(f"size=16m,nr_inodes={files}"), range(1, 8),
                    "a.h5.d: cannot make the folder",
                    "a.h5.d/lock: cannot write it",
                    "a.h5.d/segments: cannot make the folder",
                    "a.h5.d/segments/N.h5: cannot create it: unable to create file",
                    "a.h5: cannot create it: unable to create file")


def test_a_folder_that_cannot_be_written_is_an_error_and_its_results_can_be_read(run, folder, program):
    with disk_of(folder, ENOUGH) as disk:
        assert run("tiny").returncode == 0
        before = (disk / "a.h5").read_bytes()
        assert mount("-o", "remount,ro", folder / "disk").returncode == 0
        for words in [("sweep.seeds=4",), ("--fresh",)]:
            result = run("tiny", *words)
            assert result.returncode == 3
            assert result.stderr == ("plumbline: disk/a.h5.d: cannot make the folder: Read-only file "
                                     "system\n")
        result = run("tiny", output="disk/b.h5")
        assert result.returncode == 3 and "disk/b.h5.d: cannot make the folder" in result.stderr
        # What is there can be used.
        assert "3 of 3 runs were there already" in run("tiny").stdout
        for command in (["show"], ["status"]):
            subprocess.run([program, *command, "disk/a.h5"], cwd=folder, check=True,
                           capture_output=True, timeout=DEADLINE_SECONDS)
        assert (disk / "a.h5").read_bytes() == before
        assert [path.name for path in disk.iterdir()] == ["a.h5"]
