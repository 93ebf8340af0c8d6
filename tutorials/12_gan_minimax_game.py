# %% [markdown]
# # 12 · GAN: the minimax game
# # GAN: 최소최대 게임
#
# **Deck**: GAN, 목적함수
#
# **Question.** How do two networks train each other, and what do their losses say about the samples?
#
# **질문.** 두 신경망은 어떻게 서로를 학습시키며, 두 손실값은 생성된 표본에 대해 무엇을 말해 주는가?
#
# **Summary.** A discriminator learns to tell real points from made ones, a generator learns to be taken for real, and
# both play for one value $V$. When the discriminator wins, the gradient of the generator's own part of $V$ vanishes,
# while that of $-\log D(G(z))$ grows, so one trains with the latter. Once the game has settled, the losses stay near
# $\log 4$ and $\log 2$ whether the samples are good or bad, so one must look at the samples.
#
# **요약.** 판별자는 진짜 점과 만들어진 점을 구별하는 법을, 생성자는 진짜로 보이는 점을 만드는 법을 배우며, 둘은 하나의
# 값 $V$를 두고 겨룬다. 판별자가 이기고 있을 때 $V$에서 생성자가 맡은 항의 기울기는 사라지지만 $-\log D(G(z))$의
# 기울기는 커지므로, 학습에는 뒤의 것을 쓴다. 게임이 안정되면 표본이 좋든 나쁘든 손실은 $\log 4$와 $\log 2$ 근처에
# 머무르므로, 표본을 직접 보아야 한다.

# %%
import copy
import math

import numpy as np
from lesson import SEED, claim, show, source
from scipy.stats import norm

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import optim, plot
from minigrad.ops.elementwise import Softplus
from models.gan import GENERATOR_LOSSES, Discriminator, Generator, value
from models.metrics import wasserstein

mg.manual_seed(SEED)
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## 1. The value that both play for
#
# The generator $G$ turns noise $z$ into a point $G(z)$. The discriminator gives each point a number, its *logit* $l$,
# and $D = \sigma(l)$ is how surely it takes the point for real. They play for (Goodfellow et al. 2014)
#
# $$\min_G \max_D\; V(D, G) = \mathbb{E}_x[\log D(x)] + \mathbb{E}_z[\log(1 - D(G(z)))].$$
#
# $D$ wants $V$ high: $D(x)$ near 1 on data, $D(G(z))$ near 0. $G$ wants it low. With
# $\log\sigma(l) = -\mathrm{softplus}(-l)$ and $\log(1-\sigma(l)) = -\mathrm{softplus}(l)$ nothing is lost to rounding:

# %%
source(value)

# %% [markdown]
# $-V$ is the loss of $D$. A $D$ that cannot tell says ½ everywhere: its loss is $-2\log\frac12 = \log 4 \approx
# 1.386$. Keep this number in mind.

# %%
blind = -value(mg.zeros(5, 1, dtype=mg.float64), mg.zeros(5, 1, dtype=mg.float64)).item()
claim("loss of a D that says ½ everywhere, off log 4", abs(blind - math.log(4)), "<", 1e-15)

# %% [markdown]
# ## 2. Two players, two steps
#
# "Min max" is no recipe: who moves, and when? The smallest game shows what depends on it. Player $\theta$ lowers
# $V = \theta\varphi$, player $\varphi$ raises it, and $(0, 0)$ is the balance. Both may move at the same time, or in
# turns, so that the second already sees what the first has done:


# %%
def play(in_turns, rounds=200, h=0.1):
    theta = mg.tensor(1.0, dtype=mg.float64, requires_grad=True)
    phi = mg.tensor(0.0, dtype=mg.float64, requires_grad=True)
    path = [(theta.item(), phi.item())]
    for _ in range(rounds):
        (of_theta,) = mg.autograd.grad(theta * phi, theta)
        (of_phi,) = mg.autograd.grad(theta * phi, phi)
        phi = (phi + h * of_phi).detach().requires_grad_()
        if in_turns:
            (of_theta,) = mg.autograd.grad(theta * phi, theta)  # against the φ that has just moved
        theta = (theta - h * of_theta).detach().requires_grad_()
        path.append((theta.item(), phi.item()))
    return np.array(path)


at_once, in_turns = play(False), play(True)

