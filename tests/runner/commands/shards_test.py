# SPDX-License-Identifier: Apache-2.0
"""Shards of a sweep, one after the other, and the file that they are merged into."""

import fcntl
import json
import os
import pty
import re
import resource
import shutil
import signal
import struct
import subprocess
import termios

import h5py
import numpy as np
import pytest

RUNS = 8


@pytest.fixture
def shards(call):
    """Computes shards of the sweep beside x.h5."""
    def compute(count, *numbers, words=()):
        for number in numbers:
            call("run", "small.toml", *words, "--shard", f"{number}/{count}", "-o", "x.h5")
    return compute


def run_ids(path):
    with h5py.File(path) as file:
        return [text.decode() for text in file["run_id"][()]]


@pytest.mark.parametrize("count", [1, 3, 8])
def test_merged_shards_are_bit_for_bit_what_one_process_computes(
        call, folder, shards, assert_same_numbers, count):
    call("run", "small.toml", "-o", "whole.h5")
    shards(count, *range(count, 0, -1))
    done = call("merge", "-o", "x.h5")
    assert f"{RUNS} of {RUNS} runs: {RUNS} complete, 0 diverged, 0 failed, 0 pending" in done.stdout
    assert_same_numbers(folder / "whole.h5", folder / "x.h5")
    parts = [run_ids(path) for path in folder.glob("x.shard-*")]
    assert sorted(sum(parts, [])) == sorted(run_ids(folder / "whole.h5"))
    with h5py.File(folder / "x.h5") as file:
        assert "merge -o x.h5" in file["provenance"].attrs["command_line"]
        assert file["threads"][()].all(), "who computed a run is kept"


def test_what_is_missing_stays_pending_and_is_added_later(
        call, folder, shards, assert_same_numbers):
    shards(3, 3)
    done = call("merge", "x.shard-3-of-3.h5", "-o", "x.h5", status=1)
    assert "3 of 8 runs: 3 complete, 0 diverged, 0 failed, 5 pending; from 1 file" in done.stdout
    # The merged file keeps what it has, though the shard is gone.
    (folder / "x.shard-3-of-3.h5").unlink()
    shards(3, 1, 2)
    call("merge", "-o", "x.h5")
    call("run", "small.toml", "-o", "whole.h5")
    assert_same_numbers(folder / "whole.h5", folder / "x.h5")


def test_a_shard_leaves_out_what_the_output_has(call, folder, shards):
    shards(2, 1)
    call("merge", "-o", "x.h5", status=1)
    there = run_ids(folder / "x.shard-1-of-2.h5")
    shards(3, 1, 2, 3)
    others = sum((run_ids(path) for path in folder.glob("x.shard-?-of-3.h5")), [])
    assert len(there) == 4 and len(others) == 4 and not set(there) & set(others)
    call("merge", "-o", "x.h5")
    done = call("run", "small.toml", "--shard", "2/2", "-o", "x.h5")
    assert "x.shard-2-of-2.h5: no run is left for shard 2/2" in done.stdout
    assert not (folder / "x.shard-2-of-2.h5").exists()
    # What it has computed itself it keeps.
    done = call("run", "small.toml", "--shard", "1/2", "-o", "x.h5")
    assert "4 of 4 runs were there already" in done.stdout
    assert run_ids(folder / "x.shard-1-of-2.h5") == there


def test_files_of_another_definition_are_refused_with_the_settings_that_differ(
        call, folder, shards):
    shards(2, 1)
    call("run", "small.toml", "model.width=17", "optimizer.lr=0.2", "-o", "other.h5")
    done = call("merge", "x.shard-1-of-2.h5", "other.h5", "-o", "merged.h5", status=3)
    assert ("other.h5: is not of the same definition as x.shard-1-of-2.h5: "
            "model.width is 16 in x.shard-1-of-2.h5 and 17 in other.h5; "
            "optimizer.lr is 0.1 in x.shard-1-of-2.h5 and 0.2 in other.h5") in done.stderr
    assert not (folder / "merged.h5").exists()
    # The output's own runs are no less worth.
    before = (folder / "other.h5").read_bytes()
    call("merge", "x.shard-1-of-2.h5", "-o", "other.h5", status=3)
    assert (folder / "other.h5").read_bytes() == before


