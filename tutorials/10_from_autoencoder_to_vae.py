# %% [markdown]
# # 10 · From the autoencoder to the variational autoencoder
# # 오토인코더에서 변분 오토인코더로
#
# **Deck**: AE의 한계, VAE
#
# **Question.** Why do codes drawn at random not decode to digits in an autoencoder, and what must change so that they
# do?
#
# **질문.** 오토인코더에서는 왜 임의로 뽑은 코드가 숫자로 복원되지 않으며, 복원되게 하려면 무엇을 바꾸어야 하는가?
#
# **Summary.** An autoencoder puts its codes wherever it likes, so that codes drawn from $N(0, I)$ decode to scribbles;
# a variational autoencoder pays for every nat by which a code differs from $N(0, I)$, and its random codes decode to
# digits. Its training rests on the reparameterisation $z = \mu + \sigma\varepsilon$, whose gradient, in an example of
# 20 dimensions, has hundreds of times less variance than the score-function estimate. The weight $\beta$ of the KL term
# trades detail against order, and a plain surprise remains: a Gaussian fitted to the plain autoencoder's codes draws
# the better scored digits.
#
# **요약.** 오토인코더는 코드를 아무 데나 놓으므로 $N(0, I)$에서 뽑은 코드는 낙서로 복원되지만, 변분 오토인코더는 코드가
# $N(0, I)$에서 벗어난 만큼 대가를 치르므로 임의의 코드도 숫자로 복원된다. 그 학습은 재매개변수화 $z = \mu +
# \sigma\varepsilon$에 바탕을 두며, 20차원의 한 예에서 이 방법의 기울기는 점수 함수 추정량보다 분산이 수백 배 작다. KL
# 항의 가중치 $\beta$가 크면 코드는 더 정돈되지만 세부가 사라지며, 뜻밖에도 보통 오토인코더의 코드에 맞춘 가우스
# 분포에서 뽑은 코드가 점수가 더 좋은 숫자를 그린다.

# %%
import numpy as np
from lesson import SEED, claim, show, source

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import optim, plot
from minigrad.backend import keep_freed_memory
from minigrad.ops import gaussian_kl
from minigrad.ops.loss import GaussianKL
from models import vae
from models.common import load_digits, outputs
from models.metrics import DigitCNN, bernoulli_log_likelihood, elbo, fidn, read_digits

keep_freed_memory()
rng = np.random.default_rng(SEED)
(x, y), (x_test, y_test) = load_digits(None)  # pixels (n, 784) between 0 and 1, 1 is ink

# %% [markdown]
# ## 1. What an autoencoder leaves open
#
# An autoencoder is asked for one thing, $x \to z \to \hat x \approx x$. Where the codes lie is left open. To *draw* a
# digit, though, one must know where to take $z$ from.
#
# A **variational** autoencoder begins at that end (Kingma & Welling 2014): $z \sim p(z) = N(0, I)$, and the decoder
# makes of it a distribution of images $p(x|z)$. How likely an image is, $\log p(x) = \log \int p(x|z)\,p(z)\,dz$,
# cannot be computed; but with *any* distribution $q(z|x)$, by Jensen's inequality,
#
# $$\log p(x) = \log E_q\!\left[\frac{p(x|z)\,p(z)}{q(z|x)}\right] \ge
# \underbrace{E_q[\log p(x|z)] - \mathrm{KL}(q(z|x)\,\|\,p(z))}_{\text{ELBO}}.$$
#
# The encoder gives $q(z|x) = N(\mu, \sigma^2)$, so the second term is a formula, with a simple gradient:

# %%
source(GaussianKL)

# %% [markdown]
# Pixels are taken as Bernoulli, black with probability $\hat x$, so that $-\log p(x|z)$ is the cross-entropy, summed
# over the pixels. (A grey pixel counts as one that is black that often: the cross-entropy is then a mean over images of
# black and white, and the bound is one on their mean $\log p$.) Both networks are trained by one loop. Three lines make
# the difference: a VAE draws $z$ from $N(\mu, \sigma^2)$ where the autoencoder takes $z = \mu$, and adds $\beta$ times
# the KL term; $\beta = 1$ makes the loss $-$ELBO, while the plain autoencoder is the case without both.


