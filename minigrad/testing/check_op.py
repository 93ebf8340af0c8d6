"""check_op: all that minigrad promises of an op, in one call."""

from __future__ import annotations

import functools

import numpy as np

from ..autograd import grad
from ..check import Checked, gradcheck
from ..tensor import Tensor


def check_op(f, reference, inputs, parameters=None, order: int = 2, rtol: float = 1e-10) -> Checked:
    """Raise AssertionError with what is wrong unless f keeps every promise of an op at these inputs.

    - Its value is that of `reference`, to the relative error `rtol`.
    - Its first derivatives agree with finite differences, and for order 2 the second; both backward passes, on arrays
      and with create_graph, give the same (see `gradcheck`).
    - float32 in, float32 out, and nearly the same numbers, for the value and for the gradients of both passes.
    - The inputs and the cotangent are left as they were (they may be read-only), and any memory layout of them gives
      the same in both passes.
    - A graph that is kept gives the right gradients again, also for another cotangent.
    - Each gradient is an array of its own, contiguous and writable, that shares memory with nothing.

    Parameters
    ----------
    f : function of Tensors that returns a Tensor; called as f(*inputs, **parameters)
    reference : the same function of arrays, written independently: a loop, scipy, a closed form
    inputs : tuple of arrays; floating-point ones are float64, and are what is differentiated
    parameters : what is not an array: axes, shapes, modes
    order : 2, 1, or 0 for what has no derivative; then the result must have no history either

    Returns
    -------
    Checked : what `gradcheck` counted: see there

    >>> check_op(lambda x: x.tanh(), np.tanh, (np.array([0.5, -2.0]),))
    Checked(agree=6, kinks=0, open=0)
    """
    parameters = parameters or {}

    @functools.wraps(f)  # so that a report calls the function and its inputs by their names
    def call(*xs):
        return f(*xs, **parameters)

    y = call(*_leaves(inputs))
    _assert_equal("the value", y.data, np.asarray(reference(*inputs, **parameters)), rtol)
    if order == 0:
        assert not y.requires_grad, "it has no derivative, and yet its result has a history"
        return Checked(0, 0, 0)
    checked = gradcheck(call, inputs, order)
    g = np.random.default_rng(0).standard_normal(y.shape)
    _check_memory(call, inputs, g)
    _check_dtype(call, inputs, g)
    return checked


def _leaves(inputs):
    return [Tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]


def _gradients(call, inputs, g, create_graph=False, again=False):
    """The output, and the gradients of the floating-point inputs; with `again` those of a second walk of the graph."""
    xs = _leaves(inputs)
    y = call(*xs)
    wanted = [x for x in xs if x.requires_grad]
    if not y.requires_grad:
        return y, []
    if again:
        grad(y, wanted, Tensor(-g), retain_graph=True, allow_unused=True)
    if create_graph:
        found = grad(y, wanted, Tensor(g), create_graph=True, allow_unused=True)
    else:
        y.backward(Tensor(g))
        found = [x.grad for x in wanted]
    return y, [gx for gx in found if gx is not None]


def _check_memory(call, inputs, g):
    plain, wanted = _gradients(call, [np.array(x) for x in inputs], g.copy())
    noise = 1e-12 * _largest((*inputs, g))
    for words, place in (("backwards", _backwards), ("in every second place", _spread), ("read-only", _read_only)):
        xs, cotangent = [place(x) for x in inputs], place(g)
        before = [x.copy() for x in (*xs, cotangent)]
        y, found = _gradients(call, xs, cotangent)
        _, recorded = _gradients(call, xs, cotangent, create_graph=True)
        for i, (x, old) in enumerate(zip((*xs, cotangent), before)):
            name = f"input {i}" if i < len(xs) else "the cotangent"
            assert np.array_equal(x, old, equal_nan=x.dtype.kind == "f"), f"{name} was changed"
        _assert_equal(f"the value of inputs that lie {words} in memory", y.data, plain.data, 1e-12)
        _assert_same(f"of inputs that lie {words} in memory", found, wanted, noise)
        _assert_same(f"under create_graph of inputs that lie {words} in memory", recorded, wanted, noise)
        for i, a in enumerate(found):
            assert a.data.flags.c_contiguous and a.data.flags.writeable, f"gradient {i} is not contiguous and writable"
            others = [*xs, cotangent, y.data, *(b.data for b in found if b is not a)]
            shared = any(np.shares_memory(a.data, other) for other in others)
            assert not shared, f"gradient {i} shares memory with an input, the output or another gradient"
    _assert_same("of a second backward pass", _gradients(call, inputs, g, again=True)[1], wanted, noise)


def _check_dtype(call, inputs, g):
    single = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in (*inputs, g)]
    double = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in single]
    noise = 1e-6 * _largest(double)
    exact, wanted = _gradients(call, double[:-1], double[-1])
    for create_graph, words in ((False, ""), (True, " under create_graph")):
        y, found = _gradients(call, single[:-1], single[-1], create_graph)
        _assert_equal("the value in float32", y.data, exact.data, 1e-4, noise)
        assert y.dtype == np.float32, f"of float32 inputs the value is {y.dtype}"
        for i, (gx, right) in enumerate(zip(found, wanted)):
            assert gx.dtype == np.float32, f"of float32 inputs gradient {i}{words} is {gx.dtype}"
            _assert_equal(f"gradient {i}{words} in float32", gx.data, right.data, 1e-3, noise)


def _backwards(x):
    """The values of x, last element first in memory."""
    all_axes = (..., *(slice(None, None, -1) for _ in x.shape))
    return x[all_axes].copy()[all_axes]


def _spread(x):
    """The values of x in every second place of an array that is NaN (or 1) in between, axes in Fortran's order."""
    places = (..., *(slice(None, None, 2) for _ in x.shape))
    view = np.full([2 * n for n in x.shape], np.nan if x.dtype.kind == "f" else 1, x.dtype, order="F")[places]
    view[...] = x
    return view


def _read_only(x):
    x = np.array(x)
    x.flags.writeable = False
    return x


def _largest(arrays):
    return max(np.abs(x).max(initial=0) for x in arrays if x.dtype.kind == "f")


def _assert_same(words, found, wanted, noise):
    __tracebackhide__ = True
    for i, (gx, right) in enumerate(zip(found, wanted)):
        _assert_equal(f"gradient {i} {words}", gx.data, right.data, 1e-10, noise)


def _assert_equal(what, found, expected, rtol, noise=0.0):
    """To the relative error `rtol`, of each element or of the largest one, or to `noise` (where large terms cancel)."""
    __tracebackhide__ = True
    assert found.shape == expected.shape, f"{what} has shape {found.shape}, and should have {expected.shape}"
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    off = ~np.isclose(found, expected, rtol=rtol, atol=rtol * scale + noise, equal_nan=True)
    if off.any():
        index = tuple(int(i) for i in np.argwhere(off)[0])
        raise AssertionError(f"{what} at {list(index)} is {found[index]!r}, and should be {expected[index]!r}")
