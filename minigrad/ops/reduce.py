"""Reductions over axes: sum, mean, norm. Axes are NumPy's `axis` and `keepdims`; `dim` and `keepdim` mean the same."""

import functools
import math

from ..autograd import Op
from ..backend import get_array_module
from .shape import broadcast_to


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
        return x.mean(axis=self.axis, keepdims=self.keepdims)

    def grad_x(self, g, y, x):
        kept = kept_shape(x.shape, self.axis)
        n = math.prod(length for length, left in zip(x.shape, kept) if left == 1)
        return broadcast_to((g / n).reshape(kept), x.shape)


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
    """The shape that a reduction over `axis` leaves with keepdims: 1 along each reduced axis."""
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    reduced = {a % len(shape) for a in axes} if shape else ()
    return tuple(1 if a in reduced else n for a, n in enumerate(shape))


def with_dim(function):
    """Accept PyTorch's ``dim`` and ``keepdim`` for NumPy's ``axis`` and ``keepdims``."""

    @functools.wraps(function)
    def accepting(x, *args, **kwargs):
        if kwargs:
            kwargs = {{"dim": "axis", "keepdim": "keepdims"}.get(name, name): value for name, value in kwargs.items()}
        return function(x, *args, **kwargs)

    return accepting


def _checked(name, x, axis):
    """`axis` as an int, a tuple or None, each inside x."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    for a in () if axis is None else axis if isinstance(axis, tuple) else (axis,):
        if not -x.ndim <= a < max(x.ndim, 1):
            raise IndexError(f"{name}: axis {a} is outside a tensor of shape {x.shape}, which has {x.ndim} axes")
    return axis


@with_dim
def sum(x, axis=None, keepdims=False):
    """The sum over `axis` (an int, a tuple, or None for all).

    >>> from minigrad import tensor
    >>> sum(tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    return Sum(_checked("sum", x, axis), keepdims)(x)


@with_dim
def mean(x, axis=None, keepdims=False):
    """The mean over `axis` (an int, a tuple, or None for all)."""
    return Mean(_checked("mean", x, axis), keepdims)(x)


@with_dim
def norm(x, axis=None, keepdims=False):
    """The Euclidean norm over `axis` (an int, a tuple, or None for all)."""
    return Norm(_checked("norm", x, axis), keepdims)(x)
