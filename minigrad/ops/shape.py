"""Ops that move elements without changing them; each one's gradient moves them back."""

import builtins
import functools
import math

from ..autograd import Op
from ..backend import get_array_module


class Reshape(Op):
    """y = x with its elements, in order, in another shape; the gradient lies in memory as x does"""

    def __init__(self, shape, like=None):
        self.shape, self.like = shape, like

    def forward(self, x):
        y = x.reshape(self.shape)
        if self.like is not None and not self.like.flags.c_contiguous:  # images are often channels-last, see conv.py
            y, same = get_array_module(x).empty_like(self.like, dtype=x.dtype), y
            y[...] = same
        self.like = x
        return y

    def grad_x(self, g, y, x):
        return Reshape(x.shape, self.like)(g)


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
        start = builtins.sum(x.shape[self.axis] for x in xs[:i])
        return g[(slice(None),) * self.axis + (slice(start, start + xs[i].shape[self.axis]),)]


# ------------------------------------------------------------------ axes
def with_dim(function):
    """Accept PyTorch's ``dim`` and ``keepdim`` for NumPy's ``axis`` and ``keepdims``."""

    @functools.wraps(function)
    def accepting(x, *args, **kwargs):
        if kwargs:
            kwargs = {{"dim": "axis", "keepdim": "keepdims"}.get(name, name): value for name, value in kwargs.items()}
        return function(x, *args, **kwargs)

    return accepting


def axis_of(name, x, axis, new=0):
    """`axis` counted from the left, if a tensor of x's shape and `new` more axes has it; a number counts as 1-d."""
    ndim = max(x.ndim + new, 1)
    if not hasattr(axis, "__index__"):
        raise TypeError(f"{name}: an axis is an integer, not {axis!r:.60}")
    if not -ndim <= axis < ndim:
        raise IndexError(f"{name}: there is no axis {axis} in a tensor of shape {x.shape}")
    return axis % ndim


def axes_of(name, x, axes):
    """`axes`, one or several, as a tuple counted from the left; None, which means all, stays None."""
    if axes is None:
        return None
    axes = tuple(axis_of(name, x, a) for a in (axes if isinstance(axes, (tuple, list)) else (axes,)))
    return axes if x.ndim else ()


def _shape(args):
    """(2, 3) from f(2, 3), f((2, 3)) and f([2, 3])."""
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], (tuple, list)) else args


# ------------------------------------------------------------------ what people call
def reshape(x, *shape):
    """x in another shape; one length may be -1 and is worked out."""
    return Reshape(_shape(shape))(x)


def flatten(x, start_dim=0, end_dim=-1):
    """The axes from `start_dim` to `end_dim` made into one."""
    start, end = axis_of("flatten", x, start_dim), axis_of("flatten", x, end_dim)
    if start > end:
        raise ValueError(f"flatten: axis {start_dim} comes after axis {end_dim} in shape {x.shape}")
    return reshape(x, x.shape[:start] + (math.prod(x.shape[start : end + 1]),) + x.shape[end + 1 :])


@with_dim
def squeeze(x, axis=None):
    """x without its axes of length 1, or without `axis` if that has length 1."""
    axes = axes_of("squeeze", x, axis)
    return reshape(x, tuple(n for a, n in enumerate(x.shape) if n != 1 or axes is not None and a not in axes))


@with_dim
def unsqueeze(x, axis):
    """x with a new axis of length 1 at position `axis`."""
    axis = axis_of("unsqueeze", x, axis, new=1)
    return reshape(x, x.shape[:axis] + (1,) + x.shape[axis:])


def permute(x, *order):
    """x with its axes in the given order."""
    order = _shape(order)
    axes = tuple(axis_of("permute", x, a) for a in order)
    if sorted(axes) != list(range(x.ndim)):
        raise ValueError(f"permute: {order} does not name each of the {x.ndim} axes of shape {x.shape} once")
    return Permute(axes)(x)


def transpose(x, a, b):
    """x with the axes a and b exchanged (PyTorch's meaning; `permute` takes a whole order)."""
    order = list(range(x.ndim))
    a, b = axis_of("transpose", x, a), axis_of("transpose", x, b)
    if order:
        order[a], order[b] = order[b], order[a]
    return Permute(tuple(order))(x)


def broadcast_to(x, *shape):
    """x repeated to `shape` as broadcasting would; -1 keeps a length."""
    shape = _shape(shape)
    if len(shape) < x.ndim:
        raise ValueError(f"broadcast_to: {shape} has fewer axes than the tensor of shape {x.shape}")
    kept = (1,) * (len(shape) - x.ndim) + x.shape
    return BroadcastTo(tuple(m if n == -1 else n for n, m in zip(shape, kept)))(x)


def repeat(x, *sizes):
    """x laid side by side as often as `sizes` say, from the last axis back (PyTorch's meaning; NumPy's is `tile`).

    >>> from minigrad import tensor
    >>> repeat(tensor([1, 2]), 2, 3)
    tensor([[1, 2, 1, 2, 1, 2],
            [1, 2, 1, 2, 1, 2]])
    """
    sizes = _shape(sizes)
    if len(sizes) < x.ndim or min(sizes, default=0) < 0:
        raise ValueError(f"repeat: {sizes} must say how often, at least 0 times, for each axis of shape {x.shape}")
    shape = (1,) * (len(sizes) - x.ndim) + x.shape
    single = reshape(x, tuple(m for n in shape for m in (1, n)))  # (1, n, 1, n, ...)
    copies = BroadcastTo(tuple(m for pair in zip(sizes, shape) for m in pair))(single)  # (times, n, times, n, ...)
    return reshape(copies, tuple(times * n for times, n in zip(sizes, shape)))


@with_dim
def cat(tensors, axis=0):
    """The tensors one after another along an axis that exists."""
    if not len(tensors) or not all(hasattr(x, "shape") for x in tensors):
        raise ValueError(f"cat and stack take a list of at least one tensor, and of tensors only, not {tensors!r:.60}")
    return Concatenate(axis_of("cat", tensors[0], axis))(*tensors)


@with_dim
def stack(tensors, axis=0):
    """The tensors, all of one shape, side by side along a new axis."""
    return cat([unsqueeze(x, axis) if hasattr(x, "shape") else x for x in tensors], axis)
