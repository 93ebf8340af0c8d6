"""The variational autoencoder: its loss against probabilistic PCA's log-likelihood, and what its pictures are made of.

A linear encoder and decoder with Gaussian pixels are probabilistic PCA (Tipping & Bishop 1999), whose posterior is
known. With that as q(z|x) the ELBO of every x is log p(x) itself, so a loss that is wrong in any of its parts shows.
"""

import math
import types

import numpy as np
import pytest
import scipy.special
import scipy.stats

import minigrad as mg
from minigrad import nn, optim
from models import common, image_data, vae

D, K, SIGMA, N = 6, 3, 0.5, 4000
CONFIG = {"loss": "gaussian", "sigma": SIGMA, "seed": 0, "latent": K, "weight": 1000.0}


# ------------------------------------------------------------------ probabilistic PCA as a VAE
@pytest.fixture(scope="module")
def pca():
    """Points with exactly the mean m and covariance UΛUᵀ, the best model of them, and log p(x) of each under it."""
    rng = np.random.default_rng(0)
    variances = np.array([4.0, 2.0, 1.0, 0.1, 0.1, 0.1])
    directions = np.linalg.qr(rng.standard_normal((D, D)))[0]
    mean = rng.standard_normal(D)
    x = rng.standard_normal((N, D))
    x = (x - x.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T, bias=True))).T
    x = (mean + x * np.sqrt(variances) @ directions.T).astype(np.float32)
    w = directions[:, :K] * np.sqrt(variances[:K] - SIGMA**2)
    log_p = scipy.stats.multivariate_normal(mean, w @ w.T + SIGMA**2 * np.eye(D)).logpdf(x)
    to_mu = (w / variances[:K]).T  # (WᵀW + σ²I)⁻¹ Wᵀ
    model = vae.VAE(nn.Linear(D, 2 * K), nn.Linear(K, D))
    for parameter, value in (
        (model.encoder.weight, np.concatenate([to_mu, np.zeros((K, D))])),
        (model.encoder.bias, np.concatenate([-to_mu @ mean, np.log(SIGMA**2 / variances[:K])])),
        (model.decoder.weight, w),
        (model.decoder.bias, mean),
    ):
        parameter.data[...] = value
    return types.SimpleNamespace(x=x, model=model, log_p=log_p, variances=variances)


def check_loss(pca):
    """At the optimum −ELBO is −log p(x), its KL ½ Σ log λ/σ², and its gradient 0, all but for the noise of ε."""
    mg.manual_seed(0)
    terms, gradients = [], []
    for _ in range(20):
        pca.model.zero_grad()
        reconstruction, kl = vae.loss_terms(pca.model, mg.from_numpy(pca.x), CONFIG)
        (reconstruction + kl).backward()
        terms.append((reconstruction.item(), kl.item()))
        gradients.append(np.concatenate([p.grad.numpy().ravel() for p in pca.model.parameters()]))
    reconstruction, kl = np.mean(terms, axis=0)
    assert kl == pytest.approx(0.5 * np.log(pca.variances[:K] / SIGMA**2).sum(), abs=1e-3)
    assert reconstruction + kl == pytest.approx(-pca.log_p.mean(), abs=0.02)
    assert np.std(terms, axis=0)[0] < 0.05  # with N codes of their own the noise of one, about 1.3, is N^-½ as large
    assert (np.abs(np.mean(gradients, axis=0)) < 5 * np.std(gradients, axis=0) / 20**0.5 + 1e-3).all()


def test_with_the_true_posterior_the_loss_is_minus_log_p_and_its_gradient_is_zero(pca):
    check_loss(pca)


def check_bound(pca):
    """What the figures are made of, by other code than the loss."""
    elbo, reconstruction, kl = vae.bound(pca.model, pca.x, CONFIG)
    assert elbo.mean() == pytest.approx(pca.log_p.mean(), abs=0.1)
    np.testing.assert_allclose(vae.bound(pca.model, pca.x, CONFIG, k=3), pca.log_p, atol=1e-3)


def test_with_the_true_posterior_the_bounds_are_log_p(pca):
    check_bound(pca)


