"""The grader, proven: stubs and mistakes fail and are named, solutions pass, tricks earn nothing."""

import collections
import tempfile
from pathlib import Path

from .checker import check
from .edition import without_solutions
from .exercise import SOLUTION, Exercise, exercise, exercises

WRONG = "\ndef tanh_grad(g, y):\n    return g\n"
SABOTAGE = {  # what it does -> the kind of mistake that it is called, and the file
    "a syntax error": ("not loaded", "def broken(:\n    pass\n"),
    "an endless loop": ("time", "while True:\n    pass\n"),
    "an exit": ("process", "import sys\nsys.exit(0)\n"),
    "the process ended": ("process", "import os\nos._exit(0)\n"),
    "a claim": ("unknown", f"print('all passed, 100 of 100 points')\n{WRONG}"),
    "NumPy patched": ("unknown", f"import numpy\nnumpy.allclose = numpy.array_equal = lambda *a, **k: True\n{WRONG}"),
    "the grader patched": (
        "unknown",
        f"import tutorials.homework.checker as c\nc._compare = lambda *a: None\nc._close = lambda *a: True\n{WRONG}",
    ),
    "the report written": (
        "unknown",
        f"for f in ('results.json', 'result.npz'):\n    open(f, 'w').write('100')\n{WRONG}",
    ),
    "six gigabytes": ("memory", f"import numpy\nx = numpy.ones(6 << 27)\n{WRONG}"),
    "a huge answer": ("shape", "import numpy as np\ndef tanh_grad(g, y):\n    return np.zeros((0, 10**9))\n"),
    "an answer of many sizes": ("no numbers", "def tanh_grad(g, y):\n    return [[[1, 2], [3]], [[1]]]\n"),
    "a message that cannot be written": ("error", "def tanh_grad(g, y):\n    raise ValueError('\\ud800' * 1000)\n"),
    "a process that lives on": (
        "unknown",
        f"import os, time\nif not os.fork():\n    os.setsid()\n    time.sleep(100)\n    os._exit(0)\n{WRONG}",
    ),
    "a flood of answers": (
        "process",
        "import os\nfor n in range(3, 20):\n    try:\n        os.write(n, b'{}\\n' * 200 + b'x' * 200000)\n"
        f"    except OSError:\n        pass\n{WRONG}",
    ),
    "its files removed": ("error", f"import os, shutil\nshutil.rmtree(os.getcwd(), ignore_errors=True)\n{WRONG}"),
    "a slow answer each time": (
        "time",
        "import time\ndef tanh_grad(g, y):\n    time.sleep(9)\n    return g * (1 - y * y)\n",
    ),
}


def run(ids: list[str]) -> int:
    """Print what is wrong, and a line of figures; 0 if nothing is."""
    failures, count = [], collections.Counter()
    for each in [exercise(name) for name in ids] or exercises():
        print(f"{each.number} {each.id}", flush=True)
        failures += list(_failures(each, count))
    if not ids:
        failures += list(_sabotaged(exercises()[0]))
        if (points := sum(each.points for each in exercises())) != 100:
            failures.append(f"the points sum to {points}")
    named = count["named"] / max(count["mistakes"], 1)
    if named < 0.95:
        failures.append(f"only {named:.1%} of the mistakes are named rightly")
    print("\n".join(failures))
    print(f"{count['mistakes']} mistakes, {named:.1%} named rightly; {count['others']} other right solutions", end="; ")
    print(f"{len(failures)} failures" if failures else "all is as it should be")
    return 1 if failures else 0


def _failures(each: Exercise, count):
    """What is wrong with the exercise's checks, in words."""
    if sum(part.points for part in each.parts) != each.points:
        yield f"{each.id}: the parts' points do not sum to {each.points}"
    for name, text in {"stub": each.stub, "solution": each.solution}.items():
        verdicts = _verdicts(each, text)
        wrong = [verdict for verdict in verdicts if bool(verdict.mistake) != (name == "stub")]
        yield from (f"{each.id}: the {name} of {v.part.function}: {v.mistake} {v.lines}" for v in wrong)
    for n, other in enumerate(each.others):
        count["others"] += 1
        wrong = [verdict for verdict in _verdicts(each, each.other(other)) if verdict.mistake]
        yield from (f"{each.id}: other solution {n}, {v.part.function}: {v.mistake} {v.lines}" for v in wrong)
    for mistake in each.mistakes:
        count["mistakes"] += 1
        found = [verdict for verdict in _verdicts(each, each.mistaken(mistake)) if verdict.mistake]
        if not found:
            yield f"{each.id}: {mistake.new!r} passes, and is a mistake ({mistake.name})"
        elif found[0].mistake == mistake.name:  # what comes after it may be but its consequence
            count["named"] += 1
        else:
            print(f"  {mistake.name} is called {found[0].mistake}: {mistake.new!r} {found[0].lines}")
    for edition, text in each.other_editions.items():
        found = [verdict.mistake for verdict in _verdicts(each, text) if verdict.mistake]
        if set(found) != {"another edition"}:
            yield f"{each.id}: the solution for {edition} is called {found}"
    yield from _told(each)


def _told(each: Exercise):
    """Lines of the solution that a release would tell, perhaps because the checks copy them."""
    released = without_solutions(each.source)
    for match in (match for match in SOLUTION.finditer(each.source) if match[1]):
        for line in map(str.strip, match[0].splitlines()[1:-1]):
            if len(line) > 25 and line in released:
                yield f"{each.id}: a release tells {line!r}"


def _sabotaged(each: Exercise):
    for name, (kind, text) in SABOTAGE.items():
        (verdict,) = _verdicts(each, text)
        if verdict.points or verdict.mistake != kind or not verdict.lines:
            yield f"{name} earns {verdict.points} points and is called {verdict.mistake!r}, not {kind!r}"


def _verdicts(each: Exercise, text: str):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, each.path.name)
        file.write_text(text, encoding="utf-8")
        return check(each, file, smallest=False)[0]
