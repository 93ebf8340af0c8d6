"""Points of one submission, or of a folder of them, as a table and as Gradescope wants to read them."""

import csv
import io
import json
import sys
from pathlib import Path

from minigrad.checkpoint import replacing

from .checker import Verdict, check
from .exercise import Exercise, exercises


def told(exercise: Exercise, verdicts: list[Verdict], printed: str = "") -> str:
    """What a student is told of an exercise."""
    points = sum(verdict.points for verdict in verdicts)
    lines = [f"{exercise.number} {exercise.title} · {exercise.title_ko}: {points} of {exercise.points} points"]
    for verdict in verdicts:
        lines.append(
            f"  {'✗' if verdict.mistake else '✓'} {verdict.part.function}: {verdict.points} of {verdict.part.points}"
        )
        lines += [f"      {line}" for line in verdict.lines]
        if verdict.mistake:
            lines += [f"      {name}{hint}" for name, hint in zip(("hint     ", "힌트     "), verdict.hints) if hint]
    if printed:
        lines += ["  your code printed:", *(f"      {line}" for line in printed.splitlines())]
    return "\n".join(lines)


def find(folder: Path, exercise: Exercise) -> Path:
    """The file of an exercise in a student's folder, or in its folder homework/."""
    inner = folder / "homework" / exercise.path.name
    return inner if inner.exists() else folder / exercise.path.name


def graded(folder: Path) -> list[dict]:
    """Each exercise of one submission, in the fields of Gradescope's `tests`."""
    tests = []
    for exercise in exercises():
        file, points, output = find(folder, exercise), 0, f"{exercise.path.name} was not handed in"
        if file.is_file():
            try:
                verdicts, _ = check(exercise, file, smallest=False)
                points, output = sum(verdict.points for verdict in verdicts), told(exercise, verdicts)
            except Exception as error:  # one file must not cost the others their grades
                output = f"the grader failed, tell your teacher: {type(error).__name__}: {error}"
                print(f"{file}: {output}", file=sys.stderr)
        tests.append(
            {
                "name": f"{exercise.number} {exercise.title}",
                "score": points,
                "max_score": exercise.points,
                "output": output,
                "visibility": "visible",
            }
        )
    return tests


def gradescope(folder: Path, out: Path) -> list[int]:
    """Grade one submission and write `results.json` (gradescope-autograders.readthedocs.io); the points of each."""
    tests = graded(folder)
    points = [test["score"] for test in tests]
    _write(out / "results.json", json.dumps({"score": sum(points), "tests": tests}, ensure_ascii=False, indent=1))
    return points


def grade(folder: Path, out: Path) -> Path:
    """Grade every folder in `folder`: `grades.csv`, and NAME/results.json for each; the path of the table."""
    students = sorted(path for path in folder.iterdir() if path.is_dir() and path.name != "homework")
    if not students:
        raise FileNotFoundError(f"{folder} has no folders in it; it should have one for each student")
    rows = [["name", "total", *(exercise.id for exercise in exercises())]]
    for student in students:
        points = gradescope(student, out / student.name)
        rows.append([student.name, sum(points), *points])
        table = io.StringIO()
        csv.writer(table, lineterminator="\n").writerows(rows)
        _write(out / "grades.csv", table.getvalue())
        print(f"{student.name}: {sum(points)}", flush=True)
    return out / "grades.csv"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
