"""DCGAN: two convolutional networks against each other, which learn to draw digits or faces from noise.

A generator G maps noise z ~ N(0, I) to an image, a discriminator D tells images of the data from those of G. They learn
in turns: D to tell them apart, G to be taken for real. Convolutional GANs were hard to train until Radford, Metz &
Chintala (2016, section 3) found a guide, which is followed here:

1. strided convolutions in D and transposed ones in G, in place of pooling and upsampling
2. batch norm in both, but not at G's output and not at D's input
3. no hidden dense layers
4. ReLU in G, and tanh at its output; images in [-1, 1]
5. LeakyReLU with slope .2 in D
6. (section 4) weights from N(0, .02²), Adam with β₁ = .5

Each rule has an option that breaks it, to see what it is good for.
"""

# Reading order: build_generator, build_discriminator, train, then the pictures and figures.

from __future__ import annotations

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim, plot

from . import common, image_data
from .metrics import digit_scores, nearest

NAME = "dcgan"
DENSE = 256  # units of a hidden dense layer, where there is one

BREAKS = {  # option -> what stands there in place of what the guide says
    "--pooling": "against rule 1: 3x3 convolutions, with max pooling in D and upsampling in G",
    "--no-batch-norm": "against rule 2: no batch norm",
    "--batch-norm-everywhere": "against rule 2: batch norm at G's output and D's input too",
    "--dense": "against rule 3: a hidden dense layer in both",
    "--leaky-generator": "against rule 4: LeakyReLU in G",
    "--sigmoid": "against rule 4: G ends in a sigmoid, and images are in [0, 1]",
    "--relu-discriminator": "against rule 5: ReLU in D",
    "--default-weights": "against rule 6: weights as each layer draws them by itself",
}


# ------------------------------------------------------------------ the networks
def build_generator(c: dict) -> nn.Sequential:
    """z (n, latent) → images (n, channels, size, size)."""
    k, side = c["width"], c["size"] // 4
    relu = nn.LeakyReLU(0.2) if c["leaky_generator"] else nn.ReLU()
    hidden, inputs = ([nn.Linear(c["latent"], DENSE), relu], DENSE) if c["dense"] else ([], c["latent"])
    bias = c["no_batch_norm"]  # batch norm would take it off again
    layers = [
        *hidden,
        nn.Linear(inputs, 2 * k * side * side, bias=bias), nn.Unflatten(1, (2 * k, side, side)), *norm(c, 2 * k), relu,
        *larger(c, 2 * k, k, bias), *norm(c, k), relu,  # (n, width, size/2, size/2)
        *larger(c, k, c["channels"]), *norm(c, c["channels"], end=True), nn.Sigmoid() if c["sigmoid"] else nn.Tanh(),
    ]  # fmt: skip
    return initialised(c, nn.Sequential(*layers))


def build_discriminator(c: dict) -> nn.Sequential:
    """Images (n, channels, size, size) → logits (n, 1): their sigmoid is D(x), how likely x is real.

    The sigmoid itself is in the loss, which so is exact where D is sure.
    """
    k, side = c["width"], c["size"] // 4
    relu = nn.ReLU() if c["relu_discriminator"] else nn.LeakyReLU(0.2)
    features = 2 * k * side * side
    hidden, last = ([nn.Linear(features, DENSE), relu], DENSE) if c["dense"] else ([], features)
    layers = [
        *norm(c, c["channels"], end=True), *smaller(c, c["channels"], k), relu,  # (n, width, size/2, size/2)
        *smaller(c, k, 2 * k, bias=c["no_batch_norm"]), *norm(c, 2 * k), relu,  # (n, 2·width, size/4, size/4)
        nn.Flatten(), *hidden, nn.Linear(last, 1),
    ]  # fmt: skip
    return initialised(c, nn.Sequential(*layers))


def larger(c: dict, n_in: int, n_out: int, bias: bool = True) -> list[nn.Module]:
    """(n, n_in, h, w) → (n, n_out, 2h, 2w)"""
    if c["pooling"]:
        return [nn.Upsample(scale_factor=2), nn.Conv2d(n_in, n_out, 3, padding=1, bias=bias)]
    return [nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=1, bias=bias)]


def smaller(c: dict, n_in: int, n_out: int, bias: bool = True) -> list[nn.Module]:
    """(n, n_in, 2h, 2w) → (n, n_out, h, w)"""
    if c["pooling"]:
        return [nn.Conv2d(n_in, n_out, 3, padding=1, bias=bias), nn.MaxPool2d(2)]
    return [nn.Conv2d(n_in, n_out, 4, stride=2, padding=1, bias=bias)]


