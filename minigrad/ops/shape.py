"""Ops that move elements without changing them; each one's gradient moves them back."""

import builtins
import math

from ..autograd import Op
from ..backend import get_array_module


class Reshape(Op):
    """y = x with its elements, in order, in another shape"""

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        return x.reshape(self.shape)

    def grad_x(self, g, y, x):
        return g.reshape(x.shape)


class Permute(Op):
    """y = x with its axes in another order: axis i of y is axis order[i] of x"""

    def __init__(self, order):
        self.order = order

    def forward(self, x):
        return x.transpose(self.order)

    def grad_x(self, g, y, x):
        return permute(g, tuple(sorted(range(len(self.order)), key=self.order.__getitem__)))  # the inverse order


class BroadcastTo(Op):
    """y = x repeated along new axes and along axes of length 1 (a view); the engine sums the gradient back"""

    broadcasts = True

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        return get_array_module(x).broadcast_to(x, self.shape)

    def grad_x(self, g, y, x):
        return g


class Concatenate(Op):
    """y = the xs one after another along `axis`"""

    def __init__(self, axis):
        self.axis = axis

    def forward(self, *xs):
        return get_array_module(*xs).concatenate(xs, axis=self.axis)

    def grad_xs(self, g, y, *xs, i):
        axis = self.axis % g.ndim
        start = builtins.sum(x.shape[axis] for x in xs[:i])
        return g[(slice(None),) * axis + (slice(start, start + xs[i].shape[axis]),)]


# ------------------------------------------------------------------ what people call
def _shape(args):
    """(2, 3) from f(2, 3), f((2, 3)) and f([2, 3])."""
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], (tuple, list)) else args


def reshape(x, *shape):
    """x in another shape; one length may be -1 and is worked out."""
    return Reshape(_shape(shape))(x)


def flatten(x, start_dim=0, end_dim=-1):
    """The axes from `start_dim` to `end_dim` made into one."""
    shape, ndim = x.shape, x.ndim
    if ndim == 0:
        return reshape(x, (1,))
    start, end = start_dim % ndim, end_dim % ndim
    return reshape(x, shape[:start] + (math.prod(shape[start : end + 1]),) + shape[end + 1 :])


def squeeze(x, axis=None):
    """x without its axes of length 1, or without `axis` if that has length 1."""
    axes = range(x.ndim) if axis is None else [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    return reshape(x, tuple(n for a, n in enumerate(x.shape) if n != 1 or a not in axes))


def unsqueeze(x, axis):
    """x with a new axis of length 1 at position `axis`."""
    axis %= x.ndim + 1
    return reshape(x, x.shape[:axis] + (1,) + x.shape[axis:])


def permute(x, *order):
    """x with its axes in the given order."""
    order = _shape(order)
    if sorted(a % x.ndim for a in order) != list(range(x.ndim)):
        raise ValueError(f"permute: {order} does not name each of the {x.ndim} axes of shape {x.shape} once")
    return Permute(tuple(a % x.ndim for a in order))(x)


def transpose(x, a, b):
    """x with the axes a and b exchanged (PyTorch's meaning; `permute` takes a whole order)."""
    order = list(range(x.ndim))
    order[a], order[b] = order[b], order[a]
    return Permute(tuple(order))(x)


def reverse_axes(x):
    """xᵀ: the axes in reverse order."""
    return Permute(tuple(range(x.ndim))[::-1])(x)


def broadcast_to(x, *shape):
    """x repeated to `shape` as broadcasting would; -1 keeps a length."""
    shape = _shape(shape)
    if -1 in shape:
        shape = tuple(x.shape[i - len(shape)] if n == -1 else n for i, n in enumerate(shape))
    return BroadcastTo(shape)(x)


def cat(tensors, axis=0):
    """The tensors one after another along an axis that exists."""
    return Concatenate(axis)(*tensors)


def stack(tensors, axis=0):
    """The tensors, all of one shape, side by side along a new axis."""
    return Concatenate(axis)(*(unsqueeze(x, axis) for x in tensors))
