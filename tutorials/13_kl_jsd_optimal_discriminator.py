# %% [markdown]
# # 13 · KL, JSD and the optimal discriminator
# # KL, JSD, 그리고 최적의 판별자
#
# **Deck**: KLD, JSD, 부록
#
# **Question.** How far is one distribution from another, and what does a GAN's discriminator know about it?
#
# **질문.** 한 분포는 다른 분포에서 얼마나 멀리 있으며, GAN의 판별자는 그 거리에 대해 무엇을 알고 있는가?
#
# **Summary.** The KL divergence depends on which of the two distributions comes first, and fitted in its two
# directions the same model does two different things. The Jensen-Shannon divergence (JSD) is symmetric, at most
# $\log 2$, and its root is a true distance. The best discriminator is $D^* = p/(p+q)$, the value that it reaches is
# $-\log 4 + 2\,\mathrm{JSD}$, and a small trained network comes within a hundredth of it.
#
# **요약.** KL 발산은 두 분포의 순서에 따라 값이 다르고, 어느 방향을 줄이느냐에 따라 같은 모델도 전혀 다르게 맞추어진다.
# 젠슨-섀넌 발산(JSD)은 대칭이고 $\log 2$를 넘지 않으며, 그 제곱근은 수학적 의미의 거리이다. 최적의 판별자는
# $D^* = p/(p+q)$이고 그때의 값은 $-\log 4 + 2\,\mathrm{JSD}$이며, 작은 신경망을 학습시키면 이 값에 0.01 이내로
# 다가간다.

# %%
import math

import numpy as np
from lesson import SEED, claim, show, source
from scipy.integrate import quad
from scipy.special import expit, rel_entr
from scipy.stats import norm

import minigrad as mg
from minigrad import optim, plot
from models import gan
from models.metrics import best_discriminator_value, jensen_shannon

rng = np.random.default_rng(SEED)
mg.manual_seed(SEED)

# %% [markdown]
# ## 1. KL, and its two directions
#
# If the world draws $x$ from $p$ and we believe in $q$, the surprise that we could have been spared is on average
#
# $$\mathrm{KL}(p \,\|\, q) = \int p(x) \log \frac{p(x)}{q(x)}\,dx \;\ge 0,$$
#
# and 0 only for $p = q$. It is no distance: the weight in front of the logarithm is $p$, so it matters which one that
# is. For two Gaussians with $\mu = 0$ and deviations 1 and $s$ it is $\log s + \frac{1}{2 s^2} - \frac12$, which is
# also a test of our integrals:


# %%
def kl(p, q, low=-30, high=30):
    """KL(p ‖ q) in nats of two densities, by quadrature."""
    return quad(lambda x: rel_entr(p(x), q(x)), low, high, limit=200, epsabs=1e-12, points=(-1, 0, 1))[0]


narrow, wide = norm(0, 1).pdf, norm(0, 3).pdf
there, back = kl(narrow, wide, -12, 12), kl(wide, narrow, -36, 36)
claim("KL(narrow ‖ wide), off from its formula", abs(there - (math.log(3) + 1 / 18 - 0.5)), "<", 1e-9)
claim("KL(wide ‖ narrow), off from its formula", abs(back - (-math.log(3) + 9 / 2 - 0.5)), "<", 1e-9)
claim("the second over the first", back / there, ">", 4)

# %% [markdown]
# To believe in the narrow one when the wide one is true costs over four times as much as the other mistake: points
# far out are then all but impossible, and come nevertheless.
#
# The direction decides what a model learns that cannot be right. Let $p$ have two humps and $q$ be a single Gaussian
# $N(\mu, s^2)$, and fit $\mu$ and $\log s$ by gradient descent on each of the two divergences, as sums over a fine
# grid:

# %%
grid = mg.linspace(-8, 8, 1601, dtype=np.float64)
dx = 0.01
humps = mg.tensor(0.5 * norm(-2, 0.6).pdf(grid.numpy()) + 0.5 * norm(2, 0.6).pdf(grid.numpy()))


def gaussian(mu, log_s):
    return mg.exp(-0.5 * ((grid - mu) / mg.exp(log_s)) ** 2 - log_s) / math.sqrt(2 * math.pi) + 1e-300


def fit(divergence):
    """μ and s of the q with the smallest divergence, from a start drawn at random."""
    mu = mg.tensor(rng.uniform(0.5, 1.5), dtype=np.float64, requires_grad=True)
    log_s = mg.tensor(0.0, dtype=np.float64, requires_grad=True)
    optimizer = optim.Adam([mu, log_s], lr=0.02)
    for _ in range(1000):
        loss = divergence(humps, gaussian(mu, log_s))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return mu.detach(), log_s.detach()


def forward(p, q):
    return mg.sum(p * mg.log(p / q)) * dx


