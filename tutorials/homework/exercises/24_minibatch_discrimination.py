"""Three remedies for mode collapse · 모드 붕괴를 막는 세 가지 방법 (4 points)

A generator that makes the same few examples again and again fools a discriminator that sees one example at a time.
Three remedies of Salimans et al. (2016) look at more than one:

Write ``minibatch_features(x, t)`` (2 points), how near each example is to the others of its batch. x is (N, A), a row
of features for each example; t is (A, B, C). They give M of shape (N, B, C), and the result o is (N, B), B new features
for each example:

    M[i, b, c] = Σ_a x[i, a]·t[a, b, c]
    o[i, b] = Σ_j exp( −‖M[i, b] − M[j, b]‖₁ ),   ‖·‖₁ = Σ_c |·|, the sum of absolute values over the last axis

j runs over the batch. Its term j = i is exp(0) = 1 always; in this edition it is «SELF» ("left out": j ≠ i, so that a
batch of one has o = 0; "counted": j = i adds its 1).

Write ``feature_matching(real, fake)`` (1 point): the generator is to make features that agree in the mean with real
ones. real is (N, F), fake (M, F), maybe N ≠ M; the result is a number, the squared distance of the two means over the
batch:

    ‖ mean over real − mean over fake ‖²,   a sum over the F features, not a mean, and without a square root

Write ``historical_penalty(theta, past)`` (1 point): it holds parameters near the mean of what they were. theta is an
array of any shape, past a list of one or more arrays of that shape, earlier values of it; theta is not among them. A
number:

    ‖ theta − mean of past ‖²,   a sum over all entries

Tiny examples: M = 0, 0 and log 2 (N = 3, B = C = 1) give without j = i o = 1 + ½, 1 + ½ and ½ + ½; with it, 1 more
each. real = [[1, 2], [3, 4]] and fake = [[2, 1]] have means [2, 3] and [2, 1]: 0² + 2² = 4. theta = [5, 0] with past
[1, 0] and [3, 2] has the mean [2, 1]: 3² + 1² = 10.

생성자가 같은 표본 몇 개만 되풀이해 만들어도, 표본을 하나씩 보는 판별자는 속는다. Salimans 등(2016)의 세 가지 방법은
여러 표본을 함께 본다.
``minibatch_features(x, t)``(2점)는 각 표본이 배치의 다른 표본들과 얼마나 가까운지 나타낸다. x는 표본마다 특징 한 행씩인
(N, A), t는 (A, B, C)이다. 곱 M = x·t의 모양은 (N, B, C)이고, 결과 o는 표본마다 새 특징이 B개인 (N, B)이다. 식은 위와
같고 ‖·‖₁은 마지막 축에 대한 절댓값의 합이다. j는 배치 전체를 돈다. j = i인 항은 언제나 exp(0) = 1이며, 이번 판에서는
"«SELF»"이다("left out": 그 항을 뺀다. 곧 j ≠ i이고 표본이 하나뿐인 배치에서는 o = 0이다. "counted": 1도 더한다).
``feature_matching(real, fake)``(1점)는 특징의 평균이 진짜와 같아지도록 하는 생성자의 손실이다. real은 (N, F), fake는
(M, F)이고 N ≠ M일 수 있다. 결과는 수 하나로, 배치에 대한 두 평균의 거리의 제곱이다. F개의 특징에 대한 평균이 아니라
합이며 제곱근은 없다.
``historical_penalty(theta, past)``(1점)는 매개변수를 지난 값들의 평균 가까이에 붙잡아 둔다. theta는 임의의 모양의
배열이고, past는 같은 모양인 지난 값이 하나 이상 담긴 리스트이며 theta 자신은 들어 있지 않다. 결과는 수 하나로, theta와
past의 평균의 차를 제곱하여 모든 원소에 대해 더한 것이다.
예: M = 0, 0, log 2이면(N = 3, B = C = 1) o는 j = i를 뺄 때 1 + ½, 1 + ½, ½ + ½이고, 넣을 때는 1씩 더 크다. real = [[1,
2], [3, 4]], fake = [[2, 1]]의 평균은 [2, 3], [2, 1]이므로 0² + 2² = 4이다. theta = [5, 0]이고 past가 [1, 0], [3, 2]이면
평균은 [2, 1]이므로 3² + 1² = 10이다.
"""

import numpy as np

SELF = "left out"  # edition: "left out", "counted"


def minibatch_features(x, t):
    """o (N, B): for each example and each of B kernels, how near the rest of the batch is."""
    # BEGIN SOLUTION
    m = np.einsum("na,abc->nbc", x, t)
    distances = np.abs(m[:, None] - m[None]).sum(axis=3)
    nearness = np.exp(-distances).sum(axis=1)
    return nearness - 1 if SELF == "left out" else nearness
    # END SOLUTION


