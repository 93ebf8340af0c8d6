# %% [markdown]
# # 07 · Generative, discriminative, manifold
# # 생성 모델, 판별 모델, 다양체
#
# **Deck**: 생성 vs 판별, Manifold
#
# **Question.** What does a model that knows how images are made see that a classifier cannot, and where among all
# images do the real ones lie?
#
# **질문.** 이미지가 어떻게 만들어지는지 아는 모델은 분류기가 볼 수 없는 무엇을 보는가? 또 진짜 이미지는 가능한 모든
# 이미지 가운데 어디에 놓여 있는가?
#
# **Summary.** A classifier learns $p(y|x)$ and must name a digit even for a face or for noise, often with high
# confidence, while a density $p(x)$ finds them improbable; but it takes a blank page for a likely digit. Images of
# digits fill only a thin, curved sheet, a manifold, on which about a dozen numbers say where one is. An autoencoder
# with one number in the middle can unroll a swiss roll, which PCA cannot, but it had to be led along it from the
# inside: trained on everything at once it cut the roll into pieces.
#
# **요약.** 분류기는 $p(y|x)$를 배우므로 얼굴이나 잡음에도 숫자 이름을 붙여야 하고 흔히 확신까지 하지만, 확률밀도
# $p(x)$는 그런 이미지에 낮은 값을 준다(다만 빈 종이는 그럴듯한 숫자로 여긴다). 숫자 이미지는 얇고 휘어진 면, 곧
# 다양체만을 채우며, 그 위의 위치는 열 개 남짓한 수로 정해진다. 가운데에 수 하나만 둔 오토인코더는 PCA가 펴지 못하는
# 스위스 롤을 펼 수 있지만, 한꺼번에 학습시켰을 때는 롤을 조각냈으므로 안쪽부터 차례로 이끌어 주어야 했다.

# %%
import numpy as np
import scipy.stats
from lesson import SEED, claim, show, source
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont
from scipy.spatial import KDTree
from scipy.special import logsumexp, softmax

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import data, nn, optim, plot
from minigrad.data.mixtures import SwissRoll
from minigrad.ops.loss import CrossEntropy
from models.common import load_digits, outputs
from models.metrics import PCA

mg.manual_seed(SEED)
rng = np.random.default_rng(SEED)
(x, y), (x_test, y_test) = load_digits(None)  # pixels (n, 784) between 0 and 1, 1 is ink
held_out, fitted = np.split(rng.permutation(len(x)), [2000])  # held_out: to set thresholds by

# %% [markdown]
# ## 1. Two ways to know digits
#
# A **discriminative** model learns $p(y|x)$: given an image, which digit? A **generative** one learns how images come
# about, $p(x, y) = p(y)\,p(x|y)$. From it follow both the classifier and the probability of the image itself:
#
# $$p(y|x) = \frac{p(y)\,p(x|y)}{p(x)}, \qquad p(x) = \sum_y p(y)\,p(x|y).$$
#
# The discriminative one is a network with softmax. Look at its gradient: the probability minus one at the label. It
# only compares the ten scores with one another; nothing in it asks whether $x$ is a digit at all.

# %%
source(CrossEntropy.grad_x)

