"""WGAN: what its critics read, how clipping starves deep layers, and how many modes it finds."""

import math
import tempfile

import numpy as np

import minigrad as mg
from minigrad import optim
from minigrad.nn.utils import clip_weights_
from models import wgan
from models.metrics import critic_audit
from tests.acceptance.rows import row


@row(
    "1-D, N(0, 1) against N(W, 1), W = 1, 2, 3; critic 3x64, penalty λ = 10, Adam 1e-3, batch 256, 1,500 steps; "
    "the reading over W(1 + W/2λ), on 20,000 points",
    reading_1=(0.95, 1.05), reading_2=(0.95, 1.05), reading_3=(0.95, 1.05),
)  # fmt: skip
def critic_reading(seed):
    """The best critic under a penalty has slope 1 + W/2λ, not 1."""
    found = {}
    for distance in (1, 2, 3):
        mg.manual_seed(seed)
        rng = np.random.default_rng((seed, distance))

        def points(n, centre, rng=rng):
            return (centre + rng.standard_normal((n, 1))).astype(np.float32)

        critic = wgan.dense_critic(1, 64)
        optimizer = optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
        for step in range(1500):
            optimizer.param_groups[0]["lr"] = 1e-3 * (1 - step / 1500)
            real, fake = mg.from_numpy(points(256, 0)), mg.from_numpy(points(256, distance))
            optimizer.zero_grad()
            (wgan.critic_loss(critic, real, fake) + 10 * wgan.gradient_penalty(critic, real, fake)).backward()
            optimizer.step()
        audit = critic_audit(critic, points(20_000, 0), points(20_000, distance), rng)
        found[f"reading_{distance}"] = audit["reading"] / (distance * (1 + distance / 20))
        found[f"corrected_{distance}"] = audit["wasserstein"] / distance
    return found


def clipped_slope(hidden, seed, c=0.01, depth=12):
    """Change of log₁₀ ‖∂f/∂h‖ from one layer h of a clipped critic to the one before, minus log₁₀(c√(H/2))."""
    mg.manual_seed(seed)
    critic = wgan.dense_critic(2, hidden, layers=depth)
    optimizer = wgan.LIPSCHITZ["clip"](critic.parameters(), None)
    field = wgan.Plane("roll")
    for i in range(50):
        optimizer.zero_grad()
        wgan.critic_loss(critic, mg.from_numpy(field.batch(256, seed, i)), mg.randn(256, 2)).backward()
        optimizer.step()
        clip_weights_(critic.parameters(), c)
    outputs, x = [], mg.from_numpy(field.batch(1000, seed, 0).astype(np.float64))
    critic.double()
    for layer in critic.children():
        x = layer(x)
        outputs.append(x)
        x.retain_grad()
    x.sum().backward()
    norms = [np.log10(np.linalg.norm(h.grad.data, axis=1).mean()) for h in outputs[1:-1:2]]  # after each ReLU
    slope = -np.polyfit(np.arange(depth), norms, 1)[0]
    return slope - math.log10(c * math.sqrt(hidden / 2))


@row(
    "ReLU critic of 12 layers of width H, clipped at c = .01, RMSprop 5e-4, 50 steps on the swiss roll; "
    "change of log10 of the gradient per layer, minus log10(c sqrt(H/2))",
    width_64=(-0.08, 0.08), width_128=(-0.08, 0.08), width_256=(-0.08, 0.08),
)  # fmt: skip
def clipping_starves_deep_layers(seed):
    return {f"width_{hidden}": clipped_slope(hidden, seed) for hidden in (64, 128, 256)}


@row(
    "python -m models wgan: ring of 8, σ .02; 3x128, λ = 1, Adam 5e-4, 5 critic steps, 2,000 generator steps; "
    "2,500 samples, W₁ of 1,000 points, mean of 3",
    strict_modes=(8, 8), high_quality=(0.5, None), w1=(None, 0.2),
)  # fmt: skip
def wgan_gp_ring(seed):
    with tempfile.TemporaryDirectory() as folder:
        metrics = wgan.main(["--seed", str(seed), "--out", folder])
    return {name: metrics[name] for name in ("modes", "strict_modes", "high_quality", "w1", "w1_floor")}
