# SPDX-License-Identifier: Apache-2.0
import matplotlib.image
import numpy as np
import pytest
from plumbline_report.figure_file import write_figure
from plumbline_report.vanishing_gradient import draw
from synthetic import FAILED, flagship_runs, geometric_run, write_results

# Twenty hidden layers of 100, three seeds: sd of the factor is about sqrt(2 / (4 100 15)) / sqrt 3.
RANDOM_NET_TOLERANCE = 0.03


@pytest.fixture(scope="module")
def small_sweep(tmp_path_factory):
    return write_results(tmp_path_factory.mktemp("sweep") / "small.h5",
                         flagship_runs(depths=(2, 20), seeds=3))


def words(figure):
    return [text.get_text() for place in [figure, *figure.axes] for text in place.texts]


def test_each_activation_and_initializer_has_its_three_panels(small_sweep):
    assert len(draw(small_sweep).axes) == 4 * 2 * 3


def test_the_panels_say_the_factor_measured_and_the_factor_predicted(tmp_path):
    runs = [geometric_run(20, 0.236, seed=seed) for seed in range(3)]
    for run in runs:
        run.theory_error_signal[:] = 0.25 ** (20.0 - np.arange(21))
    said = words(draw(write_results(tmp_path / "a.h5", runs)))
    assert "×0.236 a layer" in said
    assert "theory ×0.250" in said
    assert "×1.000 a layer" in said


def test_a_flat_weight_gradient_stands_beside_a_vanishing_error_signal(small_sweep):
    figure = draw(small_sweep)
    error, gradient = figure.axes[12], figure.axes[13]  # gelu, glorot_normal
    deepest = {axes: axes.lines[1].get_ydata() for axes in (error, gradient)}
    assert deepest[error][4] < 1e-3 * deepest[error][-3]
    assert deepest[gradient][4] == pytest.approx(deepest[gradient][-3], rel=1)
    assert error.get_ylim() == gradient.get_ylim()


def test_the_measured_factor_of_random_sigmoid_nets_is_the_published_one(small_sweep):
    factor = next(float(text[1:6]) for text in words(draw(small_sweep)) if text.startswith("×"))
    assert factor == pytest.approx(0.236, rel=RANDOM_NET_TOLERANCE)


def test_the_caption_counts_runs_and_names_the_commit(tmp_path):
    runs = [geometric_run(4, 0.5, seed=0), geometric_run(4, 0.5, seed=1, status=FAILED)]
    said = " ".join(words(draw(write_results(tmp_path / "a.h5", runs))))
    assert "1 of 2 runs, commit synthetic" in said


def test_the_caption_tells_what_else_the_median_is_over(tmp_path):
    file = write_results(tmp_path / "a.h5", [geometric_run(4, 0.5)],
                         sweep_axes="depth optimizer seed")
    assert "median over optimizer and 1 seed;" in " ".join(words(draw(file)))


@pytest.mark.parametrize("depths", [(1,), (3, 5), (300,)])
def test_any_depths_can_be_drawn(tmp_path, depths):
    file = write_results(tmp_path / "a.h5", [geometric_run(depth, 0.99) for depth in depths])
    written = write_figure(draw(file), tmp_path / "a")
    assert all(path.stat().st_size > 10_000 for path in written)


def test_both_files_are_written_and_hold_a_picture(small_sweep, tmp_path):
    figure = draw(small_sweep)
    png, svg = write_figure(figure, tmp_path / "new" / "figure")
    pixels = matplotlib.image.imread(png)
    assert pixels.shape[1] == 2000
    assert 0.01 < (pixels[..., :3].min(axis=2) < 0.9).mean() < 0.5
    curves = sum(len(axes.lines) for axes in figure.axes)
    assert curves == 24 * 2 + 8  # two depths a panel, and the theory in eight of them
    assert svg.read_text().count("<path") > curves


def test_the_same_results_give_the_same_bytes(small_sweep, tmp_path):
    first = write_figure(draw(small_sweep), tmp_path / "first")
    second = write_figure(draw(small_sweep), tmp_path / "second")
    for one, other in zip(first, second):
        assert one.read_bytes() == other.read_bytes()
    assert b"<dc:date>" not in first[1].read_bytes()
