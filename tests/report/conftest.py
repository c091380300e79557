# SPDX-License-Identifier: Apache-2.0
"""Lets the tests import the package under test and the synthetic sweeps beside them."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parents[1] / "scripts"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
