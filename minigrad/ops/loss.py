"""Losses: each an op on single elements or examples, then a `reduction`: "mean" over all of them, "sum", or "none"."""

import math

import numpy as np

from ..autograd import Op
from ..backend import get_array_module
from ..tensor import plain
from .elementwise import abs, clamp, exp_minus_abs, expm1, log, maximum, sigmoid_from_exp, softplus
from .index import check_range, getitem, integers
from .reduce import logsumexp, mean, norm, sum

TINY = 1e-45  # rounds to the smallest positive float32; its logarithm is below −100


class SquaredError(Op):
    """L = (x − t)²"""

    def forward(self, x, t):
        d = x - t
        return d * d

    def grad_x(self, g, loss, x, t):
        return g * (2 * (x - t))

    def grad_t(self, g, loss, x, t):
        return g * (2 * (t - x))


class BinaryCrossEntropy(Op):
    """L = −t·log p − (1 − t)·log(1 − p) for probabilities p, with each logarithm held above −100"""

    def forward(self, p, t):
        xp = get_array_module(p)
        log_p, log_q = (xp.maximum(xp.log(xp.maximum(q, TINY)), -100) for q in (p, 1 - p))
        return (t - 1) * log_q - t * log_p

    def grad_p(self, g, loss, p, t):
        return g * ((p - t) / maximum(p * (1 - p), 1e-12))

    def grad_t(self, g, loss, p, t):
        return g * (clamp(log(maximum(1 - p, TINY)), -100) - clamp(log(maximum(p, TINY)), -100))


class BCEWithLogits(Op):
    """L = −t·log σ(x) − (1 − t)·log(1 − σ(x)) = max(x, 0) − x·t + log(1 + e^−|x|), finite for every logit x"""

    def forward(self, x, t):
        xp = get_array_module(x)
        self.e = exp_minus_abs(x)
        return xp.maximum(x, 0) - x * t + xp.log1p(self.e)

    def grad_x(self, g, loss, x, t):
        return g * (sigmoid_from_exp(x, self.e) - t)

    def grad_t(self, g, loss, x, t):
        return -g * x

    def reference(self, x, t):
        return softplus(x) - x * t


class CrossEntropy(Op):
    """L = −log softmax(x) at the label = log Σ eˣ − x[label], the sum over axis 1 of logits x (N, C, ...)

    `places` is the index of every example's label: x[places] is (N, ...), as L.
    """

    def __init__(self, places):
        self.places = places

    def forward(self, x):
        xp = get_array_module(x)
        d = x - x.max(axis=1, keepdims=True)
        at_label = d[self.places]
        self.p = xp.exp(d, out=d)
        total = self.p.sum(axis=1, keepdims=True)
        self.p /= total
        return xp.log(total[:, 0]) - at_label

    def grad_x(self, g, loss, x):
        gx = g[:, None] * self.p
        gx[self.places] -= g  # g·(p − [at the label])
        return gx

    def reference(self, x):
        return logsumexp(x, 1) - x[self.places]


class GaussianKL(Op):
    """L = KL(N(μ, σ²) ‖ N(0, 1)) = ½·(μ² + σ² − 1 − v) in nats, for each element of μ and of v = log σ²"""

    def forward(self, mu, v):
        return 0.5 * (mu * mu + (get_array_module(v).expm1(v) - v))

    def grad_mu(self, g, loss, mu, v):
        return g * mu

    def grad_v(self, g, loss, mu, v):
        return g * (0.5 * expm1(v))


# ------------------------------------------------------------------ what people call
def mse_loss(input, target, *, reduction="mean"):
    """Mean squared error, (1/n) Σ (x − t)²."""
    return _reduced(SquaredError()(*_pair("mse_loss", input, target)), reduction)


def l1_loss(input, target, *, reduction="mean"):
    """Mean absolute error, (1/n) Σ |x − t|, with slope 0 where x = t."""
    input, target = _pair("l1_loss", input, target)
    return _reduced(abs(input - target), reduction)


def rmse_loss(input, target):
    """Root mean squared error, √((1/n) Σ (x − t)²); its gradient is 0 where the error is 0."""
    input, target = _pair("rmse_loss", input, target)
    return norm(input - target) / math.sqrt(math.prod(input.shape))


