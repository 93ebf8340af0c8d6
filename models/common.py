"""What the models share: options, and the run with its folder, progress line, checkpoints, stopping and resuming.

A model's ``main`` reads from top to bottom; the training loop stands in the model, and `Run` keeps it company::

    run = Run(NAME, options(), arguments)                # the options; the seed is set
    net = run.keep("net", Net())                         # moved to --device, saved, and restored under --resume
    optimizer = run.keep("optimizer", optim.Adam(net.parameters(), lr=run.config["lr"]))
    for step in run.steps(1000):                         # the steps that are left
        loss = ...
        run.log(loss=loss.item())                        # for the progress line and the curves
        ...
    run.finish({"accuracy": ...})                        # metrics.json

What a step does may depend on its number, the seed, what is kept, and the one random stream, and on nothing else. Then
a run that was stopped, even killed, and resumed ends bit-equal to one that was not.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import platform
import re
import time
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import backend, load, plot, save
from minigrad.checkpoint import replacing
from minigrad.data import digits, mnist

from .progress import Progress, StopOnInterrupt


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
        """An option; with ``action="store_true"`` a switch, whose default is False."""
        self.defaults[flag.removeprefix("--").replace("-", "_")] = default
        text = ",".join(map(str, default)) if isinstance(default, list) else default
        shown = "" if default is None or how.get("action") else f" (default: {text})"
        self.add_argument(flag, help=help + shown, **how)

    def add_common(self, name: str) -> None:
        """The options that every model has."""
        self.add("--seed", 0, "seed of the weights, the order of the data and all noise", type=number(int, 0))
        self.add("--device", "cpu", "where it trains: cpu, cuda or cuda:1", type=device)
        self.add("--out", f"runs/{name}", "folder for the results", metavar="FOLDER")
        self.add("--resume", False, "continue the run in --out where it stopped", action="store_true")

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
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):  # Tensor.to would take a dtype, too
        raise argparse.ArgumentTypeError(f"needs cpu, cuda or cuda:1, not {name!r}")
    try:
        return mg.zeros(1).to(name).device
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


# ------------------------------------------------------------------ data
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


def batch(n: int, size: int, seed: int, step: int) -> np.ndarray:
    """Which of n rows step number `step` takes: `size` of them, fewer at an epoch's end; each once in every epoch."""
    epoch, i = divmod(step, math.ceil(n / size))
    return _order(n, seed, epoch)[i * size : (i + 1) * size]


@functools.lru_cache(maxsize=4)
def _order(n, seed, epoch):
    return np.random.default_rng((seed, epoch)).permutation(n)


def moments(steps: int, count: int) -> set[int]:
    """`count` step numbers to take pictures at, the last among them, close together at first as training is fastest."""
    return {round((steps - 1) * (i / (count - 1)) ** 2) for i in range(count)}


def outputs(model, function, x: np.ndarray, size: int = 2000) -> np.ndarray:
    """function(x) as an array, in batches, without a graph, on the device that `model` lies on."""
    device = next(model.parameters()).device
    with mg.no_grad():
        parts = [function(mg.as_tensor(x[i : i + size], np.float32, device)) for i in range(0, len(x), size)]
    return np.concatenate([part.cpu().numpy() for part in parts])


