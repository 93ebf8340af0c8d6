"""Acceptance: each row is a figure, or a few of one training, with its protocol and the bounds that it must keep.

A bound separates right from wrong; it does not hug a lucky run. ``pytest -m slow`` measures every row once, with seed
0; ``python -m tests.acceptance`` with three seeds, and writes the report.
"""

import functools
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from minigrad.data import mnist


class Row(NamedTuple):
    name: str
    protocol: str
    bounds: dict  # figure -> (lowest, highest), either of which may be None
    measure: Callable  # seed -> {figure: value}; what has no bound is reported only


ROWS: list[Row] = []


def row(protocol: str, **bounds):
    """Register ``measure(seed)`` under its own name."""

    def register(measure):
        ROWS.append(Row(measure.__name__, protocol, bounds, measure))
        return measure

    return register


def misses(row: Row, figures: dict) -> list[str]:
    """What of the row's bounds the figures break, in words."""
    found = []
    for name, (low, high) in row.bounds.items():
        value = figures[name]
        if not ((low is None or value >= low) and (high is None or value <= high)):
            found.append(f"{row.name}: {name} is {value:.4g}, and should lie in [{low}, {high}]")
    return found


def real_data(name: str) -> Path:
    """A folder of the data that MINIGRAD_DATA names; the row is skipped without."""
    if "MINIGRAD_DATA" not in os.environ:
        pytest.skip(f"needs {name}: set MINIGRAD_DATA to a folder that has {name}/ in it")
    return Path(os.environ["MINIGRAD_DATA"]) / name


@functools.cache
def real_digits():
    """Full MNIST as ((x, y), (x_test, y_test)), pixels (n, 784) float32 in [0, 1]."""
    return tuple((x.reshape(len(x), -1).astype(np.float32) / 255, y) for x, y in mnist(real_data("mnist")))


def all_rows() -> list[Row]:
    """The rows of every rows_*.py in this folder."""
    for path in sorted(Path(__file__).parent.glob("rows_*.py")):
        importlib.import_module(f"tests.acceptance.{path.stem}")
    return ROWS
