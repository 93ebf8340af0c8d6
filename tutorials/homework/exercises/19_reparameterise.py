"""The reparameterisation trick · 재매개변수화 기법 (3 points)

A VAE's encoder gives the mean μ and the logarithm v = log σ² of the variance of each latent number. A sample z ~ N(μ,
σ²) drawn straight away has no gradient for μ and v. Drawn as

    z = μ + σ·ε,      ε ~ N(0, 1),      σ = exp(v/2)

it has one, since chance is only in ε, which depends on nothing.

For N images with K latent numbers, mu and logvar are (N, K). S samples are drawn for each image: eps is (S, N, K), with
a number of its own for every sample, image and latent number, and z is (S, N, K), too. eps is given, so draw nothing.

Write three functions; g = ∂L/∂z has z's shape:
``reparameterise(mu, logvar, eps)`` : z, of shape (S, N, K) (1 point)
``grad_mu(g, mu, logvar, eps)`` : ∂L/∂μ, of shape (N, K) (1 point)
``grad_logvar(g, mu, logvar, eps)`` : ∂L/∂v, of shape (N, K) (1 point)

An image's μ and v are used by all S of its samples; their gradients are summed over the samples, with no mean.

A tiny example: S = 2, N = K = 1, mu = [[1]], logvar = [[log 4]] = [[1.3863]], eps = [[[0.5]], [[−1]]]. Then σ = 2 and
z = [[[2]], [[−1]]]. For g = [[[3]], [[1]]], ∂L/∂μ = [[3 + 1]] = [[4]]; and since ∂z/∂v = ½·σ·ε is 0.5 and −1,
∂L/∂v = [[3·0.5 + 1·(−1)]] = [[0.5]].

VAE의 인코더는 잠재 변수마다 평균 μ와 분산의 로그 v = log σ²을 내놓는다. 표본 z ~ N(μ, σ²)을 그냥 뽑으면 μ와 v에 대한
기울기가 없다. 위의 식처럼 ε ~ N(0, 1)을 뽑아 z = μ + σ·ε, σ = exp(v/2)로 만들면 기울기가 생긴다. 무작위성은 ε에만 있고
ε은 아무것에도 의존하지 않기 때문이다.
이미지가 N장, 잠재 변수가 K개이면 mu와 logvar의 모양은 (N, K)이다. 이미지마다 표본을 S개씩 뽑는다. eps의 모양은
(S, N, K)이고 표본, 이미지, 잠재 변수마다 값이 따로 있다. z의 모양도 (S, N, K)이다. eps는 주어지므로 아무것도 뽑지 마라.
함수 셋을 작성하라. g = ∂L/∂z의 모양은 z와 같다. ``reparameterise(mu, logvar, eps)``(1점)는 모양이 (S, N, K)인 z,
``grad_mu(g, mu, logvar, eps)``(1점)는 모양이 (N, K)인 ∂L/∂μ, ``grad_logvar(g, mu, logvar, eps)``(1점)는 모양이 (N, K)인
∂L/∂v를 돌려준다. 한 이미지의 μ와 v는 그 이미지의 표본 S개가 모두 쓴다. 기울기는 표본에 대해 더하고 평균하지 않는다.
예: S = 2, N = K = 1, mu = [[1]], logvar = [[log 4]] = [[1.3863]], eps = [[[0.5]], [[−1]]]이면 σ = 2,
z = [[[2]], [[−1]]]이다. g = [[[3]], [[1]]]이면 ∂L/∂μ = [[3 + 1]] = [[4]]이고, ∂z/∂v = ½·σ·ε이 0.5와 −1이므로
∂L/∂v = [[3·0.5 + 1·(−1)]] = [[0.5]]이다.
"""

import numpy as np


def reparameterise(mu, logvar, eps):
    """The samples z."""
    # BEGIN SOLUTION
    return mu + np.exp(logvar / 2) * eps
    # END SOLUTION


def grad_mu(g, mu, logvar, eps):
    """∂L/∂μ, from g = ∂L/∂z."""
    # BEGIN SOLUTION
    return g.sum(0)
    # END SOLUTION


