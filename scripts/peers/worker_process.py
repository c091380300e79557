# SPDX-License-Identifier: Apache-2.0
"""The session's end of a worker: a process that is asked for one thing at a time."""

import contextlib
import json
import os
import select
import subprocess
import tempfile
from pathlib import Path

from peers.worker import PEERS, SWEEP_PEERS

SCRIPTS = Path(__file__).resolve().parent.parent
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                    "TORCHINDUCTOR_COMPILE_THREADS")
# Compiling a deep net takes minutes on a busy machine.
PATIENCE_SECONDS = 900


class PeerFailed(Exception):
    """Why a peer has no figure: it is not installed, threw, or took too long."""


class Worker:
    def __init__(self, python: Path, name: str, cores: set[int]):
        threads = (PEERS | SWEEP_PEERS)[name].threads
        environment = os.environ | {variable: str(threads) for variable in THREAD_VARIABLES}
        environment |= {"PYTHONPATH": str(SCRIPTS), "PYTHONDONTWRITEBYTECODE": "1",
                        "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3",
                        "TORCH_LOGS": "-all"}
        if threads == 1:
            environment["XLA_FLAGS"] = ("--xla_cpu_multi_thread_eigen=false "
                                        "intra_op_parallelism_threads=1")
        # A file and no pipe, which a library that warns a lot would fill.
        self.messages = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            [python, "-m", "peers.worker", name], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.messages,
            preexec_fn=lambda: os.sched_setaffinity(0, cores))

    def send(self, request: str, **arguments) -> None:
        try:
            self.process.stdin.write(json.dumps({"do": request, **arguments}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise PeerFailed(self.last_words()) from None

    def reply(self) -> dict:
        # One line is one reply to one request, so nothing of it is left in a buffer.
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_SECONDS)
        if not ready:
            self.process.kill()
            raise PeerFailed(f"no reply within {PATIENCE_SECONDS} s")
        line = self.process.stdout.readline()
        if not line:
            raise PeerFailed(self.last_words())
        reply = json.loads(line)
        if "error" in reply:
            raise PeerFailed(reply["error"])
        return reply

    def ask(self, request: str, **arguments) -> dict:
        self.send(request, **arguments)
        return self.reply()

    def last_words(self) -> str:
        status = self.process.wait()
        self.messages.seek(0)
        lines = self.messages.read().strip().splitlines()
        return f"ended with status {status}" + (f": {lines[-1]}" if lines else "")

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.messages.close()
