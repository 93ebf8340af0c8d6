"""Matrix products: `matmul`, and the dense layer's `linear`."""

import math

from ..autograd import Op
from .reduce import sum
from .shape import transpose


class MatMul(Op):
    """Z = X Y, for matrices or stacks of them: (..., m, k) @ (..., k, n) → (..., m, n)"""

    broadcasts = True

    def forward(self, x, y):
        return x @ y

    def grad_x(self, g, z, x, y):
        return g @ transpose(y, -2, -1)

    def grad_y(self, g, z, x, y):
        return transpose(x, -2, -1) @ g


class Linear(Op):
    """Y = X Wᵀ + b, for rows of features: (..., in) · (out, in)ᵀ + (out,) → (..., out); b may be None"""

    def forward(self, x, w, b):
        y = _rows(x) @ w.T
        if b is not None:
            y += b
        return y.reshape(x.shape[:-1] + (w.shape[0],))

    def grad_x(self, g, y, x, w, b):
        return (_rows(g) @ w).reshape(x.shape)

    def grad_w(self, g, y, x, w, b):
        return transpose(_rows(g), 0, 1) @ _rows(x)

    def grad_b(self, g, y, x, w, b):
        return sum(_rows(g), 0)


def _rows(x):
    """(..., n) as a matrix (rows, n)."""
    return x if x.ndim == 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


def matmul(x, y):
    """The matrix product, batched and broadcast over leading axes; a vector counts as a row left, as a column right.

    >>> from minigrad import ones
    >>> matmul(ones(2, 3), ones(5, 3, 4)).shape
    (5, 2, 4)
    """
    a, b = getattr(x, "shape", ()), getattr(y, "shape", ())
    if not a or not b or a[-1] != b[-2:][0]:
        raise ValueError(
            f"matmul: shapes {a} @ {b} do not multiply: the last axis of the first "
            "must be as long as the second-to-last (a vector's only) axis of the second"
        )
    if x.ndim > 1 and y.ndim > 1:
        return MatMul()(x, y)
    z = MatMul()(x.reshape((1, -1)) if x.ndim == 1 else x, y.reshape((-1, 1)) if y.ndim == 1 else y)
    shape = z.shape if y.ndim > 1 else z.shape[:-1]
    return z.reshape(shape if x.ndim > 1 else shape[:-2] + shape[-1:] if y.ndim > 1 else shape[:-1])


def linear(x, weight, bias=None):
    """X Wᵀ + b: x (..., in), weight (out, in), bias (out,) or None → (..., out)."""
    if not hasattr(x, "ndim"):
        raise TypeError(f"linear takes a tensor, not a {type(x).__name__}; a batch is a tuple: for (x,) in loader")
    if x.ndim == 0 or x.shape[-1] != weight.shape[-1]:
        raise ValueError(
            f"linear: the input of shape {x.shape} should have {weight.shape[-1]} features on its last axis, "
            f"as the weight of shape {weight.shape} (out, in) takes them"
            + (": flatten(1) makes them one axis" if math.prod(x.shape[1:]) == weight.shape[-1] else "")
        )
    return Linear()(x, weight, bias)
