"""Classifier: a convolutional network that reads digits, with its filters, what each stage sees, and its mistakes.

Two convolutions look for small patterns, first of pixels and then of what the first one found; after each, the largest
of every 2 x 2 values is kept, so that a pattern may lie a little here or there. Two linear layers read the digit off
(LeNet-5, LeCun et al. 1998, with today's ReLU, max-pooling and Adam).
"""

# Reading order: CNN, train, then the pictures and figures.

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import scipy.special

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim, plot

from . import common

NAME = "classifier"


# ------------------------------------------------------------------ the network
class CNN(nn.Module):
    """Images (n, 1, 28, 28) → 64 features → logits (n, 10)."""

    def __init__(self):
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),  # (n, 16, 28, 28)
            nn.MaxPool2d(2),  # (n, 16, 14, 14)
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),  # (n, 32, 14, 14)
            nn.MaxPool2d(2),  # (n, 32, 7, 7)
            nn.Flatten(), nn.Linear(32 * 7 * 7, 64), nn.ReLU(),  # (n, 64)
        )  # fmt: skip
        self.classes = nn.Linear(64, 10)

    def forward(self, x):
        return self.classes(self.features(x))


# ------------------------------------------------------------------ training
def train(run, model, optimizer, train_set, test_set) -> None:
    """Train to the last epoch, or to Ctrl-C; at each epoch's end read the test images.

    The loss is the cross-entropy −log p(label), with p = softmax(logits), pᵢ = e^lᵢ / Σⱼ e^lⱼ; the mean over a batch.
    """
    (x, y), (x_test, y_test) = train_set, test_set
    n, config = len(x), run.config
    per_epoch = math.ceil(n / config["batch"])
    for step in run.steps(config["epochs"] * per_epoch, per_epoch):
        rows = common.batch(n, config["batch"], config["seed"], step)
        images, labels = mg.from_numpy(x[rows]).to(run.device), mg.from_numpy(y[rows]).to(run.device)
        loss = F.cross_entropy(model(images), labels)
        run.log(loss=loss.item())
        optimizer.zero_grad()  # forget the gradients of the step before,
        loss.backward()  # find those of this one,
        optimizer.step()  # and change the parameters by them
        if math.isqrt(step + 1) ** 2 == step + 1:  # after 1, 4, 9, 16, ... steps
            log_p = read(model, x_test[:1000])
            run.frame("training", draw_opinions(np.exp(log_p), y_test[:1000], f"test digits, step {step + 1}"))
        if (step + 1) % per_epoch == 0:
            run.log(**scores(read(model, x_test), y_test))


def read(model, x: np.ndarray) -> np.ndarray:
    """The logarithms (n, 10) of the probabilities that the network gives the ten digits."""
    return scipy.special.log_softmax(common.outputs(model, model, x), axis=1)


def scores(log_p: np.ndarray, y: np.ndarray) -> dict:
    """The share of images whose label has the largest probability, and the mean of −log p(label)."""
    return {
        "test_accuracy": float(np.mean(log_p.argmax(axis=1) == y)),
        "test_loss": float(-log_p[np.arange(len(y)), y].mean(dtype=np.float64)),
    }


# ------------------------------------------------------------------ pictures and figures
def report(run, model, test_set) -> dict:
    """Write the pictures; return the figures."""
    (x, y), folder = test_set, run.folder
    log_p = read(model, x)
    counts = confusion(y, log_p.argmax(axis=1))
    worst = np.argsort(log_p[np.arange(len(y)), y])[:36]
    title = "the test images whose digit has the least probability: digit → reading"
    draw_curves(run, folder / "loss.png")
    draw_confusion(counts, folder / "confusion.png")
    draw_stages(model, x[y == 4][0], folder / "stages.png")
    draw_patches(*strongest_patches(model, x[:2000]), folder / "patches.png")
    draw_readings(x[worst], y[worst], np.exp(log_p[worst]), title, folder / "mistakes.png")
    return {**scores(log_p, y), "test_errors": int(len(y) - np.trace(counts)), "confusion": counts.tolist()}


def confusion(y: np.ndarray, guesses: np.ndarray) -> np.ndarray:
    """How often each digit (row) was read as which (column): (10, 10)."""
    return np.bincount(10 * y + guesses, minlength=100).reshape(10, 10)