def grad_logvar(g, mu, logvar, eps):
    """∂L/∂v for v = logvar, from g = ∂L/∂z."""
    # BEGIN SOLUTION
    std = np.exp(0.5 * logvar)
    return (g * eps * 0.5 * std).sum(0)
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part

SIZES = {"samples": (1, 3, 3), "n": (1, 7, 7), "latent": (1, 5, 5)}


def draw(rng, samples, n, latent):
    shape = samples, n, latent
    return {
        "mu": rng.standard_normal((n, latent)),
        "logvar": rng.uniform(-2, 1, (n, latent)),
        "eps": rng.standard_normal(shape),
    }


def draw_with_g(rng, samples, n, latent):
    return {"g": rng.standard_normal((samples, n, latent))} | draw(rng, samples, n, latent)


def quantiles(mu, logvar, eps):
    """The number of N(μ, σ²) that is where ε is in N(0, 1)"""
    from scipy.stats import norm

    return np.array([norm.isf(norm.sf(each), loc=mu, scale=(np.e**logvar) ** 0.5) for each in eps])


def samples_of(mu, logvar, eps):
    """One after the other"""
    z = np.empty(eps.shape)
    for s, n, k in np.ndindex(eps.shape):
        z[s, n, k] = eps[s, n, k] * (np.e ** logvar[n, k]) ** 0.5 + mu[n, k]
    return z


def twice(reparameterise, **inputs):
    """z, the same at a second call."""
    z, again = (reparameterise(**inputs) for _ in range(2))
    a, b = np.asarray(z), np.asarray(again)
    if a.shape != b.shape or not ((a == b) | (a != a)).all():
        raise ValueError("two calls with the same inputs gave different z: take the ε that is given, and draw nothing")
    return z


def cases(draw):
    def of(rng):
        none, narrow, wide, fixed = (draw(rng, 2, 3, 2) for _ in range(4))
        example = {"mu": np.ones((1, 1)), "logvar": np.full((1, 1), np.log(4)), "eps": np.array([[[0.5]], [[-1.0]]])}
        if "g" in none:
            example = {"g": np.array([[[3.0]], [[1.0]]])} | example
        return {
            "the text's example": example,
            "one sample": draw(rng, 1, 3, 2),
            "eps = 0": none | {"eps": np.zeros((2, 3, 2))},
            "logvar = 0": fixed | {"logvar": np.zeros((3, 2))},
            "logvar = −200": narrow | {"logvar": np.full((3, 2), -200.0)},
            "logvar = 20": wide | {"logvar": np.full((3, 2), 20.0)},
        }

    return of


