"""Activations as layers; the formulas are in `elementwise.py` and `reduce.py` of `minigrad/ops`."""

from __future__ import annotations

from .. import ops
from ..ops.shape import with_dim
from .module import Module


class Identity(Module):
    """x itself: a place for no layer"""

    def forward(self, x):
        return x


class ReLU(Module):
    """max(x, 0)"""

    def forward(self, x):
        return ops.relu(x)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope·x"""

    def __init__(self, negative_slope: float = 0.01):
        self.negative_slope = negative_slope

    def forward(self, x):
        return ops.leaky_relu(x, self.negative_slope)

    def extra_repr(self):
        return f"negative_slope={self.negative_slope}"


class Tanh(Module):
    """tanh x"""

    def forward(self, x):
        return ops.tanh(x)


class Sigmoid(Module):
    """σ(x) = 1 / (1 + e⁻ˣ)"""

    def forward(self, x):
        return ops.sigmoid(x)


class Softplus(Module):
    """log(1 + eˣ)"""

    def forward(self, x):
        return ops.softplus(x)


class Softmax(Module):
    """eˣ / Σ eˣ along `axis` (PyTorch's `dim`): logits to probabilities"""

    @with_dim
    def __init__(self, axis: int):
        self.axis = axis

    def forward(self, x):
        return ops.softmax(x, self.axis)

    def extra_repr(self):
        return f"axis={self.axis}"


class LogSoftmax(Module):
    """x − log Σ eˣ along `axis` (PyTorch's `dim`): logits to log-probabilities"""

    @with_dim
    def __init__(self, axis: int):
        self.axis = axis

    def forward(self, x):
        return ops.log_softmax(x, self.axis)

    def extra_repr(self):
        return f"axis={self.axis}"
