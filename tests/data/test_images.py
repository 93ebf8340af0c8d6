"""A folder of images, made here: sizes, modes and formats; attributes; and what is wrong with it is named."""

import re
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minigrad.data import image_folder

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def plain(color, width=8, height=8):
    return Image.new("RGB", (width, height), color)


def seen(tmp_path, image, size=4, name="a.png"):
    """The one image (3, size, size) of a folder with `image` in it."""
    image.save(tmp_path / name)
    return image_folder(tmp_path, size)[0][0]


# ------------------------------------------------------------------ images
def test_images_come_in_the_order_of_their_names_whatever_their_format(tmp_path):
    for name, color in {"c.png": BLUE, "a.JPG": RED, "b.bmp": GREEN, "d.jpeg": WHITE, "e.webp": RED}.items():
        plain(color).save(tmp_path / name)
    images, attributes = image_folder(tmp_path, 8)
    assert (images.shape, images.dtype, attributes) == ((5, 3, 8, 8), np.uint8, {})
    expected = np.broadcast_to(np.reshape([RED, GREEN, BLUE, WHITE, RED], (5, 3, 1, 1)), images.shape)
    np.testing.assert_allclose(images, expected, atol=3)  # JPEG and WebP round


def test_only_the_first_images_are_read_up_to_the_limit(tmp_path):
    for i, color in enumerate([RED, GREEN, BLUE]):
        plain(color).save(tmp_path / f"{i}.png")
    (tmp_path / "2.png").write_bytes(b"broken, but not asked for")
    assert image_folder(tmp_path, 1, limit=2)[0].tolist() == [[[[c]] for c in RED], [[[c]] for c in GREEN]]


def test_an_image_of_the_right_size_is_kept_pixel_by_pixel(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 5, 3), np.uint8)
    np.testing.assert_array_equal(seen(tmp_path, Image.fromarray(pixels), 5), pixels.transpose(2, 0, 1))


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("long, short", [(12, 4), (13, 4), (5, 4)])
def test_of_an_image_that_is_not_square_the_middle_is_taken(tmp_path, wide, long, short):
    pixels = np.zeros((short, long, 3), np.uint8)
    start = (long - short) // 2
    pixels[:, start : start + short] = np.arange(1, short + 1)[None, :, None] * 50
    image = seen(tmp_path, Image.fromarray(pixels if wide else pixels.swapaxes(0, 1)), short)
    rows = image[0] if wide else image[0].T
    if (long - short) % 2 == 0:
        np.testing.assert_array_equal(rows, np.tile(np.arange(1, short + 1) * 50, (short, 1)))
    else:  # the middle lies half a pixel further
        assert np.all(np.diff(rows[0, :-1].astype(int)) > 0)


def test_a_large_image_is_averaged_and_a_small_one_enlarged(tmp_path):
    checks = np.indices((64, 64)).sum(axis=0)[..., None] % 2 * np.full(3, 255)
    np.testing.assert_allclose(seen(tmp_path, Image.fromarray(checks.astype(np.uint8)), 4), 127.5, atol=6)
    assert np.all(seen(tmp_path, plain(GREEN, 1, 1), 4) == np.reshape(GREEN, (3, 1, 1)))


def half_transparent():
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 8, 4))
    return image


MODES = {
    "grey": (lambda: Image.new("L", (8, 8), 77), (77, 77, 77)),
    "black and white": (lambda: Image.new("1", (8, 8), 1), WHITE),
    "grey in 16 bits": (lambda: Image.fromarray(np.full((8, 8), 77 * 257, np.uint16)), (77, 77, 77)),
    "palette": (lambda: plain(BLUE).quantize(4), BLUE),
    "transparent": (lambda: Image.new("RGBA", (8, 8), (9, 9, 9, 0)), WHITE),
    "grey and transparent": (lambda: Image.new("LA", (8, 8), (9, 0)), WHITE),
    "opaque": (lambda: Image.new("RGBA", (8, 8), (1, 2, 3, 255)), (1, 2, 3)),
}


@pytest.mark.parametrize("make, color", MODES.values(), ids=MODES)
def test_every_kind_of_png_becomes_rgb(tmp_path, make, color):
    assert np.all(seen(tmp_path, make()) == np.reshape(color, (3, 1, 1)))


def test_what_is_transparent_shows_white(tmp_path):
    image = seen(tmp_path, half_transparent(), 8)
    assert np.all(image[:, :4] == np.reshape(RED, (3, 1, 1))) and np.all(image[:, 4:] == 255)


@pytest.mark.parametrize("mode, color", [("L", (77, 77, 77)), ("CMYK", RED)])
def test_jpegs_in_other_modes_become_rgb(tmp_path, mode, color):
    image = seen(tmp_path, plain(color).convert(mode), name="a.jpg")
    np.testing.assert_allclose(image, np.broadcast_to(np.reshape(color, (3, 1, 1)), image.shape), atol=3)


def test_a_photo_that_says_it_lies_on_its_side_is_turned(tmp_path):
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, :8] = 255  # the left half
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise to see it
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif)
    image = image_folder(tmp_path, 16)[0][0].astype(int)
    assert image[:, :8].min() > 200 and image[:, 8:].max() < 50


def test_other_files_hidden_ones_and_folders_do_not_count(tmp_path):
    plain(RED).save(tmp_path / "a.png")
    for name in ("list.txt", "._a.png", ".DS_Store"):
        (tmp_path / name).write_bytes(b"no image")
    (tmp_path / "deeper").mkdir()
    plain(BLUE).save(tmp_path / "deeper" / "b.png")
    assert len(image_folder(tmp_path, 4)[0]) == 1


