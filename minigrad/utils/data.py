"""Data sets and the batches that a training loop asks for."""

import numpy as np

from ..backend import generator as default_generator
from ..backend import to_device
from ..tensor import Tensor, to_array


class TensorDataset:
    """Tensors or arrays of equal length: entry i is the tuple of their i-th rows, an array of indices gives a batch."""

    def __init__(self, *tensors):
        self.tensors = tuple(Tensor(to_array(t)) for t in tensors)
        lengths = [len(t) for t in self.tensors]
        if len(set(lengths)) != 1:
            raise ValueError(f"the tensors of a data set must be equally long, and these have lengths {lengths}")

    def __len__(self):
        return len(self.tensors[0])

    def __getitem__(self, index):
        return tuple(Tensor(t.data[to_device(index, t.device)]) for t in self.tensors)


class DataLoader:
    """Batches of a data set, in order or shuffled anew each time the loader is iterated.

    Parameters
    ----------
    dataset : anything with ``len()`` that an array of indices cuts a batch out of, such as TensorDataset
    batch_size : rows in a batch; the last one is smaller where it does not divide, unless `drop_last`
    generator : numpy.random.Generator that shuffles; without one, minigrad's own (`manual_seed`). A fresh
        ``numpy.random.default_rng((seed, epoch))`` each epoch makes the order a function of the two, as resuming needs

    >>> loader = DataLoader(TensorDataset(np.arange(5)), batch_size=2)
    >>> [batch.tolist() for (batch,) in loader]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, dataset, batch_size: int = 1, shuffle: bool = False, *, drop_last: bool = False, generator=None):
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}")
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle
        self.drop_last, self.generator = drop_last, generator

    def __len__(self):
        n = len(self.dataset)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self):
        n = len(self.dataset)
        generator = default_generator() if self.generator is None else self.generator
        order = generator.permutation(n) if self.shuffle else np.arange(n)
        for i in range(len(self)):
            yield self.dataset[order[i * self.batch_size : (i + 1) * self.batch_size]]
