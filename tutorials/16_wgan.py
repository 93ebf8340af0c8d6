# %% [markdown]
# # 16 · WGAN: distance, Lipschitz, clipping, penalty
# # WGAN: 거리, 립시츠, 가중치 절단, 기울기 벌점
#
# **Deck**: Wasserstein GAN
#
# **Question.** Which distance tells a generator in what direction to go when it is still far from the data, and how can
# a network measure it?
#
# **질문.** 생성자가 아직 데이터에서 멀리 있을 때 어느 쪽으로 가야 할지 알려 주는 거리는 무엇이며, 신경망으로 그것을
# 어떻게 잴 수 있는가?
#
# **Summary.** Between two parallel lines the Jensen-Shannon divergence is $\log 2$ at every distance but 0, while the
# Wasserstein distance is the distance itself. A critic whose slope is held near 1 can measure it, up to a scale, and
# its slopes point along the best transport. Clipping the weights makes the gradient vanish or explode with depth; a
# penalty on its norm holds it near 1, for which the gradient itself must be differentiated.
#
# **요약.** 평행한 두 선분 사이의 젠슨-섀넌 발산은 거리가 0만 아니면 늘 $\log 2$이지만, 바서슈타인 거리는 두 선분의 거리
# 그 자체이다. 기울기가 1 근처로 유지되는 비평자는 이 거리를 척도의 차이만 남기고 잴 수 있으며, 비평자의 기울기는 최적
# 수송의 방향을 가리킨다. 가중치를 절단하면 층이 깊어질수록 기울기가 소실되거나 폭발하지만, 기울기의 크기에 벌점을 주면
# 1 근처로 유지되는데, 이때 기울기 자체를 다시 미분해야 한다.

# %%
import math

import numpy as np
from lesson import SEED, claim, show, source
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr

import minigrad as mg
from minigrad import nn, optim, plot
from minigrad.data import mixtures
from minigrad.nn.utils import clip_weights_
from minigrad.ops.reduce import Norm
from models.gan import Discriminator, value
from models.metrics import critic_audit, wasserstein
from models.wgan import critic_loss, dense_critic, dense_generator, gradient_penalty

mg.manual_seed(SEED)
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## 1. Two parallel lines
#
# Data: the upright segment at $x = 0$. Samples: the same segment at $x = \theta$. How far apart are they? For $\theta
# \ne 0$ they share no point. So with $m = \frac12(p + q)$
#
# $$\mathrm{JSD}(p, q) = \tfrac12\mathrm{KL}(p\,\|\,m) + \tfrac12\mathrm{KL}(q\,\|\,m) = \tfrac12\log 2 +
# \tfrac12\log 2 = \log 2,$$
#
# however near they are: its derivative in $\theta$ is 0, and a generator that could move $\theta$ learns nothing.
# The Wasserstein distance is the mean way that mass must travel if it is moved in the best manner,
#
# $$W(p, q) = \min_{\text{pairings}} \mathbb{E}\,\lVert x - y\rVert = \lvert\theta\rvert .$$
#
# It is also the largest difference that a function of slope at most 1 can make (Kantorovich and Rubinstein):
#
# $$W(p, q) = \max_{\lVert\nabla f\rVert\le 1}\; \mathbb{E}_{x\sim p} f(x) - \mathbb{E}_{x\sim q} f(x).$$
#
# That is what WGAN trains: $f$, the *critic*, without a sigmoid. One way to hold its slope is to add a penalty to its
# loss; section 4 says how it works.

# %%
source(critic_loss, gradient_penalty)


