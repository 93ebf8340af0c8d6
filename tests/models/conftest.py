"""What the tests of the models share."""

import sys

import pytest

from minigrad.data import digits
from minigrad.data.make_digits import balanced
from tests.models import runs


class NoCuPy:
    """A finder that finds no CuPy; None in sys.modules would do it too, but SciPy looks there by itself."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "cupy":
            raise ModuleNotFoundError("No module named 'cupy'", name=name)


@pytest.fixture(autouse=True)
def no_cupy(monkeypatch):
    """A machine without a GPU, wherever the tests run."""
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoCuPy, *sys.meta_path])


@pytest.fixture(scope="session")
def small_digits():
    """Of each digit 30 training and 5 test images: ((x, y), (x_test, y_test))."""
    train, test = digits()
    return balanced(*train, 30), balanced(*test, 5)


@pytest.fixture(scope="session")
def small_mnist(tmp_path_factory, small_digits):
    """The folder of a full MNIST that has only these; do not write to it."""
    return runs.write_mnist(tmp_path_factory.mktemp("data") / "mnist", *small_digits)
