# SPDX-License-Identifier: Apache-2.0
"""A results file or a segment that was cut, or of which a byte was flipped, at places all over it: it is
told and made good, or refused, and never taken for what it was not."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import h5py
import pytest

CUTS = 200
FLIPS = 100
RUNS = 3
MASK = 0x10
DEADLINE_SECONDS = 120
REFUSED = re.compile("plumbline: a.h5: .*(--fresh writes (it|this one) anew|"
                     "is no results file, and is not written over)$", re.DOTALL)
# Runs of a few milliseconds.
DEFINITION = f"""\
schema = 1
name = "tiny"
[data]
name = "digits"
[model]
depth = 2
width = 8
[train]
batch = 20
steps = 20
[probes]
error_signal = {{ every = 10 }}
[sweep]
seeds = {RUNS}
"""


@pytest.fixture(scope="module")
def undisturbed(program, tmp_path_factory):
    """The folder of a sweep that nothing has happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "tiny.toml").write_text(DEFINITION)
    subprocess.run([program, "run", "tiny.toml", "-o", "a.h5"], cwd=folder, check=True,
                   capture_output=True, timeout=DEADLINE_SECONDS)
    return folder


@pytest.fixture
def folder(tmp_path):
    """In memory where there is such a folder: these tests force hundreds of files to disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as name:
        Path(name, "tiny.toml").write_text(DEFINITION)
        yield Path(name)


@pytest.fixture
def run(program, folder):
    """Calls `run`; a status other than 0 and 3 is a failure whatever is tested."""
    def run_program(*words):
        result = subprocess.run([program, "run", "tiny.toml", "-o", "a.h5", "--threads", "1",
                                 "--progress", "none", *words], cwd=folder, text=True,
                                capture_output=True, timeout=DEADLINE_SECONDS, check=False)
        assert result.returncode in (0, 3), f"{result.returncode}: {result.stderr}"
        return result
    return run_program


def cut(content, place):
    return content[:place]


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ MASK]) + content[place + 1:]


def evenly(size, count):
    """From the start, and up to the last byte."""
    return [size * i // count for i in range(count)] + [size - 1]


def places_in_chunks(path):
    """The middle of each chunk of each variable, and the seal."""
    places = []
    with h5py.File(path) as file:
        for variable in file.values():
            if not isinstance(variable, h5py.Dataset):
                continue
            if variable.chunks is None:
                places.append(variable.id.get_offset() + variable.id.get_storage_size() // 2)
                continue
            chunks = map(variable.id.get_chunk_info, range(variable.id.get_num_chunks()))
            places += [chunk.byte_offset + chunk.size // 2 for chunk in chunks]
    return [*places, path.stat().st_size - 8]


def computed(result):
    found = re.search(r"^(\d+) runs? computed", result.stdout, re.MULTILINE)
    return int(found[1]) if found else 0


@pytest.fixture
def require_made_good(run, folder, undisturbed, assert_same_numbers):
    """Damages the file at each place; returns how many of the files were made good, and how many of these
    lost a run."""
    def require(damage, places):
        content = (undisturbed / "a.h5").read_bytes()
        good, losses = 0, 0
        for place in places:
            damaged = damage(content, place)
            (folder / "a.h5").write_bytes(damaged)
            result = run()
            if result.returncode == 3:
                assert REFUSED.match(result.stderr), (place, result.stderr)
                assert (folder / "a.h5").read_bytes() == damaged, place
                continue
            assert_same_numbers(folder / "a.h5", undisturbed / "a.h5")
            told = len(re.findall("run [0-9a-f]{16} is computed again", result.stderr))
            assert computed(result) == told, (place, result.stderr)
            good += 1
            losses += told > 0
            for left in folder.glob("a.h5.*"):
                left.unlink()
        assert [path.name for path in folder.iterdir() if path.is_dir()] == []
        return good, losses
    return require


def test_a_file_that_was_cut_anywhere_is_refused_or_made_good(require_made_good, undisturbed, run):
    places = evenly((undisturbed / "a.h5").stat().st_size, CUTS)
    good, losses = require_made_good(cut, places)
    # But for the seal, all of it is needed.
    assert (good, losses) == (1, 0)
    for start in range(8):  # not even the signature
        require_made_good(cut, [start])
    assert computed(run("--fresh")) == RUNS


def test_a_flipped_byte_in_any_chunk_is_told_and_made_good(require_made_good, undisturbed):
    places = places_in_chunks(undisturbed / "a.h5")
    good, losses = require_made_good(flipped, places)
    # Those of the settings, which cost no run; and one of each measured variable, which costs those in it.
    assert losses >= 9
    assert good - losses >= 10


def test_a_flipped_byte_anywhere_is_told_or_changes_no_number(require_made_good, undisturbed):
    places = evenly((undisturbed / "a.h5").stat().st_size, FLIPS)
    good, _ = require_made_good(flipped, places)
    assert good >= FLIPS // 2


def test_a_changed_digest_costs_its_run(require_made_good, undisturbed):
    """HDF5 has no checksum for texts."""
    with h5py.File(undisturbed / "a.h5") as file:
        digest = file["digest"].asstr()[1]
    content = (undisturbed / "a.h5").read_bytes()
    assert content.count(digest.encode()) == 1
    assert require_made_good(flipped, [content.index(digest.encode()) + 7]) == (1, 1)


def test_an_axis_that_claims_more_runs_than_the_file_can_hold_is_refused(undisturbed, folder, program):
    """Before a number is made for each of them."""
    shutil.copy(undisturbed / "a.h5", folder)
    with h5py.File(folder / "a.h5", "r+") as file:
        del file["run"]
        file.create_dataset("run", (2**40,), "i4", chunks=(1,))
    result = subprocess.run([program, "show", "a.h5"], cwd=folder, text=True, capture_output=True,
                            timeout=DEADLINE_SECONDS, check=False)
    assert result.returncode == 3
    assert result.stderr == ("plumbline: a.h5: 'run' is 1099511627776, and the file holds 0 bytes of it; "
                             "is it damaged?\n")


@pytest.fixture(scope="module")
def with_segment(program, tmp_path_factory):
    """A folder in which all runs of the definition stand in one segment, of a sweep that was killed."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "tiny.toml").write_text(DEFINITION)
    # The dearest runs come first, and are still under way when the others are in a segment.
    with open(folder / "progress", "wb") as progress:
        process = subprocess.Popen([program, "run", "tiny.toml", "-o", "a.h5", "--threads", "4",
                                    f"train.steps=20,{10**6}"], cwd=folder, stdout=progress,
                                   stderr=progress)
    try:
        segment = folder / "a.h5.d/segments/00000001.h5"
        while not segment.exists():
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    (folder / "progress").unlink()
    return folder


