"""Activations as layers; the formulas are in `elementwise.py` and `reduce.py` of `minigrad/ops`."""

from .. import ops
from ..ops.shape import with_dim
from .module import Module


class Identity(Module):
    """x itself: a place for no layer"""

    def forward(self, x):
        return x


class ReLU(Module):
    """max(x, 0)"""

    forward = staticmethod(ops.relu)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope·x"""

    def __init__(self, negative_slope: float = 0.01):
        self.negative_slope = negative_slope

    def forward(self, x):
        return ops.leaky_relu(x, self.negative_slope)


class Tanh(Module):
    """tanh x"""

    forward = staticmethod(ops.tanh)


class Sigmoid(Module):
    """σ(x) = 1 / (1 + e⁻ˣ)"""

    forward = staticmethod(ops.sigmoid)


class Softplus(Module):
    """log(1 + eˣ)"""

    forward = staticmethod(ops.softplus)


class Softmax(Module):
    """eˣ / Σ eˣ along `axis` (PyTorch's `dim`): logits to probabilities"""

    @with_dim
    def __init__(self, axis: int):
        self.axis = axis

    def forward(self, x):
        return ops.softmax(x, self.axis)


class LogSoftmax(Module):
    """x − log Σ eˣ along `axis` (PyTorch's `dim`): logits to log-probabilities"""

    @with_dim
    def __init__(self, axis: int):
        self.axis = axis

    def forward(self, x):
        return ops.log_softmax(x, self.axis)
