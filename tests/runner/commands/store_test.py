# SPDX-License-Identifier: Apache-2.0
"""What stands on disk while a sweep runs: kill -9, resume, the lock, segments that are damaged."""

import json
import re
import resource
import shutil
import signal
import subprocess
import time

import h5py
import pytest

DEADLINE_SECONDS = 120
RUNS = 12
SWEEP = """\
schema = 1
name = "sweep"
title = "Runs of some tenths of a second"
[data]
name = "digits"
[model]
depth = 3
width = 64
[train]
batch = 100
steps = 6400
[probes]
error_signal = { every = 2000 }
[sweep]
seeds = 12
"""


# On a slower machine more; then there are two segments long before the last run.
LEAST_SECONDS_OF_A_RUN = 0.35


@pytest.fixture(scope="module")
def sweep(lasting):
    return lasting(SWEEP, LEAST_SECONDS_OF_A_RUN)


@pytest.fixture
def folder(tmp_path, sweep):
    (tmp_path / "sweep.toml").write_text(sweep)
    return tmp_path


@pytest.fixture
def start(program, folder):
    """Starts the sweep on one thread, into a.h5."""
    started = []

    def start_program(*words, output="a.h5"):
        command = [program, "run", "sweep.toml", "-o", output, "--threads", "1", "--progress",
                   "json", *words]
        # Standard error goes to a file: a pipe that nobody reads would stop the sweep.
        with open(folder / "progress", "wb") as progress:
            process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL,
                                       stderr=progress)
        started.append(process)
        return process

    yield start_program
    for process in started:
        process.kill()
        process.wait()


def wait_for(process, condition):
    """Until `condition()` holds; fails where the process ends before."""
    while not condition():
        assert process.poll() is None, "the sweep ended too early"
        time.sleep(0.005)


def segments(folder):
    return sorted((folder / "a.h5.d/segments").glob("*.h5"))


def runs_in(path):
    with h5py.File(path) as file:
        return file["run_id"].asstr()[()].tolist()


def statuses(path):
    with h5py.File(path) as file:
        return file["status"][()].tolist()


