"""Saving and loading: nested dicts and lists of tensors, arrays, numbers and text, in one .npz file without pickle.

The arrays are stored as NumPy stores them; one more entry, ``structure``, is JSON that says where each belongs. Loading
therefore never runs code from the file, and ``numpy.load`` opens it too.
"""

import contextlib
import json
import os
from pathlib import Path

import numpy as np

from .backend import get_array_module, to_host
from .tensor import Tensor


@contextlib.contextmanager
def replacing(path):
    """Write to the temporary name that this yields; only a block that ends well puts the file in its place."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save(obj, path) -> None:
    """Save `obj`, dicts and lists of tensors, arrays, numbers, text and None, to the file `path`.

    What lies on a GPU is copied to the host, and `load` leaves it there: a checkpoint belongs to no device.
    """
    arrays: dict[str, np.ndarray] = {}
    structure = json.dumps(_described(obj, arrays))
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, structure=np.frombuffer(structure.encode(), np.uint8), **arrays)


def load(path):
    """What `save` saved. A file that is damaged or that `save` did not write is a ValueError that says so."""
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path}") from None
    try:
        with file, np.load(file, allow_pickle=False) as entries:
            if damaged := entries.zip.testzip():  # NumPy itself reads only as far as an array's header says
                raise ValueError(f"the check sum of {damaged} is wrong")
            arrays = dict(entries)
        structure = arrays.pop("structure").tobytes()
        return json.loads(structure, object_hook=lambda entry: _restored(entry, arrays))
    except Exception as error:  # zipfile, zlib, NumPy and JSON each say it with several types
        raise ValueError(f"{path} is damaged or was not written by minigrad.save ({error})") from error


def _described(obj, arrays):
    """`obj` as JSON has it, with each array moved to `arrays`."""
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, dict):
        return {"dict": [[_described(k, arrays), _described(v, arrays)] for k, v in obj.items()]}
    if isinstance(obj, (list, tuple)):
        return {"tuple" if isinstance(obj, tuple) else "list": [_described(v, arrays) for v in obj]}
    array = obj.data if isinstance(obj, Tensor) else obj
    if isinstance(array, np.ndarray) or get_array_module(array) is not np:
        if array.dtype.hasobject:
            raise TypeError("save() does not pickle, so it takes no array of Python objects")
        name = f"array_{len(arrays)}"
        arrays[name] = to_host(array)
        return {"tensor" if isinstance(obj, Tensor) else "array": name}
    raise TypeError(f"save() takes dicts and lists of tensors, arrays, numbers and text, not {type(obj).__name__}")


def _restored(entry, arrays):
    """What a JSON object stands for; what lies in it is restored already."""
    ((kind, value),) = entry.items()
    if kind in ("array", "tensor"):
        return Tensor(arrays[value]) if kind == "tensor" else arrays[value]
    return {"dict": dict, "list": list, "tuple": tuple}[kind](value)
