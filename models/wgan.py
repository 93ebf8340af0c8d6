"""WGAN: a critic that measures how far the generator's samples are from the real ones, held 1-Lipschitz in three ways.

A GAN's discriminator says real or fake; once it is sure, its answer is flat and teaches the generator nothing. The
critic f gives a number instead, with no sigmoid, and is trained to set real and fake as far apart as it can while its
slope stays at most 1. What it then reads is the Wasserstein distance (Arjovsky, Chintala & Bottou 2017)

    W(p, q) = max over f with ‖∇f‖ ≤ 1 of  E_x~p f(x) − E_x~q f(x)

which falls steadily as the samples come nearer, also where p and q do not overlap. `--lipschitz` says how the slope is
held: clip, penalty or spectral. Data are points of the plane, where everything can be seen and W₁ computed exactly, or
images.
"""

# Reading order: the networks, critic_loss, gradient_penalty, train; then the pictures and figures.

from __future__ import annotations

import numpy as np

import minigrad as mg
from minigrad import backend, data, nn, optim, plot
from minigrad.nn.utils import clip_weights_, spectral_norm

from . import common, image_data
from .metrics import critic_audit, digit_scores, mixture_scores, wasserstein, wasserstein_and_floor

NAME = "wgan"
PLANES = {"ring": data.mixtures.ring(), "grid": data.mixtures.grid(), "roll": data.mixtures.SwissRoll()}


# ------------------------------------------------------------------ the networks
def dense_generator(latent: int, hidden: int) -> nn.Module:
    """z (n, latent) → a point of the plane (n, 2)"""
    return nn.Sequential(
        nn.Linear(latent, hidden), nn.ReLU(),
        nn.Linear(hidden, hidden), nn.ReLU(),
        nn.Linear(hidden, hidden), nn.ReLU(),
        nn.Linear(hidden, 2),
    )  # fmt: skip


def dense_critic(inputs: int, hidden: int, layers: int = 3) -> nn.Module:
    """x (n, inputs) → f(x) (n, 1), a number without a sigmoid: how real the critic finds x, on no fixed scale."""
    body = [nn.Linear(inputs, hidden), nn.ReLU()]
    for _ in range(layers - 1):
        body += [nn.Linear(hidden, hidden), nn.ReLU()]
    return nn.Sequential(*body, nn.Linear(hidden, 1))


