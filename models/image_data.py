"""The images that the models learn: the embedded digits, cartoon faces, the full MNIST, or any folder of images."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from minigrad.data import faces, image_folder
from minigrad.data.images import SUFFIXES

from .common import UserError, load_digits

HELP = "digits (10,000, embedded), faces (cartoons), or a folder: of the full MNIST, or of images, read as 32 x 32"
FACES = {"x": (10_000, 0), "x_test": (2_000, 1)}  # how many are drawn, and the seed


class Images(NamedTuple):
    """Images (n, channels, side, side) float32 in [0, 1], and what is known of them.

    classes : those of the test digits (m,), or None
    attributes, test_attributes : name -> who has it (n,) bool; of one that is a number, who has more than the mean
    """

    x: np.ndarray
    x_test: np.ndarray
    classes: np.ndarray | None = None
    attributes: dict = {}
    test_attributes: dict = {}


def load(name: str, attribute_file: str | None = None) -> Images:
    """The images that ``--data NAME`` means; of a folder of images every tenth is kept for the test."""
    if name == "faces":
        (x, attributes), (x_test, test_attributes) = (faces(n, seed) for n, seed in FACES.values())
        return Images(unit(x), unit(x_test), None, halves(attributes), halves(test_attributes))
    folder = Path(name)
    if folder.is_dir() and any(path.suffix.lower() in SUFFIXES for path in folder.iterdir()):
        return _of_folder(folder, attribute_file)
    if name != "digits" and not folder.is_dir():
        raise UserError(f"--data {name}: it is digits, faces, or a folder, and there is no folder of that name")
    if name != "digits" and not list(folder.glob("*-ubyte*")):
        raise UserError(f"--data {name} has neither MNIST's files nor an image directly in it ({', '.join(SUFFIXES)})")
    (x, _), (x_test, classes) = load_digits(None if name == "digits" else name)
    return Images(x.reshape(-1, 1, 28, 28), x_test.reshape(-1, 1, 28, 28), classes)


def _of_folder(folder, attribute_file):
    try:
        images, attributes = image_folder(folder, 32, attribute_file)
    except (OSError, ValueError) as error:
        raise UserError(error) from None
    if len(images) < 20:
        raise UserError(f"--data {folder} has {len(images)} images; to learn and to test takes at least 20")
    test = np.arange(len(images)) % 10 == 9
    parts = [{name: has[rows] for name, has in attributes.items()} for rows in (~test, test)]
    return Images(unit(images[~test]), unit(images[test]), None, *parts)


def unit(images: np.ndarray) -> np.ndarray:
    """Bytes as float32 in [0, 1]"""
    return images / np.float32(255)


def halves(attributes: dict) -> dict:
    return {name: value > value.mean() for name, value in attributes.items()}