@pytest.mark.parametrize("damage", [cut, flipped])
def test_a_segment_that_was_damaged_anywhere_is_left_out(
        program, run, folder, with_segment, undisturbed, assert_same_numbers, damage):
    name = Path("a.h5.d/segments/00000001.h5")
    content = (with_segment / name).read_bytes()
    places = evenly(len(content), CUTS)
    if damage is flipped:
        places = places_in_chunks(with_segment / name) + places[::8]
    for number, place in enumerate(places):
        shutil.copytree(with_segment / "a.h5.d", folder / "a.h5.d", dirs_exist_ok=True)
        (folder / name).write_bytes(damage(content, place))
        # The same look at the segment, which takes less time than to begin a sweep anew.
        seen = subprocess.run([program, "status", "tiny.toml", "-o", "a.h5", "--json"], cwd=folder,
                              check=True, capture_output=True, timeout=DEADLINE_SECONDS)
        assert json.loads(seen.stdout)["pending"] == RUNS, place
        if number % 8 != 0:
            continue
        result = run()
        assert result.returncode == 0, result.stderr
        assert result.stderr == f"{name}: is damaged and left out; its runs are computed again\n"
        assert computed(result) == RUNS
        assert_same_numbers(folder / "a.h5", undisturbed / "a.h5")
        assert sorted(path.name for path in folder.iterdir()) == ["a.h5", "tiny.toml"]
        (folder / "a.h5").unlink()
