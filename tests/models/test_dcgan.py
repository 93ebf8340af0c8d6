"""The DCGAN: its networks keep the guide, one training step does what the formulas say, and bugs planted in it show."""

import importlib.util
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import scipy.signal

import minigrad as mg
from minigrad import nn, ops, optim
from minigrad.backend import random_state, set_random_state
from models import common, dcgan, image_data

SOURCE = Path(dcgan.__file__).read_text()
FLAGS = {flag: flag.strip("-").replace("-", "_") for flag in dcgan.BREAKS}
DATA = common.load_digits(None)
DIGITS, FACES = dict(channels=1, size=28), dict(channels=3, size=32)


def config(*flags, **facts):
    return dcgan.options().defaults | DIGITS | {FLAGS[flag]: True for flag in flags} | facts


def kinds(net):
    return [type(layer).__name__ for layer in net]


# ------------------------------------------------------------------ the guide
def check_guide(model, folder):
    generator, discriminator = model.build(config())
    up, down = ["ConvTranspose2d", "BatchNorm2d", "ReLU"], ["Conv2d", "BatchNorm2d", "LeakyReLU"]
    assert kinds(generator) == ["Linear", "Unflatten", "BatchNorm2d", "ReLU", *up, "ConvTranspose2d", "Tanh"]
    assert kinds(discriminator) == ["Conv2d", "LeakyReLU", *down, "Flatten", "Linear"]
    assert {layer.negative_slope for layer in discriminator if isinstance(layer, nn.LeakyReLU)} == {0.2}


@pytest.mark.parametrize("facts", [DIGITS, FACES], ids=["digits", "faces"])
@pytest.mark.parametrize("flags", [(), *((flag,) for flag in FLAGS)], ids=lambda flags: " ".join(flags) or "the guide")
def test_noise_becomes_images_in_the_range_of_the_data_and_images_become_one_logit(flags, facts):
    c = config(*flags, **facts)
    generator, discriminator = dcgan.build(c)
    images = generator(10 * mg.randn(5, c["latent"]))
    assert images.shape == (5, c["channels"], c["size"], c["size"])
    low, high = dcgan.to_range_of_generator(c, np.array([0, 1]))
    assert low <= images.data.min() < images.data.max() <= high
    assert discriminator(images).shape == (5, 1)


CHANGES = {  # option -> the layers gained and lost in G and in D
    "--pooling": ({"ConvTranspose2d": -2, "Upsample": 2, "Conv2d": 2}, {"MaxPool2d": 2}),
    "--no-batch-norm": ({"BatchNorm2d": -2}, {"BatchNorm2d": -1}),
    "--batch-norm-everywhere": ({"BatchNorm2d": 1}, {"BatchNorm2d": 1}),
    "--dense": ({"Linear": 1, "ReLU": 1}, {"Linear": 1, "LeakyReLU": 1}),
    "--leaky-generator": ({"ReLU": -2, "LeakyReLU": 2}, {}),
    "--sigmoid": ({"Tanh": -1, "Sigmoid": 1}, {}),
    "--relu-discriminator": ({}, {"LeakyReLU": -2, "ReLU": 2}),
    "--default-weights": ({}, {}),
}


@pytest.mark.parametrize("flag", FLAGS)
def test_an_option_breaks_one_rule_and_no_other(flag):
    for net, broken, change in zip(dcgan.build(config()), dcgan.build(config(flag)), CHANGES[flag]):
        found = Counter(kinds(broken))
        found.subtract(kinds(net))
        assert {kind: n for kind, n in found.items() if n} == change


def test_weights_start_with_a_standard_deviation_of_02_and_biases_at_0():
    for net in dcgan.build(config()):
        for layer in (layer for layer in net if hasattr(layer, "weight")):
            n, middle = layer.weight.numel(), float(isinstance(layer, nn.BatchNorm2d))
            assert layer.weight.data.mean() == pytest.approx(middle, abs=5 * 0.02 / n**0.5)
            assert layer.weight.data.std() == pytest.approx(0.02, rel=5 / (2 * n) ** 0.5)
            assert layer.bias is None or not layer.bias.data.any()


def test_default_weights_are_those_of_the_layers_themselves():
    _, discriminator = dcgan.build(config("--default-weights"))
    weight = discriminator[2].weight.data
    assert weight.std() == pytest.approx(1 / (3 * weight[0].size) ** 0.5, rel=0.02)


def test_adam_has_the_momentum_of_the_guide():
    assert dcgan.options().defaults["beta1"] == 0.5


# ------------------------------------------------------------------ one step, against NumPy, SciPy and differences
def conv(x, w, bias=0.0):
    """Stride 2, padding 1, kernel 4: the definition."""
    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = [[sum(scipy.signal.correlate2d(*pair, "valid") for pair in zip(image, kernel)) for kernel in w] for image in x]
    return np.array(y)[..., ::2, ::2] + np.reshape(bias, (-1, 1, 1))