# ------------------------------------------------------------------ silent bugs, planted
def forward(code):
    """A VAE.forward with another line for the code."""

    def forward(self, x):
        mu, log_var = self.encode(x)
        return self.decoder(code(mu, log_var)), mu, log_var

    return forward


def drawn(mu, log_var, epsilon=mg.randn_like):
    return mu + mg.exp(0.5 * log_var) * epsilon(mu)


def gaussian_kl_of(change):
    return lambda mu, log_var: change(mg.ops.gaussian_kl(mu, log_var))


BUGS = {
    "std = exp(logvar)": (vae.VAE, "forward", forward(lambda mu, v: mu + mg.exp(v) * mg.randn_like(mu))),
    "no ε": (vae.VAE, "forward", forward(lambda mu, v: mu)),
    "one ε for the batch": (vae.VAE, "forward", forward(lambda mu, v: drawn(mu, v, lambda mu: mg.randn(1, K)))),
    "one ε for all units": (vae.VAE, "forward", forward(lambda mu, v: drawn(mu, v, lambda mu: mg.randn(len(mu), 1)))),
    "no gradient through z": (vae.VAE, "forward", forward(lambda mu, v: drawn(mu, v).detach())),
    "no gradient in σ": (vae.VAE, "forward", forward(lambda mu, v: drawn(mu, v.detach()))),
    "KL averaged over the units": (vae, "gaussian_kl", gaussian_kl_of(lambda kl: kl / K)),
    "KL averaged over pixels, as if it had any": (vae, "gaussian_kl", gaussian_kl_of(lambda kl: kl / D)),
    "sign of the KL": (vae, "gaussian_kl", gaussian_kl_of(lambda kl: -kl)),
    "reconstruction averaged over the pixels": (
        vae, "LOSSES", {"gaussian": lambda mean, x, config: vae.gaussian(mean, x, config) / D}
    ),
    "squares not halved": (
        vae, "LOSSES", {"gaussian": lambda mean, x, config: vae.gaussian(mean, x, config | {"sigma": SIGMA / 2**0.5})}
    ),
    "μ and log σ² exchanged": (vae.VAE, "encode", lambda self, x: mg.chunk(self.encoder(x), 2, axis=1)[::-1]),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_a_wrong_loss_is_found(bug, pca, monkeypatch):
    monkeypatch.setattr(*BUGS[bug])
    with pytest.raises(AssertionError):
        check_loss(pca)


class NoNoise:
    def standard_normal(self, shape, dtype):
        return np.zeros(shape, dtype)


def test_evaluating_at_the_mean_code_is_found(pca, monkeypatch):
    """It reads 1.3 nats too high here, and 96 in place of 105.6 on MNIST."""
    monkeypatch.setattr(np.random, "default_rng", lambda seed: NoNoise())
    with pytest.raises(AssertionError):
        check_bound(pca)


# ------------------------------------------------------------------ −log p(x|z)
@pytest.fixture
def pixels():
    """Decoder outputs and images (4, 1, 3, 3)."""
    rng = np.random.default_rng(1)
    return rng.standard_normal((4, 1, 3, 3)), rng.random((4, 1, 3, 3))


def loss(name, output, x, **config):
    return vae.LOSSES[name](mg.from_numpy(output), mg.from_numpy(x), CONFIG | config).item()


def test_bernoulli_pixels(pixels):
    logits, x = pixels
    p = scipy.special.expit(logits)
    log_p = scipy.stats.bernoulli.logpmf(1, p) * x + scipy.stats.bernoulli.logpmf(0, p) * (1 - x)
    assert loss("bernoulli", logits, x) == pytest.approx(-log_p.sum() / 4)


@pytest.mark.parametrize("sigma", [0.1, 1.0, 3.0])
def test_gaussian_pixels(sigma, pixels):
    mean, x = pixels
    assert loss("gaussian", mean, x, sigma=sigma) == pytest.approx(-scipy.stats.norm(mean, sigma).logpdf(x).sum() / 4)


def test_weighted_rmse_is_one_root_for_each_image(pixels):
    mean, x = pixels
    roots = [math.sqrt(np.mean((a - b) ** 2)) for a, b in zip(mean, x)]
    assert loss("rmse", mean, x, weight=7.0) == pytest.approx(7 * np.mean(roots))


@pytest.mark.parametrize("name", vae.LOSSES)
def test_the_figures_and_the_loss_agree_on_the_likelihood(name):
    config = CONFIG | {"loss": name, "network": "dense", "hidden": [4], "shape": [3, 8, 8]}
    model = vae.build(config)
    z, x = (
        np.random.default_rng(0).random((5, K), np.float32),
        np.random.default_rng(1).random((5, 3, 8, 8), np.float32),
    )
    output = model.decoder(mg.from_numpy(z))
    expected = vae.LOSSES[name](output, mg.from_numpy(x), config).item()
    assert -vae.log_likelihood(model, config)(z, x).mean() == pytest.approx(expected, rel=1e-5)


# ------------------------------------------------------------------ the networks
@pytest.mark.parametrize("loss", vae.LOSSES)
@pytest.mark.parametrize("shape", [[1, 28, 28], [3, 32, 32], [3, 48, 48]])
@pytest.mark.parametrize("network", ["dense", "conv"])
def test_a_network_maps_images_to_codes_and_back(network, shape, loss):
    config = {"network": network, "shape": shape, "hidden": [9, 7], "width": 4, "latent": 5, "loss": loss}
    model = vae.build(config)
    x = np.random.default_rng(0).random((3, *shape), np.float32)
    output, mu, log_var = model(mg.from_numpy(x))
    assert (output.shape, mu.shape, log_var.shape) == (x.shape, (3, 5), (3, 5))
    images = vae.decode(model, mu.detach().numpy(), config)
    assert images.shape == x.shape and 0 <= images.min() <= images.max() <= 1
    for mine, theirs in zip(vae.encode(model, x), (mu, log_var)):
        np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_the_dense_network_for_digits_is_784_400_20():
    shapes = {name: parameter.shape for name, parameter in vae.dense([1, 28, 28], [400], 20).named_parameters()}
    assert [shape for name, shape in shapes.items() if name.endswith("weight")] == [
        (400, 784), (40, 400), (400, 20), (784, 400)
    ]  # fmt: skip


@pytest.mark.parametrize(("size", "widths"), [(28, [8, 16]), (32, [8, 16, 16])])
def test_convolutions_halve_the_sides_and_double_the_channels_once(size, widths):
    model = vae.convolutional([3, size, size], 8, 5)
    assert [layer.weight.shape[0] for layer in model.encoder if isinstance(layer, nn.Conv2d)] == widths
    assert [layer.weight.shape[0] for layer in model.decoder if isinstance(layer, nn.ConvTranspose2d)] == widths[::-1]


# ------------------------------------------------------------------ training
def trained(out, *options, epochs=30):
    """(model, data, run) of a small VAE on random 8x8 images that are all shades of one picture."""
    rng = np.random.default_rng(0)
    x = (rng.random((64, 1, 1, 1)) * rng.random((1, 1, 8, 8))).astype(np.float32)
    run = common.Run("vae", vae.options(), ["--out", str(out), "--hidden", "16", "--sigma", "0.1", *map(str, options)])
    run.config.update(shape=[1, 8, 8], network="dense", epochs=epochs, batch=16, loss="gaussian")
    model = run.keep("model", vae.build(run.config))
    data = image_data.Images(x, x[:8])
    vae.train(run, model, run.keep("optimizer", optim.Adam(model.parameters(), lr=0.01)), data)
    return model, data, run


@pytest.mark.parametrize(("beta", "low", "high"), [(0.0, 8, None), (1.0, 4, 8), (1000.0, 0, 0.01)])
def test_beta_is_the_price_of_what_a_code_tells(beta, low, high, tmp_path):
    model, data, run = trained(tmp_path, "--beta", beta, "--latent", 2, "--sigma", 0.1)
    _, _, kl = vae.bound(model, data.x, run.config)
    assert low <= kl.mean() <= (high or np.inf)


def test_training_notes_both_terms_at_each_step_and_of_the_test_images_at_each_epochs_end(tmp_path):
    model, data, run = trained(tmp_path, "--latent", 2, epochs=3)
    steps = {name: steps for name, (steps, _) in run.history.items()}
    every = list(range(1, 13))
    assert steps == {"reconstruction": every, "kl": every, "test_reconstruction": [4, 8, 12], "test_kl": [4, 8, 12]}
    _, reconstruction, kl = vae.bound(model, data.x_test, run.config)
    last = {name: values[-1] for name, (_, values) in run.history.items()}
    assert (last["test_reconstruction"], last["test_kl"]) == (-reconstruction.mean(), kl.mean())


@pytest.mark.parametrize(("latent", "films"), [(2, {"samples", "manifold"}), (3, {"samples"})])
def test_films_of_the_samples_and_with_two_numbers_of_the_plane(latent, films, tmp_path):
    _, _, run = trained(tmp_path, "--latent", latent, epochs=1)
    assert run.frames.keys() == films
    assert {len(frames) for frames in run.frames.values()} == {run.total}


# ------------------------------------------------------------------ codes
def test_the_plane_has_a_code_in_each_cell_of_equal_probability():
    cells = scipy.stats.norm.cdf(vae.plane()) * vae.SIDE
    x, y = np.meshgrid(np.arange(vae.SIDE), np.arange(vae.SIDE)[::-1])  # as in a picture, the second axis upwards
    np.testing.assert_allclose(cells, np.stack([x.ravel(), y.ravel()], axis=1) + 0.5)


def test_codes_from_the_prior_are_the_same_for_a_seed():
    one, two, other = (vae.codes_from_prior(9, {"seed": seed, "latent": 4}) for seed in (1, 1, 2))
    assert one.shape == (9, 4) and one.dtype == np.float32
    assert (one == two).all() and not (one == other).any()


def test_codes_from_the_prior_are_standard_normal():
    z = vae.codes_from_prior(20000, {"seed": 0, "latent": 2})
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(z.T), np.eye(2), atol=0.03)


