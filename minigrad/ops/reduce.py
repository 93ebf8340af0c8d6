"""Reductions over axes: sums and means, norms, the largest and the smallest; last, logsumexp and softmax.

Axes are NumPy's `axis` and `keepdims`; `dim` and `keepdim` mean the same. The functions that people call follow at the
end.
"""

import math
from typing import NamedTuple

from ..autograd import Op
from ..backend import get_array_module
from ..tensor import Tensor, plain
from .elementwise import abs, astype, exp, named_after, sign
from .index import gather_along
from .shape import axes_of, axis_of, broadcast_to, squeeze, with_dim


class OverAxes(Op):
    """An op over `axis`: None for all axes, or a tuple of them counted from the left"""

    def __init__(self, axis, keepdims=True):
        self.axis, self.keepdims = axis, keepdims

    def kept(self, y, x):
        """y (or g) with the axes that were reduced, of length 1, so that it broadcasts against x."""
        return y.reshape(tuple(1 if self.axis is None or a in self.axis else n for a, n in enumerate(x.shape)))


# ------------------------------------------------------------------ sums and means
class Sum(OverAxes):
    """y = Σ x over `axis` (an int, a tuple, or None for all)

    >>> from minigrad import tensor
    >>> sum(tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """

    def forward(self, x):
        return x.sum(axis=self.axis, keepdims=self.keepdims)

    def grad_x(self, g, y, x):
        return broadcast_to(self.kept(g, x), x.shape)


class Mean(OverAxes):
    """y = (1/n) Σ x over `axis` (an int, a tuple, or None for all), where n elements are averaged"""

    def forward(self, x):
        return x.sum(axis=self.axis, keepdims=self.keepdims) / _count(x, self.axis)

    def grad_x(self, g, y, x):
        return broadcast_to(self.kept(g / _count(x, self.axis), x), x.shape)


class Var(OverAxes):
    """y = Σ (x − x̄)² / (n − ddof) over `axis`, where x̄ is the mean of n elements"""

    def __init__(self, axis, keepdims, ddof):
        super().__init__(axis, keepdims)
        self.ddof = ddof

    def forward(self, x):
        return x.var(axis=self.axis, keepdims=self.keepdims, ddof=self.ddof)

    def grad_x(self, g, y, x):
        g = self.kept(g / (_count(x, self.axis) - self.ddof), x)
        return g * (2 * (x - mean(x, self.axis, True)))  # through x̄ nothing comes: Σ (x − x̄) = 0


# ------------------------------------------------------------------ norms
class Norm(OverAxes):
    """y = √(Σ x²) over `axis`, with gradient 0 at x = 0 (and a finite second one: a gradient penalty needs it)"""

    def forward(self, x):
        return get_array_module(x).sqrt((x * x).sum(axis=self.axis, keepdims=self.keepdims))

    def grad_x(self, g, y, x):
        return self.kept(g / (y + (y == 0)), x) * x


class PNorm(OverAxes):
    """y = (Σ |x|ᵖ)^(1/p) over `axis` for 1 < p < ∞, with gradient 0 at x = 0"""

    def __init__(self, axis, keepdims, p):
        super().__init__(axis, keepdims)
        self.p = p

    def forward(self, x):
        powers = get_array_module(x).abs(x) ** self.p
        return powers.sum(axis=self.axis, keepdims=self.keepdims) ** (1 / self.p)

    def grad_x(self, g, y, x):
        ratio = abs(x) / self.kept(y + (y == 0), x)
        return self.kept(g, x) * sign(x) * ratio ** (self.p - 1)


# ------------------------------------------------------------------ the largest and the smallest
class AMax(OverAxes):
    """y = max x over `axis` (an int, a tuple, or None for all); all x that equal it share the gradient evenly"""

    def forward(self, x):
        return x.max(axis=self.axis, keepdims=self.keepdims)

    def grad_x(self, g, y, x):
        won = astype(x == self.kept(y, x), x.dtype)
        return self.kept(g, x) / sum(won, self.axis, True) * won


