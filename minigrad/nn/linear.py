"""The dense layer, and the table of vectors, which is a dense layer without bias whose input is one-hot."""

import math

from .. import ops
from ..creation import zeros
from .module import Module, Parameter, at_least_one


class Linear(Module):
    """Y = X Wᵀ + b: x (..., in_features) → y (..., out_features).

    weight (out_features, in_features) and bias (out_features,) start uniform in ±1/√in_features, as in PyTorch.

    >>> from minigrad import ones
    >>> Linear(3, 5)(ones(2, 3)).shape
    (2, 5)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True):
        at_least_one("feature in and out", self, in_features, out_features)
        self.in_features, self.out_features = in_features, out_features
        bound = 1 / math.sqrt(in_features)
        self.weight = Parameter(zeros(out_features, in_features)).uniform_(-bound, bound)
        self.bias = Parameter(zeros(out_features)).uniform_(-bound, bound) if bias else None

    def forward(self, x):
        return ops.linear(x, self.weight, self.bias)

    def extra_repr(self):
        return f"{super().extra_repr()}, bias={self.bias is not None}"


class Embedding(Module):
    """Row i of a trained table for each number i: integers of any shape (...) → (..., embedding_dim).

    weight (num_embeddings, embedding_dim) starts as N(0, 1), as in PyTorch. A row that is looked up several times
    receives the sum of the gradients.

    >>> from minigrad import tensor
    >>> Embedding(64, 5)(tensor([[3, 1, 3]])).shape
    (1, 3, 5)
    """

    def __init__(self, num_embeddings: int, embedding_dim: int):
        at_least_one("row and column", self, num_embeddings, embedding_dim)
        self.weight = Parameter(zeros(num_embeddings, embedding_dim)).normal_()

    def forward(self, input):
        return ops.embedding(input, self.weight)

    def extra_repr(self):
        return "{}, {}".format(*self.weight.shape)
