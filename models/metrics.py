"""Figures that models are judged by, each with its formula.

Of reconstructions and codes, variational autoencoders, samples of digits, samples of mixtures, critics, characters; the
groups do not need one another. Sums are taken in float64; what draws takes a NumPy generator, `rng`, and no other.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from pathlib import Path

import numpy as np
import scipy.integrate
import scipy.linalg
import scipy.optimize
import scipy.spatial
import scipy.special
import scipy.stats

import minigrad as mg
from minigrad import backend
from minigrad.ops import gaussian_kl, softplus

from .classifier import CNN

DIGIT_CNN = Path(__file__).with_name("digit_cnn.npz")


# ------------------------------------------------------------------ reconstructions and codes
class PCA:
    """Principal component analysis: the k orthonormal directions U of largest variance about the mean m.

    Codes are z = Uᵀ(x − m), reconstructions x̂ = m + Uz: of all linear maps through k numbers those with the smallest
    mean squared error on the data they were fitted to.
    """

    def __init__(self, x: np.ndarray, k: int):
        self.mean = x.mean(axis=0, dtype=np.float64)
        covariance = np.cov(x, rowvar=False)
        n = len(covariance)
        self.variance, directions = scipy.linalg.eigh(covariance, subset_by_index=(n - k, n - 1))
        self.variance, self.directions = self.variance[::-1], directions[:, ::-1]  # largest first; (features, k)

    def encode(self, x):
        return (x - self.mean) @ self.directions

    def decode(self, z):
        return self.mean + z @ self.directions.T


def mean_squared_error(x, y) -> float:
    """(1/n) Σ (x − y)² over all elements, in float64."""
    return float(np.mean((np.asarray(x, np.float64) - y) ** 2))


def knn_accuracy(codes, labels, test_codes, test_labels, k: int = 5) -> float:
    """The share of test points whose class is the most frequent one among their k nearest training points.

    How much of the classes a code has kept; distances are Euclidean, a tie goes to the smaller label.
    """
    _, nearest = scipy.spatial.KDTree(codes).query(test_codes, k=range(1, k + 1), workers=-1)
    return float(np.mean(scipy.stats.mode(labels[nearest], axis=1).mode == test_labels))


# ------------------------------------------------------------------ variational autoencoders
# p(z) = N(0, I); q(z|x) = N(μ, σ²), with μ and log σ² (n, latent) from the encoder. log p(x|z) is a function
# log_likelihood(z, x) of codes (m, latent) and the images (m, ...) they belong to: it decodes z and calls one of these:
def bernoulli_log_likelihood(logits: np.ndarray, x: np.ndarray) -> np.ndarray:
    """log p(x|z) = Σ x·l − log(1 + eˡ) over the pixels, for logits l and x (n, ...) in [0, 1]: (n,) nats.

    With grey pixels this is minus the usual cross-entropy, and no longer the logarithm of a density.
    """
    return _sum_of_rows(logits * x - softplus(logits))


def gaussian_log_likelihood(mean: np.ndarray, x: np.ndarray, sigma) -> np.ndarray:
    """log p(x|z) = −½ Σ ((x − mean)² / σ² + log 2πσ²) over the pixels, for mean and x (n, ...): (n,) nats.

    σ is one number, or one for each pixel.
    """
    return _sum_of_rows(-0.5 * (((x - mean) / sigma) ** 2 + np.log(2 * np.pi * sigma**2)))


def elbo(log_likelihood, x, mu, log_var, draws: int, rng, batch: int = 1000):
    """The evidence lower bound of each x and its parts, as (elbo, reconstruction, kl), each (n,) in nats.

    ELBO = E_q[log p(x|z)] − KL(q(z|x) ‖ p(z)) ≤ log p(x); the first term is estimated by `draws` codes z = μ + σε, the
    second is ½ Σ (μ² + σ² − 1 − log σ²) exactly (Kingma & Welling 2014). With z = μ in place of drawn codes the first
    term is much too high, and the sum no bound.
    """
    reconstruction = np.zeros(len(x))
    for rows, z, _ in _codes(mu, log_var, rng, draws, batch):
        reconstruction[rows] += log_likelihood(z, x[rows]) / draws
    kl = gaussian_kl(mu.astype(np.float64), log_var.astype(np.float64), reduction="none")
    return reconstruction - kl, reconstruction, kl


def iwae(log_likelihood, x, mu, log_var, k: int, rng, batch: int = 1000) -> np.ndarray:
    """The importance-weighted bound of each x by k codes, log (1/k) Σᵢ p(x|zᵢ) p(zᵢ) / q(zᵢ|x), zᵢ ~ q: (n,) in nats.

    Its mean grows with k from the ELBO (k = 1) towards log p(x) (Burda, Grosse & Salakhutdinov 2016, theorem 1).
    """
    log_sum = np.full(len(x), -np.inf)
    for rows, z, log_ratio in _codes(mu, log_var, rng, k, batch):
        log_sum[rows] = np.logaddexp(log_sum[rows], log_likelihood(z, x[rows]) + log_ratio)
    return log_sum - math.log(k)


def _codes(mu, log_var, rng, draws, batch):
    """Rows of the data, a code z = μ + σε for each, and log p(z) − log q(z|x) = ½ Σ (ε² − z² + log σ²), (m,)."""
    for start in range(0, len(mu), batch):
        rows = slice(start, start + batch)
        for _ in range(draws):
            epsilon = rng.standard_normal(mu[rows].shape, dtype=mu.dtype)
            z = mu[rows] + np.exp(0.5 * log_var[rows]) * epsilon
            yield rows, z, _sum_of_rows(0.5 * (epsilon**2 - z**2 + log_var[rows]))


def _sum_of_rows(x):
    return x.reshape(len(x), -1).sum(axis=1, dtype=np.float64)


def active_units(mu: np.ndarray, threshold: float = 0.01) -> int:
    """How many latent units the encoder uses, by its posterior means μ (n, latent).

    A unit is active if the variance of its μ over the data is above `threshold` (Burda et al. 2016, section 5.2).
    """
    return int(np.sum(mu.var(axis=0, dtype=np.float64) > threshold))


# ------------------------------------------------------------------ samples of handwritten digits
class DigitCNN(CNN):
    """The judge of digits: the classifier's network, images (n, 1, 28, 28) in [0, 1] → 64 features → logits (n, 10)."""

    def load(self, weights: dict) -> DigitCNN:
        """Take weights as they are stored, in float16."""
        self.load_state_dict({name: mg.tensor(weight, dtype=np.float32) for name, weight in weights.items()})
        return self


