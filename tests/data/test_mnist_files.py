"""The embedded digits and where they come from; reading MNIST's files, whole and damaged."""

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad.data import digits, mnist
from minigrad.data.make_digits import balanced, digits_from_mnist
from minigrad.data.mnist_files import DIGITS
from tests.data.tiny_mnist import CONTENT, GZIPPED, TEST, TRAIN, assert_read, idx, write

NAMES = list(CONTENT)
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES


# ---------------------------------------------------------------------------------------------- the embedded digits
@pytest.fixture(scope="module", params=[(0, 10_000), (1, 2_000)], ids=["train", "test"])
def part(request):
    """One part of the embedded digits and its size."""
    index, n = request.param
    return *digits()[index], n


def test_digits_are_images_of_28_by_28_bytes(part):
    x, _, n = part
    assert (x.shape, x.dtype) == ((n, 28, 28), np.uint8)


def test_digits_have_one_integer_label_each(part):
    _, y, n = part
    assert (y.shape, y.dtype) == ((n,), np.int64)


def test_digits_have_each_class_equally_often(part):
    _, y, n = part
    assert np.bincount(y).tolist() == [n // 10] * 10


def test_digits_span_all_shades(part):
    x, _, _ = part
    assert (x.min(), x.max()) == (0, 255)


def test_the_file_of_the_digits_is_small():
    assert DIGITS.stat().st_size < 3_000_000


def test_the_licence_of_the_digits_lies_beside_them():
    assert "CC BY-SA 3.0" in DIGITS.with_suffix(".md").read_text()


# ---------------------------------------------------------------------------------------------- the official files
@pytest.fixture(scope="module")
def official():
    if "MINIGRAD_DATA" not in os.environ:
        pytest.skip("MINIGRAD_DATA is not set: it names a folder with MNIST's official files in mnist/")
    return Path(os.environ["MINIGRAD_DATA"]) / "mnist"


def test_mnist_has_60000_and_10000_digits(official):
    assert [(x.shape, y.shape) for x, y in mnist(official)] == [
        ((60_000, 28, 28), (60_000,)),
        ((10_000, 28, 28), (10_000,)),
    ]


@pytest.mark.parametrize("index, name, per_class", [(0, "train", 1000), (1, "t10k", 200)], ids=["train", "test"])
def test_digits_are_the_first_of_each_class_of_mnist(official, index, name, per_class):
    labels = gzip.decompress((official / f"{name}-labels-idx1-ubyte.gz").read_bytes())[8:]
    pixels = gzip.decompress((official / f"{name}-images-idx3-ubyte.gz").read_bytes())[16:]
    counts, expected_x, expected_y = [0] * 10, bytearray(), []
    for i, label in enumerate(labels):
        if counts[label] < per_class:
            counts[label] += 1
            expected_x += pixels[784 * i : 784 * (i + 1)]
            expected_y.append(label)
    x, y = digits()[index]
    assert (x.tobytes(), y.tolist()) == (expected_x, expected_y)


def test_make_digits_makes_the_embedded_arrays_again(official):
    made = digits_from_mnist(official)
    with np.load(DIGITS) as embedded:
        assert {name: a.tobytes() for name, a in made.items()} == {name: a.tobytes() for name, a in embedded.items()}


def test_balanced_keeps_the_first_of_each_class_in_order():
    labels = np.array([1, 0, 1, 0, 1, 2, 0])
    kept, kept_labels = balanced(10 * np.arange(7), labels, per_class=2)
    assert (kept.tolist(), kept_labels.tolist()) == ([0, 10, 20, 30, 50], [1, 0, 1, 0, 2])


def test_make_digits_writes_the_file_that_it_is_told_to(tmp_path):
    write(tmp_path)
    output = tmp_path / "some.npz"
    subprocess.run([sys.executable, "-m", "minigrad.data.make_digits", tmp_path, output], check=True)
    with np.load(output) as file:
        assert_read([(file["x_train"], file["y_train"]), (file["x_test"], file["y_test"])])


# ---------------------------------------------------------------------------------------------- reading the files
@pytest.mark.parametrize(
    "gzipped",
    [NAMES, [], [TRAIN_IMAGES, TEST_LABELS]],
    ids=["all gzipped", "all plain", "mixed"],
)
def test_mnist_reads_gzipped_and_plain_files(tmp_path, gzipped):
    write(tmp_path, gzipped)
    assert_read(mnist(tmp_path))


def test_mnist_takes_the_folder_as_text(tmp_path):
    write(tmp_path)
    assert_read(mnist(str(tmp_path)))


def test_mnist_has_the_dtypes_of_the_digits(tmp_path):
    write(tmp_path)
    assert [(x.dtype, y.dtype) for x, y in mnist(tmp_path)] == [(np.uint8, np.int64)] * 2


def test_images_can_be_changed_in_place(tmp_path):
    write(tmp_path)
    (x, _), _ = mnist(tmp_path)
    x[0] = 7
    assert (x[0] == 7).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named_with_its_folder_and_the_command_that_fetches_it(tmp_path, name):
    write(tmp_path)
    (tmp_path / f"{name}.gz").unlink()
    words = rf"{name} .*in {re.escape(str(tmp_path))};.*`python -m minigrad\.data --root {re.escape(str(tmp_path))}`"
    with pytest.raises(FileNotFoundError, match=words):
        mnist(tmp_path)


def test_a_folder_that_is_not_there_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"{TRAIN_IMAGES} .*in .*nowhere"):
        mnist(tmp_path / "nowhere")


