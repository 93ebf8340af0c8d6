"""Autoencoder: squeeze a digit's 784 pixels through a few numbers and back, against PCA.

An encoder f maps an image x to a code z = f(x) of `--latent` numbers, a decoder g maps it back to x̂ = σ(g(z)); both are
trained to make x̂ like x (Hinton & Salakhutdinov 2006). PCA with as many numbers stands beside each figure, since it is
the best that linear maps can do on the training images: with `--network linear`, where f and g are linear, x̂ = g(z)
and the loss is the squared error, the decoder comes to span PCA's directions (Baldi & Hornik 1989). With `--noise` the
encoder sees x + noise and must still give x (a denoising autoencoder, Vincent et al. 2008); test images are then noisy
too, and are compared with the clean ones.
"""

# Reading order: the networks, LOSSES, train, then the pictures and figures.

from __future__ import annotations

import math

import numpy as np
import scipy.linalg

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim, plot
from minigrad.ops import rmse_loss

from . import common
from .metrics import PCA, knn_accuracy, mean_squared_error

NAME = "autoencoder"


# ------------------------------------------------------------------ the networks
class Autoencoder(nn.Module):
    """x (n, pixels) → z (n, latent) → logits (n, pixels); the decoder mirrors the encoder, ReLU between layers."""

    def __init__(self, pixels: int, hidden: list[int], latent: int):
        sizes = [pixels, *hidden, latent]
        self.encoder = dense(sizes)
        self.decoder = dense(sizes[::-1])

    def forward(self, x):
        return self.decoder(self.encoder(x))

    def image(self, logits):
        """x̂ = σ(logits), so that pixels lie between 0 and 1"""
        return mg.sigmoid(logits)


def dense(sizes):
    """Linear layers from size to size, ReLU between them; Glorot initialisation, which learns faster here."""
    layers = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
        linear = nn.Linear(n_in, n_out)
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class ConvAutoencoder(Autoencoder):
    """The same with convolutions: two of stride 2 halve the image's sides, and two transposed ones double them."""

    def __init__(self, a: int, b: int, latent: int):
        self.encoder = nn.Sequential(
            nn.Unflatten(1, (1, 28, 28)),
            nn.Conv2d(1, a, 4, stride=2, padding=1), nn.ReLU(),  # (n, a, 14, 14)
            nn.Conv2d(a, b, 4, stride=2, padding=1), nn.ReLU(),  # (n, b, 7, 7)
            nn.Flatten(), nn.Linear(b * 7 * 7, latent),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(latent, b * 7 * 7), nn.ReLU(),
            nn.Unflatten(1, (b, 7, 7)),
            nn.ConvTranspose2d(b, a, 4, stride=2, padding=1), nn.ReLU(),  # (n, a, 14, 14)
            nn.ConvTranspose2d(a, 1, 4, stride=2, padding=1), nn.Flatten(),  # (n, 784)
        )  # fmt: skip


class LinearAutoencoder(Autoencoder):
    """One linear layer each way, and x̂ is what the decoder gives."""

    def __init__(self, pixels: int, latent: int):
        super().__init__(pixels, [], latent)

    def image(self, output):
        return output

    def angle_to(self, directions: np.ndarray) -> float:
        """Largest principal angle, in degrees, between the decoder's and these directions (pixels, latent)."""
        weight = self.decoder[0].weight.detach().cpu().numpy()
        return math.degrees(scipy.linalg.subspace_angles(weight, directions).max())


# The cross-entropy takes the logits themselves: exact where σ would round to 0 or 1.
LOSSES = {
    "bce": lambda model, logits, x: F.binary_cross_entropy_with_logits(logits, x),  # −x log x̂ − (1 − x) log(1 − x̂)
    "mse": lambda model, logits, x: F.mse_loss(model.image(logits), x),  # (x̂ − x)², each the mean over all pixels
    "rmse": lambda model, logits, x: rmse_loss(model.image(logits), x),  # √(mean (x̂ − x)²)
}
OPTIMIZERS = {
    "adam": lambda parameters, lr: optim.Adam(parameters, lr=lr),
    "sgd": lambda parameters, lr: optim.SGD(parameters, lr=lr, momentum=0.9),
}
LEARNING_RATES = {"adam": 1e-3, "sgd": 1.0}
HIDDEN = {"dense": [512, 256], "conv": [16, 32], "linear": []}


