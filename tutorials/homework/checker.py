"""Checking a student's file: what is expected, whether the answer is that, and if not, which mistake would explain it.

Read `check` first: for each part it calls the student's function, in its own process, with the inputs that separate
mistakes best, then with others, and compares. `_explain` names the mistake: first those of the exercise's own list, by
the answers that they give (`fingerprints`), then the marks that `minigrad.diagnosis` knows.
"""

import functools
import json
import os
import tempfile
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minigrad.diagnosis import diagnose
from minigrad.differences import jacobian_of

from .exercise import Exercise, Part
from .hints import KINDS
from .process import Student, StudentError

HERE = Path(__file__).resolve().parent
PRINTS = HERE / "fingerprints.json"  # of a student's edition, which has no solutions to take them from
PLAIN = {  # kinds of diagnosis that speak of gradients, for results that are none
    "shape": ("shape", "its shape is {}, and it should be {}"),
    "zero": ("zero", "it is zero, and should not be"),
    "not zero": ("unknown", "it should be zero"),
    "centring": ("unknown", "no mistake that leaves a known mark"),
}
OTHERS = 3  # inputs of other sizes
SEARCH = 2.5  # seconds to look for the smallest inputs that fail
STOPS = {  # what an error in the student's process means
    "NotImplementedError": "not written",
    "RecursionError": "recursion",
    "MemoryError": "memory",
    "SyntaxError": "not loaded",
    "IndentationError": "not loaded",
    "ImportError": "not loaded",
    "ModuleNotFoundError": "not loaded",
    "NotDefined": "not loaded",
    "TimeoutError": "time",
    "SystemExit": "process",
    "InputsChanged": "inputs changed",
}
RTOL = {np.dtype(np.float64): 1e-6, np.dtype(np.float32): 2e-4}  # of the largest entry


@dataclass
class Verdict:
    """What came out for one part. `mistake` is empty if it passed."""

    part: Part
    mistake: str = ""
    lines: list[str] = field(default_factory=list)  # where, yours, expected, what that means
    hints: tuple[str, str] = ("", "")

    @property
    def points(self) -> int:
        return 0 if self.mistake else self.part.points


def check(exercise: Exercise, file: Path, smallest: bool = True) -> tuple[list[Verdict], str]:
    """A verdict for each part of the exercise in a student's file, and what the student's code has printed.

    smallest : also look for the smallest inputs that a part fails with
    """
    with Student() as student:
        verdicts = [_part(exercise, i, file, student) for i in range(len(exercise.parts))]
        printed = student.output()
        for i, verdict in enumerate(verdicts):
            if smallest and verdict.mistake not in ("", *STOPS.values()):
                verdict.lines += _smallest(exercise, i, file, student)
    return verdicts, printed


# ------------------------------------------------------------------ one part
@dataclass
class Wrong(Exception):
    """An answer that is not the expected one: both by the result's name, with the inputs."""

    name: str
    yours: np.ndarray
    expected: np.ndarray
    inputs: dict
    answer: object = None


def _part(exercise: Exercise, i: int, file: Path, student: Student) -> Verdict:
    part = exercise.parts[i]
    for case, inputs in inputs_of(exercise, part):
        where = [f"case     {case}"] * bool(case) + [f"with     {called(inputs)}"]
        try:
            _compare(part, inputs, student.call(file, exercise.id, i, inputs))
        except StudentError as error:
            return _stopped(part, error, where)
        except Wrong as wrong:
            return _explain(exercise, i, wrong, where, file, student)
    return Verdict(part)


def inputs_of(exercise: Exercise, part: Part) -> list[tuple[str, dict]]:
    """What to call the part with: the sizes that separate mistakes best, `OTHERS` other ones, and cases with a name."""
    found = [
        ("", part.draw(_generator(exercise, part, 0), **{name: best for name, (_, _, best) in part.sizes.items()}))
    ]
    rng = _generator(exercise, part, 1)
    for _ in range(100):
        sizes = {name: int(rng.integers(low, high + 1)) for name, (low, high, _) in part.sizes.items()}
        if len(found) <= OTHERS and (inputs := part.draw(rng, **sizes)) is not None:
            found.append(("", inputs))
    return [*found, *(part.cases(rng) if part.cases else {}).items()]


