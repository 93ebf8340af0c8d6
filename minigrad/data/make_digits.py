"""How digits.npz was made: ``python -m minigrad.data.make_digits MNIST_FOLDER [OUTPUT]``.

Of MNIST's official training set the first 1,000 images of each digit, of its test set the first 200, in the order in
which they stand there.
"""

import sys
from pathlib import Path

import numpy as np

from ..checkpoint import replacing
from .mnist_files import DIGITS, mnist


def balanced(images, labels, per_class: int):
    """The first `per_class` images of each class, in their original order."""
    first = np.sort(np.concatenate([np.flatnonzero(labels == c)[:per_class] for c in range(10)]))
    return images[first], labels[first]


def digits_from_mnist(root) -> dict[str, np.ndarray]:
    """The arrays of digits.npz, from a folder with the four MNIST files."""
    train, test = mnist(root)
    (x, y), (x_test, y_test) = balanced(*train, 1000), balanced(*test, 200)
    return dict(x_train=x, y_train=y.astype(np.uint8), x_test=x_test, y_test=y_test.astype(np.uint8))


if __name__ == "__main__":
    output = Path(sys.argv[2]) if len(sys.argv) > 2 else DIGITS
    with replacing(output) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **digits_from_mnist(sys.argv[1]))
    print(f"{output}: {output.stat().st_size:,} bytes")
