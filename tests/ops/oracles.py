"""What each op computes, written a second time without the engine: loops over elements, Python's math, scipy.special.

All take arrays and return float64 arrays (or those of their input, where elements only move). Slow, and that is fine.
"""

import math
from itertools import product

import numpy as np
import scipy.special


# ------------------------------------------------------------------ of each element
def each(function):
    """`function` of numbers, applied to every element of arrays that broadcast together."""

    def of_arrays(*xs, **parameters):
        columns = np.broadcast_arrays(*xs)
        y = np.empty(columns[0].shape)
        for index in np.ndindex(y.shape):
            y[index] = function(*(column[index].item() for column in columns), **parameters)
        return y

    return of_arrays


add = each(lambda x, y: x + y)
sub = each(lambda x, y: x - y)
mul = each(lambda x, y: x * y)
div = each(lambda x, y: x / y)
reciprocal = each(lambda x: 1 / x)
neg = each(lambda x: -x)
pow = each(lambda x, y: x**y)
square = each(lambda x: x * x)
sqrt = each(math.sqrt)
abs = each(math.fabs)
sign = each(lambda x: (x > 0) - (x < 0))
exp = each(math.exp)
expm1 = each(math.expm1)
log = each(math.log)
log1p = each(math.log1p)
sin = each(math.sin)
cos = each(math.cos)
tanh = each(math.tanh)
sigmoid = scipy.special.expit
relu = each(lambda x: x if x > 0 else 0)
leaky_relu = each(lambda x, negative_slope: x if x > 0 else negative_slope * x)
softplus = each(lambda x: math.log(1 + math.exp(x)))
maximum = each(lambda x, y: x if x > y else y)
minimum = each(lambda x, y: x if x < y else y)
clamp = each(lambda x, min=-math.inf, max=math.inf: sorted((min, x, max))[1])
where = each(lambda condition, x, y: x if condition else y)
clone = each(lambda x: x)


def to_float32(x):
    return np.array(x, np.float32)


# ------------------------------------------------------------------ over axes
def over(function):
    """`function` of a list of numbers, applied to the elements that share all coordinates but those along `axis`."""

    def of_array(x, axis=None, keepdims=False, **parameters):
        if x.ndim == 0:
            return np.asarray(function([x.item()], **parameters))
        axes = range(x.ndim) if axis is None else [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
        y = np.empty([1 if a in axes else n for a, n in enumerate(x.shape)])
        for index in np.ndindex(y.shape):
            group = x[tuple(slice(None) if a in axes else i for a, i in enumerate(index))]
            y[index] = function(group.ravel().tolist(), **parameters)
        return y if keepdims else y.reshape([n for a, n in enumerate(x.shape) if a not in axes])

    return of_array


def _variance(xs, unbiased=True):
    mean = math.fsum(xs) / len(xs)
    return math.fsum((x - mean) ** 2 for x in xs) / (len(xs) - unbiased)


def _norm(xs, p=2):
    if p == math.inf:
        return max(math.fabs(x) for x in xs)
    return math.fsum(math.fabs(x) ** p for x in xs) ** (1 / p)


sum = over(math.fsum)
mean = over(lambda xs: math.fsum(xs) / len(xs))
var = over(_variance)
std = over(lambda xs, unbiased=True: math.sqrt(_variance(xs, unbiased)))
norm = over(_norm)
amax = over(lambda xs: sorted(xs)[-1])
amin = over(lambda xs: sorted(xs)[0])
argmax = over(lambda xs: max(range(len(xs)), key=xs.__getitem__))
argmin = over(lambda xs: min(range(len(xs)), key=xs.__getitem__))
logsumexp = over(lambda xs: math.log(math.fsum(math.exp(x) for x in xs)))


def softmax(x, axis):
    return scipy.special.softmax(x, axis)


def log_softmax(x, axis):
    return scipy.special.log_softmax(x, axis)


# ------------------------------------------------------------------ elements that move
def placed(shape, source, fill=0.0):
    """The array whose element at each index is source(*index), or `fill` where that is None."""
    y = np.full(shape, fill)
    for index in np.ndindex(y.shape):
        value = source(*index)
        y[index] = fill if value is None else value
    return y


def reshape(x, to):
    return np.array(x.ravel().tolist()).reshape(to)


def flatten(x, start_dim=0, end_dim=-1):
    start, end = (dim % max(x.ndim, 1) for dim in (start_dim, end_dim))
    return reshape(x, (*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :]))


