"""What the lessons share."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

spec = importlib.util.spec_from_file_location("lesson", Path(__file__).parents[2] / "tutorials" / "lesson.py")
lesson = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lesson)


def plain_figure(**labels):
    figure = Figure()
    axes = figure.add_subplot()
    axes.plot([1, 2])
    axes.set(**labels)
    return figure


@pytest.mark.parametrize(
    ("measured", "relation", "bound"),
    [(1, "<", 2), (2, "<=", 2), (3, ">", 2), (2, ">=", 2), (2, "==", 2), ((3, 4), "==", (3, 4))],
)
def test_a_claim_that_holds_is_printed(measured, relation, bound, capsys):
    lesson.claim("this", measured, relation, bound)
    assert capsys.readouterr().out == f"✓ this: {measured} {relation} {bound}\n"


@pytest.mark.parametrize(
    ("measured", "relation", "bound"),
    [
        (2, "<", 2),
        (3, "<=", 2),
        (2, ">", 2),
        (1, ">=", 2),
        (1, "==", 2),
        (float("nan"), "<", 2),
        (np.ones((2, 2)), "==", np.ones((1, 2))),
        (np.array([[1, 2], [3, 4]]), "==", np.array([[1, 2], [3, 5]])),
    ],
)
def test_a_claim_that_does_not_hold_stops_the_lesson(measured, relation, bound):
    with pytest.raises(lesson.ClaimError, match="this: measured .* is not"):
        lesson.claim("this", measured, relation, bound)


def test_a_picture_goes_to_the_runs_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lesson.show(plain_figure(xlabel="x", ylabel="y"))
    (path,) = tmp_path.glob("runs/lessons/*.png")
    assert str(path.relative_to(tmp_path)) in capsys.readouterr().out


@pytest.mark.parametrize("labels", [{}, {"xlabel": "x"}, {"ylabel": "y"}])
def test_a_picture_without_labels_is_refused(labels):
    with pytest.raises(ValueError, match="label"):
        lesson.show(plain_figure(**labels))


def test_an_animation_goes_to_the_runs_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lesson.show_animation([plain_figure(title=str(i)) for i in range(3)])
    (path,) = tmp_path.glob("runs/lessons/*.gif")
    assert path.read_bytes()[:3] == b"GIF"


def test_source_prints_a_method_without_its_indentation(capsys):
    lesson.source(Figure, Path.exists)
    printed = capsys.readouterr().out
    assert "class Figure(" in printed and "\ndef exists(self" in printed
