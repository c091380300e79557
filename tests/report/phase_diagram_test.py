# SPDX-License-Identifier: Apache-2.0
import json

import matplotlib.image
import numpy as np
import pytest
from plumbline_report.figure_file import write_figure
from plumbline_report.phase_diagram import SCHEMA, draw, read
from plumbline_report.results import ResultsError


def write_diagram(path, schema=SCHEMA, scales=("inf", 6, -6), chaos=1.0, jumps=()):
    """A critical line from (1, 0) to (3, 0.4), with a line of 6 layers on each side."""
    lines = [{"xi_grad": xi, "pieces": [[[1 + offset, 0], [3 + offset, 0.4]]]}
             for xi, offset in zip(scales, (0, -0.5, 0.5))]
    weights, biases = np.linspace(0, 4, 9), np.linspace(0, 0.3, 4)
    chi_1 = chaos * weights / (1 + 5 * biases[:, None])
    path.write_text(json.dumps({
        "schema": schema, "activation": "tanh", "point": [1.5, 0.05], "most": [4, 0.3],
        "lines": lines, "jumps": jumps,
        "plane": {"weight_variances": weights.tolist(), "bias_variances": biases.tolist(),
                  "chi_1": chi_1.tolist()}}), encoding="utf-8")
    return path


def texts(axes):
    return {text.get_text(): text.get_position() for text in axes.texts}


def test_the_lines_are_read_with_the_critical_one_as_infinite(tmp_path):
    diagram = read(write_diagram(tmp_path / "d.json"))
    assert [xi for xi, _ in diagram.lines] == [np.inf, 6, -6]
    (critical,) = diagram.critical()
    assert critical.tolist() == [[1, 0], [3, 0.4]]
    assert diagram.chi_1.shape == (len(diagram.biases), len(diagram.weights)) == (4, 9)


def test_the_figure_has_lines_labels_and_both_sides(tmp_path):
    axes = draw(write_diagram(tmp_path / "d.json")).axes[0]
    assert axes.get_xlim() == (0, 4) and axes.get_ylim() == (0, 0.3)
    assert {"ordered: gradients vanish", "chaotic: gradients explode", "6"} == texts(axes).keys()
    # Half the height of the figure is 3/8 of the line's, whose points are 1/20 of it apart.
    labels = sorted(text.get_position()[0] for text in axes.texts if text.get_text() == "6")
    assert labels == pytest.approx([0.5 + 2 * 0.375, 1.5 + 2 * 0.375], abs=2 / 20)
    (point,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert point.get_xydata().tolist() == [[1.5, 0.05]]


def test_the_sides_are_named_above_what_is_drawn(tmp_path):
    axes = draw(write_diagram(tmp_path / "d.json")).axes[0]
    named = texts(axes)
    assert named["ordered: gradients vanish"] == (0, 1.02)
    assert named["chaotic: gradients explode"] == (1, 1.02)
    calm = draw(write_diagram(tmp_path / "calm.json", chaos=0.1)).axes[0]
    assert "chaotic: gradients explode" not in texts(calm)


def test_the_shaded_sides_meet_where_chi_1_is_1(tmp_path):
    axes = draw(write_diagram(tmp_path / "d.json")).axes[0]
    ordered, chaotic = axes.collections[0].get_paths()
    # Without biases chi_1 is the weight variance.
    assert max(x for x, y in ordered.vertices if y == 0) == pytest.approx(1)
    assert min(x for x, y in chaotic.vertices if y == 0) == pytest.approx(1)


def test_a_line_close_to_others_is_labelled_beside_itself(tmp_path):
    axes = draw(write_diagram(tmp_path / "d.json")).axes[0]
    assert {text.get_va() for text in axes.texts if text.get_text() == "6"} == {"center"}
    file = tmp_path / "close.json"
    data = json.loads(write_diagram(file).read_text())
    data["lines"][1]["pieces"] = [[[0.99, 0], [2.99, 0.4]]]
    file.write_text(json.dumps(data), encoding="utf-8")
    labels = [text.get_va() for text in draw(file).axes[0].texts if text.get_text() == "6"]
    assert labels == ["bottom", "center"]


def test_lines_are_drawn_up_to_the_edge_and_beyond(tmp_path):
    axes = draw(write_diagram(tmp_path / "d.json")).axes[0]
    assert [line.get_ydata().max() for line in axes.lines if line.get_marker() != "o"] == [0.4] * 3


def test_a_line_that_ends_below_the_usual_height_is_labelled_where_it_is(tmp_path):
    file = tmp_path / "short.json"
    data = json.loads(write_diagram(file).read_text())
    data["lines"][2]["pieces"] = [[[3, 0.02], [3.5, 0.09]]]
    file.write_text(json.dumps(data), encoding="utf-8")
    heights = [text.get_position()[1] for text in draw(file).axes[0].texts if text.get_text() == "6"]
    assert heights[0] == 0.15
    assert 0.02 < heights[1] < 0.09


def test_each_stretch_of_a_line_that_comes_back_is_labelled(tmp_path):
    file = tmp_path / "back.json"
    data = json.loads(write_diagram(file).read_text())
    data["lines"][2]["pieces"] = [[[2.4, 0], [3, 0.6], [3.6, 0]]]
    file.write_text(json.dumps(data), encoding="utf-8")
    labels = sorted(text.get_position()[0] for text in draw(file).axes[0].texts if text.get_text() == "6")
    # Half the height of the figure is a quarter of the way up and three quarters of the way down.
    assert labels[1:] == pytest.approx([2.55, 3.45], abs=1 / 20)


def test_where_chi_1_jumps_the_line_is_dashed_and_explained(tmp_path):
    jumps = [[[2, 0], [1.9, 0.1]]]
    figure = draw(write_diagram(tmp_path / "jumps.json", jumps=jumps))
    (dashed,) = [line for line in figure.axes[0].lines if line.is_dashed()]
    assert dashed.get_xydata().tolist() == jumps[0]
    assert "Dashed line" in figure.get_supxlabel()
    without = draw(write_diagram(tmp_path / "d.json"))
    assert "Dashed line" not in without.get_supxlabel()
    assert not any(line.is_dashed() for line in without.axes[0].lines)


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
