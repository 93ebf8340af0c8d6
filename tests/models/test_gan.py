"""The GAN: its losses against closed forms, its steps against finite differences in plain NumPy, its remedies, its data
and pictures; and known silent bugs, planted in its source, each of which one of these checks finds."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, log_expit
from scipy.stats import norm

import minigrad as mg
from minigrad import optim
from minigrad.data import digits, mixtures
from models import common, gan, metrics
from tests.models import runs

logits = st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=8).map(np.array)


@pytest.fixture(autouse=True)
def seed():
    mg.manual_seed(0)


def column(values):
    return mg.tensor(np.asarray(values, np.float64)[:, None], requires_grad=True)


def slope(loss, values):
    """d loss / d logit at each of the logits, taken one by one."""
    x = [column([value]) for value in values]
    return [mg.autograd.grad(loss(each), each)[0].item() for each in x]


# ------------------------------------------------------------------ the losses
@given(logits, logits)
def test_value_is_the_mean_of_log_d_on_real_and_log_1_minus_d_on_fake_ones(real, fake):
    expected = log_expit(real).mean() + log_expit(-fake).mean()
    assert gan.value(column(real), column(fake)).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("d", [0, 0.5, 1, 2, 4])
def test_the_best_discriminator_of_two_gaussians_has_the_value_of_the_jensen_shannon_divergence(d):
    """D* = p / (p + q) has the logit log p − log q = d²/2 − d·x, here over quantiles of p = N(0, 1) and q = N(d, 1)."""
    x = norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    v = gan.value(column(d**2 / 2 - d * x), column(d**2 / 2 - d * (x + d))).item()
    assert v == pytest.approx(metrics.best_discriminator_value(norm(0, 1).pdf, norm(d, 1).pdf, -12, 16), abs=1e-4)


@given(logits)
def test_the_generators_losses_and_their_slopes(values):
    d = expit(values)
    for name, expected, slopes in (
        ("minimax", log_expit(-values).mean(), -d),
        ("nonsaturating", -log_expit(values).mean(), -expit(-values)),
    ):
        loss = gan.GENERATOR_LOSSES[name]
        assert loss(column(values)).item() == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(slope(loss, values), slopes, rtol=1e-12, atol=1e-300)


def test_where_the_discriminator_is_sure_minimax_teaches_nothing_and_nonsaturating_the_most():
    sure = [-30.0]
    assert abs(slope(gan.GENERATOR_LOSSES["minimax"], sure)[0]) < 1e-12
    assert slope(gan.GENERATOR_LOSSES["nonsaturating"], sure)[0] == pytest.approx(-1)


# ------------------------------------------------------------------ the networks
def scaled(network, layer, factor):
    """The network with the weights of one of its layers multiplied."""
    layer.weight.mul_(factor)
    return network


def arrays(network):
    """Copies of the parameters."""
    return [p.detach().numpy().copy() for p in network.parameters()]


def noise(*shape, seed=0):
    return mg.tensor(np.random.default_rng(seed).standard_normal(shape, np.float32))


def test_pixels_fill_all_of_0_to_1():
    generator = gan.Generator(3, [5], 784, pixels=True)
    x = scaled(generator, generator.layers[-2], 1000)(noise(20, 3)).detach().numpy()
    assert x.min() == pytest.approx(0, abs=1e-6) and x.max() == pytest.approx(1)


def test_points_and_logits_are_any_numbers():
    generator, discriminator = gan.Generator(3, [5], 2, pixels=False), gan.Discriminator(3, [5])
    for network, last in ((generator, generator.layers[-1]), (discriminator, discriminator.logit)):
        assert abs(scaled(network, last, 1000)(noise(50, 3)).detach().numpy()).max() > 2


@pytest.mark.parametrize("pack", [1, 2, 3])
def test_a_logit_is_that_of_its_own_pack(pack):
    discriminator, x = gan.Discriminator(2, [8], pack), noise(6 * pack, 2).requires_grad_()
    y = discriminator(x)
    assert y.shape == (6, 1)
    for i in range(6):
        (g,) = mg.autograd.grad(y[i, 0], x, retain_graph=True)
        np.testing.assert_array_equal(np.flatnonzero(g.numpy().any(axis=1)), np.arange(i * pack, (i + 1) * pack))


@pytest.mark.parametrize("minibatch", [False, True])
def test_only_with_minibatch_discrimination_a_logit_depends_on_the_rest_of_the_batch(minibatch):
    discriminator, x = gan.Discriminator(2, [8], minibatch=minibatch), noise(4, 2)
    alone, among = discriminator(x[:1]).item(), discriminator(x)[0].item()
    assert (abs(alone - among) > 1e-4) == minibatch


# ------------------------------------------------------------------ remedies
def test_feature_matching_is_the_squared_distance_of_mean_features():
    discriminator, real, fake = gan.Discriminator(2, [5, 4]), noise(7, 2), noise(9, 2, seed=1)
    means = [discriminator.features(x).detach().numpy().mean(axis=0) for x in (real, fake)]
    expected = np.sum((means[0] - means[1]) ** 2)
    assert gan.feature_matching(discriminator, real, fake).item() == pytest.approx(expected, rel=1e-5)


def test_distance_from_average_is_that_from_the_mean_of_all_steps_so_far():
    network, average = gan.Generator(1, [2], 1, pixels=False), gan.Generator(1, [2], 1, pixels=False)
    average.requires_grad_(False)
    past = []
    for step in range(4):
        for p in network.parameters():
            p.copy_(noise(*p.shape, seed=step))
        past.append(arrays(network))
        network.zero_grad()
        distance = gan.distance_from_average(network, average, step)
        distance.backward()
        off = [p - np.mean(values, axis=0) for p, *values in zip(past[-1], *past, strict=True)]
        assert distance.item() == pytest.approx(sum(np.sum(o**2) for o in off), rel=1e-5, abs=1e-12)
        for p, o in zip(network.parameters(), off, strict=True):
            np.testing.assert_allclose(p.grad.numpy(), 2 * o, rtol=1e-4, atol=1e-6)


# ------------------------------------------------------------------ the steps, against finite differences in NumPy
# Both networks have one hidden layer, and their parameters are a list of float64 arrays, in the order of the modules.
def generate(theta, z):
    (w1, b1, w2, b2) = theta
    return np.maximum(z @ w1.T + b1, 0) @ w2.T + b2


def features(phi, x):
    h = x.reshape(-1, phi[0].shape[1]) @ phi[0].T + phi[1]
    return np.where(h > 0, h, 0.2 * h)


def discriminate(phi, x):
    h = features(phi, x)
    if len(phi) == 5:  # minibatch discrimination, by loops over the pairs of examples
        t = phi[2]
        nearness = np.zeros((len(h), t.shape[1]))
        for i in range(len(h)):
            for j in range(len(h)):
                nearness[i] += np.exp(-np.abs(np.einsum("a,abc->bc", h[i] - h[j], t)).sum(axis=1))
        h = np.concatenate([h, nearness], axis=1)
    return h @ phi[-2].T + phi[-1]


def descend(loss, parameters, lr, *of):
    """Parameters after a step of `lr` down the slope of loss(parameters, *of) that central differences find."""
    varied, moved = ([p.copy() for p in parameters] for _ in range(2))
    for p, to in zip(varied, moved, strict=True):
        for i in np.ndindex(p.shape):
            before, sides = p[i], []
            for p[i] in (before + 1e-6, before - 1e-6):
                sides.append(loss(varied, *of))
            p[i] = before
            to[i] -= lr * (sides[0] - sides[1]) / 2e-6
    return moved


def expected_steps(config, theta, phi, steps, lr):
    """θ and φ after the `steps`, each (real, z), of the algorithm of Goodfellow et al. 2014 with its remedies."""
    past = [], []
    for real, z in steps:
        past[0].append(phi)
        phi = descend(lambda p, *of: d_loss(p, *of) + drift(p, past[0], config), phi, lr, real, generate(theta, z))
        past[1].append(theta)
        theta = descend(lambda p, *of: g_loss(p, *of) + drift(p, past[1], config), theta, lr, config, phi, real, z)
    return theta, phi


def d_loss(phi, real, fake):
    return -log_expit(discriminate(phi, real)).mean() - log_expit(-discriminate(phi, fake)).mean()


def g_loss(theta, config, phi, real, z):
    fake = generate(theta, z)
    if config["feature_matching"]:
        return np.sum((features(phi, real).mean(axis=0) - features(phi, fake).mean(axis=0)) ** 2)
    y = discriminate(phi, fake)
    return log_expit(-y).mean() if config["loss"] == "minimax" else -log_expit(y).mean()


def drift(parameters, past, config):
    means = [np.mean(values, axis=0) for values in zip(*past, strict=True)]
    distance = sum(np.sum((p - mean) ** 2) for p, mean in zip(parameters, means, strict=True))
    return config["historical_averaging"] * distance


class Recorded:
    """Points of a ring, and noise, all remembered."""

    def __init__(self):
        self.real, self.noise = [], []

    def sample(self, n, rng):
        self.real.append(mixtures.ring().sample(n, rng).astype(np.float64))
        return self.real[-1]

    def randn(self, *shape, device):
        self.noise.append(np.random.default_rng(len(self.noise)).standard_normal(shape))
        return mg.tensor(self.noise[-1])


def check_two_steps(module, folder, *options):
    """Two steps of `train`, with plain gradient descent, are those of the algorithm; D's steps do not reach G."""
    given = ("--steps", 2, "--hidden", 3, "--latent", 2, "--batch", 3, "--out", folder, *options)
    run = common.Run("gan", module.options(), [*map(str, given)])
    run.config["features"] = 2
    g, d = (network.double() for network in module.build(run.config))
    theta, phi = (arrays(network) for network in (g, d))
    data, lr, reached = Recorded(), 0.5, []

    class Watched(optim.SGD):
        def step(self):
            reached.append(any(p.grad is not None for p in g.parameters()))
            super().step()

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(mg, "randn", data.randn)
        monkeypatch.setattr(module, "coverage", lambda *arguments: {})
        monkeypatch.setattr(module, "picture", lambda *arguments: np.zeros((2, 2), np.uint8))
        module.train(run, data, g, d, optim.SGD(g.parameters(), lr), Watched(d.parameters(), lr))
    assert not reached[0], "D's first step left gradients in G"
    expected = expected_steps(run.config, theta, phi, list(zip(data.real, data.noise, strict=True)), lr)
    for network, wanted in zip((g, d), expected, strict=True):
        for p, to in zip(arrays(network), wanted, strict=True):
            np.testing.assert_allclose(p, to, rtol=1e-5, atol=1e-7)


