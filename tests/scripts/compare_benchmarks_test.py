# SPDX-License-Identifier: Apache-2.0
"""scripts/compare_benchmarks: the statistics against known values, the verdicts on fixed files."""

import importlib.machinery
import importlib.util
import itertools
import json
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "compare_benchmarks"
OLD = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0]


@pytest.fixture(name="script", scope="module")
def script_fixture():
    """The script as a module. It has no .py: keep its bytecode out."""
    loader = importlib.machinery.SourceFileLoader("compare_benchmarks", str(SCRIPT))
    spec = importlib.util.spec_from_loader("compare_benchmarks", loader)
    module = importlib.util.module_from_spec(spec)
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes_bytecode
    return module


def entries(name, times, unit="us", **more):
    """What Google Benchmark writes of a benchmark: its repetitions, and an aggregate beside them."""
    repetitions = [{"name": name, "run_name": name, "run_type": "iteration", "real_time": time,
                    "cpu_time": 2 * time, "time_unit": unit, **more} for time in times]
    aggregate = {"name": f"{name}_median", "run_name": name, "run_type": "aggregate",
                 "real_time": 1e9, "cpu_time": 1e9, "time_unit": unit}
    return [*repetitions, aggregate]


@pytest.fixture(name="compared")
def compared_fixture(script, tmp_path, capsys):
    """Calls the script on two lists of entries; (status, standard output, standard error)."""

    def call(old, new, *options, context=()):
        paths = []
        for name, benchmarks in (("old.json", old), ("new.json", new)):
            paths.append(tmp_path / name)
            facts = {"host_name": "here", "num_cpus": 2, "mhz_per_cpu": 2000}
            if name == "new.json":
                facts |= dict(context)
            paths[-1].write_text(json.dumps({"context": facts, "benchmarks": benchmarks}))
        status = script.main([*map(str, paths), *options])
        return status, *capsys.readouterr()

    return call


# From scipy.stats.mannwhitneyu 1.17.1; the first is the example of its documentation.
@pytest.mark.parametrize("first, second, u, p", [
    ([19, 22, 16, 29, 24], [20, 11, 17, 12], 17, 0.1111111111111111),
    ([1, 2, 3], [4, 5, 6], 0, 0.1),
    ([1, 2, 2, 3, 5, 7], [2, 4, 6, 7, 8, 9, 9], 7.5, 0.06111799764596171),
    ([0, 0, 0], [1, 1, 1, 1], 0, 0.024744672046398936),
], ids=["exact", "apart", "ties", "all ties"])
def test_the_u_test_gives_scipys_values(script, first, second, u, p):
    found_u, found_p = script.mann_whitney(first, second)
    assert found_u == u
    assert found_p == pytest.approx(p, rel=1e-12)


def test_large_samples_are_judged_by_the_normal_distribution(script):
    first = list(range(0, 120, 2))
    second = list(range(21, 141, 2))
    assert len(first) * len(second) > script.MOST_EXACT_PAIRS
    # scipy.stats.mannwhitneyu(first, second, method="asymptotic")
    assert script.mann_whitney(first, second)[1] == pytest.approx(0.0025668879435241754, rel=1e-9)


def test_equal_samples_differ_by_chance_alone(script):
    assert script.mann_whitney([3, 3], [3, 3, 3])[1] == 1
    assert script.mann_whitney(OLD, OLD)[1] == 1


def test_the_exact_distribution_counts_every_order_once(script):
    n, m = 4, 3
    counted = [0] * (n * m + 1)
    for places in itertools.combinations(range(n + m), n):
        others = [place for place in range(n + m) if place not in places]
        counted[sum(a > b for a in places for b in others)] += 1
    assert script.arrangements(n, m) == counted


def test_holms_correction_multiplies_by_what_is_left_and_never_falls(script):
    assert script.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert script.holm([0.9, 0.8]) == [1.0, 1.0]


