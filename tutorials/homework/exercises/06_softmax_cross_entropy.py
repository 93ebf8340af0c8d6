"""Softmax and cross-entropy · 소프트맥스와 교차 엔트로피 (4 points)

A classifier answers with one logit for each class, any numbers; softmax makes probabilities of them, and the loss of an
example is the surprise at its label, −log of the label's probability:

    p[n, c] = e^z[n, c] / Σ_k e^z[n, k]        ℓ[n] = −log p[n, labels[n]]

The loss L of the batch is the «REDUCTION» of ℓ over its N examples.

Write ``cross_entropy(logits, labels)`` (2 points), which returns the number L. logits is z, of shape (N, C), and
labels holds N integers from 0 to C − 1. e^1000 is more than a float64 can hold, and e^−1000 is 0 in it, whose log is
−∞. Yet for logits of ±1000 the loss is a finite number, and it must come out right: log p can be had from z without
computing p. It helps that softmax does not change when the same number is subtracted from all logits of a row.

Write ``cross_entropy_grad(g, logits, labels)`` (2 points): ∂/∂logits, of shape (N, C), where g, a number, is the
gradient that comes from above for L. For one example ∂ℓ/∂z = p − y, where y is 1 at the label and 0 elsewhere; but g
belongs to L, the «REDUCTION» of ℓ over the N examples.

A tiny example: N = 1, logits [[0, ln 3]] give p = [[1/4, 3/4]]. With the label 0, L = ln 4 = 1.3863, and with g = 2 the
gradient is [[2·(1/4 − 1), 2·3/4]] = [[−1.5, 1.5]].

분류기는 클래스마다 로짓 하나씩을 내놓으며 그 값은 어떤 수든 될 수 있다. 소프트맥스는 이것을 확률 p로 바꾸고, 한 예의
손실 ℓ은 정답의 확률에 −log를 취한 값이다(위의 식). 배치의 손실 L은 예 N개의 ℓ을 하나로 모은 값이고, 모으는 방법은
«REDUCTION»이다(mean은 평균, sum은 합). 수 L을 돌려주는 ``cross_entropy(logits, labels)``(2점)를 작성하라. logits는
모양이 (N, C)인 z이고, labels는 0부터 C − 1까지의 정수 N개이다. e^1000은 float64로 나타낼 수 없고 e^−1000은 0이 되어 그
로그가 −∞이다. 그러나 로짓이 ±1000이어도 손실은 유한한 수이며 바르게 나와야 한다. p를 계산하지 않고 z에서 log p를 바로
구할 수 있다. 한 행의 모든 로짓에서 같은 수를 빼도 소프트맥스는 변하지 않는다는 점을 이용하라.
``cross_entropy_grad(g, logits, labels)``(2점)는 모양이 (N, C)인 로짓에 대한 기울기를 돌려준다. 수 g는 위에서 내려온
L의 기울기이다. 예 하나에 대해 ∂ℓ/∂z = p − y이고, y는 정답에서 1이고 나머지에서 0이다. L은 ℓ들을 모은 값이므로, 모으는
방법(«REDUCTION»)도 기울기에 반영하라.
예: N = 1, 로짓 [[0, ln 3]]이면 p = [[1/4, 3/4]]이다. 정답이 0이면 L = ln 4 = 1.3863이고, g = 2이면 기울기는 [[−1.5,
1.5]]이다.
"""

import numpy as np

REDUCTION = "mean"  # edition: "mean", "sum"


def cross_entropy(logits, labels):
    """The number L."""
    # BEGIN SOLUTION
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    losses = -log_p[np.arange(len(labels)), labels]
    return losses.mean() if REDUCTION == "mean" else losses.sum()
    # END SOLUTION


def cross_entropy_grad(g, logits, labels):
    """∂/∂logits, from g, the gradient for the number L."""
    # BEGIN SOLUTION
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    grad = e / e.sum(axis=1, keepdims=True)
    grad[np.arange(len(labels)), labels] -= 1
    return g * grad / (len(labels) if REDUCTION == "mean" else 1)
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def draw(rng, examples, classes):
    return {
        "logits": 2 * rng.standard_normal((examples, classes)),
        "labels": rng.integers(0, classes, examples),
    }


def draw_with_g(rng, examples, classes):
    return {"g": float(rng.uniform(1.5, 2.5)), **draw(rng, examples, classes)}


def loss(logits, labels):
    from scipy.special import logsumexp

    each = [logsumexp(row) - row[label] for row, label in zip(logits, labels)]
    return np.array(sum(each) / {"mean": len(each), "sum": 1}[REDUCTION])


def cases(**g):
    extremes = {
        "logits of ±1000, the label likely": ([[1000.0, -1000.0, 0.0], [-1000.0, 0.0, 1000.0]], [0, 2]),
        "logits of ±1000, the label unlikely": ([[1000.0, -1000.0, 0.0], [-1000.0, 0.0, 1000.0]], [1, 1]),
        "logits of about −1000 alone": ([[-1000.0, -1400.0]], [1]),
        "two rows, one of them large": ([[0.5, -0.5, 1.0], [900.0, 0.0, 500.0]], [1, 2]),
        "equal logits": ([[1.5, 1.5, 1.5, 1.5]], [2]),
        "only one class": ([[3.0], [-2.0]], [0, 0]),
    }
    return {name: {**g, "logits": np.array(z), "labels": np.array(labels)} for name, (z, labels) in extremes.items()}


