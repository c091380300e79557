# SPDX-License-Identifier: Apache-2.0
"""What the documents show is what the program does: examples run, tables and links are current."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / os.environ.get("PLUMBLINE_PROGRAM", "build/release/plumbline")
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [path for path in ROOT.glob("**/*.md")
             if not {"build", ".venv"} & set(path.relative_to(ROOT).parts)]


def blocks(language):
    """The code blocks of the README in this language, "" for plain ones."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    return [text for found, text in fenced if found == language]


def plumbline(*arguments, cwd=ROOT):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, cwd=cwd,
                          check=False)


def example_commands():
    """The lines of the README that call the program, without their remarks."""
    return [shlex.split(line, comments=True)[1:] for block in blocks("")
            for line in block.splitlines() if line.startswith("plumbline ")]


def test_the_readme_calls_every_command_that_needs_no_explanation():
    assert {"check", "plan", "run", "status", "show", "verify", "list", "describe", "explain",
            "gradcheck", "profile", "schema", "submit", "theory"} == {
        command[0] for command in example_commands()}


def test_the_commands_of_the_readme_succeed_on_its_definition(tmp_path):
    definition, _ = blocks("toml")
    (tmp_path / "my_sweep.toml").write_text(definition, encoding="utf-8")
    for command in example_commands():
        done = plumbline(*command, cwd=tmp_path)
        assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"


def test_the_tables_that_the_readme_adds_make_a_definition_too(tmp_path):
    _, tables = blocks("toml")
    (tmp_path / "d.toml").write_text(f'schema = 1\nname = "d"\n{tables}', encoding="utf-8")
    done = plumbline("check", "d.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_what_the_document_of_experiments_says_of_sweeps_makes_a_plan(tmp_path):
    text = (ROOT / "experiments/README.md").read_text(encoding="utf-8")
    sweep, study = re.findall(r"^```toml\n(\[sweep\].*?|\[\[study\]\].*?)^```$", text,
                              flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "d.toml").write_text(f'schema = 1\nname = "d"\n{sweep}{study}', encoding="utf-8")
    done = plumbline("plan", "d.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # Three depths times two pairs, less one of them, times twenty trials and three seeds.
    assert "20 trials (halton, seed 7)" in done.stdout and "\n300 runs, about" in done.stdout


def test_the_data_of_your_own_in_the_document_of_experiments_are_read(tmp_path):
    text = (ROOT / "experiments/README.md").read_text(encoding="utf-8")
    data, streamed = re.findall(r"^```toml\n(\[data\].*?)^```$", text,
                                flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "d.toml").write_text(f'schema = 1\nname = "d"\n{data}[train]\nbatch = 5\n',
                                     encoding="utf-8")
    rows = [f"{0.5 * i},{i % 7},{'iris' if i % 3 else 'rose'},3" for i in range(60)]
    table = tmp_path / "flowers.csv"
    table.write_text("\n".join(["length,width,kind,other", *rows]), encoding="utf-8")
    done = plumbline("run", "d.toml", "train.steps=5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table.write_text("length,width,kind\n1,nan,rose\n", encoding="utf-8")
    refused = plumbline("check", "d.toml", cwd=tmp_path)
    assert refused.returncode == 2
    assert "flowers.csv:2:3: 'nan' in column 'width' is not a finite number" in refused.stderr
    assert refused.stderr.startswith("d.toml:5:8: 'data.file' cannot be used: ")
    with h5py.File(tmp_path / "large.h5", "w") as file:
        file["inputs"] = np.arange(30000.0).reshape(15000, 2)
        file["labels"] = np.arange(15000) % 3
    (tmp_path / "s.toml").write_text(f'schema = 1\nname = "s"\n{streamed}', encoding="utf-8")
    done = plumbline("run", "s.toml", "train.steps=5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_step_that_the_readme_explains_is_what_the_program_prints():
    (shown,) = [block for block in blocks("") if block.startswith("Backward\n")]
    assert shown in plumbline("explain", "one_hidden_layer", "--step", "0").stdout


def test_the_plug_in_of_the_readme_is_the_file():
    (shown,) = blocks("cpp")
    assert shown == (ROOT / "engine/activations/relu.cpp").read_text(encoding="utf-8")


def test_the_two_commands_of_the_readme_exist():
    commands = blocks("")[0].split()
    assert commands == ["scripts/run", "scripts/test"]
    for command in commands:
        assert os.access(ROOT / command, os.X_OK)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)\)", text):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{target} in {document}"
