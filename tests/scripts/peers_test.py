# SPDX-License-Identifier: Apache-2.0
"""scripts/compare_peers: peers that do the same work, rounds that count, failures that are named."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from peers import numpy_step, report, rounds, start, steps
from peers.programs import Shape
from peers.worker import variants_of
from peers.worker_process import PeerFailed, Worker

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("PLUMBLINE_PROGRAM", ROOT / "build/release/plumbline")).parent
FIRST_LOSSES = BUILD / "performance" / "first_losses"
SHAPE = Shape("16x3x8")
LAYERED = ("residual:8x5x6", "residual_batch_norm:8x5x6", "cnn:4x12x6", "cnn:4x28x3", "rnn:5x7x6",
           "gru:5x7x6", "lstm:5x7x6")

needs_first_losses = pytest.mark.skipif(not FIRST_LOSSES.exists(),
                                        reason="the benchmark programs are not built")


@pytest.fixture(name="begun")
def begun_fixture(tmp_path):
    """(the start's file, our losses and those over CBLAS)."""
    path = tmp_path / "start"
    done = subprocess.run([FIRST_LOSSES, str(SHAPE), str(rounds.LOSSES), path],
                          capture_output=True, text=True, check=True)
    return path, json.loads(done.stdout)


@needs_first_losses
def test_ours_cblas_and_numpy_take_the_same_losses(begun):
    path, losses = begun
    step = numpy_step.Step(start.read_start(path, SHAPE), "in place")
    found = step.losses(rounds.LOSSES)
    assert rounds.loss_difference(found, losses["plumbline"]) < rounds.LOSS_TOLERANCE / 10
    assert rounds.loss_difference(losses["cblas"], losses["plumbline"]) < rounds.LOSS_TOLERANCE / 10
    assert found[0] - found[-1] > 100 * rounds.LOSS_TOLERANCE
    step.run(3)
    assert step.losses(rounds.LOSSES) == found


@needs_first_losses
@pytest.mark.parametrize("name, value", [("LR", 1.01e-3), ("BETA1", 0.91), ("BETA2", 0.99),
                                         ("EPSILON", 1e-4)])
def test_another_adam_is_told_by_its_losses(begun, monkeypatch, name, value):
    path, losses = begun
    monkeypatch.setattr(numpy_step, name, value)
    found = numpy_step.Step(start.read_start(path, SHAPE), "in place").losses(rounds.LOSSES)
    assert rounds.loss_difference(found, losses["plumbline"]) > rounds.LOSS_TOLERANCE


@needs_first_losses
def test_a_start_of_another_shape_is_refused(begun):
    path, _ = begun
    with pytest.raises(ValueError, match="ends early for 17x3x8"):
        start.read_start(path, Shape("17x3x8"))
    with pytest.raises(ValueError, match="longer than 16x2x8"):
        start.read_start(path, Shape("16x2x8"))


def start_of(shape, path, losses=rounds.LOSSES):
    done = subprocess.run([FIRST_LOSSES, str(shape), str(losses), path], capture_output=True,
                          text=True, check=True)
    return start.read_start(path, shape), json.loads(done.stdout)


@needs_first_losses
@pytest.mark.parametrize("text", LAYERED)
def test_the_start_of_a_layered_net_has_the_tensors_that_peers_expect(text, tmp_path):
    shape = Shape(text)
    begun, losses = start_of(shape, tmp_path / "start")
    assert [*losses] == ["plumbline"]
    assert losses["plumbline"][-1] < losses["plumbline"][0] - 100 * rounds.LOSS_TOLERANCE
    assert begun.batch == shape.batch
    assert set(begun.labels) <= set(range(start.OUTPUTS))
    # Of a weight, drawn around 0; of a bias, 0, or 1 where a forget gate has it; of a gain, 1.
    for tensor in begun.tensors:
        if tensor.ndim > 1:
            assert abs(tensor.mean()) < 0.3 and tensor.std() > 0.01
        else:
            assert set(tensor) <= {0, 1}
    ones = sum(int(tensor.sum()) for tensor in begun.tensors if tensor.ndim == 1)
    assert ones == {"lstm": shape.width, "residual_batch_norm": shape.depth * shape.width}.get(
        shape.kind, 0)


@needs_first_losses
@pytest.mark.parametrize("module, name", [("torch", "torch_step.Eager"), ("jax", "jax_step.Step")])
@pytest.mark.parametrize("text", LAYERED)
def test_peers_take_the_same_losses_of_layered_nets(text, module, name, tmp_path, monkeypatch):
    pytest.importorskip(module)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    file, _, step = name.partition(".")
    make = getattr(importlib.import_module(f"peers.{file}"), step)
    begun, losses = start_of(Shape(text), tmp_path / "start")
    for variant in variants_of(make, begun.shape):
        taken = make(begun, variant)
        assert rounds.loss_difference(taken.losses(rounds.LOSSES), losses["plumbline"]) < 1e-5
        taken.run(3)
        assert rounds.loss_difference(taken.losses(rounds.LOSSES), losses["plumbline"]) < 1e-5


@needs_first_losses
@pytest.mark.parametrize("text, message", [
    ("residual:8x4x6", "'model.depth' is 4; a residual net has"),
    ("cnn:4x1x6", "layer 1 of the cnn model needs images"),
    ("lstm:5x1x6", "needs sequences of more than one step"),
    ("transformer:5x7x6", "no KIND:WIDTHxDEPTHxBATCH such as lstm:50x50x32"),
])
def test_a_net_that_cannot_be_is_refused(text, message, tmp_path):
    done = subprocess.run([FIRST_LOSSES, text, "1", tmp_path / "start"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr


@needs_first_losses
def test_a_step_by_hand_says_which_nets_it_knows(tmp_path):
    begun, _ = start_of(Shape("lstm:5x7x6"), tmp_path / "start")
    with pytest.raises(ValueError, match="dense layers alone, and lstm:5x7x6 is of another kind"):
        numpy_step.Step(begun, "in place")


@needs_first_losses
def test_a_worker_takes_the_same_losses_and_times_itself(begun):
    path, losses = begun
    worker = Worker(Path(sys.executable), "numpy", os.sched_getaffinity(0))
    try:
        assert worker.ask("versions")["versions"].startswith(f"numpy {np.__version__}")
        prepared = worker.ask("prepare", start=str(path), shape=str(SHAPE),
                              losses=rounds.LOSSES, seconds=0.01, clock="cpu")
        assert prepared["variant"] == "in place"
        assert rounds.worst_difference(prepared["losses"], losses["plumbline"]) < 1e-5
        assert worker.ask("time_steps", seconds=0.01, clock="cpu")["seconds"] > 0
        with pytest.raises(PeerFailed, match="no_file"):
            worker.ask("prepare", start="no_file", shape=str(SHAPE), losses=1, seconds=0.01,
                       clock="cpu")
        assert worker.ask("versions")
    finally:
        worker.close()
    assert worker.process.returncode == 0


def test_a_library_that_is_missing_is_named_at_each_request():
    worker = Worker(Path(sys.executable), "jax", os.sched_getaffinity(0))
    try:
        for _ in range(2):
            with pytest.raises(PeerFailed, match="No module named 'jax'"):
                worker.ask("versions")
    finally:
        worker.close()


def test_a_worker_that_dies_leaves_its_last_words(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho out of order >&2\nexit 7\n")
    python.chmod(0o755)
    worker = Worker(python, "numpy", os.sched_getaffinity(0))
    with pytest.raises(PeerFailed, match="ended with status 7: out of order"):
        worker.ask("versions")
    worker.close()


def test_the_random_order_of_a_sweep_goes_over_all_examples_each_epoch():
    drawn = start.Examples.drawn(runs=2, steps=45, batch=32)
    assert drawn.order.shape == (2, 45, 32)
    epoch = start.Examples.EXAMPLES // 32
    for run in drawn.order:
        assert sorted(run[:epoch].ravel()) == list(range(start.Examples.EXAMPLES))
    assert not np.array_equal(drawn.order[0], drawn.order[1])


class FixedGate(rounds.Gate):
    """A gate whose best is 100 on the core 0."""

    def __init__(self):
        self.best = {0: 100.0}


def round_of(ours, peer, before=100.0, after=100.0):
    return rounds.Round({0: before}, {0: after}, ours, {"p": peer})


def test_a_summary_is_the_median_of_the_ratios_of_quiet_rounds():
    series = rounds.Series(variants={"p": "v"})
    series.rounds = [round_of(1.0, 2.0), round_of(2.0, 8.0), round_of(1.0, 3.0),
                     round_of(1.0, 100.0, after=89.0), round_of(1.0, 100.0, before=80.0)]
    assert series.summary(FixedGate()) == {
        "quiet_rounds": 3, "rounds": 5, "ours": 1.0,
        "peers": {"p": {"value": 3.0, "ratio": 3.0, "least": 2.0, "greatest": 4.0,
                        "variant": "v"}}}


def test_rates_are_compared_the_other_way_round():
    series = rounds.Series(higher_is_better=True, rounds=[round_of(6.0, 2.0)])
    assert series.summary(FixedGate())["peers"]["p"]["ratio"] == 3.0


def test_a_peer_that_fails_in_the_middle_keeps_its_rounds():
    series = rounds.Series(rounds=[round_of(1.0, 2.0),
                                   rounds.Round({0: 100.0}, {0: 100.0}, 1.0, {"q": 5.0})])
    peers = series.summary(FixedGate())["peers"]
    assert (peers["p"]["ratio"], peers["q"]["ratio"]) == (2.0, 5.0)


def test_without_a_quiet_round_there_is_no_figure():
    series = rounds.Series(rounds=[round_of(1.0, 2.0, before=10.0)])
    assert series.summary(FixedGate()) == {"quiet_rounds": 0, "rounds": 1, "peers": {}}


def test_losses_that_are_not_numbers_are_not_the_same():
    assert rounds.loss_difference([1.0, float("nan")], [1.0, 1.0]) == float("inf")
    assert rounds.loss_difference([1.0], [1.0, 1.0]) == float("inf")
    assert rounds.loss_difference([1.0, 2.2], [1.0, 2.0]) == pytest.approx(0.1)


class StandInPrograms:
    """The benchmark programs without their time: everything takes 2 s here, 3 s over CBLAS."""

    def fma_rates(self, cores, seconds):
        return {core: 100.0 for core in cores}

    def first_losses(self, shape, count, path):
        path.write_bytes(b"")
        return {"plumbline": [2.0]} | ({"cblas": [2.0]} if shape.kind == "mlp" else {})

    def step_seconds(self, program, series, shape, seconds, clock):
        return 3.0 if series == "cblas" else 2.0


@pytest.fixture(name="comparison")
def comparison_fixture(monkeypatch):
    """A comparison with the stand-ins for programs, and the workers that a test gives by name."""

    def make(replies, shape=SHAPE):
        class StandInWorker:
            def __init__(self, python, name, cores):
                self.name = name
                self.process = SimpleNamespace(poll=lambda: None)

            def ask(self, request, **arguments):
                reply = replies[self.name].get(request, {})
                if isinstance(reply, Exception):
                    raise reply
                return reply

            def close(self):
                pass

        monkeypatch.setattr(steps, "Worker", StandInWorker)
        monkeypatch.setattr(steps, "fastest_core", lambda programs: 0)
        arguments = SimpleNamespace(shapes=[shape], rounds=3, seconds=0.1, minutes=1, clock="wall",
                                    python=None)
        return steps.StepComparison(StandInPrograms(), arguments, [*replies, "cblas"])

    return make


def same_work(seconds):
    return {"versions": {"versions": "1"}, "time_steps": {"seconds": seconds},
            "prepare": {"variant": "v", "losses": {"v": [2.0], "w": [2.0]}, "failed": {}}}


def test_a_peer_that_fails_is_named_and_the_others_go_on(comparison):
    other = same_work(1.0)
    other["prepare"] = other["prepare"] | {"losses": {"v": [2.0], "w": [2.1]}}
    compared = comparison({
        "numpy": same_work(8.0),
        "jax": {"versions": PeerFailed("No module named 'jax'")},
        "pytorch": other,
        "torch.compile": same_work(1.0) | {"time_steps": PeerFailed("no compiler")},
    })
    compared.run()
    document = compared.document({})
    (shape,) = document["shapes"]
    assert {name: peer["ratio"] for name, peer in shape["peers"].items()} == {
        "numpy": 4.0, "cblas": 1.5}
    assert shape["quiet_rounds"] == 3
    assert document["left_out"] == {
        "jax": "No module named 'jax'",
        "pytorch at 32x5x128": "its first losses differ from ours by 5.0e-02",
        "torch.compile at 16x3x8": "no compiler",
    }


def test_the_tables_hold_every_peer_and_what_was_left_out(comparison):
    compared = comparison({"numpy": same_work(8.0), "jax": {"versions": PeerFailed("none")}})
    compared.run()
    text = report.report(compared.document({"Processor": "one"}))
    assert "| 16 | 3 | 8 | 2000000 | 8000000 | 4.00 | 4.00 to 4.00 | 3 of 3 | numpy | v |" in text
    assert "| Left out: jax | none |" in text
    short = report.ratios_table(compared.document({}))
    assert short.splitlines()[0].endswith("| Plumbline, µs | numpy | a loop over OpenBLAS |")
    assert short.splitlines()[2] == "| 16 | 3 | 8 | 2000000 | 4.00 | 1.50 |"


@pytest.mark.parametrize("text, net", [
    ("residual_batch_norm:64x55x32", "residual, batch norm, 55 x 64, batch 32"),
    ("cnn:8x28x32", "cnn, 8 and 16 channels on 28 x 28, batch 32"),
    ("lstm:50x40x32", "lstm, 50 units, 40 steps, batch 32"),
])
def test_nets_of_other_layers_have_a_table_without_peers_that_do_not_know_them(comparison, text,
                                                                               net):
    compared = comparison({"jax": same_work(8.0)}, Shape(text))
    compared.run()
    document = compared.document({})
    assert document["kind"] == "layers"
    assert document["left_out"] == {}
    rows = report.report(document).splitlines()
    assert rows[2] == f"| {net} | 2000000 | 8000000 | 4.00 | 4.00 to 4.00 | 3 of 3 | JAX | v |"
    assert rows[3] == ""


@pytest.mark.parametrize("arguments, message", [
    (["--shapes", "64x50"], "'64x50' is no WIDTHxDEPTHxBATCH"),
    (["--shapes", "cnn:8x28"], "'cnn:8x28' is no WIDTHxDEPTHxBATCH"),
    (["--layers", "--sweep"], "not allowed with argument"),
    (["--peers", "tensorflow"], "no peer 'tensorflow'"),
    (["--sweep", "--peers", "numpy"], "no peer 'numpy'"),
    (["--rounds", "0"], "'0' is not positive"),
])
def test_wrong_usage_is_status_2(arguments, message):
    done = subprocess.run([ROOT / "scripts/compare_peers", *arguments], capture_output=True,
                          text=True)
    assert done.returncode == 2
    assert message in done.stderr


def test_programs_that_are_not_built_are_status_3(tmp_path):
    done = subprocess.run([ROOT / "scripts/compare_peers", "--build", tmp_path],
                          capture_output=True, text=True)
    assert done.returncode == 3
    assert "step_benchmark is not there. Build it:" in done.stderr
