"""Which array library an array belongs to, moving between host and GPU, random numbers, and freed memory.

Everything above this module writes ``xp = get_array_module(x)`` and then plain NumPy; nothing above it asks whether an
array lies on the host or on a GPU. CuPy is imported when a GPU is first asked for, and not before.
"""

from __future__ import annotations

import importlib
import math
import re
import sys
import weakref

import numpy as np

_modules = {np.ndarray: np}  # array type -> the library that owns it


def get_array_module(*arrays):
    """The array library that `arrays` belong to (CuPy's idiom); scalars belong to whatever they meet.

    >>> get_array_module(np.ones(3), 2.0).__name__
    'numpy'
    """
    for array in arrays:
        module = _modules.get(type(array)) or _device_library(array)
        if module is not None:
            return module
    return np


def _device_library(array):
    """CuPy, if someone has imported it and `array` is one of its arrays; the next look-up of the type then finds it."""
    cupy = sys.modules.get("cupy")
    if cupy is None or not isinstance(array, cupy.ndarray):
        return None
    _modules[type(array)] = cupy
    return cupy


def forget(array_type) -> None:
    """Take an array type out of the table again, when its library goes."""
    _modules.pop(array_type, None)


# ------------------------------------------------------------------ devices
def device_of(array) -> str:
    """Where an array lies: "cpu", "cuda" (the first GPU), "cuda:1", ..."""
    if get_array_module(array) is np:
        return "cpu"
    return f"cuda:{array.device.id}" if array.device.id else "cuda"


def to_device(array, device: str):
    """The array on `device`: itself if it lies there, otherwise a copy. The GPU copied to computes from then on.

    RuntimeError if there is no such GPU or no CuPy, with what to do.
    """
    if device == device_of(array):
        return array
    if device == "cpu":
        return array.get()
    number = int(device.partition(":")[2] or 0)
    cupy, gpus = _gpus()
    if number >= gpus:
        raise RuntimeError(f"there is no device {device!r}: CuPy finds {gpus} here, numbered from 0")
    cupy.cuda.Device(number).use()
    return cupy.asarray(array)


def to_host(array):
    """A NumPy array with the same values: the array itself, or a copy of one on a GPU."""
    return to_device(array, "cpu")


def _gpus():
    """CuPy, and how many GPUs it finds; RuntimeError without the one or the other."""
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        advice = "pip install cupy-cuda12x for CUDA 12; docs.cupy.dev lists the others"
        raise RuntimeError(f"a GPU needs CuPy, which cannot be imported here ({error}): {advice}") from None
    try:
        return cupy, cupy.cuda.runtime.getDeviceCount()
    except RuntimeError as error:  # CUDA raises it where there is no GPU, or no driver for it
        raise RuntimeError(f"there is no GPU that CuPy can use here ({error})") from None


def is_available() -> bool:
    """Whether ``.to("cuda")`` would work: CuPy can be imported and finds a GPU.

    >>> device = "cuda" if is_available() else "cpu"
    """
    try:
        return _gpus()[1] > 0
    except RuntimeError:
        return False


def destination(device=None, dtype=None) -> tuple[str | None, np.dtype | None]:
    """What ``to(device)``, ``to(dtype)`` and ``to(device, dtype)`` ask for, each None where nothing is to change."""
    if not (device is None or isinstance(device, str) and re.fullmatch(r"cpu|cuda(:\d+)?", device)):
        device, dtype = None, device
    try:
        return "cuda" if device == "cuda:0" else device, None if dtype is None else np.dtype(dtype)
    except TypeError:
        raise ValueError(f'{dtype!r} is neither a device, "cpu", "cuda" or "cuda:1", nor a dtype') from None


def advice_for_mixed(arrays) -> str:
    """What to do if some of `arrays` lie on one device and some on another; nothing to say otherwise."""
    devices = sorted({device_of(x) for x in arrays if hasattr(x, "shape")})
    if len(devices) < 2:
        return ""
    return f"; its inputs lie on {' and '.join(devices)}: move one, as in x.to({devices[-1]!r})"


def explained(error, op: str, arrays, broadcasts: bool = False):
    """A TypeError, ValueError or IndexError of an op, with what the op knows of its inputs."""
    if isinstance(error, TypeError):
        return TypeError(f"{op}: {error}{advice_for_mixed(arrays)}")
    shapes = " and ".join(str(x.shape) for x in arrays if hasattr(x, "shape"))
    rule = "; from the right, lengths must be equal or one of them 1" if broadcasts else ""
    return (IndexError if isinstance(error, IndexError) else ValueError)(f"{op} of shapes {shapes}: {error}{rule}")


# ------------------------------------------------------------------ what differs between the libraries
def add_at(array, index, values) -> None:
    """array[index] += values, adding as often as the index names a place; `array` is contiguous."""
    parts = index if isinstance(index, tuple) else (index,)
    if all(isinstance(part, (int, slice, type(None), type(...))) for part in parts):
        array[index] += values  # such an index names every place once
    elif isinstance(index, np.ndarray) and index.dtype.kind in "iu":  # rows: element by element it is 5 times as fast
        width = math.prod(array.shape[1:])
        places = np.arange(len(array))[index][..., None] * width + np.arange(width)
        np.add.at(array.reshape(-1), places.reshape(-1), values.reshape(-1))
    else:
        get_array_module(array).add.at(array, index, values)


_changes: dict = {}  # id of an array that owns memory which was changed in place -> (when, what, the array weakly)


def note_change(array, when: int, name: str | None) -> None:
    """Remember that `array` was overwritten at the time `when`, for `changed_since`."""
    what = f"{name!r} of shape {array.shape}" if name else f"a tensor of shape {array.shape}"
    while type(array.base) in _modules:  # a view may be gone before the memory is used again
        array = array.base
    key = id(array)
    _changes[key] = when, what, weakref.ref(array, lambda _: _changes.pop(key, None))


def changed_since(when: int, arrays) -> str | None:
    """What was overwritten after `when` in memory that one of `arrays` lies in too."""
    for at, what, owner in list(_changes.values()):
        memory = owner()
        if at > when and memory is not None:
            xp = get_array_module(memory)
            if any(_modules.get(type(array)) is xp and xp.may_share_memory(array, memory) for array in arrays):
                return what
    return None


_generator = None  # made when first asked for: importing numpy.random takes longer than all of minigrad


def manual_seed(seed: int | None) -> None:
    """Start the one stream of random numbers afresh; None starts it anywhere. Every draw is made on the host."""
    global _generator
    _generator = np.random.default_rng(seed)


def generator() -> np.random.Generator:
    """The stream that initialisers, `randn` and the rest draw from."""
    if _generator is None:
        manual_seed(None)
    return _generator


def random_state() -> dict:
    """The state of the stream, as plain data for a checkpoint; `set_random_state` continues from it."""
    return generator().bit_generator.state


def set_random_state(state: dict) -> None:
    generator().bit_generator.state = state


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
