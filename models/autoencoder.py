"""Autoencoder: squeeze a digit's 784 pixels through a few numbers and back, against PCA.

An encoder f maps an image x to a code z = f(x) of `--latent` numbers, a decoder g maps it back to x̂ = σ(g(z)); both are
trained to make x̂ like x. With linear f and g and squared error the best possible result on the training images is
PCA's, so PCA with as many numbers stands beside each figure. With `--noise` the encoder sees x + noise and must still
give x (a denoising autoencoder); test images are then noisy too, and are compared with the clean ones.
"""

# Reading order: Autoencoder, LOSSES, train, then the pictures and figures.

from __future__ import annotations

import math

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim, plot
from minigrad.ops import rmse_loss
from minigrad.utils.data import DataLoader, TensorDataset

from . import common
from .metrics import PCA, knn_accuracy, mean_squared_error

NAME = "autoencoder"


# ------------------------------------------------------------------ the network
class Autoencoder(nn.Module):
    """x (n, pixels) → z (n, latent) → logits (n, pixels); the decoder mirrors the encoder, ReLU between layers."""

    def __init__(self, pixels: int, hidden: list[int], latent: int):
        sizes = [pixels, *hidden, latent]
        self.encoder = dense(sizes)
        self.decoder = dense(sizes[::-1])

    def forward(self, x):
        return self.decoder(self.encoder(x))


def dense(sizes):
    """Linear layers from size to size, ReLU between them; Glorot initialisation, which learns faster here."""
    layers = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
        linear = nn.Linear(n_in, n_out)
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# x̂ = σ(logits). The cross-entropy takes the logits themselves: exact where σ would round to 0 or 1.
LOSSES = {
    "bce": lambda logits, x: F.binary_cross_entropy_with_logits(logits, x),  # −x log x̂ − (1 − x) log(1 − x̂), mean
    "mse": lambda logits, x: F.mse_loss(mg.sigmoid(logits), x),  # (x̂ − x)², mean
    "rmse": lambda logits, x: rmse_loss(mg.sigmoid(logits), x),  # √(mean (x̂ − x)²)
}
OPTIMIZERS = {
    "adam": lambda parameters, lr: optim.Adam(parameters, lr=lr),
    "sgd": lambda parameters, lr: optim.SGD(parameters, lr=lr, momentum=0.9),
}
LEARNING_RATES = {"adam": 1e-3, "sgd": 1.0}


# ------------------------------------------------------------------ training
def train(model, optimizer, x_train, x_test, noisy_test, config, progress, save) -> bool:
    """Train from where `progress` stands to the last epoch; False if Ctrl-C ended it before.

    `progress` holds the position, the epoch's sum of losses so far, and the history; it is kept up to date, and
    ``save()`` is called at each epoch's end and on Ctrl-C. The order of the images is a function of (seed, epoch), and
    noise comes from the one random stream, so a resumed run takes exactly the steps that were left. The training loss
    is the mean over the epoch, while the network still learns; the test loss is taken at its end, and so may be lower.
    """
    loss_of, history = LOSSES[config["loss"]], progress["history"]
    dataset, seed, noise = TensorDataset(x_train), config["seed"], config["noise"]
    steps = len(DataLoader(dataset, config["batch"]))
    line = common.Progress(config["epochs"] * steps, progress["epoch"] * steps + progress["step"])
    with common.StopOnInterrupt() as stop:
        while progress["epoch"] < config["epochs"]:
            epoch = progress["epoch"]
            loader = DataLoader(dataset, config["batch"], shuffle=True, generator=np.random.default_rng((seed, epoch)))
            for step, (x,) in enumerate(loader, 1):
                if step <= progress["step"]:
                    continue
                x = x.to(config["device"])
                seen = x + noise * mg.randn_like(x) if noise else x
                loss = loss_of(model(seen), x)
                value = common.finite(loss.item())
                optimizer.zero_grad()  # forget the gradients of the step before,
                loss.backward()  # find those of this one,
                optimizer.step()  # and change the parameters by them
                progress["step"], progress["loss_sum"] = step, progress["loss_sum"] + value
                mean = progress["loss_sum"] / step
                text = f"epoch {epoch + 1}/{config['epochs']}  {config['loss']} {mean:.4f}"
                line.show(epoch * steps + step, text, end_of_epoch=step == steps)
                if stop.requested and step < steps:
                    save()
                    return False
            logits, target = mg.from_numpy(common.outputs(model, model, noisy_test)), mg.from_numpy(x_test)
            history["train_loss"].append(mean)
            history["test_loss"].append(common.finite(loss_of(logits, target).item()))
            history["test_mse"].append(mean_squared_error(mg.sigmoid(logits).numpy(), x_test))
            progress.update(epoch=epoch + 1, step=0, loss_sum=0.0)
            save()
            if stop.requested:
                return progress["epoch"] == config["epochs"]
    return True