@pytest.fixture(scope="module")
def killed_state(program, tmp_path_factory, sweep):
    """A folder in which a sweep was killed when two segments stood there."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "sweep.toml").write_text(sweep)
    with open(folder / "progress", "wb") as progress:
        process = subprocess.Popen([program, "run", "sweep.toml", "-o", "a.h5", "--threads", "1"],
                                   cwd=folder, stdout=progress, stderr=progress)
    try:
        wait_for(process, lambda: len(segments(folder)) >= 2)
    finally:
        process.kill()
        process.wait()
    assert not (folder / "a.h5").exists()
    return folder


@pytest.fixture
def killed(folder, killed_state):
    """Puts a killed sweep into the folder; returns the runs in its segments."""
    shutil.copytree(killed_state, folder, dirs_exist_ok=True)
    found = [run for path in segments(folder) for run in runs_in(path)]
    assert 2 <= len(found) < RUNS
    return found


@pytest.fixture(scope="module")
def undisturbed(program, killed_state):
    """The file of the whole sweep."""
    subprocess.run([program, "run", "sweep.toml", "-o", "b.h5"], cwd=killed_state, check=True,
                   capture_output=True, timeout=900)
    (killed_state / "b.h5").rename(killed_state.with_name("undisturbed.h5"))
    return killed_state.with_name("undisturbed.h5")


def files_in(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "progress")


def computed(result):
    return int(re.search(r"^(\d+) runs? computed in", result.stdout, re.MULTILINE)[1])


def test_a_killed_sweep_goes_on_from_its_segments(
        call, folder, killed, undisturbed, assert_same_numbers):
    (folder / "a.h5.4711.tmp").write_text("left by a killed process")
    (folder / "a.h5.d/segments/00000009.h5.4711.tmp").write_text("left as well")
    result = call("run", "sweep.toml", "-o", "a.h5")
    assert f"{len(killed)} of {RUNS} runs were there already" in result.stderr
    assert computed(result) == RUNS - len(killed)
    assert f"{RUNS} of {RUNS} runs: {RUNS} complete" in result.stdout
    assert files_in(folder) == ["a.h5", "sweep.toml"]
    assert_same_numbers(folder / "a.h5", undisturbed)


def test_the_segments_of_a_finished_file_are_not_counted_twice(call, folder, killed):
    """As after a kill between the new file and the removal of its segments."""
    shutil.copytree(folder / "a.h5.d", folder / "kept")
    call("run", "sweep.toml", "-o", "a.h5")
    shutil.copytree(folder / "kept", folder / "a.h5.d")
    shutil.rmtree(folder / "kept")
    assert computed(call("run", "sweep.toml", "-o", "a.h5")) == 0
    assert files_in(folder) == ["a.h5", "sweep.toml"]
    assert len(killed) < len(set(runs_in(folder / "a.h5"))) == RUNS


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied"])
def test_a_damaged_segment_is_left_out_and_its_runs_are_computed_again(
        call, folder, killed, undisturbed, assert_same_numbers, damage):
    segment = segments(folder)[0]
    lost = len(runs_in(segment))
    content = bytearray(segment.read_bytes())
    place = len(content) * 2 // 3
    if damage == "flipped":
        content[place] ^= 0x10
    else:
        del content[0 if damage == "emptied" else place:]
    segment.write_bytes(content)
    result = call("run", "sweep.toml", "-o", "a.h5")
    assert f"{segment.name}: is damaged and left out; its runs are computed again" in result.stderr
    assert computed(result) == RUNS - len(killed) + lost
    assert_same_numbers(folder / "a.h5", undisturbed)


def test_a_flipped_byte_in_the_file_costs_no_more_than_the_runs_of_its_chunk(call, folder, assert_same_numbers):
    # 129 steps of 4 layers: four runs share a chunk.
    short = ["train.steps=640", "train.evaluate.every=5"]
    call("run", "sweep.toml", "-o", "a.h5", f"sweep.seeds={RUNS - 2}", *short)
    call("run", "sweep.toml", "-o", "b.h5", f"sweep.seeds={RUNS}", *short)
    with h5py.File(folder / "a.h5") as file:
        chunk = file["train_loss"].id.get_chunk_info(1)
        runs_of_chunk = file["train_loss"].chunks[0]
        damaged = set(file["run_id"].asstr()[runs_of_chunk:2 * runs_of_chunk])
    assert 1 < len(damaged) < RUNS // 2
    content = bytearray((folder / "a.h5").read_bytes())
    content[chunk.byte_offset + 3] ^= 1
    (folder / "a.h5").write_bytes(content)
    result = call("run", "sweep.toml", "-o", "a.h5", f"sweep.seeds={RUNS}", *short)
    assert set(re.findall("run ([0-9a-f]{16}) is computed again", result.stderr)) == damaged
    assert computed(result) == len(damaged) + 2
    assert_same_numbers(folder / "a.h5", folder / "b.h5")


def test_a_second_process_is_refused_and_told_of_the_first(call, folder, start):
    first = start()
    wait_for(first, lambda: (folder / "a.h5.d/lock").exists() and (folder / "a.h5.d/lock").read_text())
    result = call("run", "sweep.toml", "-o", "a.h5", status=3)
    assert re.search(rf"a\.h5: is being written by process {first.pid} on \S+ "
                     rf"\(.*plumbline run sweep\.toml -o a\.h5 ", result.stderr), result.stderr
    first.send_signal(signal.SIGKILL)
    first.wait()
    call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=2")
    assert statuses(folder / "a.h5") == [1, 1]


def test_merge_and_status_go_by_the_definition_of_the_latest_runs(call, folder, start):
    """The file is of a definition that has grown since, and the segments are of the new one."""
    call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=2")
    process = start()
    wait_for(process, lambda: len(segments(folder)) >= 1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = set(runs_in(folder / "a.h5"))
    for segment in segments(folder):
        there |= set(runs_in(segment))
    assert f"{len(there)} of {RUNS} runs" in call("status", "a.h5").stdout
    counts = call("merge", "-o", "a.h5", status=1).stdout
    assert f"{len(there)} of {RUNS} runs: {len(there)} complete" in counts
    assert files_in(folder) == ["a.h5", "sweep.toml"]


def test_merging_loses_nothing_while_a_shard_goes_on(program, folder, start):
    """Its segments become its file between the look at them and their reading."""
    process = start("--shard", "1/1")
    wait_for(process, lambda: list(folder.glob("a.shard-1-of-1.h5.d/segments/*.h5")))
    done = 0
    while done < RUNS:
        goes_on = process.poll() is None
        merged = subprocess.run([program, "merge", "-o", "a.h5"], cwd=folder, text=True,
                                capture_output=True, check=False)
        assert merged.returncode == (0 if f"{RUNS} of {RUNS} runs" in merged.stdout else 1), \
            merged.stderr
        before, done = done, int(re.search(rf"^(\d+) of {RUNS} runs", merged.stdout,
                                           re.MULTILINE)[1])
        assert done >= before
        assert goes_on or done == RUNS
    assert statuses(folder / "a.h5") == [1] * RUNS


def test_fresh_goes_on_from_its_own_segments_alone(call, folder, start, undisturbed):
    """Killed with --fresh, the old file does not count, and is replaced at the end."""
    shutil.copy(undisturbed, folder / "a.h5")
    content = (folder / "a.h5").read_bytes()
    process = start("--fresh")
    wait_for(process, lambda: len(segments(folder)) >= 1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    found = sum(len(runs_in(path)) for path in segments(folder))
    assert (folder / "a.h5").read_bytes() == content
    assert computed(call("run", "sweep.toml", "-o", "a.h5")) == RUNS - found
    assert files_in(folder) == ["a.h5", "sweep.toml"]
    assert (folder / "a.h5").read_bytes() != content


def test_finished_runs_in_segments_that_the_plan_no_longer_has_are_kept(call, folder, killed):
    result = call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=1")
    assert f"{len(killed) - 1} earlier run" in result.stdout
    assert "kept in a.h5.previous" in result.stdout
    assert sorted(runs_in(folder / "a.h5.previous") + runs_in(folder / "a.h5")) == sorted(killed)


def test_a_file_made_of_segments_shows_as_a_whole_one_does(call, folder, killed, undisturbed):
    """Segments hold no settings: they follow from the definition."""
    call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=1")
    kept = runs_in(folder / "a.h5.previous")
    shown = json.loads(call("show", "a.h5.previous", "--by", "seed,width", "--json").stdout)
    whole = json.loads(call("show", undisturbed, "--by", "seed,width", "--json").stdout)
    seeds = {group["key"]["seed"] for group in shown["groups"]}
    assert len(seeds) == len(kept)
    assert shown["groups"] == [group for group in whole["groups"]
                               if group["key"]["seed"] in seeds]
    assert len(json.loads(call("show", "a.h5.previous", "--json").stdout)["groups"]) == 1
    assert f"{len(kept)} of {RUNS} runs" in call("status", "a.h5.previous").stdout
    call("verify", "a.h5.previous", "--runs", "1")
    merged = call("merge", "a.h5.previous", "a.h5", "-o", "b.h5", status=3)
    assert "train.seed" in merged.stderr


def test_kept_runs_are_taken_back_where_the_plan_has_them_again(
        call, folder, undisturbed, assert_same_numbers):
    shutil.copy(undisturbed, folder / "a.h5")
    call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=2")
    call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=1")
    assert files_in(folder) == ["a.h5", "a.h5.previous", "sweep.toml"]
    told = call("status", "sweep.toml", "-o", "a.h5").stdout
    assert f"1 of {RUNS} runs: " in told
    assert (f"{RUNS - 1} of them are finished in a.h5.previous, from where `run` and `merge` take them"
            in told)
    some = call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=4", "--progress", "plain")
    assert computed(some) == 0
    assert some.stderr.startswith("3 runs are taken back from a.h5.previous\n")
    assert "4 of 4 runs, nothing to be computed\n" in some.stderr
    assert files_in(folder) == ["a.h5", "a.h5.previous", "sweep.toml"]
    assert computed(call("run", "sweep.toml", "-o", "a.h5")) == 0
    assert files_in(folder) == ["a.h5", "sweep.toml"]
    assert_same_numbers(folder / "a.h5", undisturbed)


def test_a_file_of_kept_runs_that_was_cut_is_left_alone(call, folder, undisturbed):
    shutil.copy(undisturbed, folder / "a.h5")
    call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=1")
    content = (folder / "a.h5.previous").read_bytes()
    content = content[:len(content) // 2]
    (folder / "a.h5.previous").write_bytes(content)
    assert computed(call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=2")) == 1
    assert (folder / "a.h5.previous").read_bytes() == content


def test_a_file_of_kept_runs_that_another_program_has_changed_gives_all_that_can_be_read(
        call, folder, undisturbed, assert_same_numbers, damage_record):
    shutil.copy(undisturbed, folder / "a.h5")
    call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=1")
    damage_record(folder / "a.h5.previous", 1)
    again = call("run", "sweep.toml", "-o", "a.h5")
    assert f"{RUNS - 2} runs are taken back from a.h5.previous" in again.stderr
    assert computed(again) == 1
    assert_same_numbers(folder / "a.h5", undisturbed)


def test_a_run_that_is_damaged_in_the_file_is_kept_from_its_segment(
        call, folder, killed, undisturbed, assert_same_numbers, damage_record):
    """As where it was computed again, that call was killed, and the next one does not have it."""
    shutil.copy(undisturbed, folder / "a.h5")
    damage_record(folder / "a.h5", runs_in(undisturbed).index(killed[-1]))
    result = call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=1")
    assert "a.h5.previous and a.h5.previous.2" in result.stdout
    assert killed[-1] in runs_in(folder / "a.h5.previous.2")
    again = call("run", "sweep.toml", "-o", "a.h5")
    assert computed(again) == 0
    assert_same_numbers(folder / "a.h5", undisturbed)


def test_fresh_takes_no_run_back(call, folder, undisturbed):
    shutil.copy(undisturbed, folder / "a.h5")
    call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=1")
    assert computed(call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=2", "--fresh")) == 2
    assert files_in(folder) == ["a.h5", "a.h5.previous", "sweep.toml"]


# Results of another definition


def test_results_of_another_definition_are_refused_with_the_keys_that_differ(call, folder, sweep):
    steps = re.search(r"^steps = (\d+)$", sweep, re.MULTILINE)[1]
    call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=2")
    before = (folder / "a.h5").read_bytes()
    result = call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=2", "model.width=8",
                  "train.steps=10,20", status=3)
    assert result.stderr == (
        "plumbline: a.h5: none of its 2 finished runs is one of this definition; these settings "
        "differ:\n"
        "  model.width is 64 in the file and 8 in the definition\n"
        f"  train.steps is {steps} in the file and 10, 20 in the definition\n"
        "-o names another file for this definition; --fresh writes this one anew\n")
    assert (folder / "a.h5").read_bytes() == before
    assert files_in(folder) == ["a.h5", "sweep.toml"]
    call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=2", "model.width=8", "train.steps=10",
         "--fresh")


def test_a_refusal_does_not_name_what_has_merely_fewer_values(call, folder, undisturbed):
    shutil.copy(undisturbed, folder / "a.h5")
    result = call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=2", "model.width=8", status=3)
    assert "model.width" in result.stderr and "train.seed" not in result.stderr


def test_segments_of_another_definition_are_refused_as_well(call, folder, killed):
    result = call("run", "sweep.toml", "-o", "a.h5", "model.width=8", status=3)
    assert f"none of its {len(killed)} finished runs is one of this definition" in result.stderr
    assert "  model.width is 64 in the file and 8 in the definition" in result.stderr
    assert len(segments(folder)) >= 2


def test_results_of_another_version_are_refused_with_both_versions(call, folder):
    call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=2")
    with h5py.File(folder / "a.h5", "r+") as file:
        file["run_id"][...] = ["0123456789abcdef", "0123456789abcdee"]
        del file["checksum"]  # which would tell
        version = int(file["provenance"].attrs["semantics_version"])
        file["provenance"].attrs["semantics_version"] = str(version - 1)
    result = call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=2", status=3)
    assert (f"it was made by engine semantics version {version - 1} (Plumbline 0." in result.stderr
            and f"this program has version {version}\n" in result.stderr), result.stderr


def test_results_whose_definition_has_a_mistake_here_are_refused(call, folder):
    call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=2")
    with h5py.File(folder / "a.h5", "r+") as file:
        file["run_id"][...] = ["0123456789abcdef", "0123456789abcdee"]
        del file["checksum"]  # which would tell
        text = file["provenance"].attrs["definition"]
        file["provenance"].attrs["definition"] = text.replace("width", "breadth")
    result = call("run", "sweep.toml", "-o", "a.h5", "sweep.seeds=2", status=3)
    assert "engine semantics version" in result.stderr
    assert "'model.breadth' is not a setting" in result.stderr


# Runs that fail


@pytest.fixture
def call_with_failures(call):
    """A sweep one run of which is out of memory: 200 MB each for weights, their gradient and the
    layer as it is drawn, which the machine has and the limit has not."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (700_000_000, 700_000_000))

    def run(*words, limited=True, **options):
        return call("run", "sweep.toml", "-o", "a.h5", "--threads", "1", "model.depth=2",
                    "model.width=5000,16", "model.precision=float64", "train.steps=1",
                    "train.batch=1", "data.train=10", "data.valid=0", "sweep.seeds=1", *words,
                    preexec_fn=limit if limited else None, **options)
    return run


