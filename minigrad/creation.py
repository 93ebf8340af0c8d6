"""Tensors from nothing: constants, ranges and random draws.

Floats are float32 unless a dtype says otherwise. All is drawn or made on the host, and then moved to `device`.
"""

import numpy as np

from .backend import generator, get_array_module
from .ops.shape import _shape
from .tensor import Tensor, to_array


def _on(device, array, requires_grad=False):
    return Tensor(array).to(device).requires_grad_(requires_grad)


def tensor(data, dtype=None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """A tensor holding a copy of `data`: floats become float32, integers int64; arrays keep their dtype.

    >>> tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    array = to_array(data, dtype)
    return _on(device, get_array_module(array).array(array), requires_grad)


def as_tensor(data, dtype=None, device: str | None = None) -> Tensor:
    """A tensor of `data`, without a copy where that is possible."""
    return (data if isinstance(data, Tensor) else Tensor(to_array(data, dtype))).to(device, dtype)


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor that shares the array's memory."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy takes an ndarray, not {type(array).__name__}; tensor(...) takes numbers and lists")
    return Tensor(array)


def is_tensor(x) -> bool:
    return isinstance(x, Tensor)


def zeros(*shape, dtype=np.float32, device: str | None = None, requires_grad: bool = False) -> Tensor:
    return _on(device, np.zeros(_shape(shape), dtype), requires_grad)


def ones(*shape, dtype=np.float32, device: str | None = None, requires_grad: bool = False) -> Tensor:
    return _on(device, np.ones(_shape(shape), dtype), requires_grad)


def full(shape, fill_value, dtype=None, device: str | None = None, requires_grad: bool = False) -> Tensor:
    return _on(device, np.full(shape, to_array(fill_value, dtype)), requires_grad)


def zeros_like(x, dtype=None) -> Tensor:
    return Tensor(get_array_module(x.data).zeros_like(x.data, dtype=dtype))


def ones_like(x, dtype=None) -> Tensor:
    return Tensor(get_array_module(x.data).ones_like(x.data, dtype=dtype))


def eye(n: int, m: int | None = None, dtype=np.float32, device: str | None = None) -> Tensor:
    """The identity matrix (n, m)."""
    return _on(device, np.eye(n, m, dtype=dtype))


def arange(start, end=None, step=1, dtype=None, device: str | None = None) -> Tensor:
    """start, start + step, ... below `end`; arange(n) counts from 0."""
    start, end = (0, start) if end is None else (start, end)
    whole = all(isinstance(n, (int, np.integer)) for n in (start, end, step))
    return _on(device, np.arange(start, end, step, dtype or (np.int64 if whole else np.float32)))


def linspace(start: float, end: float, steps: int, dtype=np.float32, device: str | None = None) -> Tensor:
    """`steps` numbers evenly from start to end, both included."""
    return _on(device, np.linspace(start, end, steps, dtype=dtype))


def rand(*shape, dtype=np.float32, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """Draws from U(0, 1)."""
    return _on(device, generator().random(_shape(shape)).astype(dtype), requires_grad)


def randn(*shape, dtype=np.float32, device: str | None = None, requires_grad: bool = False) -> Tensor:
    """Draws from N(0, 1)."""
    return _on(device, generator().standard_normal(_shape(shape)).astype(dtype), requires_grad)


def randn_like(x) -> Tensor:
    """Draws from N(0, 1) in the shape and dtype of x."""
    return randn(x.shape, dtype=x.dtype, device=x.device)


def randint(low: int, high: int, size, device: str | None = None) -> Tensor:
    """Integers from low up to high − 1."""
    return _on(device, generator().integers(low, high, size))


def randperm(n: int, device: str | None = None) -> Tensor:
    """The integers 0 ... n − 1 in random order."""
    return _on(device, generator().permutation(n))