def _generator(exercise: Exercise, part: Part, n: int):
    return np.random.default_rng([n, zlib.crc32(f"{exercise.id} {part.function}".encode())])


def called(inputs: dict) -> str:
    """The arguments in words: shapes of arrays, and numbers."""
    words = []
    for name, value in inputs.items():
        if isinstance(value, (bool, int, float, str)):
            words.append(f"{name} = {value!r}")
        elif isinstance(value, np.ndarray):
            words.append(f"{name} {value.shape}")
        else:
            words.append(f"{name} (a {type(value).__name__} of {len(value)})")
    return ", ".join(words)


class _Forward:
    """`part.forward` as a problem of `minigrad.differences`: a function of its floating-point arrays."""

    def __init__(self, part: Part, inputs: dict):
        self.forward, self.rest = part.forward, {name: value for name, value in inputs.items() if name != "g"}
        self.names = [k for k, v in self.rest.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
        self.arrays = [self.rest[name].astype(np.float64) for name in self.names]

    def evaluate(self, arrays):
        return np.asarray(self.forward(**{**self.rest, **dict(zip(self.names, arrays))}), np.float64)

    def jacobian(self, name):
        return jacobian_of(self, self.names.index(name))


def expected(part: Part, inputs: dict):
    """The right result."""
    if part.expected:
        return part.expected(**inputs)
    g = np.asarray(inputs["g"], np.float64)
    return np.tensordot(g, _Forward(part, inputs).jacobian(part.of), g.ndim)


def results(part: Part, answer, like) -> dict[str, np.ndarray]:
    """What a function returned, by names: several results if what it should return, `like`, is several."""
    if isinstance(like, dict):
        return {str(name): _array(value) for name, value in answer.items()} if isinstance(answer, dict) else {}
    if isinstance(like, (list, tuple)):
        names = part.returns or [f"result {n}" for n in range(len(like))]
        return dict(zip(names, map(_array, answer))) if isinstance(answer, (list, tuple)) else {}
    return {part.returns[0] if part.returns else f"gradient for {part.of}" if part.of else "result": _array(answer)}


def _array(value) -> np.ndarray:
    """The value as an array; of objects if it is none, such as a list of lists of different lengths."""
    try:
        return np.asarray(value)
    except ValueError:
        return np.asarray(str(value))


def _compare(part: Part, inputs: dict, answer) -> None:
    """Raise `Wrong` at the first result that differs."""
    right = expected(part, inputs)
    yours = results(part, answer, right)
    for name, e in results(part, right, right).items():
        y = yours.get(name, np.asarray(None))
        if y.dtype.kind not in "fiub" or y.shape != e.shape or not _close(part, y, e):
            raise Wrong(name, y, e, inputs, answer)


def _close(part: Part, y, e) -> bool:
    rtol = RTOL.get(y.dtype, RTOL[np.dtype(np.float64)])
    y, e = np.asarray(y, np.float64), np.asarray(e, np.float64)
    if not e.size:
        return True
    with np.errstate(all="ignore"):
        allowed = part.relative * np.abs(e) if part.relative else rtol * np.abs(e[np.isfinite(e)]).max(initial=0) + 1e-9
        return bool((np.isfinite(y) == np.isfinite(e)).all() and ((np.abs(y - e) <= allowed) | (y == e)).all())


# ------------------------------------------------------------------ what is wrong
def _stopped(part: Part, error: StudentError, where: list[str]) -> Verdict:
    kind = STOPS.get(error.error, "error")
    if kind == "not written":
        return Verdict(part, kind, ["not written yet"], KINDS[kind])
    lines = [f"stopped  {error.error}: {error.message}"]
    lines += [f"line {error.line:<3}  {error.text}"] if error.line else []
    return Verdict(part, kind, [*([] if kind == "not loaded" else where), *lines], KINDS[kind])


def _explain(exercise: Exercise, i: int, wrong: Wrong, where: list[str], file: Path, student: Student) -> Verdict:
    part, y, e = exercise.parts[i], wrong.yours, wrong.expected
    if y.dtype.kind not in "fiub":
        kind = "nothing returned" if wrong.answer is None else "no numbers"
        text = f"it returned {'nothing' if wrong.answer is None else _short(wrong.answer)}"
        return Verdict(part, kind, [*where, f"where    the {wrong.name}", f"mistake  {kind}: {text}"], KINDS[kind])
    lines = [*where, *_difference(wrong.name, y, e)]
    known = [mistake for mistake in fingerprints(exercise) if mistake[3][i] is not None]
    answers = signature(exercise, i, file, student) if known else []
    for name, text, text_ko, prints in known:
        if _alike(answers, prints[i]):
            return Verdict(part, name, [*lines, f"mistake  {name}: {text}"], KINDS.get(name, ("", text_ko)))
    name, text = _diagnosis(part, wrong)
    return Verdict(part, name, [*lines, f"mistake  {name}: {text}"], KINDS[name])


def _short(answer) -> str:
    text = " ".join(repr(answer).split())
    return text if len(text) < 60 else f"{text[:57]}..."


def _difference(name: str, y, e) -> list[str]:
    """Where the two differ most."""
    if y.shape != e.shape:
        return [f"where    the {name}", f"yours    has shape {y.shape}", f"expected has shape {e.shape}"]
    with np.errstate(all="ignore"):
        off = np.nan_to_num(np.abs(np.asarray(y, np.float64) - np.asarray(e, np.float64)), nan=np.inf)
    index = np.unravel_index(off.argmax(), off.shape)
    entry = f"[{', '.join(map(str, index))}]" if index else ""
    yours, right = (str(a[index]) if a.dtype.kind == "b" else f"{a[index]:.8g}" for a in (y, e))
    return [f"where    the {name}{entry}", f"yours    {yours}", f"expected {right}"]


def _diagnosis(part: Part, wrong: Wrong) -> tuple[str, str]:
    """The kind of mistake by the marks that it leaves, and what it is."""
    y, e = wrong.yours, wrong.expected
    if y.dtype.kind == "b" or e.dtype.kind in "bi":
        return "unknown", "it is not what is asked"
    if y.ndim > e.ndim + 2 or max(y.shape, default=0) > 100 + 100 * max(e.shape, default=0):
        return PLAIN["shape"][0], PLAIN["shape"][1].format(y.shape, e.shape)
    if part.forward is not None:
        problem = _Forward(part, wrong.inputs)
        jacobians = {name: problem.jacobian(name) for name in problem.names}
        g = np.asarray(wrong.inputs["g"], np.float64)
        others = {name: np.tensordot(g, jacobians[name], g.ndim) for name in problem.names if name != part.of}
        return diagnose(y, e, jacobians[part.of], g, others)
    kind, text = diagnose(y, e)
    if "grad" not in part.function + wrong.name and kind in PLAIN:  # the diagnosis takes it for a gradient
        kind, text = PLAIN[kind]
        text = text.format(y.shape, e.shape)
    return kind, text


def fingerprint(answer) -> list[float] | None:
    """A few numbers by which to know an answer again, from which it cannot be read; None for what is not numbers."""
    if isinstance(answer, dict):
        answer = tuple(answer.values())
    value = _array(answer)
    if value.dtype.kind not in "fiub":
        parts = [fingerprint(part) for part in answer] if isinstance(answer, (list, tuple)) else [None]
        return None if None in parts else [number for part in parts for number in part]
    flat = np.asarray(value, np.float64).ravel()
    kinds = np.select([np.isnan(flat), flat == np.inf, flat == -np.inf], [1.0, 2.0, 3.0], 0.0)
    flat = np.where(kinds, 0.0, flat)  # a number for infinity would be so large that no other one counts
    directions = np.random.default_rng(flat.size).standard_normal((2, flat.size))
    sums = [np.abs(flat).max(initial=0), *(directions @ flat), directions[0] @ kinds]
    return [*map(float, value.shape), *map(float, sums)]


def signature(exercise: Exercise, i: int, file: Path, student: Student) -> list:
    """The fingerprints of a function's answers to all inputs of the part, None where it stops."""
    found = []
    for _, inputs in inputs_of(exercise, exercise.parts[i]):
        try:
            found.append(fingerprint(student.call(file, exercise.id, i, inputs)))
        except StudentError:
            found.append(None)
    return found


def _alike(a: list, b: list) -> bool:
    """Whether two signatures are those of one mistake: the answers to all inputs agree."""
    return all(
        x is y
        or (x is not None and y is not None and len(x) == len(y))
        and np.allclose(x, y, rtol=1e-4, atol=1e-4 * max(map(abs, y), default=0) + 1e-12)
        for x, y in zip(a, b)
    )


@functools.cache
def fingerprints(exercise: Exercise) -> list:
    """Each mistake with a name of its own, and each other edition: name, text, Korean text, the signature of each part.

    A part that the mistake does not touch has None.
    """
    if PRINTS.exists():
        return json.loads(PRINTS.read_text(encoding="utf-8"))[exercise.id]
    own = [
        (mistake.name, mistake.text, mistake.text_ko, exercise.mistaken(mistake))
        for mistake in exercise.mistakes
        if mistake.text
    ]
    now = ", ".join(f"{name} = {value}" for name, value in exercise.constants.items())
    own += [
        ("another edition", f"the answer is right for {other}; this edition asks {now}", "", text)
        for other, text in exercise.other_editions.items()
    ]
    with tempfile.TemporaryDirectory() as folder, Student(seconds=600) as student:

        def signatures(n, text):
            file = Path(folder, f"{n}.py")
            file.write_text(text, encoding="utf-8")
            return [signature(exercise, i, file, student) for i in range(len(exercise.parts))]

        right = signatures(0, exercise.solution)
        return [
            (name, text, text_ko, [None if _alike(a, b) else a for a, b in zip(signatures(n, wrong), right)])
            for n, (name, text, text_ko, wrong) in enumerate(own, 1)
        ]


def _smallest(exercise: Exercise, i: int, file: Path, student: Student) -> list[str]:
    """What the part fails with at the smallest sizes, in words; nothing without Hypothesis."""
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", tempfile.gettempdir())  # and not the student's folder
    try:
        from hypothesis import HealthCheck, Phase, find, settings
        from hypothesis import strategies as st
        from hypothesis.errors import NoSuchExample
    except ImportError:
        return []
    part, end, known = exercise.parts[i], time.monotonic() + SEARCH, {}

    def fails(sizes) -> bool:
        key = tuple(sizes[name] for name in part.sizes)
        if key not in known:
            inputs = part.draw(_generator(exercise, part, 2), **sizes) if time.monotonic() < end else None
            known[key] = inputs is not None and not right(inputs)
        return known[key]

    def right(inputs) -> bool:
        try:
            _compare(part, inputs, student.call(file, exercise.id, i, inputs, seconds=2))
        except (Wrong, StudentError):
            return False
        return True

    small = {name: st.integers(low, min(high, low + 2)) for name, (low, high, _) in part.sizes.items()}
    options = settings(
        max_examples=100,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        sizes = find(st.fixed_dictionaries(small), fails, settings=options)
    except NoSuchExample:
        return []
    word = "smallest" if time.monotonic() < end else "small   "
    return [f"{word} {called(part.draw(_generator(exercise, part, 2), **sizes))}"]
