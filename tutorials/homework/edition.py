"""A student's edition: all that a student needs to work and check, and no solution.

Of each exercise it has the text, the stub and the checks. The answers of typical mistakes come along as fingerprints,
so that they can be named without being there.
"""

import json
import shutil
import tempfile
from pathlib import Path

from .checker import fingerprints
from .exercise import CONSTANT, SOLUTION, Exercise, exercises
from .process import ROOT

COPIED = ("minigrad", "models", "tutorials", "setup.cfg", "pyproject.toml", "LICENSE")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "runs", "selftest.py")
SETUP = """#!/usr/bin/env bash
set -e
python3 -m venv /autograder/env || (apt-get update && apt-get install -y python3-venv)
python3 -m venv /autograder/env
/autograder/env/bin/pip install -e '/autograder/source[test]'
"""
RUN = """#!/usr/bin/env bash
cd /autograder/source
/autograder/env/bin/python -m tutorials.homework grade --gradescope /autograder/submission --out /autograder/results
"""


def varied(source: str, variant: int) -> str:
    """An exercise with other constants: each `variant` values further in its list, so no year has the last one's."""

    def moved(match):
        name, value, choices = match.groups()
        values = [choice.strip() for choice in choices.split(",")]
        return f"{name} = {values[(values.index(value) + variant) % len(values)]}  # edition: {choices}"

    return CONSTANT.sub(moved, source)


def without_solutions(source: str) -> str:
    """The stub in place of every solution within a function; the lists of mistakes and other solutions go."""
    return SOLUTION.sub(lambda match: f"{match[1]}raise NotImplementedError\n" if match[1] else "", source)


def release(target: Path, variant: int = 0, gradescope: bool = False) -> Path:
    """Write a student's edition to the new folder `target`, or the autograder to ``target.zip``; which of the two."""
    target = target.with_name(f"{target.name}.zip") if gradescope else target
    if target.exists():
        raise FileExistsError(f"{target} is there already: give another name, or remove it")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".release-") as temporary:
        folder = Path(temporary, "edition")
        _write(folder, variant)
        if gradescope:
            for name, text in {"setup.sh": SETUP, "run_autograder": RUN}.items():
                (folder / name).write_bytes(text.encode())
                (folder / name).chmod(0o755)
            folder = Path(shutil.make_archive(str(Path(temporary, "autograder")), "zip", folder))
        folder.replace(target)
    return target


def _write(folder: Path, variant: int) -> None:
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
        else:
            shutil.copy(ROOT / name, folder / name)
    page = (folder / "tutorials/homework/README.md").read_text(encoding="utf-8").partition("## For teachers")[0]
    (folder / "tutorials/homework/README.md").write_text(page, encoding="utf-8")
    (folder / "README.md").write_text(page.replace("](../README.md)", "](tutorials/README.md)"), encoding="utf-8")
    prints = {}
    for each in exercises():
        path = folder / "tutorials/homework/exercises" / each.path.name
        path.write_text(varied(each.source, variant), encoding="utf-8")
        prints[each.id] = fingerprints(Exercise(path))
        path.write_text(without_solutions(path.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "tutorials/homework/fingerprints.json").write_text(json.dumps(prints, ensure_ascii=False), "utf-8")