def draw_curves(run, path) -> None:
    """The training loss of each step; the test loss and the share of errors at each epoch's end."""
    history = {name: (np.array(steps), np.array(values)) for name, (steps, values) in run.history.items()}
    none = np.array([]), np.array([])
    fig, axes = plot.figure(1, 2, width=4.5)
    lines = {"train, each batch": history.get("loss", none), "test": history.get("test_loss", none)}
    plot.curves(axes[0, 0], lines, "step", "cross-entropy in nats")
    axes[0, 0].set_yscale("log")
    steps, accuracy = history.get("test_accuracy", none)
    plot.curves(axes[0, 1], {"test": (steps, 100 * (1 - accuracy))}, "step", "images read wrongly, %")
    axes[0, 1].set_ylim(bottom=0)
    plot.save(fig, path)


def draw_opinions(p, y, title) -> np.ndarray:
    """Each image at the mean of ten corners weighted by its probabilities: in the middle where all are alike."""
    turn = 2 * np.pi * np.arange(10) / 10
    corners = np.stack([np.sin(turn), np.cos(turn)], axis=1)
    fig, axes = plot.figure(1, 1, width=4, height=3.4)
    ax = axes[0, 0]
    plot.classes(ax, p @ corners, y, title)
    for digit, (right, up) in enumerate(1.12 * corners):
        ax.text(right, up, digit, ha="center", va="center")
    ax.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), aspect="equal", xticks=[], yticks=[])
    return plot.as_image(fig)


def draw_confusion(counts, path) -> None:
    """The counts; colours for the mistakes alone."""
    fig, axes = plot.figure(1, 1, width=5, height=5)
    ax, right = axes[0, 0], np.diag(np.diag(counts))
    ax.imshow(counts - right, cmap="Reds", vmin=0, vmax=2 * max(1, (counts - right).max()))
    for digit, guess in np.argwhere(counts):
        ax.text(guess, digit, counts[digit, guess], ha="center", va="center", fontsize=8)
    ax.set(xlabel="read as", ylabel="digit", xticks=range(10), yticks=range(10))
    ax.set_title(f"{(counts - right).sum()} of {counts.sum():,} test images are read wrongly")
    plot.save(fig, path)


def draw_stages(model, image, path) -> None:
    """One image on its way: what each stage makes of it, and at the top the filters of the first."""
    filters = model.features[0].weight.detach().cpu().numpy()[:, 0]
    widest = np.abs(filters).max()
    panels = [
        ("a test image, 28 x 28 pixels", image, 1, (0, 1)),
        ("16 learnt filters of 3 x 3 weights: dark is positive, light negative", filters, 9, (-widest, widest)),
    ]
    maps = image[None]
    for stage, first, last, zoom in (
        ("convolution with each of them, ReLU: 16 maps of 28 x 28", 0, 2, 1),
        ("the largest of each 2 x 2: 16 maps of 14 x 14", 2, 3, 2),
        ("convolution with 32 filters, each over all 16 maps, ReLU: 32 maps of 14 x 14", 3, 5, 2),
        ("the largest of each 2 x 2: 32 maps of 7 x 7, of which linear layers make ...", 5, 6, 4),
    ):
        maps = common.outputs(model, model.features[first:last], maps)
        panels.append((stage, maps[0], zoom, (0, maps.max())))
    fig, axes = plot.figure(len(panels) + 1, 1, width=8, height=1.05)
    axes[0, 0].get_gridspec().set_height_ratios([1, 1, 1, 1, 2, 2, 1.5])
    for ax, (title, images, zoom, value_range) in zip(axes[:, 0], panels):
        plot.image_grid(ax, images.repeat(zoom, axis=1).repeat(zoom, axis=2), min(16, len(images)), title, value_range)
    axes[-1, 0].bar(range(10), np.exp(read(model, image[None])[0]))
    axes[-1, 0].set(xticks=range(10), ylim=(0, 1), title="... the probability of each digit")
    plot.save(fig, path)