@functools.cache
def digit_cnn() -> DigitCNN:
    """The judge with the weights that lie beside this file; make_digit_cnn.py made them.

    They stay as they are, for figures by two different networks cannot be compared.
    """
    before = backend.random_state()  # new layers draw weights, which must not shift the draws of a model in training
    cnn = DigitCNN()
    backend.set_random_state(before)
    return cnn.load(mg.load(DIGIT_CNN)["weights"])


def read_digits(images: np.ndarray, cnn: DigitCNN | None = None, batch: int = 500):
    """What the CNN makes of n images: its features (n, 64) and the probabilities p(y|x) of the ten digits (n, 10).

    The images are 28 x 28 floats in [0, 1], in any shape with n in front; others are a ValueError.
    """
    low, high = images.min(), images.max()
    if not (images.dtype.kind == "f" and low >= 0 and high <= 1):
        raise ValueError(f"digits are judged as floats in [0, 1], and these are {images.dtype} in [{low}, {high}]")
    cnn = cnn or digit_cnn()
    images = images.reshape(len(images), 1, 28, 28).astype(np.float32, copy=False)
    with mg.no_grad():
        parts = [cnn.features(mg.from_numpy(images[i : i + batch])) for i in range(0, len(images), batch)]
        logits = np.concatenate([cnn.classes(features).numpy() for features in parts])
    return np.concatenate([f.numpy() for f in parts]), scipy.special.softmax(logits.astype(np.float64), axis=1)