# ------------------------------------------------------------------ the run
class Run:
    """One run of a model, from its options to metrics.json.

    Attributes
    ----------
    config : dict of all options; what a checkpoint remembers, and a resumed run has as the first one had
    device, folder : where it trains, and where its results go
    step : number of the step that runs; after the loop, of all that are done
    history : name -> (list of steps done, list of values), what `log` was told
    frames : name -> list of PNG files as arrays, what `frame` was told
    stopped : whether Ctrl-C ended the loop
    """

    FREE = ("epochs", "steps", "data")  # options that a resumed run may have otherwise
    DONE = ("step", "total", "seconds", "history", "frames")  # what a checkpoint has besides the parts
    SECONDS_BETWEEN_CHECKPOINTS = 20

    def __init__(self, name: str, parser: Options, arguments):
        given = parser.given(arguments)
        own = {key: given.pop(key, parser.defaults[key]) for key in ("resume", "device", "out")}
        defaults = {key: value for key, value in parser.defaults.items() if key not in own}
        self.name, self.device, self.folder = name, own["device"], Path(own["out"])
        self.resumed = load_checkpoint(self._path, name) if own["resume"] else None
        self.config = _resumed_config(defaults, self.resumed["config"], given) if self.resumed else defaults | given
        self.parts, self.step, self.total, self.history, self.frames = {}, 0, 0, {}, {}
        self.stopped, self.seconds, self._diverged = False, 0.0, False
        mg.manual_seed(self.config["seed"])

    @property
    def _path(self):
        return self.folder / "checkpoint.npz"

    def remember(self, **facts) -> None:
        """Facts about the data that the networks are made by; a resumed run must find the same."""
        for name, value in facts.items():
            if self.config.setdefault(name, value) != value:
                raise UserError(f"the run to resume has {name} {self.config[name]}, and here it is {value}; see --data")

    def keep(self, name: str, part):
        """A module or an optimizer that belongs to the run: it is saved, and restored when the steps begin."""
        self.parts[name] = part
        return part.to(self.device) if hasattr(part, "to") else part

    # ---- the loop
    def steps(self, total: int, per_epoch: int | None = None):
        """Yield the number of each step that is left; afterwards `stopped` says whether Ctrl-C ended it early.

        It writes checkpoints. If a loss or a weight is no finite number any more, the run goes back to the last
        checkpoint and repeats what came after it under `minigrad.detect_anomaly`, which names the op.
        """
        self._begin(total)
        line, saved, start = Progress(total, self.step, per_epoch), time.monotonic(), time.monotonic() - self.seconds
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            with StopOnInterrupt() as stop:
                while self.step < total and not (self.stopped or self._diverged):
                    yield self.step
                    self.step, self.seconds = self.step + 1, time.monotonic() - start
                    line.show(self.step, self._recent())
                    self.stopped = stop.requested and self.step < total
                    now = time.monotonic()
                    if self.stopped or self.step == total or now - saved > self.SECONDS_BETWEEN_CHECKPOINTS:
                        self._save()
                        saved = now
            if self._diverged:
                yield from self._replay()

    def _begin(self, total):
        run_folder(self.folder)
        if self.resumed:
            self.restore(self.resumed)
        else:
            self._set_aside()
        for half_written in self.folder.glob(f".{self._path.name}.*.part"):  # by a run that was killed
            half_written.unlink()
        self.total = total
        if broken := self._broken():
            raise UserError(f"the numbers of {' and '.join(broken)} are not finite before the first step")
        if self.step > total:
            raise UserError(f"the run to resume has {self.step} steps behind it, more than {total}; ask for more")
        if self.step == total:
            print(f"all {total} steps are done; with more --steps or --epochs it would train on")
        self._save()

    def _replay(self):
        """Repeat the steps since the last checkpoint; the op with the first NaN or Inf raises in the model's loop."""
        bad, broken = self.step, []
        self.restore(load_checkpoint(self._path, self.name))
        print(f"\ntraining diverged by step {bad}; repeating it from step {self.step + 1} to find the op", flush=True)
        with mg.detect_anomaly():
            while self.step < bad and not broken:
                try:
                    yield self.step
                except GeneratorExit:
                    print(f"in step {self.step + 1}:", flush=True)
                    raise
                self.step, broken = self.step + 1, self._broken()
        where = f"the numbers of {' and '.join(broken)} are" if broken else "what was logged is"
        raise UserError(
            f"step {self.step}: {where} not finite, though the result of every op was; "
            "the last good checkpoint is kept: take a smaller --lr"
        )

    def _broken(self) -> list[str]:
        """The parts that have a NaN or an Inf among their numbers."""
        return [name for name, part in self.parts.items() if not _all_finite(part.state_dict())]

    def log(self, **values: float) -> None:
        """Note figures of this step."""
        for name, value in values.items():
            steps, past = self.history.setdefault(name, ([], []))
            steps.append(self.step + 1)
            past.append(float(value))
        self._diverged |= not all(map(math.isfinite, values.values()))

    def frame(self, name: str, image: np.ndarray) -> None:
        """Keep a picture (height, width[, 3]) uint8 for an animation."""
        self.frames.setdefault(name, []).append(plot.as_png(image))

    def _recent(self) -> str:
        """Means over the last hundred steps of what was noted in the last one."""
        texts = []
        for name, (steps, past) in self.history.items():
            if steps[-1] == self.step:
                recent = [value for step, value in zip(steps[-100:], past[-100:]) if step > self.step - 100]
                texts.append(f"{name} {sum(recent) / len(recent):.4f}")
        return "  ".join(texts)

    # ---- checkpoints
    def _save(self) -> None:
        self._diverged = self._diverged or bool(self._broken())
        if self._diverged:
            return
        parts = {name: part.state_dict() for name, part in self.parts.items()}
        done = {name: getattr(self, name) for name in self.DONE}
        state = {"parts": parts, "done": done, "random": backend.random_state()}
        save({"model": self.name, "config": self.config, **state}, self._path)

    def restore(self, checkpoint: dict) -> None:
        """Everything as it was when the checkpoint was written."""
        try:
            for name, part in self.parts.items():
                part.load_state_dict(checkpoint["parts"][name])
            backend.set_random_state(checkpoint["random"])
            vars(self).update({name: checkpoint["done"][name] for name in self.DONE})
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"cannot resume: the checkpoint does not fit this model ({reason})") from None

    def _set_aside(self) -> None:
        """Keep the checkpoint of a run that was stopped, where this new one is about to write its own."""
        try:
            checkpoint = load_checkpoint(self._path, self.name)
        except UserError:
            return
        done, total = checkpoint["done"]["step"], checkpoint["done"]["total"]
        if 0 < done < total:
            kept = self.folder / "checkpoint.stopped.npz"
            self._path.replace(kept)
            print(f"{self.folder} held a run stopped after {done} of {total} steps: its checkpoint is now {kept.name}")

    # ---- the end
    def finish(self, figures: dict) -> dict:
        """Write the animations and metrics.json, say where all is, and return the metrics."""
        for name, frames in self.frames.items():
            plot.save_animation(frames, self.folder / f"{name}.gif")
        versions = {"python": platform.python_version(), "numpy": np.__version__}
        trained = {"steps_trained": self.step, "seconds": round(self.seconds, 1)}
        metrics = {**figures, **trained, "versions": versions, "config": self.config}
        with replacing(self.folder / "metrics.json") as temporary:
            temporary.write_text(json.dumps(metrics, indent=2) + "\n")
        if self.stopped:
            print("\nstopped; --resume continues exactly here")
        for name, value in figures.items():
            if isinstance(value, (int, float)):
                print(f"{name.replace('_', ' '):34s} {value:.4g}")
        print(f"pictures, metrics.json and checkpoint.npz are in {self.folder}/")
        return metrics


