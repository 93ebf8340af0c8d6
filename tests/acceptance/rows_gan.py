"""Rows of the GAN: what a trained D reads, and PacGAN on the ring."""

import json
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import norm

import minigrad as mg
from minigrad import optim
from models import gan
from models.__main__ import main
from models.metrics import best_discriminator_value
from tests.acceptance.rows import row

DISTANCES = (0, 0.5, 1, 2, 4)


@row(
    "a D of 1-64-64-1 trained by the loss of models/gan.py, N(0, 1) against N(d, 1), d = 0, .5, 1, 2, 4: Adam 1e-3, "
    "500 steps of 1,000 + 1,000 new points; V(D, G) over 100,000 quantiles of each against −log 4 + 2 JSD",
    worst=(None, 0.02),
)
def jsd_identity(seed):
    quantiles = norm.ppf((np.arange(100_000) + 0.5) / 100_000).astype(np.float32)[:, None]
    found = {}
    for d in DISTANCES:
        discriminator = trained_discriminator(d, seed)
        with mg.no_grad():
            v = gan.value(discriminator(mg.tensor(quantiles)), discriminator(mg.tensor(quantiles + d))).item()
        found[f"v_{d}"] = v
        found[f"error_{d}"] = abs(v - best_discriminator_value(norm(0, 1).pdf, norm(d, 1).pdf, -12, 12 + d))
    return found | {"worst": max(found[f"error_{d}"] for d in DISTANCES)}


def trained_discriminator(d: float, seed: int):
    mg.manual_seed(seed)
    discriminator = gan.Discriminator(1, [64, 64])
    optimizer = optim.Adam(discriminator.parameters(), lr=1e-3)
    for _ in range(500):
        real, fake = mg.randn(1000, 1), mg.randn(1000, 1) + d
        loss = -gan.value(discriminator(real), discriminator(fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return discriminator


@row(
    "python -m models gan --data ring --std 0.01 --latent 16, 6,000 steps, 2x128, lr 1e-3, with --pack 2 and "
    "without (plain_, no bound); W₁ of 1,000 samples, mean of 3 draws; modes of 2,500 samples",
    w1=(None, 0.12),
)
def pacgan_on_the_ring(seed):
    plain, packed = ring(seed), ring(seed, "--pack", 2)
    return packed | {f"plain_{name}": value for name, value in plain.items()}


def ring(seed, *options) -> dict:
    protocol = ("--data", "ring", "--std", 0.01, "--latent", 16, "--steps", 6000, "--hidden", "128,128", "--lr", 1e-3)
    with tempfile.TemporaryDirectory() as out:
        assert main(["gan", *map(str, (*protocol, *options, "--seed", seed, "--out", out))]) == 0
        found = json.loads((Path(out) / "metrics.json").read_text())
    return {name: found[name] for name in ("w1", "w1_floor", "modes", "strict_modes", "high_quality")}