def fidn(features: np.ndarray, real: np.ndarray) -> float:
    """The distance of generated digits from real ones, by the features (n, 64) that `read_digits` gives of either.

    FIDn = 100·(‖μ₁ − μ₂‖² + tr(S₁ + S₂ − 2(S₁S₂)^½)) / tr S₂, with means μ and covariances S, the real ones second: the
    Fréchet inception distance (Heusel et al. 2017), of a CNN of digits and in percent of the variance of real ones.
    tr (S₁S₂)^½ is the sum of the singular values of S₁^½S₂^½, so no root of an unsymmetric matrix is taken.

    It falls as the samples grow in number: compare figures of equally many, 5,000 or more, and print with them the
    floor, the figure of as many real training images. Of 10,000 against the 10,000 test images: floor .18, PCA-32
    reconstructions 12.2, only digits 0 to 4 19.5, a Gaussian of the pixels' mean and covariance 41, noise 102, 1s 127.
    """
    (mu_1, s_1), (mu_2, s_2) = ((f.mean(axis=0, dtype=np.float64), np.cov(f, rowvar=False)) for f in (features, real))
    overlap = scipy.linalg.svdvals(_root(s_1) @ _root(s_2)).sum()
    distance = np.sum((mu_1 - mu_2) ** 2) + np.trace(s_1) + np.trace(s_2) - 2 * overlap
    return float(100 * distance / np.trace(s_2))


def _root(covariance):
    """The symmetric square root; eigenvalues that rounding has put below 0 count as 0."""
    eigenvalues, directions = scipy.linalg.eigh(covariance)
    return directions * np.sqrt(np.maximum(eigenvalues, 0)) @ directions.T


def classifier_score(p: np.ndarray) -> float:
    """exp E_x KL(p(y|x) ‖ p(y)) for probabilities (n, classes): from 1 to the number of classes.

    It is high where each sample is clearly of one class and all classes are equally frequent; that all samples of a
    class may be one and the same it does not see (the inception score of Salimans et al. 2016, of a CNN of digits).
    """
    return float(np.exp(scipy.special.rel_entr(p, p.mean(axis=0)).sum(axis=1).mean()))


def class_shares(p: np.ndarray) -> np.ndarray:
    """The share of each class among n samples of probabilities (n, classes), each counted for its likeliest."""
    return np.bincount(p.argmax(axis=1), minlength=p.shape[1]) / len(p)


def kl_to_uniform(shares: np.ndarray) -> float:
    """KL(shares ‖ uniform) = log k + Σ s log s in nats, from 0 for k equal shares to log k for a single class.

    >>> round(kl_to_uniform(np.array([0.5, 0.5, 0, 0])) / math.log(2), 3)  # one bit of two is missing
    1.0
    """
    return float(scipy.special.rel_entr(shares, 1 / len(shares)).sum())


