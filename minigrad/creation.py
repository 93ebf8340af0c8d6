"""Tensors from nothing: constants, ranges and random draws. Floats are float32 unless a dtype says otherwise."""

import numpy as np

from .backend import generator, get_array_module
from .ops.shape import _shape
from .tensor import Tensor, to_array


def tensor(data, dtype=None, requires_grad: bool = False) -> Tensor:
    """A tensor holding a copy of `data`: floats become float32, integers int64; arrays keep their dtype.

    >>> tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    array = to_array(data, dtype)
    return Tensor(get_array_module(array).array(array), requires_grad)


def as_tensor(data, dtype=None) -> Tensor:
    """A tensor of `data`, without a copy where that is possible."""
    return data if isinstance(data, Tensor) and dtype in (None, data.dtype) else Tensor(to_array(data, dtype))


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor that shares the array's memory."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy takes an ndarray, not {type(array).__name__}; tensor(...) takes numbers and lists")
    return Tensor(array)


def is_tensor(x) -> bool:
    return isinstance(x, Tensor)


def zeros(*shape, dtype=np.float32, requires_grad: bool = False) -> Tensor:
    return Tensor(np.zeros(_shape(shape), dtype), requires_grad)


def ones(*shape, dtype=np.float32, requires_grad: bool = False) -> Tensor:
    return Tensor(np.ones(_shape(shape), dtype), requires_grad)


def full(shape, fill_value, dtype=None, requires_grad: bool = False) -> Tensor:
    return Tensor(np.full(shape, to_array(fill_value, dtype)), requires_grad)


def zeros_like(x, dtype=None) -> Tensor:
    return Tensor(get_array_module(x.data).zeros_like(x.data, dtype=dtype))


def ones_like(x, dtype=None) -> Tensor:
    return Tensor(get_array_module(x.data).ones_like(x.data, dtype=dtype))


def eye(n: int, m: int | None = None, dtype=np.float32) -> Tensor:
    """The identity matrix (n, m)."""
    return Tensor(np.eye(n, m, dtype=dtype))


def arange(start, end=None, step=1, dtype=None) -> Tensor:
    """start, start + step, ... below `end`; arange(n) counts from 0."""
    start, end = (0, start) if end is None else (start, end)
    whole = all(isinstance(n, (int, np.integer)) for n in (start, end, step))
    return Tensor(np.arange(start, end, step, dtype or (np.int64 if whole else np.float32)))


def linspace(start: float, end: float, steps: int, dtype=np.float32) -> Tensor:
    """`steps` numbers evenly from start to end, both included."""
    return Tensor(np.linspace(start, end, steps, dtype=dtype))


def rand(*shape, dtype=np.float32, requires_grad: bool = False) -> Tensor:
    """Draws from U(0, 1)."""
    return Tensor(generator().random(_shape(shape)).astype(dtype), requires_grad)


def randn(*shape, dtype=np.float32, requires_grad: bool = False) -> Tensor:
    """Draws from N(0, 1)."""
    return Tensor(generator().standard_normal(_shape(shape)).astype(dtype), requires_grad)


def randn_like(x) -> Tensor:
    """Draws from N(0, 1) in the shape and dtype of x."""
    return Tensor(get_array_module(x.data).asarray(generator().standard_normal(x.shape), dtype=x.dtype))


def randint(low: int, high: int, size) -> Tensor:
    """Integers from low up to high − 1."""
    return Tensor(generator().integers(low, high, size))


def randperm(n: int) -> Tensor:
    """The integers 0 ... n − 1 in random order."""
    return Tensor(generator().permutation(n))
