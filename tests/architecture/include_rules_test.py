# SPDX-License-Identifier: Apache-2.0
"""The rules of include_rules.py hold for this repository, and each finds what it forbids."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_spec = importlib.util.spec_from_file_location(
    "include_rules", Path(__file__).with_name("include_rules.py")
)
rules = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rules)

RULES = (
    rules.layer_violations,
    rules.toml_violations,
    rules.hdf5_violations,
    rules.xtensor_violations,
    rules.tbb_violations,
    rules.printing_violations,
    rules.fast_math_violations,
    rules.spdx_violations,
    rules.length_violations,
)


@pytest.fixture(scope="module")
def repository():
    return rules.Tree(ROOT)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_this_repository_keeps_the_rule(repository, rule):
    assert list(rule(repository)) == []


def test_the_repository_is_seen(repository):
    """Rules over a tree without files would all hold."""
    assert len(list(repository.under("engine"))) > 50
    assert len(list(repository.under("experiments"))) > 10
    includes = sum(len(list(repository.includes(path))) for path in repository.under("engine"))
    assert includes > 100


def violations(tmp_path, rule, files):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(rule(rules.Tree(tmp_path)))


@pytest.mark.parametrize(
    ("path", "include"),
    [
        ("engine/core/digest.cpp", "engine/kernels/gemm.hpp"),
        ("engine/kernels/gemm.cpp", "engine/activations/activation.hpp"),
        ("engine/activations/tanh.cpp", "engine/losses/loss.hpp"),
        ("engine/optimizers/adam.cpp", "engine/schedules/schedule.hpp"),
        ("engine/activations/tanh.cpp", "engine/theory/mean_field.hpp"),
        ("engine/theory/mean_field.cpp", "engine/initializers/initializer.hpp"),
        ("engine/initializers/normal.cpp", "engine/network/network.hpp"),
        ("engine/layers/dense_layer.hpp", "engine/network/network.hpp"),
        ("engine/network/network.cpp", "engine/probes/probe.hpp"),
        ("engine/probes/probe.hpp", "engine/datasets/dataset.hpp"),
        ("engine/theory/mean_field.cpp", "engine/training/trainer.hpp"),
        ("engine/training/trainer.cpp", "experiments/runner/plan/plan.hpp"),
        ("experiments/runner/plan/plan.cpp", "experiments/performance/steps.hpp"),
        ("engine/core/digest.cpp", "tests/plugins.hpp"),
        ("engine/core/digest.cpp", "digest.hpp"),
    ],
)
def test_an_include_against_the_layers_is_found(tmp_path, path, include):
    found = violations(tmp_path, rules.layer_violations, {path: f'\n#include "{include}"\n'})
    assert len(found) == 1
    assert found[0].startswith(f"{path}:2: ")


def test_a_folder_without_a_layer_is_found(tmp_path):
    found = violations(tmp_path, rules.layer_violations, {"engine/utils/misc.hpp": "\n"})
    assert found == ["engine/utils/misc.hpp: the folder engine/utils has no place in the layers"]


@pytest.mark.parametrize(
    ("path", "include"),
    [
        ("engine/core/digest.cpp", "engine/core/digest.hpp"),
        ("engine/optimizers/optimizer.hpp", "engine/kernels/elementwise.hpp"),
        ("engine/theory/mean_field.hpp", "engine/activations/activation.hpp"),
        ("engine/initializers/edge_of_chaos.cpp", "engine/theory/mean_field.hpp"),
        ("engine/training/trainer.cpp", "engine/core/error.hpp"),
        ("engine/training/trainer.cpp", "engine/theory/mean_field.hpp"),
        ("experiments/runner/plan/plan.cpp", "engine/training/trainer.hpp"),
    ],
)
def test_an_include_downwards_is_allowed(tmp_path, path, include):
    assert not violations(tmp_path, rules.layer_violations, {path: f'#include "{include}"\n'})


@pytest.mark.parametrize(
    ("rule", "include", "home"),
    [
        (rules.toml_violations, "<toml++/toml.h>", "experiments/runner/definition/definition.cpp"),
        (rules.hdf5_violations, "<hdf5.h>", "experiments/runner/results/results_writer.cpp"),
        (rules.hdf5_violations, "<hdf5_hl.h>", "engine/core/hdf5_handle.hpp"),
        (rules.hdf5_violations, '"H5Cpp.h"', "experiments/runner/results/hdf5_output.cpp"),
        (rules.xtensor_violations, "<xtensor/xtensor.hpp>", "engine/core/tensor.hpp"),
        (rules.xtensor_violations, "<xtensor/containers/xarray.hpp>", "engine/core/tensor.hpp"),
        (rules.tbb_violations, "<tbb/parallel_for.h>", "engine/kernels/parallel.cpp"),
        (rules.tbb_violations, "<oneapi/tbb/task_group.h>", "experiments/runner/sweep/scheduler.cpp"),
    ],
)
def test_a_library_outside_its_home_is_found(tmp_path, rule, include, home):
    stranger = "engine/training/trainer.cpp"
    text = f"#pragma once\n  # include {include}\n"
    found = violations(tmp_path, rule, {home: text, stranger: text, "tests/core/x_test.cpp": text})
    assert [line.split(": ")[0] for line in found] == [f"{stranger}:2", "tests/core/x_test.cpp:2"]


@pytest.mark.parametrize(
    "line",
    [
        "std::cout << loss;",
        "std::cerr << loss;",
        'std::printf("%g", loss);',
        'printf("%g", loss);',
        'fprintf(stderr, "%g", loss);',
        'fmt::print("{}", loss);',
        "std::exit(1);",
        "exit (1);",
        "abort();",
        "std::terminate();",
        "#include <iostream>",
        "#include <cstdio>",
    ],
)
def test_printing_and_exiting_in_the_engine_are_found(tmp_path, line):
    files = {"engine/training/trainer.cpp": f"\n{line}\n", "experiments/runner/main.cpp": line}
    found = violations(tmp_path, rules.printing_violations, files)
    assert len(found) == 1
    assert found[0].startswith("engine/training/trainer.cpp:2: ")


@pytest.mark.parametrize(
    "line",
    [
        "network.outputs(3);",
        "void on_exit();  // printf(x) is not called, nor std::exit(1)",
        'throw EnvironmentError("do not std::exit(1)");',
        "loop.exit(3);",
    ],
)
def test_words_that_only_look_like_printing_are_allowed(tmp_path, line):
    files = {"engine/training/trainer.cpp": line}
    assert not violations(tmp_path, rules.printing_violations, files)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("CMakeLists.txt", "target_compile_options(x PRIVATE -ffast-math)"),
        ("engine/CMakeLists.txt", "add_compile_options(-Ofast)"),
        ("CMakePresets.json", '"CMAKE_CXX_FLAGS": "-funsafe-math-optimizations"'),
        ("scripts/run", "export CXXFLAGS=-ffinite-math-only"),
        ("engine/kernels/gemm.cpp", '#pragma GCC optimize("fast-math")'),
    ],
)
def test_fast_math_is_found(tmp_path, path, line):
    found = violations(tmp_path, rules.fast_math_violations, {path: f"\n{line}\n"})
    assert found == [f"{path}:2: {line}"]


def test_a_comment_may_speak_of_fast_math(tmp_path):
    files = {"CMakeLists.txt": "# no -ffast-math\n", "engine/a.cpp": "// without -ffast-math\n"}
    assert not violations(tmp_path, rules.fast_math_violations, files)


def test_a_file_without_a_licence_is_found(tmp_path):
    spdx = "SPDX-License-Identifier: Apache-2.0"
    files = {
        "LICENSE": "Apache License\n",
        "engine/a.cpp": "int a;\n",
        "engine/b.cpp": f"// {spdx}\nint b;\n",
        "engine/late.cpp": "\n" * 10 + f"// {spdx}\n",
        "scripts/run": f"#!/usr/bin/env bash\n# {spdx}\n",
        "experiments/x.toml": "[model]\n",
        "CMakePresets.json": f'{{\n"version": 3,\n"vendor": "{spdx}"\n}}\n',
        "tests/golden/x.json": "{}\n",
        "results/figure.png": "",
        "tests/fuzz/seeds/csv/a.csv": "a,b\n1,2\n",
    }
    found = violations(tmp_path, rules.spdx_violations, files)
    assert [line.split(":")[0] for line in found] == [
        "engine/a.cpp",
        "engine/late.cpp",
        "experiments/x.toml",
        "tests/golden/x.json",
    ]


def test_a_long_engine_file_is_found(tmp_path):
    files = {
        "engine/core/long.cpp": "//\n" * 501,
        "engine/core/full.cpp": "//\n" * 500,
        "experiments/runner/long.cpp": "//\n" * 501,
    }
    found = violations(tmp_path, rules.length_violations, files)
    assert found == ["engine/core/long.cpp: 501 lines, more than 500"]


def test_a_git_work_tree_is_what_git_would_track(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name, text in {".gitignore": "/build/\n", "a.cpp": "", "build/b.cpp": ""}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert [path.as_posix() for path in rules.Tree(tmp_path).files] == [".gitignore", "a.cpp"]
