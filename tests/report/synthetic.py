# SPDX-License-Identifier: Apache-2.0
"""Results files made without the program, for developing and testing the report.

`python tests/report/synthetic.py FILE.h5` writes one of the size of the flagship sweep. The layer
profiles are those of real random nets (random_nets.py); the learning curves are a formula, since
nothing is trained here. No figure of the README may come from it: the provenance says so.
"""

import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from random_nets import ACTIVATIONS, INITIALIZERS, WIDTH, untrained_profile

PENDING, COMPLETE, DIVERGED, FAILED = 0, 1, 2, 3
STEPS = np.array([0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
DEPTHS = (2, 4, 8, 16, 32, 64)
SEEDS = 5


@dataclass
class SyntheticRun:
    """One run. The profiles are (depth + 1,), layer 1 first, the same at each step; or error_signal
    is (step, depth + 1)."""

    depth: int
    error_signal: np.ndarray
    gradient_norm: np.ndarray
    theory_error_signal: np.ndarray
    activation: str = "tanh"
    initializer: str = "glorot_normal"
    seed: int = 0
    status: int = COMPLETE
    valid_accuracy: np.ndarray = field(default_factory=lambda: np.full(len(STEPS), 0.1))


def geometric_run(depth: int, factor: float, **settings) -> SyntheticRun:
    """A run whose error signal is exactly factor^(L - l), and whose dL/dW is 1 in every layer."""
    profile = factor ** np.arange(depth, -1, -1.0)
    return SyntheticRun(depth, profile, np.ones(depth + 1), profile.copy(), **settings)


def random_run(depth: int, activation: str, initializer: str, seed: int) -> SyntheticRun:
    """A run whose profiles are those of a random net; it learns the slower the less arrives."""
    profile = untrained_profile(depth, activation, initializer, seed)
    rate = 0.3 * np.exp(np.log(profile.gradient_norm).mean())
    noise = np.random.default_rng([seed, depth]).normal(0, 0.01, len(STEPS))
    accuracy = np.clip(0.1 + 0.86 * (1 - np.exp(-rate * STEPS)) + noise, 0, 1)
    return SyntheticRun(depth, profile.error_signal, profile.gradient_norm,
                        profile.theory_error_signal, activation, initializer, seed,
                        valid_accuracy=accuracy)


def flagship_runs(depths=DEPTHS, seeds=SEEDS) -> list[SyntheticRun]:
    """The flagship's sweep: depth x activation x initializer x seed, the first varies slowest."""
    return [random_run(depth, activation, initializer, seed)
            for depth in depths for activation in ACTIVATIONS
            for initializer in INITIALIZERS for seed in range(seeds)]


def write_results(path: Path, runs: list[SyntheticRun], schema: str = "plumbline.sweep",
                  sweep_axes: str = "depth activation initializer seed", steps=STEPS,
                  more: dict | None = None, leave_out: tuple[str, ...] = ()) -> Path:
    """Writes `runs` as a results file, field by field as the program does.

    `more` has further variables as (dimensions, values), of which the third may be lag; `leave_out`
    names probes that were not in the definition.
    """
    with h5py.File(path, "w", libver=("v108", "v108"), track_order=True) as file:
        layers = 1 + max(run.depth for run in runs)
        ids = [hashlib.sha256(repr((r.depth, r.activation, r.initializer, r.seed)).encode())
               .hexdigest()[:16] for r in runs]
        definition = f'name = "synthetic"  # {len(runs)} runs'
        _text_attributes(file, {
            "Conventions": "CF-1.10 ACDD-1.3", "title": "Gradient norm by layer as depth grows",
            "summary": "Random nets simulated in numpy.", "source": "tests/report/synthetic.py",
            "history": "written by tests/report/synthetic.py",
            "date_created": "2024-01-01T00:00:00Z", "id": "synthetic", "schema": schema,
            "schema_version": "1.0", "sweep_axes": sweep_axes,
            "coordinates": f"run_id {sweep_axes}",
            "definition_sha256": hashlib.sha256(definition.encode()).hexdigest()})

        _scale(file, "run", np.arange(len(runs)))
        _scale(file, "step", steps)
        _scale(file, "layer", np.arange(1, layers + 1))

        _strings(file, "run_id", ids)
        _numbers(file, "depth", ("run",), [r.depth for r in runs], "i4")
        _numbers(file, "width", ("run",), [WIDTH for _ in runs], "i4")
        _strings(file, "activation", [r.activation for r in runs])
        _strings(file, "initializer", [r.initializer for r in runs])
        _strings(file, "optimizer", ["sgd" for _ in runs])
        _strings(file, "data", ["digits" for _ in runs])
        _numbers(file, "lr", ("run",), [0.1 for _ in runs], "f8")
        _numbers(file, "seed", ("run",), [r.seed for r in runs], "i8")

        status = _numbers(file, "status", ("run",), [r.status for r in runs], "i1")
        status.attrs["flag_values"] = np.array([0, 1, 2, 3], dtype="i1")
        _text_attributes(status, {"flag_meanings": "pending complete diverged failed"})
        _strings(file, "message", ["" for _ in runs])
        _strings(file, "digest", [run_id[::-1] for run_id in ids])
        _numbers(file, "n_layers", ("run",), [r.depth + 1 for r in runs], "i4")
        _numbers(file, "n_steps", ("run",), [steps[-1] for _ in runs], "i4")
        for name in ("wall_seconds", "cpu_seconds"):
            _numbers(file, name, ("run",), [0.5 for _ in runs], "f8")
        _numbers(file, "threads", ("run",), [1 for _ in runs], "i4")
        _strings(file, "host", ["nowhere" for _ in runs])
        _numbers(file, "started", ("run",), [0 for _ in runs], "i8")

        accuracy = np.stack([np.resize(r.valid_accuracy, len(steps)) for r in runs])
        for name in ("train_accuracy", "valid_accuracy"):
            _numbers(file, name, ("run", "step"), accuracy, "f8")
        for name in ("train_loss", "valid_loss"):
            _numbers(file, name, ("run", "step"), 2.3 * (1 - accuracy), "f8")
        for name in ("error_signal", "gradient_norm"):
            if name in leave_out:
                continue
            values = np.full((len(runs), len(steps), layers), np.nan)
            for row, run in zip(values, runs):
                row[:, : run.depth + 1] = getattr(run, name)
            _numbers(file, name, ("run", "step", "layer"), values, "f8")
        theory = np.full((len(runs), layers), np.nan)
        for row, run in zip(theory, runs):
            row[: run.depth + 1] = run.theory_error_signal
        for name, scale in (("", 1), ("_low", 0.5), ("_high", 2)):
            _numbers(file, f"theory_error_signal{name}", ("run", "layer"), scale * theory, "f8")

        for name, (dimensions, values) in (more or {}).items():
            if "lag" in dimensions and "lag" not in file:
                _scale(file, "lag", np.arange(np.shape(values)[dimensions.index("lag")]))
            if isinstance(values[0], str):
                _strings(file, name, values)
            else:
                _numbers(file, name, dimensions, values, "f8")

        provenance = file.create_group("provenance", track_order=True)
        _text_attributes(provenance, {
            "git_commit": "synthetic", "compiler": "none", "cxx_flags": "none",
            "cpu_model": "none", "memory": "none", "kernel": "none", "library_versions": "none",
            "command_line": "tests/report/synthetic.py", "definition": definition, "plan": "[]"})
        provenance.attrs["cpu_count"] = np.int32(1)

        plots = file.create_group("plots", track_order=True)
        plot = plots.create_group("error_signal_by_layer", track_order=True)
        _text_attributes(plot, {"NX_class": "NXdata", "signal": "error_signal"})
        plot.attrs["axes"] = np.array(["run", "step", "layer"], dtype=h5py.string_dtype())
        for name in ("error_signal", "run", "step", "layer"):
            plot[name] = h5py.SoftLink(f"/{name}")
    return path


def _text_attributes(place, texts: dict) -> None:
    for name, text in texts.items():
        place.attrs.create(name, text, dtype=h5py.string_dtype())


def _scale(file, name: str, values) -> None:
    file.create_dataset(name, data=np.asarray(values, dtype="i4")).make_scale(name)


def _numbers(file, name: str, dimensions: tuple, values, dtype: str) -> h5py.Dataset:
    values = np.asarray(values, dtype=dtype)
    chunks = values.shape if len(dimensions) == 1 else (1, *values.shape[1:])
    dataset = file.create_dataset(name, data=values, chunks=chunks, shuffle=True,
                                  compression="gzip", compression_opts=1, fletcher32=True)
    return _attach(file, dataset, dimensions)


def _strings(file, name: str, values: list[str]) -> h5py.Dataset:
    dataset = file.create_dataset(name, data=values, dtype=h5py.string_dtype())
    return _attach(file, dataset, ("run",))


def _attach(file, dataset: h5py.Dataset, dimensions: tuple) -> h5py.Dataset:
    for axis, dimension in enumerate(dimensions):
        dataset.dims[axis].attach_scale(file[dimension])
    return dataset


if __name__ == "__main__":
    print(write_results(Path(sys.argv[1]), flagship_runs()))
