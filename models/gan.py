"""GAN: two networks against each other; one makes points or digits from noise, the other tells them from real ones.

A generator G maps noise z ~ N(0, I) to x = G(z); a discriminator D says how surely x is real, D(x) = σ(logit). They
play for one value (Goodfellow et al. 2014, equation 1):

    min_G max_D V(D, G) = E[log D(x)] + E[log(1 − D(G(z)))]

For a fixed G the best D reaches V = −log 4 + 2 JSD(data ‖ G): so what D gains measures, in nats, how far G is from the
data, and if G is the data, D can only say ½ everywhere and V = −log 4. But neither player's loss says so when both are
in training: they turn about each other, and G can sit on a few modes of the data with losses that look like peace. So
there are figures here that look at the samples, and remedies that look at more than one sample at a time: each is a
flag and a few lines. Try ``--latent 16 --seed 1``, and then the same with ``--pack 2``.
"""

# Reading order: Generator, Discriminator, value, GENERATOR_LOSSES, the remedies, train, then pictures and figures.

from __future__ import annotations

import copy
import dataclasses
import math

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import backend, nn, optim, plot
from minigrad.data import mixtures

from . import common, metrics

NAME = "gan"
MIXTURES = {"ring": mixtures.ring(), "grid": mixtures.grid(), "roll": mixtures.SwissRoll()}
FRAMES, LOOKS = 40, 50  # pictures of the animation, and how often the samples are measured while it trains


# ------------------------------------------------------------------ the networks
class Generator(nn.Module):
    """z (n, latent) → x (n, features), ReLU between linear layers.

    Points of the plane are the last layer's output. Images, `pixels`, are in [0, 1] by a sigmoid, and batch norm keeps
    the layers before it in range: with it G learns digits several times as fast, while on a mixture it does harm.
    """

    def __init__(self, latent: int, hidden: list[int], features: int, pixels: bool):
        sizes = [latent, *hidden]
        layers = []
        for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [nn.Linear(n_in, n_out), *[nn.BatchNorm1d(n_out)] * pixels, nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(hidden[-1], features), *[nn.Sigmoid()] * pixels)

    def forward(self, z):
        return self.layers(z)


class Discriminator(nn.Module):
    """x (n·pack, features) → logits (n, 1), one for each pack of examples; D = σ(logit), LeakyReLU between the layers.

    pack : PacGAN (Lin et al. 2018): D judges so many examples at once, all real or all made. One of them alone may look
        real; that they are all alike, as when G has lost modes, shows in the pack.
    minibatch : minibatch discrimination (Salimans et al. 2016, section 3.2): D also sees how near each example's last
        features are to those of the rest of its batch.
    """

    def __init__(self, features: int, hidden: list[int], pack: int = 1, minibatch: bool = False):
        sizes = [pack * features, *hidden]
        layers = []
        for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [nn.Linear(n_in, n_out), nn.LeakyReLU(0.2)]
        self.pack, self.hidden = pack, nn.Sequential(*layers)
        self.nearness = nn.MinibatchDiscrimination(hidden[-1], 16, 4) if minibatch else nn.Identity()
        self.logit = nn.Linear(hidden[-1] + 16 * minibatch, 1)

    def features(self, x):
        """The last hidden layer (n, hidden)."""
        return self.hidden(x.reshape(-1, self.hidden[0].in_features))

    def forward(self, x):
        return self.logit(self.nearness(self.features(x)))


# ------------------------------------------------------------------ the losses
def value(real, fake):
    """V(D, G) = E[log D(x)] + E[log(1 − D(G(z)))] from the logits l of D = σ(l), where D is trained to raise it.

    log σ(l) = −softplus(−l) and log(1 − σ(l)) = −softplus(l), exact where σ(l) would round to 0 or 1; so −V is the
    cross-entropy of real ones against 1 plus that of made ones against 0.

    >>> round(value(mg.zeros(5, 1), mg.zeros(5, 1)).item(), 4)    # a D that always says ½: −log 4
    -1.3863
    """
    return -F.softplus(-real).mean() - F.softplus(fake).mean()


# What G lowers, from D's logits of what it made. Both push D(G(z)) up; they differ in how hard. While G is bad, D(G(z))
# is near 0: there the slope of the first in the logit, −D, vanishes, and that of the second, D − 1, is at its largest.
GENERATOR_LOSSES = {
    "minimax": lambda logits: -F.softplus(logits).mean(),  # E[log(1 − D(G(z)))], its part of V: it saturates
    "nonsaturating": lambda logits: F.softplus(-logits).mean(),  # −E[log D(G(z))] (Goodfellow et al. 2014, section 3)
}


