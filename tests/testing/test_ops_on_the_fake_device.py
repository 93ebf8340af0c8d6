"""Every row of the table of ops computes on the device what it computes on the host, and copies nothing back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.testing.on_device import check_on_device
from minigrad.testing.strategies import layouts
from tests.ops.table import ROWS


@pytest.mark.parametrize("row", ROWS, ids=str)
@settings(max_examples=3, derandomize=True, database=None)
@given(data=st.data())
def test_an_op_computes_the_same_on_the_device(row, data):
    arrays, parameters = data.draw(row.cases)
    check_on_device(row.f, [data.draw(layouts(np.asarray(x))) for x in arrays], parameters)
