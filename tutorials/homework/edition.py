"""A student's edition: all that a student needs to work and check, and no solution.

Of each exercise it has the text, the stub and the checks. The answers of typical mistakes come along as fingerprints,
so that they can be named without being there.
"""

import json
import random
import shutil
import zipfile
from pathlib import Path

from minigrad.checkpoint import replacing

from .checker import HERE, fingerprints
from .exercise import CONSTANT, SOLUTION, Exercise, exercises
from .process import ROOT

COPIED = ("minigrad", "models", "tutorials/lesson.py", "setup.cfg", "pyproject.toml", "LICENSE", "README.md")
SETUP = "#!/usr/bin/env bash\nset -e\npip install -e '/autograder/source[test]'\n"
RUN = """#!/usr/bin/env bash
cd /autograder/source
python3 -m tutorials.homework grade --gradescope /autograder/submission --out /autograder/results
"""


def varied(source: str, name: str, seed: int | None) -> str:
    """An exercise's text with its constants changed: each to one of the others that it may have."""

    def another(match):
        constant, value, choices = match.groups()
        others = [choice.strip() for choice in choices.split(",") if choice.strip() != value]
        return f"{constant} = {random.Random(f'{seed} {name} {constant}').choice(others)}  # edition: {choices}"

    return source if seed is None else CONSTANT.sub(another, source)


def without_solutions(source: str) -> str:
    """The stub in place of every solution within a function; the lists of mistakes and other solutions go."""
    return SOLUTION.sub(lambda match: f"{match[1]}raise NotImplementedError\n" if match[1] else "", source)


def release(folder: Path, variant: int | None = None, gradescope: bool = False) -> None:
    """Write a student's edition to the new folder, or the autograder's zip beside it."""
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} is there already: name a new folder, or remove it")
    shutil.copytree(HERE, folder / "tutorials/homework", ignore=_left_out)
    for name in COPIED:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(
            ROOT / name, folder / name, **({"ignore": _left_out} if (ROOT / name).is_dir() else {})
        )
    prints = {}
    for each in exercises():
        target = folder / "tutorials/homework/exercises" / each.path.name
        target.write_text(varied(each.source, each.id, variant), encoding="utf-8")
        prints[each.id] = fingerprints(Exercise(target))
        target.write_text(without_solutions(target.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "tutorials/homework/fingerprints.json").write_text(json.dumps(prints), encoding="utf-8")
    if gradescope:
        (folder / "setup.sh").write_text(SETUP)
        (folder / "run_autograder").write_text(RUN)
        with (
            replacing(folder.with_suffix(".zip")) as temporary,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as z,
        ):
            for path in sorted(folder.rglob("*")):
                z.write(path, path.relative_to(folder))
        shutil.rmtree(folder)


def _left_out(_, names):
    return [name for name in names if name in ("__pycache__", "selftest.py") or name.endswith(".egg-info")]
