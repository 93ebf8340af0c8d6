"""The networks of the autoencoder and its training, against closed forms, and the silent bugs that the checks catch."""

import json
import math

import numpy as np
import pytest
import scipy.special
from PIL import Image

import minigrad as mg
from minigrad import optim
from minigrad.data import digits
from minigrad.data.make_digits import balanced
from models import autoencoder, common
from models.metrics import PCA, mean_squared_error

SMALL = ("--batch", "100", "--epochs", "1", "--latent", "4")
NETWORKS = {
    "dense": ("--network", "dense", "--hidden", "32"),
    "conv": ("--network", "conv", "--hidden", "3,4"),
    "linear": ("--network", "linear"),
}


@pytest.fixture(scope="module")
def small_digits():
    """Of each digit 60 training and 5 test images."""
    train, test = digits()
    return balanced(*train, 60), balanced(*test, 5)


@pytest.fixture(autouse=True)
def on_small_digits(monkeypatch, small_digits):
    monkeypatch.setattr(common, "digits", lambda: small_digits)


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    for name in ("draw_reconstructions", "draw_codes", "draw_curves", "draw_lines"):
        monkeypatch.setattr(autoencoder, name, lambda *arguments: None)


def config_of(*arguments) -> dict:
    config = common.Run("autoencoder", autoencoder.options(), arguments).config
    autoencoder.complete(config)
    return config


def trained(folder, *arguments) -> dict:
    """What is in metrics.json of a run."""
    autoencoder.main([*SMALL, *map(str, arguments), "--out", str(folder)])
    return json.loads((folder / "metrics.json").read_text())


# ------------------------------------------------------------------ the networks
@pytest.mark.parametrize(
    ("arguments", "layers"),
    [
        (["--latent", "2"], [(512, 784), (256, 512), (2, 256), (256, 2), (512, 256), (784, 512)]),
        (["--latent", "2", "--hidden", "9"], [(9, 784), (2, 9), (9, 2), (784, 9)]),
        (["--network", "linear", "--latent", "5"], [(5, 784), (784, 5)]),
        (
            ["--network", "conv", "--latent", "2"],
            [(16, 1, 4, 4), (32, 16, 4, 4), (2, 1568), (1568, 2), (32, 16, 4, 4), (16, 1, 4, 4)],
        ),
    ],
    ids=["dense", "dense, one hidden layer", "linear", "conv"],
)
def test_layers_of_each_network(arguments, layers):
    weights = autoencoder.build(config_of(*arguments)).named_parameters()
    assert [p.shape for name, p in weights if name.endswith("weight")] == layers


def test_convolutions_halve_the_image_twice_and_the_decoder_doubles_it_twice():
    model = autoencoder.ConvAutoencoder(3, 4, 2)
    shapes, x = [], mg.zeros(5, 784)
    for layer in [*model.encoder, *model.decoder]:
        x = layer(x)
        shapes.append(x.shape)
    images = [shape[1:] for shape in shapes if len(shape) == 4]
    assert list(dict.fromkeys(images)) == [(1, 28, 28), (3, 14, 14), (4, 7, 7)]
    assert images == images[::-1]
    assert (shapes[-1], model.encoder(mg.zeros(5, 784)).shape) == ((5, 784), (5, 2))


@pytest.mark.parametrize("name", NETWORKS)
def test_what_comes_out_is_the_image_of_the_logits(name):
    """σ of them, and of the linear network they themselves."""
    model = autoencoder.build(config_of(*NETWORKS[name]))
    x = np.random.default_rng(0).random((3, 784), np.float32)
    logits = model(mg.from_numpy(5 * x)).detach().numpy()
    expected = logits if name == "linear" else scipy.special.expit(logits)
    np.testing.assert_allclose(autoencoder.decode(model, autoencoder.encode(model, 5 * x)), expected, rtol=1e-5)


@pytest.mark.parametrize("loss", autoencoder.LOSSES)
def test_losses_are_their_formulas(loss):
    rng = np.random.default_rng(0)
    logits, x = rng.standard_normal((3, 5)), rng.random((3, 5))
    p = 1 / (1 + np.exp(-logits))
    expected = {
        "bce": -np.mean(x * np.log(p) + (1 - x) * np.log(1 - p)),
        "mse": np.mean((p - x) ** 2),
        "rmse": np.sqrt(np.mean((p - x) ** 2)),
    }
    found = autoencoder.LOSSES[loss](autoencoder.Autoencoder(5, [], 2), mg.from_numpy(logits), mg.from_numpy(x))
    assert found.item() == pytest.approx(expected[loss])


