"""Initialisers: bounds and moments by statistics that tell right from wrong, orthogonality exactly."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import init

DENSE, KERNEL = (300, 500), (100, 50, 3, 5)  # fans (in, out): (500, 300) and (50·15, 100·15)
GAIN = {"relu": math.sqrt(2), "linear": 1, "sigmoid": 1, "tanh": 5 / 3}


def fans(shape):
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


@pytest.mark.parametrize("shape", [DENSE, KERNEL])
@pytest.mark.parametrize(
    "name, options, std",
    [
        ("uniform_", dict(a=-2, b=2), lambda i, o: 2 / math.sqrt(3)),
        ("normal_", dict(std=0.3), lambda i, o: 0.3),
        ("xavier_uniform_", {}, lambda i, o: math.sqrt(2 / (i + o))),
        ("xavier_uniform_", dict(gain=2), lambda i, o: 2 * math.sqrt(2 / (i + o))),
        ("xavier_normal_", dict(gain=2), lambda i, o: 2 * math.sqrt(2 / (i + o))),
        ("kaiming_uniform_", {}, lambda i, o: math.sqrt(2 / i)),
        ("kaiming_uniform_", dict(a=math.sqrt(5)), lambda i, o: math.sqrt(1 / 3 / i)),
        ("kaiming_normal_", dict(a=0.5), lambda i, o: math.sqrt(2 / 1.25 / i)),
        ("kaiming_normal_", dict(mode="fan_out"), lambda i, o: math.sqrt(2 / o)),
        *(("kaiming_normal_", dict(a=3, nonlinearity=f), lambda i, o, f=f: GAIN[f] / math.sqrt(i)) for f in GAIN),
    ],
)
def test_spread_and_bounds(name, options, std, shape):
    """150,000 draws tell the spread to 0.5 %, and any two of these differ by more than 10 %."""
    mg.manual_seed(0)
    x = mg.zeros(shape)
    assert getattr(init, name)(x, **options) is x
    s = std(*fans(shape))
    assert x.data.std() == pytest.approx(s, rel=0.02) and abs(x.data.mean()) < 0.02 * s
    largest = abs(x.data).max() / s
    assert math.sqrt(3) * 0.99 < largest < math.sqrt(3) * 1.00001 if "uniform" in name else 3.5 < largest < 7


@pytest.mark.parametrize("shape", [(7, 5), (5, 7), (5, 5), (3, 2, 2, 3), (7, 1, 2, 3)])
def test_the_shorter_side_of_an_orthogonal_matrix_is_orthonormal(shape):
    w = init.orthogonal_(mg.zeros(shape, dtype=np.float64), 2.0).data.reshape(shape[0], -1)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-13)


def test_an_orthogonal_matrix_may_be_any():
    """Its first entry is positive half of the time: QR alone leaves a sign that depends on the column."""
    mg.manual_seed(0)
    positive = [[np.diag(init.orthogonal_(mg.zeros(3, 3)).data) > 0] for _ in range(400)]
    assert (abs(np.mean(positive, 0) - 0.5) < 0.1).all()


def test_constants():
    x = mg.zeros(2)
    assert init.constant_(x, 3.5).tolist() == [3.5, 3.5]
    assert init.ones_(x).tolist() == [1, 1] and init.zeros_(x).tolist() == [0, 0]


def test_a_draw_comes_from_the_seed():
    def draw():
        mg.manual_seed(3)
        return [f(mg.zeros(2, 3)).tolist() for f in (init.kaiming_uniform_, init.orthogonal_)]

    assert draw() == draw()
