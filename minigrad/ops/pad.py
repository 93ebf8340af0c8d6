"""Padding: a constant around x, or x itself continued over its edges."""

from ..autograd import Op
from ..backend import get_array_module
from .index import along, flip, getitem
from .shape import broadcast_to, cat


class Pad(Op):
    """y = x inside a margin of `value`, with `margins` (before, after) of each axis; a negative one cuts off instead"""

    def __init__(self, margins, value):
        self.margins, self.value = margins, value

    def forward(self, x):
        kept = tuple(slice(max(-before, 0), n + min(after, 0)) for n, (before, after) in zip(x.shape, self.margins))
        x = x[kept]
        added = [(max(before, 0), max(after, 0)) for before, after in self.margins]
        if not any(map(any, added)):
            return x
        shape = tuple(before + n + after for (before, after), n in zip(added, x.shape))
        y = get_array_module(x).full_like(x, self.value, shape=shape)  # in x's memory layout
        y[tuple(slice(before, before + n) for (before, _), n in zip(added, x.shape))] = x
        return y

    def grad_x(self, g, y, x):
        return Pad(tuple((-before, -after) for before, after in self.margins), 0)(g)


def pad(x, pad, mode="constant", value=0):
    """x with `pad` = (left, right, top, bottom, ...) more elements at both ends of its last axes, the very last first.

    `mode` says which: "constant", the value; "reflect", x mirrored at its first and last element, which are not
    repeated; "replicate", those two elements. A negative amount, with which PyTorch crops, is refused: index instead.

    >>> from minigrad import tensor
    >>> pad(tensor([1, 2, 3]), (2, 1)), pad(tensor([1, 2, 3]), (2, 1), "reflect")
    (tensor([0, 0, 1, 2, 3, 0]), tensor([3, 2, 1, 2, 3, 2]))
    """
    pad = tuple(pad)
    if len(pad) % 2 or len(pad) > 2 * x.ndim:
        raise ValueError(f"pad: {pad} must have two amounts for each of at most {x.ndim} axes of shape {x.shape}")
    if min(pad, default=0) < 0:
        raise ValueError(f"pad: {pad} must not be negative; to crop, index: x[..., 1:-1]")
    margins = ((0, 0),) * (x.ndim - len(pad) // 2) + tuple(zip(pad[::2], pad[1::2]))[::-1]
    if mode == "constant":
        return Pad(margins, value)(x)
    if mode not in _PARTS:
        raise ValueError(f'pad: the mode is "constant", "reflect" or "replicate", not {mode!r}')
    for axis, (before, after) in enumerate(margins):
        if before or after:
            x = cat(_PARTS[mode](x, axis, before, after), axis)
    return x


def _reflected(x, axis, before, after):
    """x between its mirror images in the first and the last element."""
    n = x.shape[axis]
    if max(before, after) >= n:
        raise ValueError(
            f"pad: reflect of ({before}, {after}) needs an axis of at least {max(before, after) + 1}, "
            f"and axis {axis} of shape {x.shape} has {n}: it mirrors around the edge, which it does not repeat"
        )
    left, right = slice(1, 1 + before), slice(n - 1 - after, n - 1)
    return flip(getitem(x, along(axis, left)), axis), x, flip(getitem(x, along(axis, right)), axis)


def _replicated(x, axis, before, after):
    """x between copies of its first and of its last element."""
    n = x.shape[axis]
    if n == 0:
        raise ValueError(f"pad: axis {axis} of shape {x.shape} is empty and has no edge to replicate")

    def copies(edge, times):
        return broadcast_to(getitem(x, along(axis, edge)), x.shape[:axis] + (times,) + x.shape[axis + 1 :])

    return copies(slice(0, 1), before), x, copies(slice(n - 1, n), after)


_PARTS = {"reflect": _reflected, "replicate": _replicated}
