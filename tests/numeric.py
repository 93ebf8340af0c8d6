"""Finite differences: the oracle for gradients. Central differences of fourth order, in float64."""

import numpy as np

import minigrad as mg

OFFSETS = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))  # Σ w·f(x + kh) / h = f′(x) + O(h⁴)


def numeric_gradient(f, arrays, i, h=1e-3):
    """∂f/∂arrays[i] for a function of arrays with a float result."""
    x = arrays[i]
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        for k, weight in OFFSETS:
            moved = x.copy()
            moved[index] += k * h
            gradient[index] += weight / h * f(*arrays[:i], moved, *arrays[i + 1 :])
    return gradient


def leaves(arrays):
    return [mg.tensor(a, requires_grad=True) for a in arrays]


def assert_gradients(f, arrays, order=2, rtol=1e-7, seed=0):
    """Every first (and second) derivative of a function of Tensors agrees with finite differences.

    The cotangent is random: under ones, a wrong gradient can cancel.
    """
    rng = np.random.default_rng(seed)
    cotangent = rng.standard_normal(f(*leaves(arrays)).shape)

    def weighed(*xs):
        return (f(*(mg.tensor(x) for x in xs)).data * cotangent).sum()

    expected = [numeric_gradient(weighed, arrays, i) for i in range(len(arrays))]
    xs = leaves(arrays)
    f(*xs).backward(mg.tensor(cotangent))
    for x, e in zip(xs, expected, strict=True):
        assert_close(x.grad.data, e, rtol)

    xs = leaves(arrays)
    recorded = mg.autograd.grad(f(*xs), xs, mg.tensor(cotangent), create_graph=True)
    for g, e in zip(recorded, expected, strict=True):
        assert_close(g.data, e, rtol)
    if order == 2:
        directions = [rng.standard_normal(a.shape) for a in arrays]

        def slope(*xs):
            """The directional derivative, whose gradient is a product with the matrix of second derivatives."""
            gradients = mg.autograd.grad(f(*xs), xs, mg.tensor(cotangent), create_graph=True)
            return mg.stack([(g * mg.tensor(d)).sum() for g, d in zip(gradients, directions, strict=True)]).sum()

        expected = [numeric_gradient(lambda *a: slope(*leaves(a)).item(), arrays, i) for i in range(len(arrays))]
        xs = leaves(arrays)
        y = slope(*xs)
        found = mg.autograd.grad(y, xs, allow_unused=True) if y.requires_grad else [None] * len(xs)
        for x, g, e in zip(xs, found, expected, strict=True):
            assert_close(np.zeros(x.shape) if g is None else g.data, e, 100 * rtol)


def assert_close(found, expected, rtol):
    __tracebackhide__ = True
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * (1 + np.abs(expected).max(initial=0)))
