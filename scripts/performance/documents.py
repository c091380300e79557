# SPDX-License-Identifier: Apache-2.0
"""The parts of documents that are made of figures.

A document holds such a part between two lines:

    <!-- performance ratios -->
    ...
    <!-- end -->

`ratios` is the README's table; `sections` is all there is to say, a section for each file.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from peers.report import (circumstances_table, layers_table, ratios_table, steps_table,
                          sweep_table)
from performance import benchmark_tables

DOCUMENTS = ("README.md", "results/reference/performance.md")
FIGURES = "results/reference/performance"

PART = re.compile(r"(?<=^<!-- performance )(\w+)( -->\n)(.*?)(?=^<!-- end -->$)",
                  flags=re.MULTILINE | re.DOTALL)


class FiguresError(Exception):
    """A file of figures that is missing or not what it should be."""


@dataclass(frozen=True)
class Section:
    title: str
    text: str
    table: Callable[[dict], str]
    picture: str = ""  # beside the document


STEPS_TEXT = """\
Forward + backward + Adam of a ReLU net 784-W^L-10 under cross-entropy, float32, all on one thread of
one core. A peer with several ways to do it has the fastest at each shape, which the last column names.
Times are medians of the quiet rounds; the ratio, the peer's time over ours, is the median of the ratios
of single rounds, with the least and the greatest."""

# In the order of the document. A file of figures is named after its section, or section_machine.json.
SECTIONS = {
    "steps": Section("One training step beside other libraries", STEPS_TEXT, steps_table,
                     picture="performance.png"),
    "layers": Section(
        "One training step of other nets",
        """\
The same of residual nets (hidden layers x units) of pre-activation blocks of two layers on 784 inputs; of
convolutional nets of two 3 x 3 convolutions, each with relu and 2 x 2 max pooling behind it; and of one
recurrent layer over steps of two values. PyTorch has torch.nn's layers; of the two vectors of biases in
nn.RNN and nn.LSTM one is held at 0, as ours have one. torch.compile takes no recurrent layer. JAX's batch
norm keeps no running statistics.""", layers_table),
    "sweep": Section(
        "A sweep of small runs beside other libraries",
        """\
64 runs of 784-64^10-10, batch 32, Adam, float32, on two cores. Ours are whole runs, with drawing the
weights and evaluating before and after; the peers' are their steps alone, with gathering each batch.
Ratios are medians over the quiet rounds of our rate over theirs.""", sweep_table,
        picture="performance_sweep.png"),
    "scaling": Section(
        "Two threads",
        """\
The same sweep, and one big run, by our scheduler on one thread and on two; and two streams that share
nothing, each with half of the work, which is what the machine can give. The last ratio is the median
over turns. The bits are compared too.""", benchmark_tables.scaling_table),
    "products": Section(
        "Products",
        """\
The three products of a layer, against the processor's peak of fused multiply-adds and OpenBLAS, on one
thread.""", benchmark_tables.products_table),
    "kernels": Section(
        "The rest of a step",
        """\
What a step does beside its products, on one thread. The bytes are those that must move at least
once.""", benchmark_tables.kernels_table),
    "step": Section("One training step in both precisions", "On one thread; processor time, so that other programs count little.",
                    benchmark_tables.step_table),
    "recording": Section(
        "What measuring costs",
        """\
A run with every probe, or recording 100 layers x 5 statistics, at every step, over the same run that
does so before the first step and after the last alone; file, writer and its thread included.""",
        benchmark_tables.recording_table),
    "cost": Section(
        "How the cost grows",
        """\
Whole runs of nets 256-256^L-10, batch 512, with two probes at every step and evaluations, on one thread. The
exponent is the slope of log processor time over log size.""", benchmark_tables.cost_table),
}


def figures_of(folder: Path) -> list[tuple[str, dict]]:
    """(section, document) of each file of figures, in the order of the sections."""
    found = []
    for name in SECTIONS:
        for path in sorted([*folder.glob(f"{name}.json"), *folder.glob(f"{name}_*.json")]):
            try:
                found.append((name, json.loads(path.read_text(encoding="utf-8"))))
            except ValueError as error:
                raise FiguresError(f"{path}: is no JSON: {error}") from None
    return found


def sections(figures: list[tuple[str, dict]]) -> str:
    parts = []
    told = set()
    for name, document in figures:
        section = SECTIONS[name]
        if name not in told:
            parts += [f"## {section.title}", section.text]
            if section.picture:
                parts.append(f"![{section.title}, as ratios]({section.picture})")
        if "note" in document:
            parts.append(document["note"])
        told.add(name)
        parts += [section.table(document), circumstances_table(document)]
    return "\n\n".join(parts) + "\n"


def ratios(figures: list[tuple[str, dict]]) -> str:
    for name, document in figures:
        if name == "steps":
            facts = document["circumstances"]
            return f"{facts['Processor']}; {facts['Peers']}.\n\n{ratios_table(document)}\n"
    raise FiguresError(f"{FIGURES}/steps.json is not there")


PARTS = {"sections": sections, "ratios": ratios}


def current(text: str, figures: list[tuple[str, dict]]) -> str:
    """The document with its parts made anew."""

    def made(found: re.Match) -> str:
        if found[1] not in PARTS:
            raise FiguresError(f"there is no part '{found[1]}'; there are: {', '.join(PARTS)}")
        return f"{found[1]}{found[2]}\n{PARTS[found[1]](figures)}\n"

    try:
        return PART.sub(made, text)
    except (KeyError, TypeError) as error:
        raise FiguresError(f"a file of figures lacks {error}") from None
