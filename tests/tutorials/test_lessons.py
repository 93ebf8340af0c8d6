"""Running a lesson is its test: every claim in it must hold. Its notebook and the gallery are built from its source."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tutorials import build
from tutorials.homework.exercise import exercises

FAST = ("00", "01", "02", "04")  # the lessons that take less than five seconds
LESSONS = build.lessons()
every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name[:2])


def notebook_of(path: Path) -> dict:
    return json.loads(path.with_suffix(".ipynb").read_text(encoding="utf-8"))


def as_cells(notebook: dict) -> str:
    """A notebook's cells as a file of cells, without its outputs."""
    parts = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        tags = "".join(f" tags={json.dumps(cell['metadata']['tags'])}" for _ in cell["metadata"])
        if cell["cell_type"] == "markdown":
            text = "\n".join(f"# {line}".rstrip() for line in text.splitlines())
        parts.append(f"# %%{' [markdown]' if cell['cell_type'] == 'markdown' else ''}{tags}\n{text}\n")
    return "\n".join(parts)


def without_blank_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def test_there_are_seventeen_lessons():
    assert [path.name[:2] for path in LESSONS] == [f"{n:02}" for n in range(17)]


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=p.name[:2], marks=() if p.name[:2] in FAST else pytest.mark.slow) for p in LESSONS],
)
def test_the_claims_hold(path, tmp_path):
    environment = {**os.environ, "LESSON_SEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, path], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, ""), run.stdout[-2000:]
    assert "✓" in run.stdout


@every_lesson
def test_the_notebook_is_built_from_the_source(path):
    assert without_blank_lines(as_cells(notebook_of(path))) == without_blank_lines(path.read_text(encoding="utf-8"))


@every_lesson
def test_the_notebook_ran_from_top_to_bottom_without_an_error(path):
    cells = [cell for cell in notebook_of(path)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert all(output["output_type"] != "error" and output.get("name") != "stderr" for output in outputs)


@every_lesson
def test_a_lesson_has_its_parts(path):
    notebook = notebook_of(path)
    said = build.opening(notebook)
    assert re.fullmatch(rf"{path.name[:2]} · \S.*", said["title"])
    for name in ("제목", "질문", "요약"):
        assert re.search("[가-힣]", said[name]), name
    for name in ("Summary", "요약"):
        assert len(re.findall(r"[.?!](?= |$)", said[name])) == 3, f"{name} has three sentences"
    assert said["Question"].endswith("?") and said["Deck"]
    picture, claims = build.key_outputs(notebook)
    assert claims
    source = path.read_text(encoding="utf-8")
    assert "source(" in source, "shows the formulas that it uses"
    assert re.search(r"^# ## Try this$", source.rpartition("# %% [markdown]")[2], re.M)


def test_every_exercise_is_named_by_a_lesson():
    named = {name for path in LESSONS for name in build.exercises(notebook_of(path)).split(", ") if name}
    assert named == {f"{each.number} {each.id}" for each in exercises()}


def test_the_gallery_is_written_from_the_notebooks():
    page = (build.HERE / "README.md").read_text(encoding="utf-8")
    assert page.partition(build.MARK)[2] == "\n" + build.gallery({path: notebook_of(path) for path in LESSONS})


@every_lesson
def test_the_gallery_has_the_key_figure(path):
    figure = build.HERE / "figures" / f"{path.name[:2]}.png"
    assert figure.read_bytes() == build.key_outputs(notebook_of(path))[0]


def test_all_notebooks_together_are_small():
    assert sum(path.with_suffix(".ipynb").stat().st_size for path in LESSONS) < 8e6


def test_a_notebook_that_is_not_built_from_the_source_is_found():
    notebook = notebook_of(LESSONS[0])
    notebook["cells"][2]["source"] = "print('something else')"
    assert without_blank_lines(as_cells(notebook)) != without_blank_lines(LESSONS[0].read_text(encoding="utf-8"))
