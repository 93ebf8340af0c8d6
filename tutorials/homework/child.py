"""The student's process: loads files and calls their functions when the grader asks, and knows no right answer.

``python -m tutorials.homework.child``, one request and one answer a line, JSON; what a function takes and gives lies in
two files of `minigrad.save`. Whatever the student's code prints goes to standard error.
"""

import contextlib
import copy
import importlib.util
import json
import os
import sys
import traceback
from pathlib import Path

import numpy as np

import minigrad

from .exercise import exercise

MEMORY = 3 << 30  # bytes of address space
FILE = 64 << 20  # bytes of a file that it may write


class NotDefined(Exception):
    """The student's file does not define a function that the exercise asks for."""


class InputsChanged(Exception):
    """A function wrote into the arrays that it was given."""


def limit(seconds: int = 120) -> None:
    """What the student's code cannot undo: memory, files, and time, should the grader die; not on Windows."""
    try:
        import resource
    except ImportError:
        return
    wanted = {"RLIMIT_AS": MEMORY, "RLIMIT_FSIZE": FILE, "RLIMIT_CPU": seconds}
    for name, most in wanted.items():
        with contextlib.suppress(ValueError, OSError):  # macOS refuses to limit memory
            resource.setrlimit(getattr(resource, name), (most, most))


def load(path: str):
    spec = importlib.util.spec_from_file_location("student", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["student"] = module
    spec.loader.exec_module(module)
    return module


def call(module, request: dict) -> None:
    """Call the part's function with the inputs in the one file and put its result into the other."""
    folder = Path(request["folder"])
    inputs = minigrad.load(folder / "inputs.npz")
    part = exercise(request["exercise"]).parts[request["part"]]
    function = getattr(module, part.function, None)
    if function is None:
        raise NotDefined(f"the file defines no function {part.function}")
    before = copy.deepcopy(inputs)
    with np.errstate(all="ignore"):
        result = part.drive(function, **inputs) if part.drive else function(*inputs.values())
    if not same(before, inputs):
        raise InputsChanged(f"{part.function} changes what it is given")
    minigrad.save(result, folder / "result.npz")


def same(a, b) -> bool:
    if isinstance(a, (list, tuple)):
        return all(map(same, a, b))
    return all(same(a[k], b[k]) for k in a) if isinstance(a, dict) else np.array_equal(a, b, equal_nan=True)


def described(error: BaseException, path: str) -> dict:
    """The error's name and text, and the student's line that it came from."""
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    if isinstance(error, SyntaxError) and error.filename == path:
        line, text = error.lineno, (error.text or "").strip()
    else:
        line, text = (lines[-1].lineno, lines[-1].line) if lines else (0, "")
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:
        message = "an error that cannot be shown"
    return {"error": type(error).__name__, "message": message[:1000], "line": line, "text": text[:1000]}


def main() -> None:
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the student's code reads nothing, and prints to standard error
    os.dup2(2, 1)
    limit()
    modules = {}
    for line in requests:
        request = json.loads(line)
        path = request["file"]
        try:
            if path not in modules:
                modules[path] = load(path)
            call(modules[path], request)
            answer = {}
        except BaseException as error:  # SystemExit and KeyboardInterrupt, too, are answers of the student's code
            answer = described(error, path)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