def permute(x, order):
    return placed([x.shape[a] for a in order], lambda *i: x[tuple(i[order.index(a)] for a in range(x.ndim))])


def transpose(x, a, b):
    order = list(range(x.ndim))
    order[a], order[b] = order[b], order[a]
    return permute(x, order)


def broadcast_to(x, to):
    extra = len(to) - x.ndim
    to = [x.shape[a - extra] if n == -1 else n for a, n in enumerate(to)]
    return placed(to, lambda *i: x[tuple(0 if n == 1 else j for n, j in zip(x.shape, i[extra:], strict=True))])


def repeat(x, sizes):
    extra = len(sizes) - x.ndim
    to = [k * n for k, n in zip(sizes, (1,) * extra + x.shape, strict=True)]
    return placed(to, lambda *i: x[tuple(j % n for n, j in zip(x.shape, i[extra:], strict=True))])


def cat(*xs, axis):
    moved = [np.moveaxis(x, axis, 0) for x in xs]
    rows = [row for x in moved for row in x]
    return np.moveaxis(np.array(rows).reshape((len(rows), *moved[0].shape[1:])), 0, axis)


def stack(*xs, axis):
    return np.moveaxis(np.array([x.tolist() for x in xs]).reshape((len(xs), *xs[0].shape)), 0, axis)


def getitem(x, index):
    return np.array(x[index])


def scatter_add(x, rows, shape):
    y = np.zeros(shape)
    for row, i in zip(x, rows.tolist(), strict=True):
        y[i] = [a + b for a, b in zip(y[i].ravel(), row.ravel(), strict=True)] if x.ndim > 1 else y[i] + row
    return y


def gather(x, axis, index):
    axis %= x.ndim
    return placed(index.shape, lambda *i: x[(*i[:axis], index[i], *i[axis + 1 :])])


def flip(x, axes):
    return placed(x.shape, lambda *i: x[tuple(-1 - j if a in axes else j for a, j in enumerate(i))])


def split(x, size, axis):
    return [np.take(x, range(start, min(start + size, x.shape[axis])), axis) for start in range(0, x.shape[axis], size)]


def pad(x, pad, mode, value=0):
    """Each index of y, moved to x's origin, is folded back into x: mirrored, or held at the edge, or outside of it."""
    before, after = ([0] * (x.ndim - len(pad) // 2) + list(pad[end::2])[::-1] for end in (0, 1))

    def folded(i, n):
        if 0 <= i < n:
            return i
        if mode == "constant":
            return None
        return min(max(i, 0), n - 1) if mode == "replicate" else -i if i < 0 else 2 * (n - 1) - i

    def source(*index):
        place = tuple(folded(i - b, n) for i, b, n in zip(index, before, x.shape, strict=True))
        return None if None in place else x[place]

    return placed([b + n + a for b, n, a in zip(before, x.shape, after, strict=True)], source, float(value))


# ------------------------------------------------------------------ products
def matmul(x, y):
    a, b = (x[None] if x.ndim == 1 else x), (y[:, None] if y.ndim == 1 else y)
    stacks = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (np.broadcast_to(m, stacks + m.shape[-2:]) for m in (a, b))
    z = np.zeros(stacks + (a.shape[-2], b.shape[-1]))
    for s in np.ndindex(stacks):
        for i, j, k in product(range(a.shape[-2]), range(b.shape[-1]), range(a.shape[-1])):
            z[(*s, i, j)] += a[(*s, i, k)] * b[(*s, k, j)]
    z = z[..., 0] if y.ndim == 1 else z
    return z if x.ndim > 1 else z[..., 0] if y.ndim == 1 else z[..., 0, :]


def linear(x, w, b=None):
    y = matmul(x, np.ascontiguousarray(w.T))
    return y if b is None else y + b


# ------------------------------------------------------------------ losses
def reduced(function):
    """`function` of an input and a target, its elements averaged, summed or left."""

    def loss(x, t, reduction="mean"):
        each_one = each(function)(x, t)
        return {"mean": mean, "sum": sum, "none": np.array}[reduction](each_one)

    return loss


mse = reduced(lambda x, t: (x - t) ** 2)
bce = reduced(lambda p, t: -t * math.log(p) - (1 - t) * math.log(1 - p))
bce_with_logits = reduced(lambda x, t: t * math.log(1 + math.exp(-x)) + (1 - t) * math.log(1 + math.exp(x)))


def rmse(x, t):
    return np.sqrt(mse(x, t))
