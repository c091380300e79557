# SPDX-License-Identifier: Apache-2.0
import json

import matplotlib.image
import numpy as np
import pytest
from plumbline_report.figure_file import write_figure
from plumbline_report.phase_diagram import SCHEMA, draw, read
from plumbline_report.results import ResultsError


def write_diagram(path, schema=SCHEMA):
    """A critical line from (1, 0) to (3, 0.4), with a line of 6 layers on each side."""
    lines = [{"xi_grad": xi, "pieces": [[[1 + offset, 0], [3 + offset, 0.4]]]}
             for xi, offset in (("inf", 0), (6, -0.5), (-6, 0.5))]
    path.write_text(json.dumps({"schema": schema, "activation": "tanh", "point": [1.5, 0.05],
                                "most": [4, 0.3], "lines": lines}), encoding="utf-8")
    return path


def test_the_lines_are_read_with_the_critical_one_as_infinite(tmp_path):
    diagram = read(write_diagram(tmp_path / "d.json"))
    assert [xi for xi, _ in diagram.lines] == [np.inf, 6, -6]
    (critical,) = diagram.critical()
    assert critical.tolist() == [[1, 0], [3, 0.4]]


def test_the_figure_has_lines_labels_and_both_sides(tmp_path):
    axes = draw(write_diagram(tmp_path / "d.json")).axes[0]
    assert axes.get_xlim() == (0, 4) and axes.get_ylim() == (0, 0.3)
    texts = {text.get_text(): text.get_position() for text in axes.texts}
    assert {"ordered: gradients vanish", "chaotic: gradients explode", "6"} == texts.keys()
    assert texts["ordered: gradients vanish"][0] < texts["chaotic: gradients explode"][0]
    # Half the height of the figure is 3/8 of the line's.
    labels = sorted(text.get_position()[0] for text in axes.texts if text.get_text() == "6")
    assert labels == pytest.approx([0.5 + 2 * 0.375, 1.5 + 2 * 0.375])
    assert len(axes.collections) == 2
    (point,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert point.get_xydata().tolist() == [[1.5, 0.05]]


def test_the_picture_is_not_empty_and_may_be_written_alone(tmp_path):
    (png,) = write_figure(draw(write_diagram(tmp_path / "d.json")), tmp_path / "phases", ["png"])
    assert matplotlib.image.imread(png).std() > 0.05
    assert not (tmp_path / "phases.svg").exists()


def test_another_file_is_refused(tmp_path):
    with pytest.raises(ResultsError, match="no phase diagram"):
        read(write_diagram(tmp_path / "d.json", schema="plumbline.sweep"))
    (tmp_path / "text.json").write_text("q", encoding="utf-8")
    with pytest.raises(ResultsError, match="cannot be read"):
        read(tmp_path / "text.json")