class AMin(AMax):
    """y = min x over `axis` (an int, a tuple, or None for all); all x that equal it share the gradient evenly"""

    def forward(self, x):
        return x.min(axis=self.axis, keepdims=self.keepdims)


# ------------------------------------------------------------------ logsumexp and softmax
class LogSumExp(OverAxes):
    """y = log Σ eˣ = m + log Σ e^(x − m) over `axis`, where m = max x: a smooth maximum; no exponential overflows

    >>> from minigrad import tensor
    >>> logsumexp(tensor([-1e4, 1e4]), axis=0)
    tensor(10000.)
    """

    def forward(self, x):
        xp = get_array_module(x)
        m = x.max(axis=self.axis, keepdims=True)
        m = xp.where(xp.isfinite(m), m, 0)  # all −∞: log 0, not ∞ − ∞
        total = xp.exp(x - m).sum(axis=self.axis, keepdims=self.keepdims)
        return m.reshape(total.shape) + xp.log(total)

    def grad_x(self, g, y, x):
        return self.kept(g, x) * Softmax(self.axis)(x)


class Softmax(OverAxes):
    """yᵢ = e^xᵢ / Σⱼ e^xⱼ over `axis`, from x − max x: no exponential overflows"""

    def forward(self, x):
        e = get_array_module(x).exp(x - x.max(axis=self.axis, keepdims=True))
        return e / e.sum(axis=self.axis, keepdims=True)

    def grad_x(self, g, y, x):
        return y * (g - sum(g * y, self.axis, True))  # ∂yⱼ/∂xᵢ = yᵢ·([i = j] − yⱼ)


class LogSoftmax(OverAxes):
    """yᵢ = xᵢ − log Σⱼ e^xⱼ over `axis`, from x − max x: finite where the softmax itself rounds to 0"""

    def forward(self, x):
        xp = get_array_module(x)
        d = x - x.max(axis=self.axis, keepdims=True)
        return d - xp.log(xp.exp(d).sum(axis=self.axis, keepdims=True))

    def grad_x(self, g, y, x):
        return g - exp(y) * sum(g, self.axis, True)  # ∂yⱼ/∂xᵢ = [i = j] − e^yᵢ


# ------------------------------------------------------------------ axes
def _count(x, axis):
    """How many elements of x one reduction over `axis` takes together."""
    return math.prod(x.shape if axis is None else (x.shape[a] for a in axis))


# ------------------------------------------------------------------ what people call
def reduction_of(op):
    """The function that makes a reduction without other parameters and applies it at once."""

    def reduction(x, axis=None, keepdims=False):
        return op(axes_of(reduction.__name__, x, axis), keepdims)(x)

    return with_dim(named_after(op, reduction))


sum, mean, amax, amin, logsumexp = map(reduction_of, (Sum, Mean, AMax, AMin, LogSumExp))


@with_dim
def var(x, axis=None, unbiased=True, keepdims=False):
    """The variance Σ (x − x̄)² / (n − 1) over `axis`; unbiased=False divides by n.

    >>> from minigrad import tensor
    >>> var(tensor([1.0, 2.0, 3.0])), var(tensor([1.0, 2.0, 3.0]), unbiased=False)
    (tensor(1.), tensor(0.6666667))
    """
    axes, ddof = axes_of("var", x, axis), int(unbiased)
    _check_freedom("var", x, axes, ddof)
    return Var(axes, keepdims, ddof)(x)


@with_dim
def std(x, axis=None, unbiased=True, keepdims=False):
    """The standard deviation √var over `axis`; where all x are equal it is 0 and so is its gradient."""
    axes, ddof = axes_of("std", x, axis), int(unbiased)
    _check_freedom("std", x, axes, ddof)
    return Norm(axes, keepdims)(x - mean(x, axes, True)) / math.sqrt(_count(x, axes) - ddof)