def test_an_attribute_vector_leads_from_those_without_to_those_with_it():
    rng = np.random.default_rng(0)
    attributes = {name: rng.random(5000) < share for name, share in (("hat", 0.5), ("beard", 0.2))}
    true = {"hat": np.array([2.0, 0, -1]), "beard": np.array([0, 3.0, 0])}
    codes = sum(has[:, None] * true[name] for name, has in attributes.items()) + rng.standard_normal((5000, 3))
    found = vae.attribute_vectors(codes, attributes)
    for name in true:
        np.testing.assert_allclose(found[name], true[name], atol=0.15)


# ------------------------------------------------------------------ the command line
@pytest.fixture
def few_faces(monkeypatch):
    monkeypatch.setattr(image_data, "FACES", {"x": (50, 0), "x_test": (10, 1)})


def test_a_run_on_faces_leaves_pictures_films_and_figures(few_faces, tmp_path):
    found = vae.main(["--data", "faces", "--epochs", "1", "--width", "2", "--latent", "2", "--out", str(tmp_path)])
    assert {path.stem for path in tmp_path.iterdir()} == {
        "reconstructions", "interpolation", "samples", "loss", "units", "attributes", "latent", "manifold",
        "checkpoint", "metrics",
    }  # fmt: skip
    assert {name for name, value in found.items() if isinstance(value, float)} - {"seconds"} == {
        "elbo", "log_likelihood", "kl", "elbo_first_500", "iwae_100_first_500", "test_mse"
    }  # fmt: skip
    assert found["elbo"] == pytest.approx(found["log_likelihood"] - found["kl"])
    assert found["iwae_100_first_500"] > found["elbo_first_500"]


@pytest.mark.usefixtures("few_faces")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], vae.DIGITS),
        (["--data", "faces"], vae.FACES),
        (["--data", "faces", "--loss", "rmse", "--lr", 0.1], vae.FACES | {"loss": "rmse", "lr": 0.1}),
    ],
    ids=["digits", "faces", "what is given"],
)
def test_what_is_not_given_follows_from_the_data(options, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(vae, "train", lambda *arguments: None)
    monkeypatch.setattr(vae, "report", lambda *arguments: {})
    config = vae.main(["--out", str(tmp_path), *map(str, options)])["config"]
    assert config.items() >= expected.items()
