# SPDX-License-Identifier: Apache-2.0
"""The figure of a comparison: a dot with its spread for each shape and peer."""

import json

import pytest

from plumbline_report import peers
from plumbline_report.results import ResultsError


def peer(ratio):
    return {"value": 1.0, "ratio": ratio, "least": 0.9 * ratio, "greatest": 1.2 * ratio,
            "variant": ""}


STEPS = {
    "kind": "steps", "circumstances": {"Processor": "one processor"},
    "shapes": [
        {"width": 32, "depth": 5, "batch": 128, "peers": {"pytorch": peer(8), "numpy": peer(3)}},
        {"width": 64, "depth": 50, "batch": 32, "peers": {"numpy": peer(4)}},
        {"width": 1024, "depth": 5, "batch": 128, "peers": {}},
    ],
}
SWEEP = {"kind": "sweep", "circumstances": {"Processor": "one processor"},
         "peers": {"jax, vmap": peer(3), "pytorch, stacked": peer(9)}}


@pytest.fixture(name="drawn")
def drawn_fixture(tmp_path):
    def draw(document):
        path = tmp_path / "figures.json"
        path.write_text(json.dumps(document))
        return peers.draw(path).axes[0]

    return draw


def dots(axes):
    """(label, ratios) of each peer; the line at 1 has no mark."""
    return [(line.get_label(), list(line.get_xdata())) for line in axes.lines
            if line.get_marker() not in ("None", None, "")]


def test_each_peer_has_its_ratios_and_each_shape_with_any_its_row(drawn):
    axes = drawn(STEPS)
    assert dots(axes) == [("PyTorch", [8]), ("numpy", [3, 4])]
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "32 wide, 5 deep, batch 128", "64 wide, 50 deep, batch 32"]
    assert "one processor" in axes.get_xlabel()


def test_every_spread_is_within_the_picture(drawn):
    for document in (STEPS, SWEEP):
        axes = drawn(document)
        low, high = axes.get_xlim()
        for lines in axes.collections:
            for (start, _), (end, _) in lines.get_segments():
                assert low < start < end < high


def test_a_sweep_has_a_row_for_each_way(drawn):
    axes = drawn(SWEEP)
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "JAX, vmap over the runs", "PyTorch, runs stacked"]
    assert [ratios for _, ratios in dots(axes)] == [[3], [9]]


@pytest.mark.parametrize("text, message", [
    (None, "no such file"), ("{", "is no JSON"), ("[]", "is no JSON"), ('{"kind": "steps"}', "is no"),
    (json.dumps(STEPS | {"shapes": STEPS["shapes"][2:]}), "no round was quiet"),
], ids=["missing", "cut", "list", "lacking", "no round"])
def test_what_cannot_be_drawn_is_said_with_its_path(tmp_path, text, message):
    path = tmp_path / "figures.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ResultsError, match=message) as raised:
        peers.draw(path)
    assert str(path) in str(raised.value)