def run_folder(folder: Path) -> None:
    """Make the folder for a run's results if need be; an error before training if it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except FileExistsError:
        raise UserError(f"cannot write to --out {folder}: it is no folder") from None
    except OSError as error:
        raise UserError(f"cannot write to --out {folder}: {error.strerror}") from None


def load_checkpoint(path, name: str) -> dict:
    """A checkpoint of the model `name`, or an error that says what is wrong with it."""
    try:
        checkpoint = load(path)
    except FileNotFoundError:
        raise UserError(f"there is no checkpoint {path}; train first: python -m models {name}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"cannot use the checkpoint: {error}") from None
    if not isinstance(checkpoint, dict) or checkpoint.keys() != {"model", "config", "parts", "done", "random"}:
        raise UserError(f"cannot use the checkpoint: {path} is none of a model")
    if checkpoint["model"] != name:
        raise UserError(f"cannot use the checkpoint: {path} is one of {checkpoint['model']}, not of {name}")
    return checkpoint


def sample_options(name: str, doc: str) -> Options:
    """The options of ``python -m models sample NAME``."""
    parser = Options(f"sample {name}", doc)
    parser.add("--checkpoint", f"runs/{name}/checkpoint.npz", "a trained model", metavar="FILE")
    parser.add("--out", f"runs/{name}/drawn.png", "the picture to write", metavar="FILE")
    parser.add("--count", 64, "how many to draw", type=number(int, 1, 10_000))
    parser.add("--seed", 0, "seed of what is drawn", type=number(int, 0))
    return parser


def draw_samples(samples, path, value_range=(0.0, 1.0)) -> None:
    """Write a picture of samples, points (n, 2) or images, and say where it is."""
    run_folder(Path(path).parent)
    fig, axes = plot.figure(1, 1, width=6, height=6)
    if samples.ndim == 2:
        axes[0, 0].scatter(*samples.T, s=4, linewidths=0)
        axes[0, 0].set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    else:
        plot.image_grid(axes[0, 0], samples, value_range=value_range)
    plot.save(fig, path)
    print(f"{len(samples)} samples are in {path}")


def restored(checkpoint: dict, name: str, network):
    """The network, in evaluation mode, with the weights that the checkpoint has under `name`."""
    try:
        network.load_state_dict(checkpoint["parts"][name])
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise UserError(f"the checkpoint does not fit this model ({str(error).splitlines()[0]})") from None
    return network.eval()


def _resumed_config(defaults: dict, saved: dict, given: dict) -> dict:
    """The options that a run was started with; of those given again only the ones in `Run.FREE` may differ."""
    saved = defaults | saved
    for name, value in given.items():
        if name not in Run.FREE and value != saved[name]:
            flag = "--" + name.replace("_", "-")
            raise UserError(
                f"the run to resume has {flag} {saved[name]}, not {value}; leave {flag} out or start anew with --out"
            )
    return saved | given


def _all_finite(state) -> bool:
    """Whether all tensors and arrays in nested dicts, lists and tuples hold finite numbers."""
    if isinstance(state, (dict, list, tuple)):
        return all(map(_all_finite, state.values() if isinstance(state, dict) else state))
    array = getattr(state, "data", state) if isinstance(state, mg.Tensor) else state
    return not hasattr(array, "dtype") or bool(backend.get_array_module(array).isfinite(array).all())
