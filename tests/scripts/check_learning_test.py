# SPDX-License-Identifier: Apache-2.0
"""scripts/check_learning: verdicts on made results, and for real where that takes seconds."""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "check_learning"


@pytest.fixture(name="script", scope="module")
def script_fixture():
    """The script as a module. It has no .py: keep its bytecode out."""
    loader = importlib.machinery.SourceFileLoader("check_learning", str(SCRIPT))
    spec = importlib.util.spec_from_loader("check_learning", loader)
    module = importlib.util.module_from_spec(spec)
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.modules[loader.name] = module
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes_bytecode
        del sys.modules[loader.name]
    return module


@pytest.fixture(name="judged")
def judged_fixture(script, tmp_path, monkeypatch, capsys):
    """Calls the script on made results, by kind and steps; (status, lines)."""

    def call(claims, runs):
        def compute(experiment, results, threads):
            assert (experiment, threads) == ("made", 1)
            with h5py.File(results, "w") as file:
                file["run"] = np.arange(len(runs))
                file["kind"] = [kind for kind, *_ in runs]
                file["steps"] = [steps for _, steps, *_ in runs]
                file["status"] = [status for *_, status, _ in runs]
                file["final_test_loss"] = [loss for *_, loss in runs]

        monkeypatch.setattr(script, "compute", compute)
        monkeypatch.setattr(script, "CLAIMS", tuple(
            script.Claim("made", "final_test_loss", *claim) for claim in claims))
        return script.main(["--folder", str(tmp_path)]), capsys.readouterr().out.splitlines()

    return call


LSTM = {"kind": "lstm", "steps": 50}


def test_a_claim_is_judged_by_the_worst_of_the_runs_that_it_is_about(judged):
    runs = [("lstm", 50, 1, 0.004), ("lstm", 50, 1, 0.009), ("lstm", 100, 1, 0.02),
            ("rnn", 50, 1, 0.16), ("rnn", 50, 1, 0.17)]
    assert judged([("below", 0.01, LSTM), ("above", 0.15, {"kind": "rnn"})], runs) == (0, [
        "holds  made, kind lstm, steps 50: final_test_loss below 0.01; worst of 2 runs 0.009",
        "holds  made, kind rnn: final_test_loss above 0.15; worst of 2 runs 0.16"])
    assert judged([("below", 0.009, LSTM), ("above", 0.15, {"kind": "rnn"})], runs) == (1, [
        "DOES NOT HOLD  made, kind lstm, steps 50: final_test_loss below 0.009; "
        "worst of 2 runs 0.009",
        "holds  made, kind rnn: final_test_loss above 0.15; worst of 2 runs 0.16"])


@pytest.mark.parametrize("relation", ["above", "below"])
@pytest.mark.parametrize("runs", [
    [("lstm", 50, 1, 0.5), ("lstm", 50, 2, 0.5)],  # one diverged
    [("lstm", 50, 1, 0.5), ("lstm", 50, 1, np.nan)],
    [("rnn", 50, 1, 0.5)],  # none is meant
])
def test_a_run_without_the_number_or_no_run_at_all_keeps_no_claim(judged, relation, runs):
    status, lines = judged([(relation, {"above": 0.0, "below": 1.0}[relation], LSTM)], runs)
    assert status == 1
    assert lines[0].startswith("DOES NOT HOLD")


def test_every_claim_is_about_a_definition_that_ships_and_its_settings(script):
    for claim in script.CLAIMS:
        text = (ROOT / "experiments" / f"{claim.experiment}.toml").read_text(encoding="utf-8")
        for name, value in claim.settings.items():
            assert f".{name} = [" in text
            assert (f'"{value}"' if isinstance(value, str) else str(value)) in text


def call(*words, **environment):
    return subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True,
                          check=False, env=os.environ | environment)


def test_claims_that_take_seconds_hold(tmp_path):
    done = call("embedded_reber", "--folder", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("holds  embedded_reber: final_test_accuracy above 0.99; "
                                  "worst of 3 runs ")
    assert (tmp_path / "embedded_reber.h5").is_file()


def test_wrong_usage_is_status_2_and_a_program_that_does_not_run_status_3(tmp_path):
    done = call("embedded_rebr")
    assert done.returncode == 2
    assert "no claims on 'embedded_rebr'; there are mnist_cnn, " in done.stderr
    done = call("embedded_reber", PLUMBLINE_PROGRAM="nowhere")
    assert done.returncode == 3
    assert "nowhere: No such file" in done.stderr
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no data >&2\nexit 1\n")
    broken.chmod(0o755)
    done = call("embedded_reber", "--folder", tmp_path, PLUMBLINE_PROGRAM=str(broken))
    assert done.returncode == 3
    assert done.stderr == "check_learning: embedded_reber: no data\n"
