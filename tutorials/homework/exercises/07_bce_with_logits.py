"""Binary cross-entropy of logits · 로짓의 이진 교차 엔트로피 (3 points)

A discriminator answers with one logit z: p = σ(z) = 1 / (1 + e^−z) is the probability that the answer is yes. With the
target t, from 0 to 1, the loss of an entry is

    ℓ = −t·log p − (1 − t)·log(1 − p) = max(z, 0) − z·t + log(1 + e^−|z|)

The loss L is the «REDUCTION» of ℓ over all entries of the array.

Write ``bce(logits, targets)`` (2 points), which returns the number L. Both arrays have the same shape, which may be
any. Every loss must be right to 5 digits, however large or small it is. Both forms of ℓ above are the same in
mathematics, and neither will do if it is computed as it stands. For z = 1000 and t = 0 the loss is 1000, but 1 − p is
0 then, or e^z more than a float64 can hold. For z = 40 and t = 1 it is 4.2e-18, but 1 + 4.2e-18 is 1 in float64, and
its log 0. NumPy has np.log1p(x), which is log(1 + x) and right for small x.

Write ``bce_grad(g, logits, targets)`` (1 point): ∂/∂logits, of the shape of logits, where g, a number, is the gradient
that comes from above for L. For one entry ∂ℓ/∂z = σ(z) − t; but g belongs to L, the «REDUCTION» of ℓ over all entries.
The gradient must be finite and right for z = ±1000, too (up to 1e-9; here small gradients need not have 5 digits).

A tiny example of one entry: z = [ln 3] gives p = 3/4. With t = [1], L = ln 4/3 = 0.2877, and with g = 2 the gradient
is [2·(3/4 − 1)] = [−0.5].

판별기는 로짓 z 하나로 답한다. p = σ(z) = 1 / (1 + e^−z)는 답이 '예'일 확률이다. 목표 t가 0과 1 사이일 때 한 원소의
손실 ℓ은 위의 식과 같다. 손실 L은 배열의 모든 원소의 ℓ을 하나로 모은 값이고, 모으는 방법은 «REDUCTION»이다(mean은 평균,
sum은 합). 수 L을 돌려주는 ``bce(logits, targets)``(2점)를 작성하라. 두 배열의 모양은 같고 임의이다. 손실이 아무리
크거나 작아도 다섯 자리까지 맞아야 한다. 위의 두 식은 수학으로는 같지만 어느 쪽도 그대로 계산해서는 안 된다.
z = 1000, t = 0이면 손실은 1000이지만 1 − p가 0이 되거나 e^z를 float64로 나타낼 수 없다. z = 40, t = 1이면 손실은
4.2e-18이지만 float64에서 1 + 4.2e-18은 1이고 그 로그는 0이다. NumPy의 np.log1p(x)는 log(1 + x)를 작은 x에서도 정확하게
계산한다.
``bce_grad(g, logits, targets)``(1점)는 logits와 같은 모양의 기울기를 돌려준다. 수 g는 위에서 내려온 L의 기울기이다.
원소 하나에 대해 ∂ℓ/∂z = σ(z) − t이다. L은 ℓ들을 모은 값이므로, 모으는 방법(«REDUCTION»)도 기울기에 반영하라.
z = ±1000에서도 유한하고 옳아야 한다(오차 1e-9까지. 작은 기울기가 다섯 자리까지 맞을 필요는 없다).
예: z = [ln 3]이면 p = 3/4이다. t = [1]이면 L = ln 4/3 = 0.2877이고, g = 2이면 기울기는 [−0.5]이다.
"""

import numpy as np

REDUCTION = "mean"  # edition: "mean", "sum"


def bce(logits, targets):
    """The number L."""
    # BEGIN SOLUTION
    losses = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))
    return losses.mean() if REDUCTION == "mean" else losses.sum()
    # END SOLUTION


