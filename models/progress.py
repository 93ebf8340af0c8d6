"""While a run trains: the line that says where it is, and Ctrl-C that waits for a step's end."""

import math
import signal
import sys
import time


class Progress:
    """One line that says where the run is: redrawn in a terminal, otherwise printed once an epoch or 20 times a run."""

    def __init__(self, steps: int, done: int, per_epoch: int | None):
        self.steps, self.first, self.per_epoch = steps, done, per_epoch
        self.start, self.shown = time.monotonic(), 0.0

    def show(self, done: int, text: str) -> None:
        """After `done` of all steps."""
        now, terminal = time.monotonic(), sys.stdout.isatty()
        due = done % (self.per_epoch or math.ceil(self.steps / 20)) == 0 or done == self.steps
        if not (due or terminal and now - self.shown > 0.1):
            return
        self.shown = now
        left = (now - self.start) / max(done - self.first, 1) * (self.steps - done)
        if self.per_epoch:
            text = f"epoch {math.ceil(done / self.per_epoch)}/{self.steps // self.per_epoch}  {text}"
        line = f"step {done}/{self.steps}  {text}  {left:.0f} s left"
        print(f"\r{line}\033[K" if terminal else line, end="" if terminal and done < self.steps else "\n", flush=True)


class StopOnInterrupt:
    """Inside the block Ctrl-C only sets `requested`, so that no step is cut in half; a second one stops at once."""

    def __enter__(self):
        self.requested = False
        self.before = signal.signal(signal.SIGINT, self._request)
        return self

    def _request(self, signum, frame):
        self.requested = True
        signal.signal(signal.SIGINT, self.before)

    def __exit__(self, *exception):
        signal.signal(signal.SIGINT, self.before)
