"""check_op notices each promise that an op breaks."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from minigrad.autograd import Op
from minigrad.check import Checked
from minigrad.testing.check_op import check_op

X = np.random.default_rng(0).uniform(0.5, 2, (2, 3))


class Double(Op):
    """y = 2x"""

    def forward(self, x):
        return 2 * x

    def grad_x(self, g, y, x):
        return g * 2


def broken(**methods):
    """An op like Double with other methods, as a function of Tensors."""
    op = type("Double", (Double,), methods)
    return lambda x: op()(x)


def doubled_in_place(self, x):
    x *= 2
    return x.copy()


def cotangent_in_place(self, g, y, x):
    if isinstance(g, np.ndarray):
        g *= 2
        return g
    return g * 2


def in_memory_order(self, x):
    return 2 * x.ravel(order="K").reshape(x.shape)


def of_a_sum(self, g, y, x):
    """Right on a contiguous cotangent only: it reads g as it lies in memory."""
    return g * 2 if not isinstance(g, np.ndarray) else 2 * g.ravel(order="K").reshape(g.shape)


def constant_slope(self, g, y, x):
    """That of x², with x held constant under create_graph."""
    return g * 2 * (x.detach() if isinstance(x, mg.Tensor) else x)


def imprecise(self, g, y, x):
    """Right to 1e-10 in float64, and to 1e-2 in float32."""
    return 2 * (g + 1e5) - 2e5


def of_a_sum_under_create_graph(self, g, y, x):
    return g * 2 if isinstance(g, np.ndarray) else g * 2 + (of_a_sum(self, g.data, y, x) - 2 * g.data)


def once_and_for_all(self, g, y, x):
    """What was computed for the first cotangent is given for any."""
    if not hasattr(self, "kept"):
        self.kept = g * 2
    return self.kept


BROKEN = [
    ("another value", broken(forward=lambda self, x: 2 * x + 1e-9), "the value at"),
    ("another shape", lambda x: Double()(x).reshape(3, 2), "shape (3, 2), and should have (2, 3)"),
    ("a wrong gradient", broken(grad_x=lambda self, g, y, x: g * 2.001), "the gradient for x is wrong"),
    ("float64 of float32", broken(forward=lambda self, x: x * np.full(x.shape, 2.0)), "the value is float64"),
    ("too little precision", broken(forward=lambda self, x: 2 * (x + x.dtype.type(1e4)) - x.dtype.type(2e4)),
     "the value in float32"),
    ("its input overwritten", broken(forward=doubled_in_place), ""),
    ("the cotangent overwritten", broken(grad_x=cotangent_in_place), "the cotangent was changed"),
    ("elements as they lie in memory", broken(forward=in_memory_order), "of inputs that lie"),
    ("the cotangent as it lies in memory", broken(grad_x=of_a_sum), "gradient 0 of inputs that lie"),
    ("the same under create_graph", broken(grad_x=of_a_sum_under_create_graph),
     "gradient 0 under create_graph of inputs that lie"),
    ("a gradient with too little precision", broken(grad_x=imprecise), "gradient 0 in float32"),
    ("a gradient of the first pass alone", broken(grad_x=once_and_for_all), "gradient 0 of a second backward pass"),
]  # fmt: skip


def test_a_right_op_passes():
    assert check_op(lambda x: Double()(x), lambda x: x + x, (X,)) == Checked(agree=18, kinks=0, open=0)


@pytest.mark.parametrize("f, words", [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_promise_is_noticed(f, words):
    with pytest.raises(AssertionError) as caught:
        check_op(f, lambda x: x + x, (X,), rtol=1e-10 if words != "the value in float32" else 1e-6)
    assert words in str(caught.value)


def test_an_input_that_is_written_to_and_restored_is_noticed():
    def restored(self, x):
        np.negative(x, out=x)
        np.negative(x, out=x)
        return 2 * x

    with pytest.raises(ValueError, match="Double.* read-only"):
        check_op(broken(forward=restored), lambda x: x + x, (X,))


def test_sums_that_cancel_may_be_imprecise_in_float32():
    check_op(ops.sum, np.sum, (np.array([1.1, 2.3, -3.4 + 1e-6]),))


def test_a_second_derivative_is_checked_unless_only_the_first_is_asked_for():
    wrong = broken(forward=lambda self, x: x * x, grad_x=constant_slope)
    check_op(wrong, np.square, (X,), order=1)
    with pytest.raises(AssertionError, match="second derivative"):
        check_op(wrong, np.square, (X,))


def test_what_has_no_derivative_has_no_history():
    assert check_op(mg.argmax, np.argmax, (X,), order=0) == Checked(0, 0, 0)
    with pytest.raises(AssertionError, match="history"):
        check_op(mg.exp, np.exp, (X,), order=0)


def test_parameters_reach_both_and_integers_are_not_differentiated():
    rows = np.array([1, 1, 0])
    checked = check_op(lambda x, i, scale: x[i] * scale, lambda x, i, scale: scale * x[i], (X, rows), {"scale": 3.0})
    assert checked.agree == 6 + 6 + 9


def test_gradients_that_share_memory_are_noticed(monkeypatch):
    """The engine copies what it hands out; without that the two gradients of x + y are one array."""
    check_op(ops.add, np.add, (X, X))
    monkeypatch.setattr("minigrad.autograd._as_own_tensor", lambda g, owned: g if hasattr(g, "op") else mg.Tensor(g))
    with pytest.raises(AssertionError, match="gradient 0 (shares memory|is not contiguous)"):
        check_op(ops.add, np.add, (X, X))
