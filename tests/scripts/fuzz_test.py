# SPDX-License-Identifier: Apache-2.0
"""scripts/fuzz: what it makes of what a fuzzer does. Shell scripts stand for the fuzzers."""

import importlib.machinery
import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

CLEAN = """
echo '#1 pulse cov: 12 ft: 20'
echo '#9 DONE cov: 34 ft: 50'
echo 'stat::number_of_executed_units: 1000'
"""
# The first call finds something; later ones do not.
FINDING = """
mark=$0.called
if [ -e "$mark" ]; then %s exit 0; fi
touch "$mark"
echo '==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1'
echo 'SUMMARY: AddressSanitizer: heap-buffer-overflow engine/a.cpp:3 in read'
echo 'stat::number_of_executed_units: 77'
echo 'artifact_prefix; Test unit written to findings/crash-1'
exit 77
""" % CLEAN


@pytest.fixture(name="fuzz")
def fuzz_fixture(tmp_path, monkeypatch):
    """The script as a module, with a build folder of its own, and a function that makes a fuzzer."""
    loader = importlib.machinery.SourceFileLoader("fuzz_script", str(ROOT / "scripts/fuzz"))
    spec = importlib.util.spec_from_loader("fuzz_script", loader)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fuzz_script", module)
    loader.exec_module(module)
    monkeypatch.setattr(module, "BUILD", tmp_path)
    monkeypatch.setattr(module, "build", lambda: None)
    (tmp_path / "tests/fuzz").mkdir(parents=True)

    def fuzzer(target, body):
        path = tmp_path / f"tests/fuzz/fuzz_{target}"
        path.write_text(f'#!/bin/sh\necho "$@" >"{tmp_path}/arguments"\nexec 1>&2\n{body}\n')
        path.chmod(0o755)

    module.fuzzer = fuzzer
    return module


def call(fuzz, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["fuzz", *arguments])
    return fuzz.main()


def test_inputs_and_edges_are_told_where_there_is_no_finding(fuzz, monkeypatch, capsys):
    fuzz.fuzzer("csv", CLEAN)
    assert call(fuzz, monkeypatch, "--seconds", "3", "--target", "csv") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[1].split()[0] == "csv"
    assert {"1,000", "34"} <= set(told[1].split())
    assert re.fullmatch(r"1,000 inputs in \d+ s, 0 findings", told[-1])


def test_a_finding_is_told_and_the_rest_of_the_time_used(fuzz, monkeypatch, capsys):
    fuzz.fuzzer("csv", FINDING)
    assert call(fuzz, monkeypatch, "--seconds", "5", "--target", "csv") == 1
    told = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"1,077 inputs in \d+ s, 1 findings", told[-2])
    assert told[-1] == ("csv: AddressSanitizer: heap-buffer-overflow engine/a.cpp:3 in read: "
                        "findings/crash-1")


# What the HDF5 library does in the process that may be lost, and what it does elsewhere.
OF_LIBRARY = FINDING.replace("echo 'SUMMARY", """echo '    #0 0x1 in __interceptor_free (fuzz_hdf5+0x1)'
echo '    #1 0x2  (/lib/x86_64-linux-gnu/libhdf5_serial.so.103+0x2)'
echo '    #2 0x3 in plumbline::hdf5::%s(std::string) engine/core/a.cpp:9'
echo ''
echo 'SUMMARY""")


@pytest.mark.parametrize("caller, library, findings", [("in_own_process", 1, 0), ("read_part", 0, 1)])
def test_a_crash_of_the_hdf5_library_is_none_where_a_process_of_its_own_looks(
        fuzz, monkeypatch, capsys, caller, library, findings):
    fuzz.fuzzer("hdf5", OF_LIBRARY.replace("%s(", f"{caller}("))
    assert call(fuzz, monkeypatch, "--seconds", "5", "--target", "hdf5") == findings
    told = capsys.readouterr().out.splitlines()
    assert told[1].split()[-2:] == [str(library), str(findings)]


def test_crashes_that_the_fuzzer_caught_are_counted(fuzz, monkeypatch, capsys):
    fuzz.fuzzer("results", CLEAN + "echo 'stat::crashes_of_the_hdf5_library: 5'\n")
    assert call(fuzz, monkeypatch, "--seconds", "3", "--target", "results") == 0
    assert capsys.readouterr().out.splitlines()[1].split()[-2:] == ["5", "0"]


def test_each_target_has_a_program_a_reader_and_seeds(fuzz):
    folder = ROOT / "tests/fuzz"
    programs = re.search(r"foreach\(name (checkpoint [a-z0-9 ]*)\)", (folder / "CMakeLists.txt").read_text())
    readers = re.findall(r'\{"(\w+)", read_\w+', (folder / "targets.cpp").read_text())
    seeds = sorted(path.name for path in (folder / "seeds").iterdir())
    assert programs[1].split() == readers == seeds == list(fuzz.TARGETS)


def test_a_fuzzer_that_does_not_start_is_a_finding_and_not_tried_again(fuzz, monkeypatch, capsys):
    fuzz.fuzzer("csv", "echo 'error while loading shared libraries'; exit 127")
    assert call(fuzz, monkeypatch, "--seconds", "5", "--target", "csv") == 1
    assert capsys.readouterr().out.splitlines()[-1] == "csv: no reason given: no input kept"


def test_the_definitions_begin_with_the_mistakes_and_their_words(fuzz, monkeypatch):
    fuzz.fuzzer("definition", CLEAN)
    assert call(fuzz, monkeypatch, "--seconds", "2", "--target", "definition") == 0
    arguments = (fuzz.BUILD / "arguments").read_text()
    assert "tests/runner/definition/mistakes" in arguments
    words = (fuzz.BUILD / "definition.dict").read_text().splitlines()
    assert {'"cross_entropy"', '"[["', '"optimizer.lr"', '"hessian_free"'} <= set(words)


@pytest.mark.parametrize("arguments", [(), ("--seconds", "0"), ("--seconds", "3", "--target", "x")])
def test_wrong_usage_is_status_2(fuzz, monkeypatch, arguments):
    with pytest.raises(SystemExit) as ended:
        call(fuzz, monkeypatch, *arguments)
    assert ended.value.code == 2
