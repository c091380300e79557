# SPDX-License-Identifier: Apache-2.0
import matplotlib.image
import numpy as np
import pytest
import xarray as xr
from plumbline_report.figure_file import write_figure
from plumbline_report.results import ResultsError, open_dataset
from plumbline_report.roofline import SCHEMA, VARIABLES, draw, roofline


def write_profile(path, schema=SCHEMA, memory=1e9):
    """Two layers and an optimizer; the batch is gathered, which takes no operation."""
    rows = [("data", 0, 1e-6, 0.0, 100.0), ("forward", 1, 1e-6, 2000.0, 500.0),
            ("backward", 1, 2e-6, 3000.0, 1500.0), ("optimizer", 0, 1e-6, 50.0, 500.0)]
    phase, layer, seconds, flops, moved = zip(*rows)
    profile = xr.Dataset(
        {"phase": ("row", list(phase)), "layer": ("row", np.array(layer, dtype="i4")),
         "seconds": ("row", list(seconds)), "flops": ("row", list(flops)),
         "bytes": ("row", list(moved)), "level_name": ("level", ["L1", "memory"]),
         "update_bandwidth": (("level", "threads"), [[4e9, 8e9], [memory, 1.5e9]])},
        coords={"threads": [1, 2]},
        attrs={"schema": schema, "run": "d, run 1 of 1 (0)", "flops_per_second": [5e9]})
    profile.to_netcdf(path, engine="h5netcdf")
    return path


def read(path):
    return roofline(open_dataset(path, SCHEMA, VARIABLES))


def test_a_point_is_operations_a_byte_and_a_second(tmp_path):
    points = read(write_profile(tmp_path / "p.h5"))
    assert points.phase.tolist() == ["forward", "backward", "optimizer"]
    assert points.intensity == pytest.approx([4, 2, 0.1])
    assert points.rate == pytest.approx([2e9, 1.5e9, 5e7])
    assert points.share == pytest.approx([0.2, 0.4, 0.2])


def test_the_roofs_are_those_of_one_thread(tmp_path):
    points = read(write_profile(tmp_path / "p.h5"))
    assert points.roofs == {"L1": 4e9, "memory": 1e9}
    assert points.peak == 5e9
    assert points.title == "d, run 1 of 1 (0)"


def test_the_figure_draws_a_roof_for_each_level_and_the_phases(tmp_path):
    axes = draw(write_profile(tmp_path / "p.h5")).axes[0]
    (first, memory) = axes.lines
    # The flat part is the peak; the slope is the bandwidth, in GFLOP/s.
    assert max(first.get_ydata()) == max(memory.get_ydata()) == pytest.approx(5)
    assert memory.get_ydata()[0] == pytest.approx(memory.get_xdata()[0])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "forward", "backward", "optimizer"]
    assert [offset.tolist() for offset in axes.collections[0].get_offsets()] == [
        pytest.approx([4, 2])]


@pytest.mark.parametrize("memory, labels", [(1e9, ["L1 4 GB/s", "memory 1 GB/s"]),
                                            (3.6e9, ["L1 4, memory 4 GB/s"])])
def test_roofs_that_are_near_each_other_share_a_label(tmp_path, memory, labels):
    axes = draw(write_profile(tmp_path / "p.h5", memory=memory)).axes[0]
    assert [text.get_text() for text in axes.texts[:-1]] == labels
    assert len(axes.lines) == 2


def test_the_picture_is_not_empty(tmp_path):
    png, _ = write_figure(draw(write_profile(tmp_path / "p.h5")), tmp_path / "roofline")
    assert matplotlib.image.imread(png).std() > 0.05


def test_a_results_file_is_no_profile(tmp_path):
    with pytest.raises(ResultsError, match='"plumbline.sweep", expected "plumbline.profile"'):
        draw(write_profile(tmp_path / "p.h5", schema="plumbline.sweep"))
