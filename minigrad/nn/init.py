"""Ways to start a parameter, each filling it in place and returning it; all draws come from `manual_seed`'s stream.

A weight is (out, in) of a dense layer or (out, in, height, width) of a convolution. What is chosen with care is the
variance of its entries: from fan_in, the number of inputs that one output adds up (in·height·width), and fan_out, the
number of outputs that one input goes to (out·height·width).

>>> from minigrad import nn
>>> def dcgan(layer):  # Radford et al. 2016, section 4: weights from N(0, 0.02²); those of batch norm around 1
...     if isinstance(layer, nn.Linear):
...         nn.init.normal_(layer.weight, 0, 0.02)
...     if isinstance(layer, nn.BatchNorm1d):
...         nn.init.normal_(layer.weight, 1, 0.02)
>>> net = nn.Sequential(nn.Linear(100, 64), nn.BatchNorm1d(64), nn.ReLU()).apply(dcgan)
"""

import math

import numpy as np

from ..backend import generator
from ..ops.inplace import normal_, uniform_
from ..tensor import Tensor


def constant_(x: Tensor, val: float) -> Tensor:
    """Every entry `val`."""
    return x.fill_(val)


def zeros_(x: Tensor) -> Tensor:
    """All zeros."""
    return x.fill_(0)


def ones_(x: Tensor) -> Tensor:
    """All ones."""
    return x.fill_(1)


def xavier_uniform_(x: Tensor, gain: float = 1.0) -> Tensor:
    """U(−b, b) with b = gain·√(6 / (fan_in + fan_out)) (Glorot & Bengio 2010, eq. 16).

    It keeps the variance of activations and of gradients about equal from layer to layer.
    """
    return _uniform(x, gain * math.sqrt(2 / sum(_fans("xavier_uniform_", x))))


def xavier_normal_(x: Tensor, gain: float = 1.0) -> Tensor:
    """N(0, s²) with s = gain·√(2 / (fan_in + fan_out)), the variance of `xavier_uniform_`."""
    return normal_(x, 0, gain * math.sqrt(2 / sum(_fans("xavier_normal_", x))))


def kaiming_uniform_(x: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """U(−b, b) with b = gain·√(3 / fan), which keeps the variance through layers of `nonlinearity` (He et al. 2015).

    `mode` says which fan: "fan_in" keeps the variance of activations, "fan_out" that of gradients. The gain is √2 for
    "relu", √(2 / (1 + a²)) for "leaky_relu" of slope a, 5/3 for "tanh", 1 for "linear" and "sigmoid".
    """
    return _uniform(x, _kaiming("kaiming_uniform_", x, a, mode, nonlinearity))


def kaiming_normal_(x: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """N(0, s²) with s = gain / √fan, the variance of `kaiming_uniform_`."""
    return normal_(x, 0, _kaiming("kaiming_normal_", x, a, mode, nonlinearity))


def orthogonal_(x: Tensor, gain: float = 1) -> Tensor:
    """gain times a random matrix (out, in·height·width) whose shorter side is orthonormal (Saxe et al. 2014).

    It neither stretches nor shrinks, and so is the usual start for recurrent weights.
    """
    rows, columns = x.shape[0], _fans("orthogonal_", x)[0]
    q, r = np.linalg.qr(generator().standard_normal((max(rows, columns), min(rows, columns))))
    q *= gain * np.sign(np.diag(r))  # the signs make every such matrix equally likely
    q = (q if rows >= columns else q.T).reshape(x.shape)
    return x.copy_(q)


def _uniform(x, std):
    """U(−b, b) of standard deviation b/√3."""
    return uniform_(x, -math.sqrt(3) * std, math.sqrt(3) * std)


def _fans(name, x):
    """fan_in and fan_out."""
    if x.ndim < 2 or 0 in x.shape:
        raise ValueError(f"{name} takes a weight (out, in) or (out, in, height, width), and this one is {x.shape}")
    field = math.prod(x.shape[2:])
    return x.shape[1] * field, x.shape[0] * field


def _kaiming(name, x, a, mode, nonlinearity):
    """The standard deviation gain / √fan."""
    gains = {"linear": 1, "sigmoid": 1, "tanh": 5 / 3, "relu": math.sqrt(2), "leaky_relu": math.sqrt(2 / (1 + a * a))}
    if mode not in ("fan_in", "fan_out") or nonlinearity not in gains:
        known = f"the nonlinearity one of {', '.join(gains)}"
        raise ValueError(f'{name}: mode is "fan_in" or "fan_out", not {mode!r}; {known}, not {nonlinearity!r}')
    return gains[nonlinearity] / math.sqrt(_fans(name, x)[mode == "fan_out"])