def strongest_patches(model, x, count: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """The parts of images that each second-layer filter answers to most (32, count, 8, 8), and the answers (32, count).

    Its value at (i, j) comes from the pixels 2i − 3 ... 2i + 4 down and 2j − 3 ... 2j + 4 across, 0 beyond the edge. An
    image counts once, where the answer is largest (Zeiler & Fergus 2014, section 4).
    """
    maps = common.outputs(model, model.features[:5], x)  # (n, 32, 14, 14)
    maps = maps.reshape(len(x), 32, -1)
    images = np.argsort(-maps.max(axis=2), axis=0)[:count].T  # (32, count)
    filters = np.arange(32)[:, None]
    i, j = np.divmod(maps[images, filters].argmax(axis=2), 14)
    padded = np.pad(x[:, 0], ((0, 0), (3, 3), (3, 3)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (8, 8), axis=(1, 2))
    return windows[images, 2 * i, 2 * j], maps[images, filters, 14 * i + j]


def draw_patches(patches, answers, path) -> None:
    blocks = np.array([1 - plot.sheet(images, columns=3) / 255 for images in patches])
    captions = [f"{answer:.1f}" for answer in answers[:, 0]]
    title = "what each of the 32 filters of the second layer answers to most, and how strongly"
    draw_captioned(blocks, captions, ["black"] * 32, 8, title, path)


def draw_readings(x, y, p, title, path) -> None:
    """Images with their digit, what the network reads, and the probability of that; red where it is wrong."""
    guesses = p.argmax(axis=1)
    captions = [f"{digit} → {guess}  {sure:.0%}" for digit, guess, sure in zip(y, guesses, p.max(axis=1))]
    colours = np.where(y == guesses, "black", "red")
    draw_captioned(x[:, 0], captions, colours, math.ceil(math.sqrt(len(x))), title, path)


def draw_captioned(images, captions, colours, columns, title, path) -> None:
    """Images (n, 28, 28), and below each its caption in its colour."""
    cells = np.pad(images, ((0, 0), (0, 9), (3, 3)))  # (n, 37, 34), which `sheet` sets apart by 2
    fig, axes = plot.figure(1, 1, width=8, height=0.4 + 8 / columns * 39 / 36 * math.ceil(len(images) / columns))
    plot.image_grid(axes[0, 0], cells, columns, title)
    for i, (caption, colour) in enumerate(zip(captions, colours)):
        row, column = divmod(i, columns)
        place, size = (36 * column + 17, 39 * row + 32), 66 / columns
        axes[0, 0].text(*place, caption, color=colour, fontsize=size, ha="center", va="center")
    plot.save(fig, path)


# ------------------------------------------------------------------ the command line
def options() -> common.Options:
    parser = common.Options(NAME, __doc__)
    parser.add("--lr", 1e-3, "learning rate of Adam", type=common.number(float, above=0))
    parser.add("--epochs", 16, "passes over the training images", type=common.number(int, 1))
    parser.add("--batch", 128, "images in a step", type=common.number(int, 1))
    parser.add("--data", None, "folder with the full MNIST (default: the embedded 10,000 digits)", metavar="FOLDER")
    parser.add_common(NAME)
    return parser


def build(config) -> CNN:
    return CNN()


def load(folder):
    """`common.load_digits` as images (n, 1, 28, 28)."""
    return [(x.reshape(-1, 1, 28, 28), y) for x, y in common.load_digits(folder)]


def main(arguments=None) -> dict:
    run = common.Run(NAME, options(), arguments)
    train_set, test_set = load(run.config["data"])
    run.remember(images=len(train_set[0]))
    model = run.keep("model", build(run.config))
    optimizer = run.keep("optimizer", optim.Adam(model.parameters(), lr=run.config["lr"]))
    print(model)
    train(run, model, optimizer, train_set, test_set)
    return run.finish(report(run, model, test_set))


def sample(arguments=None) -> None:
    """Draw test digits, picked at random from the embedded ones, with what a trained classifier reads."""
    parser = common.sample_options(NAME, sample.__doc__)
    given = parser.defaults | parser.given(arguments)
    checkpoint = common.load_checkpoint(given["checkpoint"], NAME)
    model = common.restored(checkpoint, "model", build(checkpoint["config"]))
    x, y = load(None)[1]
    some = np.random.default_rng(given["seed"]).permutation(len(x))[: given["count"]]
    p = np.exp(read(model, x[some]))
    right = np.mean(p.argmax(axis=1) == y[some])
    common.run_folder(Path(given["out"]).parent)
    draw_readings(x[some], y[some], p, f"{right:.1%} of these test digits are read rightly", given["out"])
    print(f"{len(some)} digits with their readings are in {given['out']}")