# ------------------------------------------------------------------ what is wrong with a folder
def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"there is no folder {re.escape(str(tmp_path / 'absent'))}"):
        image_folder(tmp_path / "absent", 4)


def test_an_empty_folder_says_which_files_count(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(ValueError, match=rf"{re.escape(str(tmp_path))} has no image .*\.bmp, \.jpeg, \.jpg, \.png"):
        image_folder(tmp_path, 4)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp"])
@pytest.mark.parametrize("broken", [lambda b: b"", lambda b: b"GIF89 no", lambda b: b[: len(b) // 2], lambda b: b[9:]],
                         ids=["empty", "something else", "cut off", "without its start"])  # fmt: skip
def test_a_broken_image_is_named(tmp_path, suffix, broken):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    plain(RED).save(tmp_path / f"a.{suffix}")
    Image.fromarray(pixels).save(tmp_path / f"b.{suffix}")
    (tmp_path / f"b.{suffix}").write_bytes(broken((tmp_path / f"b.{suffix}").read_bytes()))
    with pytest.raises(ValueError, match=rf"{re.escape(str(tmp_path))}.b\.{suffix} cannot be read as an image: "):
        image_folder(tmp_path, 4)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    plain(RED, 9, 5).save(folder / "a.png")
    return folder / "a.png", (folder / "a.png").read_bytes()


@given(where=st.integers(0, 10_000), byte=st.integers(0, 255), end=st.integers(1, 10_000))
def test_whatever_byte_is_damaged_an_image_is_read_or_named(damaged, where, byte, end):
    path, content = damaged
    changed = bytearray(content)
    changed[where % len(content)] = byte
    path.write_bytes(changed[: 1 + end % len(content)])
    try:
        assert image_folder(path.parent, 4)[0].shape == (1, 3, 4, 4)
    except ValueError as error:
        assert str(error).startswith(f"{path} cannot be read as an image: ")


# ------------------------------------------------------------------ attributes
NAMES = "000001.jpg", "000002.jpg", "000003.jpg"
TXT = "3\nSmiling Eyeglasses \n000001.jpg -1  1\n000002.jpg  1  1\n000003.jpg  1 -1\n"
CSV = "image_id,Smiling,Eyeglasses\n000001.jpg,-1,1\n000002.jpg,1,1\n000003.jpg,1,-1\n"
EXPECTED = {"Smiling": [False, True, True], "Eyeglasses": [True, True, False]}


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three")
    for name, color in zip(NAMES, (RED, GREEN, BLUE)):
        plain(color).save(folder / name)
    return folder


SHUFFLED = "image_id,Smiling,Eyeglasses\n000003.jpg,1,-1\n000001.jpg,-1,1\n000002.jpg,1,1\n"
LAYOUTS = {
    "txt": TXT,
    "csv": CSV,
    "rows in another order": SHUFFLED,
    "0 for no": CSV.replace("-1", "0"),
    "Windows line ends": CSV.replace("\n", "\r\n"),
    "no line end, blank lines": TXT + "\n \n",
}


@pytest.mark.parametrize("content", LAYOUTS.values(), ids=LAYOUTS)
def test_attributes_are_read_for_each_image(three, tmp_path, content):
    (tmp_path / "attributes").write_bytes(content.encode())
    images, attributes = image_folder(three, 2, tmp_path / "attributes")
    assert {name: has.tolist() for name, has in attributes.items()} == EXPECTED
    assert all(has.dtype == bool for has in attributes.values())
    assert images[:, :, 0, 0].argmax(axis=1).tolist() == [0, 1, 2]


def test_attributes_may_lie_beside_the_images(three, tmp_path):
    shutil.copytree(three, tmp_path / "all")
    (tmp_path / "all" / "list_attr_celeba.txt").write_text(TXT)
    images, attributes = image_folder(tmp_path / "all", 2, tmp_path / "all" / "list_attr_celeba.txt", limit=2)
    assert len(images) == 2 and attributes["Smiling"].tolist() == [False, True]


UNFIT = {
    "missing row": (CSV.replace("000002.jpg,1,1\n", ""), r"has no row for 000002\.jpg, which is in"),
    "missing image": (CSV + "000004.jpg,1,1\n", r"lists 000004\.jpg, which is not in"),
    "no header": ("000001.jpg -1 1\n", r"starts with '000001\.jpg -1 1': the first line should be"),
    "only a count": ("3\n", r"starts with '3': the first line should be"),
    "wrong count": (TXT.replace("3", "4", 1), r"announces 4 images and has 3 rows"),
    "a value too few": (TXT.replace("1  1\n", "1\n"), r", line 3: .* file name and 2 times 1 or -1"),
    "a value too many": (CSV.replace("1,1\n", "1,1,1\n"), r", line 2: .* file name and 2 times 1 or -1"),
    "another value": (CSV.replace("1,-1", "1,yes"), r", line 4: .* file name and 2 times 1 or -1"),
    "a blank row": (CSV.replace("000003", "\n000003"), r", line 4: .* file name and 2 times 1 or -1"),
    "a blank row in txt": (TXT.replace("3", "4", 1).replace("000003", "\n000003"), r", line 5: .* file name"),
    "twice": (CSV + "000001.jpg,1,1\n", r", line 5: 000001\.jpg stands there a second time"),
    "empty": ("", r"is empty"),
}


@pytest.mark.parametrize("content, words", UNFIT.values(), ids=UNFIT)
def test_attributes_that_do_not_fit_are_told(three, tmp_path, content, words):
    path = tmp_path / "attributes.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}.*{words}"):
        image_folder(three, 2, path)


def test_a_missing_attribute_file_is_named(three, tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "absent.csv"))):
        image_folder(three, 2, tmp_path / "absent.csv")