def test_a_remark_or_another_way_to_write_it_is_the_same_definition(call, folder, shards):
    shards(2, 1)
    text = (folder / "small.toml").read_text()
    (folder / "small.toml").write_text(f"# A remark.\n{text}")
    shards(2, 2, words=["model.width=16"])
    call("merge", "-o", "x.h5")


def test_runs_of_a_definition_that_grew_are_added_to_the_output(
        call, folder, shards, assert_same_numbers):
    call("run", "small.toml", "-o", "x.h5")
    wider = ["model.depth=2,13,5"]
    shards(2, 1, 2, words=wider)
    before = set(run_ids(folder / "x.h5"))
    new = sum((run_ids(path) for path in folder.glob("x.shard-*")), [])
    assert len(new) == 4 and not before & set(new)
    call("merge", "-o", "x.h5")
    call("run", "small.toml", *wider, "-o", "whole.h5")
    assert_same_numbers(folder / "whole.h5", folder / "x.h5")
    assert not list(folder.glob("x.h5.previous*")), "nothing was lost"


def test_what_the_output_has_beyond_the_definition_of_the_shards_is_kept(
        call, folder, shards, assert_same_numbers):
    call("run", "small.toml", "-o", "x.h5")
    before = (folder / "x.h5").read_bytes()
    other = ["model.depth=2,5"]
    shards(2, 1, 2, words=other)
    done = call("merge", "-o", "x.h5")
    assert "4 earlier runs are not in this plan; they are kept in x.h5.previous" in done.stdout
    assert (folder / "x.h5.previous").read_bytes() == before
    call("run", "small.toml", *other, "-o", "whole.h5")
    assert_same_numbers(folder / "whole.h5", folder / "x.h5")


def test_a_merge_takes_back_what_earlier_plans_have_left(call, folder, shards, assert_same_numbers):
    call("run", "small.toml", "-o", "x.h5")
    call("run", "small.toml", "model.depth=13", "-o", "x.h5")
    shards(2, 1)
    lacking = {*run_ids(folder / "x.h5.previous")} - {*run_ids(folder / "x.h5")}
    lacking -= {*run_ids(folder / "x.shard-1-of-2.h5")}
    assert lacking
    done = call("merge", "-o", "x.h5")
    assert "8 of 8 runs: 8 complete, 0 diverged, 0 failed, 0 pending; from 2 files\n" in done.stdout
    taken = "1 run is" if len(lacking) == 1 else f"{len(lacking)} runs are"
    assert f"{taken} taken back from x.h5.previous\n" in done.stdout
    call("run", "small.toml", "-o", "whole.h5")
    assert_same_numbers(folder / "whole.h5", folder / "x.h5")
    assert not (folder / "x.h5.previous").exists(), "it holds nothing that the file lacks"


def test_more_shards_than_files_that_may_be_open(call, folder, assert_same_numbers):
    call("run", "small.toml", "-o", "whole.h5")
    count = 40
    for number in range(count):
        shard = folder / f"x.shard-{number + 1}-of-{count}.h5"
        shutil.copy(folder / "whole.h5", shard)
        with h5py.File(shard, "r+") as file:
            statuses = np.zeros(RUNS, dtype="i1")
            statuses[number % RUNS] = 1
            file["status"][...] = statuses
    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))}
    status = json.loads(call("status", "x.h5", "--json", **limited).stdout)
    assert status["complete"] == RUNS
    assert [one["done"] for one in status["files"]] == [1] * count
    done = call("merge", "-o", "x.h5", **limited)
    assert "8 of 8 runs: 8 complete, 0 diverged, 0 failed, 0 pending; from 40 files" in done.stdout
    assert_same_numbers(folder / "whole.h5", folder / "x.h5")