def encode(model, x: np.ndarray) -> np.ndarray:
    return common.outputs(model, model.encoder, x)


def decode(model, z: np.ndarray) -> np.ndarray:
    return common.outputs(model, lambda z: mg.sigmoid(model.decoder(z)), z)


# ------------------------------------------------------------------ pictures and figures
def report(model, pca, train_set, test_set, noisy_test, config, progress, folder) -> dict:
    """Write the pictures and metrics.json; return the metrics."""
    (x, y), (x_test, y_test) = train_set, test_set
    codes, test_codes = encode(model, x), encode(model, noisy_test)
    pca_codes, pca_test_codes = pca.encode(x), pca.encode(noisy_test)
    rebuilt, pca_rebuilt = decode(model, test_codes), pca.decode(pca_test_codes)
    k = config["latent"]
    metrics = {
        "test_mse": mean_squared_error(rebuilt, x_test),
        "pca_test_mse": mean_squared_error(pca_rebuilt, x_test),
        "knn_accuracy": knn_accuracy(codes, y, test_codes, y_test),
        "pca_knn_accuracy": knn_accuracy(pca_codes, y, pca_test_codes, y_test),
        "latent": k,
        "epochs_trained": progress["epoch"] + progress["step"] / math.ceil(len(x) / config["batch"]),
        "config": config,
    }
    one_each = [int(np.flatnonzero(y_test == digit)[0]) for digit in range(10)]
    rows = {"input": x_test, f"autoencoder, {k} numbers": rebuilt, f"PCA, {k} numbers": pca_rebuilt}
    if config["noise"]:
        rows = {"input": x_test, "what the encoder saw": noisy_test, **rows}
    draw_reconstructions({name: images[one_each] for name, images in rows.items()}, folder / "reconstructions.png")
    draw_codes(test_codes, pca_test_codes, y_test, metrics, folder / "latent.png")
    draw_curves(progress["history"], metrics, config["loss"], folder / "loss.png")
    draw_lines(model, x_test, y_test, folder / "interpolation.png")
    common.write_json(folder / "metrics.json", metrics)
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


