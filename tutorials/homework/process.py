"""The grader's side of a student's process: `Student` starts it, asks it, and stops it.

A process of its own, with limits on time, memory and the size of files, in a folder of its own. That stops accidents
and simple tricks: right answers, seeds and points exist in the grader's process alone, and whatever comes back from the
other one is taken with care. It is no sandbox: code that wants to read the grader's files, or the network, can.
"""

import contextlib
import json
import os
import queue
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import minigrad

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10.0  # for one call
BUDGET = 30.0  # seconds for all calls of one exercise
LARGEST = 8 << 20  # bytes of a result, far more than any right one has
NO_RESULT = "it gave no readable result"


class StudentError(Exception):
    """The student's code ended in an error; `error`, `message`, and the `line` and its `text` in the file."""

    def __init__(self, error, message, line=0, text=""):
        self.error, self.message, self.text = _plain(error), _plain(message), _plain(text)
        self.line = int(line)
        super().__init__(self.message)


class Student:
    """A process that runs the functions of students' files. Use it in a `with` statement.

    seconds : what all calls together may take; after that each is a TimeoutError at once
    """

    def __init__(self, seconds: float = BUDGET):
        self.left, self.process, self.copies = seconds, None, {}

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="homework-", ignore_cleanup_errors=True)
        self.path = Path(self.folder.name)
        self.printed = tempfile.TemporaryFile()
        return self

    def __exit__(self, *exception):
        self.stop()
        self.printed.close()
        self.folder.cleanup()

    def start(self) -> None:
        self.mark = secrets.token_hex(16)
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "tutorials.homework.child"],
            cwd=self.path,
            env=environment() | {"HOMEWORK_MARK": self.mark},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.printed,
            start_new_session=True,
        )
        self.answers = queue.Queue()
        threading.Thread(target=_forward, args=(self.process.stdout, self.answers), daemon=True).start()

    def stop(self) -> None:
        """End the process and, on Linux, all that it has started."""
        if self.process is None:
            return
        self.process.kill()
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self.mark.encode() in (path / "environ").read_bytes():
                    os.kill(int(path.name), signal.SIGKILL)
        self.process.wait()
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process = None

    def call(self, file: Path, exercise: str, part: int, inputs: dict, seconds: float = SECONDS):
        """The result of the part's function in `file`; StudentError if there is none."""
        if self.left <= 0:
            raise StudentError("TimeoutError", "no time is left for this exercise")
        start, seconds = time.monotonic(), min(seconds, self.left)
        try:
            return self._called(file, exercise, part, inputs, seconds)
        except queue.Empty:
            self.stop()
            raise StudentError("TimeoutError", f"no answer within {seconds:.0f} s") from None
        except StudentError:
            raise
        except Exception:  # what the student's process sends may be anything
            self.stop()
            raise StudentError("SystemExit", NO_RESULT) from None
        finally:
            self.left -= time.monotonic() - start

    def _called(self, file, exercise, part, inputs, seconds):
        if self.process is None:
            self.start()
        folder = Path(tempfile.mkdtemp(dir=self.path))
        result = folder / "result.npz"
        minigrad.save(inputs, folder / "inputs.npz")
        request = {"file": str(self._copy(file)), "exercise": exercise, "part": part, "folder": str(folder)}
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        line = self.answers.get(timeout=seconds)
        if not line:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self.process.wait(timeout=1)
                self.stop()
                raise StudentError("SystemExit", f"it ended the process (exit code {code})")
        answer = json.loads(line)
        if answer:
            raise StudentError(**answer)
        if not stat.S_ISREG(result.lstat().st_mode):  # a pipe would wait for ever
            raise ValueError(NO_RESULT)
        with zipfile.ZipFile(result) as entries:
            if sum(entry.file_size for entry in entries.infolist()) > LARGEST:
                raise ValueError(NO_RESULT)
        found = minigrad.load(result)
        shutil.rmtree(folder, ignore_errors=True)
        return found

    def _copy(self, file: Path) -> Path:
        """A copy that the student's code may do with as it likes."""
        if file not in self.copies:
            self.copies[file] = Path(shutil.copy(file, Path(tempfile.mkdtemp(dir=self.path)) / file.name))
        return self.copies[file]

    def output(self, lines: int = 20) -> str:
        """What the student's code has printed, at most so many lines of it."""
        self.printed.seek(0)
        text = self.printed.read(8000).decode("utf-8", "replace").splitlines()
        return "\n".join([*text[:lines], "..."] if len(text) > lines else text)


def environment() -> dict[str, str]:
    """What a student's process knows of the grader's environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    added = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"}
    return kept | added | {"OPENBLAS_NUM_THREADS": "1"}  # each thread takes of the memory that it is allowed


def _forward(stream, answers) -> None:
    """Put the lines of the student's process into the queue, and an empty one at its end or after too long a line."""
    line = b"\n"
    while line.endswith(b"\n") and answers.qsize() < 100:
        line = stream.readline(1 << 16)
        answers.put(line if line.endswith(b"\n") else b"")


def _plain(text) -> str:
    """The first line, not too long, of what may be anything."""
    line = next(iter(str(text).splitlines()), "")
    return line[:300].encode("utf-8", "replace").decode("utf-8")
