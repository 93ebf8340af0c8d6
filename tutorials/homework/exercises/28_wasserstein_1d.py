"""The Wasserstein distance on a line · 직선 위의 바서슈타인 거리 (2 points)

W₁ is the least work that turns one heap of earth into another: mass times distance, over the best plan of what goes
where. On a line the best plan is known: nothing overtakes anything.

Write ``w1_equal(x, y)`` (1 point): x and y are (n,), n points each of mass 1/n. The k-th smallest of x goes to the k-th
smallest of y, so with x₍ₖ₎ the k-th smallest:

    W₁ = (1/n) Σₖ |x₍ₖ₎ − y₍ₖ₎|

Write ``w1_weighted(x, y, u, v)`` (1 point): x and u are (n,), y and v are (m,), maybe n ≠ m. u[i] is the weight of the
point x[i], v[j] that of y[j]. Weights are not negative and their sums are not 0; first divide u by its sum and v by its
sum. With F(t) the mass of the points x ≤ t, and G(t) that of the points y ≤ t:

    W₁ = ∫ |F(t) − G(t)| dt

F and G are steps: they are constant between neighbours of all points together, x and y, in order. So the integral is a
sum of |F − G| times the length of the interval. Points come in any order, and some may be equal. Both functions return
a number.

Tiny examples: x = [3, 0], y = [1, 7] give (|0 − 1| + |3 − 7|)/2 = 2.5. x = [0, 2] with u = [1, 3] and y = [1] with v =
[5]: F = ¼ and G = 0 from 0 to 1, F = ¼ and G = 1 from 1 to 2, so W₁ = ¼·1 + ¾·1 = 1.

W₁은 흙더미 하나를 다른 흙더미로 바꾸는 가장 적은 일, 곧 가장 좋은 운반 계획에서 질량 곱하기 거리의 합이다. 직선에서는
가장 좋은 계획이 알려져 있다. 아무것도 서로 앞지르지 않는다.
``w1_equal(x, y)``(1점): x와 y는 (n,)이며 각각 질량이 1/n인 점 n개이다. x에서 k번째로 작은 점이 y에서 k번째로 작은
점으로 간다. x₍ₖ₎를 k번째로 작은 점이라 하면 W₁은 위의 첫 식이다.
``w1_weighted(x, y, u, v)``(1점): x와 u는 (n,), y와 v는 (m,)이고 n ≠ m일 수 있다. u[i]는 점 x[i]의 가중치, v[j]는 y[j]의
가중치이다. 가중치는 음수가 아니고 합은 0이 아니다. 먼저 u를 u의 합으로, v를 v의 합으로 나누어라. F(t)를 x ≤ t인 점들의
질량, G(t)를 y ≤ t인 점들의 질량이라 하면 W₁은 위의 둘째 식이다. F와 G는 계단 함수라서, x와 y의 점을 모두 모아 차례로
놓았을 때 이웃한 두 점 사이에서는 상수이다. 그러므로 적분은 |F − G|에 구간의 길이를 곱한 것의 합이다. 점의 순서는
제멋대로이고 같은 점이 있을 수도 있다. 두 함수 모두 수 하나를 돌려준다.
예: x = [3, 0], y = [1, 7]이면 (|0 − 1| + |3 − 7|)/2 = 2.5이다. x = [0, 2], u = [1, 3], y = [1], v = [5]이면 0에서
1까지는 F = ¼, G = 0이고 1에서 2까지는 F = ¼, G = 1이므로 W₁ = ¼·1 + ¾·1 = 1이다.
"""

import numpy as np


def w1_equal(x, y):
    """W₁ of equally many points of equal mass."""
    # BEGIN SOLUTION
    return np.abs(np.sort(x) - np.sort(y)).mean()
    # END SOLUTION


def w1_weighted(x, y, u, v):
    """W₁ of points x with weights u and points y with weights v."""
    # BEGIN SOLUTION
    u, v = u / u.sum(), v / v.sum()
    points, mass = np.concatenate([x, y]), np.concatenate([u, -v])
    order = np.argsort(points)
    difference = np.cumsum(mass[order])[:-1]
    return (np.abs(difference) * np.diff(points[order])).sum()
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def draw(rng, n):
    return {"x": 4 * rng.standard_normal(n), "y": rng.standard_normal(n) + 0.8}