def conv_transpose(x, w, bias=0.0):
    """Stride 2, padding 1, kernel 4: the pixels set apart by zeros, and each painted as the kernel."""
    n, c, h, width = x.shape
    apart = np.zeros((n, c, 2 * h - 1, 2 * width - 1))
    apart[..., ::2, ::2] = x
    y = [
        [sum(scipy.signal.convolve2d(apart[i, k], w[k, o]) for k in range(c)) for o in range(w.shape[1])]
        for i in range(n)
    ]
    return np.array(y)[..., 1:-1, 1:-1] + np.reshape(bias, (-1, 1, 1))


def batch_norm(x, p, layer):
    mean, variance = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    scale, shift = (p[f"{layer}.{name}"].reshape(-1, 1, 1) for name in ("weight", "bias"))
    return scale * (x - mean) / np.sqrt(variance + 1e-5) + shift


def leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def generated(p, z):
    h = np.maximum(batch_norm((z @ p["0.weight"].T).reshape(len(z), 4, 3, 3), p, 2), 0)
    h = np.maximum(batch_norm(conv_transpose(h, p["4.weight"]), p, 5), 0)
    return np.tanh(conv_transpose(h, p["7.weight"], p["7.bias"]))


def logits(p, x):
    h = leaky(conv(x, p["0.weight"], p["0.bias"]))
    h = leaky(batch_norm(conv(h, p["2.weight"]), p, 3))
    return h.reshape(len(x), -1) @ p["6.weight"].T + p["6.bias"]


def d_loss(p, x, fake):
    """−log D(x) − log(1 − D(G(z)))"""
    return np.mean(np.logaddexp(0, -logits(p, x))) + np.mean(np.logaddexp(0, logits(p, fake)))


def g_loss(p, d, z):
    """−log D(G(z))"""
    return np.mean(np.logaddexp(0, -logits(d, generated(p, z))))


def slope(loss, p, name, direction, h=1e-6):
    """The derivative of loss(p) as p[name] goes in a direction."""
    ends = (loss(p | {name: p[name] + step * direction}) for step in (h, -h))
    return np.subtract(*ends) / (2 * h)


def arrays(net):
    return {name: value.data.copy() for name, value in net.state_dict().items()}


class Trained:
    """`model`, which is the module or one with a bug, trained for some steps on the smallest images with two stages."""

    def __init__(self, model, folder, steps):
        options = ["--steps", steps, "--batch", 4, "--latent", 3, "--width", 2, "--out", folder]
        self.run = run = common.Run("dcgan", model.options(), [*map(str, options)])
        run.config.update(channels=1, size=12)
        self.images = np.random.default_rng(0).random((4, 1, 12, 12), dtype=np.float32)
        self.generator, self.discriminator = nets = [net.double() for net in model.build(run.config)]
        for net in nets:  # far from where it starts, lest anything be too small to be seen
            for p in net.parameters():
                p.add_(mg.tensor(0.3 * np.random.default_rng(p.numel()).standard_normal(p.shape)))
        self.optimizers = [optim.Adam(net.parameters(), lr=1e-2, betas=(0.5, 0.999)) for net in nets]
        self.before, state = [arrays(net) for net in nets], random_state()
        self.z = mg.randn(4, 3).data
        set_random_state(state)
        model.train(run, *nets, *self.optimizers, self.images)

    def gradients(self, i):
        """Adam's running mean of gradients, 1 − β₁ times the first one."""
        net, optimizer = (self.generator, self.discriminator)[i], self.optimizers[i]
        return {name: optimizer.state[p]["exp_avg"] / (1 - 0.5) for name, p in net.named_parameters()}


def check_gradients(model, folder):
    """D's gradient is that of its loss on G's images as they were, and G's that of its loss under D as it is then."""
    trained = Trained(model, folder, 1)
    (g, d), x = trained.before, 2 * trained.images.astype(np.float64) - 1
    d_now, fake = arrays(trained.discriminator), generated(g, trained.z)
    losses = [lambda p: g_loss(p, d_now, trained.z), lambda p: d_loss(p, x, fake)]
    for i, (loss, p) in enumerate(zip(losses, trained.before)):
        for name, gradient in trained.gradients(i).items():
            direction = np.random.default_rng(7).standard_normal(gradient.shape)
            expected = slope(loss, p, name, direction)
            np.testing.assert_allclose(np.sum(gradient * direction), expected, rtol=1e-4, atol=1e-7, err_msg=name)
    told = np.mean(logits(d, x) > 0) / 2 + np.mean(logits(d, fake) < 0) / 2
    logged = {name: values[0] for name, (_, values) in trained.run.history.items()}
    assert logged == pytest.approx({"d_loss": losses[1](d), "g_loss": losses[0](g), "d_accuracy": told}, rel=1e-5)


def check_batches(model, folder):
    """In each step the batch norm of G meets one batch, and that of D three: the real ones, and the fakes twice."""
    trained = Trained(model, folder, 5)
    assert trained.generator[2].num_batches_tracked.item() == 5
    assert trained.discriminator[3].num_batches_tracked.item() == 15


@pytest.mark.parametrize("check", [check_guide, check_gradients, check_batches])
def test_the_model_passes(check, tmp_path):
    check(dcgan, tmp_path)


