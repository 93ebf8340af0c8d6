"""The variational autoencoder: against probabilistic PCA, on full MNIST beside a plain autoencoder, and on faces."""

import functools
import math
import tempfile

import numpy as np
import scipy.stats

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim
from minigrad.data import faces
from minigrad.data.faces import BINARY
from models import common, image_data, metrics, vae
from tests.acceptance.rows import real_data, real_digits, row


# ------------------------------------------------------------------ against probabilistic PCA
@row(
    "Linear encoder and decoder, Gaussian pixels of fixed σ² = 1, latent 8; 5,000 points in 20 dimensions, 5 of whose "
    "variances exceed σ². Probabilistic PCA (Tipping & Bishop 1999) has the best ELBO, its own log-likelihood, and the "
    "best KL, Σ ½ log λ/σ². 3,000 steps of Adam, 1e-2 decayed to 0, batch 500; ELBO by 20 draws",
    elbo_error=(-0.03, 0.03), kl_error=(-0.03, 0.03), active_units_error=(0, 0),
)  # fmt: skip
def linear_vae(seed):
    rng = np.random.default_rng(seed)
    d, k, n, steps = 20, 8, 5000, 3000
    deviations = np.sqrt([9, 6, 4, 3, 2, *np.linspace(0.5, 0.1, d - 5)])
    x = rng.standard_normal((n, d)) * deviations @ np.linalg.qr(rng.standard_normal((d, d)))[0] + rng.standard_normal(d)
    variance, directions = np.linalg.eigh(np.cov(x.T, bias=True))
    best = directions * np.maximum(variance, 1) @ directions.T
    log_p = scipy.stats.multivariate_normal(x.mean(axis=0), best).logpdf(x).mean()

    mg.manual_seed(seed)
    config = {"loss": "gaussian", "sigma": 1.0, "seed": seed}
    model = vae.VAE(nn.Linear(d, 2 * k), nn.Linear(k, d))
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    x = x.astype(np.float32)
    for step in range(steps):
        reconstruction, kl = vae.loss_terms(model, mg.from_numpy(x[common.batch(n, 500, seed, step)]), config)
        optimizer.zero_grad()
        (reconstruction + kl).backward()
        optimizer.step()
        schedule.step()
    mu, log_var = vae.encode(model, x)
    elbo, _, kl = metrics.elbo(vae.log_likelihood(model, config), x, mu, log_var, 20, np.random.default_rng(seed))
    best_kl = 0.5 * np.log(variance[variance > 1]).sum()
    return {
        "elbo_error": float(elbo.mean() - log_p),
        "kl_error": float(kl.mean() - best_kl),
        "active_units_error": metrics.active_units(mu) - int((variance > 1).sum()),
    }