# %%
def trained_critic(critic, real, fake, penalty, steps):
    """The critic after so many steps between two distributions."""
    optimizer = optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 1e-3 * (1 - step / steps)
        x, y = (mg.from_numpy(points.sample(256, rng)) for points in (real, fake))
        weight = penalty * min(1, step / 100)  # it comes slowly: see the trap in section 4
        loss = critic_loss(critic, x, y) + weight * gradient_penalty(critic, x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return critic


def trained_discriminator(real, fake, steps=400):
    discriminator = Discriminator(2, [64, 64])
    optimizer = optim.Adam(discriminator.parameters(), lr=1e-2)
    for _ in range(steps):
        x, y = (mg.from_numpy(points.sample(256, rng)) for points in (real, fake))
        loss = -value(discriminator(x), discriminator(y))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return discriminator


# %% [markdown]
# At five places $\theta$ we train a discriminator, whose value is $-\log 4 + 2\,\mathrm{JSD}$ at best, and a critic. In
# the figure the lines are theory and the dots are what the networks found. Orange is flat: a GAN's discriminator tells
# the lines apart perfectly at every distance, and that is all it tells. Blue knows the way.

# %% tags=["key"]
thetas = [-1.0, -0.5, 0.25, 0.5, 1.0]
divergences, distances = [], []
for theta in thetas:
    real, fake = mixtures.Line(0), mixtures.Line(theta)
    x, y = real.sample(2000, rng), fake.sample(2000, rng)
    discriminator = trained_discriminator(real, fake)
    with mg.no_grad():
        v = value(discriminator(mg.from_numpy(x)), discriminator(mg.from_numpy(y))).item()
    divergences.append((v + math.log(4)) / 2)
    critic = trained_critic(dense_critic(2, 64), real, fake, penalty=10, steps=500)
    distances.append(critic_audit(critic, x, y, rng)["wasserstein"])

fig, axes = plot.figure(1, 1, 6, 3.8)
ax = axes[0, 0]
line = np.linspace(-1.2, 1.2, 101)
ax.plot(line, abs(line), "C0", label="W = |θ|")
ax.plot(line, np.where(line == 0, np.nan, math.log(2)), "C1", label="JSD = log 2, and 0 at θ = 0")
ax.plot(0, 0, "C1o", markersize=4)
ax.plot(thetas, distances, "C0s", label="a critic's reading over its slope")
ax.plot(thetas, divergences, "C1D", label="a discriminator's (V + log 4)/2")
ax.set(xlabel="θ, where the second line is", ylabel="distance", title="Two parallel lines")
ax.legend()
ax.grid(alpha=0.3)
show(fig)
points = mixtures.Line(0).sample(500, SEED)
claim("W of 500 points and the same moved by 0.3, off 0.3",
      abs(wasserstein(points, points + np.float32([0.3, 0])) - 0.3), "<", 1e-6)  # fmt: skip
claim("discriminators: JSD off log 2, at most", np.max(np.abs(np.array(divergences) - math.log(2))), "<", 0.01)
claim("critics: W off |θ|, at most", np.max(np.abs(np.array(distances) - np.abs(thetas))), "<", 0.03)

# %% [markdown]
# ## 2. A critic against exact transport
#
# For finitely many points $W$ is exact: pair them so that the sum of distances is smallest. Data: the ring of eight
# Gaussians. Samples: one blob inside. The grey lines are the best pairs, the colours a critic that knows nothing of
# pairs. Look at their directions: where the lines go, the critic climbs, and straight up its slope.

# %%
ring, blob = mixtures.ring(), mixtures.Mixture(np.array([[0.3, 0.0]]), std=0.3)
critic = trained_critic(dense_critic(2, 64), ring, blob, penalty=1, steps=1000)
real_points, samples = ring.sample(1000, rng), blob.sample(1000, rng)
lengths = cdist(samples, real_points)
i, j = linear_sum_assignment(lengths)
exact = lengths[i, j].mean()
claim("the mean length of the best pairs is metrics.wasserstein", exact, "==", wasserstein(samples, real_points))

audit = critic_audit(critic, real_points, samples, rng)
x = mg.tensor(samples, requires_grad=True)
(slope,) = mg.autograd.grad(critic(x).sum(), x)
ways = (real_points[j] - samples[i]) / lengths[i, j][:, None]
cosine = (slope.numpy() / np.linalg.norm(slope.numpy(), axis=1)[:, None] * ways).sum(axis=1)
print(f"exact W {exact:.3f}; the critic reads {audit['reading']:.3f} with a mean slope of {audit['gradient_norm']:.3f}")

fig, axes = plot.figure(1, 1, 5.5, 4.4)
ax = axes[0, 0]
axis = np.linspace(-1.3, 1.3, 80, dtype=np.float32)
with mg.no_grad():
    heights = critic(mg.tensor(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2))).numpy().reshape(80, 80)