# %%
def train(beta, latent=20, epochs=12):
    """784-256-latent and back; without beta, a plain autoencoder."""
    mg.manual_seed(SEED)
    model = vae.dense((784,), [256], latent)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(x)), 100):
            images = mg.from_numpy(x[rows])
            mu, log_var = model.encode(images)
            z = mu + mg.exp(0.5 * log_var) * mg.randn_like(mu) if beta else mu
            loss = F.binary_cross_entropy_with_logits(model.decoder(z), images, reduction="sum") / len(rows)
            if beta:
                loss = loss + beta * gaussian_kl(mu, log_var)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def encode(model, images):
    """μ and log σ² (n, latent)"""
    return np.split(outputs(model, model.encoder, images), 2, axis=1)


def decode(model, z):
    return outputs(model, lambda z: mg.sigmoid(model.decoder(z)), z)


autoencoder, variational = train(None), train(1.0)

# %% [markdown]
# First the codes: two of the twenty numbers, coloured by class, and the circles that hold 39 % and 86 % of $N(0, I)$.

# %%
ae_codes, _ = encode(autoencoder, x)
mu, log_var = encode(variational, x)
vae_codes = mu + np.exp(0.5 * log_var) * rng.standard_normal(mu.shape, np.float32)
fig, axes = plot.figure(1, 2, 3.5, 3.2)
angle = np.linspace(0, 2 * np.pi, 100)
for ax, (name, codes) in zip(axes[0], {"autoencoder": ae_codes, "VAE": vae_codes}.items()):
    ax.scatter(*codes[:1500, :2].T, c=y[:1500], cmap="tab10", s=4, linewidths=0)
    for radius in (1, 2):
        ax.plot(radius * np.cos(angle), radius * np.sin(angle), "k", linewidth=1)
    ax.set(title=name, xlabel="code 1", ylabel="code 2", xlim=(-12, 12), ylim=(-12, 12), aspect="equal")
show(fig)
claim("standard deviation of the autoencoder's codes, least of 20", ae_codes.std(axis=0).min(), ">", 2)
claim("... of codes drawn by the VAE, largest of 20", vae_codes.std(axis=0).max(), "<", 1.5)

# %% [markdown]
# ## 2. Drawing digits
#
# Now 5,000 codes $z \sim N(0, I)$ are decoded by each. For a score we need no eye: a fixed CNN reads the samples, and
# FIDn compares the mean and covariance of its 64 features with those of test digits, in percent of their variance (0 is
# best). The floor is what real training digits get, noise gets about 100.
#
# In fairness to the autoencoder there is a third row. It can be told afterwards where its codes lie: draw $z$ from the
# Gaussian with the *mean and covariance of its own codes*.

# %%
source(DigitCNN, fidn)

# %% tags=["key"]
real, _ = read_digits(x_test)
floor = fidn(read_digits(x[rng.permutation(len(x))[:5000]])[0], real)
z = rng.standard_normal((5000, 20), np.float32)
fitted = rng.multivariate_normal(ae_codes.mean(axis=0), np.cov(ae_codes.T), 5000).astype(np.float32)
samples = {
    "autoencoder, z ~ N(0, I)": decode(autoencoder, z),
    "VAE, z ~ N(0, I)": decode(variational, z),
    "autoencoder, z ~ N(mean, cov of codes)": decode(autoencoder, fitted),
}
scores = {name: fidn(read_digits(images)[0], real) for name, images in samples.items()}
fig, axes = plot.figure(3, 1, 6.5, 1.15)
for ax, (name, images) in zip(axes[:, 0], samples.items()):
    plot.image_grid(ax, images[:32].reshape(-1, 28, 28), 16, f"{name}: FIDn {scores[name]:.0f}")
show(fig)
ae, ours, told = scores.values()
print(f"FIDn floor: {floor:.2f}")
claim("FIDn of codes from N(0, I), autoencoder over VAE", ae / ours, ">", 2)
claim("FIDn, autoencoder told where its codes lie, over VAE", told / ours, "<", 0.8)