def test_two_digests_of_one_run_are_refused(call, folder, shards):
    shards(2, 1)
    shutil.copy(folder / "x.shard-1-of-2.h5", folder / "again.h5")
    call("merge", "again.h5", "x.shard-1-of-2.h5", "-o", "y.h5", status=1)
    with h5py.File(folder / "again.h5", "r+") as file:
        run_id = file["run_id"][2].decode()
        digests = file["digest"][()]
        digest = digests[2].decode()
        digests[2] = "0" * 16
        file["digest"][...] = digests
        del file["checksum"]  # which would tell
    done = call("merge", "again.h5", "x.shard-1-of-2.h5", "-o", "z.h5", status=3)
    assert f"run {run_id} (model.depth=" in done.stderr
    assert (f"its digest is {'0' * 16} in again.h5 and {digest} in x.shard-1-of-2.h5"
            in done.stderr)
    assert not (folder / "z.h5").exists()


def test_a_finished_run_counts_before_a_failed_one(call, folder, shards):
    shards(1, 1)
    shutil.copy(folder / "x.shard-1-of-1.h5", folder / "failed.h5")
    with h5py.File(folder / "failed.h5", "r+") as file:
        file["status"][...] = np.full(RUNS, 3, dtype="i1")
        del file["checksum"]  # which would tell
    done = call("merge", "failed.h5", "-o", "only_failed.h5", status=1)
    assert "0 of 8 runs: 0 complete, 0 diverged, 8 failed, 0 pending" in done.stdout
    for order in (["failed.h5", "x.shard-1-of-1.h5"], ["x.shard-1-of-1.h5", "failed.h5"]):
        call("merge", *order, "-o", f"from_{order[0]}")


@pytest.mark.parametrize("words, message", [
    (["missing.h5", "-o", "y.h5"], "missing.h5: there is no such file"),
    (["-o", "y.h5"], "y.h5: there is nothing to merge: no y.shard-1-of-1.h5 or the like beside it"),
    (["small.toml", "-o", "y.h5"], "small.toml"),
    (["-o", "nowhere/y.h5"], "nowhere/y.h5: there is no folder nowhere"),
    (["-o", "small.toml"], "small.toml: is no results file, and is not written over"),
])
def test_what_cannot_be_merged_is_named(call, folder, words, message):
    text = (folder / "small.toml").read_text()
    assert message in call("merge", *words, status=3).stderr
    assert (folder / "small.toml").read_text() == text
    assert not (folder / "y.h5").exists()


def test_an_output_without_an_extension_has_shards_as_any_other(call, folder):
    for number in (1, 2):
        call("run", "small.toml", "--shard", f"{number}/2", "-o", "plain")
    assert "8 of 8 runs: 8 complete" in call("status", "small.toml", "-o", "plain").stdout
    assert "8 of 8 runs: 8 complete" in call("merge", "-o", "plain").stdout
    assert sorted(path.name for path in folder.iterdir()) == ["plain", "plain.shard-1-of-2",
                                                              "plain.shard-2-of-2", "small.toml"]


def test_a_run_takes_what_the_shards_beside_it_have(call, folder, shards, assert_same_numbers):
    call("run", "small.toml", "-o", "whole.h5")
    shards(2, 1)
    assert json.loads(call("status", "x.h5", "--json").stdout)["complete"] == 4
    done = call("run", "small.toml", "-o", "x.h5")
    assert "4 runs are taken from the shards beside it" in done.stderr
    assert "4 runs computed in " in done.stdout
    assert_same_numbers(folder / "whole.h5", folder / "x.h5")
    shards(2, 2, words=["model.width=5"])
    done = call("run", "small.toml", "-o", "x.h5", "--fresh")
    assert "8 runs computed in " in done.stdout and "taken" not in done.stderr


