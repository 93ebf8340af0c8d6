"""Reductions over axes: sum, mean, norm. Axes are NumPy's `axis` and `keepdims`; `dim` and `keepdim` mean the same."""

import math

from ..autograd import Op
from ..backend import get_array_module
from .elementwise import abs
from .shape import axis_of, broadcast_to, with_dim


class Sum(Op):
    """y = Σ x over `axis`"""

    def __init__(self, axis, keepdims):
        self.axis, self.keepdims = axis, keepdims

    def forward(self, x):
        return x.sum(axis=self.axis, keepdims=self.keepdims)

    def grad_x(self, g, y, x):
        return broadcast_to(g.reshape(kept_shape(x.shape, self.axis)), x.shape)


class Mean(Op):
    """y = (1/n) Σ x over `axis`, where n elements are averaged"""

    def __init__(self, axis, keepdims):
        self.axis, self.keepdims = axis, keepdims

    def forward(self, x):
        return x.sum(axis=self.axis, keepdims=self.keepdims) / self.count(x)

    def count(self, x):
        return math.prod(x.shape if self.axis is None else (x.shape[a] for a in self.axis))

    def grad_x(self, g, y, x):
        return broadcast_to((g / self.count(x)).reshape(kept_shape(x.shape, self.axis)), x.shape)


class Norm(Op):
    """y = √(Σ x²) over `axis`, with gradient 0 at x = 0 (and a finite second one: a gradient penalty needs it)"""

    def __init__(self, axis, keepdims):
        self.axis, self.keepdims = axis, keepdims

    def forward(self, x):
        return get_array_module(x).sqrt((x * x).sum(axis=self.axis, keepdims=self.keepdims))

    def grad_x(self, g, y, x):
        kept = kept_shape(x.shape, self.axis)
        return (g / (y + (y == 0))).reshape(kept) * x


def kept_shape(shape, axis):
    """The shape that a reduction over the axes leaves with keepdims: 1 along each of them; None means all."""
    return tuple(1 if axis is None or a in axis else n for a, n in enumerate(shape))


def _axes(name, x, axis):
    """`axis` as None or a tuple of axes from the left."""
    if axis is None:
        return None
    axes = tuple(axis_of(name, x, a) for a in (axis if isinstance(axis, (tuple, list)) else (axis,)))
    return axes if x.ndim else ()


@with_dim
def sum(x, axis=None, keepdims=False):
    """The sum over `axis` (an int, a tuple, or None for all).

    >>> from minigrad import tensor
    >>> sum(tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    return Sum(_axes("sum", x, axis), keepdims)(x)


@with_dim
def mean(x, axis=None, keepdims=False):
    """The mean over `axis` (an int, a tuple, or None for all)."""
    return Mean(_axes("mean", x, axis), keepdims)(x)


@with_dim
def norm(x, p=2, axis=None, keepdims=False):
    """The norm (Σ |x|ᵖ)^(1/p) over `axis`, for p = 2 (Euclidean) or 1 (sum of absolute values)."""
    if p == 1:
        return sum(abs(x), axis, keepdims)
    if p == 2:
        return Norm(_axes("norm", x, axis), keepdims)(x)
    raise ValueError(f"norm: p is 1 or 2, not {p}")
