# SPDX-License-Identifier: Apache-2.0
"""The Python of the peers, and what the figures were made with."""

import datetime
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from peers.programs import PeersError
from peers.rounds import say

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "scripts" / "compare_peers.requirements.txt"
VENV = ROOT / "build" / "peers-venv"


def run_logged(what: str, command: list) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        end = "\n".join(done.stdout.splitlines()[-20:])
        raise PeersError(f"{end}\n{what} ended with status {done.returncode}.")


def peers_python() -> Path:
    """The Python of build/peers-venv, made or brought up to date where it must be."""
    python = VENV / "bin" / "python"
    stamp = VENV / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted and python.exists():
        return python
    say(f"Making the virtual environment {VENV.relative_to(ROOT)}.")
    run_logged("python3 -m venv", [sys.executable, "-m", "venv", "--clear", VENV])
    say("Installing the packages of scripts/compare_peers.requirements.txt into it: some "
        "gigabytes, since PyTorch's package asks for the CUDA libraries.")
    run_logged("pip install", [python, "-m", "pip", "install", "--disable-pip-version-check",
                               "--no-input", "--only-binary", ":all:", "-r", REQUIREMENTS])
    stamp.write_text(wanted)
    return python


def write_figures(path: Path, document: dict) -> None:
    """For scripts/update_performance."""
    document = {"license": "SPDX-License-Identifier: Apache-2.0"} | document
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def first_line(command: list) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.partition("\n")[0]


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def instruction_set() -> str:
    flags = Path("/proc/cpuinfo").read_text().split()
    return next((name for name in ("avx512f", "avx2", "avx") if name in flags), "sse2")


def build_description(build: Path) -> str:
    cache = dict(re.findall(r"^(\w+):\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.M))
    compiler = first_line([cache["CMAKE_CXX_COMPILER"], "--version"])
    native = cache.get("PLUMBLINE_NATIVE", "")
    flags = cache.get("CMAKE_CXX_FLAGS", "")
    return f"{compiler}, {cache['CMAKE_BUILD_TYPE']}, -march=native: {native} {flags}".strip()


def circumstances(build: Path, python: Path, cores: str, versions: dict[str, str],
                  command: str) -> dict[str, str]:
    """Names and values of a table, in its order."""
    commit = first_line(["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=10"])
    peers = dict.fromkeys(versions.values())
    return {
        "Processor": f"{cpu_model()} ({instruction_set()}), {os.cpu_count()} cores, {cores}",
        "System": f"{platform.system()} {platform.release()}",
        "Plumbline": f"{commit or 'unknown commit'}; {build_description(build)}",
        "Peers": f"{'; '.join(peers)}; {first_line([python, '--version'])}",
        "Date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "Command": f"`{command}`",
    }
