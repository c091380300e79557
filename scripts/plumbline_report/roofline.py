# SPDX-License-Identifier: Apache-2.0
"""The roofline of a profile: how fast each phase of each layer computes, beside what it could.

Over the arithmetic intensity I = operations / bytes that a phase reads and writes, the roof of a
memory level is min(peak, I x bandwidth of the level). A phase below the roof of L2 waits for data
from farther away, or for its own instructions; one on the flat part is bound by arithmetic.
Williams, Waterman & Patterson, Roofline: an insightful visual performance model for multicore
architectures, Communications of the ACM 52, 2009; with the bytes that the core asks for, as in
Ilic, Pratas & Sousa, Cache-aware roofline model, IEEE Computer Architecture Letters 13, 2014.
"""

from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from plumbline_report.appearance import FAINT_INK, GRID, INK, STYLE
from plumbline_report.results import open_dataset

SCHEMA = "plumbline.profile"
VARIABLES = ["phase", "layer", "seconds", "flops", "bytes", "level_name", "update_bandwidth", "threads"]
# Okabe and Ito: told apart without colour vision.
COLOURS = {"forward": "#0072b2", "backward": "#d55e00", "optimizer": "#009e73",
           "loss": "#cc79a7", "evaluation": "#56b4e9"}
# Points of type, squared, of a phase that takes the whole step.
LARGEST_MARKER, SMALLEST_MARKER = 900.0, 14.0
# Of two roofs: the lower over the higher, above which there is no room for two labels.
NEAR = 0.8


@dataclass(frozen=True)
class Roofline:
    """Points and roofs: intensity in operations a byte, rates in operations a second.

    phase, intensity, rate, share: (points,); share is that of the time of all phases
    roofs: bandwidth in bytes a second of each level, on one thread
    """

    title: str
    phase: np.ndarray
    intensity: np.ndarray
    rate: np.ndarray
    share: np.ndarray
    peak: float
    roofs: dict[str, float]


def roofline(profile: xr.Dataset) -> Roofline:
    """The points of the phases whose operations are counted."""
    seconds, flops = profile["seconds"].values, profile["flops"].values
    counted = (flops > 0) & (profile["bytes"].values > 0) & (seconds > 0)
    one_thread = profile["update_bandwidth"].sel(threads=1).values
    roofs = dict(zip(profile["level_name"].values.tolist(), one_thread.tolist()))
    return Roofline(
        title=str(profile.attrs.get("run", "")),
        phase=profile["phase"].values[counted],
        intensity=flops[counted] / profile["bytes"].values[counted],
        rate=flops[counted] / seconds[counted],
        share=seconds[counted] / seconds.sum(),
        peak=float(np.ravel(profile.attrs["flops_per_second"])[0]),
        roofs=roofs)


def draw(path: str | Path) -> Figure:
    """The figure of the profile at `path`. Raises ResultsError if it cannot be drawn."""
    points = roofline(open_dataset(path, SCHEMA, VARIABLES))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.6), layout="constrained")
        axes = figure.add_subplot()
        axes.grid(color=GRID, linewidth=0.6)
        low = min(points.intensity.min(), 0.1) / 2
        high = max(points.intensity.max(), points.peak / min(points.roofs.values())) * 2
        _roofs(axes, points, low, high)
        for phase in dict.fromkeys(points.phase.tolist()):
            of_phase = points.phase == phase
            axes.scatter(points.intensity[of_phase], 1e-9 * points.rate[of_phase],
                         s=np.maximum(LARGEST_MARKER * points.share[of_phase], SMALLEST_MARKER),
                         color=COLOURS.get(phase, FAINT_INK), alpha=0.75, linewidths=0,
                         label=phase, zorder=3)
        axes.set(xscale="log", yscale="log", xlim=(low, high),
                 xlabel="operations a byte read or written", ylabel="GFLOP/s, one thread")
        axes.set_title(f"{points.title}\na marker is one layer, its area the share of the time",
                       loc="left", fontsize=9)
        legend = axes.legend(loc="lower right", frameon=False, fontsize=8)
        for handle in legend.legend_handles:
            handle.set_sizes([30])
        return figure


def _roofs(axes, points: Roofline, low: float, high: float):
    intensity = np.geomspace(low, high, 200)
    for bandwidth in points.roofs.values():
        axes.plot(intensity, 1e-9 * np.minimum(points.peak, intensity * bandwidth), color=INK,
                  linewidth=0.8, zorder=2)
    for label, bandwidth in _labels(points.roofs):
        axes.annotate(label, (low, 1e-9 * low * bandwidth), xytext=(15, 0),
                      textcoords="offset points", fontsize=7, color=FAINT_INK,
                      bbox={"facecolor": "white", "linewidth": 0, "pad": 0.5})
    axes.annotate(f"multiply-adds {1e-9 * points.peak:.1f} GFLOP/s", (high, 1e-9 * points.peak),
                  xytext=(-3, 3), textcoords="offset points", ha="right", fontsize=7,
                  color=FAINT_INK)


def _labels(roofs: dict[str, float]) -> list[tuple[str, float]]:
    """What stands at which roof: one label for roofs that are so near each other that two would overlap."""
    groups = []
    for level in sorted(roofs, key=roofs.get, reverse=True):
        if groups and roofs[level] > NEAR * roofs[groups[-1][-1]]:
            groups[-1].append(level)
        else:
            groups.append([level])
    return [(", ".join(f"{level} {1e-9 * roofs[level]:.0f}" for level in group) + " GB/s",
             roofs[group[-1]]) for group in groups]