def norm(c: dict, channels: int, end: bool = False) -> list[nn.Module]:
    """Batch norm, where there is any; `end` is G's output or D's input."""
    there = not c["no_batch_norm"] and (c["batch_norm_everywhere"] or not end)
    return [nn.BatchNorm2d(channels)] if there else []


def initialised(c: dict, net: nn.Sequential) -> nn.Sequential:
    """Weights from N(0, .02²), the scales of batch norm from N(1, .02²), biases 0."""
    for layer in () if c["default_weights"] else net:
        if hasattr(layer, "weight"):
            nn.init.normal_(layer.weight, 1 if isinstance(layer, nn.BatchNorm2d) else 0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return net


# ------------------------------------------------------------------ training
def train(run, generator, discriminator, g_optimizer, d_optimizer, images) -> None:
    """In each step D learns once and G learns once, from `images` (n, channels, size, size) in [0, 1].

    D's loss is −log D(x) − log(1 − D(G(z))), a mean over x and one over z; G's is −log D(G(z)), which unlike
    log(1 − D(G(z))) is steep where D is sure of a fake (Goodfellow et al. 2014, section 3).
    """
    config, bce = run.config, F.binary_cross_entropy_with_logits
    fixed_z = noise(config, 64)  # the same in every picture
    pictures = common.moments(config["steps"], 40)
    for step in run.steps(config["steps"]):
        x = images[common.batch(len(images), config["batch"], config["seed"], step)]
        x = mg.from_numpy(to_range_of_generator(config, x)).to(run.device)
        fake = generator(mg.randn(len(x), config["latent"], device=run.device))

        # D's turn. Real images and fakes go in apart: in one batch its batch norm would mix their statistics, and in
        # G's turn, when it sees fakes alone, D would be another function.
        on_real, on_fake = discriminator(x), discriminator(fake.detach())  # no gradient to G
        d_loss = bce(on_real, mg.ones_like(on_real)) + bce(on_fake, mg.zeros_like(on_fake))
        d_optimizer.zero_grad()
        d_loss.backward()
        d_optimizer.step()

        # G's turn: the same fakes, as D sees them now.
        discriminator.requires_grad_(False)  # the gradient goes through D to G, and D's own weights need none
        on_fake_now = discriminator(fake)
        g_loss = bce(on_fake_now, mg.ones_like(on_fake_now))
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()
        discriminator.requires_grad_(True)

        right = ((on_real > 0).float().mean() + (on_fake < 0).float().mean()) / 2
        run.log(d_loss=d_loss.item(), g_loss=g_loss.item(), d_accuracy=right.item())
        if step in pictures:
            run.frame("samples", plot.sheet(generate(config, generator, fixed_z), columns=8))


def to_range_of_generator(c: dict, images):
    """[0, 1] → [-1, 1], where tanh goes; with --sigmoid it stays."""
    return images if c["sigmoid"] else 2 * images - 1


def noise(c: dict, n: int, seed: int = 0) -> np.ndarray:
    """z (n, latent) for pictures and figures; not from the stream that training draws from."""
    return np.random.default_rng((c["seed"], seed)).standard_normal((n, c["latent"]), dtype=np.float32)


def generate(c: dict, generator, z: np.ndarray) -> np.ndarray:
    """G(z) as images (n, channels, size, size) in [0, 1].

    In evaluation mode, so that an image depends on its own z alone and not on the others of its batch.
    """
    generator.eval()
    images = common.outputs(generator, generator, z, size=500)
    generator.train()
    return images if c["sigmoid"] else (images + 1) / 2


# ------------------------------------------------------------------ pictures and figures
def report(run, generator, images, test) -> dict:
    """Write the pictures; return the figures."""
    config, folder = run.config, run.folder
    samples = generate(config, generator, noise(config, config["judged"], seed=1))
    draw_samples(samples[:64], images[:64], folder / "samples.png")
    draw_nearest(samples[:12], images, folder / "nearest.png")
    draw_walk(config, generator, folder / "walk.png")
    draw_curves(run, folder / "loss.png")
    _, accuracy = run.history["d_accuracy"]
    figures = {"d_accuracy": float(np.mean(accuracy[-100:]))}
    if config["channels"] == 1:
        return figures | digit_scores(samples, images, test)
    return figures | {
        "nearest": float(np.median(nearest(samples[:500], images)[0])),
        "nearest_real": float(np.median(nearest(test[:500], images)[0])),
    }


def draw_samples(samples, images, path) -> None:
    fig, axes = plot.figure(1, 2, width=4.5, height=4.7)
    plot.image_grid(axes[0, 0], samples, columns=8, title="drawn by G")
    plot.image_grid(axes[0, 1], images, columns=8, title="data")
    plot.save(fig, path)


def draw_nearest(samples, images, path) -> None:
    """Has G learnt its training images by heart? Samples over what comes nearest to them."""
    fig, axes = plot.figure(2, 1, width=8, height=1.05)
    plot.image_grid(axes[0, 0], samples, columns=len(samples), title="drawn by G")
    plot.image_grid(axes[1, 0], images[nearest(samples, images)[1]], len(samples), "nearest training image to each")
    plot.save(fig, path)


def draw_walk(c: dict, generator, path, rows: int = 6, steps: int = 12) -> None:
    """Images along arcs from one z to another. The middle of a straight line would be nearer to 0 than any z is."""
    ends = noise(c, 2 * rows, seed=2)[:, None]
    angle = np.linspace(0, np.pi / 2, steps, dtype=np.float32)[:, None]
    z = np.cos(angle) * ends[:rows] + np.sin(angle) * ends[rows:]  # (rows, steps, latent)
    fig, axes = plot.figure(1, 1, width=8, height=0.7 * rows + 0.3)
    images = generate(c, generator, z.reshape(rows * steps, -1))
    plot.image_grid(axes[0, 0], images, columns=steps, title="a walk in z: each row from one z to another")
    plot.save(fig, path)


def draw_curves(run, path, over: int = 50) -> None:
    """Means over `over` steps: from one step to the next the losses jump too much to be read."""
    lines = {}
    for name, (steps, values) in run.history.items():
        width = max(min(over, len(values) // 4), 1)
        lines[name] = steps[width - 1 :], np.convolve(values, np.full(width, 1 / width), "valid")
    fig, axes = plot.figure(1, 2, width=4.5)
    losses = {"D": lines["d_loss"], "G": lines["g_loss"]}
    blind = {"D, if it cannot tell: log 4": np.log(4), "G, likewise: log 2": np.log(2)}
    plot.curves(axes[0, 0], losses, "step", "loss", blind)
    plot.curves(axes[0, 1], {"D": lines["d_accuracy"]}, "step", "share told apart", {"by guessing": 0.5})
    plot.save(fig, path)


# ------------------------------------------------------------------ the command line
def options() -> common.Options:
    parser = common.Options(NAME, __doc__)
    parser.add("--data", "digits", image_data.HELP)
    parser.add("--steps", 2000, "steps of D and of G", type=common.number(int, 1))
    parser.add("--batch", 64, "images in a step", type=common.number(int, 2))
    parser.add("--latent", 100, "numbers in z", type=common.number(int, 1))
    width = "channels after D's first convolution and before G's last; further inside twice as many"
    parser.add("--width", 32, width, type=common.number(int, 1))
    parser.add("--lr", 5e-4, "learning rate of both", type=common.number(float, above=0))
    parser.add("--beta1", 0.5, "Adam's β₁ (rule 6; usual elsewhere is 0.9)", type=common.number(float, 0, 0.999))
    parser.add("--judged", 5000, "how many images the figures at the end are taken of", type=common.number(int, 100))
    for flag, text in BREAKS.items():
        parser.add(flag, False, text, action="store_true")
    parser.add_common(NAME)
    return parser


def build(config: dict):
    return build_generator(config), build_discriminator(config)


def main(arguments=None) -> dict:
    run = common.Run(NAME, options(), arguments)
    config = run.config
    images, test, *_ = image_data.load(config["data"])
    n, channels, size, _ = images.shape
    run.remember(images=n, channels=channels, size=size)
    generator, discriminator = map(run.keep, ("generator", "discriminator"), build(config))
    adam = {"lr": config["lr"], "betas": (config["beta1"], 0.999)}
    g_optimizer = run.keep("g_optimizer", optim.Adam(generator.parameters(), **adam))
    d_optimizer = run.keep("d_optimizer", optim.Adam(discriminator.parameters(), **adam))
    print(generator, discriminator, sep="\n")
    train(run, generator, discriminator, g_optimizer, d_optimizer, images)
    return run.finish(report(run, generator, images, test))


def sample(arguments=None) -> None:
    """Draw images from a DCGAN: what G makes of random z."""
    parser = common.sample_options(NAME, sample.__doc__)
    given = parser.defaults | parser.given(arguments)
    checkpoint = common.load_checkpoint(given["checkpoint"], NAME)
    config = checkpoint["config"]
    generator = common.restored(checkpoint, "generator", build_generator(config))
    z = np.random.default_rng(given["seed"]).standard_normal((given["count"], config["latent"]), dtype=np.float32)
    common.draw_samples(generate(config, generator, z), given["out"])
