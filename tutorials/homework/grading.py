"""Points of one submission, or of a folder of them, as a table and as Gradescope wants to read them."""

import csv
import json
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
            verdicts, _ = check(exercise, file, smallest=False)
            points, output = sum(verdict.points for verdict in verdicts), told(exercise, verdicts)
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


def gradescope(folder: Path, out: Path) -> int:
    """Grade one submission and write `results.json` (gradescope-autograders.readthedocs.io); the points."""
    tests = graded(folder)
    total = sum(test["score"] for test in tests)
    _write(out / "results.json", json.dumps({"score": total, "tests": tests}, ensure_ascii=False, indent=1))
    return total


def grade(folder: Path, out: Path) -> Path:
    """Grade every folder in `folder`: `grades.csv`, and NAME/results.json for each; the path of the table."""
    students = sorted(path for path in folder.iterdir() if path.is_dir())
    rows = []
    for student in students:
        total = gradescope(student, out / student.name)
        tests = json.loads((out / student.name / "results.json").read_text(encoding="utf-8"))["tests"]
        rows.append([student.name, total, *(test["score"] for test in tests)])
        print(f"{student.name}: {total}", flush=True)
    with replacing(out / "grades.csv") as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["name", "total", *(exercise.id for exercise in exercises())], *rows])
    return out / "grades.csv"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