@pytest.mark.limited_memory
def test_fail_fast_ends_at_the_first_failed_run(call_with_failures, folder):
    # The dearest run is the first.
    result = call_with_failures("--fail-fast", status=1)
    assert ("0 of 2 runs: 0 complete, 0 diverged, 1 failed, 1 pending: the same command computes them"
            in result.stdout)
    assert "model.width=5000" in result.stdout and ": out of memory" in result.stdout
    assert statuses(folder / "a.h5") == [3, 0]


@pytest.mark.limited_memory
def test_retry_failed_computes_the_failed_runs_alone(call_with_failures, folder):
    call_with_failures("--fail-fast", status=1)
    result = call_with_failures("--retry-failed", status=1)
    assert computed(result) == 1
    assert statuses(folder / "a.h5") == [3, 0]
    assert computed(call_with_failures(status=1)) == 2
    assert statuses(folder / "a.h5") == [3, 1]
    result = call_with_failures("--retry-failed", limited=False)
    assert computed(result) == 1 and "2 of 2 runs: 2 complete" in result.stdout


@pytest.mark.limited_memory
def test_the_exit_status_tells_of_runs_that_retrying_left_pending(call_with_failures, folder):
    call_with_failures("--fail-fast", status=1)
    result = call_with_failures("--retry-failed", limited=False, status=1)
    assert ("1 of 2 runs: 1 complete, 0 diverged, 0 failed, 1 pending: the same command without "
            "--retry-failed computes it\n" in result.stdout)
    assert statuses(folder / "a.h5") == [1, 0]