fig.colorbar(ax.contourf(axis, axis, heights, 20, cmap="coolwarm"), label="critic f(x)")
for start, end in zip(samples[i[:100]], real_points[j[:100]]):
    ax.plot(*np.stack([start, end]).T, color="0.35", linewidth=0.6)
ax.scatter(*real_points[j[:100]].T, s=8, color="black", zorder=2, label="data")
ax.scatter(*samples[i[:100]].T, s=8, color="lime", zorder=2, label="samples")
ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal", title="The best pairs over a critic's landscape")
ax.legend(loc="upper left")
show(fig)
claim("critic's reading over its slope, relative to exact W, off 1", abs(audit["wasserstein"] / exact - 1), "<", 0.15)
claim("cosine between a sample's best way and the critic's slope there, median", np.median(cosine), ">", 0.9)

# %% [markdown]
# ## 3. Clipping: the gradient starves or explodes
#
# The first WGAN (Arjovsky et al. 2017) held the slope by cutting every weight to $[-c, c]$ after each step. What does
# that do to a deep critic? Weights are soon at $\pm c$, with signs that are as good as random. Going back through a
# ReLU layer of width $H$, half of whose units are on, each gradient entry becomes a sum of $H/2$ terms $\pm c\,g$. So
# its norm changes by
#
# $$c\sqrt{H/2} \quad\text{in each layer},$$
#
# for $H = 64$ and $c = 0.01$ by a factor of $0.057$: twelve layers leave next to nothing.


# %%
def gradient_by_layer(width, clip=None, steps=50, depth=12):
    """log₁₀ ‖∂f/∂h‖ after each layer h of a deep critic, trained a little on the swiss roll."""
    mg.manual_seed(SEED)
    roll, critic = mixtures.SwissRoll(), dense_critic(2, width, layers=depth)
    rule = optim.RMSprop(critic.parameters(), lr=5e-4) if clip else optim.Adam(critic.parameters(), lr=5e-4)
    for _ in range(steps):
        x, y = mg.from_numpy(roll.sample(256, rng)), mg.randn(256, 2)
        loss = critic_loss(critic, x, y)
        if not clip:
            loss = loss + 10 * gradient_penalty(critic, x, y)
        rule.zero_grad()
        loss.backward()
        rule.step()
        if clip:
            clip_weights_(critic.parameters(), clip)
    critic.double()  # the squares of the smallest gradients would be lost in float32
    h, hidden = mg.from_numpy(roll.sample(1000, rng).astype(np.float64)), []
    for layer in critic.children():
        h = layer(h)
        if isinstance(layer, nn.ReLU):
            hidden.append(h)
    gradients = mg.autograd.grad(h.sum(), hidden)
    return np.log10([np.linalg.norm(g.numpy(), axis=1).mean() for g in gradients])


def per_layer(norms):
    return -np.polyfit(np.arange(len(norms)), norms, 1)[0]


source(clip_weights_)
fig, axes = plot.figure(1, 1, 6, 3.8)
ax = axes[0, 0]
changes = {}
for clip in (0.003, 0.01, 0.03, 0.1):
    norms = gradient_by_layer(64, clip)
    changes[clip] = per_layer(norms)
    ax.plot(range(1, 13), norms, "o-", label=f"clipped at {clip}")
    theory = math.log10(clip * math.sqrt(32))
    print(f"c = {clip:5}: per layer 10^{changes[clip]:+.3f}, by the formula 10^{theory:+.3f}")
