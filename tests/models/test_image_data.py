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
    (x, _), (x_test, classes) = digits()
    np.testing.assert_array_equal(images.x[:, 0] * 255, x.astype(np.float32))
    assert images.x_test.shape == (2000, 1, 28, 28) and images.x.dtype == np.float32 and images.x.max() == 1
    np.testing.assert_array_equal(images.classes, classes)
    assert len(x_test) == len(classes) and images.attributes == {}


def test_faces_come_with_who_has_what(monkeypatch):
    monkeypatch.setattr(image_data, "FACES", {"x": (60, 0), "x_test": (20, 1)})
    images = image_data.load("faces")
    drawn, attributes = faces(60, 0)
    np.testing.assert_allclose(images.x * 255, drawn, atol=1e-4)
    np.testing.assert_array_equal(images.attributes["hat"], attributes["hat"])
    assert images.attributes["pose"].dtype == bool and 10 < images.attributes["pose"].sum() < 50
    assert {name: has.shape for name, has in images.test_attributes.items()} == dict.fromkeys(attributes, (20,))


def filled(folder, n=40):
    """A folder of n pictures of odd sizes, each of one colour, and an attribute file that says which are red."""
    folder.mkdir()
    lines = [str(n), "red"]
    for i in range(n):
        colour = (200, 30, 10 * (i % 20)) if i % 2 else (10, 30, 200)
        Image.new("RGB", (33 + i, 50), colour).save(folder / f"{i:03d}.png")
        lines.append(f"{i:03d}.png {1 if i % 2 else -1}")
    (folder.parent / "attributes.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_a_folder_of_images_is_split_and_keeps_its_attributes(tmp_path):
    images = image_data.load(str(filled(tmp_path / "images")), str(tmp_path / "attributes.txt"))
    assert images.x.shape == (36, 3, 32, 32) and images.x_test.shape == (4, 3, 32, 32)
    np.testing.assert_array_equal(images.x[:, 0, 5, 5] > 0.5, images.attributes["red"])
    np.testing.assert_array_equal(images.x_test[:, 0, 5, 5] > 0.5, images.test_attributes["red"])
    assert images.test_attributes["red"].all()


def broken(folder):
    (folder / "007.png").write_bytes(b"no picture")


def few(folder):
    for path in sorted(folder.iterdir())[5:]:
        path.unlink()


def empty(folder):
    for path in folder.iterdir():
        path.unlink()


def missing(folder):
    empty(folder)
    folder.rmdir()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (broken, "007.png cannot be read as an image"),
        (few, "has 5 images; to learn and to test takes at least 20"),
        (empty, "has neither MNIST's files nor an image directly in it"),
        (missing, "it is digits, faces, or a folder, and there is no folder of that name"),
    ],
)
def test_a_folder_that_will_not_do_is_told_before_anything_is_written(damage, says, tmp_path):
    folder = filled(tmp_path / "images")
    damage(folder)
    with pytest.raises(UserError, match=says):
        main(["--data", str(folder), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
