"""Batch norm, layer norm and dropout. Read `Normalize.reference` first: the two ops below say the same, but faster."""

import math

import numpy as np

from ..autograd import Op, once
from ..backend import generator, get_array_module
from ..tensor import plain
from .elementwise import sqrt
from .reduce import mean
from .shape import _shape


class Normalize(Op):
    """y = w·x̂ + b with x̂ = (x − μ)·r and r = 1/√(σ² + ε), where μ and σ² are means of x and (x − μ)² over `axes`"""

    def __init__(self, axes, eps):
        self.axes, self.eps = axes, eps

    def reference(self, x, w, b):
        d = x - mean(x, self.axes, True)
        return w * (d / sqrt(mean(d * d, self.axes, True) + self.eps)) + b


class BatchNorm(Normalize):
    """y = w·x̂ + b with x̂ = (x − μ)·r and r = 1/√(σ² + ε): μ, σ² are mean and variance of the n values of a channel

    x is (N, C, ...) and μ, σ², w and b are (C, 1, ...). A pass over x costs far more than anything of the size of one
    image, so per-channel numbers are first written out over an image (`_image`) and then broadcast over the batch.
    """

    def forward(self, x, w, b):
        xp, self.n = get_array_module(x), x.size // x.shape[1]
        self.mean = _channel_sum(x) / self.n
        self.d = x - _image(self.mean, x)
        y = self.d * self.d
        self.var = _channel_sum(y) / self.n
        self.r = 1 / xp.sqrt(self.var + self.eps)
        xp.multiply(self.d, _image(w * self.r, x), out=y)
        y += _image(b, x)
        return y

    @once
    def sums(self, g):
        """Σ g and Σ g·x̂ of each channel."""
        return _channel_sum(g), _channel_sum(g * self.d) * self.r

    def grad_x(self, g, y, x, w, b):
        sum_g, sum_gx = self.sums(g)
        gx = self.d * _image(-sum_gx * self.r / self.n, x)
        gx += g
        gx -= _image(sum_g / self.n, x)
        gx *= _image(w * self.r, x)
        return gx  # w·r·(g − Σg/n − x̂·Σ(g·x̂)/n): what would move μ or σ² is taken out of g

    def grad_w(self, g, y, x, w, b):
        return self.sums(g)[1]

    def grad_b(self, g, y, x, w, b):
        return self.sums(g)[0]


class LayerNorm(Normalize):
    """y = w·x̂ + b with x̂ = (x − μ)·r and r = 1/√(σ² + ε): μ, σ² are mean and variance over the last axes, of w and b"""

    broadcasts = True  # so the engine sums the gradients of w and b over the other axes

    def forward(self, x, w, b):
        d = x - x.mean(axis=self.axes, keepdims=True)
        self.r = 1 / get_array_module(x).sqrt((d * d).mean(axis=self.axes, keepdims=True) + self.eps)
        self.x_hat = d * self.r
        return w * self.x_hat + b

    def grad_x(self, g, y, x, w, b):
        g = g * w
        mean_g, mean_gx = (a.mean(axis=self.axes, keepdims=True) for a in (g, g * self.x_hat))
        return self.r * (g - mean_g - self.x_hat * mean_gx)

    def grad_w(self, g, y, x, w, b):
        return g * self.x_hat

    def grad_b(self, g, y, x, w, b):
        return g


def _channel_sum(x):
    """The sum of each channel of x (N, C, ...), as (C, 1, ...)."""
    return x.sum(axis=0).sum(axis=tuple(range(1, x.ndim - 1)), keepdims=True)


def _image(c, x):
    """Per-channel numbers (C, 1, ...) over a whole image of x, in its memory layout."""
    image = get_array_module(x).empty_like(x[0])
    image[...] = c
    return image


# ------------------------------------------------------------------ what people call
def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """weight·(x − μ)/√(σ² + ε) + bias for each channel of x (N, C, ...) (Ioffe & Szegedy 2015, algorithm 1).

    In training μ and σ² are mean and variance, Σ (x − μ)² / n, of the n values of the channel in this batch; and
    running_mean and running_var (C,), if given, move by `momentum` of the way to them, the variance counted with n − 1,
    which estimates it without bias. Otherwise μ and σ² are the running ones. weight and bias are (C,) or None.

    Raises ValueError for another number of channels, and in training if n is 1.

    >>> from minigrad import tensor
    >>> batch_norm(tensor([[1.0, 10.0], [3.0, 30.0]]), None, None, training=True)
    tensor([[-0.999995, -1.      ],
            [ 0.999995,  1.      ]])
    """
    if input.ndim < 2 or input.dtype.kind != "f":
        raise ValueError(f"batch_norm takes floats (N, C, ...), and the input is {input.dtype} of shape {input.shape}")
    n, channels, *places = input.shape
    for c in (running_mean, running_var, weight, bias):
        if c is not None and c.shape != (channels,):
            raise ValueError(
                f"batch_norm: the input of shape {input.shape} has {channels} channels, on its second axis, "
                f"and the weight, the bias and the running statistics are for {c.shape[0]}"
            )
    shape = (-1,) + (1,) * len(places)
    w = 1.0 if weight is None else weight.reshape(shape)
    b = 0.0 if bias is None else bias.reshape(shape)
    if not training:
        if running_mean is None:
            raise ValueError("batch_norm without running statistics needs training=True: it takes those of the batch")
        mu, var = (c.clone().reshape(shape) for c in (running_mean, running_var))  # which training changes in place
        return (input - mu) * (w / sqrt(var + eps)) + b
    n *= math.prod(places)
    if n < 2:
        raise ValueError(
            f"batch_norm in training needs more than one value per channel, and an input of shape {input.shape} has "
            f"{n}: the variance of one is 0; give larger batches (DataLoader's drop_last=True), or call eval()"
        )
    op = BatchNorm((0, *range(2, input.ndim)), eps)
    y = op(input, w, b)
    if running_mean is not None:
        running_mean.add_(op.mean.reshape(-1) - running_mean.data, alpha=momentum)
        running_var.add_(op.var.reshape(-1) * (n / (n - 1)) - running_var.data, alpha=momentum)
    return y


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """weight·(x − μ)/√(σ² + ε) + bias with mean and variance over the last axes of x, at each place of the others.

    normalized_shape says how long those axes are: an int for one, or a tuple. weight and bias have this shape, or are
    None (Ba, Kiros & Hinton 2016, section 3). Raises ValueError if the last axes of x have other lengths.

    >>> from minigrad import tensor
    >>> layer_norm(tensor([[1.0, 3.0], [10.0, 30.0]]), 2)
    tensor([[-0.999995,  0.999995],
            [-1.      ,  1.      ]])
    """
    shape = _shape((normalized_shape,))
    if not shape or input.shape[-len(shape) :] != shape:
        raise ValueError(f"layer_norm over {shape}: the last axes of the input must be these, and it has {input.shape}")
    w, b = 1.0 if weight is None else weight, 0.0 if bias is None else bias
    return LayerNorm(tuple(range(-len(shape), 0)), eps)(input, w, b)


def dropout(input, p=0.5, training=True):
    """Each element 0 with probability p, else x/(1 − p), which keeps the mean; x itself if not `training`.

    (Srivastava et al. 2014, section 10)
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is the probability to drop an element, from 0 to 1, not {p}")
    if not training or p == 0:
        return input
    kept = generator().random(input.shape, dtype=np.float32) >= p  # drawn on the host: the same on every device
    scale = 1 / (1 - p) if p < 1 else 0.0
    return input * (get_array_module(plain(input)).asarray(kept, dtype=input.dtype) * scale)