def feature_matching(real, fake):
    """The squared distance between the mean features."""
    # BEGIN SOLUTION
    difference = real.mean(axis=0) - fake.mean(axis=0)
    return (difference**2).sum()
    # END SOLUTION


def historical_penalty(theta, past):
    """The squared distance of theta from the mean of its past."""
    # BEGIN SOLUTION
    average = sum(past) / len(past)
    return ((theta - average) ** 2).sum()
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def draw_batch(rng, n, features, kernels, dimensions):
    t = rng.standard_normal((features, kernels, dimensions)) / (dimensions * np.sqrt(features))
    return {"x": rng.standard_normal((n, features)), "t": t}


def near(x, t):
    """One kernel at a time, with SciPy's distances."""
    from scipy.spatial.distance import cdist

    columns = []
    for kernel in np.moveaxis(t, 1, 0):
        places = x @ kernel
        likeness = np.exp(-cdist(places, places, "cityblock"))
        if SELF == "left out":
            np.fill_diagonal(likeness, 0)
        columns.append(likeness.sum(0))
    return np.stack(columns, axis=1)


def batches(rng):
    usual = draw_batch(rng, 4, 2, 3, 2)
    return {
        "the text's example": {"x": np.array([[0.0], [0.0], [np.log(2)]]), "t": np.ones((1, 1, 1))},
        "all examples alike": usual | {"x": np.ones((4, 2))},
        "examples far apart": usual | {"x": 1000.0 * np.arange(8).reshape(4, 2)},
        "a batch of one": usual | {"x": np.ones((1, 2))},
    }


def draw_features(rng, real, fake, features):
    return {
        "real": rng.standard_normal((real, features)) + 1.5,
        "fake": rng.standard_normal((fake, features)),
    }


def matching(real, fake):
    """Feature by feature: (Σ over all pairs of a real and a fake one / number of pairs)²."""
    return sum(np.mean(np.subtract.outer(r, f)) ** 2 for r, f in zip(real.T, fake.T))


def draw_past(rng, rows, columns, times):
    return {
        "theta": rng.standard_normal((rows, columns)),
        "past": list(rng.standard_normal((times, rows, columns)) + 0.7),
    }


def history(theta, past):
    """‖θ − mean‖² = (mean of ‖θ − each‖²) − (mean of ‖each − mean‖²), the theorem of the moments."""
    past = np.array([each.ravel() for each in past])
    return ((theta.ravel() - past) ** 2).sum(1).mean() - past.var(0).sum()