# %% [markdown]
# The first row is scribbles: most of $N(0, I)$ is nowhere near a code. The second is digits, blurred and not always
# clear, for as each image's code is noisy the decoder must do with a rough address.
#
# The third row is the surprise, and it is honest to look at it: told where its codes lie, the plain autoencoder draws
# digits that score *better* than the VAE's. The limit of the autoencoder was not that its codes are no good, but that
# nobody said where they are; two moments say most of it (Ghosh et al. 2020 found much the same). What the VAE has
# beyond that: the distribution is part of the model, and the ELBO is a bound on $\log p(x)$, by which models are
# compared.

# %% [markdown]
# ## 3. A gradient through a random draw
#
# $z$ is drawn from a distribution that depends on $\mu$. How can a draw have a derivative? There are two ways to
# $\nabla_\mu E_{z \sim N(\mu, I)}[f(z)]$.
#
# - **Score function**: move the derivative to the density. Works for every $f$, and knows nothing of its slope:
#   $$E\big[f(z)\,\nabla_\mu \log q(z)\big].$$
# - **Reparameterisation**: draw $\varepsilon \sim N(0, I)$, which depends on nothing, and let $z = \mu + \varepsilon$
#   be an ordinary op: $$E\big[\nabla f(\mu + \varepsilon)\big].$$
#
# Both are right on average. For $f(z) = \sum z_i^2$ and $\mu = 1$ the variances are sums of moments of a Gaussian: 4
# for the second way; for the first in $d$ dimensions, with $s = d - 1$, their ratio is $7.5 + 5.5 s + s^2$. Subtracting
# the mean $E f$ from $f$, a *baseline*, changes no expectation and leaves $4.5 + 1.5 s$.


# %%
def square(z):
    return (z * z).sum(axis=1)


def gradients(way, d, n=20_000):
    """An estimate of ∇_μ E[Σz²] from each of n draws, (n, d)"""
    mu = mg.ones(n, d, requires_grad=True)
    z = mu + mg.from_numpy(rng.standard_normal((n, d), np.float32))
    if way == "reparameterised":
        square(z).sum().backward()
    else:
        z = z.detach()  # a mere number, with a known density
        log_q = -0.5 * square(z - mu)
        baseline = 2 * d if way == "score function, baseline" else 0
        ((square(z) - baseline) * log_q).sum().backward()
    return mu.grad.numpy().astype(np.float64)


dimensions = np.array([1, 2, 5, 10, 20, 50])
theory = {
    "score function": 7.5 + 5.5 * (dimensions - 1) + (dimensions - 1.0) ** 2,
    "score function, baseline": 4.5 + 1.5 * (dimensions - 1),
}
fig, axes = plot.figure(1, 1, 5, 3)
reparameterised = [gradients("reparameterised", d) for d in dimensions]
ratios = {}
for i, (way, expected) in enumerate(theory.items()):
    estimates = [gradients(way, d) for d in dimensions]
    ratios[way] = np.array([a.var(axis=0).mean() / b.var(axis=0).mean() for a, b in zip(estimates, reparameterised)])
    axes[0, 0].loglog(dimensions, ratios[way], f"C{i}o", label=way)
    axes[0, 0].loglog(dimensions, expected, f"C{i}", label=f"{way}, theory")
axes[0, 0].set(xlabel="dimensions", ylabel="variance over reparameterised")
axes[0, 0].legend()
axes[0, 0].grid(alpha=0.3)
show(fig)
off = max(abs(ratios[way] / expected - 1).max() for way, expected in theory.items())
twenty = list(dimensions).index(20)
claim("mean of reparameterised gradients in 20 dimensions, off 2", abs(reparameterised[twenty].mean() - 2), "<", 0.02)
claim(
    "mean of score-function gradients in 20 dimensions, off 2",
    abs(gradients("score function", 20).mean() - 2),
    "<",
    0.4,
)
claim("ratio of variances in 20 dimensions", ratios["score function"][twenty], ">", 400)
claim("... with a baseline", ratios["score function, baseline"][twenty], "<", 40)
claim("measured over theory, less 1, at worst", off, "<", 0.2)

# %% [markdown]
# With one draw for each image, a variance some 470 times as large would take as many more images for the same
# precision. Even with the baseline it stays an order of magnitude behind. Hence `forward` of `models/vae.py`:

# %%
source(vae.VAE.forward)

