"""The KL divergence of Gaussians · 가우스 분포의 KL 발산 (3 points)

A VAE wants its codes to look like N(0, I). How far the encoder's q = N(μ, σ²) is from p = N(0, 1) is measured by

    KL(q ‖ p) = E_q[log q(z) − log p(z)] = ½·(μ² + σ² − 1 − log σ²)

in nats, for one latent number. The encoder gives v = log σ². mu and logvar are (N, K): N images with K latent numbers
each. The K numbers of an image are independent, so that their divergences are summed, always. Over the N images they
are averaged if REDUCTION is "mean", and summed if it is "sum". Here REDUCTION is "«REDUCTION»".

Write three functions; g = ∂L/∂KL is a number, such as the weight β of a β-VAE:
``gaussian_kl(mu, logvar)`` : KL, one number (1 point)
``kl_grad_mu(g, mu, logvar)`` : ∂L/∂μ, of shape (N, K) (1 point)
``kl_grad_logvar(g, mu, logvar)`` : ∂L/∂v, of shape (N, K), for v = log σ² and not for σ (1 point)

A tiny example: N = 1, K = 2, mu = [[1, 0]], logvar = [[0, log 4]] = [[0, 1.3863]]. The two divergences are
½·(1 + 1 − 1 − 0) = 0.5 and ½·(0 + 4 − 1 − 1.3863) = 0.8069, and KL = 1.3069. For g = 2, ∂L/∂μ = [[2, 0]] and
∂L/∂v = [[0, 3]].

VAE는 코드가 N(0, I)처럼 보이기를 바란다. 인코더의 q = N(μ, σ²)이 p = N(0, 1)에서 얼마나 먼지를 잠재 변수 하나마다 위의
식으로 잰다. 단위는 nats이다. 인코더는 v = log σ²을 내놓는다. mu와 logvar의 모양은 (N, K)이고, 이미지가 N장, 이미지마다
잠재 변수가 K개이다. 한 이미지의 변수 K개는 서로 독립이므로 발산을 언제나 더한다. 이미지 N장에 대해서는 REDUCTION이
"mean"이면 평균하고 "sum"이면 더한다. 여기서 REDUCTION은 "«REDUCTION»"이다.
함수 셋을 작성하라. g = ∂L/∂KL은 수 하나이며, 예를 들어 β-VAE의 가중치 β이다. ``gaussian_kl(mu, logvar)``(1점)는 수
하나인 KL, ``kl_grad_mu(g, mu, logvar)``(1점)는 모양이 (N, K)인 ∂L/∂μ, ``kl_grad_logvar(g, mu, logvar)``(1점)는 모양이
(N, K)인 ∂L/∂v를 돌려준다. σ가 아니라 v = log σ²에 대한 기울기이다.
예: N = 1, K = 2, mu = [[1, 0]], logvar = [[0, log 4]] = [[0, 1.3863]]이면 두 발산은 ½·(1 + 1 − 1 − 0) = 0.5와
½·(0 + 4 − 1 − 1.3863) = 0.8069이고 KL = 1.3069이다. g = 2이면 ∂L/∂μ = [[2, 0]], ∂L/∂v = [[0, 3]]이다.
"""

import numpy as np

REDUCTION = "mean"  # edition: "mean", "sum"


def gaussian_kl(mu, logvar):
    """KL(N(μ, σ²) ‖ N(0, 1)), of all."""
    # BEGIN SOLUTION
    each = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)
    per_image = each.sum(1)
    return per_image.mean() if REDUCTION == "mean" else per_image.sum()
    # END SOLUTION


def kl_grad_mu(g, mu, logvar):
    """∂L/∂μ, from g = ∂L/∂KL."""
    # BEGIN SOLUTION
    return g * mu / (len(mu) if REDUCTION == "mean" else 1)
    # END SOLUTION


def kl_grad_logvar(g, mu, logvar):
    """∂L/∂v for v = logvar, from g = ∂L/∂KL."""
    # BEGIN SOLUTION
    count = len(logvar) if REDUCTION == "mean" else 1
    return g * 0.5 * (np.exp(logvar) - 1) / count
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part

SIZES = {"n": (1, 5, 3), "latent": (1, 7, 5)}


def draw(rng, n, latent):
    return {"mu": 1.5 * rng.standard_normal((n, latent)), "logvar": rng.uniform(-3, 1.5, (n, latent))}


def draw_with_g(rng, n, latent):
    return {"g": float(rng.uniform(2.3, 4.7)), **draw(rng, n, latent)}


def by_quadrature(mu, logvar):
    """E_q[log q − log p] at the three points z where the rule of Gauss and Hermite is exact for parabolas"""
    points, weights = np.polynomial.hermite_e.hermegauss(3)
    total = 0.0
    for n, k in np.ndindex(mu.shape):
        sigma = np.exp(logvar[n, k]) ** 0.5
        for t, weight in zip(points, weights / weights.sum()):
            z = mu[n, k] + sigma * t
            total = total + weight * (-t * t / 2 - logvar[n, k] / 2 + z * z / 2)
    return total / {"mean": mu.shape[0], "sum": 1}[REDUCTION]


