"""A data set of a few 5x4 images in MNIST's four files, so that reading and fetching are tested in milliseconds."""

import gzip

import numpy as np


def idx(array):
    """The bytes of an IDX file, written after the format's description and not with minigrad's code."""
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.astype(np.uint8).tobytes()


def images(n, seed):
    return np.random.default_rng(seed).integers(0, 256, (n, 5, 4))


TRAIN, TEST = (images(6, seed=0), np.array([3, 0, 9, 3, 1, 7])), (images(3, seed=1), np.array([2, 2, 5]))
CONTENT = {
    "train-images-idx3-ubyte": idx(TRAIN[0]),
    "train-labels-idx1-ubyte": idx(TRAIN[1]),
    "t10k-images-idx3-ubyte": idx(TEST[0]),
    "t10k-labels-idx1-ubyte": idx(TEST[1]),
}
GZIPPED = {name: gzip.compress(content, mtime=0) for name, content in CONTENT.items()}


def write(folder, gzipped=CONTENT):
    """Put the four files into `folder`: those named in `gzipped` as .gz, the others plain."""
    for name, content in CONTENT.items():
        if name in gzipped:
            (folder / f"{name}.gz").write_bytes(GZIPPED[name])
        else:
            (folder / name).write_bytes(content)


def assert_read(parts):
    """`parts`, as mnist() returns them, are the tiny data set."""
    for (x, y), (x_expected, y_expected) in zip(parts, (TRAIN, TEST), strict=True):
        np.testing.assert_array_equal(x, x_expected)
        np.testing.assert_array_equal(y, y_expected)