def reverse(p, q):
    return mg.sum(q * mg.log(q / p)) * dx


covering, seeking = fit(forward), fit(reverse)
fig, axes = plot.figure(1, 1, 6.2, 3.0)
ax = axes[0, 0]
ax.fill_between(grid.numpy(), humps.numpy(), color="lightgrey", label="p")
ax.plot(grid.numpy(), gaussian(*covering).numpy(), label="q with least KL(p ‖ q)")
ax.plot(grid.numpy(), gaussian(*seeking).numpy(), label="q with least KL(q ‖ p)")
ax.set(xlabel="x", ylabel="density", title="One Gaussian for two humps", xlim=(-6, 6))
ax.legend(fontsize=8)
show(fig)
claim("least KL(p ‖ q): |μ|, where the mean of p is 0", abs(covering[0].item()), "<", 0.01)
claim(
    "... and s, off from the deviation of p, √(4 + 0.36)",
    abs(math.exp(covering[1].item()) - math.sqrt(4.36)),
    "<",
    0.01,
)
claim("least KL(q ‖ p): μ, off from the hump at 2", abs(seeking[0].item() - 2), "<", 0.05)
claim("... and s, off from its 0.6", abs(math.exp(seeking[1].item()) - 0.6), "<", 0.05)

# %% [markdown]
# $\mathrm{KL}(p\|q)$ is infinite where $p$ has something and $q$ has not, so $q$ *covers* all of $p$, and most of its
# mass may fall between the humps, where nothing is. Maximum likelihood is this direction. $\mathrm{KL}(q\|p)$ is
# infinite where $q$ has something and $p$ has not, so $q$ *seeks* one hump and forgets the other.
#
# ## 2. JSD, whose root is a distance
#
# Each direction becomes infinite as soon as its second density vanishes where its first does not. Comparing each
# density with the mean $m = \frac12(p + q)$ instead, which vanishes nowhere where they do not, gives
#
# $$\mathrm{JSD}(p, q) = \tfrac12 \mathrm{KL}(p \,\|\, m) + \tfrac12 \mathrm{KL}(q \,\|\, m),$$
#
# symmetric, between 0 and $\log 2$. A *distance* $d$ must also keep the triangle inequality: a detour is never shorter,
# $d(a, c) \le d(a, b) + d(b, c)$. We try it on 300,000 random triples of distributions over 2 to 6 outcomes, from
# nearly even ones to nearly certain ones, with $d$ = KL, JSD and $\sqrt{\mathrm{JSD}}$.


# %%
def kl_rows(p, q):
    return rel_entr(p, q).sum(axis=-1)


def jsd_rows(p, q):
    m = (p + q) / 2
    return (kl_rows(p, m) + kl_rows(q, m)) / 2


measures = {"KL": kl_rows, "JSD": jsd_rows, "√JSD": lambda p, q: np.sqrt(np.maximum(jsd_rows(p, q), 0))}
ratios = {name: [] for name in measures}
largest = asymmetry = 0.0
for outcomes in range(2, 7):
    concentration = 10.0 ** rng.uniform(-0.5, 1, (60_000, 3, 1))
    weights = rng.standard_gamma(np.broadcast_to(concentration, (60_000, 3, outcomes))) + 1e-12
    a, b, c = (weights / weights.sum(axis=2, keepdims=True)).swapaxes(0, 1)
    for name, d in measures.items():
        ratios[name].append(d(a, c) / (d(a, b) + d(b, c)))
    largest = max(largest, jsd_rows(a, c).max())
    asymmetry = max(asymmetry, abs(jsd_rows(a, c) - jsd_rows(c, a)).max())
ratios = {name: np.concatenate(parts) for name, parts in ratios.items()}

fig, axes = plot.figure(1, 1, 6.2, 3.0)
ax = axes[0, 0]
for name, ratio in ratios.items():
    ax.hist(ratio, np.linspace(0, 2, 101), histtype="step", label=name, linewidth=1.5)
ax.axvline(1, linestyle=":", color="grey", label="triangle inequality")
ax.set(xlabel="d(a, c) / (d(a, b) + d(b, c))", ylabel="triples", title="Is the detour over b ever shorter?")
ax.legend(fontsize=8)
show(fig)
for name in ("KL", "JSD"):
    claim(f"{name}: share of triples in which the detour is shorter", float(np.mean(ratios[name] > 1)), ">", 0.05)
claim("√JSD: triples in which the detour is shorter", int(np.sum(ratios["√JSD"] > 1 + 1e-9)), "==", 0)
claim("√JSD: largest ratio found", float(ratios["√JSD"].max()), ">", 0.99)
claim("largest JSD", largest, "<=", math.log(2))
claim("JSD(a, c) − JSD(c, a), largest", asymmetry, "<", 1e-14)