def nearest(images: np.ndarray, training: np.ndarray, batch: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """The Euclidean distance of each image (n, ...) to the nearest training image, and that one's index: (n,) each.

    All distances come from one matrix product, ‖x‖² − 2x·y + ‖y‖², and the least is computed anew, so that a copy has
    distance 0.
    """
    training = training.reshape(len(training), -1)
    images = images.reshape(len(images), -1).astype(training.dtype, copy=False)
    norms = np.sum(training**2, axis=1)
    batches = (2 * images[i : i + batch] for i in range(0, len(images), batch))
    index = np.concatenate([np.argmin(norms - x @ training.T, axis=1) for x in batches])
    return np.linalg.norm(images - training[index], axis=1), index


def digit_scores(samples: np.ndarray, training: np.ndarray, test: np.ndarray) -> dict:
    """All figures of digits beside those of real ones: images (n, ...) of 784 floats in [0, 1], at best 5,000 or more.

    `fidn` compares with the test images; its floor takes as many training images as there are samples. `nearest` is the
    median distance of 500 samples to the nearest training image, `nearest_real` that of 500 test images: a generator
    that has learnt its training images by heart comes much nearer to them than new digits are. What is picked is picked
    at random with a fixed seed, for MNIST's order is not: of the embedded digits every tenth has FIDn .7 or 6.7,
    depending on where one begins, and a random tenth 2.2.
    """
    features, p = read_digits(samples)
    real_features, real_p = read_digits(test)
    rng = np.random.default_rng(0)
    some_test, some_samples, as_many = (
        images[rng.permutation(len(images))[:n]]
        for images, n in ((test, 500), (samples, 500), (training, len(samples)))
    )
    floor, _ = read_digits(as_many)
    shares = class_shares(p)
    return {
        "fidn": fidn(features, real_features),
        "fidn_floor": fidn(floor, real_features),
        "classifier_score": classifier_score(p),
        "classifier_score_real": classifier_score(real_p),
        "class_shares": shares.tolist(),
        "class_kl": kl_to_uniform(shares),
        "nearest": float(np.median(nearest(some_samples, training)[0])),
        "nearest_real": float(np.median(nearest(some_test, training)[0])),
    }


# ------------------------------------------------------------------ samples of mixtures
def mixture_scores(samples: np.ndarray, centres: np.ndarray, sigma: float) -> dict:
    """How samples (n, d) cover a mixture of equally likely N(centre, σ²I), centres (k, d).

    A sample within 3σ of the nearest centre is of high quality. A mode counts in `modes` with one such sample, in
    `strict_modes` with 20 % of its fair share n/k; `high_quality` is their share of all samples, which for the mixture
    itself is .989 in two dimensions (1 − e^−4.5). Usual with 2,500 samples (Srivastava et al. 2017, VEEGAN).
    """
    distances = scipy.spatial.distance.cdist(samples, centres)
    good = distances.min(axis=1) <= 3 * sigma
    counts = np.bincount(distances.argmin(axis=1)[good], minlength=len(centres))
    return {
        "modes": int(np.sum(counts > 0)),
        "strict_modes": int(np.sum(counts >= 0.2 * len(samples) / len(centres))),
        "high_quality": float(good.mean()),
    }


def wasserstein(x: np.ndarray, y: np.ndarray) -> float:
    """W₁ between equally many points x and y: the least mean distance of pairs, over all ways to pair them, exactly.

    On the line, (n,), the k-th smallest of each belong together. In the plane or higher, (n, d), the best pairing is
    found in some 0.1 s for n = 1000 and in time like n³.

    >>> wasserstein(np.array([0.0, 1, 2]), np.array([3.0, 5, 4]))
    3.0
    """
    if x.shape != y.shape:
        raise ValueError(f"wasserstein compares equally many points, and these are {x.shape} and {y.shape}")
    if x.ndim == 1:
        return float(np.mean(np.abs(np.sort(x) - np.sort(y))))
    distances = scipy.spatial.distance.cdist(x, y)
    return float(distances[scipy.optimize.linear_sum_assignment(distances)].mean())


def wasserstein_and_floor(samples, real, rng, n: int = 1000, draws: int = 3) -> tuple[float, float]:
    """W₁ between n samples and n real points, and between n and n other real points: means of some draws.

    The second is the floor: what samples from the real distribution itself would show, for W₁ of finitely many points
    is not 0. Needs n samples and 2n real points.
    """
    if len(samples) < n or len(real) < 2 * n:
        raise ValueError(f"needs {n} samples and {2 * n} real points, not {len(samples)} and {len(real)}")
    found = []
    for _ in range(draws):
        points, others = np.split(rng.permutation(real)[: 2 * n], 2)
        found.append((wasserstein(rng.permutation(samples)[:n], points), wasserstein(others, points)))
    w, floor = np.mean(found, axis=0)
    return float(w), float(floor)


# ------------------------------------------------------------------ discriminators and critics
def jensen_shannon(p, q, low: float, high: float) -> float:
    """JSD(p ‖ q) = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = ½(p + q), in nats, of two densities on [low, high], by quadrature.

    It lies between 0, for p = q, and log 2, where p and q do not overlap. A density that does not integrate to 1 there,
    or is too narrow to be found there, is a ValueError.
    """

    def integrand(x):
        a, b = p(x), q(x)
        m = 0.5 * (a + b)
        return np.array([0.5 * (scipy.special.rel_entr(a, m) + scipy.special.rel_entr(b, m)), a, b])

    (divergence, *masses), _ = scipy.integrate.quad_vec(integrand, low, high, epsabs=1e-10, epsrel=1e-10)
    if not np.allclose(masses, 1, atol=1e-6):
        raise ValueError(
            f"over [{low}, {high}] the densities integrate to {masses[0]:.6g} and {masses[1]:.6g}, not to 1"
        )
    return float(divergence)


def best_discriminator_value(p, q, low: float, high: float) -> float:
    """V(D*, G) = max_D E_p[log D] + E_q[log(1 − D)] = −log 4 + 2 JSD(p ‖ q), reached by D* = p / (p + q).

    p is the density of the data, q that of what G makes (Goodfellow et al. 2014, theorem 1).

    >>> from scipy.stats import norm
    >>> round(best_discriminator_value(norm(0, 1).pdf, norm(1, 1).pdf, -10, 11), 4)
    -1.1635
    """
    return 2 * jensen_shannon(p, q, low, high) - math.log(4)


def critic_audit(critic, real: np.ndarray, fake: np.ndarray, rng) -> dict:
    """What a WGAN critic f reads between real and fake (n, ...), and how far it is 1-Lipschitz between them.

    `reading` = E f(real) − E f(fake). `gradient_norm` and `gradient_norm_std` are mean and standard deviation of
    ‖∇f(x̂)‖ at x̂ = t·real + (1 − t)·fake, t ~ U(0, 1) one for each pair (Gulrajani et al. 2017, section 4). The best
    critic of slope c reads c·W₁, and under a penalty λ its slope is 1 + W₁/(2λ), not 1: so `wasserstein`, the reading
    divided by the mean norm, is what compares with W₁. The critic must take examples one by one: no batch norm.
    """
    t = rng.random((len(real), *[1] * (real.ndim - 1)), dtype=np.float32)
    between = mg.tensor(t * real + (1 - t) * fake, requires_grad=True)
    (slope,) = mg.autograd.grad(critic(between).sum(), [between])
    norms = np.sqrt(_sum_of_rows(slope.numpy() ** 2))
    with mg.no_grad():
        on_real, on_fake = (critic(mg.tensor(x)).numpy().mean(dtype=np.float64) for x in (real, fake))
    reading, norm = float(on_real - on_fake), float(norms.mean())
    return {
        "reading": reading,
        "gradient_norm": norm,
        "gradient_norm_std": float(norms.std()),
        "wasserstein": reading / norm if norm else math.nan,
    }


# ------------------------------------------------------------------ characters
def bits_per_character(log_p: np.ndarray) -> float:
    """−mean log₂ p, from the natural logarithms of the probabilities that a model gave to the characters that came.

    >>> bits_per_character(np.log([0.5, 0.125]))
    2.0
    """
    return float(-np.mean(log_p, dtype=np.float64) / math.log(2))


class NGram:
    """Characters predicted by the order − 1 before them, from counts in a text, smoothed after Witten & Bell (1991).

    p(c|h) = (N(hc) + T(h)·p(c|h′)) / (N(h) + T(h)), where N counts, T(h) is how many different characters followed h,
    and h′ is h without its first character: the less has been seen after h, the more is left to the shorter h′. Below
    the empty history stands 1/alphabet for each of the characters that may come (Chen & Goodman 1999, section 2.5).

    >>> p = np.exp(NGram("abracadabra", order=2, alphabet=5).log_probabilities("ab"))
    >>> p.round(4).tolist()                        # (5 + 5·1/5) / (11 + 5), then (2 + 3·(2 + 1)/16) / (4 + 3)
    [0.375, 0.3661]
    """

    def __init__(self, text: str, order: int, alphabet: int):
        self.order, self.alphabet = order, alphabet
        self.times, self.total, self.kinds = Counter(), Counter(), Counter()  # N(hc), N(h) = Σ N(hc), T(h)
        for n in range(1, order + 1):
            grams = Counter(text[i : i + n] for i in range(len(text) - n + 1))
            self.times.update(grams)
            for gram, times in grams.items():
                self.total[gram[:-1]] += times
                self.kinds[gram[:-1]] += 1

    def log_probabilities(self, text: str) -> np.ndarray:
        """log p of each character of `text` after those before it in `text`, (len(text),) in nats."""
        return np.log([self._probability(text[max(i - self.order + 1, 0) : i], c) for i, c in enumerate(text)])

    def _probability(self, history, character):
        p = 1 / self.alphabet
        for start in range(len(history), -1, -1):  # from no history to all of it
            h = history[start:]
            if not self.total[h]:
                break
            p = (self.times[h + character] + self.kinds[h] * p) / (self.total[h] + self.kinds[h])
        return p