# ------------------------------------------------------------------ the linear network and PCA
@pytest.mark.parametrize("degrees", [0, 2, 45, 90])
def test_the_angle_to_directions_turned_by_an_angle_is_that_angle(degrees):
    """The decoder's plane holds a direction of the other one and, of the second, one that is turned out of it."""
    q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((784, 3)))
    turned = math.cos(math.radians(degrees)) * q[:, 1] + math.sin(math.radians(degrees)) * q[:, 2]
    model = autoencoder.LinearAutoencoder(784, 2)
    model.decoder[0].weight.data[:] = np.column_stack([q[:, 0] + turned, 3 * turned])  # the same plane, another basis
    assert model.angle_to(q[:, :2]) == pytest.approx(degrees, abs=1e-3)


def optimum_of_the_linear_network(model_class):
    """(MSE / PCA's, angle to PCA's plane) on points with two large variances, after 400 steps of Adam to rate 0."""
    mg.manual_seed(0)
    x = (np.random.default_rng(0).standard_normal((200, 20)) * [3, 2, *18 * [0.5]]).astype(np.float32)
    model = model_class(20, 2)
    optimizer = optim.Adam(model.parameters(), lr=3e-2)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, 400)
    for _ in range(400):
        loss = autoencoder.LOSSES["mse"](model, model(mg.from_numpy(x)), mg.from_numpy(x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    pca = PCA(x, 2)
    return loss.item() / mean_squared_error(pca.decode(pca.encode(x)), x), model.angle_to(pca.directions)


def check_pca_is_the_best_of_linear_networks(ratio, angle):
    assert 1 - 1e-4 <= ratio <= 1.005
    assert angle <= 2


def test_the_linear_network_comes_to_pca():
    check_pca_is_the_best_of_linear_networks(*optimum_of_the_linear_network(autoencoder.LinearAutoencoder))


def test_a_run_of_the_linear_network_tells_the_angle_and_other_runs_do_not(tmp_path):
    assert 0 <= trained(tmp_path / "linear", *NETWORKS["linear"])["largest_angle_to_pca"] <= 90
    assert "largest_angle_to_pca" not in trained(tmp_path / "dense", *NETWORKS["dense"])


# ------------------------------------------------------------------ training
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_learns(name, tmp_path):
    trained(tmp_path, *NETWORKS[name], "--epochs", 5, "--lr", 0.01)
    _, losses = common.load_checkpoint(tmp_path / "checkpoint.npz", "autoencoder")["done"]["history"]["test_loss"]
    assert losses[-1] < 0.85 * losses[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [((), np.full(6, 0.01)), (("--decay",), 0.005 * (1 + np.cos(np.pi * np.arange(6) / 6)))],
    ids=["constant", "half a cosine"],
)
def test_learning_rate(arguments, expected, monkeypatch, tmp_path):
    rates, step = [], optim.Adam.step
    monkeypatch.setattr(optim.Adam, "step", lambda self: rates.append(self.param_groups[0]["lr"]) or step(self))
    trained(tmp_path, *NETWORKS["dense"], "--lr", 0.01, *arguments)
    np.testing.assert_allclose(rates, expected)


def test_the_animation_shows_ten_digits_after_1_4_9_and_16_steps(tmp_path):
    trained(tmp_path, *NETWORKS["dense"], "--epochs", 3)
    animation = Image.open(tmp_path / "training.gif")
    assert (animation.n_frames, animation.size) == (4, (2 * (5 * 30 - 2), 2 * (4 * 30 - 2)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--network", "conv", "--hidden", "8"], "--network conv has two convolutions: give --hidden two numbers"),
        (["--network", "conv", "--hidden", "8,8,8"], "--network conv has two convolutions: give --hidden two numbers"),
        (["--network", "linear", "--hidden", "8"], "--network linear has no --hidden layers"),
        (["--network", "linear", "--loss", "bce"], "its --loss is mse or rmse"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_do_not_go_together_are_refused_before_anything_is_written(arguments, words, tmp_path):
    with pytest.raises(common.UserError, match=words):
        trained(tmp_path / "new", *arguments)
    assert not (tmp_path / "new").exists()


# ------------------------------------------------------------------ silent bugs, and the checks that catch them
def jacobian_rank(model) -> int:
    """Of x ↦ x̂ at some point, by central differences in float64: through how many numbers the image goes."""
    model, h = model.double(), 1e-5
    x = np.random.default_rng(0).random(784)
    out = model(mg.from_numpy(np.concatenate([x + h * np.eye(784), x - h * np.eye(784)]))).detach().numpy()
    return int(np.linalg.matrix_rank((out[:784] - out[784:]) / (2 * h), tol=1e-6))


@pytest.mark.parametrize("name", NETWORKS)
def test_an_image_goes_through_as_many_numbers_as_the_code_has(name):
    mg.manual_seed(0)
    model = autoencoder.build(config_of(*NETWORKS[name], "--latent", "3"))
    assert jacobian_rank(model) == 3


class Shortcut(autoencoder.LinearAutoencoder):
    """The decoder sees the image too."""

    def forward(self, x):
        return super().forward(x) + 0.5 * x


def test_planted_shortcut_around_the_code_is_caught():
    """By the rank, and because no linear map through two numbers can be better than PCA."""
    assert jacobian_rank(Shortcut(784, 3)) > 700
    with pytest.raises(AssertionError):
        check_pca_is_the_best_of_linear_networks(*optimum_of_the_linear_network(Shortcut))


class Enough(Exception):
    """Ends a training."""


def first_step(monkeypatch, folder):
    """(what the model saw, the logits it gave, the logged loss) of the first step of denoising."""
    calls, losses, forward = [], [], autoencoder.Autoencoder.forward

    def recording(self, x):
        calls.append((x, forward(self, x)))
        return calls[-1][1]

    def log(self, **values):
        losses.append(values["loss"])
        raise Enough

    with monkeypatch.context() as patched:
        patched.setattr(autoencoder.Autoencoder, "forward", recording)
        patched.setattr(common.Run, "log", log)
        with pytest.raises(Enough):
            autoencoder.main([*SMALL, *NETWORKS["dense"], "--noise", "0.5", "--out", str(folder)])
    ((seen, logits),) = calls
    return seen.numpy(), logits.detach().numpy(), losses[0]


def check_denoising(clean, seen, logits, loss):
    """Normal noise goes in, of the asked width and new in every pixel, and the loss is of the clean images."""
    noise = (seen - clean) / 0.5
    assert [noise.mean(), noise.std(), (noise**3).mean()] == pytest.approx([0, 1, 0], abs=0.05)
    np.testing.assert_allclose(np.cov(noise[:, :50], rowvar=False), np.eye(50), atol=0.6)
    p = scipy.special.expit(logits.astype(np.float64))
    assert loss == pytest.approx(-np.mean(clean * np.log(p) + (1 - clean) * np.log(1 - p)), rel=1e-5)


@pytest.fixture
def clean(small_digits):
    """The first batch of the protocol, its rows drawn by the seed and the epoch."""
    x = small_digits[0][0].reshape(-1, 784).astype(np.float32) / 255
    return x[np.random.default_rng((0, 0)).permutation(600)[:100]]


def test_denoising_sees_noise_and_is_held_against_the_clean_images(monkeypatch, tmp_path, clean):
    check_denoising(clean, *first_step(monkeypatch, tmp_path))


def test_planted_loss_of_the_noisy_images_is_caught(monkeypatch, tmp_path, clean):
    noisy = []
    randn_like, bce = mg.randn_like, autoencoder.LOSSES["bce"]
    monkeypatch.setattr(mg, "randn_like", lambda x: noisy.append(x + 0.5 * (noise := randn_like(x))) or noise)
    monkeypatch.setitem(autoencoder.LOSSES, "bce", lambda model, logits, x: bce(model, logits, noisy[-1]))
    with pytest.raises(AssertionError):
        check_denoising(clean, *first_step(monkeypatch, tmp_path))


def test_planted_noise_that_all_images_share_is_caught(monkeypatch, tmp_path, clean):
    monkeypatch.setattr(mg, "randn_like", lambda x: mg.randn(1, 784) + mg.zeros_like(x))
    with pytest.raises(AssertionError):
        check_denoising(clean, *first_step(monkeypatch, tmp_path))


def test_planted_labels_shuffled_against_images_are_caught(monkeypatch, tmp_path, small_digits):
    """PCA's neighbours, which need no training, have the same class in most cases, and then by chance."""
    right = trained(tmp_path / "right", *NETWORKS["dense"])
    (x, y), test = small_digits
    monkeypatch.setattr(common, "digits", lambda: ((x, np.random.default_rng(0).permutation(y)), test))
    shuffled = trained(tmp_path / "shuffled", *NETWORKS["dense"])
    assert right["pca_knn_accuracy"] > 0.5 > 0.3 > shuffled["pca_knn_accuracy"]