def cases(draw):
    def of(rng):
        other = draw(rng, 2, 3)
        example = {"mu": np.array([[1.0, 0.0]]), "logvar": np.array([[0.0, np.log(4)]])}
        if "g" in other:
            example = {"g": 2.0} | example
        return {
            "the text's example": example,
            "q = N(0, 1)": other | {"mu": np.zeros((2, 3)), "logvar": np.zeros((2, 3))},
            "narrow q": draw(rng, 2, 3) | {"logvar": np.full((2, 3), -40.0)},
            "wide q": draw(rng, 2, 3) | {"logvar": np.full((2, 3), 9.0)},
            "q far away": draw(rng, 2, 3) | {"mu": np.full((2, 3), 20.0)},
        }

    return of


PARTS = [
    Part("gaussian_kl", 1, draw, SIZES, by_quadrature, cases=cases(draw), returns=("KL",)),
    Part("kl_grad_mu", 1, draw_with_g, SIZES, forward=by_quadrature, of="mu", cases=cases(draw_with_g)),
    Part("kl_grad_logvar", 1, draw_with_g, SIZES, forward=by_quadrature, of="logvar", cases=cases(draw_with_g)),
]
HINTS = [
    ("σ² = exp(v), and log σ² is v itself.", "σ² = exp(v)이고, log σ²은 v 자신이다."),
    (
        "Look at one latent number first: its divergence, and the derivatives of that for μ and for v.",
        "먼저 잠재 변수 하나를 보라. 그 발산을 μ와 v로 각각 미분하라.",
    ),
    (
        "A mean over N images passes 1/N of g on to each of them; a sum passes all of g on.",
        "이미지 N장의 평균은 각 이미지에 g의 1/N을, 합은 g를 그대로 넘겨준다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake("factor", "each = 0.5 * (mu**2", "each = -0.5 * (mu**2"),
    Mistake("factor", "each = 0.5 * (mu**2", "each = (mu**2"),
    Mistake(
        "logvar is taken for σ²",
        "mu**2 + np.exp(logvar) - 1 - logvar",
        "mu**2 + logvar - 1 - np.log(np.abs(logvar))",
        "logvar is log σ² already: σ² is its exp",
        "logvar는 이미 log σ²이다. σ²은 그 exp이다",
    ),
    Mistake(
        "σ for σ²",
        "mu**2 + np.exp(logvar) - 1 - logvar",
        "mu**2 + np.exp(0.5 * logvar) - 1 - logvar",
        "the formula has the variance σ² = exp(v), not σ = exp(v/2)",
        "식에 있는 것은 σ = exp(v/2)가 아니라 분산 σ² = exp(v)이다",
    ),
    Mistake(
        "the sign of the logarithm",
        "np.exp(logvar) - 1 - logvar",
        "np.exp(logvar) - 1 + logvar",
        "log σ² is subtracted",
        "log σ²은 뺀다",
    ),
    Mistake(
        "the other way round",
        "0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)",
        "0.5 * ((mu**2 + 1) * np.exp(-logvar) - 1 + logvar)",
        "this is KL(p ‖ q); asked is KL(q ‖ p), with the mean under q",
        "이것은 KL(p ‖ q)이다. 구할 것은 q로 평균하는 KL(q ‖ p)이다",
    ),
    Mistake(
        "a mean over the latent numbers",
        "each.sum(1)",
        "each.mean(1)",
        "the K divergences of an image are summed, not averaged",
        "한 이미지의 발산 K개는 평균하지 않고 더한다",
    ),
    Mistake("cotangent", "return g * mu / (len(mu)", "return mu / (len(mu)"),
    Mistake("factor", "return g * mu / (len(mu)", "return 2 * g * mu / (len(mu)"),
    Mistake("factor", "return g * mu / (len(mu)", "return g * mu / mu.shape[1] / (len(mu)"),
    Mistake("factor", "g * 0.5 * (np.exp(logvar) - 1)", "g * (np.exp(logvar) - 1)"),
    Mistake(
        "the logarithm's gradient is missing",
        "g * 0.5 * (np.exp(logvar) - 1)",
        "g * 0.5 * np.exp(logvar)",
        "−log σ² = −v has the gradient −1",
        "−log σ² = −v의 기울기는 −1이다",
    ),
    Mistake(
        "the gradient for σ",
        "g * 0.5 * (np.exp(logvar) - 1)",
        "g * (np.exp(0.5 * logvar) - np.exp(-0.5 * logvar))",
        "this is the gradient for σ; asked is that for v = log σ²",
        "이것은 σ에 대한 기울기이다. 구할 것은 v = log σ²에 대한 기울기이다",
    ),
    Mistake(
        "the gradient for σ²",
        "g * 0.5 * (np.exp(logvar) - 1)",
        "g * 0.5 * (1 - np.exp(-logvar))",
        "this is the gradient for σ²; asked is that for v = log σ², which has σ² = exp(v) as one more factor",
        "이것은 σ²에 대한 기울기이다. 구할 것은 v = log σ²에 대한 기울기이고, 인수 σ² = exp(v)가 더 붙는다",
    ),
]
OTHERS = [
    """
    def gaussian_kl(mu, logvar):
        total = 0.0
        for m, v in zip(mu, logvar):
            total -= 0.5 * np.sum(1 + v - m * m - np.exp(v))
        return np.array(total / len(mu) if REDUCTION == "mean" else total)

    def kl_grad_mu(g, mu, logvar):
        images = np.full((len(mu), 1), g / len(mu) if REDUCTION == "mean" else g)
        return (images * mu).astype(np.float32)

    def kl_grad_logvar(g, mu, logvar):
        images = np.full((len(mu), 1), g / len(mu) if REDUCTION == "mean" else g)
        return images * np.expm1(logvar) / 2
    """,
]
# END SOLUTION
