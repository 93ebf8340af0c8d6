"""Every differentiable primitive: its forward and one gradient per input, beside its formula.

Read `elementwise.py` first. This file re-exports the functions and, in the table at its end, makes them the operators
and methods of Tensor.
"""

import operator

from ..backend import explained
from ..tensor import Tensor, plain
from . import inplace  # attaches zero_, add_, ...
from .conv import conv2d, conv_transpose2d
from .elementwise import (
    abs, add, astype, clamp, clone, cos, div, exp, expm1, leaky_relu, log, log1p, maximum, minimum, mul, neg, pow,
    reciprocal, relu, sigmoid, sign, sin, softplus, sqrt, square, sub, tanh, to, where,
)  # fmt: skip
from .index import chunk, embedding, flip, gather, getitem, one_hot, scatter_add, split
from .linalg import linear, matmul
from .loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, gaussian_kl, l1_loss, mse_loss, nll_loss,
    rmse_loss,
)  # fmt: skip
from .norm import batch_norm, dropout, layer_norm
from .pad import pad
from .pool import avg_pool2d, interpolate, max_pool2d
from .recurrent import lstm, rnn
from .reduce import (
    amax, amin, argmax, argmin, log_softmax, logsumexp, max, mean, min, norm, softmax, std, sum, var,
)  # fmt: skip
from .shape import broadcast_to, cat, flatten, permute, repeat, reshape, squeeze, stack, transpose, unsqueeze

# the functions, all of them imported above; what follows is of methods only
__all__ = [name for name, value in globals().items() if getattr(value, "__module__", "").startswith("minigrad.ops.")]


def _reflected(function):
    """``other - x`` from ``sub``: Python calls x.__rsub__(other)."""

    def reflected(x, other):
        return function(other, x)

    reflected.__doc__ = function.__doc__
    return reflected


def _comparison(compare, symbol):
    """A Tensor of truth values, through which no gradient goes."""

    def comparison(x, y):
        y = plain(y)
        try:
            return Tensor(compare(x.data, y))
        except (TypeError, ValueError) as error:
            raise explained(error, compare.__name__, (x.data, y), broadcasts=True) from error

    comparison.__name__ = compare.__name__
    comparison.__doc__ = f"x {symbol} y, element by element, as truth values; not differentiable."
    return comparison


def _invert(x):
    """True where x is false; not differentiable."""
    return Tensor(~x.data)


def _setitem(x, index, value):
    """x[index] = value is refused: a graph may need the values that it would overwrite."""
    raise TypeError(
        "a Tensor does not support item assignment, because a graph may need the old values: "
        "make a new tensor with where() or cat(), or overwrite a leaf as a whole with copy_()"
    )


def _float(x):
    """x as float32."""
    return astype(x, "float32")


def _double(x):
    """x as float64."""
    return astype(x, "float64")


def _cuda(x):
    """x on the GPU."""
    return to(x, "cuda")


def _cpu(x):
    """x on the host."""
    return to(x, "cpu")


def _reversed_axes(x):
    """xᵀ: the axes in reverse order."""
    return permute(x, tuple(range(x.ndim))[::-1])


for _name, _function in {"add": add, "sub": sub, "mul": mul, "truediv": div, "pow": pow, "matmul": matmul}.items():
    setattr(Tensor, f"__{_name}__", _function)
    setattr(Tensor, f"__r{_name}__", _reflected(_function))
_symbols = {"lt": "<", "le": "<=", "eq": "==", "ne": "!=", "gt": ">", "ge": ">=", "and": "&", "or": "|"}
for _name, _symbol in _symbols.items():
    setattr(Tensor, f"__{_name}__", _comparison(getattr(operator, f"__{_name}__"), _symbol))
for _function in (
    abs, amax, amin, argmax, argmin, astype, broadcast_to, clamp, clone, cos, exp, expm1, flatten, flip, log,
    log1p, log_softmax, logsumexp, max, mean, min, norm, permute, pow, reciprocal, relu, repeat, reshape, sigmoid,
    sign, sin, softmax, sqrt, square, squeeze, std, sum, tanh, to, transpose, unsqueeze, var,
):  # fmt: skip
    setattr(Tensor, _function.__name__, _function)

Tensor.__neg__, Tensor.__abs__, Tensor.__invert__ = neg, abs, _invert
Tensor.__getitem__, Tensor.__setitem__ = getitem, _setitem
Tensor.view, Tensor.expand, Tensor.swapaxes = reshape, broadcast_to, transpose
Tensor.float, Tensor.double, Tensor.cuda, Tensor.cpu = _float, _double, _cuda, _cpu
Tensor.T = property(_reversed_axes)