classifier = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = optim.Adam(classifier.parameters(), lr=1e-3)
for _ in range(15):
    for batch in np.array_split(rng.permutation(fitted), 63):
        loss = F.cross_entropy(classifier(mg.from_numpy(x[batch])), mg.from_numpy(y[batch]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def classify(images):
    """p(y|x), (n, 10)"""
    return softmax(outputs(classifier, classifier, images).astype(np.float64), axis=1)


# %% [markdown]
# The generative one: for each digit a Gaussian. To have enough images for its 784 × 784 covariance we let it be free in
# the $k = 30$ directions of largest variance and round in all others. This is probabilistic PCA (Tipping & Bishop
# 1999): with principal directions $U$, their variances $\lambda_i$, and $\sigma^2$ the mean variance of all others,
#
# $$\log p(x|y) = -\tfrac12\Big[\sum_{i \le k} \frac{z_i^2}{\lambda_i} + \frac{\|x - m\|^2 - \|z\|^2}{\sigma^2}
# + \sum_{i \le k} \log \lambda_i + (d - k) \log \sigma^2 + d \log 2\pi\Big], \qquad z = U^\top(x - m).$$


# %%
class GaussianOfDigit:
    """p(x|y) of one digit, fitted to its images (n, d)"""

    def __init__(self, images, k=30):
        self.pca, self.free = PCA(images, k), images.shape[1] - k
        self.noise = (images.var(axis=0, dtype=np.float64, ddof=1).sum() - self.pca.variance.sum()) / self.free

    def log_density(self, images):
        z = self.pca.encode(images)
        rest = ((images - self.pca.mean) ** 2).sum(axis=1) - (z**2).sum(axis=1)
        log_volume = np.log(self.pca.variance).sum() + self.free * np.log(self.noise)
        squares = (z**2 / self.pca.variance).sum(axis=1) + rest / self.noise
        return -0.5 * (squares + log_volume + images.shape[1] * np.log(2 * np.pi))

    def draw(self, n):
        z = rng.standard_normal((n, len(self.pca.variance))) * np.sqrt(self.pca.variance)
        return self.pca.decode(z)  # without the noise of single pixels


gaussians = [GaussianOfDigit(x[fitted][y[fitted] == digit]) for digit in range(10)]


def log_joint(images):
    """log p(x, y) = log p(y) + log p(x|y), (n, 10); all ten digits are equally frequent"""
    return np.log(0.1) + np.stack([gaussian.log_density(images) for gaussian in gaussians], axis=1)


def log_density(images):
    """log p(x) in nats, (n,)"""
    return logsumexp(log_joint(images), axis=1)


# %%
zero = gaussians[0]
directions, excess = zero.pca.directions, zero.pca.variance - zero.noise
covariance = directions * excess @ directions.T + zero.noise * np.eye(784)
oracle = scipy.stats.multivariate_normal(zero.pca.mean, covariance).logpdf(x_test[:20])
claim("log p(x|0) against SciPy's Gaussian", abs(zero.log_density(x_test[:20]) - oracle).max(), "<", 1e-6)
claim("test digits read by p(y|x)", (classify(x_test).argmax(axis=1) == y_test).mean(), ">", 0.9)
claim("test digits read by p(x, y)", (log_joint(x_test).argmax(axis=1) == y_test).mean(), ">", 0.9)

# %% [markdown]
# On digits both read about equally well, without the generative model having been told to tell digits apart. And it
# can do what no classifier can: draw. Look for strokes that are nearly right, in a haze of leftover ink: a Gaussian can
# add and subtract strokes, and cannot bend them.

# %%
fig, axes = plot.figure(1, 1, 7, 3.2)
draws = np.stack([gaussian.draw(4) for gaussian in gaussians], axis=1)
plot.image_grid(axes[0, 0], draws.reshape(-1, 28, 28), 10, "drawn from p(x|y), y = 0 ... 9")
show(fig)

# %% [markdown]
# ## 2. What is no digit
#
# We show both models digits and seven kinds of other images. *Flagged* means: less probable than all but 1 % of digits
# held out from fitting. The classifier gets the same chance, with its confidence, $\max_y p(y|x)$, in place of $p(x)$.


# %%
def letters():
    """Capital letters in six typefaces; without I, O and S, which are digits too"""
    for family in ("DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono"):
        for weight in ("normal", "bold"):
            path = font_manager.findfont(font_manager.FontProperties(family=family, weight=weight))
            for letter in "ABCDEFGHJKLMNPQRTUVWXYZ":
                page = Image.new("L", (28, 28))
                ImageDraw.Draw(page).text((14, 14), letter, 255, ImageFont.truetype(path, 22), anchor="mm")
                yield np.asarray(page, np.float32).ravel() / 255


faces, _ = data.faces(1000, seed=SEED)
some = x_test[:1000]
kinds = {
    "test digits": x_test,
    "letters": np.stack(list(letters())),
    "two digits": np.maximum(some, rng.permutation(some)),
    "faces": 1 - faces[:, :, 2:30, 2:30].mean(axis=1, dtype=np.float32).reshape(-1, 784) / 255,
    "inverted": 1 - some,
    "noise": rng.random((1000, 784), dtype=np.float32),
    "half the ink": 0.5 * some,
    "blank": np.zeros((1, 784), np.float32),
}
fig, axes = plot.figure(4, 2, 3.4, 0.85)
for ax, (name, images) in zip(axes.flat, kinds.items()):
    plot.image_grid(ax, images[rng.permutation(len(images))[:8]].reshape(-1, 28, 28), 8, name)
show(fig)

# %% tags=["key"]
confidence = {name: classify(images).max(axis=1) for name, images in kinds.items()}
log_p = {name: log_density(images) for name, images in kinds.items()}
least_confidence = np.quantile(classify(x[held_out]).max(axis=1), 0.01)
least_log_p = np.quantile(log_density(x[held_out]), 0.01)

fig, axes = plot.figure(1, 2, 4, 3.6)
panels = [
    (confidence, least_confidence, "classifier: largest p(y|x)"),
    (log_p, least_log_p, "density: log p(x), nats"),
]
for ax, (measured, least, name) in zip(axes[0], panels):
    ax.boxplot(list(measured.values()), orientation="horizontal", widths=0.6, showfliers=False, whis=(5, 95))
    ax.axvline(least, color="C3", linestyle="--", label="flagged left of this")
    ax.set(xlabel=name, ylabel="what was shown", yticklabels=list(measured))
    ax.invert_yaxis()
    ax.grid(alpha=0.3, axis="x")
axes[0, 1].legend(loc="lower left")
axes[0, 1].set_xscale("symlog", linthresh=1000)
axes[0, 1].set_xticks([-10000, -1000, 0, 1000], ["−10,000", "−1,000", "0", "1,000"])
show(fig)

outliers = ("faces", "inverted", "noise")
confident = np.mean([(confidence[name] > 0.9).mean() for name in outliers])
by_classifier = np.mean([(confidence[name] < least_confidence).mean() for name in outliers])
by_density = np.mean([(log_p[name] < least_log_p).mean() for name in outliers])
claim("faces, inverted, noise: called a digit with over 90 % confidence", confident, ">", 0.3)
claim("... flagged by the classifier's confidence", by_classifier, "<", 0.15)
claim("... flagged by p(x)", by_density, ">", 0.85)

# %% [markdown]
# The boxes hold half of the images, the whiskers nine tenths. Left, the boxes of faces, inverted digits and noise
# overlap with that of digits; right, they lie wholly on the wrong side of the dashed line.

# %%
print("flagged by       confidence   p(x)")
for name in kinds:
    shares = (confidence[name] < least_confidence).mean(), (log_p[name] < least_log_p).mean()
    print(f"{name:14}   {shares[0]:9.1%}   {shares[1]:6.1%}")
claim("test digits flagged by p(x), by design 1 %", (log_p["test digits"] < least_log_p).mean(), "<", 0.03)

# %% [markdown]
# ## 3. Where the density fails
#
# It is not all good. Most letters and most pairs of digits on one page pass as digits: our Gaussians know too little
# about digits to tell. And look at the last two rows of the figure: digits with half the ink, and a page with nothing
# on it (of which the classifier is, for once, unsure), are *more* probable than most real digits. The reason is that a
# density is a probability *per volume*. Of a Gaussian in many dimensions the density is highest at the mean, yet hardly
# a sample lies near the mean, since there is so little volume. The mean of the 1s is the extreme: no digit, and denser
# than nearly all digits. Deep density models fail in the same way (Nalisnick et al. 2019).

# %%
mean_one = gaussians[1].pca.mean[None]
blank_above = (log_p["test digits"] < log_p["blank"]).mean()
half_above = (log_p["test digits"] < np.median(log_p["half the ink"])).mean()
mean_above = (log_p["test digits"] < log_density(mean_one)).mean()
claim("test digits less probable than a blank page", blank_above, ">", 0.8)
claim("test digits less probable than the median digit with half the ink", half_above, ">", 0.7)
claim("test digits less probable than the mean of all 1s", mean_above, ">", 0.95)

# %% [markdown]
# ## 4. The manifold
#
# Why is noise never a digit? Among the $256^{784}$ images, the real ones are a thin sheet: from a digit one can go a
# few ways, slant it, thicken it, open its loop, and stay a digit. The number of ways is the **dimension** of the sheet.
# Nearest neighbours show it: in $d$ dimensions the ratio of the distances to the second and the first neighbour obeys
# $P(r_2/r_1 > \rho) = \rho^{-d}$, so that $d \approx 1 / \overline{\log(r_2/r_1)}$ (Facco et al. 2017). On data of
# ten dimensions among 784 coordinates it gives about ten, so we may believe it roughly.


# %%
def dimension(points):
    """1 / mean log(r₂/r₁)"""
    points = points.astype(np.float64)
    squares = (points**2).sum(axis=1)
    distances = squares[:, None] - 2 * points @ points.T + squares  # squared
    np.fill_diagonal(distances, np.inf)
    nearest, second = np.partition(distances, 1, axis=1)[:, :2].T
    return 1 / np.mean(0.5 * np.log(second / nearest))


flat = rng.standard_normal((5000, 10)) @ rng.standard_normal((10, 784))
claim("dimension of ten-dimensional data, off by", abs(dimension(flat) - 10), "<", 2)
dimension_of_digits = dimension(x[fitted][:5000])
claim("dimension of digits in their 784 pixels", dimension_of_digits, "<", 20)
claim("... it is more than a few, too", dimension_of_digits, ">", 8)

# %% [markdown]
# ## 5. Unrolling a swiss roll
#
# A sheet we can see: the swiss roll, a line rolled up in the plane, with a little noise. One number, the length along
# the roll, says where a point is. Squeeze the plane through one number and back,
#
# $$x \in \mathbb R^2 \;\xrightarrow{\text{encoder}}\; z \in \mathbb R \;\xrightarrow{\text{decoder}}\; \hat x,
# \qquad L = \tfrac1{2n} \sum \|x - \hat x\|^2,$$
#
# and ask whether $z$ is that length. PCA, the best *linear* way, can only project on an axis. The autoencoder we train
# twice: on all points at once, and from the inside out, so that the decoder's curve grows along the roll.

# %%
roll = SwissRoll().sample(2000, rng)
t = np.linspace(1.5 * np.pi, 4.5 * np.pi, 5000)
spiral = np.stack([t * np.cos(t), t * np.sin(t)], axis=1) / 7.5  # the roll without noise
steps_along = np.linalg.norm(np.diff(spiral, axis=0), axis=1)
arc_length = np.append(0, np.cumsum(steps_along))[KDTree(spiral).query(roll)[1]]
inside_out = np.argsort(np.linalg.norm(roll, axis=1))


def unroll(grow, steps=4000):
    """An autoencoder 2-64-64-1-64-64-2; with `grow` it sees more and more of the roll in the first three quarters."""
    encoder, decoder = (
        nn.Sequential(nn.Linear(n_in, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, n_out))
        for n_in, n_out in ((2, 1), (1, 2))
    )
    optimizer = optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, steps // 4)
    for step in range(steps):
        progress = step / (0.75 * steps)
        seen = int(len(roll) * min(1, 0.1 + 0.9 * progress)) if grow else len(roll)
        points = mg.from_numpy(roll[inside_out[rng.integers(seen, size=128)]])
        loss = F.mse_loss(decoder(encoder(points)), points)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if progress >= 1:
            schedule.step()
    codes = outputs(encoder, encoder, roll)
    return codes, outputs(decoder, decoder, codes)


pca = PCA(roll, 1)
results = {
    "PCA": (pca.encode(roll), pca.decode(pca.encode(roll))),
    "autoencoder, all at once": unroll(grow=False),
    "autoencoder, inside out": unroll(grow=True),
}

# %% [markdown]
# Two figures say how well a code unrolls. *Order*: the rank correlation of code and length, ± 1 if walking along the
# code is walking along the roll. *Neighbours*: of a point's ten nearest by code, how many are nearer than .3 along the
# roll, which is about 12 long.

# %%
fig, axes = plot.figure(2, 3, 2.8, 2.6)
order, neighbours, error = {}, {}, {}
for (above, below), (name, (codes, rebuilt)) in zip(axes.T, results.items()):
    order[name] = abs(scipy.stats.spearmanr(codes[:, 0], arc_length).statistic)
    nearest = KDTree(codes).query(codes, k=11)[1][:, 1:]
    neighbours[name] = (abs(arc_length[nearest] - arc_length[:, None]) < 0.3).mean()
    error[name] = ((rebuilt - roll) ** 2).mean()
    print(f"{name:25} order {order[name]:.3f}  neighbours {neighbours[name]:.3f}  MSE {error[name]:.4f}")
    colour = scipy.stats.rankdata(codes[:, 0])
    above.scatter(*roll.T, c=colour, s=4, linewidths=0)
    above.scatter(*rebuilt.T, c="C3", s=1, linewidths=0)
    above.set(title=name, xlabel="$x_1$", ylabel="$x_2$")
    below.scatter(arc_length, codes[:, 0], c=colour, s=3, linewidths=0)
    below.set(xlabel="length along the roll", ylabel="code z")
show(fig)
claim("order kept by PCA", order["PCA"], "<", 0.4)
claim("order kept by the autoencoder trained inside out", order["autoencoder, inside out"], ">", 0.98)
claim("neighbours kept by PCA", neighbours["PCA"], "<", 0.6)
claim("... by the autoencoder trained inside out", neighbours["autoencoder, inside out"], ">", 0.9)

# %% [markdown]
# Above, colour is the code's rank and red is what it decodes to; below, code against length. PCA's red line cuts
# through all turns, and below one code has several lengths. Trained inside out the colours run once along the roll, and
# below is one rising or falling curve.
#
# Trained on everything at once the autoencoder does *not* unroll the roll. Before training, the code is nearly a
# projection; the turns that lie on top of each other are torn apart where they are, and the pieces are strung up in an
# order that has little to do with the roll. Neighbours are mostly kept, so the loss is far below PCA's; to change the
# order of pieces it would have to rise again. A small loss is no proof that a code is a map.

# %%
at_once = "autoencoder, all at once"
claim("order kept by the autoencoder trained on all at once", order[at_once], "<", 0.5)
claim("... its neighbours are mostly right", neighbours[at_once], ">", 0.65)
claim("... and its error over PCA's is small", error[at_once] / error["PCA"], "<", 0.5)

# %% [markdown]
# ## Try this
#
# 1. Give the Gaussians `k=5` or `k=100` directions. Which kinds of outliers are flagged then, and how many digits are
#    read rightly?
# 2. Flag what is *too* probable as well, above 99 % of the held-out digits. Does that catch the blank page? And what if
#    you flag by the distance of $\log p(x, y)$ from its mean over the digits of class $y$?
# 3. Train the classifier on an eleventh class of uniform noise. Which other outliers does it recognise now?
# 4. Add noise to the code while `unroll` trains, `encoder(points) + 0.1 * mg.randn(128, 1)`. Why does it help to keep
#    neighbours together, and does it help with the order when all points are seen at once?
# 5. Train with half the points of the roll, or with more noise (`SwissRoll(std=0.1)`). When do turns get mixed up?
