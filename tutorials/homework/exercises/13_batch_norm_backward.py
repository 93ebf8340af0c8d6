"""The gradients of batch normalisation · 배치 정규화의 기울기 (5 points)

Batch normalisation in training: x has the shape (N, C) or (N, C, H, W). For each channel c the mean μ and the variance
σ² go over all M numbers of that channel, that is, over N, or over N, H and W. Then

    x̂ = (x − μ) / √(σ² + ε),      y = γ·x̂ + β,      ε = «EPS»

The variance is the biased one, σ² = (1/M) Σ (x − μ)². γ and β have the shape (C,); each channel has its own.

Every number of a channel changes its μ and its σ², and through them all of the channel's outputs. With d = ∂L/∂x̂ and
the means over the M numbers of the channel this comes to

    ∂L/∂x = (d − mean(d) − x̂·mean(d·x̂)) / √(σ² + ε)

Write three functions; g = ∂L/∂y has x's shape:
``batch_norm_grad_x(g, x, gamma)`` : ∂L/∂x, of x's shape (3 points)
``batch_norm_grad_gamma(g, x)`` : ∂L/∂γ, of shape (C,) (1 point)
``batch_norm_grad_beta(g)`` : ∂L/∂β, of shape (C,) (1 point)

A tiny example, where ε is left out: N = 4, C = 1, x = [−1, −1, 1, 1] has μ = 0 and σ² = 1, so that x̂ = x. With
γ = 2 and g = [1, 0, 0, 0], d = [2, 0, 0, 0], mean(d) = ½ and mean(d·x̂) = −½. So
∂L/∂x = [2 − ½ − ½, −½ − ½, −½ + ½, −½ + ½] = [1, −1, 0, 0], ∂L/∂γ = −1 and ∂L/∂β = 1.

훈련할 때의 배치 정규화이다. x의 모양은 (N, C) 또는 (N, C, H, W)이다. 채널 c마다 평균 μ와 분산 σ²을 그 채널에 있는 수
M개 전부에 대해, 곧 N에 대해 또는 N, H, W에 대해 구하고, 위의 식으로 x̂과 y를 계산한다. ε = «EPS»이다. 분산은 M으로
나누는 편향 분산 σ² = (1/M) Σ (x − μ)²이다. γ와 β의 모양은 (C,)이고 채널마다 값이 다르다.
한 채널의 모든 수는 μ와 σ²을 바꾸고, 그것을 통해 그 채널의 모든 출력을 바꾼다. d = ∂L/∂x̂이라 하고 평균을 그 채널의
M개에 대해 구하면 ∂L/∂x는 위의 식이 된다.
함수 셋을 작성하라. g = ∂L/∂y의 모양은 x와 같다. ``batch_norm_grad_x(g, x, gamma)``(3점)는 x와 같은 모양의 ∂L/∂x,
``batch_norm_grad_gamma(g, x)``(1점)는 모양이 (C,)인 ∂L/∂γ, ``batch_norm_grad_beta(g)``(1점)는 모양이 (C,)인 ∂L/∂β를
돌려준다.
예(ε은 생략): N = 4, C = 1, x = [−1, −1, 1, 1]이면 μ = 0, σ² = 1이므로 x̂ = x이다. γ = 2, g = [1, 0, 0, 0]이면
d = [2, 0, 0, 0], mean(d) = ½, mean(d·x̂) = −½이다. 따라서 ∂L/∂x = [1, −1, 0, 0], ∂L/∂γ = −1, ∂L/∂β = 1이다.
"""

import numpy as np

EPS = 1e-3  # edition: 1e-5, 1e-3, 1e-2


def batch_norm_grad_x(g, x, gamma):
    """∂L/∂x, from g = ∂L/∂y."""
    # BEGIN SOLUTION
    axes = (0, *range(2, x.ndim))
    deviation = x - x.mean(axes, keepdims=True)
    std = np.sqrt((deviation**2).mean(axes, keepdims=True) + EPS)
    x_hat = deviation / std
    d = g * gamma.reshape(1, -1, *[1] * (x.ndim - 2))
    through_mean = d.mean(axes, keepdims=True)
    through_variance = x_hat * (d * x_hat).mean(axes, keepdims=True)
    return (d - through_mean - through_variance) / std
    # END SOLUTION


def batch_norm_grad_gamma(g, x):
    """∂L/∂γ, from g = ∂L/∂y."""
    # BEGIN SOLUTION
    over = (0, *range(2, x.ndim))
    variance = x.var(over, keepdims=True)
    normalised = (x - x.mean(over, keepdims=True)) / np.sqrt(variance + EPS)
    return (g * normalised).sum(over)
    # END SOLUTION