# ------------------------------------------------------------------ bugs
BUGS = {  # what is wrong -> (the code, the code with the bug, which check fails)
    "real and fake in one batch of batch norm": (
        "on_real, on_fake = discriminator(x), discriminator(fake.detach())",
        "on_real, on_fake = mg.split(discriminator(mg.cat([x, fake.detach()])), len(x))",
        check_gradients,
    ),
    "no batch norm": ("return [nn.BatchNorm2d(channels)] if there else []", "return []", check_guide),
    "fake not detached": ("fake.detach()", "fake", check_gradients),
    "G stays in evaluation mode": ("generator.train()", "pass", check_batches),
    "G learns in evaluation mode": ("fake = generator(", "fake = generator.eval()(", check_gradients),
    "images in [0, 1] against tanh": ("2 * images - 1", "images", check_gradients),
    "G minimises what D maximises": (
        "g_loss = bce(on_fake_now, mg.ones_like(on_fake_now))",
        "g_loss = -bce(on_fake_now, mg.zeros_like(on_fake_now))",
        check_gradients,
    ),
    "labels exchanged": ("mg.zeros_like(on_fake)", "mg.ones_like(on_fake)", check_gradients),
    "D does not learn": ("        d_optimizer.step()\n", "", check_gradients),
    "G sees its gradient of other noise": (
        "on_fake_now = discriminator(fake)",
        'on_fake_now = discriminator(generator(mg.randn(len(x), config["latent"])))',
        check_gradients,
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_shows(bug, tmp_path):
    code, with_bug, check = BUGS[bug]
    assert SOURCE.count(code) == 1
    file = tmp_path / "dcgan.py"
    file.write_text(SOURCE.replace(code, with_bug))
    spec = importlib.util.spec_from_file_location("models.dcgan_with_a_bug", file)
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    with pytest.raises((AssertionError, RuntimeError, KeyError)):
        check(model, tmp_path)


@pytest.mark.parametrize("axes", [(0, 1, 3, 2), (1, 0, 2, 3)], ids=["rows and columns", "in and out"])
def test_a_wrong_axis_of_the_transposed_convolution_shows(axes, tmp_path, monkeypatch):
    right = ops.conv_transpose2d
    monkeypatch.setattr(ops, "conv_transpose2d", lambda x, w, *rest, **how: right(x, w.permute(axes), *rest, **how))
    with pytest.raises((AssertionError, ValueError)):
        check_gradients(dcgan, tmp_path)


# ------------------------------------------------------------------ images and figures
def test_an_image_depends_on_its_own_z_alone_and_training_goes_on_as_before():
    c = config()
    generator, _ = dcgan.build(c)
    z = dcgan.noise(c, 8)
    images = dcgan.generate(c, generator, z)
    assert images.min() >= 0 and images.max() <= 1
    np.testing.assert_allclose(dcgan.generate(c, generator, z[:3]), images[:3], atol=1e-6)
    assert generator.training and generator[2].num_batches_tracked.item() == 0


def test_a_walk_stays_as_far_from_0_as_noise_is(tmp_path, monkeypatch):
    c, seen = config(), []
    monkeypatch.setattr(dcgan, "generate", lambda c, net, z: seen.append(z) or np.zeros((len(z), 1, 28, 28)))
    dcgan.draw_walk(c, None, tmp_path / "walk.png", rows=20, steps=9)
    z = seen[0].reshape(20, 9, -1)
    ends = dcgan.noise(c, 40, seed=2)
    np.testing.assert_allclose(z[:, 0], ends[:20], atol=1e-6)
    np.testing.assert_allclose(z[:, -1], ends[20:], atol=1e-6)
    lengths = np.sqrt((z**2).mean(axis=2)).mean(axis=0)
    assert lengths == pytest.approx(np.ones(9), abs=0.05)


@pytest.mark.parametrize("data", ["digits", "faces"])
def test_a_run_writes_pictures_and_figures(data, tmp_path, monkeypatch):
    monkeypatch.setattr(image_data, "FACES", {"x": (300, 0), "x_test": (100, 1)})
    monkeypatch.setattr(common, "load_digits", lambda folder: [(x[:300], y[:300]) for x, y in DATA])
    options = ["--data", data, "--steps", 5, "--batch", 8, "--width", 2, "--judged", 100, "--out", tmp_path]
    dcgan.main([*map(str, options)])
    pictures = {"loss.png", "nearest.png", "samples.png", "samples.gif", "walk.png"}
    assert {path.name for path in tmp_path.iterdir()} == pictures | {"checkpoint.npz", "metrics.json"}
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert {"d_accuracy", "nearest", "nearest_real"} <= found.keys()
    assert ("fidn" in found, "class_kl" in found) == (data == "digits",) * 2
    dcgan.sample(["--checkpoint", str(tmp_path / "checkpoint.npz"), "--out", str(tmp_path / "drawn.png")])
    assert (tmp_path / "drawn.png").exists()


def test_the_same_noise_is_drawn_for_a_seed_and_other_noise_for_another():
    same, other = dcgan.noise(config(), 5), dcgan.noise(config(seed=1), 5)
    assert (same == dcgan.noise(config(), 5)).all() and (same != other).all()