VARIANTS = {
    "nonsaturating": (),
    "minimax": ("--loss", "minimax"),
    "feature matching": ("--feature-matching",),
    "minibatch discrimination": ("--minibatch-discrimination",),
    "historical averaging": ("--historical-averaging", 0.3),
    "PacGAN": ("--pack", 2),
    "three at once": ("--pack", 2, "--minibatch-discrimination", "--historical-averaging", 0.1),
}


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_a_step_is_one_of_d_up_v_and_one_of_g_down_its_loss(options, tmp_path):
    check_two_steps(gan, tmp_path, *options)


# ------------------------------------------------------------------ silent bugs, planted
DETACHED = "discriminator(fake.detach())"
PLANTED = {
    "fake ones not detached in D's step": (
        (), {DETACHED: "discriminator(fake)", "d_loss.backward()": "d_loss.backward(retain_graph=True)"},
    ),
    "G trained against the label 0": ((), {"F.softplus(-logits).mean()": "F.softplus(logits).mean()"}),
    "G trained against the label 0, minimax": (
        ("--loss", "minimax"), {"-F.softplus(logits).mean()": "-F.softplus(-logits).mean()"},
    ),
    "D trained down V": ((), {"d_loss = -value(": "d_loss = value("}),
    "the sigmoid applied twice": (
        (), {"self.logit(self.nearness(self.features(x)))": "self.logit(self.nearness(self.features(x))).sigmoid()"},
    ),
    "G's gradients not forgotten": ((), {"        g_optimizer.zero_grad()\n": ""}),
    "D's step uses what G's step left in D": ((), {"        d_optimizer.zero_grad()\n": ""}),
    "real and fake ones in one batch": (
        ("--minibatch-discrimination",),
        {f"discriminator(real), {DETACHED}": "*mg.chunk(discriminator(mg.cat([real, fake.detach()])), 2)"},
    ),
    "features of fake ones matched with themselves": (
        ("--feature-matching",), {"discriminator.features(real).detach()": "discriminator.features(fake).detach()"},
    ),
    "the average is the last step": (
        ("--historical-averaging", 0.3), {"(theta.detach() - mean) / (step + 1)": "(theta.detach() - mean)"},
    ),
    "packs of copies": (("--pack", 2), {DETACHED: "discriminator(fake.detach()[:3].repeat(2, 1))"}),
}  # fmt: skip


