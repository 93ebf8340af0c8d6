"""What --data means: digits, faces, a folder of MNIST or of images; and what is said of a folder that will not do."""

import numpy as np
import pytest
from PIL import Image

from minigrad.data import digits, faces
from models import image_data
from models.common import UserError
from models.wgan import main


def test_digits_are_the_embedded_ones():
    images = image_data.load("digits")
    (x, _), (_, classes) = digits()
    np.testing.assert_allclose(images.x[:, 0] * 255, x, atol=1e-4)
    assert images.x_test.shape == (2000, 1, 28, 28) and images.x.dtype == np.float32 and images.x.max() == 1
    np.testing.assert_array_equal(images.classes, classes)
    assert images.attributes == {}


def test_faces_come_with_who_has_what(monkeypatch):
    monkeypatch.setattr(image_data, "FACES", {"x": (60, 0), "x_test": (20, 1)})
    images = image_data.load("faces")
    drawn, attributes = faces(60, 0)
    np.testing.assert_allclose(images.x * 255, drawn, atol=1e-4)
    np.testing.assert_array_equal(images.attributes["hat"], attributes["hat"])
    assert images.attributes["pose"].dtype == bool and 10 < images.attributes["pose"].sum() < 50
    assert {name: has.shape for name, has in images.test_attributes.items()} == dict.fromkeys(attributes, (20,))


def test_of_an_attribute_that_is_a_number_those_above_the_mean_have_it_and_what_all_have_is_none():
    images = np.array([0, 255, 51], np.uint8).reshape(3, 1, 1, 1)
    train = {"hat": np.array([True, True, False]), "pose": np.array([-1.0, 0.25, 0.5]), "nose": np.ones(3, bool)}
    test = {"hat": np.array([False, True, True]), "pose": np.array([-0.2, -0.1, 0.1]), "nose": np.ones(3, bool)}
    data = image_data.with_attributes((images, train), (images, test))
    assert data.x.dtype == np.float32
    np.testing.assert_allclose(data.x.ravel(), [0, 1, 0.2])
    has, test_has = (
        {name: who.tolist() for name, who in part.items()} for part in (data.attributes, data.test_attributes)
    )
    assert has == {"hat": [True, True, False], "pose": [False, True, True]}
    assert test_has == {"hat": [False, True, True], "pose": [False, False, True]}


# ------------------------------------------------------------------ a folder of images
@pytest.fixture
def folder(tmp_path):
    """110 grey images of odd sizes, the i-th with the shade i; a file beside it says that the odd ones smile."""
    (tmp_path / "faces").mkdir()
    for i in range(110):
        Image.new("L", (5 + i % 3, 7), i).save(tmp_path / "faces" / f"{i:03}.png")
    rows = "".join(f"{i:03}.png {1 if i % 2 else -1}\n" for i in range(110))
    (tmp_path / "attributes.txt").write_text("110\nSmiling\n" + rows)
    return tmp_path / "faces"


def test_of_a_folder_of_images_the_last_tenth_is_for_testing(folder):
    data = image_data.load(str(folder), attribute_file=folder.parent / "attributes.txt")
    assert (data.x.shape, data.x_test.shape, data.classes) == ((99, 3, 32, 32), (11, 3, 32, 32), None)
    shades = np.concatenate([data.x, data.x_test])[:, 0, 0, 0]
    np.testing.assert_allclose(shades, np.arange(110) / np.float32(255))
    assert data.attributes["Smiling"].tolist() == [i % 2 == 1 for i in range(99)]
    assert data.test_attributes["Smiling"].tolist() == [i % 2 == 1 for i in range(99, 110)]


def test_a_folder_of_images_needs_no_attributes_and_has_them_in_the_size_asked_for(folder):
    data = image_data.load(str(folder), size=64)
    assert data.x.shape == (99, 3, 64, 64) and data.attributes == {}


def break_one(folder):
    (folder / "050.png").write_bytes(b"nothing")


def keep(n):
    def remove(folder):
        for path in sorted(folder.iterdir())[n:]:
            path.unlink()

    return remove


def remove_all(folder):
    keep(0)(folder)
    folder.rmdir()


def begin_mnist(folder):
    (folder / "t10k-labels-idx1-ubyte").touch()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (break_one, "050.png cannot be read as an image"),
        (keep(99), "has 99 images; to learn from, there should be 100 or more"),
        (keep(0), "has no image directly in it"),
        (remove_all, "it is digits, faces, or a folder, and there is no folder of that name"),
        (begin_mnist, "put MNIST's four files there"),
    ],
    ids=["a broken image", "few", "none", "no folder", "a file of MNIST"],
)
def test_a_folder_that_will_not_do_is_told_before_anything_is_written(damage, says, folder, tmp_path):
    damage(folder)
    with pytest.raises(UserError, match=says):
        main(["--data", str(folder), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
