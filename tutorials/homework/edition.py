"""A student's edition: all that a student needs to work and check, and no solution.

Of each exercise it has the text, the stub and the checks. The answers of typical mistakes come along as fingerprints,
so that they can be named without being there.
"""

import json
import random
import shutil
import tempfile
from pathlib import Path

from .checker import fingerprints
from .exercise import CONSTANT, SOLUTION, Exercise, exercises
from .process import ROOT

COPIED = ("minigrad", "models", "tutorials", "setup.cfg", "pyproject.toml", "LICENSE", "README.md")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "runs", "selftest.py")
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


def release(target: Path, variant: int | None = None, gradescope: bool = False) -> Path:
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
                (folder / name).write_text(text)
                (folder / name).chmod(0o755)
            folder = Path(shutil.make_archive(str(Path(temporary, "autograder")), "zip", folder))
        folder.replace(target)
    return target


def _write(folder: Path, variant: int | None) -> None:
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
        else:
            shutil.copy(ROOT / name, folder / name)
    prints = {}
    for each in exercises():
        path = folder / "tutorials/homework/exercises" / each.path.name
        path.write_text(varied(each.source, each.id, variant), encoding="utf-8")
        prints[each.id] = fingerprints(Exercise(path))
        path.write_text(without_solutions(path.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "tutorials/homework/fingerprints.json").write_text(json.dumps(prints, ensure_ascii=False), "utf-8")
