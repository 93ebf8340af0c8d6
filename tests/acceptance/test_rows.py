"""Every row of the acceptance table, once, with seed 0."""

import pytest

from tests.acceptance.rows import all_rows, misses


@pytest.mark.slow
@pytest.mark.parametrize("row", all_rows(), ids=lambda row: row.name)
def test_row(row):
    figures = row.measure(0)
    print(row.name, {name: float(f"{value:.4g}") for name, value in figures.items()})
    assert misses(row, figures) == []