fig, axes = plot.figure(1, 2, 3.6, 3.2)
for path, name in ((at_once, "at the same time"), (in_turns, "in turns")):
    axes[0, 0].plot(*path.T, label=name)
    axes[0, 1].plot(path.prod(axis=1), label=name)
axes[0, 0].plot(0, 0, "k+", markersize=12)
axes[0, 0].set(xlabel="θ", ylabel="φ", title="Where the players are", aspect="equal")
axes[0, 1].set(xlabel="round", ylabel="V = θφ", title="What they play for")
axes[0, 1].legend(loc="upper left")
show(fig)
claim("at the same time, distance² over (1 + h²)^200, off 1", abs((at_once[-1] ** 2).sum() / 1.01**200 - 1), "<", 1e-12)
orbit = (in_turns**2).sum(axis=1) + 0.1 * in_turns.prod(axis=1)
claim("in turns, θ² + φ² + hθφ, largest change in 200 rounds", np.ptp(orbit), "<", 1e-12)

# %% [markdown]
# Moving at the same time, the players drift apart: each round multiplies the squared distance to the balance by $1 +
# h^2$. In turns they stay on one closed orbit. In neither case do they arrive, and $V$ goes up and down for ever: **in
# a game a loss that does not fall is no sign of failure, and a loss that rests is none of success.**
#
# A GAN is trained in turns, too. Here is the whole loop, on points of a line, where everything can be seen. The data:
# half of the points about −2, half about 2.


# %%
def data(n):
    return (rng.choice([-2.0, 2.0], (n, 1)) + 0.5 * rng.standard_normal((n, 1))).astype(np.float32)


def density(x):
    return (norm.pdf(x, -2, 0.5) + norm.pdf(x, 2, 0.5)) / 2


def adam(network):
    return optim.Adam(network.parameters(), lr=1e-3, betas=(0.5, 0.999))


generator, discriminator = Generator(8, [64, 64], 1, pixels=False), Discriminator(1, [64, 64])
g_optimizer, d_optimizer = adam(generator), adam(discriminator)
fixed_z, fixed_x = mg.randn(2000, 8), data(2000)
losses, moments = [], []
for step in range(1, 3001):
    x = mg.from_numpy(data(256))
    fake = generator(mg.randn(256, 8))

    # step 1: D goes up V. detach(): for D the fakes are data, and nothing of this loss may reach G.
    d_loss = -value(discriminator(x), discriminator(fake.detach()))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()

    # step 2: G lowers −log D(G(z)), against the D that has just moved. The gradient passes through D into G; what it
    # leaves in D's own parameters is thrown away by d_optimizer.zero_grad() in the next round.
    g_loss = F.softplus(-discriminator(fake)).mean()
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()

    losses.append((d_loss.item(), g_loss.item()))
    if step % 20 == 0:
        with mg.no_grad():
            w1 = wasserstein(generator(fixed_z).numpy()[:, 0], fixed_x[:, 0])
        moments.append((step, *np.mean(losses[-20:], axis=0), w1, copy.deepcopy((generator, discriminator))))

# %% [markdown]
# For a fixed $G$ whose samples have density $q$, the best answer to data of density $p$ is
# $D^*(x) = \frac{p(x)}{p(x) + q(x)}$ (set the derivative of $p\log D + q\log(1 - D)$ to zero). In the figure,
# look first at orange: at step 40 all samples are on one side, at step 300 they lie in two heaps where the data
# lie. Then compare the solid blue line, $D$, with the dashed one, $D^*$: $D$ runs after a target that moves, and at the
# end it is nearly flat where $D^*$ is not.

