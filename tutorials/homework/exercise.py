"""An exercise is one file: text and stub for the student, solution and checks for the grader.

Its docstring is the text. What stands between ``# BEGIN SOLUTION`` and ``# END SOLUTION`` is the instructor's; the stub
has ``raise NotImplementedError`` there. The student gets what is above the line ``# CHECKS``. Below it a file defines

    PARTS : what is asked, a list of `Part`
    HINTS : hints from the gentlest on, a list of (English, Korean)
    MISTAKES : typical mistakes, a list of `Mistake`, between the marks of the solution
    OTHERS : other right solutions, texts that each replace the solution's functions, between the marks, too

A constant of an edition, such as ``SLOPE = 0.1  # edition: 0.1, 0.2, 0.3``, may have one of these values; the text says
«SLOPE» for it.
"""

import ast
import functools
import importlib.util
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

EXERCISES = Path(__file__).resolve().parent / "exercises"
CHECKS = "\n# CHECKS\n"
SOLUTION = re.compile(r"^( *)# BEGIN SOLUTION\n.*?^ *# END SOLUTION\n", re.M | re.S)
CONSTANT = re.compile(r"^(\w+) = (.+?)  # edition: (.+)$", re.M)


class Part(NamedTuple):
    """One function that the exercise asks for, and how it is checked."""

    function: str  # its name in the student's file
    points: int
    draw: Callable  # draw(rng, **sizes) -> its arguments by name, in their order; None for sizes that cannot be
    sizes: dict[str, tuple[int, int, int]]  # name -> lowest, highest, and the one that separates mistakes best
    expected: Callable | None = None  # expected(**inputs) -> the right result, from an independent source
    forward: Callable | None = None  # instead: the result is the gradient of forward(**inputs but g) for `of`, under g
    of: str = ""
    cases: Callable | None = None  # cases(rng) -> {name: inputs}: kinks, ties, extremes
    returns: tuple[str, ...] = ()  # names of the results, where there are several
    drive: Callable | None = None  # drive(function, **inputs) -> the result, in the student's process
    relative: float = 0.0  # if given, every entry must be right to this fraction of itself


class Mistake(NamedTuple):
    """A wrong solution, and the name that the checker must give it: a kind of `minigrad.diagnosis`, or its own."""

    name: str
    old: str  # this piece of the solution, once in it, ...
    new: str  # ... replaced by this
    text: str = ""  # what is wrong, for a name of its own
    text_ko: str = ""


class Exercise:
    """The exercise in the file `path`."""

    def __init__(self, path: Path):
        self.path, self.source = path, path.read_text(encoding="utf-8")
        self.number, _, self.id = path.stem.partition("_")
        head = ast.get_docstring(ast.parse(self.source)).partition("\n")[0]
        self.title, self.title_ko, points = re.fullmatch(r"(.+) · (.+) \((\d+) points\)", head).groups()
        self.points = int(points)
        self.constants = {name: value for name, value, _ in CONSTANT.findall(self.source)}  # as the source has it

    @property
    def solution(self) -> str:
        """The student's part of the file, solved."""
        return self._render(self.source.partition(CHECKS)[0] + "\n")

    @property
    def stub(self) -> str:
        """What the student gets."""
        return SOLUTION.sub(r"\1raise NotImplementedError\n", self.solution)

    @property
    def other_editions(self) -> dict[str, str]:
        """The solutions of other editions, by what they say of themselves: ``SLOPE = 0.2``."""
        found = {}
        for name, value, choices in CONSTANT.findall(self.source.partition(CHECKS)[0]):
            for choice in (choice.strip() for choice in choices.split(",")):
                if choice != value:
                    found[f"{name} = {choice}"] = self.solution.replace(f"{name} = {value}", f"{name} = {choice}", 1)
        return found

    @functools.cached_property
    def module(self):
        """The file as a module: the checks, which are the grader's own code."""
        spec = importlib.util.spec_from_file_location(f"homework_{self.path.stem}", self.path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    @property
    def parts(self) -> list[Part]:
        return self.module.PARTS

    @property
    def hints(self) -> list[tuple[str, str]]:
        return self.module.HINTS

    @property
    def mistakes(self) -> list[Mistake]:
        """Empty in a student's edition."""
        return getattr(self.module, "MISTAKES", [])

    @property
    def others(self) -> list[str]:
        return getattr(self.module, "OTHERS", [])

    def mistaken(self, mistake: Mistake) -> str:
        """The solution with the mistake in it."""
        count = self.solution.count(mistake.old)
        if count != 1:
            raise ValueError(f"{self.path.name}: {mistake.old!r} stands {count} times in the solution, not once")
        return self.solution.replace(mistake.old, mistake.new)

    def other(self, text: str) -> str:
        """The student's part with another solution: functions that take the place of those of the same names."""
        return f"{self.solution}\n\n{inspect.cleandoc(text)}\n"

    def _render(self, text: str) -> str:
        for name, value in self.constants.items():
            text = text.replace(f"«{name}»", str(ast.literal_eval(value)))
        return CONSTANT.sub(r"\1 = \2", text)


@functools.cache
def exercises() -> list[Exercise]:
    """All exercises, in order."""
    return [Exercise(path) for path in sorted(EXERCISES.glob("[0-9][0-9]_*.py"))]


def exercise(name: str) -> Exercise:
    """The exercise with this number or name; KeyError with advice if there is none."""
    everything = exercises()
    for each in everything:
        if Path(name).stem in (each.number, each.number.lstrip("0"), each.id, each.path.stem):
            return each
    raise KeyError(f"there is no exercise {name!r}; `list` shows them all, 01 to {everything[-1].number}")
