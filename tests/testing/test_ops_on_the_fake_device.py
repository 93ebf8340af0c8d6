"""Every row of the table of ops computes on the device what it computes on the host, and copies nothing back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import nn, ops, optim
from minigrad.tensor import Tensor
from minigrad.testing import fake_device
from minigrad.testing.on_device import check_on_device
from minigrad.testing.strategies import layouts
from tests.ops.table import ROWS


@pytest.mark.parametrize("row", ROWS, ids=str)
@settings(max_examples=3, derandomize=True, database=None)
@given(data=st.data())
def test_an_op_computes_the_same_on_the_device(row, data):
    arrays, parameters = data.draw(row.cases)
    check_on_device(row.f, [data.draw(layouts(np.asarray(x))) for x in arrays], parameters)


SGD = lambda net: optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)  # noqa: E731
ADAM = lambda net: optim.Adam(net.parameters(), lr=0.1, weight_decay=1e-4)  # noqa: E731


def parameters_after_steps(optimizer, x, to=lambda array: array):
    """Those of a small network after three steps, trained where `to` takes its arrays."""
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3), nn.ReLU(), nn.Linear(3, 5), nn.Sigmoid())
    for p in net.parameters():
        p.data = to(rng.standard_normal(p.shape).astype(np.float32))
    x, rule = Tensor(to(x)), optimizer(net)
    for _ in range(3):
        rule.zero_grad()
        (ops.binary_cross_entropy(net(x), x) + ops.mse_loss(net(x), x)).backward()
        rule.step()
    return [p.data for p in net.parameters()]


@pytest.mark.parametrize("optimizer", [SGD, ADAM], ids=["SGD", "Adam"])
def test_training_steps_on_the_device_change_the_parameters_alike_and_copy_nothing(optimizer):
    x = np.random.default_rng(1).random((4, 5), np.float32)
    expected = parameters_after_steps(optimizer, x)
    with fake_device.installed() as device:
        import cupy

        found = parameters_after_steps(optimizer, x, cupy.asarray)
        assert not device.transfers, str(device.transfers[0])
        assert [upload.call for upload in device.uploads] == ["asarray()"] * 7  # six parameters and the batch
        for array, other in zip(expected, found, strict=True):
            assert type(other) is cupy.ndarray
            np.testing.assert_array_equal(other.get(), array, strict=True)
