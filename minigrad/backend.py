"""Which array library an array belongs to, random numbers, and freed memory.

Everything above this module writes ``xp = get_array_module(x)`` and then plain NumPy; nothing above it asks whether an
array lies on the host or on a device.
"""

from __future__ import annotations

import numpy as np

_modules = {np.ndarray: np}  # array type -> the library that owns it


def get_array_module(*arrays):
    """The array library that `arrays` belong to (CuPy's idiom); scalars belong to whatever they meet.

    >>> get_array_module(np.ones(3), 2.0).__name__
    'numpy'
    """
    for array in arrays:
        module = _modules.get(type(array))
        if module is not None:
            return module
    return np


def add_at(array, index, values) -> None:
    """array[index] += values, adding as often as the index names a place."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, (list, np.ndarray)) for part in parts):
        np.add.at(array, index, values)
    else:  # slices and integers name every place once
        array[index] += values


_generator = np.random.default_rng()


def manual_seed(seed: int) -> None:
    """Start the one stream of random numbers afresh. Every draw is made on the host, so runs agree across devices."""
    global _generator
    _generator = np.random.default_rng(seed)


def generator() -> np.random.Generator:
    """The stream that initialisers, `randn`, dropout and the rest draw from."""
    return _generator


def random_state() -> dict:
    """The state of the stream, as plain data for a checkpoint; `set_random_state` continues from it."""
    return _generator.bit_generator.state


def set_random_state(state: dict) -> None:
    _generator.bit_generator.state = state


def keep_freed_memory() -> bool:
    """Ask glibc to keep freed arrays for reuse instead of handing them back to the system; True if it did.

    A fresh large array otherwise comes as zero pages that the system maps in one fault at a time, which can be half of
    a convolution step. Call it once, before training; where the C library is not glibc it does nothing.
    """
    import ctypes

    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
    try:
        libc = ctypes.CDLL("libc.so.6")
        return bool(libc.mallopt(mmap_threshold, 32 << 20) and libc.mallopt(trim_threshold, 1 << 30))
    except (OSError, AttributeError):
        return False
