# SPDX-License-Identifier: Apache-2.0
"""submit, to a stand-in for sbatch that writes down what it is called with."""

import os
import stat
import subprocess

import pytest

SBATCH = """\
#!/bin/sh
echo "$@" >> calls
n=$(wc -l < calls)
[ -e refuse_$n ] && { echo "sbatch: error: no such partition" >&2; exit 1; }
echo "$((16 + n));cluster"
"""

# 4 trials, 2 survivors and 5 reruns of one.
STAGES = """
[[study]]
[study.search]
method = "grid"
[study.search.space]
optimizer.lr = [0.01, 0.03, 0.1, 0.3]
[study.search.halving]
rungs = [10]
factor = 2
metric = "valid_loss"
[study.protocol]
select = { metric = "valid_loss" }
rerun = { seeds = 5 }
"""


@pytest.fixture
def sbatch(folder):
    """The environment in which `sbatch` is the stand-in."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "sbatch").write_text(SBATCH)
    (tools / "sbatch").chmod(stat.S_IRWXU)
    return {"PATH": f"{tools}:{os.environ['PATH']}"}


def test_submit_hands_an_array_and_a_merge_after_it_to_sbatch(call, folder, sbatch):
    done = call("submit", "small.toml", "model.width=8", "--shards", "4", "--array-limit", "2",
                "--cpus-per-task", "3", "--partition", "long", "--sbatch=--account=physics",
                "--sbatch=--qos=low", environment=sbatch)
    scripts = folder / "results/small.slurm"
    assert done.stdout.splitlines() == [
        f"{scripts}/shards.sbatch: job array 17 of 4 shards",
        f"{scripts}/merge.sbatch: job 18 merges them into {folder}/results/small.h5"]
    assert (folder / "calls").read_text().splitlines() == [
        f"--parsable {scripts}/shards.sbatch",
        f"--parsable --dependency=afterany:17 {scripts}/merge.sbatch"]
    text = (scripts / "shards.sbatch").read_text()
    for line in ("#SBATCH --array=1-4%2", "#SBATCH --requeue", "#SBATCH --open-mode=append",
                 "#SBATCH --cpus-per-task=3", '#SBATCH --partition="long"',
                 "#SBATCH --account=physics", "#SBATCH --qos=low", '#SBATCH --time="00:10:00"',
                 f'#SBATCH --output="{scripts}/shard-%a.log"'):
        assert f"\n{line}\n" in text, line
    assert '--shard "$SLURM_ARRAY_TASK_ID/4" --threads 3' in text
    assert "--array" not in (scripts / "merge.sbatch").read_text()


def test_the_scripts_compute_the_sweep_from_any_working_folder(
        call, folder, sbatch, assert_same_numbers, tmp_path_factory):
    call("submit", "small.toml", "--shards", "2", environment=sbatch)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for task in ("2", "1"):
        subprocess.run(["bash", folder / "results/small.slurm/shards.sbatch"], cwd=elsewhere,
                       env=os.environ | {"SLURM_ARRAY_TASK_ID": task}, check=True)
    subprocess.run(["bash", folder / "results/small.slurm/merge.sbatch"], cwd=elsewhere, check=True)
    call("run", "small.toml", "-o", "whole.h5")
    assert_same_numbers(folder / "whole.h5", folder / "results/small.h5")
    assert list(elsewhere.iterdir()) == []


def test_a_dry_run_prints_the_scripts_and_does_nothing(call, folder, sbatch):
    done = call("submit", "small.toml", "--shards", "2", "--dry-run", environment=sbatch)
    assert sorted(path.name for path in folder.iterdir()) == ["small.toml", "tools"]
    call("submit", "small.toml", "--shards", "2", environment=sbatch)
    for name in ("shards.sbatch", "merge.sbatch"):
        assert (folder / "results/small.slurm" / name).read_text() in done.stdout


def test_without_sbatch_submit_says_so(call, folder):
    done = call("submit", "small.toml", "--shards", "2", status=3,
                environment={"PATH": str(folder)})
    assert "sbatch: is in no folder of $PATH" in done.stderr and "--dry-run" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["small.toml"]


def test_what_sbatch_refuses_is_told_with_what_is_in_the_queue(call, folder, sbatch):
    (folder / "refuse_1").touch()
    done = call("submit", "small.toml", "--shards", "2", environment=sbatch, status=3)
    assert "no such partition" in done.stderr and "sbatch ended with status 1" in done.stderr
    (folder / "refuse_3").touch()
    done = call("submit", "small.toml", "--shards", "2", environment=sbatch, status=3)
    assert "job array 18 is in the queue, but nothing merges its results" in done.stderr
    assert f"`plumbline merge -o {folder}/results/small.h5` does" in done.stderr


@pytest.mark.parametrize("words, message", [
    (["--shards", "0"], "--shards: 0 is out of range: the plan can be parted into 1 to 8"),
    (["--shards", "9"], "--shards: 9 is out of range: the plan can be parted into 1 to 8"),
    ([], "--shards is required"),
    (["--shards", "2", "--sbatch=account"],
     "--sbatch: 'account' is no option of sbatch, such as --account=physics"),
    (["--shards", "2", "--sbatch=--a\n--b"], "is no option of sbatch"),
    (["--shards", "2", "--cpus-per-task", "0"], "--cpus-per-task"),
    (["--shards", "2", "--time", "2h"],
     "--time: '2h' is no time that Slurm reads, such as 90 (minutes), 02:30:00 or 1-12:00:00 (a day "
     "and a half)"),
    (["--shards", "2", "--memory", "16GB"],
     "--memory: '16GB' is no size that Slurm reads, such as 800M or 16G: a whole number and K, M, G "
     "or T"),
])
def test_a_wrong_submission_is_refused(call, folder, words, message):
    done = call("submit", "small.toml", *words, status=2)
    assert message in done.stderr
    assert [path.name for path in folder.iterdir()] == ["small.toml"]


def test_time_and_memory_by_hand_are_handed_on_and_measured_by_the_plan(call):
    done = call("submit", "small.toml", "--shards", "2", "--time", "90:00", "--memory", "2G", "--dry-run")
    assert '#SBATCH --time="90:00"' in done.stdout and '#SBATCH --mem="2G"' in done.stdout
    assert "warning" not in done.stderr
    done = call("submit", "small.toml", "train.steps=100000000", "train.evaluate.every=1000000",
                "probes.error_signal.every=1000000", "probes.gradient_norm.every=1000000", "--shards", "2",
                "--time", "00:30", "--memory", "1M", "--dry-run")
    lines = [line for line in done.stderr.splitlines() if "warning" in line]
    assert [line.split(" is less than the ")[0] for line in lines] == [
        "--time: warning: '00:30'", "--memory: warning: '1M'"]
    assert all(line.endswith("that a shard is expected to take") for line in lines)


def test_the_runs_of_later_stages_are_counted(call, folder):
    text = (folder / "small.toml").read_text()
    text = text[:text.index("[sweep]")] + STAGES
    (folder / "stages.toml").write_text(text)
    done = call("submit", "stages.toml", "--shards", "1", "--dry-run")
    assert done.stderr.splitlines()[-1].startswith("11 runs in 1 shard, about ")