def test_a_shard_that_cannot_be_read_is_told_where_its_runs_are_computed(call, folder, shards):
    shards(2, 1)
    (folder / "x.shard-2-of-2.h5").write_bytes((folder / "x.shard-1-of-2.h5").read_bytes()[:1000])
    done = call("run", "small.toml", "-o", "x.h5")
    assert re.search(r"x\.shard-2-of-2\.h5: .*; what it holds is computed here\n", done.stderr)
    assert "4 runs are taken" in done.stderr and "4 runs computed in " in done.stdout


def test_a_run_beside_a_shard_that_is_computed_says_so(call, folder, shards):
    shards(2, 1)
    (folder / "x.shard-2-of-2.h5.d").mkdir()
    lock = folder / "x.shard-2-of-2.h5.d/lock"
    lock.write_text(f"{os.getpid()} {os.uname().nodename} plumbline run small.toml --shard 2/2\n")
    done = call("run", "small.toml", "-o", "x.h5")
    assert (f"x.shard-2-of-2.h5: process {os.getpid()} on {os.uname().nodename} computes it; what it "
            "has not finished is computed here too\n") in done.stderr


def test_where_a_call_with_fresh_was_killed_shards_do_not_count(call, folder, shards):
    call("run", "small.toml", "-o", "x.h5")
    shards(2, 1, 2, words=["--fresh"])
    (folder / "x.h5.d").mkdir()
    (folder / "x.h5.d/fresh").write_text("")
    assert "8 runs computed in " in call("run", "small.toml", "-o", "x.h5").stdout
    (folder / "x.shard-1-of-2.h5.d").mkdir()
    (folder / "x.shard-1-of-2.h5.d/fresh").write_text("")
    assert "4 runs computed in " in call("run", "small.toml", "--shard", "1/2", "-o", "x.h5").stdout


def test_a_failed_run_is_taken_from_the_shard_that_has_finished_it(
        call, folder, shards, assert_same_numbers):
    call("run", "small.toml", "-o", "whole.h5")
    shards(2, 1, 2)
    shutil.copy(folder / "whole.h5", folder / "x.h5")
    with h5py.File(folder / "x.h5", "r+") as file:
        file["status"][2] = 3
        del file["checksum"]  # which would tell
    done = call("run", "small.toml", "-o", "x.h5", "--retry-failed")
    assert "1 run is taken from the shards beside it" in done.stderr
    assert "0 runs computed in " in done.stdout
    assert_same_numbers(folder / "whole.h5", folder / "x.h5")
    # The other way round there is nothing to retry.
    shutil.copy(folder / "x.shard-1-of-2.h5", folder / "y.shard-1-of-2.h5")
    with h5py.File(folder / "y.shard-1-of-2.h5", "r+") as file:
        file["status"][...] = np.full(4, 3, dtype="i1")
        del file["checksum"]
    done = call("run", "small.toml", "-o", "y.h5", "--retry-failed", status=1)
    assert done.stdout.endswith("no run has failed\n") and not (folder / "y.h5").exists()


def test_a_damaged_record_in_the_output_is_computed_by_its_shard_and_merged(
        call, folder, shards, assert_same_numbers, damage_record):
    call("run", "small.toml", "-o", "whole.h5")
    call("run", "small.toml", "-o", "x.h5")
    damaged = damage_record(folder / "x.h5", 3)
    status = json.loads(call("status", "x.h5", "--json").stdout)
    assert (status["pending"], status["damaged"]) == (1, 1)
    assert "1 run of x.h5 is damaged, and computed again\n" in call("status", "x.h5").stdout
    shards(2, 1, 2)
    assert [run_ids(path) for path in folder.glob("x.shard-*")] == [[damaged]]
    done = call("merge", "-o", "x.h5")
    assert "8 of 8 runs: 8 complete" in done.stdout
    assert done.stderr == "", "nothing is missing"
    assert_same_numbers(folder / "whole.h5", folder / "x.h5")


