"""RMSE against binary cross-entropy · RMSE와 이진 교차 엔트로피 (2 points)

An autoencoder's output p (N, D) has a number between 0 and 1 for each of D pixels of N images; x (N, D) has the pixels
themselves, between 0 and 1, too. Two losses compare them:

    RMSE = √( (1/(N·D)) Σ (p − x)² )                      one root, of the mean over all N·D elements
    BCE  = − Σ [ x·log p + (1 − x)·log(1 − p) ]           with the natural logarithm

BCE is divided by the number N·D of all elements if REDUCTION is "mean", and not if it is "sum". Here REDUCTION is
"«REDUCTION»".

Write ``rmse_grad(p, x)`` (1 point) and ``bce_grad(p, x)`` (1 point): the loss's gradient for p, of p's shape. p is the
probability itself, not the logit before the sigmoid. Where p = x everywhere, RMSE has a kink; there its gradient shall
be 0. For BCE p is never exactly 0 or 1, but may be as near as 1e-9: divide by p and 1 − p as they are, add or clip
nothing.

Compare the two: RMSE's gradient has the Euclidean norm 1/√(N·D), however wrong or right the images are. In BCE a pixel
that should be 1 and has p = 0.001 pulls a thousand times as much as one that has p = 1.

A tiny example: p = [[0.2, 0.5]], x = [[0, 1]]. RMSE = √((0.04 + 0.25)/2) = 0.3808, and its gradient is
[[0.2, −0.5]] / (2·0.3808) = [[0.2626, −0.6565]]. The gradient of the sum in BCE is [[1/0.8, −1/0.5]] = [[1.25, −2]];
for the mean it is half of that.

오토인코더의 출력 p (N, D)는 이미지 N장의 픽셀 D개마다 0과 1 사이의 수를 하나씩 갖는다. x (N, D)는 픽셀 값 자체이고 역시
0과 1 사이이다. 둘을 비교하는 손실이 위의 두 가지이다. RMSE는 N·D개 원소 전체의 평균에서 제곱근을 한 번 구한다. BCE의
로그는 자연로그이고, REDUCTION이 "mean"이면 전체 원소의 수 N·D로 나누고 "sum"이면 나누지 않는다. 여기서 REDUCTION은
"«REDUCTION»"이다.
``rmse_grad(p, x)``(1점)와 ``bce_grad(p, x)``(1점)를 작성하라. 손실의 p에 대한 기울기를 p와 같은 모양으로 돌려준다. p는
시그모이드 앞의 로짓이 아니라 확률 자체이다. 모든 곳에서 p = x이면 RMSE는 꺾이는데, 거기서 기울기는 0으로 하라. BCE에서
p는 정확히 0이나 1인 경우는 없지만 1e-9만큼 가까울 수 있다. p와 1 − p로 그대로 나누고, 무엇을 더하거나 자르지 마라.
둘을 비교해 보라. RMSE의 기울기는 이미지가 얼마나 틀렸든 유클리드 노름이 1/√(N·D)이다. BCE에서는 1이어야 하는데
p = 0.001인 픽셀이 p = 1인 픽셀보다 천 배 세게 당긴다.
예: p = [[0.2, 0.5]], x = [[0, 1]]이면 RMSE = √((0.04 + 0.25)/2) = 0.3808이고 그 기울기는
[[0.2, −0.5]] / (2·0.3808) = [[0.2626, −0.6565]]이다. BCE에서 합의 기울기는 [[1/0.8, −1/0.5]] = [[1.25, −2]]이고,
평균의 기울기는 그 절반이다.
"""

import numpy as np

REDUCTION = "mean"  # edition: "mean", "sum"


def rmse_grad(p, x):
    """∂RMSE/∂p."""
    # BEGIN SOLUTION
    error = p - x
    rmse = np.sqrt((error**2).mean())
    if rmse == 0:
        return np.zeros(p.shape)
    return error / (error.size * rmse)
    # END SOLUTION


def bce_grad(p, x):
    """∂BCE/∂p."""
    # BEGIN SOLUTION
    grad = (1 - x) / (1 - p) - x / p
    return grad / p.size if REDUCTION == "mean" else grad
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def draw(rng, n, pixels):
    return {"p": rng.uniform(0.05, 0.95, (n, pixels)), "x": rng.uniform(0, 1, (n, pixels))}


def by_complex_steps(loss):
    """Its gradient: Im loss(p + i·h) / h has no rounding error, however small h is; 0 where both losses are least"""

    def gradient(p, x):
        found = np.zeros(p.shape)
        if np.array_equal(p, x):
            return found
        for index in np.ndindex(p.shape):
            moved = p.astype(complex)
            moved[index] += 1e-30j
            found[index] = loss(moved, x).imag / 1e-30
        return found

    return gradient


def root_of_mean_square(p, x):
    return (sum(d * d for d in (p - x).ravel()) / x.size) ** 0.5


def cross_entropy(p, x):
    bits = np.where(x == 1, 0, (1 - x) * np.log1p(-p)) + np.where(x == 0, 0, x * np.log(p))
    return -(bits.mean() if REDUCTION == "mean" else bits.sum())


