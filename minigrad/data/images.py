"""A folder of images as one array, with attributes from a file in CelebA's layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .text import read_text

SUFFIXES = ".bmp", ".jpeg", ".jpg", ".png", ".webp"


def image_folder(
    path, size: int, attributes=None, limit: int | None = None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The images of the folder `path` in the order of their names, each a square of `size` pixels.

    Of an image that is not square the middle is taken, and what is not `size` wide is resampled. Grey images and
    palettes become RGB; what is transparent shows white. Only the first `limit` images are read where one is given.
    Returns images (n, 3, size, size) uint8, and for each attribute in the file `attributes` whether the images have it,
    (n,) bool; none without a file. The file is CelebA's ``list_attr_celeba.txt`` (number of images; names; rows like
    ``000001.jpg -1 1``) or its CSV (``image_id,Smiling,...``; rows like ``000001.jpg,-1,1``).

    A missing folder or file is a FileNotFoundError; no image in the folder, one that cannot be read, or a file that
    does not fit the images is a ValueError that names the culprit.
    Liu, Luo, Wang & Tang 2015, "Deep Learning Face Attributes in the Wild", for CelebA.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    names = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    if not names:
        raise ValueError(f"{folder} has no image directly in it: no file that ends in {', '.join(SUFFIXES)}")
    columns, rows = ([], {}) if attributes is None else _read_attributes(attributes)
    if attributes is not None:
        if unknown := sorted(set(names) - rows.keys()):
            raise ValueError(f"{attributes} has no row for {unknown[0]}, which is in {folder}")
        if absent := sorted(rows.keys() - set(names)):
            raise ValueError(f"{attributes} lists {absent[0]}, which is not in {folder}")
    names = names[:limit]
    images = np.empty((len(names), 3, size, size), np.uint8)
    for image, name in zip(images, names):
        image[:] = _read_image(folder / name, size)
    return images, {column: np.array([rows[name][i] for name in names]) for i, column in enumerate(columns)}


def _read_image(path, size):
    """One image as (3, size, size) uint8."""
    from PIL import Image, ImageOps  # comes with matplotlib; a quarter of a second that only folders need

    try:
        with Image.open(path) as file:
            if file.mode.startswith("I"):  # grey in 16 bits, which convert() would clip
                file = Image.fromarray((np.asarray(file) >> 8).astype(np.uint8))
            image = ImageOps.exif_transpose(file).convert("RGBA")
    except Exception as error:  # Pillow has many for a broken file: OSError, SyntaxError, struct.error, ...
        raise ValueError(f"{path} cannot be read as an image: {error}; repair it or take it out") from None
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return np.asarray(ImageOps.fit(image, (size, size))).transpose(2, 0, 1)


def _read_attributes(path):
    """(names of the attributes, file name -> list of bool)."""
    header, *lines = read_text(path).rstrip().splitlines()
    if header.startswith("image_id,"):
        separator, names, first = ",", header.split(",")[1:], 2
    elif header.strip().isdecimal() and lines:
        separator, names, first = None, lines.pop(0).split(), 3
        if len(lines) != int(header):
            raise ValueError(f"{path} announces {header.strip()} images and has {len(lines)} rows")
    else:
        raise ValueError(
            f"{path} starts with {header[:40]!r}: the first line should be the number of images, and the second the "
            "names of the attributes, or it should be image_id,NAME,NAME,..."
        )
    rows = {}
    for number, line in enumerate(lines, first):
        name, *values = [value.strip() for value in line.split(separator)] or [""]
        if len(values) != len(names) or not {"1", "0", "-1"}.issuperset(values):
            raise ValueError(f"{path}, line {number}: it should be a file name and {len(names)} times 1 or -1")
        if name in rows:
            raise ValueError(f"{path}, line {number}: {name} stands there a second time")
        rows[name] = [value == "1" for value in values]
    return names, rows