def bce_grad(g, logits, targets):
    """∂/∂logits, from g, the gradient for the number L."""
    # BEGIN SOLUTION
    e = np.exp(-np.abs(logits))
    p = np.where(logits > 0, 1, e) / (1 + e)
    return g * (p - targets) / (logits.size if REDUCTION == "mean" else 1)
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def draw(rng, rows, columns):
    """Any logits and targets; and logits that are sure of their targets, so that the losses are small."""
    t = rng.integers(0, 2, (rows, columns)) * 1.0
    return {
        "logits": rng.uniform(-30, 30, (rows, columns)),
        "targets": rng.uniform(0, 1, (rows, columns)),
        "sure_logits": (2 * t - 1) * rng.uniform(38, 42, (rows, columns)),
        "sure_targets": t,
    }


def draw_with_g(rng, rows, columns):
    return {
        "g": float(rng.uniform(1.5, 2.5)),
        "logits": 2 * rng.standard_normal((rows, columns)),
        "targets": rng.uniform(0, 1, (rows, columns)),
    }


SURE = "loss of sure and right answers, in units of 1e-18"


def both(bce, logits, targets, sure_logits, sure_targets):
    """The losses of sure and right answers in a unit of their size, so that one sees (and fingerprints) them"""
    sure = bce(sure_logits, sure_targets)
    return {"loss": bce(logits, targets), SURE: None if sure is None else 1e18 * np.asarray(sure)}


def loss(logits, targets):
    from scipy.special import log_expit

    total = -np.vdot(targets, log_expit(logits)) - np.vdot(1 - targets, log_expit(-logits))
    return np.array(total / {"mean": np.size(logits), "sum": 1}[REDUCTION])


EXTREMES = {
    "logits of 1000, wrong": ([1000.0, -1000.0], [0.0, 1.0]),
    "logits of 1000, right": ([1000.0, -1000.0], [1.0, 0.0]),
    "logits of 1000, undecided targets": ([1000.0, -1000.0, 3.0], [0.25, 0.5, 0.75]),
    "logits of 0": ([0.0, 0.0], [0.0, 1.0]),
    "arrays of no axis": (2.0, 1.0),
    "three axes": ([[[40.0, -1.0]], [[0.5, -40.0]]], [[[0.0, 1.0]], [[0.5, 1.0]]]),
}


def cases(rng):
    return {
        name: {
            "logits": np.array(z),
            "targets": np.array(t),
            "sure_logits": np.array([[40.0], [-700.0]]),
            "sure_targets": np.array([[1.0], [0.0]]),
        }
        for name, (z, t) in EXTREMES.items()
    }