def extremes(rng):
    black_and_white = rng.integers(0, 2, (3, 4)).astype(float)
    near = np.abs(black_and_white - np.resize([1e-9, 0.1, 0.01, 1e-4, 0.3], (3, 4)))
    return {
        "the text's example": {"p": np.array([[0.2, 0.5]]), "x": np.array([[0.0, 1.0]])},
        "black and white pixels": {"p": rng.uniform(0.05, 0.95, (3, 4)), "x": black_and_white},
        "p near 0 where x = 0, and near 1 where x = 1": {"p": near, "x": black_and_white},
        "p near 1 where x = 0, and near 0 where x = 1": {"p": 1 - near, "x": black_and_white},
        "p far from x in one image alone": {
            "p": np.array([[0.9, 0.1], [0.5, 0.4]]),
            "x": np.array([[0, 1], [0.5, 0.4]]),
        },
    }


def kink(rng):
    x = rng.uniform(0, 1, (2, 3))
    return {"p = x": {"p": x, "x": x.copy()}, **extremes(rng)}


SIZES = {"n": (1, 4, 3), "pixels": (1, 7, 5)}
PARTS = [
    Part(
        "rmse_grad",
        1,
        draw,
        SIZES,
        by_complex_steps(root_of_mean_square),
        cases=kink,
        returns=("gradient for p",),
    ),
    Part(
        "bce_grad",
        1,
        draw,
        SIZES,
        by_complex_steps(cross_entropy),
        cases=extremes,
        returns=("gradient for p",),
    ),
]
HINTS = [
    (
        "The derivative of √u is 1/(2·√u); here u is the mean of squares.",
        "√u의 미분은 1/(2·√u)이다. 여기서 u는 제곱의 평균이다.",
    ),
    (
        "The derivative of log p is 1/p, and that of log(1 − p) is −1/(1 − p).",
        "log p의 미분은 1/p이고, log(1 − p)의 미분은 −1/(1 − p)이다.",
    ),
    ("Before you divide by the RMSE, see whether it is 0.", "RMSE로 나누기 전에 그것이 0인지 보라."),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "the gradient of the mean square",
        "error / (error.size * rmse)",
        "2 * error / error.size",
        "this is the gradient of the MSE: through the root comes 1/(2·RMSE)",
        "이것은 MSE의 기울기이다. 제곱근을 거치면 1/(2·RMSE)이 붙는다",
    ),
    Mistake("factor", "error / (error.size * rmse)", "2 * error / (error.size * rmse)"),
    Mistake("factor", "error / (error.size * rmse)", "error / rmse"),
    Mistake("factor", "error = p - x", "error = x - p"),
    Mistake(
        "a root for each image",
        "rmse = np.sqrt((error**2).mean())\n    if rmse == 0",
        "rmse = np.sqrt((error**2).mean(1, keepdims=True))\n    if (rmse == 0).any()",
        "there is one root, of the mean over all images and pixels, and not one for each image",
        "이미지마다가 아니라 모든 이미지와 픽셀의 평균에서 제곱근을 한 번 구한다",
    ),
    Mistake("not finite", "if rmse == 0:", "if False:"),
    Mistake("factor", "(1 - x) / (1 - p) - x / p", "x / p - (1 - x) / (1 - p)"),
    Mistake("factor", "(1 - x) / (1 - p) - x / p", "((1 - x) / (1 - p) - x / p) / np.log(2)"),
    Mistake(
        "one term is missing",
        "(1 - x) / (1 - p) - x / p",
        "-x / p",
        "log(1 − p) has a gradient, too: (1 − x)/(1 − p) is missing",
        "log(1 − p)에도 기울기가 있다. (1 − x)/(1 − p)이 빠졌다",
    ),
    Mistake(
        "the sign of log(1 − p)",
        "(1 - x) / (1 - p) - x / p",
        "-(1 - x) / (1 - p) - x / p",
        "the derivative of log(1 − p) is −1/(1 − p): the inner derivative −1 is missing",
        "log(1 − p)의 미분은 −1/(1 − p)이다. 속미분 −1이 빠졌다",
    ),
    Mistake(
        "the gradient for the logit",
        "(1 - x) / (1 - p) - x / p",
        "p - x",
        "p − x is the gradient for the logit before the sigmoid; the one for p is that divided by p·(1 − p)",
        "p − x는 시그모이드 앞의 로짓에 대한 기울기이다. p에 대한 기울기는 그것을 p·(1 − p)로 나눈 것이다",
    ),
    *(
        Mistake(
            "p is clipped",
            "grad = (1 - x)",
            f"p = np.clip(p, {eps}, 1 - {eps})\n    grad = (1 - x)",
            "p may be as near to 0 or 1 as 1e-9: do not clip it, or these pixels pull much too weakly",
            "p는 0이나 1에 1e-9만큼 가까울 수 있다. 자르지 마라. 자르면 그런 픽셀이 너무 약하게 당긴다",
        )
        for eps in (1e-6, 1e-7, 1e-8)
    ),
    *(
        Mistake(
            "something is added to p",
            "(1 - x) / (1 - p) - x / p",
            f"(1 - x) / (1 - p + {eps}) - x / (p + {eps})",
            "p may be as near to 0 or 1 as 1e-9: add nothing to what you divide by",
            "p는 0이나 1에 1e-9만큼 가까울 수 있다. 나누는 수에 아무것도 더하지 마라",
        )
        for eps in (1e-7, 1e-8, 1e-12)
    ),
]
OTHERS = [
    """
    def rmse_grad(p, x):
        length = np.linalg.norm(p - x)
        return (p - x) / length / np.sqrt(p.size) if length > 0 else 0 * p

    def bce_grad(p, x):
        out = np.empty(p.shape)
        for i in np.ndindex(p.shape):
            out[i] = (p[i] - x[i]) / (p[i] * (1 - p[i]))
        return out * (1 / out.size if REDUCTION == "mean" else 1)
    """,
]
# END SOLUTION