def planted(changes, folder):
    """The module gan with some of its source changed."""
    source = Path(gan.__file__).read_text()
    for old, new in changes.items():
        assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in gan.py"
        source = source.replace(old, new)
    (folder / "gan.py").write_text(source)
    spec = importlib.util.spec_from_file_location("models.planted", folder / "gan.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("options", "changes"), PLANTED.values(), ids=PLANTED)
def test_a_planted_bug_is_found(options, changes, tmp_path):
    module = planted(changes, tmp_path)
    with pytest.raises(AssertionError):
        check_two_steps(module, tmp_path, *options)


def test_without_detach_the_engine_itself_complains(tmp_path):
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        check_two_steps(planted({DETACHED: "discriminator(fake)"}, tmp_path), tmp_path)


# ------------------------------------------------------------------ data and figures
@pytest.mark.parametrize(
    ("name", "std", "kind", "expected"),
    [
        ("ring", None, mixtures.Mixture, 0.02),
        ("ring", 0.01, mixtures.Mixture, 0.01),
        ("grid", None, mixtures.Mixture, 0.05),
        ("roll", 0.3, mixtures.SwissRoll, 0.3),
    ],
)
def test_mixtures_and_their_spread(name, std, kind, expected):
    data = gan.load({"data": name, "std": std})
    assert (type(data), data.std) == (kind, expected)


def test_digits_are_drawn_from_the_training_images_evenly():
    data, (x, _) = gan.load({"data": "digits", "std": None}), digits()[0]
    drawn = data.sample(20_000, 0)
    places = {image.tobytes(): i for i, image in enumerate(x.reshape(len(x), -1) / np.float32(255))}
    counts = np.bincount([places[image.tobytes()] for image in drawn], minlength=len(x))
    assert drawn.dtype == np.float32 and counts.max() < 15
    assert (counts > 0).mean() == pytest.approx(1 - math.exp(-20_000 / len(x)), abs=0.02)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--data", "digits", "--std", 0.1), "--std is for --data ring, grid, roll; leave it out for digits"),
        (("--data", "/nowhere"), "in /nowhere; put MNIST's four files there"),
        (("--pack", 0), "argument --pack: needs a whole number from 1 to 64, not 0"),
        (("--batch", 1), "argument --batch: needs a whole number of at least 2, not 1"),
    ],
)
def test_a_bad_option_is_one_line(options, words, tmp_path, capsys):
    assert runs.run("gan", "--out", tmp_path / "out", *options) == 2
    runs.assert_complaint(2, capsys.readouterr().err, words, "gan")


