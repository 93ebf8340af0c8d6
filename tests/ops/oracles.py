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


# ------------------------------------------------------------------ sequences
def one_hot(labels, num_classes):
    return placed((*labels.shape, num_classes), lambda *i: int(labels[i[:-1]] == i[-1])).astype(np.int64)


def rnn(x, h, w_ih, w_hh, b_ih=None, b_hh=None, nonlinearity="tanh"):
    """One number at a time, by the definition."""
    squash = math.tanh if nonlinearity == "tanh" else lambda a: a if a > 0 else 0
    y = np.zeros((x.shape[0], *h.shape))
    for t, b, j in np.ndindex(y.shape):
        y[t, b, j] = squash(_preactivation(x[t, b], y[t - 1, b] if t else h[b], j, w_ih, w_hh, b_ih, b_hh))
    return y


def lstm(x, h, c, w_ih, w_hh, b_ih=None, b_hh=None):
    """One number at a time, by the definition: h of all steps, then the last c."""
    steps, hidden = x.shape[0], h.shape[1]
    y, c = np.zeros((steps + 1, *h.shape)), np.array(c)
    for t, b, j in np.ndindex(steps, *h.shape):
        before = y[t - 1, b] if t else h[b]
        i, f, g, o = (_preactivation(x[t, b], before, gate * hidden + j, w_ih, w_hh, b_ih, b_hh) for gate in range(4))
        c[b, j] = c[b, j] / (1 + math.exp(-f)) + math.tanh(g) / (1 + math.exp(-i))
        y[t, b, j] = math.tanh(c[b, j]) / (1 + math.exp(-o))
    y[steps] = c
    return y


def _preactivation(x, h, row, w_ih, w_hh, b_ih, b_hh):
    terms = [w_ih[row, k] * x[k] for k in range(len(x))] + [w_hh[row, k] * h[k] for k in range(len(h))]
    return math.fsum(terms + ([] if b_ih is None else [b_ih[row], b_hh[row]]))


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


l1 = reduced(lambda x, t: math.fabs(x - t))


def rmse(x, t):
    return np.sqrt(mse(x, t))


# ------------------------------------------------------------------ images
def both(n):
    return n if isinstance(n, tuple) else (n, n)


def steps_over(n, kernel, stride, padding, dilation=1):
    """Along one axis of n pixels, per place of the kernel the coordinates that it meets, which may lie outside."""
    reach = dilation * (kernel - 1)
    return [
        [start + u * dilation for u in range(kernel)]
        for start in range(-padding, n + padding - reach, stride)
    ]  # fmt: skip


def conv2d(x, w, b=None, stride=1, padding=0, dilation=1):
    rows, columns = (
        steps_over(*along)
        for along in zip(x.shape[2:], w.shape[2:], both(stride), both(padding), both(dilation), strict=True)
    )

    def value(n, o, i, j):
        total = 0 if b is None else b[o]
        for c, (u, h), (v, k) in product(range(x.shape[1]), enumerate(rows[i]), enumerate(columns[j])):
            if 0 <= h < x.shape[2] and 0 <= k < x.shape[3]:
                total += x[n, c, h, k] * w[o, c, u, v]
        return total

    return placed((x.shape[0], w.shape[0], len(rows), len(columns)), value)


def conv_transpose2d(x, w, b=None, stride=1, padding=0, output_padding=0, dilation=1):
    (sh, sw), (ph, pw), (eh, ew), (dh, dw) = map(both, (stride, padding, output_padding, dilation))
    (n, _, h, k), (_, c, kh, kw) = x.shape, w.shape
    y = np.zeros((n, c, (h - 1) * sh + dh * (kh - 1) + 1 + eh, (k - 1) * sw + dw * (kw - 1) + 1 + ew))
    for a, o, i, j, to, u, v in np.ndindex((*x.shape, *w.shape[1:])):
        y[a, to, i * sh + u * dh, j * sw + v * dw] += x[a, o, i, j] * w[o, to, u, v]
    y = y[:, :, ph : y.shape[2] - ph, pw : y.shape[3] - pw]
    return y if b is None else y + np.array([[[[value]] for value in b]])


def conv2d_weight_grad(x, y, kernel, stride, dilation):
    w = np.zeros((y.shape[1], x.shape[1], *kernel))
    for n, o, i, j, c, u, v in np.ndindex((*y.shape, x.shape[1], *kernel)):
        w[o, c, u, v] += y[n, o, i, j] * x[n, c, i * stride[0] + u * dilation[0], j * stride[1] + v * dilation[1]]
    return w