def test_a_damaged_record_in_a_shard_is_left_out_by_merge_until_it_is_computed_again(
        call, folder, shards, assert_same_numbers, damage_record):
    call("run", "small.toml", "-o", "whole.h5")
    shards(2, 1, 2)
    damaged = damage_record(folder / "x.shard-2-of-2.h5", 1)
    done = call("merge", "-o", "x.h5", status=1)
    assert "7 of 8 runs: 7 complete, 0 diverged, 0 failed, 1 pending; from 2 files" in done.stdout
    assert damaged in done.stderr and "it is left out" in done.stderr
    shards(2, 2)
    call("merge", "-o", "x.h5")
    assert_same_numbers(folder / "whole.h5", folder / "x.h5")


def test_a_merge_removes_what_a_killed_one_has_left(call, folder, shards):
    shards(1, 1)
    for left in ("x.h5.999999.tmp", "x.h5.previous.999999.tmp"):
        (folder / left).write_bytes(b"half a file")
    (folder / "y.h5.999999.tmp").write_bytes(b"another's")
    call("merge", "-o", "x.h5")
    assert sorted(path.name for path in folder.glob("*.tmp")) == ["y.h5.999999.tmp"]


def test_a_file_whose_name_is_no_utf8_has_a_status(call):
    name = os.fsdecode(b"caf\xe9.h5")
    call("run", "small.toml", "-o", name, errors="replace")
    status = json.loads(call("status", "small.toml", "-o", name, "--json").stdout)
    assert status["complete"] == 8 and status["file"] == "caf\ufffd.h5"


@pytest.mark.parametrize("shard", ["0/2", "3/2", "2", "a/b", "1/2/3", "-1/2"])
def test_a_wrong_shard_is_refused(call, folder, shard):
    done = call("run", "small.toml", f"--shard={shard}", "-o", "x.h5", status=2)
    assert f"--shard: '{shard}' is no part i/N, such as 2/8" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["small.toml"]


def test_status_counts_over_the_output_and_the_shards_beside_it(call, folder, shards):
    done = call("status", "small.toml", "-o", "x.h5")
    assert "0 of 8 runs: 0 complete, 0 diverged, 0 failed, 8 pending\nnobody computes it\n" \
        in done.stdout
    shards(3, 1)
    done = call("status", "x.h5")
    assert done.stdout == ("x.h5\n2 of 8 runs: 2 complete, 0 diverged, 0 failed, 6 pending\n"
                           "nobody computes it\n  x.shard-1-of-3.h5: 2 of 2\n")
    call("merge", "-o", "x.h5", status=1)
    shards(3, 2)
    for target in (["x.h5"], ["small.toml", "-o", "x.h5"]):
        status = json.loads(call("status", *target, "--json").stdout)
        assert {key: status[key] for key in ("complete", "diverged", "failed", "pending")} == {
            "complete": 5, "diverged": 0, "failed": 0, "pending": 3}
        assert status["runs"] == 8 and status["eta_seconds"] is None
        assert [(one["file"], one["done"], one["runs"]) for one in status["files"]] == [
            ("x.h5", 2, 8), ("x.shard-1-of-3.h5", 2, 2), ("x.shard-2-of-3.h5", 3, 3)]
    assert "3 of 3 runs" in call("status", "x.shard-2-of-3.h5").stdout


def test_status_counts_what_diverged_and_says_by_its_exit_status_what_failed(call, folder):
    call("run", "small.toml", "optimizer.lr=1e12", "model.activation=relu", "-o", "x.h5")
    done = call("status", "x.h5")
    assert "4 of 4 runs: 2 complete, 2 diverged, 0 failed, 0 pending\n" in done.stdout
    with h5py.File(folder / "x.h5", "r+") as file:
        diverged = file["status"][()].tolist().index(2)
        file["status"][diverged] = 3
        del file["checksum"]  # which would tell
        file["message"][diverged] = "out of memory"
    done = call("status", "x.h5", status=1)
    assert "3 of 4 runs: 2 complete, 1 diverged, 1 failed, 0 pending\n" in done.stdout
    assert re.search(r"\n  failed: model\.depth=[^\n]*: out of memory\n", done.stdout)
    failures = json.loads(call("status", "x.h5", "--json", status=1).stdout)["failures"]
    assert failures == [{"message": "out of memory", "runs": 1}]