# %% [markdown]
# Right of the dotted line a detour is shorter than the direct way. KL and JSD go there (KL even beyond 2, which is not
# drawn); $\sqrt{\mathrm{JSD}}$ stops right at the line and never crosses. So JSD is the square of a distance (Endres
# and Schindelin 2003 proved it).
#
# ## 3. The best discriminator
#
# A GAN's discriminator $D(x)$ says how surely $x$ is real. Data come from $p$, samples from $q$, and $D$ is to raise
#
# $$V(D, G) = \int p(x) \log D(x) + q(x) \log (1 - D(x))\,dx .$$
#
# At each $x$ that is $p \log D + q \log(1 - D)$. Its derivative $\frac pD - \frac q{1-D}$ is 0 at
#
# $$D^*(x) = \frac{p(x)}{p(x) + q(x)},$$
#
# and there, since $p + q = 2m$,
#
# $$V(D^*, G) = \int p \log \frac{p}{2m} + q \log \frac{q}{2m} = -2 \log 2 + \mathrm{KL}(p\|m) + \mathrm{KL}(q\|m)
#   = -\log 4 + 2\, \mathrm{JSD}(p, q).$$
#
# Let us integrate the left side and the right side, each by itself, for data $N(0, 1)$ and samples $N(d, 1)$. Here
# $\log \frac pq = \frac{d^2}2 - d\,x$, so $D^*$ is a sigmoid of a straight line. minigrad's measure of the right side:

# %%
source(jensen_shannon, best_discriminator_value)


# %%
def value_at(discriminator_logit, d):
    """V(D, G) for data N(0, 1), samples N(d, 1) and D = σ(logit), by quadrature."""
    p, q = norm(0, 1).pdf, norm(d, 1).pdf

    def integrand(x):
        logit = discriminator_logit(x)
        return -p(x) * np.logaddexp(0, -logit) - q(x) * np.logaddexp(0, logit)

    return quad(integrand, -12, 12 + d, epsabs=1e-12, epsrel=1e-12, limit=200)[0]


def best_logit(d):
    return lambda x: d * d / 2 - d * x


distances = 0.0, 0.5, 1.0, 2.0, 4.0
known = -1.3863, -1.3257, -1.1635, -0.7126, -0.1209  # four digits of it, computed elsewhere
left = [value_at(best_logit(d), d) for d in distances]
right = [best_discriminator_value(norm(0, 1).pdf, norm(d, 1).pdf, -12, 12 + d) for d in distances]
for d, value in zip(distances, left):
    print(f"d = {d}: V(D*, G) = {value:.4f}")
claim("V(D*, G) against −log 4 + 2 JSD, largest difference", float(np.abs(np.subtract(left, right)).max()), "<", 1e-10)
claim("... against figures computed elsewhere", float(np.abs(np.subtract(left, known)).max()), "<", 1e-4)
worse = [
    value_at(lambda x, scale=scale, shift=shift: scale * best_logit(2.0)(x) + shift, 2.0)
    for scale, shift in ((0.8, 0), (1.25, 0), (1, 0.3), (1, -0.3))
]
claim("d = 2: four other discriminators, the best of them minus D*", max(worse) - left[3], "<", -1e-3)

# %% [markdown]
# ## 4. A trained discriminator
#
# A GAN has no densities. It has samples, and a network that learns to raise $V$ as a mean over them. The very loss
# that `models/gan.py` trains with, in terms of the logit $l$ with $D = \sigma(l)$:

# %%
source(gan.value)

# %% [markdown]
# So let a network of two hidden layers of 64 learn for 500 steps, with 1,000 new points of each kind at every step.
# Then $V$ is measured exactly: by quantiles of the two Gaussians in place of random points.

# %%
quantiles = norm.ppf((np.arange(20_000) + 0.5) / 20_000).astype(np.float32)[:, None]


def measured_value(discriminator, d):
    with mg.no_grad():
        real, fake = discriminator(mg.tensor(quantiles)), discriminator(mg.tensor(quantiles + np.float32(d)))
        return gan.value(real, fake).item()


