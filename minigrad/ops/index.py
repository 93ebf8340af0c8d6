"""x[index], and its adjoint: adding values at an index into zeros. Split, chunk, flip and gather are such indexings."""

import itertools

import numpy as np

from ..autograd import Op
from ..backend import add_at, get_array_module
from ..tensor import Tensor, plain, to_array
from .shape import _shape, axes_of, axis_of, with_dim


class GetItem(Op):
    """y = x[index], for slices, integers, None, ..., masks and integer arrays"""

    def __init__(self, index):
        self.index = index

    def forward(self, x):
        return x[self.index]

    def grad_x(self, g, y, x):
        return scatter_add(g, self.index, x.shape)


class ScatterAdd(Op):
    """y = zeros of `shape` with x added at the index, once for each time the index names a place"""

    def __init__(self, index, shape):
        self.index, self.shape = index, shape

    def forward(self, x):
        y = get_array_module(x).zeros(self.shape, x.dtype)
        add_at(y, self.index, x)
        return y

    def grad_x(self, g, y, x):
        return getitem(g, self.index)


def getitem(x, index):
    """x[index]; an element named twice receives both gradients."""
    parts = index if isinstance(index, tuple) else (index,)
    parts = tuple(part.data if isinstance(part, Tensor) else part for part in parts)
    return GetItem(parts if isinstance(index, tuple) else parts[0])(x)


def scatter_add(x, index, shape):
    """Zeros of `shape` with x added at `index`."""
    return ScatterAdd(index, shape)(x)


@with_dim
def split(x, split_size_or_sections, axis=0):
    """x cut along `axis` into pieces of the one size, of which the last may be shorter, or of the listed sizes.

    >>> from minigrad import arange
    >>> split(arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    axis, sizes = axis_of("split", x, axis), split_size_or_sections
    if x.ndim == 0:
        raise ValueError("split: a 0-d tensor has no axis to cut")
    n = x.shape[axis]
    if hasattr(sizes, "__index__"):
        if sizes < 1:
            raise ValueError(f"split: pieces have a length of at least 1, not {sizes}")
        sizes = [min(sizes, n - start) for start in range(0, max(n, 1), sizes)]
    if sum(sizes) != n or min(sizes, default=0) < 0:
        raise ValueError(f"split: the sizes {tuple(sizes)} do not add up to the {n} of axis {axis} in shape {x.shape}")
    stops = itertools.accumulate(sizes)
    return tuple(getitem(x, along(axis, slice(stop - size, stop))) for size, stop in zip(sizes, stops))


@with_dim
def chunk(x, chunks, axis=0):
    """x cut along `axis` into at most `chunks` pieces of equal length, of which the last may be shorter."""
    if chunks < 1:
        raise ValueError(f"chunk: there is at least 1 chunk, not {chunks}")
    axis = axis_of("chunk", x, axis)
    return split(x, max(-(-x.shape[axis] // chunks), 1) if x.ndim else 1, axis)


def flip(x, *axes):
    """x with its order reversed along the given axes."""
    axes = axes_of("flip", x, _shape(axes))
    return getitem(x, tuple(slice(None, None, -1 if a in axes else None) for a in range(x.ndim)))


@with_dim
def gather(x, axis, index):
    """One element of x per element of `index`, which says where along `axis`; the other coordinates are its own.

    y[i, j] = x[index[i, j], j] for axis 0, y[i, j] = x[i, index[i, j]] for axis 1; y has the shape of the index, which
    may be shorter than x along the other axes. An element gathered twice receives both gradients.

    >>> from minigrad import tensor
    >>> log_p, labels = tensor([[-0.1, -2.4], [-1.6, -0.2]]), tensor([[0], [1]])
    >>> gather(log_p, 1, labels)
    tensor([[-0.1],
            [-0.2]])
    """
    axis, index = axis_of("gather", x, axis), integers("gather", index)
    fits = len(index.shape) == x.ndim and all(m <= k or a == axis for a, (m, k) in enumerate(zip(index.shape, x.shape)))
    if not fits:
        raise ValueError(
            f"gather: the index of shape {index.shape} must have as many axes as x of shape {x.shape} "
            f"and be no longer than it except along axis {axis}"
        )
    check_range("gather", index, x.shape[axis] if x.ndim else 1, f"axis {axis} of shape {x.shape}")
    return gather_along(x, axis, index)


def gather_along(x, axis, index):
    """`gather` with an index that is known to be right."""
    index = plain(index)
    xp = get_array_module(index)
    grid = [xp.arange(n).reshape((-1,) + (1,) * (x.ndim - a - 1)) for a, n in enumerate(index.shape)]
    grid[axis : axis + 1] = [index] if x.ndim else []
    return getitem(x, tuple(grid))


def along(axis, part):
    """The index of a part of one axis and all of the others."""
    return (slice(None),) * axis + (part,)


def embedding(input, weight):
    """Row i of weight (n, features) for each integer i of the input (...) → (..., features)."""
    rows = integers("embedding", input)
    check_range("embedding", rows, weight.shape[0], f"the table of shape {weight.shape}")
    return getitem(weight, rows)


def one_hot(tensor, num_classes=-1):
    """1 at place i and 0 elsewhere for each integer i of (...) → (..., num_classes), int64; -1 means the largest + 1.

    >>> one_hot(np.array([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    labels = integers("one_hot", tensor)
    if num_classes == -1:
        num_classes = int(labels.max()) + 1
    check_range("one_hot", labels, num_classes, f"num_classes={num_classes}")
    classes = get_array_module(labels).arange(num_classes)
    return Tensor((labels[..., None] == classes).astype(np.int64))


# ------------------------------------------------------------------ checks
def integers(name, index):
    """The array of an index or of labels."""
    index = to_array(index)
    if index.dtype.kind not in "iu":
        raise TypeError(f"{name} takes integers, not {index.dtype}; of one-hot rows argmax(1) gives them")
    return index


def check_range(name, index, n, what):
    """On the host only: on a device a look at the values would cost a transfer."""
    if isinstance(index, np.ndarray) and index.size and not 0 <= index.min() <= index.max() < n:
        raise IndexError(f"{name}: the index spans [{index.min()}, {index.max()}], and these fit {what}: 0 to {n - 1}")