# ------------------------------------------------------------------ digits
@functools.cache
def trained_on_mnist(seed):
    """Figures after 3 epochs and, the run resumed, after 10."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--data", str(real_data("mnist")), "--out", folder]
        early = vae.main([*options, "--seed", str(seed), "--epochs", "3"])
        return early, vae.main([*options, "--resume", "--epochs", "10"])


@row(
    "python -m models vae on full MNIST: 784-400-20, Adam 1e-3, batch 128, Bernoulli. Test loss −ELBO by one draw for "
    "each of 10,000 images; IWAE of 100 draws against the ELBO, first 500",
    loss_at_epoch_3=(110.1, 113.1), loss_at_epoch_10=(104.8, 106.4), iwae_above_elbo=(2.5, 6),
)  # fmt: skip
def vae_on_mnist(seed):
    early, late = trained_on_mnist(seed)
    return {
        "loss_at_epoch_3": -early["elbo"],
        "loss_at_epoch_10": -late["elbo"],
        "iwae_above_elbo": late["iwae_100_first_500"] - late["elbo_first_500"],
        "reconstruction": -late["log_likelihood"],
        "kl": late["kl"],
        "active_units": late["active_units"],
    }


@row(
    "5,000 samples decoded from z ~ N(0, I) after 3 epochs on full MNIST: FIDn of an autoencoder (the same networks, "
    "z = μ and no KL term) over that of the VAE",
    ratio=(2.5, None),
)
def prior_samples(seed):
    (x, _), (x_test, _) = real_digits()
    config = {
        "network": "dense",
        "loss": "bernoulli",
        "shape": [1, 28, 28],
        "hidden": [400],
        "latent": 20,
        "seed": seed,
    }
    mg.manual_seed(seed)
    model = vae.build(config)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    for step in range(3 * math.ceil(len(x) / 128)):
        images = mg.from_numpy(x[common.batch(len(x), 128, seed, step)].reshape(-1, 1, 28, 28))
        mu, _ = model.encode(images)
        optimizer.zero_grad()
        vae.bernoulli(model.decoder(mu), images, config).backward()
        optimizer.step()
    samples = vae.decode(model, vae.codes_from_prior(5000, config), config)
    of_test, of_samples = (metrics.read_digits(images)[0] for images in (x_test, samples))
    fidn_ae, fidn_vae = metrics.fidn(of_samples, of_test), trained_on_mnist(seed)[0]["fidn"]
    return {"ratio": fidn_ae / fidn_vae, "fidn_ae": fidn_ae, "fidn_vae": fidn_vae}


# ------------------------------------------------------------------ faces
@row(
    "python -m models vae --data faces; 2,000 test faces. For each of smile, glasses, long hair, beard and hat 1.25 "
    "times its vector is added to the mean code of those without it and subtracted from that of those with it. The "
    "judge is a CNN trained on 5,000 other faces and their real attributes. Worst attribute: faces whose attribute "
    "flips, of all and of those it was added to; faces in which one other attribute is not judged as in the "
    "reconstruction",
    accuracy_of_the_judge=(0.98, None), flips=(0.9, None), flips_added=(0.9, None), others=(None, 0.1),
)  # fmt: skip
def face_attributes(seed):
    with tempfile.TemporaryDirectory() as folder:
        config = vae.main(["--data", "faces", "--seed", str(seed), "--out", folder])["config"]
        checkpoint = common.load_checkpoint(f"{folder}/checkpoint.npz", vae.NAME)
        model = common.restored(checkpoint, "model", vae.build(config))
    data, judge = image_data.load("faces"), trained_judge(seed)
    has = np.stack([data.test_attributes[name] for name in BINARY], axis=1)
    accuracy = (judged(judge, data.x_test) == has).mean(axis=0).min()
    return {"accuracy_of_the_judge": float(accuracy)} | change_attributes(model, config, data, has, judge, 1.25)


def change_attributes(model, config, data, has, judge, strength):
    mu, _ = vae.encode(model, data.x_test)
    before = judged(judge, vae.decode(model, mu, config))
    vectors = vae.attribute_vectors(vae.encode(model, data.x)[0], data.attributes)
    flips, added, others = [], [], []
    for i, name in enumerate(BINARY):
        direction = np.where(has[:, i], -strength, strength)[:, None]
        after = judged(judge, vae.decode(model, mu + direction * vectors[name], config))
        flips.append((after != has)[:, i].mean())
        added.append(after[~has[:, i], i].mean())
        others.append(np.delete((after != before).mean(axis=0), i).max())
    return {"flips": float(min(flips)), "flips_added": float(min(added)), "others": float(max(others))}


def trained_judge(seed):
    mg.manual_seed(seed)
    judge = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 8 * 8, 64), nn.ReLU(), nn.Linear(64, len(BINARY)),
    )  # fmt: skip
    optimizer = optim.Adam(judge.parameters(), lr=2e-3)
    steps = 3 * math.ceil(5000 / 64)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    x, attributes = faces(5000, seed=2)
    y = np.stack([attributes[name] for name in BINARY], axis=1).astype(np.float32)
    for step in range(steps):
        rows = common.batch(len(x), 64, seed, step)
        optimizer.zero_grad()
        logits = judge(mg.from_numpy(x[rows] / np.float32(255)))
        F.binary_cross_entropy_with_logits(logits, mg.from_numpy(y[rows])).backward()
        optimizer.step()
        schedule.step()
    return judge


def judged(judge, images) -> np.ndarray:
    """Who has which attribute, (n, attributes) bool"""
    return common.outputs(judge, judge, images, size=500) > 0
