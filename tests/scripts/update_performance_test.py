# SPDX-License-Identifier: Apache-2.0
"""scripts/update_performance: tables of fixed figures, and documents that are made of them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from performance import benchmark_tables, documents, measure

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("scripts/update_performance", "scripts/peers", "scripts/performance", "README.md",
          "results/reference/performance.md", "results/reference/performance",
          "results/reference/performance.png", "results/reference/performance_sweep.png")


def update_performance(root, *arguments):
    return subprocess.run([root / "scripts/update_performance", *arguments], capture_output=True,
                          text=True, check=False)


@pytest.fixture(name="copy")
def copy_fixture(tmp_path):
    """The script with its documents and figures, to be changed at will."""
    for name in NEEDED:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, target)
    return tmp_path


def cells(table):
    """The rows below the head, as lists of texts."""
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in table.splitlines()[2:]]


def document(benchmarks, kind="any"):
    return {"kind": kind, "circumstances": {"Processor": "one"}, "left_out": {},
            "benchmarks": benchmarks}


def test_every_document_is_what_its_figures_make():
    done = update_performance(ROOT, "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_section_of_figures_can_be_measured():
    assert {*measure.PROGRAMS, *measure.COMPARISONS} == {*documents.SECTIONS}


@pytest.mark.parametrize("name", documents.DOCUMENTS)
def test_a_figure_that_was_changed_by_hand_is_found_and_made_anew(copy, name):
    path = copy / name
    right = path.read_text(encoding="utf-8")
    figures = json.loads((copy / documents.FIGURES / "steps.json").read_text(encoding="utf-8"))
    ratio = figures["shapes"][0]["peers"]["pytorch"]["ratio"]
    changed = right.replace(f"| {ratio:.2f} |", "| 99.99 |")
    assert changed != right
    path.write_text(changed, encoding="utf-8")
    checked = update_performance(copy, "--check")
    assert checked.returncode == 1
    assert checked.stdout.startswith(f"{name}: stale")
    assert path.read_text(encoding="utf-8") == changed
    assert update_performance(copy).stdout == f"{name}: rewritten\n"
    assert path.read_text(encoding="utf-8") == right


def test_new_figures_get_their_section(copy):
    path = copy / documents.FIGURES / "cost.json"
    path.write_text(json.dumps(document(
        {f"cost/depth:{n}": {"seconds": 1, "cpu_seconds": 0.001 * n} for n in (8, 16)})))
    done = update_performance(copy)
    assert done.stdout == "results/reference/performance.md: rewritten\n", done.stderr
    text = (copy / "results/reference/performance.md").read_text(encoding="utf-8")
    section = text.partition("## How the cost grows\n")[2]
    assert "| 1.000 | 8: 8.00, 16: 16.0 | depth |" in section
    assert update_performance(copy, "--check").returncode == 0


def test_steps_of_layered_nets_are_a_section_of_their_own(copy):
    shape = {"kind": "gru", "width": 50, "depth": 40, "batch": 32, "quiet_rounds": 3, "rounds": 4,
             "ours": 1e-3, "peers": {"pytorch": {"value": 4e-3, "ratio": 4.0, "least": 3.5,
                                                 "greatest": 4.5, "variant": "fused Adam"}}}
    (copy / documents.FIGURES / "layers.json").write_text(json.dumps(
        {"kind": "layers", "circumstances": {}, "left_out": {}, "shapes": [shape]}))
    done = update_performance(copy)
    assert done.stdout == "results/reference/performance.md: rewritten\n", done.stderr
    text = (copy / "results/reference/performance.md").read_text(encoding="utf-8")
    section = text.partition("## One training step of other nets\n")[2]
    assert ("| gru, 50 units, 40 steps, batch 32 | 1000 | 4000 | 4.00 | 3.50 to 4.50 | 3 of 4 | PyTorch "
            "| fused Adam |") in section.partition("## ")[0]


@pytest.mark.parametrize("text", ["{", '{"kind": "cost"}', "[]"], ids=["cut", "lacking", "list"])
def test_a_file_of_figures_that_is_wrong_is_status_3(copy, text):
    (copy / documents.FIGURES / "cost.json").write_text(text)
    done = update_performance(copy)
    assert done.returncode == 3
    assert done.stderr.startswith("update_performance: ")


def test_a_comparison_that_crashes_leaves_the_old_figures(copy):
    script = copy / "scripts" / "compare_peers"
    script.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    script.chmod(0o755)
    figures = copy / documents.FIGURES / "steps.json"
    old = figures.read_text(encoding="utf-8")
    with pytest.raises(documents.FiguresError, match="ended with status 1"):
        measure.measure(copy, "steps", 1, None)
    assert figures.read_text(encoding="utf-8") == old


def test_a_part_that_does_not_exist_is_status_3(copy):
    path = copy / "README.md"
    path.write_text("<!-- performance rations -->\n<!-- end -->\n")
    done = update_performance(copy)
    assert done.returncode == 3
    assert "no part 'rations'; there are: sections, ratios" in done.stderr


def entry(name, time, **more):
    return {"name": name, "run_name": name, "run_type": "iteration", "threads": 1,
            "iterations": 10, "real_time": time, "cpu_time": 2 * time, "time_unit": "us",
            "family_index": 0} | more


def test_runs_become_medians_in_seconds_with_their_counters():
    runs = [benchmark_tables.numbers_of({"benchmarks": [entry("a", time, steps=10 * time)]})
            for time in (1.0, 5.0, 2.0)]
    assert benchmark_tables.medians(runs) == {
        "a": {"seconds": pytest.approx(2e-6), "cpu_seconds": pytest.approx(4e-6), "steps": 20.0}}


def test_a_ratio_is_the_median_of_the_ratios_of_single_runs():
    runs = [benchmark_tables.numbers_of({"benchmarks": [
        entry("sweep/threads:1/real_time", 1, **{"run-steps/s": one}),
        entry("sweep/threads:2/real_time", 1, **{"run-steps/s": two})]})
        for one, two in ((100, 190), (50, 100), (80, 120))]
    found = benchmark_tables.medians(runs)["sweep/threads:2/real_time"]
    assert found["over_one_thread"] == pytest.approx(1.9)
    assert found["run-steps/s"] == 120


def test_a_benchmark_that_failed_has_no_figures():
    failed = {"benchmarks": [{"run_name": "a", "error_occurred": True, "error_message": "bits"}]}
    with pytest.raises(ValueError, match="a: bits"):
        benchmark_tables.numbers_of(failed)


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_the_exponent_of_a_power_law_is_its_power(power):
    sizes = [8, 16, 32, 64]
    found = benchmark_tables.exponent(sizes, [3e-4 * size**power for size in sizes])
    assert found == pytest.approx(power)


def test_products_are_shares_of_the_peak_and_of_openblas():
    benchmarks = []
    for precision, peak in (("float32", 100), ("float64", 50)):
        benchmarks.append(entry(f"fma_peak/{precision}", 1, **{"GFLOP/s": peak}))
        name = f"product/weight_gradient/{precision}/width:32/batch:128"
        benchmarks.append(entry(f"{name}/ours", 1, **{"GFLOP/s": 0.8 * peak}))
        benchmarks.append(entry(f"{name}/openblas", 1, **{"GFLOP/s": 0.4 * peak}))
    numbers = benchmark_tables.numbers_of({"benchmarks": benchmarks})
    assert cells(benchmark_tables.products_table(document(numbers))) == [
        ["32", "128", "80.0", "0.80", "2.00", "40.0", "0.80", "2.00", "0.50", "weight gradient"]]


def test_kernels_and_steps_stand_in_both_precisions():
    kernels = {f"activation/tanh/forward/{precision}/width:100/batch:128":
               {"items_per_second": rate, "bytes_per_second": 8 * rate}
               for precision, rate in (("float32", 2e9), ("float64", 1e9))}
    assert cells(benchmark_tables.kernels_table(document(kernels))) == [
        ["0.500", "16.0", "1.00", "8.00", "activation tanh forward", "width 100, batch 128"]]
    steps = {f"step/{precision}/relu/width:64/depth:50/batch:32":
             {"cpu_seconds": seconds, "GFLOP/s": 1e-2 / seconds, "over_float32": 0.5}
             for precision, seconds in (("float32", 1e-3), ("float64", 2e-3))}
    assert cells(benchmark_tables.step_table(document(steps))) == [
        ["64", "50", "32", "1000", "10.0", "2000", "5.00", "0.50", "relu"]]


def test_scaling_and_recording_are_told_as_ratios():
    scaling = {f"sweep/runs:64/steps:500/{variant}/real_time":
               {"run-steps/s": rate, "over_one_thread": rate / 1000}
               for variant, rate in (("threads:1", 1000), ("threads:2", 1900), ("streams:2", 1950))}
    scaling["sweep/runs:64/steps:500/share/iterations:5/manual_time"] = {"of_streams": 0.9741}
    assert cells(benchmark_tables.scaling_table(document(scaling))) == [
        ["1000", "1900", "1950", "1.90", "0.974", "sweep, runs 64, steps 500"]]
    recording = {"probes/width:100/depth:20/iterations:9/manual_time":
                 {"on_top": 0.0234, "processor_on_top": -0.001}}
    assert cells(benchmark_tables.recording_table(document(recording))) == [
        ["2.3 %", "-0.1 %", "probes, width 100, depth 20"]]


@pytest.mark.parametrize("value, text", [(0, "0"), (0.01234, "0.0123"), (1.5, "1.50"),
                                         (123.4, "123"), (98765.4, "98765")])
def test_numbers_have_three_digits_or_their_whole_part(value, text):
    assert benchmark_tables.number(value) == text