def conv_generator(latent: int, hidden: int, channels: int, size: int) -> nn.Module:
    """z (n, latent) → images (n, channels, size, size) in [−1, 1]; transposed convolutions double the size twice."""
    return nn.Sequential(
        nn.Linear(latent, 2 * hidden * (size // 4) ** 2),
        nn.Unflatten(1, (2 * hidden, size // 4, size // 4)), nn.BatchNorm2d(2 * hidden), nn.ReLU(),
        nn.ConvTranspose2d(2 * hidden, hidden, 4, stride=2, padding=1), nn.BatchNorm2d(hidden), nn.ReLU(),
        nn.ConvTranspose2d(hidden, channels, 4, stride=2, padding=1), nn.Tanh(),
    )  # fmt: skip


def conv_critic(hidden: int, channels: int, size: int) -> nn.Module:
    """Images (n, channels, size, size) → f(x) (n, 1). No batch norm: f must be a function of one image at a time."""
    return nn.Sequential(
        nn.Conv2d(channels, hidden, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(hidden, 2 * hidden, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(2 * hidden * (size // 4) ** 2, 1),
    )  # fmt: skip


def build(config) -> tuple[nn.Module, nn.Module]:
    """The generator and the critic for these options."""
    latent, hidden = config["latent"], config["hidden"]
    if config["shape"] == [2]:
        generator, critic = dense_generator(latent, hidden), dense_critic(2, hidden)
    else:
        channels, size, _ = config["shape"]
        generator, critic = conv_generator(latent, hidden, channels, size), conv_critic(hidden, channels, size)
    if config["lipschitz"] == "spectral":
        for layer in critic.children():
            if isinstance(layer, (nn.Linear, nn.Conv2d)):
                spectral_norm(layer)
    return generator, critic


# ------------------------------------------------------------------ the losses
def critic_loss(critic, real, fake):
    """E f(fake) − E f(real): minus what the critic reads, so that its step raises the reading."""
    return critic(fake).mean() - critic(real).mean()


def generator_loss(critic, fake):
    """−E f(fake): the generator moves its samples up the critic's slope."""
    return -critic(fake).mean()


def gradient_penalty(critic, real, fake):
    """E (‖∇f(x̂)‖ − 1)² at x̂ = α·real + (1 − α)·fake, one α ~ U(0, 1) for each pair (Gulrajani et al. 2017).

    ∇f(x̂) is itself part of the loss, so it is recorded as it is computed (``create_graph``), and the critic's step
    differentiates it once more. The norm is over all of one example and over nothing else; batch norm would mix the
    examples, and ∇f(x̂) would be no gradient of f any more.
    """
    if any(isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)) for layer in critic.modules()):
        raise ValueError("the gradient penalty needs a critic without batch norm, which mixes the examples of a batch")
    alpha = mg.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
    between = (alpha * real + (1 - alpha) * fake).detach().requires_grad_()
    (slope,) = mg.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(axis=1) - 1).square().mean()


# How the slope is held: the optimizer's kind and learning rate that its paper recommends, or near it.
LIPSCHITZ = {
    "clip": lambda parameters, lr: optim.RMSprop(parameters, lr or 5e-4),  # momentum makes clipping unstable
    "penalty": lambda parameters, lr: optim.Adam(parameters, lr or 5e-4, betas=(0.5, 0.9)),
    "spectral": lambda parameters, lr: optim.Adam(parameters, lr or 5e-4, betas=(0.5, 0.9)),
}


# ------------------------------------------------------------------ training
def train(run, generator, critic, generator_optimizer, critic_optimizer, real_batch, look) -> None:
    """Several steps of the critic, then one of the generator, over and over; `look` at the samples now and then.

    ``real_batch(i)`` gives the real examples of the critic's i-th step.
    """
    config = run.config
    batch, often = config["batch"], config["critic_steps"]
    moments = common.moments(config["steps"], 24)

    def noise(n):
        return mg.randn(n, config["latent"], device=run.device)

    for step in run.steps(config["steps"]):
        # ---- the critic: read the distance as well as it can be read
        for i in range(often):
            real = mg.from_numpy(real_batch(step * often + i)).to(run.device)
            with mg.no_grad():
                fake = generator(noise(len(real)))  # without a graph: this step is none of the generator's
            loss = reading = critic_loss(critic, real, fake)
            if config["lipschitz"] == "penalty":
                loss = reading + config["penalty"] * gradient_penalty(critic, real, fake)
            critic_optimizer.zero_grad()
            loss.backward()
            critic_optimizer.step()
            if config["lipschitz"] == "clip":
                clip_weights_(critic.parameters(), config["clip"])  # after the step, which may have left the box
        run.log(reading=-reading.item())

        # ---- the generator: shorten it
        loss = generator_loss(critic, generator(noise(batch)))
        generator_optimizer.zero_grad()  # the critic's gradients are forgotten in its own next step
        loss.backward()
        generator_optimizer.step()
        run.log(generator_loss=loss.item())

        if step in moments:
            look(step)


def draw_from(generator, latent: int, n: int, rng) -> np.ndarray:
    """n samples: points, or images in [−1, 1]; the generator is left in the mode in which it was."""
    training = generator.training
    samples = common.outputs(generator.eval(), generator, rng.standard_normal((n, latent), dtype=np.float32))
    generator.train(training)
    return samples


# ------------------------------------------------------------------ points of the plane
class Plane:
    """Everything about points: batches of real ones, and what to look at."""

    def __init__(self, name: str):
        self.mixture, self.shape = PLANES[name], [2]
        self.shown = self.mixture.sample(1000, 1)
        self.reach = 1.25 * np.abs(self.shown).max()

    def batch(self, size, seed, i):
        return self.mixture.sample(size, backend.generator())

    def look(self, run, generator, critic, step):
        samples = draw_from(generator, run.config["latent"], 2500, np.random.default_rng(1))
        run.log(w1=wasserstein(samples[:500], self.shown[:500]), **self.coverage(samples))
        run.frame("samples", plot.as_image(self.picture(samples, critic, f"step {step + 1}")))

    def coverage(self, samples):
        """Which modes the samples have found; the swiss roll has none."""
        if not hasattr(self.mixture, "centres"):
            return {}
        return mixture_scores(samples, self.mixture.centres, self.mixture.std)

    def picture(self, samples, critic, title):
        """Samples and real points over the critic's landscape: the generator climbs it."""
        axis = np.linspace(-self.reach, self.reach, 80, dtype=np.float32)
        places = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        heights = common.outputs(critic, critic, places).reshape(80, 80)
        fig, axes = plot.figure(1, 1, width=5, height=4.4)
        ax = axes[0, 0]
        drawn = ax.contourf(axis, axis, heights, 20, cmap="coolwarm")
        fig.colorbar(drawn, ax=ax, label="critic f(x)")
        ax.scatter(*self.shown.T, s=3, c="black", linewidths=0, label="real")
        ax.scatter(*samples[:1000].T, s=3, c="lime", linewidths=0, label="generated")
        limits = (-self.reach, self.reach)
        ax.set(title=title, xlim=limits, ylim=limits, xlabel="$x_1$", ylabel="$x_2$")
        ax.legend(loc="upper right", markerscale=3)
        return fig

    def figures(self, run, generator, critic):
        rng = np.random.default_rng(2)
        samples = draw_from(generator, run.config["latent"], 2500, rng)
        distance, floor = wasserstein_and_floor(samples, self.mixture.sample(3000, 3), rng)
        plot.save(self.picture(samples, critic, f"after {run.step} steps"), run.folder / "samples.png")
        return {"w1": distance, "w1_floor": floor, **self.coverage(samples)}, self.mixture.sample(2500, 4), samples

    def levels(self, figures):
        return {"W₁ of real and real": figures["w1_floor"]}


# ------------------------------------------------------------------ images
class Images:
    """Everything about images: batches of real ones, and what to look at."""

    def __init__(self, name: str):
        images = image_data.load(name)
        self.digits = images.classes is not None
        self.x, self.test = 2 * images.x - 1, 2 * images.x_test - 1  # where tanh goes
        self.shape = list(self.x.shape[1:])

    def batch(self, size, seed, i):
        return self.x[common.batch(len(self.x), size, seed, i)]

    def look(self, run, generator, critic, step):
        samples = draw_from(generator, run.config["latent"], 64, np.random.default_rng(1))
        run.frame("samples", plot.sheet(samples, 8, (-1, 1)))

    def figures(self, run, generator, critic):
        samples = draw_from(generator, run.config["latent"], 5000 if self.digits else 64, np.random.default_rng(2))
        fig, axes = plot.figure(1, 2, width=5, height=5)
        plot.image_grid(axes[0, 0], samples[:64], 8, f"generated, after {run.step} steps", (-1, 1))
        plot.image_grid(axes[0, 1], self.x[:64], 8, "real", (-1, 1))
        plot.save(fig, run.folder / "samples.png")
        scores = digit_scores(*((1 + images) / 2 for images in (samples, self.x, self.test))) if self.digits else {}
        return scores, self.test[:2000], samples[: len(self.test[:2000])]

    def levels(self, figures):
        return {}


# ------------------------------------------------------------------ pictures and figures
def report(run, generator, critic, field) -> dict:
    """Write the pictures; return the figures."""
    figures, real, fake = field.figures(run, generator, critic)
    n = min(len(real), len(fake))
    audit = critic_audit(critic.cpu().eval(), real[:n], fake[:n], np.random.default_rng(5))
    figures |= {f"critic_{name}": value for name, value in audit.items()}
    fig, axes = plot.figure(1, 2, width=4.5)
    names = {"reading": "what the critic reads", "w1": "W₁ of 500 samples"}
    lines = {text: run.history[name] for name, text in names.items() if name in run.history}
    plot.curves(axes[0, 0], lines, "step", "distance", field.levels(figures))
    plot.curves(axes[0, 1], {"generator": run.history["generator_loss"]}, "step", "loss: −E f(fake)")
    plot.save(fig, run.folder / "loss.png")
    return figures


# ------------------------------------------------------------------ the command line
def options() -> common.Options:
    parser = common.Options(NAME, __doc__)
    parser.add("--data", "ring", f"points: ring (of 8), grid (5 x 5), roll; or images: {image_data.HELP}")
    parser.add("--lipschitz", "penalty", "how the critic's slope is held", choices=LIPSCHITZ)
    parser.add("--penalty", None, "λ, the weight of the gradient penalty (default: 1 for points, 10 for images)",
               type=common.number(float, above=0))  # fmt: skip
    parser.add("--clip", 0.01, "c: weights are held in [−c, c]", type=common.number(float, above=0))
    parser.add("--critic-steps", 5, "steps of the critic for one of the generator", type=common.number(int, 1, 100))
    parser.add("--latent", None, "numbers z that a sample is made of (default: 2 for points, 64 for images)",
               type=common.number(int, 1, 1024))  # fmt: skip
    parser.add("--hidden", None, "width of hidden layers (default: 128 for points, 32 channels for images)",
               type=common.number(int, 1, 1024))  # fmt: skip
    parser.add("--batch", None, "examples in a step (default: 256 points, 64 images)", type=common.number(int, 2))
    parser.add("--lr", None, "learning rate (default: 0.0005)", type=common.number(float, above=0))
    parser.add(
        "--steps", None, "generator steps (default: 2000 for points, 800 for images)", type=common.number(int, 1)
    )
    parser.add_common(NAME)
    return parser


POINTS = {"penalty": 1.0, "latent": 2, "hidden": 128, "batch": 256, "steps": 2000}
IMAGES = {"penalty": 10.0, "latent": 64, "hidden": 32, "batch": 64, "steps": 800}


def main(arguments=None) -> dict:
    run = common.Run(NAME, options(), arguments)
    config = run.config
    for name, value in (POINTS if config["data"] in PLANES else IMAGES).items():
        config[name] = config[name] or value
    field = (Plane if config["data"] in PLANES else Images)(config["data"])
    run.remember(shape=field.shape)
    networks = build(config)
    generator, critic = run.keep("generator", networks[0]), run.keep("critic", networks[1])
    rule = LIPSCHITZ[config["lipschitz"]]
    generator_optimizer = run.keep("generator_optimizer", rule(generator.parameters(), config["lr"]))
    critic_optimizer = run.keep("critic_optimizer", rule(critic.parameters(), config["lr"]))
    print(generator, critic, sep="\n")
    train(
        run, generator, critic, generator_optimizer, critic_optimizer,
        lambda i: field.batch(config["batch"], config["seed"], i),
        lambda step: field.look(run, generator, critic, step),
    )  # fmt: skip
    return run.finish(report(run, generator, critic, field))


def sample(arguments=None) -> None:
    """Draw points or images from a trained generator."""
    parser = common.sample_options(NAME, sample.__doc__)
    given = parser.defaults | parser.given(arguments)
    checkpoint = common.load_checkpoint(given["checkpoint"], NAME)
    config = checkpoint["config"]
    generator = common.restored(checkpoint, "generator", build(config)[0])
    samples = draw_from(generator, config["latent"], given["count"], np.random.default_rng(given["seed"]))
    common.draw_samples(samples, given["out"], (-1, 1))
