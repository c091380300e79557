# SPDX-License-Identifier: Apache-2.0
"""The architecture's rules as functions: each takes a tree and returns its violations as text.

A violation names file and line. What the rules are about: which layer may include which, and
absences that a newcomer cannot see.
"""

import re
import subprocess
from pathlib import Path

# The layers from the bottom up; layers of one set do not know each other. A layer may include its
# own folder and every lower set.
LAYERS = (
    {"engine/core"},
    {"engine/kernels"},
    {"engine/activations", "engine/losses", "engine/optimizers", "engine/schedules"},
    {"engine/theory"},
    {"engine/initializers"},
    {"engine/layers"},
    {"engine/network"},
    {"engine/curvature"},
    {"engine/datasets", "engine/probes"},
    {"engine/training"},
    {"experiments/runner/text", "experiments/runner/machine", "experiments/runner/definition"},
    {"experiments/runner/plan"},
    {"experiments/runner/results"},
    {"experiments/runner/sweep"},
    {"experiments/runner/profile"},
    {"experiments/runner/commands"},
    {"experiments/runner"},
    {"experiments/performance"},
)
LONGEST_ENGINE_FILE = 500

SOURCES = {".cpp", ".hpp"}
# Data and texts that carry their licence elsewhere, or are it.
WITHOUT_SPDX = {"LICENSE"}
BINARY = {".gz", ".png", ".svg", ".h5", ".pdf"}

# Folders of files of which every byte is what a test is about.
SPECIMENS = ("tests/runner/definition/mistakes/data", "tests/fuzz/seeds", "tests/fuzz/findings")

# Headers that CMake writes into the build folder.
GENERATED = ("plumbline/build_info.hpp",)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Tree:
    """The files of a folder; of a git work tree those that git tracks or would track."""

    def __init__(self, root):
        self.root = Path(root)
        self.files = sorted(self._listed() or self._walked())

    def _listed(self):
        if not (self.root / ".git").exists():
            return []
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(command, cwd=self.root, capture_output=True, check=False)
        names = done.stdout.decode("utf-8").split("\0")
        return [Path(name) for name in names if name and (self.root / name).is_file()]

    def _walked(self):
        skipped = {".git", ".venv", "build", "__pycache__", "data"}
        for path in self.root.rglob("*"):
            relative = path.relative_to(self.root)
            if path.is_file() and not skipped & set(relative.parts):
                yield relative

    def under(self, *folders):
        """The C++ files of the folders."""
        for path in self.files:
            if is_source(path) and any(path.is_relative_to(folder) for folder in folders):
                yield path

    def lines(self, path):
        text = (self.root / path).read_text(encoding="utf-8")
        return list(enumerate(text.splitlines(), start=1))

    def includes(self, path):
        """(line, whether in angle brackets, name) of each include."""
        for number, line in self.lines(path):
            found = INCLUDE.match(line)
            if found:
                yield number, found[1] == "<", found[2]


def is_specimen(path):
    return any(path.is_relative_to(folder) for folder in SPECIMENS)


def is_source(path):
    """Whether it is C++, or what CMake makes C++ of."""
    return Path(path.name.removesuffix(".in")).suffix in SOURCES


def level_of(folder):
    for level, layers in enumerate(LAYERS):
        if folder in layers:
            return level
    return None


def folder_of(path):
    """The folder that has a place in the layers: those of the program are a level deeper."""
    parts = Path(path).parts[:-1]
    return "/".join(parts[: 3 if parts[:2] == ("experiments", "runner") else 2])


def code_of(line):
    """A C++ line without its comment and without the contents of its texts."""
    line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
    return line.split("//")[0]


def layer_violations(tree):
    """Each layer includes its own folder and lower layers alone."""
    for path in tree.under("engine", "experiments"):
        own = folder_of(path)
        level = level_of(own)
        if level is None:
            yield f"{path}: the folder {own} has no place in the layers"
            continue
        for number, system, name in tree.includes(path):
            # Files that CMake fills name the folder in a variable: they stand in their own.
            if system or "@" in name or name in GENERATED:
                continue
            other = folder_of(name)
            below = level_of(other)
            if below is None:
                yield f"{path}:{number}: {name} is not named from the root, or in no layer"
            elif other != own and below >= level:
                yield f"{path}:{number}: {own} may not include {other}"


