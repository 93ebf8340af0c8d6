"""Handwritten digits: the embedded selection, and the four official MNIST files in their IDX format.

An IDX file is two zero bytes, a type code (8: unsigned byte), the number of axes, each axis's length as a big-endian
32-bit integer, and then the bytes of the array.
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from pathlib import Path

import numpy as np

DIGITS = Path(__file__).with_name("digits.npz")
FILES = {  # name -> SHA-256 of the file's content, decompressed
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def digits():
    """MNIST in small, embedded: 10,000 training and 2,000 test images, the ten classes equally often.

    Returns ``(images, labels), (test_images, test_labels)``: images (n, 28, 28) uint8 from 0 (paper) to 255 (ink),
    labels (n,) int64. A selection of the official sets (`digits.md`); CC BY-SA 3.0.

    >>> (x, y), (x_test, y_test) = digits()
    >>> x.shape, x_test.shape, np.bincount(y_test).tolist()
    ((10000, 28, 28), (2000, 28, 28), [200, 200, 200, 200, 200, 200, 200, 200, 200, 200])
    """
    with np.load(DIGITS, allow_pickle=False) as file:
        return tuple((file[f"x_{part}"], file[f"y_{part}"].astype(np.int64)) for part in ("train", "test"))


def mnist(root):
    """The full MNIST from the folder `root`: 60,000 training and 10,000 test images, as `digits` returns them.

    The folder holds the four official files, gzipped or not. A file that is missing is a FileNotFoundError, one that is
    damaged or something else a ValueError; both say which it is and how to get it.
    """
    parts = []
    for part in ("train", "t10k"):
        images = read_idx(_find(root, f"{part}-images-idx3-ubyte"), ndim=3)
        labels = read_idx(_find(root, f"{part}-labels-idx1-ubyte"), ndim=1)
        if len(images) != len(labels):
            raise ValueError(f"{root} has {len(images)} {part} images but {len(labels)} labels; {_how_to_get(root)}")
        parts.append((images, labels.astype(np.int64)))
    return tuple(parts)


def read_idx(path, ndim: int) -> np.ndarray:
    """The unsigned bytes of one IDX file with `ndim` axes, gzipped or not."""
    path = Path(path)

    def damaged(why):
        return ValueError(f"{path} is damaged: {why}; {_how_to_get(path.parent)}")

    content = path.read_bytes()
    try:
        content = unzipped(content)
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(f"it does not unzip ({error})") from None
    header = 4 + 4 * ndim
    if content[:4] != bytes([0, 0, 8, ndim]):
        raise damaged(f"it starts with the bytes {content[:4].hex(' ')}, not with IDX's 00 00 08 {ndim:02x}")
    if len(content) < header:
        raise damaged("it ends within its header")
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, header, 4))
    if len(content) - header != math.prod(shape):
        raise damaged(f"its header announces {math.prod(shape):,} bytes and {len(content) - header:,} follow")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def unzipped(content: bytes, most: int = -1) -> bytes:
    """`content`, or what it is the gzip of, up to `most` bytes."""
    return gzip.GzipFile(fileobj=io.BytesIO(content)).read(most) if content[:2] == b"\x1f\x8b" else content


def _find(root, name):
    for path in (Path(root) / f"{name}.gz", Path(root) / name):  # the order in which fetch() looks
        if path.is_file():
            return path
    raise FileNotFoundError(f"there is no {name} (or {name}.gz) in {root}; {_how_to_get(root)}")


def _how_to_get(root):
    return f"put MNIST's four files there, or let `python -m minigrad.data --root {root}` fetch them"