def test_retrying_where_nothing_has_failed_writes_nothing(call, folder):
    done = call("run", "sweep.toml", "-o", "a.h5", "--retry-failed", status=1)
    assert done.stdout.endswith("the same command without --retry-failed computes them\nno run has failed\n")
    assert files_in(folder) == ["sweep.toml"]


# Errors while writing


def test_a_full_disk_in_the_middle_keeps_what_was_finished(call, folder, start):
    """The disk is a small one of its own, filled by something else when some runs are on it."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a file system")
    process = start(output="disk/a.h5")
    try:
        wait_for(process, lambda: list(disk.glob("a.h5.d/segments/*.h5")))
        with open(disk / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(1 << 14)):
                    pass
            except OSError:
                pass
        assert process.wait(DEADLINE_SECONDS) == 3, (folder / "progress").read_text()
        text = (folder / "progress").read_text()
        assert "disk/a.h5.d/segments/" in text and "No space left on device" in text
        kept = sum(len(runs_in(path)) for path in disk.glob("a.h5.d/segments/*.h5"))
        assert f"keeps the {kept} run" in text
        (disk / "filler").unlink()
        result = call("run", "sweep.toml", "-o", "disk/a.h5")
        assert computed(result) == RUNS - kept
        assert files_in(disk) == ["a.h5"]
    finally:
        process.kill()
        process.wait()
        subprocess.run(["umount", disk], check=True)


def test_progress_counts_the_runs_of_the_whole_sweep(call, killed):
    result = call("run", "sweep.toml", "-o", "a.h5", "--progress", "json")
    objects = [json.loads(line) for line in result.stderr.splitlines()]
    assert {each["total"] for each in objects} == {RUNS}
    assert [each["done"] for each in objects if each["done"] <= len(killed)] == [len(killed)]
    assert objects[-1]["done"] == RUNS