SIZES = {"examples": (1, 6, 5), "classes": (1, 5, 3)}
PARTS = [
    Part("cross_entropy", 2, draw, SIZES, loss, cases=lambda rng: cases()),
    Part(
        "cross_entropy_grad",
        2,
        draw_with_g,
        SIZES,
        forward=loss,
        of="logits",
        cases=lambda rng: cases(g=-1.5),
    ),
]
HINTS = [
    (
        "Subtract from each row its largest logit: then no exponent is positive, and one of them is 0.",
        "각 행에서 가장 큰 로짓을 빼라. 그러면 양수인 지수가 없고 그중 하나는 0이다.",
    ),
    (
        "log p[n, c] = z[n, c] − log Σ_k e^z[n, k]: take the log of the sum, never of a probability.",
        "log p[n, c] = z[n, c] − log Σ_k e^z[n, k]이다. 확률이 아니라 합에 로그를 취하라.",
    ),
    (
        "array[np.arange(N), labels] picks one entry of each row.",
        "array[np.arange(N), labels]는 행마다 원소 하나를 고른다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake("factor", "losses = -log_p", "losses = log_p"),
    Mistake("not finite", "shifted = logits - logits.max(axis=1, keepdims=True)", "shifted = logits"),
    Mistake(
        "not finite",
        "losses = -log_p[np.arange(len(labels)), labels]",
        "losses = -np.log(np.exp(log_p))[np.arange(len(labels)), labels]",
    ),
    Mistake(
        "classes are averaged, too",
        "losses = -log_p[np.arange(len(labels)), labels]",
        "losses = -log_p * np.eye(log_p.shape[1])[labels]",
        "each example has one loss, that of its label: the mean goes over the N examples, not over N·C entries",
        "예마다 손실은 정답에 대한 것 하나뿐이다. 평균은 N·C개의 원소가 아니라 예 N개에 대한 것이다",
    ),
    Mistake(
        "the log is missing",
        "losses = -log_p[",
        "losses = -np.exp(log_p)[",
        "this is the probability of the label; the loss is −log of it",
        "이것은 정답의 확률이다. 손실은 거기에 −log를 취한 것이다",
    ),
    Mistake(
        "softmax over the examples",
        "shifted = logits - logits.max(axis=1, keepdims=True)\n"
        "    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))",
        "shifted = logits - logits.max(axis=0, keepdims=True)\n"
        "    log_p = shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True))",
        "the probabilities of one example sum to 1: sum over its classes, axis 1",
        "예 하나의 확률들의 합이 1이다. 클래스 축인 축 1로 더하라",
    ),
    Mistake(
        "the largest logit is not given back",
        "log_p = shifted - np.log(",
        "log_p = logits - np.log(",
        "what was subtracted before exp must be subtracted from the label's logit as well",
        "exp 앞에서 뺀 수를 정답의 로짓에서도 빼야 한다",
    ),
    Mistake(
        "softmax over the examples",
        "e = np.exp(logits - logits.max(axis=1, keepdims=True))\n    grad = e / e.sum(axis=1, keepdims=True)",
        "e = np.exp(logits - logits.max(axis=0, keepdims=True))\n    grad = e / e.sum(axis=0, keepdims=True)",
        "the probabilities of one example sum to 1: sum over its classes, axis 1",
        "예 하나의 확률들의 합이 1이다. 클래스 축인 축 1로 더하라",
    ),
    Mistake("cotangent", "return g * grad", "return grad"),
    Mistake("factor", "return g * grad", "return -g * grad"),
    Mistake(
        "the label is missing",
        "    grad[np.arange(len(labels)), labels] -= 1\n",
        "",
        "this is p alone: 1 must be subtracted at the label, so that each row sums to 0",
        "이것은 p뿐이다. 정답에서 1을 빼야 하고, 그러면 각 행의 합이 0이 된다",
    ),
    Mistake(
        "the label alone",
        "return g * grad",
        "grad *= np.eye(grad.shape[1])[labels]\n    return g * grad",
        "the other logits matter, too: through the sum in softmax they lower the label's probability",
        "다른 로짓도 영향을 준다. 소프트맥스의 합을 통해 정답의 확률을 낮춘다",
    ),
    Mistake("not finite", "e = np.exp(logits - logits.max(axis=1, keepdims=True))", "e = np.exp(logits)"),
]
OTHERS = [
    """
    def cross_entropy(logits, labels):
        total = 0.0
        for z, label in zip(logits.tolist(), labels.tolist()):
            total += np.logaddexp.reduce([k - z[label] for k in z])
        return total / len(labels) if REDUCTION == "mean" else total

    def cross_entropy_grad(g, logits, labels):
        z = logits.astype(np.float32)
        p = 1 / np.exp(z[:, None, :] - z[:, :, None]).sum(2)
        share = g / len(labels) if REDUCTION == "mean" else g
        return np.float32(share) * (p - np.eye(z.shape[1], dtype=np.float32)[labels])
    """,
]
# END SOLUTION