PARTS = [
    Part(
        "minibatch_features",
        2,
        draw_batch,
        {"n": (1, 6, 5), "features": (1, 4, 4), "kernels": (1, 4, 3), "dimensions": (1, 3, 2)},
        near,
        cases=batches,
    ),
    Part(
        "feature_matching",
        1,
        draw_features,
        {"real": (1, 7, 7), "fake": (1, 5, 5), "features": (1, 3, 3)},
        matching,
        cases=lambda rng: {
            "the text's example": {"real": np.array([[1.0, 2.0], [3.0, 4.0]]), "fake": np.array([[2.0, 1.0]])},
            "one example each": draw_features(rng, 1, 1, 3),
        },
    ),
    Part(
        "historical_penalty",
        1,
        draw_past,
        {"rows": (1, 3, 2), "columns": (1, 5, 3), "times": (1, 5, 5)},
        history,
        cases=lambda rng: {
            "the text's example": {
                "theta": np.array([5.0, 0.0]),
                "past": [np.array([1.0, 0.0]), np.array([3.0, 2.0])],
            },
            "one earlier value": draw_past(rng, 2, 3, 1),
            "theta has no axis": {"theta": np.asarray(2.0), "past": [np.asarray(-1.0), np.asarray(2.5)]},
            "theta is a vector": {"theta": rng.standard_normal(3), "past": list(rng.standard_normal((2, 3)))},
            "nothing has changed": {"theta": np.ones((2, 2)), "past": [np.ones((2, 2))] * 3},
        },
    ),
]
HINTS = [
    (
        "m[:, None] − m[None] has all differences M[i] − M[j], of shape (N, N, B, C).",
        "m[:, None] − m[None]에는 모든 차 M[i] − M[j]가 있고, 모양은 (N, N, B, C)이다.",
    ),
    (
        "Sum absolute values over C, then take exp, then sum over j: the exp lies between the two sums.",
        "절댓값을 C에 대해 더하고, exp를 취한 다음, j에 대해 더하라. exp는 두 합 사이에 있다.",
    ),
    (
        "In feature_matching and historical_penalty the mean comes first, then the difference, the square, the sum.",
        "feature_matching과 historical_penalty에서는 평균이 먼저이고, 차, 제곱, 합의 순서이다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "the Euclidean distance",
        "np.abs(m[:, None] - m[None]).sum(axis=3)",
        "np.sqrt(((m[:, None] - m[None]) ** 2).sum(axis=3))",
        "the distance is ‖·‖₁, a sum of absolute values, not the Euclidean ‖·‖₂",
        "거리는 유클리드 거리 ‖·‖₂가 아니라 절댓값의 합 ‖·‖₁이다",
    ),
    Mistake(
        "the minus is missing",
        "np.exp(-distances)",
        "np.exp(distances)",
        "near examples should count much and far ones little: exp of minus the distance",
        "가까운 표본은 크게, 먼 표본은 작게 세야 한다. 거리에 마이너스를 붙여 exp를 취하라",
    ),
    Mistake(
        "kernels are summed",
        "np.abs(m[:, None] - m[None]).sum(axis=3)",
        "np.abs(m[:, None] - m[None]).sum(axis=2)",
        "the distance sums over C, the last axis, and keeps the B kernels apart",
        "거리는 마지막 축 C에 대해 더하고 커널 B개는 그대로 나누어 둔다",
    ),
    Mistake(
        "exp before the sum over C",
        "np.exp(-distances).sum(axis=1)",
        "np.exp(-np.abs(m[:, None] - m[None])).sum(axis=(1, 3))",
        "first the distance, a sum over C, then exp",
        "먼저 C에 대해 더해 거리를 구하고, 그다음에 exp를 취하라",
    ),
    Mistake(
        "factor",
        'return nearness - 1 if SELF == "left out" else nearness',
        'return (nearness - (SELF == "left out")) / len(x)',
    ),
    Mistake(
        "features are averaged",
        "(difference**2).sum()",
        "(difference**2).mean()",
        "it should be the sum over the features, and is their mean",
        "특징에 대한 합이어야 하는데 평균이다",
    ),
    Mistake(
        "the square is missing",
        "(difference**2).sum()",
        "np.sqrt((difference**2).sum())",
        "this is the distance; its square is asked",
        "이것은 거리이다. 거리의 제곱이 필요하다",
    ),
    Mistake(
        "the mean over all pairs",
        "return (difference**2).sum()",
        "return ((real[:, None] - fake) ** 2).sum(axis=2).mean()",
        "first the mean of each batch, then one squared distance; this is the mean of those of all pairs",
        "먼저 배치마다 평균을 내고 거리의 제곱을 한 번 구하라. 이것은 모든 쌍의 거리의 제곱을 평균한 것이다",
    ),
    Mistake(
        "sums of the batches",
        "real.mean(axis=0) - fake.mean(axis=0)",
        "real.sum(axis=0) - fake.sum(axis=0)",
        "the two batches may differ in size: compare the means of their features, not the sums",
        "두 배치의 크기가 다를 수 있다. 특징의 합이 아니라 평균을 비교하라",
    ),
    Mistake(
        "only the last value",
        "sum(past) / len(past)",
        "past[-1]",
        "the penalty is for the distance from the mean of all earlier values, not from the last one",
        "마지막 값이 아니라 지난 값 모두의 평균에서 떨어진 거리에 벌점을 준다",
    ),
    Mistake(
        "theta is in the mean",
        "sum(past) / len(past)",
        "(sum(past) + theta) / (len(past) + 1)",
        "the mean is of past alone, without the theta of now",
        "평균에는 past만 들어가고 지금의 theta는 들어가지 않는다",
    ),
    Mistake(
        "the mean of the distances",
        "((theta - average) ** 2).sum()",
        "sum(((theta - each) ** 2).sum() for each in past) / len(past)",
        "first the mean of past, then one distance from it; this is the mean of many distances",
        "먼저 past의 평균을 내고 그것과의 거리를 한 번 구하라. 이것은 여러 거리의 평균이다",
    ),
]
OTHERS = [
    """
    def minibatch_features(x, t):
        n, b = len(x), t.shape[1]
        m = (x @ t.reshape(len(t), -1)).reshape(n, b, -1)
        o = np.zeros((n, b))
        for i in range(n):
            for j in range(n):
                if i != j or SELF == "counted":
                    o[i] += np.exp(-np.linalg.norm(m[i] - m[j], ord=1, axis=-1))
        return o.astype(np.float32)

    def feature_matching(real, fake):
        d = np.average(real, 0) - np.average(fake, 0)
        return float(d @ d)

    def historical_penalty(theta, past):
        running = np.zeros(theta.shape)
        for k, each in enumerate(past):
            running = running + (each - running) / (k + 1)
        return np.linalg.norm((theta - running).ravel()) ** 2
    """,
]
# END SOLUTION
