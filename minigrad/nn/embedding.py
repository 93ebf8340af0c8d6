"""A table of vectors, looked up by number."""

from __future__ import annotations

from .. import ops
from ..creation import zeros
from .module import Module, Parameter


class Embedding(Module):
    """Row i of a trained table for each number i: integers of any shape (...) → (..., embedding_dim).

    weight (num_embeddings, embedding_dim) starts as N(0, 1), as in PyTorch. A row that is looked up several times
    receives the sum of the gradients.

    >>> from minigrad import tensor
    >>> Embedding(64, 5)(tensor([[3, 1, 3]])).shape
    (1, 3, 5)
    """

    def __init__(self, num_embeddings: int, embedding_dim: int):
        if num_embeddings < 1 or embedding_dim < 1:
            raise ValueError(f"Embedding needs at least one row and one column, not {num_embeddings}, {embedding_dim}")
        self.weight = Parameter(zeros(num_embeddings, embedding_dim)).normal_()

    def forward(self, input):
        return ops.embedding(input, self.weight)

    def extra_repr(self):
        return "{}, {}".format(*self.weight.shape)