# ------------------------------------------------------------------ training
def train(run, model, optimizer, x_train, x_test, noisy_test, shown) -> None:
    """Train to the last epoch, or to Ctrl-C; at each epoch's end look at the test images.

    shown : rows of the ten test images that the animation follows
    """
    config, loss_of = run.config, LOSSES[run.config["loss"]]
    n, noise = len(x_train), config["noise"]
    per_epoch = math.ceil(n / config["batch"])
    total = config["epochs"] * per_epoch
    for step in run.steps(total, per_epoch):
        if config["decay"]:
            optimizer.param_groups[0]["lr"] = config["lr"] * (1 + math.cos(math.pi * step / total)) / 2
        x = mg.from_numpy(x_train[common.batch(n, config["batch"], config["seed"], step)]).to(run.device)
        seen = x + noise * mg.randn_like(x) if noise else x
        loss = loss_of(model, model(seen), x)
        run.log(loss=loss.item())
        optimizer.zero_grad()  # forget the gradients of the step before,
        loss.backward()  # find those of this one,
        optimizer.step()  # and change the parameters by them
        if math.isqrt(step + 1) ** 2 == step + 1:  # after 1, 4, 9, 16, ... steps
            images = np.stack([x_test[shown], decode(model, encode(model, noisy_test[shown]))])
            pairs = images.reshape(2, 2, 5, 28, 28).swapaxes(0, 1)  # five digits, their reconstructions, five more
            run.frame("training", plot.sheet(pairs.reshape(-1, 28, 28), columns=5))
        if (step + 1) % per_epoch == 0:
            logits, target = mg.from_numpy(common.outputs(model, model, noisy_test)), mg.from_numpy(x_test)
            error = mean_squared_error(model.image(logits).numpy(), x_test)
            run.log(test_loss=loss_of(model, logits, target).item(), test_mse=error)


def encode(model, x: np.ndarray) -> np.ndarray:
    return common.outputs(model, model.encoder, x)


def decode(model, z: np.ndarray) -> np.ndarray:
    return common.outputs(model, lambda z: model.image(model.decoder(z)), z)


# ------------------------------------------------------------------ pictures and figures
def report(run, model, train_set, test_set, noisy_test, shown) -> dict:
    """Write the pictures; return the figures."""
    config, folder = run.config, run.folder
    (x, y), (x_test, y_test) = train_set, test_set
    pca = PCA(x, config["latent"])
    codes, test_codes = encode(model, x), encode(model, noisy_test)
    pca_codes, pca_test_codes = pca.encode(x), pca.encode(noisy_test)
    rebuilt, pca_rebuilt = decode(model, test_codes), pca.decode(pca_test_codes)
    k = config["latent"]
    metrics = {
        "test_mse": mean_squared_error(rebuilt, x_test),
        "pca_test_mse": mean_squared_error(pca_rebuilt, x_test),
        "knn_accuracy": knn_accuracy(codes, y, test_codes, y_test),
        "pca_knn_accuracy": knn_accuracy(pca_codes, y, pca_test_codes, y_test),
    }
    if config["network"] == "linear":
        metrics["largest_angle_to_pca"] = model.angle_to(pca.directions)
    rows = {"input": x_test, f"autoencoder, {k} numbers": rebuilt, f"PCA, {k} numbers": pca_rebuilt}
    if config["noise"]:
        rows = {"input": x_test, "what the encoder saw": noisy_test, **rows}
    draw_reconstructions({name: images[shown] for name, images in rows.items()}, folder / "reconstructions.png")
    draw_codes(test_codes, pca_test_codes, y_test, metrics, folder / "latent.png")
    draw_curves(run, metrics, math.ceil(len(x) / config["batch"]), folder / "loss.png")
    draw_lines(model, x_test, y_test, folder / "interpolation.png")
    return metrics


def draw_reconstructions(rows: dict, path) -> None:
    fig, axes = plot.figure(len(rows), 1, width=8, height=1.05)
    for ax, (name, images) in zip(axes[:, 0], rows.items(), strict=True):
        plot.image_grid(ax, images.reshape(-1, 28, 28), columns=len(images), title=name)
    plot.save(fig, path)


def draw_codes(codes, pca_codes, labels, metrics, path) -> None:
    """The test images' codes; where they have more than two numbers, the two directions of largest variance."""
    k = codes.shape[1]
    panels = {"autoencoder": (codes, "knn_accuracy"), "PCA": (pca_codes, "pca_knn_accuracy")}
    fig, axes = plot.figure(1, 2, width=5, height=4.2)
    for ax, (name, (z, accuracy)) in zip(axes[0], panels.items(), strict=True):
        if k == 1:
            z = np.column_stack([z, labels])
            names = "code", "class"
        elif k == 2:
            names = "code 1", "code 2"
        else:
            z, names = PCA(z, 2).encode(z), ("principal direction 1 of the codes", "principal direction 2")
        plot.classes(ax, z, labels, f"{name}, code of {k}: 5-NN accuracy {metrics[accuracy]:.1%}", names)
    plot.save(fig, path)


