"""WGAN: the penalty against a definition written with loops, whose step changes what, and what is refused."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.backend import generator as stream
from models import image_data, wgan
from models.metrics import critic_audit

RNG = np.random.default_rng(0)


class Bowl(nn.Module):
    """f(x) = ½‖x‖², whose slope at x is x itself."""

    def __init__(self):
        self.scale = nn.Parameter(mg.ones(1))

    def forward(self, x):
        return 0.5 * (self.scale * x.flatten(1)).square().sum(axis=1, keepdims=True)


# ------------------------------------------------------------------ the penalty
@pytest.mark.parametrize("shape", [(7, 2), (5, 3, 4, 6)])
def test_the_penalty_is_of_each_examples_own_slope_at_one_place_between_its_pair(shape):
    real, fake = RNG.standard_normal((2, *shape))
    mg.manual_seed(3)
    found = wgan.gradient_penalty(Bowl(), mg.tensor(real), mg.tensor(fake)).item()
    mg.manual_seed(3)
    alphas = stream().random((shape[0], *[1] * (len(shape) - 1))).astype(np.float32).reshape(-1)
    terms = [
        (math.sqrt(((a * x + (1 - a) * y) ** 2).sum()) - 1) ** 2 for a, x, y in zip(alphas, real, fake, strict=True)
    ]
    assert found == pytest.approx(sum(terms) / len(terms), rel=1e-6)


def test_the_penaltys_gradient_in_a_convolutional_critic_is_the_numeric_one():
    """It takes a second derivative: with create_graph=False the penalty would have no gradient at all."""
    mg.manual_seed(0)
    critic = wgan.conv_critic(2, 1, 8).double()
    real, fake = (mg.tensor(RNG.standard_normal((3, 1, 8, 8))) for _ in range(2))
    mg.manual_seed(0)
    wgan.gradient_penalty(critic, real, fake).backward()
    for p in list(critic.parameters()):
        index = tuple(RNG.integers(0, n) for n in p.shape)
        values = []
        for h in (1e-6, -1e-6):
            p.data[index] += h
            mg.manual_seed(0)
            values.append(wgan.gradient_penalty(critic, real, fake).item())
            p.data[index] -= h
        slope = (values[0] - values[1]) / 2e-6
        analytic = 0.0 if p.grad is None else p.grad.data[index]
        assert analytic == pytest.approx(slope, rel=1e-4, abs=1e-7), p.name
    assert critic[0].weight.grad.abs().max() > 1e-3


def test_batch_norm_in_a_critic_under_the_penalty_is_refused():
    critic = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    with pytest.raises(ValueError, match="without batch norm"):
        wgan.gradient_penalty(critic, mg.zeros(3, 2), mg.ones(3, 2))


# ------------------------------------------------------------------ the losses and the steps
def test_the_critics_loss_is_minus_its_reading():
    critic = wgan.dense_critic(2, 8)
    real, fake = (RNG.standard_normal((50, 2)).astype(np.float32) for _ in range(2))
    loss = wgan.critic_loss(critic, mg.tensor(real), mg.tensor(fake)).item()
    assert -loss == pytest.approx(critic_audit(critic, real, fake, RNG)["reading"], abs=1e-6)


CONFIG = dict(
    steps=1, batch=16, latent=2, hidden=8, critic_steps=3, penalty=1.0, clip=0.01, shape=[2], data="ring", seed=0
)


class FakeRun:
    """Just enough of a run to train with."""

    def __init__(self, **config):
        self.config, self.device, self.logged = {**CONFIG, **config}, "cpu", {}

    def steps(self, total):
        return iter(range(total))

    def log(self, **values):
        self.logged.update(values)


class Watched(optim.SGD):
    """An optimizer that keeps what it saw: whether there were gradients before zero_grad(), and the values before."""

    def __init__(self, network, others):
        super().__init__(network.parameters(), lr=0.05)
        self.network, self.others, self.seen = network, others, []

    def zero_grad(self):
        self.seen.append([p.grad is None for p in self.network.parameters()])
        super().zero_grad()

    def step(self):
        before = [p.data.copy() for p in self.others.parameters()]
        super().step()
        assert all(np.array_equal(a, p.data) for a, p in zip(before, self.others.parameters(), strict=True))


def trained(**config):
    mg.manual_seed(0)
    run = FakeRun(**config)
    generator, critic = wgan.build(run.config)
    rules = Watched(generator, critic), Watched(critic, generator)
    field = wgan.Plane("ring")
    wgan.train(run, generator, critic, *rules, lambda i: field.batch(16, 0, i), lambda step: None)
    return run, generator, critic, rules


def test_a_data_set_smaller_than_a_batch_is_one_batch_and_an_epochs_last_batch_is_smaller(monkeypatch):
    few = image_data.Images(RNG.random((5, 1, 28, 28), np.float32), RNG.random((2, 1, 28, 28), np.float32))
    monkeypatch.setattr(wgan.image_data, "load", lambda name: few)
    images = wgan.Images("few")
    assert [len(images.batch(size, 0, i)) for size, i in ((8, 0), (8, 1), (3, 0), (3, 1), (3, 2))] == [5, 5, 3, 2, 3]
    config = {**CONFIG, "shape": [1, 28, 28], "hidden": 2, "lipschitz": "penalty"}
    generator, critic = wgan.build(config)
    rules = Watched(generator, critic), Watched(critic, generator)
    wgan.train(FakeRun(**config), generator, critic, *rules, lambda i: images.batch(3, 0, i), lambda step: None)


def test_the_critics_steps_send_no_gradient_into_the_generator():
    _, _, _, (generator_rule, critic_rule) = trained(lipschitz="penalty")
    assert len(critic_rule.seen) == 3 and generator_rule.seen == [[True] * 8]


def climbed(network, loss_of, reading):
    """How much `reading` rises while `network` takes steps along the loss."""
    rule, before = optim.SGD(network.parameters(), lr=0.01), reading()
    for _ in range(5):
        rule.zero_grad()
        loss_of().backward()
        rule.step()
    return reading() - before


@pytest.mark.parametrize("lipschitz", wgan.LIPSCHITZ)
def test_the_critic_learns_to_tell_and_the_generator_to_please_it(lipschitz):
    mg.manual_seed(1)
    generator, critic = wgan.build({**CONFIG, "lipschitz": lipschitz})
    z, real = mg.randn(64, 2), mg.tensor(wgan.Plane("ring").batch(64, 0, 0)) + 3

    def apart():
        return (critic(real).mean() - critic(generator(z)).mean()).item()

    def pleased():
        return critic(generator(z)).mean().item()

    assert climbed(critic, lambda: wgan.critic_loss(critic, real, generator(z).detach()), apart) > 0
    assert climbed(generator, lambda: wgan.generator_loss(critic, generator(z)), pleased) > 0


def test_clipped_weights_lie_in_their_box_after_every_step():
    _, _, critic, _ = trained(lipschitz="clip", clip=0.003)
    assert all(np.abs(p.data).max() <= np.float32(0.003) for p in critic.parameters())
    assert max(np.abs(p.data).max() for p in critic.parameters()) == np.float32(0.003)


def test_a_spectral_critic_is_1_lipschitz():
    mg.manual_seed(0)
    _, critic = wgan.build({**CONFIG, "lipschitz": "spectral", "hidden": 32})
    for _ in range(30):
        critic(mg.randn(4, 2))  # the power iteration
    critic.eval()
    x, y = (RNG.standard_normal((500, 2)).astype(np.float32) for _ in range(2))
    rise = np.abs((critic(mg.tensor(x)) - critic(mg.tensor(y))).detach().numpy())[:, 0]
    assert np.all(rise <= 1.02 * np.linalg.norm(x - y, axis=1))


@pytest.mark.parametrize("size, channels", [(28, 1), (32, 3)])
def test_the_generator_makes_images_of_the_critics_size(size, channels):
    config = {**CONFIG, "shape": [channels, size, size], "hidden": 4, "lipschitz": "penalty"}
    generator, critic = wgan.build(config)
    images = generator(mg.randn(5, 2))
    assert images.shape == (5, channels, size, size) and critic(images).shape == (5, 1)
    assert images.abs().max() <= 1


# ------------------------------------------------------------------ bugs that train without a complaint
SOURCE = Path(wgan.__file__).read_text()
STEP = "            critic_optimizer.step()\n"
CLIP = """            if config["lipschitz"] == "clip":
                clip_weights_(critic.parameters(), config["clip"])"""
DETACHED = "            with mg.no_grad():\n                fake = generator(noise(len(real)))"


def check_penalty():
    test_the_penalty_is_of_each_examples_own_slope_at_one_place_between_its_pair((5, 3, 4, 6))


def check_signs():
    test_the_critics_loss_is_minus_its_reading()
    test_the_critic_learns_to_tell_and_the_generator_to_please_it("penalty")


BUGS = {  # what is wrong -> (the code, the code with the bug, the check that fails)
    "no graph of second order under the penalty": (
        "between, create_graph=True)", "between)",
        test_the_penaltys_gradient_in_a_convolutional_critic_is_the_numeric_one,
    ),
    "norm over one axis": ("slope.flatten(1).norm(axis=1)", "slope.norm(axis=1)", check_penalty),
    "norm over the whole batch": ("slope.flatten(1).norm(axis=1)", "slope.norm()", check_penalty),
    "α per pixel": ("mg.rand(len(real), *[1] * (real.ndim - 1), ", "mg.rand(real.shape, ", check_penalty),
    "one α for the batch": ("mg.rand(len(real), *[1] * (real.ndim - 1), ", "mg.rand(*[1] * real.ndim, ", check_penalty),
    "batch norm in a critic with penalty": (
        "if any(isinstance(", "if False and any(isinstance(",
        test_batch_norm_in_a_critic_under_the_penalty_is_refused,
    ),
    "weights clipped before the step": (
        STEP + CLIP, CLIP + "\n" + STEP + "            if True:\n                pass",
        test_clipped_weights_lie_in_their_box_after_every_step,
    ),
    "the generator's sign": ("return -critic(fake).mean()", "return critic(fake).mean()", check_signs),
    "the critic's sign": (
        "return critic(fake).mean() - critic(real).mean()", "return critic(real).mean() - critic(fake).mean()",
        check_signs,
    ),
    "fake not detached in the critic's step": (
        DETACHED, DETACHED.replace("with mg.no_grad()", "if True"),
        test_the_critics_steps_send_no_gradient_into_the_generator,
    ),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_shows(bug, tmp_path, monkeypatch):
    code, with_bug, check = BUGS[bug]
    assert SOURCE.count(code) == 1
    file = tmp_path / "wgan.py"
    file.write_text(SOURCE.replace(code, with_bug))
    spec = importlib.util.spec_from_file_location("models.wgan_with_a_bug", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(globals(), "wgan", module)
    with pytest.raises((AssertionError, RuntimeError, ValueError, pytest.fail.Exception)):
        check()
