"""Variational autoencoder: learn to draw digits or faces from noise, by a bound on how likely the data are.

A code z ~ N(0, I) of `--latent` numbers is decoded to a distribution p(x|z) of images. How likely an image is,
log p(x), is out of reach, but not this bound, the evidence lower bound (Kingma & Welling 2014):

    log p(x) ≥ ELBO = E_q[log p(x|z)] − KL(q(z|x) ‖ N(0, I)),   q(z|x) = N(μ, σ²), μ and log σ² from an encoder of x

The first term wants images back from their codes, the second wants the codes of all images together to look like
N(0, I). Unlike with a plain autoencoder, codes drawn from N(0, I) so decode to new images. `--beta` weighs the second
term (Higgins et al. 2017, β-VAE); the figures are always those of the ELBO itself, in nats per image.
"""

# Reading order: VAE and its networks, the losses, train, then the figures and pictures.

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim, plot
from minigrad.ops import gaussian_kl

from . import common, image_data, metrics

NAME = "vae"


# ------------------------------------------------------------------ the networks
class VAE(nn.Module):
    """x (n, ...) → q(z|x) → z (n, latent) → p(x|z)

    encoder : x → (n, 2·latent), μ beside log σ²
    decoder : z → (n, ...), the logits of Bernoullis or the means of Gaussians, one for each pixel
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module):
        self.encoder = encoder
        self.decoder = decoder

    def encode(self, x):
        """μ and log σ² of q(z|x), (n, latent) each"""
        return mg.chunk(self.encoder(x), 2, axis=1)

    def forward(self, x):
        mu, log_var = self.encode(x)
        epsilon = mg.randn_like(mu)  # drawn for each image and unit
        z = mu + mg.exp(0.5 * log_var) * epsilon  # z ~ N(μ, σ²), and yet with a gradient in μ and σ
        return self.decoder(z), mu, log_var


def dense(shape, hidden: list[int], latent: int) -> VAE:
    """Linear layers with ReLU between them; the decoder mirrors the encoder."""

    def layers(sizes):
        pairs = [(nn.Linear(n_in, n_out), nn.ReLU()) for n_in, n_out in zip(sizes[:-1], sizes[1:])]
        return [layer for pair in pairs for layer in pair][:-1]

    pixels = math.prod(shape)
    encoder = nn.Sequential(nn.Flatten(), *layers([pixels, *hidden, 2 * latent]))
    decoder = nn.Sequential(*layers([latent, *hidden[::-1], pixels]), nn.Unflatten(1, tuple(shape)))
    return VAE(encoder, decoder)


def convolutional(shape, width: int, latent: int) -> VAE:
    """Convolutions of stride 2 halve the sides, 28 → 14 → 7 or 32 → 16 → 8 → 4; transposed ones double them again."""
    channels, side, _ = shape
    widths = [channels]
    while side % 2 == 0 and side > 4:
        side //= 2
        widths.append(width if len(widths) == 1 else 2 * width)
    encoder, features = [], widths[-1] * side * side
    for n_in, n_out in zip(widths[:-1], widths[1:]):
        encoder += [nn.Conv2d(n_in, n_out, 4, stride=2, padding=1), nn.ReLU()]
    encoder += [nn.Flatten(), nn.Linear(features, 2 * latent)]
    decoder = [nn.Linear(latent, features), nn.ReLU(), nn.Unflatten(1, (widths[-1], side, side))]
    for n_in, n_out in zip(widths[:0:-1], widths[-2::-1]):
        decoder += [nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=1), nn.ReLU()]
    return VAE(nn.Sequential(*encoder), nn.Sequential(*decoder[:-1]))


def build(config) -> VAE:
    make, size = {"dense": (dense, "hidden"), "conv": (convolutional, "width")}[config["network"]]
    model = make(config["shape"], config[size], config["latent"])
    if config["loss"] != "bernoulli":
        model.decoder = nn.Sequential(*model.decoder, nn.Sigmoid())  # means between 0 and 1, as the pixels are
    return model


# ------------------------------------------------------------------ the loss
# −log p(x|z) in nats: the mean over the images, but the sum over the pixels. Divided by the number of pixels too, it
# would weigh so little beside the KL term that the codes would carry nothing.
def bernoulli(logits, x, config):
    """−Σ x log x̂ + (1 − x) log(1 − x̂), x̂ = σ(logits): each pixel is black with the probability x̂"""
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)


def gaussian(mean, x, config):
    """½ Σ (x − mean)²/σ² + log 2πσ², for pixels N(mean, σ²) with σ = `--sigma`"""
    sigma, pixels = config["sigma"], math.prod(x.shape[1:])
    squares = F.mse_loss(mean, x, reduction="sum") / len(x)
    return 0.5 * (squares / sigma**2 + pixels * math.log(2 * math.pi * sigma**2))


def rmse(mean, x, config):
    """w·√(1/p Σ (x − mean)²) over p pixels, w = `--weight`: −log of a density exp(−w·RMSE), but for a constant"""
    return config["weight"] * (mg.norm((mean - x).flatten(1), axis=1) / math.sqrt(math.prod(x.shape[1:]))).mean()


LOSSES = {"bernoulli": bernoulli, "gaussian": gaussian, "rmse": rmse}


def loss_terms(model, x, config):
    """The two terms of −ELBO, the mean over the images x: E_q[−log p(x|z)] by one z for each, and the KL exactly."""
    output, mu, log_var = model(x)
    return LOSSES[config["loss"]](output, x, config), gaussian_kl(mu, log_var)


# ------------------------------------------------------------------ training
def train(run, model, optimizer, data) -> None:
    """Train to the last epoch, or to Ctrl-C; at each epoch's end look at the test images."""
    config, n = run.config, len(data.x)
    per_epoch = math.ceil(n / config["batch"])
    total = config["epochs"] * per_epoch
    pictures, prior = common.moments(total, 40), codes_from_prior(64, config)
    for step in run.steps(total, per_epoch):
        x = mg.from_numpy(data.x[common.batch(n, config["batch"], config["seed"], step)]).to(run.device)
        reconstruction, kl = loss_terms(model, x, config)
        loss = reconstruction + config["beta"] * kl
        run.log(reconstruction=reconstruction.item(), kl=kl.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in pictures:
            run.frame("samples", plot.sheet(decode(model, prior, config), columns=8))
            if config["latent"] == 2:
                run.frame("manifold", plot.sheet(decode(model, plane(), config), columns=SIDE))
        if (step + 1) % per_epoch == 0:
            _, reconstruction, kl = bound(model, data.x_test, config)
            run.log(test_reconstruction=-reconstruction.mean(), test_kl=kl.mean())


# ------------------------------------------------------------------ figures
def encode(model, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """μ and log σ² of q(z|x), (n, latent) each"""
    return tuple(np.split(common.outputs(model, model.encoder, x), 2, axis=1))


def decode(model, z: np.ndarray, config) -> np.ndarray:
    """The mean of p(x|z): images (n, channels, height, width) in [0, 1]"""
    means = {"bernoulli": lambda z: mg.sigmoid(model.decoder(z))}.get(config["loss"], model.decoder)
    return common.outputs(model, means, z)


def codes_from_prior(count: int, config) -> np.ndarray:
    """The same z ~ N(0, I) for the same seed"""
    return np.random.default_rng(config["seed"]).standard_normal((count, config["latent"]), np.float32)


def log_likelihood(model, config):
    """log p(x|z) as a function of codes and their images, for `metrics.elbo` and `metrics.iwae`"""
    of = {
        "bernoulli": metrics.bernoulli_log_likelihood,
        "gaussian": lambda mean, x: metrics.gaussian_log_likelihood(mean, x, config["sigma"]),
        "rmse": lambda mean, x: -config["weight"] * np.sqrt(((mean - x) ** 2).mean(axis=(1, 2, 3), dtype=np.float64)),
    }[config["loss"]]
    return lambda z, x: of(common.outputs(model, model.decoder, z), x)


def bound(model, x, config, k: int | None = None):
    """`metrics.elbo` of each image by one code drawn for it, or `metrics.iwae` by k; the same draws in each call."""
    rng = np.random.default_rng(config["seed"])
    if k is None:
        return metrics.elbo(log_likelihood(model, config), x, *encode(model, x), 1, rng)
    return metrics.iwae(log_likelihood(model, config), x, *encode(model, x), k, rng)


def figures(model, data, config) -> dict:
    """The bound and its parts on the test images, IWAE on the first 500; of digits also how good samples are."""
    elbo, reconstruction, kl = bound(model, data.x_test, config)
    mu, _ = encode(model, data.x_test)
    nats = {
        "elbo": elbo,
        "log_likelihood": reconstruction,
        "kl": kl,
        "elbo_first_500": elbo[:500],
        "iwae_100_first_500": bound(model, data.x_test[:500], config, k=100),
    }
    found = {name: float(value.mean()) for name, value in nats.items()}
    found["active_units"] = metrics.active_units(mu)
    found["test_mse"] = metrics.mean_squared_error(decode(model, mu, config), data.x_test)
    if data.classes is not None:
        samples = decode(model, codes_from_prior(min(len(data.x), 5000), config), config)
        found |= metrics.digit_scores(samples, data.x, data.x_test)
    return found


# ------------------------------------------------------------------ pictures
SIDE = 15  # of the manifold's grid


def plane() -> np.ndarray:
    """Codes (SIDE², 2), one in each of equally likely cells of N(0, I), as in Kingma & Welling 2014, figure 4"""
    steps = norm.ppf((np.arange(SIDE) + 0.5) / SIDE)
    return np.stack(np.meshgrid(steps, steps[::-1]), axis=-1).reshape(-1, 2)


def attribute_vectors(codes: np.ndarray, attributes: dict) -> dict:
    """For each attribute the mean code of those who have it minus that of those who do not: name -> (latent,)

    Added to a code it gives the attribute, subtracted it takes it away, while all else stays (Larsen et al. 2016,
    section 4.2), as far as the attributes are independent in the data.
    """
    return {name: codes[has].mean(axis=0) - codes[~has].mean(axis=0) for name, has in attributes.items()}


def report(run, model, data) -> dict:
    """Write the pictures; return the figures."""
    config, folder = run.config, run.folder
    if data.classes is None:
        shown = np.arange(10)
    else:
        shown = np.array([np.flatnonzero(data.classes == digit)[0] for digit in range(10)])
    found = figures(model, data, config)
    draw_reconstructions(model, data.x_test[shown], config, folder / "reconstructions.png")
    draw_lines(model, data.x_test[shown], config, folder / "interpolation.png")
    draw_samples(model, config, folder / "samples.png")
    draw_curves(run, math.ceil(len(data.x) / config["batch"]), folder / "loss.png")
    draw_units(model, data.x_test, config, folder / "units.png")
    if config["latent"] == 2:
        draw_plane(model, data, config, folder / "latent.png")
    if data.attributes:
        draw_attributes(model, data, config, folder / "attributes.png")
    return found


def draw_reconstructions(model, x, config, path) -> None:
    """What one code leaves open: each image beside those that its most likely code and a drawn one decode to."""
    mu, log_var = encode(model, x)
    codes = {"decoded μ(x)": mu, "decoded z ~ q(z|x)": mu + np.exp(0.5 * log_var) * codes_from_prior(len(x), config)}
    rows = {"test images x": x} | {name: decode(model, z, config) for name, z in codes.items()}
    fig, axes = plot.figure(len(rows), 1, width=8, height=1.05)
    for ax, (name, images) in zip(axes[:, 0], rows.items()):
        plot.image_grid(ax, images, columns=len(x), title=name)
    plot.save(fig, path)


def draw_lines(model, x, config, path, pairs=((0, 1), (3, 8), (4, 9), (7, 2)), steps=11) -> None:
    """From one test image to another, on the straight line between their codes and on that between their pixels."""
    t = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    mu, _ = encode(model, x)
    fig, axes = plot.figure(2 * len(pairs), 1, width=8, height=0.9)
    for i, (a, b) in enumerate(pairs):
        codes = decode(model, (1 - t) * mu[a] + t * mu[b], config)
        pixels = (1 - t[..., None, None]) * x[a] + t[..., None, None] * x[b]
        for ax, (of, images) in zip(axes[2 * i : 2 * i + 2, 0], {"codes": codes, "pixels": pixels}.items()):
            plot.image_grid(ax, images, columns=steps, title=f"from {a} to {b}, mixing {of}")
    plot.save(fig, path)


def draw_samples(model, config, path) -> None:
    fig, axes = plot.figure(1, 1, width=6, height=6)
    plot.image_grid(axes[0, 0], decode(model, codes_from_prior(64, config), config), title="decoded z ~ N(0, I)")
    plot.save(fig, path)


def draw_curves(run, per_epoch, path) -> None:
    """The training terms are means over an epoch, while the network learns; those of the test are taken at its end."""
    epochs = np.arange(1, run.step // per_epoch + 1)

    def lines(name):
        train = np.array(run.history[name][1][: len(epochs) * per_epoch]).reshape(-1, per_epoch).mean(axis=1)
        return np.array([train, run.history.get(f"test_{name}", ([], []))[1]])

    reconstruction, kl = lines("reconstruction"), lines("kl")
    panels = {"−ELBO": reconstruction + kl, "−E log p(x|z)": reconstruction, "KL(q(z|x) ‖ N(0, I))": kl}
    fig, axes = plot.figure(1, 3)
    for ax, (name, (train, test)) in zip(axes[0], panels.items()):
        plot.curves(ax, {"training": (epochs, train), "test": (epochs, test)}, "epoch", f"{name}, nats per image")
    plot.save(fig, path)


def draw_units(model, x, config, path) -> None:
    """How much each unit tells of an image, the mean of KL(q(zᵢ|x) ‖ N(0, 1)); a unit with none has collapsed."""
    mu, log_var = encode(model, x)
    kl = 0.5 * (mu**2 + np.expm1(log_var) - log_var).mean(axis=0)
    fig, axes = plot.figure(width=5)
    axes[0, 0].bar(np.arange(1, len(kl) + 1), np.sort(kl)[::-1])
    axes[0, 0].set(xlabel="latent unit, the most telling first", ylabel="KL on test images, nats", ylim=(0, None))
    plot.save(fig, path)


def draw_plane(model, data, config, path) -> None:
    """What the codes of the plane decode to, and where the test images lie in it."""
    mu, _ = encode(model, data.x_test)
    fig, axes = plot.figure(1, 2, width=5, height=4.4)
    plot.image_grid(axes[0, 0], decode(model, plane(), config), columns=SIDE, title="decoded codes")
    if data.classes is None:
        axes[0, 1].scatter(*mu.T, s=4, linewidths=0)
        axes[0, 1].set(title="μ of the test images", xlabel="code 1", ylabel="code 2")
    else:
        plot.classes(axes[0, 1], mu, data.classes, "μ of the test images", ("code 1", "code 2"))
    plot.save(fig, path)


def draw_attributes(model, data, config, path, steps=6) -> None:
    """For each attribute two test images without it, and its vector added to their codes, more and more."""
    t = np.linspace(0, 1.25, steps, dtype=np.float32)[:, None]
    vectors = attribute_vectors(encode(model, data.x)[0], data.attributes)
    fig, axes = plot.figure(len(vectors), 2, width=4, height=0.9)
    for row, (name, vector) in zip(axes, vectors.items()):
        without = data.x_test[~data.test_attributes[name]][:2]
        for ax, mu in zip(row, encode(model, without)[0]):
            plot.image_grid(ax, decode(model, mu + t * vector, config), columns=steps, title=f"+ {name}")
    plot.save(fig, path)


# ------------------------------------------------------------------ the command line
DIGITS = {"network": "dense", "loss": "bernoulli", "latent": 20, "epochs": 50, "batch": 128, "lr": 1e-3}
FACES = {"network": "conv", "loss": "gaussian", "latent": 32, "epochs": 9, "batch": 32, "lr": 2e-3}


def options() -> common.Options:
    parser, number = common.Options(NAME, __doc__), common.number

    def add(flag, help, **how):
        """An option whose default depends on the data."""
        of_digits, of_faces = (default[flag.removeprefix("--")] for default in (DIGITS, FACES))
        parser.add(flag, None, f"{help} (default: {of_digits}, in colour {of_faces})", **how)

    parser.add("--data", "digits", image_data.HELP, metavar="DATA")
    parser.add("--size", 32, "of a folder's images: pixels along a side", type=int, choices=[32, 64])
    parser.add("--attributes", None, "of a folder's images: a file like CelebA's list_attr_celeba.txt", metavar="FILE")
    add("--network", "dense layers, or convolutions of stride 2", choices=["dense", "conv"])
    parser.add("--hidden", [400], "dense: sizes of the encoder's hidden layers, as in 500,300", type=common.numbers)
    parser.add("--width", 16, "conv: channels of the first layer, half those of the others", type=number(int, 1, 512))
    add("--latent", "numbers in the code z; with 2 the plane of codes is drawn", type=number(int, 1, 784))
    add(
        "--loss",
        "−log p(x|z): a pixel is black with a probability, or Gaussian; or --weight times RMSE",
        choices=LOSSES,
    )
    parser.add("--sigma", 0.2, "gaussian: standard deviation of a pixel in p(x|z)", type=number(float, above=0))
    parser.add("--weight", 1000.0, "rmse: what it is multiplied by", type=number(float, above=0))
    parser.add("--beta", 1.0, "weight of the KL term: the larger, the less a code tells", type=number(float, 0))
    add("--epochs", "passes over the training images", type=number(int, 1))
    add("--batch", "images in a step", type=number(int, 1))
    add("--lr", "learning rate of Adam", type=number(float, above=0))
    parser.add_common(NAME)
    return parser


def main(arguments=None) -> dict:
    run = common.Run(NAME, options(), arguments)
    config = run.config
    data = image_data.load(config["data"], config["size"], config["attributes"])
    for name, value in (FACES if data.classes is None else DIGITS).items():
        config[name] = config[name] or value
    run.remember(images=len(data.x), shape=list(data.x.shape[1:]))
    model = run.keep("model", build(config))
    optimizer = run.keep("optimizer", optim.Adam(model.parameters(), lr=config["lr"]))
    print(model)
    train(run, model, optimizer, data)
    return run.finish(report(run, model, data))


def sample(arguments=None) -> None:
    """Draw images from a variational autoencoder: decode codes z ~ N(0, I)."""
    parser = common.sample_options(NAME, sample.__doc__)
    given = parser.defaults | parser.given(arguments)
    checkpoint = common.load_checkpoint(given["checkpoint"], NAME)
    config = checkpoint["config"] | {"seed": given["seed"]}
    model = common.restored(checkpoint, "model", build(config))
    common.draw_samples(decode(model, codes_from_prior(given["count"], config), config), given["out"])
