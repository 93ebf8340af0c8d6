"""The reward: the student's own convolution and pooling, put into minigrad, train the classifier of models/.

`train` starts ``python -m tutorials.homework.training FOLDER``: the student's code runs in a process of its own.
"""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import optim, plot
from minigrad.ops import conv, pool
from models import classifier, common

from .child import limit, load
from .exercise import exercise
from .process import ROOT, environment

NEEDED = ("09", "10", "11")
STEPS, SECONDS = 150, 60  # train for so many steps, but not longer than so many seconds


def train(folder: Path) -> str:
    """Train with the functions in the exercise files of `folder`; where the picture is, and what came out."""
    command = [sys.executable, "-m", "tutorials.homework.training", str(folder.resolve())]
    try:
        run = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, encoding="utf-8", timeout=3 * SECONDS
        )
    except subprocess.TimeoutExpired:
        raise ValueError("--train: a single step takes minutes; replace the innermost loops by slices") from None
    if run.returncode:
        raise ValueError(f"--train: {run.stderr.strip().splitlines()[-1]}")
    return f"{run.stdout.strip().splitlines()[-1]}\npicture: {folder / 'training.png'}"


def put_in(folder: Path) -> None:
    """Replace minigrad's formulas by the student's. minigrad pads before it convolves, so that padding is 0 here."""
    forward, backward, pooling = (load(str(folder / exercise(number).path.name)) for number in NEEDED)

    def as_given(function):
        return lambda *arrays: np.ascontiguousarray(function(*arrays), dtype=arrays[0].dtype)

    conv.Conv2d.forward = lambda op, x, w, b: as_given(forward.conv)(x, w, b, op.stride[0], 0)
    conv.Conv2d.grad_x = lambda op, g, y, x, w, b: as_given(backward.conv_grad_x)(g, x, w, op.stride[0], 0)
    conv.Conv2d.grad_w = lambda op, g, y, x, w, b: as_given(backward.conv_grad_w)(g, x, w, op.stride[0], 0)
    pool.MaxPool2d.grad_x = lambda op, g, y, x: as_given(pooling.max_pool_grad)(
        g, x, op.geometry[0][0], op.geometry[1][0]
    )


def main(folder: Path) -> None:
    limit(seconds=4 * SECONDS)
    put_in(folder)
    (x, y), (x_test, y_test) = common.load_digits(None)
    x, x_test, y_test = x.reshape(-1, 1, 28, 28), x_test[::5].reshape(-1, 1, 28, 28), y_test[::5]
    mg.manual_seed(0)
    model = classifier.CNN()
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    before, start = classifier.read(model, x_test), time.monotonic()
    for step in range(STEPS):
        rows = common.batch(len(x), 32, 0, step)
        loss = F.cross_entropy(model(mg.from_numpy(x[rows])), mg.from_numpy(y[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if time.monotonic() - start > SECONDS:
            break
    after = classifier.read(model, x_test)
    draw(x_test, y_test, before, after, folder / "training.png")
    share = [np.mean(log_p.argmax(1) == y_test) for log_p in (before, after)]
    print(f"your functions trained for {step + 1} of {STEPS} steps in {time.monotonic() - start:.0f} s: ", end="")
    print(f"of {len(y_test)} test digits {share[0]:.1%} were read rightly before, {share[1]:.1%} after")


def draw(x, y, before, after, path: Path) -> None:
    """The same digits, and what the network read before (top) and after (bottom) training."""
    shown = np.random.default_rng(0).permutation(len(x))[:12]
    fig, axes = plot.figure(2, len(shown), 0.85, 1.15)
    for row, log_p, when in zip(axes, (before, after), ("before", "after")):
        for ax, i in zip(row, shown):
            guess = log_p[i].argmax()
            ax.imshow(x[i, 0], cmap="gray_r", vmin=0, vmax=1)
            ax.set_title(f"{guess}", color="tab:green" if guess == y[i] else "tab:red")
            ax.set(xticks=[], yticks=[])
        row[0].set_ylabel(f"{when}: {np.mean(log_p.argmax(1) == y):.0%}")
    plot.save(fig, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