def windows(x, kernel_size, stride=None, padding=0):
    """For each place (n, c, i, j) of the window the coordinates (n, c, h, w) in it, row by row."""
    kernel = both(kernel_size)
    along = zip(x.shape[2:], kernel, kernel if stride is None else both(stride), both(padding), strict=True)
    rows, columns = (steps_over(*a) for a in along)
    shape = (*x.shape[:2], len(rows), len(columns))
    return shape, {
        (n, c, i, j): [(n, c, *at) for at in product(rows[i], columns[j])] for n, c, i, j in np.ndindex(shape)
    }


def inside(x, index):
    return all(0 <= i < n for i, n in zip(index, x.shape, strict=True))


def max_pool2d(x, kernel_size, stride=None, padding=0):
    shape, window = windows(x, kernel_size, stride, padding)
    return placed(shape, lambda *at: max(x[i] for i in window[at] if inside(x, i)))


def avg_pool2d(x, kernel_size, stride=None, padding=0):
    shape, window = windows(x, kernel_size, stride, padding)
    return placed(shape, lambda *at: math.fsum(x[i] for i in window[at] if inside(x, i)) / len(window[at]))


def to_winners(g, x, kernel_size, stride):
    z = np.zeros(x.shape)
    for at, indices in windows(x, kernel_size, stride)[1].items():
        z[max(indices, key=lambda i: x[i])] += g[at]
    return z


def from_winners(z, x, kernel_size, stride):
    shape, window = windows(x, kernel_size, stride)
    return placed(shape, lambda *at: z[max(window[at], key=lambda i: x[i])])


def interpolate(x, scale_factor):
    fh, fw = both(scale_factor)
    return placed((*x.shape[:2], x.shape[2] * fh, x.shape[3] * fw), lambda n, c, i, j: x[n, c, i // fh, j // fw])


def per_label(function):
    """`function` of the C numbers of x (N, C, ...) at each place and the label there, averaged, summed or left."""

    def loss(x, labels, reduction="mean"):
        each_one = np.empty(labels.shape)
        for n, *place in np.ndindex(labels.shape):
            each_one[(n, *place)] = function(x[(n, slice(None), *place)].tolist(), labels[(n, *place)])
        return {"mean": mean, "sum": sum, "none": np.array}[reduction](each_one)

    return loss


nll = per_label(lambda xs, label: -xs[label])
cross_entropy = per_label(lambda xs, label: math.log(math.fsum(math.exp(x - xs[label]) for x in xs)))


def gaussian_kl(mu, logvar, reduction="mean"):
    """The integral of q·log(q/p) by Gauss-Hermite quadrature: exact, as log(q/p) is a polynomial of degree 2."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)  # of e^(−t²/2)
    sigma = np.exp(logvar / 2)
    log_ratio = [0.5 * (mu + sigma * t) ** 2 - 0.5 * t * t - logvar / 2 for t in nodes]
    each_one = np.tensordot(weights / math.sqrt(2 * math.pi), np.array(log_ratio), 1)
    per_example = np.array([row.sum() for row in each_one])
    return {"mean": mean, "sum": sum, "none": np.array}[reduction](per_example)


# ------------------------------------------------------------------ normalisation
def _normalized(xs, eps):
    """A list of numbers with mean 0 and variance 1, up to eps."""
    centre = math.fsum(xs) / len(xs)
    return [(x - centre) / math.sqrt(_variance(xs, unbiased=False) + eps) for x in xs]


def batch_norm(x, w=None, b=None, eps=1e-5):
    y = np.empty(x.shape)
    for c in range(x.shape[1]):
        channel = np.array(_normalized(x[:, c].ravel().tolist(), eps)).reshape(x[:, c].shape)
        y[:, c] = channel * (1 if w is None else w[c]) + (0 if b is None else b[c])
    return y


def batch_norm_evaluated(x, mean, var, w=None, b=None, eps=1e-5):
    def element(n, c, *place):
        x_hat = (x[(n, c, *place)] - mean[c]) / math.sqrt(var[c] + eps)
        return x_hat * (1 if w is None else w[c]) + (0 if b is None else b[c])

    return placed(x.shape, element)


def layer_norm(x, normalized_shape, w=None, b=None, eps=1e-5):
    y = np.empty(x.shape)
    for place in np.ndindex(x.shape[: x.ndim - len(normalized_shape)]):
        y[place] = np.array(_normalized(x[place].ravel().tolist(), eps)).reshape(normalized_shape)
    return y * (1 if w is None else w) + (0 if b is None else b)


def dropout(x, p, seed):
    """As many draws as x has elements, in order, each below p with probability p."""
    draws = np.random.default_rng(seed).random(x.size, dtype=np.float32).tolist()
    kept = [value / (1 - p) if u >= p else 0.0 for value, u in zip(x.ravel().tolist(), draws, strict=True)]
    return np.array(kept).reshape(x.shape)
