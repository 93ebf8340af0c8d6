"""Every row of the acceptance table, once, with seed 0."""

import importlib
from pathlib import Path

import pytest

from tests.acceptance.rows import ROWS, misses

for path in sorted(Path(__file__).parent.glob("rows_*.py")):
    importlib.import_module(f"tests.acceptance.{path.stem}")


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row(row):
    figures = row.measure(0)
    print(row.name, {name: float(f"{value:.4g}") for name, value in figures.items()})
    assert misses(row, figures) == []
