"""What the models share: options, the run folder, the progress line, stopping on Ctrl-C, and checkpoints."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import backend, load, save
from minigrad.checkpoint import replacing
from minigrad.data import digits, mnist


class UserError(Exception):
    """Something that the user can mend: printed as one line, exit code 2."""


# ------------------------------------------------------------------ options
class Options(argparse.ArgumentParser):
    """An argument parser whose complaints are one line, and which tells what was given from what is default."""

    def __init__(self, name: str, doc: str):
        super().__init__(
            prog=f"python -m models {name}", description=doc, argument_default=argparse.SUPPRESS,
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
        )  # fmt: skip
        self.defaults: dict = {}

    def add(self, flag: str, default, help: str, **how) -> None:
        if not how.get("action"):
            self.defaults[flag.removeprefix("--").replace("-", "_")] = default
        text = ",".join(map(str, default)) if isinstance(default, list) else default
        shown = "" if default is None or how.get("action") else f" (default: {text})"
        self.add_argument(flag, help=help + shown, **how)

    def given(self, arguments) -> dict:
        """The options that stand on the command line, and no others."""
        return vars(self.parse_args(arguments))

    def error(self, message):
        raise UserError(message)


def number(kind, low=None, high=None, above=None):
    """An argparse type: an int or a float within bounds."""
    name = "a whole number" if kind is int else "a number"
    if above is not None:
        name += f" above {above}"
    elif low is not None:
        name += f" of at least {low}" if high is None else f" from {low} to {high}"

    def convert(text):
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"needs {name}, not {text!r}") from None
        inside = (low is None or value >= low) and (high is None or value <= high) and (above is None or value > above)
        if not (inside and abs(value) < np.inf):
            raise argparse.ArgumentTypeError(f"needs {name}, not {text}")
        return value

    return convert


def numbers(text: str) -> list[int]:
    """An argparse type: whole numbers above 0 with commas between, as in 512,256."""
    return [number(int, 1, 1 << 16)(part) for part in text.split(",")]


def device(name: str) -> str:
    """An argparse type: a device that is there."""
    try:
        return mg.zeros(1).to(name).device
    except (ValueError, RuntimeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


# ------------------------------------------------------------------ data and the run folder
def load_digits(folder: str | None):
    """((x, y), (x_test, y_test)): the embedded digits, or full MNIST from `folder`; pixels (n, 784) in [0, 1]."""
    try:
        parts = digits() if folder is None else mnist(folder)
    except (OSError, ValueError) as error:
        raise UserError(error) from None
    for x, y in parts:
        if x.shape[1:] != (28, 28) or np.bincount(y, minlength=10)[:10].min() < 2:
            raise UserError(f"{folder} is not MNIST: it takes images of 28 x 28 pixels, at least two of each digit")
    return tuple((x.reshape(len(x), -1).astype(np.float32) / 255, y) for x, y in parts)


def run_folder(path: str) -> Path:
    """The folder for a run's results, made if need be; an error before training if it cannot be written."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except FileExistsError:
        raise UserError(f"cannot write to --out {path}: it is no folder") from None
    except OSError as error:
        raise UserError(f"cannot write to --out {path}: {error.strerror}") from None
    return folder


def write_json(path, values: dict) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n")


# ------------------------------------------------------------------ while it trains
class Progress:
    """One line that says where the run is: redrawn in a terminal, otherwise printed once an epoch."""

    def __init__(self, steps: int, done: int = 0):
        self.steps, self.first, self.start, self.shown = steps, done, time.monotonic(), 0.0

    def show(self, done: int, text: str, end_of_epoch: bool) -> None:
        """After `done` of all steps."""
        now, terminal = time.monotonic(), sys.stdout.isatty()
        if not (end_of_epoch or terminal and now - self.shown > 0.1):
            return
        self.shown = now
        left = (now - self.start) / max(done - self.first, 1) * (self.steps - done)
        line = f"{text}  step {done}/{self.steps}  {left:.0f} s left"
        print(f"\r{line}\033[K" if terminal else line, end="" if terminal and done < self.steps else "\n", flush=True)


def finite(loss: float) -> float:
    """The loss, or an error if training has blown up."""
    if not np.isfinite(loss):
        raise UserError(f"the loss has become {loss}: training diverged; take a smaller --lr")
    return loss


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


def outputs(model, function, x: np.ndarray, batch: int = 2000) -> np.ndarray:
    """function(x) as an array, in batches, without a graph, on the device that `model` lies on."""
    device = next(model.parameters()).device
    with mg.no_grad():
        parts = [function(mg.as_tensor(x[i : i + batch], np.float32, device)) for i in range(0, len(x), batch)]
    return np.concatenate([part.cpu().numpy() for part in parts])


# ------------------------------------------------------------------ checkpoints
def save_checkpoint(path, name: str, config: dict, model, optimizer, progress: dict) -> None:
    """Everything that the rest of the run depends on: options, weights, optimizer, position, random state."""
    save(
        {
            "model": name, "config": config, "weights": model.state_dict(), "optimizer": optimizer.state_dict(),
            "progress": progress, "random": backend.random_state(),
        },
        path,
    )  # fmt: skip


def load_checkpoint(path, name: str) -> dict:
    """A checkpoint of the model `name`, or an error that says what is wrong with it."""
    try:
        checkpoint = load(path)
    except FileNotFoundError:
        raise UserError(f"there is no checkpoint {path} to resume; leave --resume out to start") from None
    except (OSError, ValueError) as error:
        raise UserError(f"cannot resume: {error}") from None
    parts = {"model", "config", "weights", "optimizer", "progress", "random"}
    if not isinstance(checkpoint, dict) or checkpoint.keys() != parts:
        raise UserError(f"cannot resume: {path} is no checkpoint of a model")
    if checkpoint["model"] != name:
        raise UserError(f"cannot resume: {path} is a checkpoint of {checkpoint['model']}, not of {name}")
    return checkpoint


def resumed_config(defaults: dict, saved: dict, given: dict, free: tuple[str, ...]) -> dict:
    """The options that a run was started with; of those given again only the ones in `free` may differ."""
    saved = {**defaults, **saved}
    for name, value in given.items():
        if name not in free and value != saved[name]:
            flag = "--" + name.replace("_", "-")
            raise UserError(
                f"the run to resume has {flag} {saved[name]}, not {value}; leave {flag} out or start anew with --out"
            )
    return {**saved, **given}


def set_aside(folder: Path, name: str) -> None:
    """Keep the checkpoint of a run that was stopped, where a new run is about to write its own."""
    path, kept = folder / "checkpoint.npz", folder / "checkpoint.stopped.npz"
    try:
        checkpoint = load_checkpoint(path, name)
    except UserError:
        return
    done, epochs = checkpoint["progress"]["epoch"], checkpoint["config"]["epochs"]
    if done < epochs:
        path.replace(kept)
        print(f"{folder} held a run stopped after {done} of {epochs} epochs: its checkpoint is now {kept.name}")


def restore(checkpoint: dict, model, optimizer) -> None:
    try:
        model.load_state_dict(checkpoint["weights"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        backend.set_random_state(checkpoint["random"])
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise UserError(
            f"cannot resume: the checkpoint does not fit this model ({str(error).splitlines()[0]})"
        ) from None