def assigned(x, y):
    """The best of all pairings, as SciPy finds it."""
    from scipy.optimize import linear_sum_assignment

    costs = abs(np.subtract.outer(x, y))
    return costs[linear_sum_assignment(costs)].sum() / len(x)


def draw_weighted(rng, n, m):
    return {
        "x": 2 * rng.standard_normal(n),
        "y": rng.standard_normal(m) + 0.8,
        "u": rng.uniform(0.5, 3, n),
        "v": rng.uniform(0.5, 3, m),
    }


def transported(x, y, u, v):
    """The cheapest plan, a linear programme: plan[i, j] goes from x[i] to y[j]."""
    from scipy.optimize import linprog

    n, m = len(x), len(y)
    leaves, comes = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    masses = np.concatenate([u / sum(u), v / sum(v)])
    return linprog(abs(np.subtract.outer(x, y)).ravel(), A_eq=np.concatenate([leaves, comes]), b_eq=masses).fun


PARTS = [
    Part(
        "w1_equal",
        1,
        draw,
        {"n": (1, 9, 7)},
        assigned,
        cases=lambda rng: {
            "the text's example": {"x": np.array([3.0, 0.0]), "y": np.array([1.0, 7.0])},
            "one point each": draw(rng, 1),
            "equal points": {"x": np.array([1.0, 1.0, 0.0]), "y": np.array([0.0, 4.0, 1.0])},
            "the same points in another order": {"x": np.array([2.0, 5.0, 3.0]), "y": np.array([5.0, 3.0, 2.0])},
        },
    ),
    Part(
        "w1_weighted",
        1,
        draw_weighted,
        {"n": (1, 7, 7), "m": (1, 5, 5)},
        transported,
        cases=lambda rng: {
            "the text's example": {
                "x": np.array([0.0, 2.0]),
                "y": np.array([1.0]),
                "u": np.array([1.0, 3.0]),
                "v": np.array([5.0]),
            },
            "points that x and y have in common": {
                "x": np.array([1.0, 0.0, 1.0]),
                "y": np.array([1.0, 2.0, 0.0, 1.0]),
                "u": np.array([1.0, 2.0, 3.0]),
                "v": np.array([2.0, 1.0, 1.0, 4.0]),
            },
            "weights of 0": draw_weighted(rng, 3, 2) | {"u": np.array([0.0, 2.0, 0.0])},
            "one point each": draw_weighted(rng, 1, 1),
        },
    ),
]
HINTS = [
    (
        "In the first function sort both; then neighbours in the plan stand in the same place.",
        "첫 함수에서는 둘 다 정렬하라. 그러면 짝이 되는 점이 같은 자리에 놓인다.",
    ),
    (
        "Walk along all n + m points in order: at a point of x, F rises by its weight; at one of y, G does.",
        "n + m개의 점을 차례로 지나가라. x의 점에서는 F가, y의 점에서는 G가 그 점의 가중치만큼 커진다.",
    ),
    (
        "np.argsort gives the order of all points; take the weights (of y with a minus) in that order, and np.cumsum.",
        "np.argsort로 모든 점의 순서를 구하고, (y에는 마이너스를 붙인) 가중치도 같은 순서로 놓아 np.cumsum을 써라.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "not sorted",
        "np.sort(x) - np.sort(y)",
        "x - y",
        "points are paired as they come; the least work pairs them in order of size",
        "주어진 순서대로 짝을 지었다. 크기 순서로 짝을 지어야 일이 가장 적다",
    ),
    Mistake(
        "the means alone",
        "np.abs(np.sort(x) - np.sort(y)).mean()",
        "np.abs(x.mean() - y.mean())",
        "this is the distance of the two means: take the absolute value of each difference before the mean",
        "이것은 두 평균의 거리이다. 차마다 절댓값을 취한 다음 평균을 내라",
    ),
    Mistake(
        "squares",
        "np.abs(np.sort(x) - np.sort(y)).mean()",
        "np.sqrt(((np.sort(x) - np.sort(y)) ** 2).mean())",
        "this is W₂, from squared distances; W₁ takes the distances themselves",
        "이것은 거리의 제곱을 쓰는 W₂이다. W₁은 거리 자체를 쓴다",
    ),
    Mistake(
        "the sum",
        "np.abs(np.sort(x) - np.sort(y)).mean()",
        "np.abs(np.sort(x) - np.sort(y)).sum()",
        "each point has the mass 1/n: it is the mean, not the sum",
        "각 점의 질량은 1/n이다. 합이 아니라 평균이다",
    ),
    Mistake(
        "sorted in opposite directions",
        "np.sort(x) - np.sort(y)",
        "np.sort(x) - np.sort(y)[::-1]",
        "the smallest goes to the largest here, which is the most work, not the least",
        "가장 작은 점을 가장 큰 점으로 보냈다. 이것은 가장 적은 일이 아니라 가장 많은 일이다",
    ),
    Mistake(
        "weights not divided by their sum",
        "u / u.sum(), v / v.sum()",
        "u, v",
        "first divide u and v by their sums, so that both masses are 1",
        "먼저 u와 v를 각각의 합으로 나누어 두 질량이 1이 되게 하라",
    ),
    Mistake(
        "weights in their old order",
        "np.cumsum(mass[order])",
        "np.cumsum(mass)",
        "the points are sorted, and their weights must go with them",
        "점을 정렬하면 가중치도 함께 옮겨야 한다",
    ),
    Mistake(
        "weights are ignored",
        "u, v = u / u.sum(), v / v.sum()\n",
        "u, v = np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y))\n",
        "each point counts the same here; u and v are its weights",
        "모든 점을 똑같이 세었다. 점의 가중치는 u와 v이다",
    ),
    Mistake(
        "< for <=",
        "    points, mass = np.concatenate([x, y]), np.concatenate([u, -v])\n"
        "    order = np.argsort(points)\n"
        "    difference = np.cumsum(mass[order])[:-1]\n"
        "    return (np.abs(difference) * np.diff(points[order])).sum()",
        "    t = np.unique(np.concatenate([x, y]))\n"
        "    difference = u @ (x[:, None] < t) - v @ (y[:, None] < t)\n"
        "    return (np.abs(difference[:-1]) * np.diff(t)).sum()",
        "F(t) is the mass of the points x ≤ t: a point's own weight counts from itself on",
        "F(t)는 x ≤ t인 점들의 질량이다. 점의 가중치는 그 점에서부터 센다",
    ),
    Mistake(
        "lengths are missing",
        "(np.abs(difference) * np.diff(points[order])).sum()",
        "np.abs(difference).sum()",
        "|F − G| must be multiplied by the length of the interval where it has this value",
        "|F − G|에 그 값을 갖는 구간의 길이를 곱해야 한다",
    ),
    Mistake(
        "the largest difference",
        "(np.abs(difference) * np.diff(points[order])).sum()",
        "np.abs(difference).max()",
        "the largest |F − G| is the distance of Kolmogorov and Smirnov; W₁ is the area between F and G",
        "|F − G|의 최댓값은 콜모고로프-스미르노프 거리이다. W₁은 F와 G 사이의 넓이이다",
    ),
    Mistake(
        "no absolute value",
        "np.abs(difference) *",
        "difference *",
        "areas with F above G and with F below G cancel: take |F − G|",
        "F가 G보다 큰 넓이와 작은 넓이가 상쇄된다. |F − G|를 써라",
    ),
]
OTHERS = [
    """
    def w1_equal(x, y):
        return np.float32(w1_weighted(x, y, np.ones(len(x)), np.ones(len(y))))

    def w1_weighted(x, y, u, v):
        # two heaps in order; move what both first ones have, again and again
        first = [list(pair) for pair in sorted(zip(x, u / np.sum(u)))]
        second = [list(pair) for pair in sorted(zip(y, v / np.sum(v)))]
        i = j = 0
        work = 0.0
        while i < len(first) and j < len(second):
            moved = min(first[i][1], second[j][1])
            work += moved * abs(first[i][0] - second[j][0])
            first[i][1] -= moved
            second[j][1] -= moved
            if first[i][1] <= second[j][1]:
                i += 1
            else:
                j += 1
        return work
    """,
    """
    def w1_equal(x, y):
        t = np.sort(np.concatenate([x, y]))
        f, g = ((points[:, None] <= t[:-1]).mean(0) for points in (x, y))
        return np.sum(abs(f - g) * (t[1:] - t[:-1]))

    def w1_weighted(x, y, u, v):
        t = np.unique(np.concatenate([x, y]))
        f = (u[:, None] * (x[:, None] <= t)).sum(0) / u.sum()
        g = (v[:, None] * (y[:, None] <= t)).sum(0) / v.sum()
        return float(np.abs(f - g)[:-1] @ np.diff(t))
    """,
]
# END SOLUTION
