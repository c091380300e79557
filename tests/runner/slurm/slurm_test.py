# SPDX-License-Identifier: Apache-2.0
"""A sweep as a job array of a real Slurm: a node is lost in mid-shard, and no bit changes."""

import json
import re
import time

import pytest

# Each run takes about a second, so that the node can be lost between two of them.
SWEEP = """\
schema = 1
name = "sweep"
title = "A sweep for two nodes"

[data]
name = "digits"

[model]
depth = 6
width = 64
precision = "float64"

[train]
batch = 100
steps = 5000

[probes]
error_signal = { every = 1000 }

[sweep]
seeds = 2

[sweep.grid]
optimizer.lr = [0.05, 0.1, 0.2]
model.activation = ["tanh", "relu"]
"""
DEADLINE_SECONDS = 240


def until(condition, cluster, folder):
    """Waits for what no daemon announces. Where it has not come when all jobs have ended, or in time,
    shows what daemons and jobs say."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        has_ended = not cluster.jobs()
        answer = condition()
        if answer:
            return answer
        if has_ended:
            break
        time.sleep(0.2)
    jobs = "\n".join(f"{path.name}:\n{path.read_text()}" for path in folder.rglob("*.log"))
    raise AssertionError(f"{condition.__name__}\n{cluster.logs()}\n{jobs}")


@pytest.fixture
def folder(tmp_path):
    """A working folder whose name needs quoting, by a shell and by Slurm."""
    path = tmp_path / "a 'folder' of \"$x\" %j #1"
    path.mkdir()
    (path / "sweep.toml").write_text(SWEEP)
    return path


def test_a_node_lost_in_mid_shard_changes_no_bit_of_the_merged_file(
        cluster, call, folder, assert_same_numbers):
    call("run", "sweep.toml", "-o", "single.h5", "--threads", "1")

    done = call("submit", "sweep.toml", "--shards", "2", "-o", "sweep.h5", "--time", "5",
                environment=cluster.environment)
    array, merge = re.findall(r": job(?: array)? (\d+) ", done.stdout)
    assert f"job array {array} of 2 shards" in done.stdout

    def both_shards_run_and_the_first_has_finished_a_run():
        nodes = {task: node for _, task, state, node in cluster.jobs() if state == "RUNNING"}
        return {"1", "2"} <= nodes.keys() and finished_runs() and nodes

    def finished_runs():
        files = json.loads(call("status", "sweep.toml", "-o", "sweep.h5", "--json").stdout)["files"]
        return [one["done"] for one in files
                if "shard-1-of-2" in one["file"] and 0 < one["done"] < one["runs"] - 1]

    nodes = until(both_shards_run_and_the_first_has_finished_a_run, cluster, folder)
    assert nodes["1"] != nodes["2"]
    cluster.lose_node(nodes["1"], "--shard 1/2")

    def the_lost_shard_is_in_the_queue_again():
        return [job for job in cluster.jobs() if job[1:3] == ["1", "PENDING"]]

    def all_jobs_have_ended():
        return not cluster.jobs()

    until(the_lost_shard_is_in_the_queue_again, cluster, folder)
    assert cluster.states()[nodes["1"]].startswith("down")
    # Slurm would hold the job for two minutes.
    cluster.call("scontrol", "update", f"jobid={array}_1", "StartTime=now")
    until(all_jobs_have_ended, cluster, folder)

    log = (folder / "sweep.slurm/shard-1.log").read_text()
    assert re.search(r"[1-5] of 6 runs were there already", log), log
    merged = (folder / "sweep.slurm/merge.log").read_text()
    assert "12 of 12 runs: 12 complete, 0 diverged, 0 failed, 0 pending" in merged, merged
    assert_same_numbers(folder / "single.h5", folder / "sweep.h5")
    status = json.loads(call("status", "sweep.h5", "--json").stdout)
    assert [status[key] for key in ("complete", "diverged", "failed", "pending")] == [12, 0, 0, 0]
    assert merge != array