PARTS = [
    Part("reparameterise", 1, draw, SIZES, quantiles, cases=cases(draw), returns=("z",), drive=twice),
    Part("grad_mu", 1, draw_with_g, SIZES, forward=samples_of, of="mu", cases=cases(draw_with_g)),
    Part("grad_logvar", 1, draw_with_g, SIZES, forward=samples_of, of="logvar", cases=cases(draw_with_g)),
]
HINTS = [
    (
        "σ = √(exp v) = exp(v/2). NumPy repeats (N, K) along the samples of (S, N, K) by itself.",
        "σ = √(exp v) = exp(v/2)이다. NumPy는 (N, K)를 (S, N, K)의 표본 축을 따라 스스로 반복한다.",
    ),
    (
        "What was repeated forward is summed backward: over axis 0.",
        "순전파에서 반복한 것은 역전파에서 합한다. 축 0으로 합하라.",
    ),
    (
        "The derivative of exp(v/2) for v is ½·exp(v/2).",
        "exp(v/2)를 v로 미분하면 ½·exp(v/2)이다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "the variance is taken for the standard deviation",
        "mu + np.exp(logvar / 2) * eps",
        "mu + np.exp(logvar) * eps",
        "exp(v) is the variance σ²; ε is multiplied by the standard deviation σ = exp(v/2)",
        "exp(v)는 분산 σ²이다. ε에는 표준편차 σ = exp(v/2)를 곱한다",
    ),
    Mistake(
        "logvar is taken for σ",
        "mu + np.exp(logvar / 2) * eps",
        "mu + logvar * eps",
        "the encoder gives log σ², not σ: take exp(v/2)",
        "인코더가 내놓는 것은 σ가 아니라 log σ²이다. exp(v/2)를 구하라",
    ),
    Mistake(
        "one ε for all images",
        "np.exp(logvar / 2) * eps",
        "np.exp(logvar / 2) * eps[:, :1]",
        "every image has numbers ε of its own, and here all use those of the first",
        "이미지마다 ε이 따로 있는데, 여기서는 모두 첫 이미지의 ε을 쓴다",
    ),
    Mistake(
        "half of σ²",
        "mu + np.exp(logvar / 2) * eps",
        "mu + np.exp(logvar) / 2 * eps",
        "the half belongs into the exponent: σ = exp(v/2), not exp(v)/2",
        "½은 지수 안에 있어야 한다. σ는 exp(v)/2가 아니라 exp(v/2)이다",
    ),
    Mistake("error", "np.exp(logvar / 2) * eps", "np.exp(logvar / 2) * np.random.standard_normal(eps.shape)"),
    Mistake("not summed", "return g.sum(0)", "return g"),
    Mistake(
        "σ in the gradient for μ",
        "return g.sum(0)",
        "return (g * np.exp(logvar / 2)).sum(0)",
        "∂z/∂μ is 1: σ stands before ε, not before μ",
        "∂z/∂μ는 1이다. σ는 μ가 아니라 ε에 곱한다",
    ),
    Mistake("factor", "return g.sum(0)", "return g.mean(0)"),
    Mistake("cotangent", "return g.sum(0)", "return np.full(mu.shape, float(len(eps)))"),
    Mistake(
        "the half is missing",
        "g * eps * 0.5 * std",
        "g * eps * std",
        "σ = exp(v/2), and the inner derivative of v/2 is ½",
        "σ = exp(v/2)이고 v/2의 속미분은 ½이다",
    ),
    Mistake(
        "σ² for σ",
        "np.exp(0.5 * logvar)",
        "np.exp(logvar)",
        "the derivative of σ = exp(v/2) is ½·exp(v/2), and this has ½·exp(v)",
        "σ = exp(v/2)의 미분은 ½·exp(v/2)인데 ½·exp(v)를 썼다",
    ),
    Mistake("cotangent", "g * eps * 0.5 * std", "eps * 0.5 * std"),
    Mistake(
        "ε is missing",
        "g * eps * 0.5 * std",
        "g * 0.5 * std",
        "σ is multiplied by ε: so is its gradient",
        "σ에는 ε을 곱하므로 기울기에도 ε이 곱해진다",
    ),
    Mistake(
        "the derivative of exp is missing",
        "g * eps * 0.5 * std",
        "g * eps * 0.5",
        "the derivative of exp(v/2) is ½·exp(v/2): the factor σ is missing",
        "exp(v/2)의 미분은 ½·exp(v/2)이다. 인수 σ가 빠졌다",
    ),
    Mistake(
        "the gradient for σ, with σ = exp(v)",
        "np.exp(0.5 * logvar)",
        "2 * np.exp(logvar)",
        "σ is exp(v/2), and its derivative ½·exp(v/2), not exp(v)",
        "σ는 exp(v/2)이고 그 미분은 exp(v)가 아니라 ½·exp(v/2)이다",
    ),
]
OTHERS = [
    """
    def reparameterise(mu, logvar, eps):
        return np.stack([mu + np.sqrt(np.exp(logvar)) * e for e in eps]).astype(np.float32)

    def grad_mu(g, mu, logvar, eps):
        return np.einsum("snk->nk", g)

    def grad_logvar(g, mu, logvar, eps):
        # by z alone: ∂z/∂v = (z − μ)/2
        z = mu + np.sqrt(np.exp(logvar)) * eps
        return np.einsum("snk,snk->nk", g, z - mu) / 2
    """,
]
# END SOLUTION
