"""The grader's side of a student's process: `Student` starts it, asks it, and stops it.

A process of its own, with limits on time, memory and the size of files, in a folder of its own. That stops accidents
and simple tricks: right answers, seeds and points exist in the grader's process alone. It is no sandbox: code that
wants to read the grader's files, or the network, can.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import minigrad

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10.0  # for one call


class StudentError(Exception):
    """The student's code ended in an error; `error`, `message`, and the `line` and its `text` in the file."""

    def __init__(self, error: str, message: str, line: int = 0, text: str = ""):
        super().__init__(message)
        self.error, self.message, self.line, self.text = error, message, line, text


class Student:
    """A process that runs the functions of students' files. Use it in a `with` statement."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="homework-", ignore_cleanup_errors=True)
        self.path = Path(self.folder.name)
        self.printed = open(self.path / "printed.txt", "w+b")
        self.process = None
        return self

    def __exit__(self, *exception):
        self.stop()
        self.printed.close()
        self.folder.cleanup()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "tutorials.homework.child"],
            cwd=self.path,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.printed,
            start_new_session=True,
        )
        self.answers = queue.Queue()
        threading.Thread(target=_forward, args=(self.process.stdout, self.answers), daemon=True).start()

    def stop(self) -> None:
        if self.process is None:
            return
        if os.name == "posix":
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process = None

    def call(self, file: Path, exercise: str, part: int, inputs: dict, seconds: float = SECONDS):
        """The result of the part's function in `file`; StudentError if there is none."""
        if self.process is None:
            self.start()
        paths = {"inputs": str(self.path / "inputs.npz"), "result": str(self.path / "result.npz")}
        minigrad.save(inputs, paths["inputs"])
        Path(paths["result"]).unlink(missing_ok=True)
        request = {"file": str(Path(file).resolve()), "exercise": exercise, "part": part, **paths}
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            line = self.answers.get(timeout=seconds)
        except queue.Empty:
            self.stop()
            raise StudentError("TimeoutError", f"no answer within {seconds:.0f} s: an endless loop?") from None
        except OSError:
            line = b""
        try:
            answer = json.loads(line)
            if answer:
                raise StudentError(**answer)
            return minigrad.load(paths["result"])
        except (ValueError, TypeError, FileNotFoundError):
            code = self.process.wait(timeout=seconds) if not line else None
            self.stop()
            message = f"it ended the process (exit code {code})" if code is not None else "it gave no readable result"
            raise StudentError("SystemExit", message) from None

    def output(self, lines: int = 20) -> str:
        """What the student's code has printed, at most so many lines of it."""
        self.printed.flush()
        with open(self.path / "printed.txt", "rb") as file:
            return "\n".join(file.read(8000).decode("utf-8", "replace").splitlines()[:lines])


def environment() -> dict[str, str]:
    """What a student's process knows of the grader's environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    added = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"}
    return kept | added | {"OPENBLAS_NUM_THREADS": "1"}  # each thread takes of the memory that it is allowed


def _forward(stream, answers) -> None:
    for line in stream:
        answers.put(line)
    answers.put(b"")