def draw_curves(run, metrics, per_epoch, path) -> None:
    """The training loss is the mean over an epoch, while the network learns; the test loss is taken at its end."""
    history = {name: (np.array(steps) / per_epoch, np.array(values)) for name, (steps, values) in run.history.items()}
    epochs = np.arange(1, run.step // per_epoch + 1)
    mean = history["loss"][1][: len(epochs) * per_epoch].reshape(-1, per_epoch).mean(axis=1)
    fig, axes = plot.figure(1, 2, width=4.5)
    lines = {"train": (epochs, mean), "test": history.get("test_loss", ([], []))}
    plot.curves(axes[0, 0], lines, "epoch", f"{run.config['loss']} per pixel")
    levels = {f"PCA, {run.config['latent']} numbers": metrics["pca_test_mse"]}
    lines = {"autoencoder": history.get("test_mse", ([], []))}
    plot.curves(axes[0, 1], lines, "epoch", "test MSE per pixel", levels)
    plot.save(fig, path)


def draw_lines(model, x, y, path, pairs=((0, 1), (3, 8), (4, 9), (7, 2)), steps=11) -> None:
    """Decoded codes on the straight line from one test digit's code to another's, and the same line between pixels."""
    t = np.linspace(0, 1, steps)[:, None]
    fig, axes = plot.figure(2 * len(pairs), 1, width=8, height=0.9)
    for i, (a, b) in enumerate(pairs):
        start, end = (x[np.flatnonzero(y == digit)[1]][None] for digit in (a, b))
        z_start, z_end = encode(model, start), encode(model, end)
        mixtures = {"codes": decode(model, (1 - t) * z_start + t * z_end), "pixels": (1 - t) * start + t * end}
        for ax, (of, images) in zip(axes[2 * i : 2 * i + 2, 0], mixtures.items()):
            plot.image_grid(ax, images.reshape(-1, 28, 28), columns=steps, title=f"from {a} to {b}, mixing {of}")
    plot.save(fig, path)


# ------------------------------------------------------------------ the command line
def options() -> common.Options:
    parser = common.Options(NAME, __doc__)
    parser.add("--network", "dense", "dense layers, convolutions, or one linear layer each way", choices=HIDDEN)
    parser.add("--latent", 32, "numbers in the code", type=common.number(int, 1, 784))
    parser.add(
        "--hidden", None, "sizes of the encoder's hidden layers, or channels of its two convolutions "
        "(default: 512,256 for dense, 16,32 for conv)", type=common.numbers,
    )  # fmt: skip
    parser.add("--loss", None, "how unlike x̂ and x are (default: bce; mse for linear)", choices=LOSSES)
    parser.add("--optimizer", "adam", "sgd has momentum .9", choices=OPTIMIZERS)
    parser.add("--lr", None, "learning rate (default: 0.001 for adam, 1 for sgd)", type=common.number(float, above=0))
    parser.add("--decay", False, "let the learning rate fall to 0 along half a cosine", action="store_true")
    parser.add("--epochs", 40, "passes over the training images", type=common.number(int, 1))
    parser.add("--batch", 128, "images in a step", type=common.number(int, 1))
    parser.add("--noise", 0.0, "standard deviation of noise on the encoder's input", type=common.number(float, 0))
    parser.add("--data", None, "folder with the full MNIST (default: the embedded 10,000 digits)", metavar="FOLDER")
    parser.add_common(NAME)
    return parser


def build(config) -> Autoencoder:
    hidden, latent = config["hidden"], config["latent"]
    if config["network"] == "linear":
        return LinearAutoencoder(784, latent)
    return ConvAutoencoder(*hidden, latent) if config["network"] == "conv" else Autoencoder(784, hidden, latent)


def complete(config) -> None:
    """Put in the defaults that depend on other options, and see that all go together."""
    network = config["network"]
    config["lr"] = config["lr"] or LEARNING_RATES[config["optimizer"]]
    config["hidden"] = config["hidden"] or HIDDEN[network]
    config["loss"] = config["loss"] or ("mse" if network == "linear" else "bce")
    if network == "conv" and len(config["hidden"]) != 2:
        raise common.UserError("--network conv has two convolutions: give --hidden two numbers, as in 16,32")
    if network == "linear" and (config["hidden"] or config["loss"] == "bce"):
        raise common.UserError("--network linear has no --hidden layers, and its --loss is mse or rmse")


def main(arguments=None) -> dict:
    run = common.Run(NAME, options(), arguments)
    config = run.config
    complete(config)
    train_set, test_set = common.load_digits(config["data"])
    x_test, y_test = test_set
    run.remember(images=len(train_set[0]))
    model = run.keep("model", build(config))
    optimizer = run.keep("optimizer", OPTIMIZERS[config["optimizer"]](model.parameters(), config["lr"]))
    noisy_test = x_test + config["noise"] * mg.randn(*x_test.shape).numpy() if config["noise"] else x_test
    shown = [int(np.flatnonzero(y_test == digit)[0]) for digit in range(10)]
    print(model)
    train(run, model, optimizer, train_set[0], x_test, noisy_test, shown)
    return run.finish(report(run, model, train_set, test_set, noisy_test, shown))


def sample(arguments=None) -> None:
    """Draw images from an autoencoder: decode random codes as wide as those of the embedded test digits."""
    parser = common.sample_options(NAME, sample.__doc__)
    given = parser.defaults | parser.given(arguments)
    checkpoint = common.load_checkpoint(given["checkpoint"], NAME)
    model = common.restored(checkpoint, "model", build(checkpoint["config"]))
    codes = encode(model, common.load_digits(None)[1][0])
    z = np.random.default_rng(given["seed"]).normal(
        codes.mean(axis=0), codes.std(axis=0), (given["count"], codes.shape[1])
    )
    common.draw_samples(decode(model, z).reshape(-1, 28, 28), given["out"])