SIZES = {"rows": (1, 4, 3), "columns": (1, 6, 5)}
PARTS = [
    Part(
        "bce",
        2,
        draw,
        SIZES,
        lambda logits, targets, sure_logits, sure_targets: both(loss, logits, targets, sure_logits, sure_targets),
        cases=cases,
        drive=both,
        relative=1e-5,
    ),
    Part(
        "bce_grad",
        1,
        draw_with_g,
        SIZES,
        forward=loss,
        of="logits",
        cases=lambda rng: {
            name: {"g": -1.5, "logits": np.array(z), "targets": np.array(t)} for name, (z, t) in EXTREMES.items()
        },
    ),
]
HINTS = [
    (
        "Try your formula for z = 1000, z = −1000 and z = 40, with t = 0 and t = 1, and look at each term.",
        "z = 1000, −1000, 40에 대해 t = 0과 t = 1로 식을 시험하고 항을 하나씩 살펴보라.",
    ),
    (
        "Use the form with max(z, 0): its exponent −|z| is never positive. Take its log by np.log1p.",
        "max(z, 0)이 있는 식을 써라. 지수 −|z|는 양수가 되지 않는다. 로그는 np.log1p로 계산하라.",
    ),
    (
        "σ(z) is 1 / (1 + e^−|z|) for z > 0, and e^−|z| / (1 + e^−|z|) otherwise.",
        "σ(z)는 z > 0이면 1 / (1 + e^−|z|), 아니면 e^−|z| / (1 + e^−|z|)이다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "small losses are lost",
        "np.log1p(np.exp(-np.abs(logits)))",
        "np.log(1 + np.exp(-np.abs(logits)))",
        "1 + e^−40 rounds to 1, and its log to 0: np.log1p(x) is log(1 + x) for small x as well",
        "1 + e^−40은 1로 반올림되어 로그가 0이 된다. np.log1p(x)는 작은 x에서도 log(1 + x)를 바르게 계산한다",
    ),
    Mistake(
        "not finite",
        "losses = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))",
        "p = 1 / (1 + np.exp(-logits))\n    losses = -targets * np.log(p) - (1 - targets) * np.log(1 - p)",
    ),
    Mistake(
        "probabilities are clipped",
        "losses = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))",
        "p = np.clip(1 / (1 + np.exp(-logits)), 1e-7, 1 - 1e-7)\n"
        "    losses = -targets * np.log(p) - (1 - targets) * np.log(1 - p)",
        "a probability kept away from 0 and 1 gives no loss below 1e-7 and none above 16: compute with z, not with p",
        "확률을 0과 1에서 떼어 놓으면 손실이 1e-7보다 작거나 16보다 클 수 없다. p가 아니라 z로 계산하라",
    ),
    Mistake("factor", "losses = np.maximum(logits, 0) - logits", "losses = -np.maximum(logits, 0) + logits"),
    Mistake(
        "half of the loss",
        "np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))",
        "targets * (np.maximum(-logits, 0) + np.log1p(np.exp(-np.abs(logits))))",
        "this is −t·log p alone: the term for 1 − t is missing",
        "이것은 −t·log p뿐이다. 1 − t에 대한 항이 빠졌다",
    ),
    Mistake(
        "targets are exchanged",
        "- logits * targets +",
        "- logits * (1 - targets) +",
        "t = 1 means yes, for which p is the probability: t and 1 − t are exchanged",
        "t = 1은 '예'를 뜻하고 p가 그 확률이다. t와 1 − t가 서로 바뀌었다",
    ),
    Mistake(
        "the mean over rows only",
        "return losses.mean()",
        "return losses.sum() / len(losses)",
        "the mean goes over all entries, and here the sum is divided by the number of rows",
        "평균은 모든 원소에 대한 것인데 여기서는 합을 행의 수로 나누었다",
    ),
    Mistake("factor", "return g * (p - targets)", "return g * (targets - p)"),
    Mistake("cotangent", "return g * (p - targets)", "return (p - targets)"),
    Mistake("not finite", "p = np.where(logits > 0, 1, e) / (1 + e)", "p = np.exp(logits) / (1 + np.exp(logits))"),
    Mistake(
        "the slope of σ is there twice",
        "return g * (p - targets)",
        "return g * p * (1 - p) * (p - targets)",
        "σ(z) − t is ∂ℓ/∂z already: the slope p·(1 − p) of σ has cancelled with that of the log",
        "σ(z) − t가 이미 ∂ℓ/∂z이다. σ의 기울기 p·(1 − p)는 로그의 미분과 약분되었다",
    ),
]
OTHERS = [
    """
    def bce(logits, targets):
        losses = targets * np.logaddexp(0, -logits) + (1 - targets) * np.logaddexp(0, logits)
        return np.sum(losses) / (np.size(losses) if REDUCTION == "mean" else 1)

    def bce_grad(g, logits, targets):
        grad = g * ((1 + np.tanh(logits / 2)) / 2 - targets)
        return grad / grad.size if REDUCTION == "mean" else grad
    """,
    """
    def bce(logits, targets):
        z, t = np.float32(logits), np.float32(targets)
        zero = np.float32(0)
        losses = np.where(z > 0, (1 - t) * z, -t * z) + np.log1p(np.exp(np.minimum(z, -z), dtype=np.float32))
        return losses.mean() if REDUCTION == "mean" else losses.sum()
    """,
]
# END SOLUTION
