# SPDX-License-Identifier: Apache-2.0
"""The comment at the head of each definition that ships says what it is for and what it costs."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / os.environ.get("PLUMBLINE_PROGRAM", "build/release/plumbline")
DEFINITIONS = sorted((ROOT / "experiments").glob("*.toml"))
LABELS = ["Question", "Expectation", "Paper", "Cost"]


def head(text):
    """The labelled paragraphs of the comment that a text begins with."""
    comment = re.match(r"(#.*\n)*", text).group().replace("\n#   ", " ")
    return dict(re.findall(r"^# (\w+): (.+)$", comment, flags=re.MULTILINE))


def without_data(text):
    """The same number of runs, of data that are always there."""
    return re.sub(r'name = "mnist"', 'name = "digits"', text)


def test_there_are_definitions():
    assert len(DEFINITIONS) >= 9


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_the_head_states_question_expectation_paper_and_cost(path, tmp_path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# SPDX-License-Identifier: Apache-2.0\n")
    stated = head(text)
    assert list(stated) == LABELS
    about = tomllib.loads(text)["about"]
    question = stated["Question"]
    assert question[:question.index("?") + 1].split()[:4] == about["question"].split()[:4]
    first_author = re.match(r"[\w-]+", stated["Paper"]).group()
    assert about["paper"].startswith(first_author)
    runs = re.match(r"(\d+) runs?\b.*, (under )?[\d.]+ (s|min) of one core", stated["Cost"])
    assert runs, stated["Cost"]
    copy = tmp_path / path.name
    copy.write_text(without_data(text), encoding="utf-8")
    plan = subprocess.run([PROGRAM, "plan", copy, "--json"], capture_output=True, text=True,
                          check=True)
    assert json.loads(plan.stdout)["n_runs"] == int(runs.group(1))