def trained(d):
    """A discriminator between N(0, 1) and N(d, 1), and its V on the way."""
    discriminator = gan.Discriminator(1, [64, 64])
    optimizer = optim.Adam(discriminator.parameters(), lr=1e-3)
    way = []
    for step in range(500):
        real, fake = mg.randn(1000, 1), mg.randn(1000, 1) + d
        loss = -gan.value(discriminator(real), discriminator(fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if math.isqrt(step + 1) ** 2 == step + 1 or step == 499:  # after 1, 4, 9, 16, ... steps:
            way.append(measured_value(discriminator, d))
    return discriminator, way


discriminators, ways = zip(*(trained(d) for d in distances))

# %% tags=["key"]
fig, axes = plot.figure(1, 2, 4.0, 3.3)
curve = np.linspace(0, 5, 26)
theory = [best_discriminator_value(norm(0, 1).pdf, norm(d, 1).pdf, -12, 12 + d) for d in curve]
ax = axes[0, 0]
ax.plot(curve, theory, label="−log 4 + 2 JSD")
ax.plot(distances, [way[-1] for way in ways], "o", label="trained D")
ax.axhline(-math.log(4), linestyle=":", color="grey")
ax.axhline(0, linestyle=":", color="grey")
ax.set(xlabel="distance d of the samples from the data", ylabel="value V(D, G)", title="What D gains is twice the JSD")
ax.legend(fontsize=8)
ax = axes[0, 1]
line = np.linspace(-4, 6, 201, dtype=np.float32)[:, None]
for d, discriminator, colour in zip(distances[1:], discriminators[1:], ("C0", "C1", "C2", "C3")):
    with mg.no_grad():
        ax.plot(line, mg.sigmoid(discriminator(mg.tensor(line))).numpy(), color=colour, label=f"d = {d}")
    ax.plot(line, expit(best_logit(d)(line)), "k:", linewidth=1)
ax.set(xlabel="x", ylabel="D(x)", title="Trained D, and D* (dotted)")
ax.legend(fontsize=8)
show(fig)
errors = [abs(way[-1] - value) for way, value in zip(ways, left)]
claim("V(D*, G) against −log 4 + 2 JSD by quadrature", float(np.abs(np.subtract(left, right)).max()), "<", 1e-10)
claim("V of the trained D against it, five distances, largest error in nats", max(errors), "<", 0.01)

# %% [markdown]
# Left, the trained networks lie on the theory: from $-\log 4$, where samples and data are the same and the best that
# $D$ can say is ½, up towards 0, where it is always right. Right, the network has found $D^*$ itself, wherever there
# are points to learn from. So the height of the discriminator's value *measures* how far the generator is from the
# data, if only $D$ is trained to its best. On the way there it is a lower bound:

# %%
fig, axes = plot.figure(1, 1, 6.2, 3.0)
ax = axes[0, 0]
looks = [*(i * i for i in range(1, 23)), 500]
for d, way, value in zip(distances[1:], ways[1:], left[1:]):
    ax.semilogy(looks, value - np.array(way), label=f"d = {d}")
ax.set(xlabel="step", ylabel="V(D*, G) − V(D, G), nats", title="How far the discriminator still is from the best one")
ax.grid(alpha=0.3)
ax.legend(fontsize=8)
show(fig)
above = max(max(way) - value for way, value in zip(ways, left))
claim("how far V ever rises above the bound", above, "<", 1e-4)

# %% [markdown]
# The logarithm of a negative number would leave a gap in a line: the way to the bound is always from below. A
# discriminator that has had a few steps only underrates the distance, and that is the state in which a GAN's
# discriminator usually is.
#
# ## 5. Far apart, all distances are one
#
# JSD has a ceiling, $\log 2$, and comes near it as soon as two distributions hardly overlap. Beyond, it is flat, and
# a generator that learns from it is told nothing about the way home. KL keeps growing, but only as long as densities
# overlap at all. This is what the Wasserstein distance, in a later lesson, is for.

# %%
apart = np.array([0.5, 1, 2, 4, 6, 8])
jsd = np.array([jensen_shannon(norm(0, 1).pdf, norm(d, 1).pdf, -12, 12 + d) for d in apart])
print("   d   KL = d²/2      JSD   JSD/log 2")
for d, value in zip(apart, jsd):
    print(f"{d:4.1f}   {kl(norm(0, 1).pdf, norm(d, 1).pdf, -12, 12):9.4f}   {value:.4f}   {value / math.log(2):9.6f}")
claim("JSD from d = 6 to d = 8 grows by", jsd[5] - jsd[4], "<", 0.005)
claim("... from d = 1 to d = 2 by", jsd[2] - jsd[1], ">", 0.1)

# %% [markdown]
# ## Try this
#
# 1. Fit the single Gaussian to the humps by the JSD. Does it cover or seek? Move the humps nearer and try again.
# 2. Compute D* for samples $N(0, 2^2)$ instead of $N(d, 1)$. What shape has it, and does the network learn it?
# 3. Train a discriminator with no hidden layer, `gan.Discriminator` replaced by `nn.Linear(1, 1)`. For $N(d, 1)$ it is
#    as good as the deep one: why? And for $N(0, 2^2)$?
# 4. Train with only 50 points of each kind, the same ones at each step. The value on *these points* rises above the
#    bound. Why is that no contradiction, and what does it mean for a GAN on few images?
# 5. For which powers $\mathrm{JSD}^r$ does the triangle inequality hold in part 2? Try $r$ = 0.4, 0.6, 0.8.
#
# **[Homework](homework/README.md)**: 23 kl_jsd_optimal_d