# ------------------------------------------------------------------ two remedies; the others are in Discriminator
def feature_matching(discriminator, real, fake):
    """‖E f(x) − E f(G(z))‖², f the last hidden layer of D: G is to make features that agree in the mean with real ones,
    and no longer to look real to D (Salimans et al. 2016, section 3.1)."""
    wanted = discriminator.features(real).detach().mean(axis=0)
    return ((wanted - discriminator.features(fake).mean(axis=0)) ** 2).sum()


def distance_from_average(network, average, step: int):
    """‖θ − θ̄‖² of the network's parameters θ from θ̄, their mean over the steps 0 ... `step`, which `average` keeps.

    Historical averaging (Salimans et al. 2016, section 3.3): a player that circles about a balance is drawn inwards.
    """
    distance = 0.0
    for theta, mean in zip(network.parameters(), average.parameters(), strict=True):
        mean.copy_(mean + (theta.detach() - mean) / (step + 1))
        distance = distance + ((theta - mean) ** 2).sum()
    return distance


# ------------------------------------------------------------------ training
def train(run, data, generator, discriminator, g_optimizer, d_optimizer) -> None:
    """D takes a step up V, then G a step down its loss, and so on; now and then the samples are looked at."""
    config = run.config
    latent, weight = config["latent"], config["historical_averaging"]
    generator_loss, n = GENERATOR_LOSSES[config["loss"]], config["batch"] * config["pack"]
    if weight:
        d_average, g_average = (
            run.keep(name, copy.deepcopy(network).requires_grad_(False))
            for name, network in (("d_average", discriminator), ("g_average", generator))
        )
    fixed_noise = noise(5000, latent, config["seed"])
    frames, every = common.moments(config["steps"], FRAMES), max(config["steps"] // LOOKS, 1)
    for step in run.steps(config["steps"]):
        real = mg.from_numpy(data.sample(n, backend.generator())).to(run.device)
        fake = generator(mg.randn(n, latent, device=run.device))

        # D's step. detach(): to D the fakes are data, and its loss must not reach G. Real and fake ones go through D
        # in two batches, as neither may show in the other's minibatch features.
        d_loss = -value(discriminator(real), discriminator(fake.detach()))
        if weight:
            d_loss = d_loss + weight * distance_from_average(discriminator, d_average, step)
        d_optimizer.zero_grad()
        d_loss.backward()
        d_optimizer.step()

        # G's step, against the D that has just learnt. The gradient goes through D, which stays as it is: what gathers
        # in D's own parameters meanwhile is forgotten by zero_grad() above before it is used.
        if config["feature_matching"]:
            g_loss = feature_matching(discriminator, real, fake)
        else:
            g_loss = generator_loss(discriminator(fake))
        if weight:
            g_loss = g_loss + weight * distance_from_average(generator, g_average, step)
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()

        run.log(d_loss=d_loss.item(), g_loss=g_loss.item())
        if step in frames:
            samples = draw(generator, fixed_noise[:1000])
            run.frame("samples", picture(data, samples, discriminator, f"step {step + 1}"))
        if (step + 1) % every == 0:
            run.log(**coverage(data, draw(generator, fixed_noise[:2500])))


def noise(n: int, latent: int, seed: int) -> np.ndarray:
    """z ~ N(0, I), (n, latent), apart from the random stream of the training."""
    return np.random.default_rng(seed).standard_normal((n, latent), np.float32)


def draw(generator, z: np.ndarray) -> np.ndarray:
    """G(z) with the statistics that batch norm has gathered, (n, features)."""
    generator.eval()
    samples = common.outputs(generator, generator, z)
    generator.train()
    return samples


# ------------------------------------------------------------------ the data, and how samples are judged
class Digits:
    """The embedded digits or full MNIST, drawn from like a mixture: pixels (n, 784) in [0, 1]."""

    def __init__(self, folder: str | None):
        (self.x, _), (self.x_test, _) = common.load_digits(folder)

    def sample(self, n: int, rng) -> np.ndarray:
        return self.x[np.random.default_rng(rng).integers(len(self.x), size=n)]


def load(config):
    """What --data names, with --std."""
    name, std = config["data"], config["std"]
    if name not in MIXTURES:
        if std:
            raise common.UserError(f"--std is for --data {', '.join(MIXTURES)}; leave it out for digits")
        return Digits(None if name == "digits" else name)
    return dataclasses.replace(MIXTURES[name], std=std) if std else MIXTURES[name]


def coverage(data, samples: np.ndarray) -> dict:
    """Figures to follow the training by: quick ones, of fewer samples than `judge` takes."""
    if isinstance(data, Digits):
        return {"class_kl": metrics.kl_to_uniform(metrics.class_shares(metrics.read_digits(samples[:500])[1]))}
    return modes(data, samples) | {"w1": metrics.wasserstein(samples[:500], data.sample(500, 0))}


def modes(data, samples: np.ndarray) -> dict:
    return metrics.mixture_scores(samples, data.centres, data.std) if isinstance(data, mixtures.Mixture) else {}


def judge(data, samples: np.ndarray) -> dict:
    """The figures of 5,000 samples: of the plane, modes of the first 2,500 and W₁ with its floor; or all of digits."""
    if isinstance(data, Digits):
        return metrics.digit_scores(samples, data.x, data.x_test)
    rng = np.random.default_rng(0)
    w1, floor = metrics.wasserstein_and_floor(samples, data.sample(5000, rng), rng)
    return modes(data, samples[:2500]) | {"w1": w1, "w1_floor": floor}


# ------------------------------------------------------------------ pictures
def picture(data, samples, discriminator, title: str) -> np.ndarray:
    """A frame of the animation."""
    if isinstance(data, Digits):
        return plot.sheet(samples[:64].reshape(-1, 28, 28))
    fig, axes = plot.figure(1, 1, width=3.2, height=3.4)
    draw_plane(axes[0, 0], data, samples, title, discriminator)
    return plot.as_image(fig)


def draw_plane(ax, data, samples, title: str, discriminator=None):
    """Samples on real points; behind them D's landscape, which is returned for a colour bar."""
    real = data.sample(1000, 0)
    reach = 1.25 * abs(real).max()
    shades = None
    if discriminator and isinstance(discriminator.nearness, nn.Identity):  # else D has no opinion of a point by itself
        look = {"origin": "lower", "cmap": "Blues", "vmin": 0, "vmax": 1, "interpolation": "bilinear"}
        shades = ax.imshow(landscape(discriminator, reach), extent=2 * (-reach, reach), **look)
    ax.scatter(*real.T, s=2, color="black", linewidths=0, label="real")
    ax.scatter(*samples.T, s=5, color="C1", linewidths=0, label="from G")
    ax.set(title=title, xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    return shades


def landscape(discriminator, reach: float, side: int = 80) -> np.ndarray:
    """D(x), or D of a pack of copies of x, at side² points x of the square from −reach to reach: (side, side)."""
    line = np.linspace(-reach, reach, side, dtype=np.float32)
    points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    copies = np.tile(points, discriminator.pack)  # (side², 2·pack)
    return common.outputs(discriminator, lambda x: mg.sigmoid(discriminator(x)), copies).reshape(side, side)


def report(run, data, generator, discriminator) -> dict:
    """Write the pictures; return the figures."""
    samples = draw(generator, noise(5000, run.config["latent"], run.config["seed"]))
    figures = judge(data, samples)
    draw_history(run.frames["samples"], run.folder / "samples.png")
    draw_curves(run, data, run.folder / "loss.png")
    if isinstance(data, Digits):
        draw_digits(samples[:10], data.x, figures, run.folder / "digits.png")
        return figures
    fig, axes = plot.figure(1, 1, width=6.5, height=5.5)
    title = f"step {run.step}: W₁ {figures['w1']:.3f} (floor {figures['w1_floor']:.3f})"
    shades = draw_plane(axes[0, 0], data, samples[:2500], title, discriminator)
    if shades:
        fig.colorbar(shades, label=f"D of {discriminator.pack} copies of the point" if discriminator.pack > 1 else "D")
    axes[0, 0].legend(loc="upper right")
    plot.save(fig, run.folder / "landscape.png")
    return figures


def draw_history(frames, path, count: int = 6) -> None:
    """Some frames of the animation side by side, the first and the last among them."""
    chosen = [frames[i] for i in sorted({round(i) for i in np.linspace(0, len(frames) - 1, count)})]
    fig, axes = plot.figure(1, len(chosen), width=2.6, height=2.8)
    for ax, frame in zip(axes[0], chosen, strict=True):
        ax.imshow(plot.from_png(frame), cmap="gray", vmin=0, vmax=255)
        ax.set_axis_off()
    plot.save(fig, path)


def draw_curves(run, data, path) -> None:
    """Above what the players see, the losses; below what is wanted, which cannot be read off them."""
    history = {name: (np.array(steps), np.array(values)) for name, (steps, values) in run.history.items()}
    losses = {name: smooth(*history.pop(name)) for name in ("d_loss", "g_loss")}
    if "modes" in history:
        for name in ("modes", "strict_modes"):
            steps, values = history.pop(name)
            history[f"{name} of {len(data.centres)}"] = steps, values / len(data.centres)
    fig, axes = plot.figure(2, 1, width=7, height=3)
    plot.curves(axes[0, 0], losses, "step", "loss", {"log 4: D cannot tell": math.log(4)})
    plot.curves(
        axes[1, 0], {name.replace("_", " "): line for name, line in history.items()}, "step", "share, or distance"
    )
    plot.save(fig, path)


def smooth(steps, values, points: int = 200):
    """Means over equally many steps, some `points` of them."""
    width = max(len(values) // points, 1)
    end = len(values) // width * width
    return steps[width - 1 : end : width], values[:end].reshape(-1, width).mean(axis=1)


def draw_digits(samples, training, figures, path) -> None:
    """Samples above the nearest training images, which must not be the same; and the share of each digit."""
    _, index = metrics.nearest(samples, training)
    names = f"samples: FIDn {figures['fidn']:.1f} (floor {figures['fidn_floor']:.1f})", "the nearest training images"
    fig, axes = plot.figure(3, 1, width=7, height=1.2)
    for ax, images, name in zip(axes[:, 0], (samples, training[index]), names):
        plot.image_grid(ax, images.reshape(-1, 28, 28), columns=len(images), title=name)
    axes[2, 0].bar(range(10), figures["class_shares"])
    axes[2, 0].axhline(0.1, color="C1", linestyle="--")
    axes[2, 0].set(title=f"share of each digit: KL to equal shares {figures['class_kl']:.3f}", xticks=range(10))
    plot.save(fig, path)


# ------------------------------------------------------------------ the command line
def options() -> common.Options:
    parser = common.Options(NAME, __doc__)
    count, positive = common.number(int, 1), common.number(float, above=0)
    what = "ring (8 Gaussians), grid (25), roll (a spiral), digits (10,000 are embedded), or a folder with full MNIST"
    parser.add("--data", "ring", what)
    parser.add(
        "--std", None, "of each Gaussian (default: 0.02 in the ring, 0.05 in the grid) or the roll", type=positive
    )
    what = "what G lowers: −log D(G(z)), or log(1 − D(G(z))), its part of V, which saturates"
    parser.add("--loss", "nonsaturating", what, choices=GENERATOR_LOSSES)
    parser.add("--feature-matching", False, "G matches D's mean features instead (Salimans 2016)", action="store_true")
    what = "D also sees how alike the examples of a batch are (Salimans 2016)"
    parser.add("--minibatch-discrimination", False, what, action="store_true")
    what = "weight of ‖θ − its mean so far‖² in both losses (Salimans 2016)"
    parser.add("--historical-averaging", 0.0, what, type=common.number(float, 0))
    parser.add("--pack", 1, "examples that D judges together (PacGAN, Lin 2018)", type=common.number(int, 1, 64))
    parser.add("--latent", None, "numbers in the noise z (default: 2 in the plane, 32 for digits)", type=count)
    parser.add(
        "--hidden", [128, 128], "sizes of G's hidden layers, as in 512,256; D has them reversed", type=common.numbers
    )
    parser.add("--lr", 1e-3, "learning rate of both players, Adam with β₁ = .5", type=positive)
    parser.add("--batch", 64, "examples of each kind in a step; with --pack, packs", type=common.number(int, 2))
    parser.add("--steps", 6000, "steps, each one of D and one of G", type=count)
    parser.add_common(NAME)
    return parser


def build(config) -> tuple[Generator, Discriminator]:
    features, hidden = config["features"], config["hidden"]
    generator = Generator(config["latent"], hidden, features, pixels=features == 784)
    return generator, Discriminator(features, hidden[::-1], config["pack"], config["minibatch_discrimination"])


def main(arguments=None) -> dict:
    run = common.Run(NAME, options(), arguments)
    config = run.config
    data = load(config)
    digits = isinstance(data, Digits)
    config["latent"] = config["latent"] or (32 if digits else 2)
    run.remember(features=784 if digits else 2, distribution=f"{len(data.x)} digits" if digits else config["data"])
    generator, discriminator = build(config)
    generator, discriminator = run.keep("generator", generator), run.keep("discriminator", discriminator)
    g_optimizer, d_optimizer = (
        run.keep(name, optim.Adam(network.parameters(), lr=config["lr"], betas=(0.5, 0.999)))
        for name, network in (("g_optimizer", generator), ("d_optimizer", discriminator))
    )
    print(generator, discriminator, sep="\n")
    train(run, data, generator, discriminator, g_optimizer, d_optimizer)
    return run.finish(report(run, data, generator, discriminator))


def sample(arguments=None) -> None:
    """Draw digits, or points of the plane, from a generator that is trained."""
    parser = common.sample_options(NAME, sample.__doc__)
    given = parser.defaults | parser.given(arguments)
    checkpoint = common.load_checkpoint(given["checkpoint"], NAME)
    config = checkpoint["config"]
    generator = common.restored(checkpoint, "generator", build(config)[0])
    samples = draw(generator, noise(given["count"], config["latent"], given["seed"]))
    if config["features"] == 784:
        samples = samples.reshape(-1, 28, 28)
    common.draw_samples(samples, given["out"])
