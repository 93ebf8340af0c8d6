"""The images that the models learn: the embedded digits, cartoon faces, the full MNIST, or any folder of images."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from minigrad.data import faces, image_folder

from .common import UserError, load_digits

LIMIT = 20_000  # images of a folder that are taken
HELP = f"digits (10,000, embedded), faces (cartoons), or a folder: of the full MNIST, or of images, the first {LIMIT:,}"
FACES = {"x": (10_000, 0), "x_test": (2_000, 1)}  # how many are drawn, and the seed


class Images(NamedTuple):
    """Images (n, channels, side, side) float32 in [0, 1], and what is known of them.

    classes : those of the test digits (m,), or None
    attributes, test_attributes : name -> who has it (n,) bool
    """

    x: np.ndarray
    x_test: np.ndarray
    classes: np.ndarray | None = None
    attributes: dict = {}
    test_attributes: dict = {}


def load(name: str, size: int = 32, attribute_file: str | None = None) -> Images:
    """The images that ``--data NAME`` means; of a folder of images the last tenth are for testing."""
    if name == "faces":
        return with_attributes(*(faces(n, seed) for n, seed in FACES.values()))
    folder = Path(name)
    if name == "digits" or any(folder.glob("*-ubyte*")):
        (x, _), (x_test, classes) = load_digits(None if name == "digits" else name)
        return Images(x.reshape(-1, 1, 28, 28), x_test.reshape(-1, 1, 28, 28), classes)
    if not folder.is_dir():
        raise UserError(f"--data {name}: it is digits, faces, or a folder, and there is no folder of that name")
    try:
        images, attributes = image_folder(folder, size, attribute_file, LIMIT)
    except (OSError, ValueError) as error:
        raise UserError(error) from None
    if len(images) < 100:
        raise UserError(f"--data {name} has {len(images)} images; to learn from, there should be 100 or more")
    n = len(images) - len(images) // 10
    train, test = ({name: has[part] for name, has in attributes.items()} for part in (slice(n), slice(n, None)))
    return with_attributes((images[:n], train), (images[n:], test))


def with_attributes(train, test) -> Images:
    """From (images, attributes) each; who has more of an attribute than the mean has it, be it a number or a yes."""
    (x, attributes), (x_test, test_attributes) = train, test
    means = {name: value.mean() for name, value in attributes.items() if value.min() < value.max()}
    has, test_has = ({name: part[name] > means[name] for name in means} for part in (attributes, test_attributes))
    return Images(x / np.float32(255), x_test / np.float32(255), None, has, test_has)