norms = gradient_by_layer(64, steps=200)
ax.plot(range(1, 13), norms, "ko-", label="gradient penalty")
ax.set(xlabel="layer, from the input", ylabel="log₁₀ ‖∂f/∂h‖", title="What arrives in each layer, width 64")
ax.grid(alpha=0.3)
ax.legend(fontsize="small")
show(fig)
for clip in (0.003, 0.01, 0.03):
    theory = math.log10(clip * math.sqrt(32))
    claim(f"c = {clip}: log₁₀ of the change per layer off the formula", abs(changes[clip] - theory), "<", 0.15)
for width in (128, 256):
    off = per_layer(gradient_by_layer(width, 0.01)) - math.log10(0.01 * math.sqrt(width / 2))
    claim(f"width {width}, c = 0.01: the same", abs(off), "<", 0.1)
claim("c = 0.1: the gradient grows, per layer by 10 to the", changes[0.1], ">", 0.1)
claim("gradient penalty: log₁₀ of the change per layer", abs(per_layer(norms)), "<", 0.05)

# %% [markdown]
# The formula holds while its assumption does. At $c = 0.1$ it says that the gradient should shrink, and it grows: most
# weights have not reached the clip there, and their signs are no longer random. Between starving and exploding there
# is a narrow gap of $c$, and where it lies depends on width and depth. With the penalty the gradient is the same in
# all layers.
#
# ## 4. The penalty, and a second backward
#
# Gulrajani et al. (2017) ask for slope 1 at points between real ones and samples:
#
# $$L = \mathbb{E} f(\tilde x) - \mathbb{E} f(x) + \lambda\,\mathbb{E}\bigl(\lVert\nabla f(\hat x)\rVert - 1\bigr)^2 .$$
#
# $\nabla f(\hat x)$ is the result of a backward pass, and now it stands in a loss, so the backward pass must be
# differentiated. `create_graph=True` records it: the `grad_` formulas run on Tensors instead of arrays, and what they
# compute has a graph of its own. Here is the formula of the norm, and a check of the penalty's gradient against
# differences:

# %%
source(Norm)
critic = dense_critic(2, 8).double()
x = mg.tensor(rng.standard_normal((16, 2)), requires_grad=True)
for create_graph in (False, True):
    (slope,) = mg.autograd.grad(critic(x).sum(), x, create_graph=create_graph)
    print(f"create_graph={create_graph}: the slope is the result of {slope.op}")
claim("the slope is part of a graph", slope.requires_grad, "==", True)


def penalty():
    (slope,) = mg.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (slope.norm(axis=1) - 1).square().mean()


weight = critic[2].weight
(exact,) = mg.autograd.grad(penalty(), weight)
numeric, h = np.zeros(weight.shape), 1e-6
for place in np.ndindex(*weight.shape):
    around = []
    for sign in (1, -1):
        weight.data[place] += sign * h
        around.append(penalty().item())
        weight.data[place] -= sign * h
    numeric[place] = (around[0] - around[1]) / (2 * h)
claim("∂ penalty/∂W by a second backward, off differences", abs(exact.numpy() - numeric).max(), "<", 1e-8)

# %% [markdown]
# **What slope comes out?** Not 1. Let $p$ and $q$ lie $W$ apart along a line and $f(x) = sx$. Then $L = -sW +
# \lambda(\lvert s\rvert - 1)^2$, which is smallest at
#
# $$s = 1 + \frac{W}{2\lambda},$$
#
# so the critic reads $W(1 + W/2\lambda)$, too much. Dividing by the mean slope mends it: `critic_audit` did so above.
# And there is a **trap**: for $W < 2\lambda$ there is a second minimum at $s = -(1 - W/2\lambda)$. A critic that begins
# with the wrong sign stays there, for on the way to the right one stands the penalty for slope 0. This is why the
# training above lets $\lambda$ grow slowly.

