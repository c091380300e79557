# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from matplotlib.figure import Figure
from plumbline_report.step_axis import grows, scale_steps, step_edges, step_ticks

EVEN = np.arange(0, 301, 20)
GROWING = np.array([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024])


def test_steps_that_double_grow_and_even_ones_do_not():
    assert grows(GROWING) and not grows(EVEN)
    assert not grows(np.array([0])) and not grows(np.array([0, 10, 30, 60]))


def test_edges_are_midway_on_the_axis_that_is_drawn():
    assert step_edges(np.array([0, 10, 30, 60])) == pytest.approx([-5, 5, 20, 45, 75])
    assert step_edges(np.array([7])).tolist() == [6.5, 7.5]
    figure = Figure()
    axes = figure.add_subplot()
    scale_steps(axes, GROWING)
    axes.set_xlim(-1, 2000)
    edges, centres = (axes.transData.transform(np.column_stack([steps, np.zeros(len(steps))]))[:, 0]
                      for steps in (step_edges(GROWING), GROWING))
    assert (centres[1:] + centres[:-1]) / 2 == pytest.approx(edges[1:-1])
    assert edges[0] + edges[1] == pytest.approx(2 * centres[0])
    assert edges[-1] + edges[-2] == pytest.approx(2 * centres[-1])


@pytest.mark.parametrize("steps, ticks", [
    (EVEN, [0, 100, 200, 300]), ([0, 10, 30, 60], [0, 20, 40, 60]), ([0, 1, 2, 3], [0, 1, 2, 3]), ([0], [0]),
    ([0, 3, 15, 400], [0, 1, 10, 100, 400]), ([0, 1, 5, 100], [0, 1, 10, 100]),
    ([0, 1, 10, 1_000_000], [0, 1, 100, 10_000, 1_000_000])])
def test_a_few_round_steps_are_numbered(steps, ticks):
    assert step_ticks(np.array(steps)) == ticks