def _check_freedom(name, x, axes, ddof):
    n = _count(x, axes)
    if n <= ddof:
        advice = "; unbiased=False divides by n" if n else ""
        raise ValueError(f"{name} of {n} elements (shape {x.shape}) divides by n − {ddof} = {n - ddof}{advice}")


@with_dim
def norm(x, p=2, axis=None, keepdims=False):
    """The norm (Σ |x|ᵖ)^(1/p) over `axis`, p ≥ 1; p = math.inf is max |x|. Its gradient at x = 0 is 0."""
    if p == 1:
        return sum(abs(x), axis, keepdims)
    if p == 2:
        return Norm(axes_of("norm", x, axis), keepdims)(x)
    if p == math.inf:
        return amax(abs(x), axis, keepdims)
    if isinstance(p, (int, float)) and p > 1:
        return PNorm(axes_of("norm", x, axis), keepdims, float(p))(x)
    raise ValueError(f"norm: p is a number from 1 up, or math.inf, not {p!r}; below 1 it is no norm")


class Extremes(NamedTuple):
    """What max and min along an axis return: the values, and where they stand on that axis (int64, no gradient)."""

    values: Tensor
    indices: Tensor


@with_dim
def max(x, axis=None, keepdims=False):
    """The largest of all x; with an axis (values, indices), of which the first winner gets the whole gradient.

    >>> from minigrad import tensor
    >>> values, indices = max(tensor([[1.0, 5.0], [7.0, 7.0]]), axis=1)
    >>> values, indices
    (tensor([5., 7.]), tensor([1, 0]))
    """
    return amax(x, None, keepdims) if axis is None else _extremes("max", argmax, x, axis, keepdims)


@with_dim
def min(x, axis=None, keepdims=False):
    """The smallest of all x; with an axis (values, indices), of which the first winner gets the whole gradient."""
    return amin(x, None, keepdims) if axis is None else _extremes("min", argmin, x, axis, keepdims)


def _extremes(name, where, x, axis, keepdims):
    if not hasattr(axis, "__index__"):
        advice = f"over several axes there is a{name}, between two tensors {name}imum"
        raise TypeError(f"{name} takes one axis, an integer, not {axis!r:.60}: {advice}")
    axis = axis_of(name, x, axis)
    indices = where(x, axis, keepdims=True)
    both = Extremes(gather_along(x, axis, indices), indices)
    return both if keepdims or not x.ndim else Extremes(*(squeeze(part, axis) for part in both))


@with_dim
def argmax(x, axis=None, keepdims=False):
    """Where the largest stands along `axis`, or in the flattened x; the first of equals. It is not differentiable."""
    return _position("argmax", x, axis, keepdims)


@with_dim
def argmin(x, axis=None, keepdims=False):
    """Where the smallest stands along `axis`, or in the flattened x; the first of equals. It is not differentiable."""
    return _position("argmin", x, axis, keepdims)


def _position(name, x, axis, keepdims):
    array = plain(x)
    axis = axis if axis is None else axis_of(name, x, axis)
    try:
        indices = getattr(get_array_module(array), name)(array, axis=axis, keepdims=keepdims)
    except ValueError as error:
        raise ValueError(f"{name} of shape {x.shape}: {error}") from None
    return Tensor(indices) if isinstance(x, Tensor) else indices


@with_dim
def softmax(x, axis):
    """eˣ / Σ eˣ along `axis`: logits to probabilities that sum to 1.

    >>> from minigrad import tensor
    >>> softmax(tensor([[0.0, 0.0], [1000.0, 0.0]]), axis=1)
    tensor([[0.5, 0.5],
            [1. , 0. ]])
    """
    return Softmax(axes_of("softmax", x, axis))(x)


@with_dim
def log_softmax(x, axis):
    """x − log Σ eˣ along `axis`: the logarithm of softmax, exact where the softmax itself would round to 0."""
    return LogSoftmax(axes_of("log_softmax", x, axis))(x)