# %%
W, lam = 2.0, 10.0
real = mg.tensor(rng.standard_normal((256, 1)))
fake = real - W
ends = {}
for start in (0.1, -0.1):
    line = nn.Linear(1, 1).double()
    line.weight.fill_(start)
    optimizer = optim.SGD(line.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        (critic_loss(line, real, fake) + lam * gradient_penalty(line, real, fake)).backward()
        optimizer.step()
    ends[start] = line.weight.item()
claim("slope that began at +0.1, off 1 + W/2λ", abs(ends[0.1] - (1 + W / (2 * lam))), "<", 1e-9)
claim("slope that began at −0.1, off −(1 − W/2λ)", abs(ends[-0.1] + (1 - W / (2 * lam))), "<", 1e-9)

# %% [markdown]
# ## 5. A loss that says how good the samples are
#
# Now the whole game on the ring: five steps of the critic, then one of the generator, which lowers
# $-\mathbb{E} f(G(z))$.

# %%
generator, critic = dense_generator(2, 64), dense_critic(2, 64)
g_optimizer, c_optimizer = (
    optim.Adam(network.parameters(), lr=5e-4, betas=(0.5, 0.9)) for network in (generator, critic)
)
fixed_z, test_points = mg.randn(1000, 2), ring.sample(1000, rng)
readings, exact = [], []
for step in range(1, 501):
    # five steps of the critic: read the distance as well as possible
    for _ in range(5):
        real = mg.from_numpy(ring.sample(128, rng))
        with mg.no_grad():
            fake = generator(mg.randn(128, 2))
        loss = critic_loss(critic, real, fake) + 1.0 * gradient_penalty(critic, real, fake)
        c_optimizer.zero_grad()
        loss.backward()
        c_optimizer.step()

    # one step of the generator: shorten it
    loss = -critic(generator(mg.randn(128, 2))).mean()
    g_optimizer.zero_grad()
    loss.backward()
    g_optimizer.step()

    if step % 20 == 0:
        with mg.no_grad():
            samples = generator(fixed_z).numpy()
        readings.append(critic_audit(critic, test_points, samples, rng)["reading"])
        exact.append(wasserstein(samples[:500], test_points[:500]))

fig, axes = plot.figure(1, 2, 3.6, 3.2)
plot.curves(axes[0, 0], {"critic's reading": (range(20, 501, 20), readings), "W₁": (range(20, 501, 20), exact)},
            "step of the generator", "distance")  # fmt: skip
ax = axes[0, 1]
ax.scatter(*test_points.T, s=4, color="black", linewidths=0, label="data")
ax.scatter(*samples.T, s=4, color="C1", linewidths=0, label="samples")
ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal", title="after 500 steps")
ax.legend(fontsize="small", loc="center", markerscale=3)
show(fig)
follows = spearmanr(readings[5:], exact[5:])[0]
gap = np.mean(np.abs(np.array(readings[5:]) / exact[5:] - 1))
claim("from step 120 on, rank correlation of the critic's reading and W₁", follows, ">", 0.7)
claim("... and their mean difference, relative to W₁", gap, "<", 0.3)
claim("W₁ at the end over W₁ after 20 steps", exact[-1] / exact[0], "<", 0.5)

# %% [markdown]
# Compare with lesson 12: there the loss was flat while the samples went up and down. Here it falls as the samples
# come nearer. (In the first hundred steps the samples may move faster than a critic of five steps can follow.) After
# 500 steps they are on the ring, but not yet on its modes; `python -m models wgan` goes on to 2,000.
#
# ## Try this
#
# 1. Put an `nn.BatchNorm1d` into the critic. Why does `gradient_penalty` refuse?
# 2. In section 4 start the slope at 0.1 with $W = 2$ and $\lambda = 0.5$, then at −0.1. Is there still a trap?
# 3. Train the last section with `clip_weights_(critic.parameters(), 0.01)` instead of the penalty. How far does the
#    generator get in 500 steps, and what does the critic read?
# 4. Take one critic step instead of five. Does the reading still follow $W_1$?
# 5. In section 1 wrap each linear layer of the critic with `nn.utils.spectral_norm` in place of the penalty. Which
#    slope does `critic_audit` find?
#
# **[Homework](homework/README.md)**: 26 wgan_losses_clipping, 27 gradient_penalty, 28 wasserstein_1d
