"""Running models in tests: running, stopping and killing them, and comparing what they leave behind."""

import contextlib
import json
import re
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
import models.__main__
from models import common
from tests.models import line

ROOT = Path(__file__).parents[2]


def run(name, *options) -> int:
    """``python -m models NAME OPTIONS`` in this process, `line` being one of the models; the exit code."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(models.__main__, "MODELS", (*models.__main__.MODELS, line.NAME))
        monkeypatch.setitem(sys.modules, f"models.{line.NAME}", line)
        return models.__main__.main([name, *map(str, options)])


class Killed(BaseException):
    """Nothing runs after it, as after SIGKILL: no handler of the models catches it, so that only files remain."""


@contextlib.contextmanager
def stopping(at: int, how: str = "Ctrl-C", times: int = 1):
    """Inside, Ctrl-C or a kill comes right after the step that is number `at` of all, as often as `times` says."""

    def show_and_stop(self, done, text):
        show(self, done, text)
        for _ in range(times if done == at else 0):
            if how == "kill":
                raise Killed
            signal.raise_signal(signal.SIGINT)

    show, handler = common.Progress.show, signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(common.Progress, "show", show_and_stop)
            yield
    finally:
        signal.signal(signal.SIGINT, handler)


def kill(at: int, name, *options) -> None:
    """Run a model and kill it right after step `at`."""
    with pytest.raises(Killed), stopping(at, "kill"):
        run(name, *options)


# ------------------------------------------------------------------ what a run leaves behind
def checkpoint(folder) -> dict:
    return mg.load(Path(folder) / "checkpoint.npz")


def metrics(folder) -> dict:
    return json.loads((Path(folder) / "metrics.json").read_text())


def pictures(folder) -> dict:
    """name -> bytes"""
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.suffix in (".png", ".gif")}


def leaves(value, path=()):
    """(path, bits) of every array, number and text in nested dicts, lists and tuples."""
    if isinstance(value, (dict, list, tuple)):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(part, (*path, key))
    else:
        value = value.data if isinstance(value, mg.Tensor) else value
        yield path, (value.dtype, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value


def differences(a, b) -> list[tuple]:
    """The paths at which two nested dicts and lists differ in a bit; the seconds that a run took do not count."""
    a, b = dict(leaves(a)), dict(leaves(b))
    return [path for path in a | b if path[-1] != "seconds" and (path not in a or path not in b or a[path] != b[path])]


def assert_same_run(folder, expected) -> None:
    """The checkpoints, the metrics and the pictures are the same to the bit."""
    for content in (checkpoint, metrics, pictures):
        assert differences(content(folder), content(expected)) == []


def snapshot(folder) -> dict:
    """Every file's path, bytes and time of change."""
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in Path(folder).rglob("*") if p.is_file()}


def assert_complaint(code, errors, words, name="line") -> None:
    """Exit code 2 and exactly one line, which has the words."""
    assert code == 2
    assert re.fullmatch(rf"models {name}: [^\n]+\n", errors)
    assert words in errors


# ------------------------------------------------------------------ a small MNIST
def write_idx(path, array) -> None:
    lengths = b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + lengths + array.astype(np.uint8).tobytes())


def write_mnist(folder, train, test) -> Path:
    folder.mkdir()
    for part, (x, y) in (("train", train), ("t10k", test)):
        write_idx(folder / f"{part}-images-idx3-ubyte", x)
        write_idx(folder / f"{part}-labels-idx1-ubyte", y)
    return folder