def draw_curves(history, metrics, loss: str, path) -> None:
    epochs = np.arange(1, len(history["test_mse"]) + 1)
    fig, axes = plot.figure(1, 2, width=4.5)
    lines = {name: (epochs, history[f"{name}_loss"]) for name in ("train", "test")}
    plot.curves(axes[0, 0], lines, "epoch", f"{loss} per pixel")
    levels = {f"PCA, {metrics['latent']} numbers": metrics["pca_test_mse"]}
    plot.curves(axes[0, 1], {"autoencoder": (epochs, history["test_mse"])}, "epoch", "test MSE per pixel", levels)
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
    parser.add("--latent", 32, "numbers in the code", type=common.number(int, 1, 784))
    parser.add("--hidden", [512, 256], "sizes of the encoder's hidden layers, as in 512,256", type=common.numbers)
    parser.add("--loss", "bce", "what measures how unlike x̂ and x are", choices=LOSSES)
    parser.add("--optimizer", "adam", "sgd has momentum .9", choices=OPTIMIZERS)
    parser.add("--lr", None, "learning rate (default: 0.001 for adam, 1 for sgd)", type=common.number(float, above=0))
    parser.add("--epochs", 40, "passes over the training images", type=common.number(int, 1))
    parser.add("--batch", 128, "images in a step", type=common.number(int, 1))
    parser.add("--noise", 0.0, "standard deviation of noise on the encoder's input", type=common.number(float, 0))
    parser.add("--seed", 0, "seed of the weights, the order and the noise", type=common.number(int, 0))
    parser.add("--data", None, "folder with the full MNIST (default: the embedded 10,000 digits)", metavar="FOLDER")
    parser.add("--device", "cpu", "where it trains: cpu, cuda or cuda:1", type=common.device)
    parser.add("--out", f"runs/{NAME}", "folder for the results", metavar="FOLDER")
    parser.add("--resume", False, "continue the run in --out where it stopped", action="store_true")
    return parser


def main(arguments=None) -> dict:
    parser = options()
    given = parser.given(arguments)
    resume = given.pop("resume", False)
    out = given.get("out", parser.defaults["out"])
    checkpoint = common.load_checkpoint(f"{out}/checkpoint.npz", NAME) if resume else None
    if checkpoint:
        config = common.resumed_config(
            parser.defaults, checkpoint["config"], given, free=("out", "epochs", "data", "device")
        )
        config["device"] = given.get("device", parser.defaults["device"])
        progress = checkpoint["progress"]
        if config["epochs"] < progress["epoch"]:
            raise common.UserError(f"the run to resume has {progress['epoch']} epochs behind it; give --epochs more")
        if config["epochs"] == progress["epoch"]:
            print(f"all {config['epochs']} epochs are done; --epochs with more would train on")
    else:
        config = {**parser.defaults, **given}
        config["lr"] = config["lr"] or LEARNING_RATES[config["optimizer"]]
        history = {"train_loss": [], "test_loss": [], "test_mse": []}
        progress = {"epoch": 0, "step": 0, "loss_sum": 0.0, "history": history}
    train_set, test_set = common.load_digits(config["data"])
    if config.setdefault("images", len(train_set[0])) != len(train_set[0]):
        raise common.UserError(
            f"the run to resume has {config['images']} training images, and here are {len(train_set[0])}"
        )
    folder = common.run_folder(out)

    mg.manual_seed(config["seed"])
    model = Autoencoder(train_set[0].shape[1], config["hidden"], config["latent"]).to(config["device"])
    optimizer = OPTIMIZERS[config["optimizer"]](model.parameters(), config["lr"])
    noisy_test = test_set[0]
    if config["noise"]:
        noisy_test = noisy_test + config["noise"] * mg.randn(*noisy_test.shape).numpy()
    if checkpoint:
        common.restore(checkpoint, model, optimizer)

    def save():
        common.save_checkpoint(folder / "checkpoint.npz", NAME, config, model, optimizer, progress)

    if not checkpoint:
        common.set_aside(folder, NAME)
    print(model)
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges is told of by its loss
        finished = train(model, optimizer, train_set[0], test_set[0], noisy_test, config, progress, save)
    pca = PCA(train_set[0], config["latent"])
    metrics = report(model, pca, train_set, test_set, noisy_test, config, progress, folder)
    if not finished:
        print("\nstopped; --resume continues exactly here")
    print(f"test MSE per pixel      {metrics['test_mse']:.4f}   PCA {metrics['pca_test_mse']:.4f}")
    print(f"5-NN accuracy on codes  {metrics['knn_accuracy']:.1%}    PCA {metrics['pca_knn_accuracy']:.1%}")
    print(f"pictures, metrics.json and checkpoint.npz are in {folder}/")
    return metrics
