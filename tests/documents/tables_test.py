# SPDX-License-Identifier: Apache-2.0
"""The tables in the documents are those that the program makes, and one command rewrites them."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / os.environ.get("PLUMBLINE_PROGRAM", "build/release/plumbline")
DOCUMENTS = ("engine/README.md", "experiments/README.md")


def update_tables(root, *arguments):
    return subprocess.run([root / "scripts/update_tables", *arguments], capture_output=True,
                          text=True, check=False, env=os.environ | {"PLUMBLINE_PROGRAM": PROGRAM})


@pytest.fixture(name="copy")
def copy_fixture(tmp_path):
    """The script with its documents and definitions, to be changed at will."""
    for name in ("scripts/update_tables", *DOCUMENTS):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_tables_are_current():
    done = update_tables(ROOT, "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_plug_in_has_a_row_in_the_engines_document():
    listed = json.loads(subprocess.run([PROGRAM, "list", "--json"], capture_output=True, text=True,
                                       check=True, cwd=ROOT).stdout)
    text = (ROOT / "engine/README.md").read_text(encoding="utf-8")
    plug_ins = [one for one in listed if one["kind"] != "experiments"]
    assert len(plug_ins) > 20
    for one in plug_ins:
        assert f"<!-- plumbline list {one['kind']} --markdown -->" in text
        summary = one["summary"].replace("|", "\\|")
        assert f"\n| `{one['name']}` | {summary} |" in text


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_stale_table_is_found_and_rewritten(copy, document):
    path = copy / document
    right = path.read_text(encoding="utf-8")
    made = right[:right.rindex("<!-- end -->")]
    row = [line for line in made.splitlines() if line.startswith("| `")][-1]
    path.write_text(right.replace(row + "\n", ""), encoding="utf-8")
    stale = path.read_text(encoding="utf-8")

    checked = update_tables(copy, "--check")
    assert checked.returncode == 1
    assert document in checked.stdout
    assert path.read_text(encoding="utf-8") == stale

    rewritten = update_tables(copy)
    assert rewritten.returncode == 0
    assert rewritten.stdout == f"{document}: rewritten\n"
    assert path.read_text(encoding="utf-8") == right
    assert update_tables(copy).stdout == ""


def test_a_program_that_is_missing_is_status_3(copy):
    done = subprocess.run([copy / "scripts/update_tables"], capture_output=True, text=True,
                          check=False, env=os.environ | {"PLUMBLINE_PROGRAM": "nowhere"})
    assert done.returncode == 3
    assert "nowhere" in done.stderr


def described(name):
    return subprocess.run([PROGRAM, "describe", name], capture_output=True, text=True, check=True,
                          cwd=ROOT).stdout


def test_the_parameter_groups_are_documented_as_the_program_describes_them():
    text = (ROOT / "experiments/README.md").read_text(encoding="utf-8")
    table = text.partition("| group |")[2].partition("\n\n")[0]
    documented = re.findall(r"^\| `(\w+)` \| ([^|]*) \|$", table, re.M)
    printed = described("groups")
    lines = printed.splitlines()
    rule = next(i for i, line in enumerate(lines) if line.startswith("-----"))
    meaning_column = lines[rule].rindex(" ") + 1
    rows = []
    for line in lines[rule + 1:]:
        if line and not line.startswith(" "):
            rows.append((line.split()[0], line[meaning_column:]))
        elif line:
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {line.strip()}")
    assert documented == rows
    assert len(rows) > 4


def test_the_tables_that_are_named_can_be_described():
    text = (ROOT / "experiments/README.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z.]+)`", text.partition("choose from: ")[2].partition("\n\n")[0])
    assert len(named) == 17
    for name in named:
        assert described(name).startswith(f"{name} (table of a definition)\n")