def test_a_benchmark_that_is_slower_beyond_chance_is_found(compared):
    old = entries("step", OLD) + entries("same", OLD)
    new = entries("step", [1.1 * time for time in OLD]) + entries("same", OLD[::-1])
    status, out, err = compared(old, new)
    assert status == 1
    step, same = out.splitlines()[1:]
    assert step.split() == ["step", "7", "7", "1.100", "0.0012", "slower"]
    assert same.split() == ["same", "7", "7", "1.000", "1", "not", "shown"]
    assert err == ""


def test_a_faster_one_is_named_and_well(compared):
    status, out, _ = compared(entries("step", OLD), entries("step", [0.5 * time for time in OLD]))
    assert status == 0
    assert out.splitlines()[1].split()[3:] == ["0.500", "0.00058", "faster"]


def test_what_is_within_the_threshold_is_no_matter_however_sure(compared):
    old = entries("step", OLD)
    new = entries("step", [1.08 * time for time in OLD])
    assert compared(old, new, "--threshold", "0.1")[0] == 0
    assert compared(old, new, "--threshold", "0.05")[0] == 1


def test_what_may_be_chance_is_no_verdict_however_large(compared):
    status, out, err = compared(entries("step", OLD[:3]), entries("step", [150, 160, 170]))
    assert status == 0
    assert out.splitlines()[1].split()[3:] == ["1.584", "0.1", "not", "shown"]
    assert "so few repetitions of 1 benchmarks can show nothing" in err


def test_many_benchmarks_need_more_evidence_each(compared):
    five = [entries(f"step/{i}", OLD[:5]) for i in range(7)]
    slower = [entries(f"step/{i}", [2 * time for time in OLD[:5]] if i == 0 else OLD[:5])
              for i in range(7)]
    assert compared(five[0], slower[0])[0] == 1
    assert compared(sum(five, []), sum(slower, []))[0] == 0


def test_units_and_clocks_are_heeded(compared):
    old = entries("step", OLD, unit="us")
    same = entries("step", [time / 1000 for time in OLD], unit="ms")
    assert compared(old, same)[1].splitlines()[1].split()[3] == "1.000"
    busy = [entry | {"cpu_time": 3 * entry["cpu_time"]} for entry in old]
    assert compared(old, busy)[0] == 0
    assert compared(old, busy, "--time", "cpu_time")[0] == 1


def test_what_only_one_file_has_is_said(compared):
    both = entries("both", OLD)
    _, out, _ = compared(both + entries("gone", OLD), both + entries("added", OLD))
    assert [line.partition(": ")[2] for line in out.splitlines()[2:]] == ["gone", "added"]


def test_a_benchmark_that_fails_in_the_new_file_is_status_1(compared):
    failed = entries("step", [1.0], error_occurred=True, error_message="other bits")
    status, out, _ = compared(entries("step", OLD), failed)
    assert status == 1
    assert out.startswith("failed in ") and out.endswith(": step\n")


def test_files_of_two_machines_are_told_apart(compared):
    _, _, err = compared(entries("step", OLD), entries("step", OLD), context={"num_cpus": 64})
    assert "different numbers of processors: 2, 64" in err


@pytest.mark.parametrize("text, message", [
    (None, "No such file"), ("{", "is no JSON"), ("[]", "is no JSON"),
    ('{"benchmarks": []}', "no benchmark in common"),
], ids=["missing", "cut", "list", "empty"])
def test_what_cannot_be_read_is_status_3(script, tmp_path, capsys, text, message):
    path = tmp_path / "new.json"
    if text is not None:
        path.write_text(text)
    old = tmp_path / "old.json"
    old.write_text(json.dumps({"benchmarks": entries("step", OLD)}))
    assert script.main([str(old), str(path)]) == 3
    err = capsys.readouterr().err
    assert message in err and str(path) in err


def test_a_negative_threshold_is_status_2(script, capsys):
    with pytest.raises(SystemExit) as stopped:
        script.main(["a", "b", "--threshold", "-1"])
    assert stopped.value.code == 2
    assert "'-1' is negative" in capsys.readouterr().err