IMAGES, LABELS = CONTENT[TRAIN_IMAGES], CONTENT[TRAIN_LABELS]
RANDOM = np.random.default_rng(0).bytes(200)
MISUSES = {
    "signed bytes": (TRAIN_IMAGES, b"\0\0\x09\x03" + IMAGES[4:], r"starts with the bytes 00 00 09 03, .*00 00 08 03"),
    "text": (TRAIN_IMAGES, b"<html>404</html>", r"starts with the bytes 3c 68 74 6d"),
    "empty": (TRAIN_IMAGES, b"", r"starts with"),
    "cut in the header": (TRAIN_IMAGES, IMAGES[:10], r"within its header"),
    "cut off": (TRAIN_IMAGES, IMAGES[:-1], r"announces 120 bytes and 119 follow"),
    "too long": (TRAIN_IMAGES, IMAGES + b"\0", r"announces 120 bytes and 121 follow"),
    "huge lengths": (TRAIN_IMAGES, IMAGES[:4] + b"\xff" * 12, r"announces [0-9,]{38} bytes and 0 follow"),
    "labels for images": (TRAIN_IMAGES, LABELS, r"starts with the bytes 00 00 08 01, .*00 00 08 03"),
    "images for labels": (TRAIN_LABELS, IMAGES, r"starts with the bytes 00 00 08 03, .*00 00 08 01"),
    "gzip cut off": (f"{TRAIN_IMAGES}.gz", GZIPPED[TRAIN_IMAGES][:-9], r"does not unzip"),
    "gzip cut in its header": (f"{TRAIN_IMAGES}.gz", GZIPPED[TRAIN_IMAGES][:5], r"does not unzip"),
    "gzip of random bytes": (f"{TRAIN_IMAGES}.gz", gzip.compress(RANDOM), r"starts with"),
    "random bytes after gzip's header": (f"{TRAIN_IMAGES}.gz", GZIPPED[TRAIN_IMAGES][:10] + RANDOM, r"does not unzip"),
    "gzip with a wrong sum": (
        f"{TRAIN_IMAGES}.gz",
        GZIPPED[TRAIN_IMAGES][:-8] + bytes(4) + GZIPPED[TRAIN_IMAGES][-4:],
        r"does not unzip",
    ),
    "bytes after the gzip": (f"{TRAIN_IMAGES}.gz", GZIPPED[TRAIN_IMAGES] + b"more", r"does not unzip"),
    "gzip of too much": (f"{TRAIN_IMAGES}.gz", gzip.compress(IMAGES + b"\0"), r"announces 120 bytes and 121 follow"),
}


@pytest.mark.parametrize("name, content, words", MISUSES.values(), ids=MISUSES)
def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path, name, content, words):
    write(tmp_path, gzipped=[name.removesuffix(".gz")] if name.endswith(".gz") else [])
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{re.escape(str(tmp_path / name))} is damaged: .*{words}"):
        mnist(tmp_path)


def test_a_damaged_file_is_told_with_the_command_that_fetches_it(tmp_path):
    write(tmp_path)
    (tmp_path / f"{TEST_LABELS}.gz").write_bytes(b"")
    with pytest.raises(ValueError, match=rf"`python -m minigrad\.data --root {re.escape(str(tmp_path))}`"):
        mnist(tmp_path)


@pytest.mark.parametrize(
    "name, labels, words",
    [
        (TRAIN_LABELS, TRAIN[1][:-1], "6 train images but 5 labels"),
        (TEST_LABELS, TRAIN[1], "3 t10k images but 6 labels"),
    ],
    ids=["train", "test"],
)
def test_as_many_labels_as_images(tmp_path, name, labels, words):
    write(tmp_path, gzipped=[])
    (tmp_path / name).write_bytes(idx(labels))
    with pytest.raises(ValueError, match=f"{re.escape(str(tmp_path))} has {words}"):
        mnist(tmp_path)


def test_the_gzipped_file_is_read_where_both_are_there(tmp_path):
    """It is the one that fetching replaces, so a damaged plain file beside it cannot stay in the way."""
    write(tmp_path)
    (tmp_path / TEST_IMAGES).write_bytes(idx(TEST[0] * 0))
    assert_read(mnist(tmp_path))