def test_a_run_is_not_resumed_on_another_distribution(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(gan, "report", lambda *arguments: {})
    assert runs.run("gan", "--steps", 1, "--out", tmp_path) == 0
    capsys.readouterr()
    code = runs.run("gan", "--resume", "--data", "grid", "--out", tmp_path)
    runs.assert_complaint(code, capsys.readouterr().err, "has distribution ring, and here it is grid", "gan")


@pytest.mark.parametrize("name", ["ring", "roll"])
def test_the_data_themselves_are_judged_to_be_as_good_as_can_be(name):
    data = gan.MIXTURES[name]
    figures = gan.judge(data, data.sample(5000, 1))
    assert figures["w1"] == pytest.approx(figures["w1_floor"], rel=0.3)
    if name == "ring":
        assert (figures["modes"], figures["strict_modes"]) == (8, 8)
        assert figures["high_quality"] == pytest.approx(1 - math.exp(-4.5), abs=0.01)


# ------------------------------------------------------------------ pictures
@pytest.mark.parametrize("pack", [1, 2])
def test_the_landscape_has_x_to_the_right_and_y_upwards(pack):
    """A D whose logit is 3x + y for the point (x, y), or the mean of that over the pack."""
    discriminator = gan.Discriminator(2, [1], pack)
    linear = discriminator.hidden[0]
    linear.weight.copy_(mg.tensor([[3.0, 1.0] * pack]) / pack)
    linear.bias.fill_(100.0)  # where LeakyReLU is the identity
    discriminator.logit.weight.fill_(1.0)
    discriminator.logit.bias.fill_(-100.0)
    line = np.linspace(-2, 2, 5)
    expected = expit(3 * line[None, :] + line[:, None])
    np.testing.assert_allclose(gan.landscape(discriminator, 2.0, side=5), expected, atol=1e-4)


@given(st.integers(1, 50), st.integers(1, 20))
def test_smoothed_values_are_means_over_the_steps_up_to_each(n, points):
    steps, values = np.arange(1, n + 1), np.random.default_rng(n).random(n)
    at, means = gan.smooth(steps, values, points)
    width = at[0]
    np.testing.assert_allclose(means, [values[step - width : step].mean() for step in at])
    assert len(at) == n // width and (len(at) >= points or width == 1)


def test_a_run_on_digits_leaves_its_pictures_and_draws(tmp_path, monkeypatch):
    figures = {"fidn": 150.0, "fidn_floor": 2.0, "class_kl": 0.0, "class_shares": [0.1] * 10}
    monkeypatch.setattr(metrics, "digit_scores", lambda *arguments: figures)
    options = ("--data", "digits", "--steps", 2, "--hidden", 8, "--batch", 4, "--minibatch-discrimination")
    assert runs.run("gan", *options, "--out", tmp_path) == 0
    names = {"checkpoint.npz", "digits.png", "loss.png", "metrics.json", "samples.gif", "samples.png"}
    assert {path.name for path in tmp_path.iterdir()} == names
    file = ("--checkpoint", tmp_path / "checkpoint.npz", "--out", tmp_path / "drawn.png")
    assert runs.run("sample", "gan", *file) == 0 and (tmp_path / "drawn.png").exists()
