# SPDX-License-Identifier: Apache-2.0
"""A Slurm of two nodes on this machine: real daemons, without systemd and without control groups."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

DEADLINE_SECONDS = 180
NODES = ("n1", "n2")

# One processor a node, and Slurm's own waiting as short as it allows: a node that is silent for
# SlurmdTimeout seconds is lost.
CONFIGURATION = """\
ClusterName=sandbox
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmctldPort={ports[0]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=2
MpiDefault=none
ReturnToService=2
JobRequeue=1
SlurmdTimeout=10
KillWait=2
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=1000 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def wait_until(condition, what, explain=lambda: "", every=0.2):
    """Asks again and again, for daemons tell nobody when they are done, and returns the answer."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(every)
    raise AssertionError(f"waited {DEADLINE_SECONDS} s until {what}\n{explain()}")


class SlurmCluster:
    """Starts the daemons as children; close() ends them and every process of their jobs."""

    def __init__(self, folder):
        self.folder = folder
        self.configuration = folder / "slurm.conf"
        self.environment = os.environ | {"SLURM_CONF": str(self.configuration)}
        self._daemons = {}

    def start(self):
        for name in ("munge", "state", *(f"spool-{node}" for node in NODES)):
            (self.folder / name).mkdir(mode=0o755)
        self.configuration.write_text(CONFIGURATION.format(
            folder=self.folder, host=socket.gethostname().split(".")[0], ports=free_ports(3)))
        munge = self.folder / "munge"
        key = munge / "key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        self._start("munged", "--foreground", "--force", f"--key-file={key}",
                    f"--socket={munge / 'socket'}", f"--pid-file={munge / 'pid'}",
                    f"--log-file={munge / 'log'}", f"--seed-file={munge / 'seed'}")
        wait_until((munge / "socket").exists, "munged listens", self.logs)
        self._start("slurmctld", "-D", "-i")
        for node in NODES:
            self._start("slurmd", "-D", "-N", node, name=node)
        wait_until(lambda: self.states() == dict.fromkeys(NODES, "idle"), "both nodes are idle",
                   self.logs)

    def _start(self, program, *words, name=None):
        # /usr/sbin is not in the PATH of every root.
        path = shutil.which(program) or f"/usr/sbin/{program}"
        with open(self.folder / f"{name or program}.out", "wb") as output:
            self._daemons[name or program] = subprocess.Popen(
                [path, *words], env=self.environment, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output)

    def call(self, *words):
        return subprocess.run(words, env=self.environment, check=False, timeout=60, text=True,
                              capture_output=True).stdout

    def states(self):
        """"idle", "mixed", "down*": the state of each node."""
        return dict(line.split() for line in self.call("sinfo", "-hNo", "%N %T").splitlines())

    def jobs(self):
        """(id, task, state, node) of each job in the queue, a task of an array each."""
        lines = self.call("squeue", "-hro", "%A|%K|%T|%N").splitlines()
        return [line.split("|") for line in lines]

    def processes(self):
        """The number and the command line of each process that has our SLURM_CONF."""
        wanted = f"SLURM_CONF={self.configuration}".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[int(folder.name)] = command
            except OSError:  # It has ended.
                continue
        return found

    def lose_node(self, node, command):
        """kill -9 to the node's daemon and to the job there whose command line has `command`."""
        self._daemons[node].kill()
        self._daemons[node].wait()
        (job,) = [pid for pid, line in self.processes().items() if command in line]
        step = int(Path(f"/proc/{job}/stat").read_text().rsplit(")", 1)[1].split()[1])
        assert "slurmstepd" in Path(f"/proc/{step}/comm").read_text()
        for pid in (step, job):
            os.kill(pid, signal.SIGKILL)

    def logs(self):
        """The ends of all logs, and the queue."""
        text = self.call("squeue") + self.call("sinfo", "-N")
        for path in sorted(self.folder.glob("*.log")) + sorted(self.folder.glob("*.out")):
            lines = path.read_text(errors="replace").splitlines()
            text += "\n".join([f"== {path.name}", *lines[-15:], ""])
        return text

    def close(self):
        self.call("scancel", "--user=root")
        for daemon in reversed(self._daemons.values()):
            daemon.terminate()
        for daemon in self._daemons.values():
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


def missing_programs():
    return [name for name in ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
            if not (shutil.which(name) or Path("/usr/sbin", name).exists())]


@pytest.fixture
def cluster():
    if os.geteuid() != 0:
        pytest.skip("Slurm's daemons start jobs as other users, so the test needs root")
    missing = missing_programs()
    if missing:
        pytest.skip(f"Slurm is not installed (scripts/setup does it): no {', '.join(missing)}")
    # A socket's path has at most 107 letters, and pytest's folders are long.
    one = SlurmCluster(Path(tempfile.mkdtemp(prefix="slurm-")))
    try:
        one.start()
        yield one
    finally:
        one.close()