# %%
grid = np.linspace(-4, 4, 161, dtype=np.float32)
centres = (grid[1:] + grid[:-1]) / 2
fig, axes = plot.figure(2, 2, 3.6, 2.4)
for ax, wanted in zip(axes.flat, (40, 100, 300, 3000)):
    step, _, _, w1, (g, d) = moments[wanted // 20 - 1]
    with mg.no_grad():
        samples = g(mg.randn(20_000, 8)).numpy()[:, 0]
        judged = mg.sigmoid(d(mg.from_numpy(grid[:, None]))).numpy()[:, 0]
    q, _ = np.histogram(samples, grid, density=True)
    p = density(centres)
    ax.fill_between(centres, p, color="black", alpha=0.2, label="data p")
    ax.fill_between(centres, np.minimum(q, 1.2), color="C1", alpha=0.5, label="samples q")
    ax.plot(grid, judged, "C0", label="D")
    best = np.where(p + q > 0.01, p / (p + q + 1e-9), np.nan)  # where there are points
    ax.plot(centres, best, "C0--", linewidth=0.8, label="best D*")
    ax.set(title=f"step {step}: W₁ {w1:.2f}", xlabel="x", ylabel="density, or D", ylim=(0, 1.2))
axes[0, 0].legend(fontsize="small")
show(fig)

# %% [markdown]
# ## 3. When D wins: two losses for G
#
# The loop did not let $G$ lower its part of $V$, $\log(1 - D(G(z)))$, but $-\log D(G(z))$. Both push $D(G(z))$ up:

# %%
source(*GENERATOR_LOSSES.values(), Softplus)

# %% [markdown]
# By the formula of `Softplus`, whose slope is $\sigma$, their slopes in the logit are
#
# $$\frac{\partial}{\partial l}\log(1 - \sigma(l)) = -D, \qquad \frac{\partial}{\partial l}\bigl(-\log\sigma(l)\bigr) =
# D - 1.$$
#
# Where $D$ is sure of a fake, $D \to 0$, the first vanishes and the second is at its steepest.

# %%
logits = mg.linspace(-8, 8, 161, dtype=mg.float64).requires_grad_()
says_real = mg.sigmoid(logits.detach()).numpy()
for name, slope in {"minimax": -says_real, "nonsaturating": says_real - 1}.items():
    (found,) = mg.autograd.grad(GENERATOR_LOSSES[name](logits) * len(logits), logits)
    claim(f"slope of the {name} loss, off its formula", abs(found.numpy() - slope).max(), "<", 1e-15)

# %% [markdown]
# Now to networks. The data lie about 4, the samples of a fresh $G$ about 0, and $G$ is left as it is while $D$ learns.
# At some moments we ask what gradient $G$ *would* get, $\lVert\partial L_G/\partial\theta_G\rVert$, from either loss.
# On the left the slopes above, on the right the measurement: blue falls, orange rises.

# %% tags=["key"]
generator, winner = Generator(8, [64, 64], 1, pixels=False), Discriminator(1, [64, 64])
optimizer = adam(winner)
when, norms = [0, 3, 6, 12, *range(25, 1001, 25)], {"minimax": [], "nonsaturating": []}
for step in range(1001):
    x = mg.from_numpy((4 + 0.5 * rng.standard_normal((256, 1))).astype(np.float32))
    fake = generator(mg.randn(256, 8))
    if step in when:
        for name, loss in GENERATOR_LOSSES.items():
            gradients = mg.autograd.grad(loss(winner(fake)), list(generator.parameters()), retain_graph=True)
            norms[name].append(math.sqrt(sum(float((g.numpy() ** 2).sum()) for g in gradients)))
    d_loss = -value(winner(x), winner(fake.detach()))
    optimizer.zero_grad()
    d_loss.backward()
    optimizer.step()

fig, axes = plot.figure(1, 2, 3.6, 3.2)
names = {"minimax": "log(1 − D(G(z)))", "nonsaturating": "−log D(G(z))"}
for name, slope in {"minimax": -says_real, "nonsaturating": says_real - 1}.items():
    axes[0, 0].plot(logits.detach().numpy(), slope, label=names[name])
    axes[0, 1].semilogy(when, norms[name], label=names[name])
axes[0, 0].set(xlabel="logit of G(z): left, surely a fake", ylabel="slope of the loss", title="What one sample gets")
axes[0, 1].set(xlabel="steps of D alone", ylabel="‖∂L/∂θ‖ of G", title="What G gets while D wins")
axes[0, 0].legend()
axes[0, 1].grid(alpha=0.3)
show(fig)
start = when.index(25)
change = {name: norm[-1] / norm[start] for name, norm in norms.items()}
claim("log(1 − D): gradient of G after 1,000 steps of D over that after 25", change["minimax"], "<", 0.02)
claim("−log D: the same", change["nonsaturating"], ">", 3)

# %% [markdown]
# The better $D$, the less the first loss teaches: it *saturates*. The second does the opposite; it keeps growing, which
# is not safe either, but it keeps $G$ moving. Both have the same balance.
#
# ## 4. What the loss curves do not say
#
# Back to the training above. At the top are the two losses. Below is what we want, the distance $W_1$ between samples
# and data; the dashed line is what other real points would show.

# %%
steps, d_losses, g_losses, distances, networks = zip(*moments)
steps, d_losses, distances = np.array(steps), np.array(d_losses), np.array(distances)
floor = np.mean([wasserstein(data(2000)[:, 0], data(2000)[:, 0]) for _ in range(20)])
settled = (steps > 1000) & (abs(d_losses - math.log(4)) < 0.01)
best, worst = (np.flatnonzero(settled)[pick(distances[settled])] for pick in (np.argmin, np.argmax))

fig, axes = plot.figure(2, 1, 7, 2.3)
plot.curves(axes[0, 0], {"D": (steps, d_losses), "G": (steps, g_losses)}, "step", "loss",
            {"log 4": math.log(4), "log 2": math.log(2)})  # fmt: skip
plot.curves(axes[1, 0], {"samples": (steps, distances)}, "step", "W₁ to the data", {"real points": floor})
axes[1, 0].plot(steps[[best, worst]], distances[[best, worst]], "k*", markersize=10)
axes[1, 0].set_ylim(0, 1)
show(fig)
print(f"real points: W₁ {floor:.3f}")
for name, i in {"best": best, "worst": worst}.items():
    print(
        f"{name:5} moment: step {steps[i]}, loss of D {d_losses[i]:.4f}, of G {g_losses[i]:.4f}, W₁ {distances[i]:.3f}"
    )
claim("share of moments after step 1,000 with D's loss within .01 of log 4", settled[steps > 1000].mean(), ">", 0.8)
claim("... mean loss of G in them, off log 2", abs(np.mean(g_losses, where=settled) - math.log(2)), "<", 0.05)
claim("... W₁ of the worst of their samples over that of the best", distances[worst] / distances[best], ">", 2)

# %% [markdown]
# After the first few hundred steps the losses are flat. One might think that training is over and all is well, but the
# samples go on swaying between good and bad (stars: the best and the worst).
#
# Theory says that a *perfect* $D$ could not miss it: its loss is $\log 4 - 2\,\mathrm{JSD}$, and the Jensen-Shannon
# divergence is 0 for equal distributions only. So $D$ in the game is not perfect: it runs after a $G$ that moves on.
# To check that, freeze the worst $G$ and let its $D$ learn alone:

# %%
frozen, judge = copy.deepcopy(networks[worst])
optimizer = adam(judge)
alone = []
for _ in range(1000):
    with mg.no_grad():
        fake = frozen(mg.randn(256, 8))
    d_loss = -value(judge(mg.from_numpy(data(256))), judge(fake))
    optimizer.zero_grad()
    d_loss.backward()
    optimizer.step()
    alone.append(d_loss.item())
hidden = math.log(4) - np.mean(alone[-200:])
print(f"loss of D in the game {d_losses[worst]:.4f}, alone with the same G {np.mean(alone[-200:]):.4f}")
claim("below log 4 by, in nats, once D has had time", hidden, ">", 0.05)

# %% [markdown]
# The difference was there all the time. The loss in the game did not show it, because $D$ never had the time to find
# it. What we read from a GAN's training must therefore come from the samples: distances such as $W_1$, counts of modes,
# and our own eyes.
#
# ## Try this
#
# 1. Train with `GENERATOR_LOSSES["minimax"]` in step 2. Does it learn these data? And data that all lie about 8?
# 2. Give $D$ five steps for each one of $G$. Do the losses say more now? What happens to $W_1$?
# 3. Leave out `.detach()`. What does minigrad say, and why? Then also make `fake` anew before step 2. Whose parameters
#    now get a gradient that is not theirs, and does it matter? (When is `g_optimizer.zero_grad()` called?)
# 4. In the game $V = \theta\varphi$, halve $h$ again and again. When do the two ways of playing become the same?
# 5. Add $0.05\,\theta^2 - 0.05\,\varphi^2$ to $V$. Does the game arrive now, and in which of the two ways?
#
# **[Homework](homework/README.md)**: 22 gan_losses_detach