def batch_norm_grad_beta(g):
    """∂L/∂β, from g = ∂L/∂y."""
    # BEGIN SOLUTION
    return g.sum((0, *range(2, g.ndim)))
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part

SIZES = {"axes": (2, 4, 4), "n": (1, 5, 2), "channels": (1, 5, 3), "height": (1, 5, 5), "width": (1, 3, 2)}


def arrays(rng, axes, n, channels, height, width):
    """x with variances of about 0.003, beside which ε counts"""
    if axes == 3:
        return None
    shape = (n, channels, height, width)[:axes]
    x = 0.1 + 0.05 * rng.standard_normal(shape)
    return {"g": rng.standard_normal(shape), "x": x, "gamma": rng.uniform(0.5, 2, channels)}


def some(*names):
    """A draw of these arrays"""

    def draw(rng, **sizes):
        drawn = arrays(rng, **sizes)
        return drawn and {name: drawn[name] for name in names}

    return draw


def batch_norm(x, gamma, beta=None):
    """y, channel by channel"""
    y = np.empty(x.shape)
    for c in range(x.shape[1]):
        numbers = x[:, c].ravel()
        mean = sum(numbers) / numbers.size
        variance = sum((number - mean) * (number - mean) for number in numbers) / numbers.size
        y[:, c] = gamma[c] * (x[:, c] - mean) * (variance + EPS) ** -0.5 + (0 if beta is None else beta[c])
    return y


def of_gamma(g, x):
    """L is linear in γ: its slope for γ[c] is L at γ = 1 in c and 0 elsewhere, β = 0"""
    return np.array([np.vdot(g, batch_norm(x, unit)) for unit in np.eye(x.shape[1])])


def of_beta(g):
    """L is linear in β, too"""
    return np.array([np.vdot(g, batch_norm(0 * g, unit, unit)) for unit in np.eye(g.shape[1])])


def large(rng):
    """Channels far from 0, of different sizes"""
    drawn = arrays(rng, 4, 3, 2, 2, 3)
    return drawn | {"x": 10 + drawn["x"] * np.array([20.0, 500.0])[:, None, None]}


def cases(*names):
    return lambda rng: {
        "x of shape (N, C)": some(*names)(rng, axes=2, n=7, channels=3, height=1, width=1),
        "channels far from 0": {name: value for name, value in large(rng).items() if name in names},
    }