def test_status_says_what_is_left_to_do_with_shards(call, folder, shards):
    shards(2, 1)
    call("merge", "-o", "x.h5", status=1)
    (folder / "x.shard-1-of-2.h5").unlink()
    shards(3, 1, 2, 3)
    done = call("status", "x.h5").stdout
    assert done.startswith("x.h5\n8 of 8 runs: 8 complete, 0 diverged, 0 failed, 0 pending\n")
    assert done.endswith("`plumbline merge -o x.h5` makes one file of all\n")
    assert "  x.h5: 4 of 8\n" in done and "nobody" not in done
    counts = re.findall(r"-of-3\.h5: (\d) of (\d)\n", done)
    assert len(counts) == 3 and all(have == runs for have, runs in counts)
    call("merge", "-o", "x.h5")
    assert "merge" not in call("status", "x.h5").stdout


def test_status_tells_runs_of_another_definition(call, folder):
    call("run", "small.toml", "-o", "x.h5")
    done = call("status", "small.toml", "optimizer.lr=0.125", "-o", "x.h5").stdout
    assert "8 finished runs there are not of this definition: `run` tells which settings differ\n" in done
    status = json.loads(call("status", "small.toml", "model.activation=tanh", "-o", "x.h5", "--json").stdout)
    assert (status["complete"], status["foreign"]) == (4, 4)
    done = call("status", "small.toml", "model.activation=tanh", "-o", "x.h5").stdout
    assert "4 finished runs there are not of this definition, or not yet\n" in done


def test_status_of_nothing_is_an_error(call, folder):
    assert "x.h5: there is no such file" in call("status", "x.h5", status=3).stderr
    assert "small.tom" in call("status", "small.tom", status=3).stderr
    (folder / "x.h5").write_text("text")
    assert "x.h5" in call("status", "x.h5", status=3).stderr


def test_watching_ends_when_nothing_is_pending(call, folder, shards):
    shards(1, 1)
    assert call("status", "x.h5", "--watch").stdout == \
        "8 of 8 runs, 0 diverged, 0 failed, 0 pending\n"
    (line,) = call("status", "x.h5", "--watch", "--json").stdout.splitlines()
    assert json.loads(line)["complete"] == 8


def allow_signals():
    """In the child: a shell starts background jobs with SIGINT ignored, and children inherit it."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_watching_ends_with_a_signal(program, folder, shards, how):
    shards(2, 1)
    watching = subprocess.Popen([program, "status", "x.h5", "--watch"], cwd=folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                preexec_fn=allow_signals)
    assert watching.stdout.readline() == \
        "4 of 8 runs, 0 diverged, 0 failed, 4 pending, nobody computes it\n"
    watching.send_signal(how)
    assert watching.communicate(timeout=60) == ("", "")
    assert watching.returncode == 130


def test_on_a_terminal_watching_draws_the_same_lines_again_until_ctrl_c(
        program, folder, shards):
    shards(2, 1)
    terminal, program_side = pty.openpty()
    rows, columns = 24, 20
    fcntl.ioctl(program_side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    watching = subprocess.Popen([program, "status", "x.h5", "--watch"], cwd=folder,
                                stdout=program_side, stderr=program_side, preexec_fn=allow_signals)
    os.close(program_side)
    seen = b""
    while seen.count(b"4 of 8 runs") < 2:
        seen += os.read(terminal, 4096)
    watching.send_signal(signal.SIGINT)
    try:
        while piece := os.read(terminal, 4096):
            seen += piece
    except OSError:  # EIO: Linux says so when the other side is closed.
        pass
    os.close(terminal)
    assert watching.wait(timeout=60) == 130
    drawn = (b"x.h5\r\n4 of 8 runs: 4 compl\r\nnobody computes it\r\n"
             b"  x.shard-1-of-2.h5:\r\n")
    # Up by the four lines, and all below is cleared.
    assert seen.startswith(b"\r\033[J" + drawn + b"\033[4A\r\033[J" + drawn)
    assert seen.endswith(drawn)