def include_violations(tree, pattern, allowed):
    """Includes that match `pattern` in files whose path `allowed` does not match."""
    for path in tree.under("engine", "experiments", "tests"):
        if re.fullmatch(allowed, path.as_posix()):
            continue
        for number, _, name in tree.includes(path):
            if re.match(pattern, name):
                yield f"{path}:{number}: {name}"


def toml_violations(tree):
    """TOML stands in experiments/runner/definition/definition.* alone."""
    return include_violations(tree, r"toml", r"experiments/runner/definition/definition\.(cpp|hpp)")


def hdf5_violations(tree):
    """HDF5 stands in the core's hdf5_*, in the runner's results_* and hdf5_*, and in the test files'
    writer alone."""
    return include_violations(
        tree,
        r"(hdf5|H5|highfive)",
        r"(engine/core/hdf5|experiments/runner/results/(results|hdf5)|tests/core/hdf5)_\w+\.(cpp|hpp)",
    )


def xtensor_violations(tree):
    """xtensor comes through engine/core/tensor.hpp alone."""
    return include_violations(tree, r"(xtensor|xtl)", r"engine/core/tensor\.hpp")


def tbb_violations(tree):
    """oneTBB stands in the kernels, in what tests share among threads, and in the scheduler alone."""
    return include_violations(
        tree,
        r"(tbb|oneapi/tbb)",
        r"engine/kernels/\w+\.(cpp|hpp)|experiments/runner/sweep/scheduler\.(cpp|hpp)"
        r"|tests/kernels/on_threads\.hpp",
    )


PRINTING = re.compile(
    r"\bstd::(cout|cerr|clog|wcout|print|println|puts|exit|_Exit|quick_exit|abort|terminate)\b"
    r"|(?<![\w.>:])(std::)?(printf|fprintf|puts|fputs|putchar|exit|_exit|abort)\s*\("
    r"|\bfmt::print"
)


def printing_violations(tree):
    """The engine never prints and never exits."""
    for path in tree.under("engine"):
        for number, line in tree.lines(path):
            if PRINTING.search(code_of(line)):
                yield f"{path}:{number}: {line.strip()}"
        for number, _, name in tree.includes(path):
            if name in {"iostream", "cstdio", "stdio.h", "print"}:
                yield f"{path}:{number}: includes {name}"


FAST_MATH = re.compile(r"fast-math|-Ofast|unsafe-math|finite-math|reciprocal-math|associative-math")


def fast_math_violations(tree):
    """No option and no pragma changes what a floating-point operation gives."""
    for path in tree.files:
        is_code = is_source(path)
        is_build = (
            path.name == "CMakeLists.txt"
            or path.suffix in {".cmake", ".json", ".sh", ".toml", ".yml"}
            or path.parts[0] in {"scripts", ".ci", ".github"}
        )
        if path.suffix in BINARY or is_specimen(path) or not (is_code or is_build):
            continue
        for number, line in tree.lines(path):
            code = line.split("//")[0] if is_code else line.split("#")[0]
            if FAST_MATH.search(code):
                yield f"{path}:{number}: {line.strip()}"


def spdx_violations(tree):
    """Every file carries its licence: in a comment, or in a field of a JSON file."""
    for path in tree.files:
        if path.name in WITHOUT_SPDX or path.suffix in BINARY or is_specimen(path):
            continue
        # One line above it at most, "#!/usr/bin/env bash"; JSON has its field where it fits.
        lines = tree.lines(path)
        head = lines if path.suffix in {".json", ".ipynb"} else lines[:3]
        if not any("SPDX-License-Identifier: Apache-2.0" in line for _, line in head):
            yield f"{path}: no SPDX line in its head"


def length_violations(tree):
    """No file of the engine is longer than a reader's patience."""
    for path in tree.files:
        if path.parts[0] != "engine" or path.suffix in BINARY:
            continue
        length = len(tree.lines(path))
        if length > LONGEST_ENGINE_FILE:
            yield f"{path}: {length} lines, more than {LONGEST_ENGINE_FILE}"