def binary_cross_entropy(input, target, *, reduction="mean"):
    """Cross-entropy of probabilities in [0, 1] with targets in [0, 1]; for logits there is the `_with_logits` form."""
    p, t = _pair_with_shares("binary_cross_entropy", input, target)
    array = plain(p)
    if isinstance(array, np.ndarray) and array.size and not 0 <= array.min() <= array.max() <= 1:
        raise ValueError(
            f"binary_cross_entropy takes probabilities, and the input spans [{array.min():.3g}, {array.max():.3g}]: "
            "put a sigmoid before it, or give the logits to binary_cross_entropy_with_logits"
        )
    return _reduced(BinaryCrossEntropy()(p, t), reduction)


def binary_cross_entropy_with_logits(input, target, *, reduction="mean"):
    """Cross-entropy of σ(logits) with targets in [0, 1], exact and finite where σ itself would round to 0 or 1."""
    return _reduced(BCEWithLogits()(*_pair_with_shares("binary_cross_entropy_with_logits", input, target)), reduction)


def nll_loss(input, target, *, reduction="mean"):
    """−log p at the label, for log-probabilities (N, C, ...), such as log_softmax gives, and labels (N, ...)."""
    return _reduced(-getitem(input, _places("nll_loss", input, target)), reduction)


def cross_entropy(input, target, *, reduction="mean"):
    """−log softmax(x) at the label, for logits x (N, C, ...) and labels (N, ...): integers from 0 to C − 1.

    >>> from minigrad import tensor
    >>> cross_entropy(tensor([[0.0, 0.0], [0.0, 1e4]]), tensor([0, 1]), reduction="none")
    tensor([0.6931472, 0.       ])
    """
    return _reduced(CrossEntropy(_places("cross_entropy", input, target))(input), reduction)


def gaussian_kl(mu, logvar, *, reduction="mean"):
    """KL(N(μ, e^logvar) ‖ N(0, 1)) in nats, for μ and logvar (N, ...): summed over all axes but N, which is reduced.

    So "mean" gives the KL term of the ELBO per example, and "none" one number for each (Kingma & Welling 2014, app. B).
    """
    mu, logvar = _pair("gaussian_kl", mu, logvar)
    return _reduced(sum(GaussianKL()(mu, logvar), tuple(range(1, len(mu.shape)))), reduction)


def _places(name, x, labels):
    """The index of x[n, labels[n, ...], ...] for each place (n, ...) of the labels."""
    labels = integers(name, labels)
    if x.ndim < 2 or labels.shape != x.shape[:1] + x.shape[2:]:
        raise ValueError(f"{name} takes input (N, C, ...) and labels (N, ...), not {x.shape} and {labels.shape}")
    if 0 in x.shape:
        raise ValueError(f"{name}: the batch is empty: its shape is {x.shape}")
    check_range(name, labels, x.shape[1], f"an input of shape {x.shape} of {x.shape[1]} classes")
    n, *others = get_array_module(labels).indices(labels.shape)
    return n, labels, *others


def _pair(name, x, t):
    """Input and target, of one shape: broadcasting (n, 1) against (n,) would silently compare every pair."""
    for what in (x, t):
        if not hasattr(what, "shape"):
            raise TypeError(f"{name} compares two tensors of one shape, and a {type(what).__name__} is none")
    if x.shape != t.shape:
        raise ValueError(f"{name}: the two shapes {x.shape} and {t.shape} must be equal")
    if 0 in x.shape:
        raise ValueError(f"{name}: the batch is empty: its shape is {x.shape}")
    return x, t if t.dtype.kind == "f" else t.astype(x.dtype)


def _pair_with_shares(name, x, t):
    """`_pair` for cross-entropies, whose targets lie in [0, 1]: images of bytes are a usual mistake."""
    array = plain(t)
    if isinstance(array, np.ndarray) and array.dtype.kind in "iu" and array.size and not 0 <= array.max() <= 1:
        raise ValueError(f"{name}: targets lie in [0, 1], and these go up to {array.max()}; divide images by 255")
    return _pair(name, x, t)


def _reduced(loss, reduction):
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f'reduction is "mean", "sum" or "none", not {reduction!r}')
    return mean(loss) if reduction == "mean" else sum(loss) if reduction == "sum" else loss