# %% [markdown]
# ## 4. What the two terms pay for: $\beta$
#
# Weigh the KL term by $\beta$ (Higgins et al. 2017). In figures of test images, always those of the ELBO itself:


# %%
models = {0.1: train(0.1), 1.0: variational, 3.0: train(3.0), 10.0: train(10.0)}
missing, kl, by_beta = [], [], []
for model in models.values():

    def log_likelihood(z, images, model=model):
        return bernoulli_log_likelihood(outputs(model, model.decoder, z), images)

    _, reconstruction, nats = elbo(log_likelihood, x_test, *encode(model, x_test), 1, rng)
    missing.append(-reconstruction.mean())
    kl.append(nats.mean())
    by_beta.append(fidn(read_digits(decode(model, z))[0], real))
missing, kl = np.array(missing), np.array(kl)
loss = missing + kl
print("beta   -E log p(x|z)     KL   -ELBO   FIDn of samples")
for row in zip(models, missing, kl, loss, by_beta):
    print("{:4}   {:13.1f} {:6.1f}  {:6.1f}   {:15.1f}".format(*row))

fig, axes = plot.figure(1, 2, 3.5, 2.9)
for values, name in ((missing, "−E log p(x|z)"), (kl, "KL"), (loss, "−ELBO")):
    axes[0, 0].semilogx(list(models), values, "o-", label=name)
axes[0, 0].set(xlabel="β", ylabel="nats per test image", ylim=(0, 240))
axes[0, 0].legend(loc="upper center")
axes[0, 0].grid(alpha=0.3)
shown = [np.flatnonzero(y_test == digit)[0] for digit in (2, 3, 4, 5, 8)]
rows = [x_test[shown], *(decode(model, encode(model, x_test[shown])[0]) for model in models.values())]
plot.image_grid(axes[0, 1], np.concatenate(rows).reshape(-1, 28, 28), 5, "test images, and β = 0.1, 1, 3, 10")
show(fig)
claim("KL falls as beta grows: largest step", np.diff(kl).max(), "<", -2)
claim("reconstruction gets worse: least step of −E log p(x|z)", np.diff(missing).min(), ">", 5)
claim("−ELBO is least at beta", list(models)[loss.argmin()], "==", 1.0)

# %% [markdown]
# From the top row down: small $\beta$ keeps the detail, and the codes are far from $N(0, I)$, so its samples are poor;
# large $\beta$ leaves a few nats, and digits turn into an average of those that look alike. $\beta = 1$ is the bound
# itself and has the best bound.
#
# ## 5. The map
#
# With a code of two numbers one can look at all of it. Left, the plane of codes decoded, one point in each of equally
# likely cells of $N(0, I)$; right, $\mu$ of the test images.

# %%
plane_model = train(1.0, latent=2)
means, _ = encode(plane_model, x_test)
fig, axes = plot.figure(1, 2, 3.4, 3)
grid = decode(plane_model, vae.plane().astype(np.float32))
plot.image_grid(axes[0, 0], grid.reshape(-1, 28, 28), vae.SIDE, "decoded plane")
plot.classes(axes[0, 1], means, y_test, "μ of test images", ("code 1", "code 2"))
show(fig)
claim("test images whose μ lies within 5 of the centre", (np.linalg.norm(means, axis=1) < 5).mean(), ">", 0.95)

# %% [markdown]
# Go from one digit to the next in the left picture: it changes little by little, and classes that look alike are
# neighbours. All codes lie about the centre, where $N(0, I)$ is. That is what the KL term bought.
#
# ## Try this
#
# 1. Take `z = mu` in `train` but keep the KL term. What do the two terms become, and why is it no VAE any more? Compare
#    the samples.
# 2. Take the *mean* over pixels for the reconstruction, `reduction="mean"`, instead of the sum. What is the KL term
#    then, and what do all samples look like? Which $\beta$ is that?
# 3. Fit a Gaussian to the codes that the VAE draws, as was done for the autoencoder. Does its FIDn fall too?
# 4. Estimate the gradient of $E \sum \cos(10 z_i)$ both ways. Which has the smaller variance now?
# 5. Start $\beta$ at 0 and raise it to 1 over the first half of the training. Does the ELBO of the map get better?
#
# **[Homework](homework/README.md)**: 19 reparameterise, 20 gaussian_kl
