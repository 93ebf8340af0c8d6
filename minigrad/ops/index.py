"""x[index], and its adjoint: adding values at an index into zeros."""

from ..autograd import Op
from ..backend import add_at, get_array_module
from ..tensor import Tensor


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


def setitem(x, index, value):
    """x[index] = value is refused: a graph may need the values that it would overwrite."""
    raise TypeError(
        "a Tensor does not support item assignment, because a graph may need the old values: "
        "make a new tensor with where() or cat(), or overwrite a leaf as a whole with copy_()"
    )


def scatter_add(x, index, shape):
    """Zeros of `shape` with x added at `index`."""
    return ScatterAdd(index, shape)(x)