PARTS = [
    Part(
        "batch_norm_grad_x",
        3,
        some("g", "x", "gamma"),
        SIZES,
        forward=batch_norm,
        of="x",
        cases=cases("g", "x", "gamma"),
    ),
    Part(
        "batch_norm_grad_gamma",
        1,
        some("g", "x"),
        SIZES,
        expected=of_gamma,
        returns=("gradient for gamma",),
        cases=cases("g", "x"),
    ),
    Part(
        "batch_norm_grad_beta", 1, some("g"), SIZES, expected=of_beta, returns=("gradient for beta",), cases=cases("g")
    ),
]
HINTS = [
    (
        "The axes of a channel are all but axis 1; with keepdims=True the means fit x again.",
        "한 채널의 축은 축 1을 뺀 나머지 모두이다. keepdims=True로 구한 평균은 다시 x에 맞는다.",
    ),
    (
        "γ of shape (C,) meets axis 1 of x only as (1, C, 1, 1), or (1, C) for two axes.",
        "모양이 (C,)인 γ는 (1, C, 1, 1)로, 축이 둘이면 (1, C)로 바꾸어야 x의 축 1과 만난다.",
    ),
    (
        "A check of your own: in each channel ∂L/∂x sums to 0, since adding a number to all of x changes nothing.",
        "스스로 확인하라. x 전체에 같은 수를 더해도 아무것도 바뀌지 않으므로, 채널마다 ∂L/∂x의 합은 0이다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake("centring", "d - through_mean - through_variance", "d - through_variance"),
    Mistake(
        "the variance is taken for a constant",
        "d - through_mean - through_variance",
        "d - through_mean",
        "σ² depends on x, too: the term x̂·mean(d·x̂) is missing",
        "σ²도 x에 의존한다. x̂·mean(d·x̂) 항이 빠졌다",
    ),
    Mistake(
        "mean and variance are taken for constants",
        "(d - through_mean - through_variance) / std",
        "d / std",
        "μ and σ² depend on x: through each of them comes a term of its own",
        "μ와 σ²은 x에 의존한다. 둘 다 각자의 항을 만든다",
    ),
    Mistake(
        "unbiased variance",
        "(deviation**2).mean(axes, keepdims=True)",
        "x.var(axes, ddof=1, keepdims=True)",
        "the variance divides by M here, not by M − 1",
        "여기서 분산은 M − 1이 아니라 M으로 나눈다",
    ),
    Mistake(
        "only over the batch",
        "axes = (0, *range(2, x.ndim))",
        "axes = 0",
        "with four axes the means go over N, H and W, not over N alone",
        "축이 넷이면 평균은 N만이 아니라 N, H, W에 대해 구한다",
    ),
    Mistake(
        "γ is missing",
        "d = g * gamma.reshape(1, -1, *[1] * (x.ndim - 2))",
        "d = g",
        "between y and x̂ stands γ: d = ∂L/∂x̂ = γ·g",
        "y와 x̂ 사이에는 γ가 있다. d = ∂L/∂x̂ = γ·g이다",
    ),
    Mistake(
        "ε outside of the root",
        "std = np.sqrt((deviation**2).mean(axes, keepdims=True) + EPS)",
        "std = np.sqrt((deviation**2).mean(axes, keepdims=True)) + EPS",
        "ε is added to the variance, within the root",
        "ε은 제곱근 안에서 분산에 더한다",
    ),
    Mistake(
        "ε is missing",
        "keepdims=True) + EPS)",
        "keepdims=True))",
        "ε is not added to the variance",
        "분산에 ε을 더하지 않았다",
    ),
    Mistake(
        "ε is missing",
        "np.sqrt(variance + EPS)",
        "np.sqrt(variance)",
        "ε is not added to the variance",
        "분산에 ε을 더하지 않았다",
    ),
    Mistake(
        "sums for means",
        "through_mean = d.mean(axes, keepdims=True)\n"
        "    through_variance = x_hat * (d * x_hat).mean(axes, keepdims=True)",
        "through_mean = d.sum(axes, keepdims=True)\n"
        "    through_variance = x_hat * (d * x_hat).sum(axes, keepdims=True)",
        "mean(d) and mean(d·x̂) are means over the M numbers of a channel, and here they are sums",
        "mean(d)와 mean(d·x̂)은 채널의 수 M개의 평균인데 여기서는 합이다",
    ),
    Mistake(
        "x is taken for x̂",
        "(g * normalised).sum(over)",
        "(g * x).sum(over)",
        "γ is multiplied by x̂, not by x: its gradient is Σ g·x̂",
        "γ에 곱하는 것은 x가 아니라 x̂이다. γ의 기울기는 Σ g·x̂이다",
    ),
    Mistake("factor", "(g * normalised).sum(over)", "(g * normalised).mean(over)"),
    Mistake("not summed", "g.sum((0, *range(2, g.ndim)))", "g.sum(0)"),
]
OTHERS = [
    """
    def batch_norm_grad_x(g, x, gamma):
        # by the full Jacobian of one channel after the other, in the form (γ/√) (I − 1/M − x̂x̂ᵀ/M)
        out = np.zeros(x.shape)
        for c in range(x.shape[1]):
            v = x[:, c].ravel()
            m = v.size
            root = np.sqrt(np.var(v) + EPS)
            h = (v - v.mean()) / root
            jacobian = gamma[c] / root * (np.eye(m) - 1 / m - np.outer(h, h) / m)
            out[:, c] = (jacobian @ g[:, c].ravel()).reshape(x[:, c].shape)
        return out

    def batch_norm_grad_gamma(g, x):
        rows_g, rows_x = (np.moveaxis(a, 1, 0).reshape(a.shape[1], -1) for a in (g, x))
        centred = rows_x - rows_x.mean(1)[:, None]
        return np.einsum("cm,cm->c", rows_g, centred) / np.sqrt(np.einsum("cm,cm->c", centred, centred)
                                                                / rows_x.shape[1] + EPS)

    def batch_norm_grad_beta(g):
        return np.moveaxis(g, 1, 0).reshape(g.shape[1], -1).astype(np.float32).sum(1)
    """,
    """
    def batch_norm_grad_x(g, x, gamma):
        # back through the nodes one by one, as in a computational graph
        axes = (0,) + tuple(range(2, x.ndim))
        m = x.size / x.shape[1]
        wide = (slice(None),) + (None,) * (x.ndim - 2)
        mu = x.mean(axes)[wide]
        var = ((x - mu) ** 2).mean(axes)[wide]
        dx_hat = g * gamma[wide]
        dvar = (dx_hat * (x - mu)).sum(axes)[wide] * -0.5 * (var + EPS) ** -1.5
        dmu = -dx_hat.sum(axes)[wide] / np.sqrt(var + EPS)
        return dx_hat / np.sqrt(var + EPS) + dvar * 2 * (x - mu) / m + dmu / m
    """,
]
# END SOLUTION
