"""Which modes are covered? · 어떤 모드를 덮었는가 (3 points)

A generator is often tried on a mixture of equally likely Gaussians in the plane, with k known centres and a standard
deviation σ: so it can be counted which of the modes its samples have found.

Write ``ring(k)`` (1 point): the centres of k modes on the circle of radius 1, a (k, 2) array. Centre i = 0, ..., k − 1
stands at the angle 2πi/k: its row is (cos, sin) of that, and no two centres are the same.

Write ``counts(samples, centres, sigma)`` (1 point): how many samples of high quality each mode has, k numbers in the
order of the centres. samples is (N, 2), centres (k, 2). A sample belongs to the nearest centre alone, of equally near
ones to the first. It is of high quality if its Euclidean distance to that centre is at most «RADIUS»·σ; otherwise it
does not count.

Write ``coverage(samples, centres, sigma)`` (1 point), a tuple of three numbers:

    modes           how many modes have at least one sample of high quality
    strict modes    how many have at least 20 % of their fair share N/k, where N is the number of all samples
    high quality    the share of all N samples that are of high quality, from 0 to 1

A tiny example: centres (0, 0) and (10, 0), σ = 1, ten samples, seven of them at (0, 1), one at (10, 0.5), two at (5,
9): the counts are [7, 1], and the fair share is 5, of which 20 % is 1: coverage gives (2, 2, 0.8). With six more
samples at (0, 1) it gives (2, 1, 0.875), for 1 < 20 % of 8.

생성자를 시험할 때는 흔히 중심 k개와 표준편차 σ를 아는, 확률이 같은 가우시안들의 평면 혼합 분포를 쓴다. 그러면 표본이
어떤 모드를 찾았는지 셀 수 있다.
``ring(k)``(1점)는 반지름이 1인 원 위의 모드 k개의 중심을 (k, 2) 배열로 돌려준다. 중심 i = 0, 1, ..., k − 1은 각도
2πi/k에 있고 행은 그 각도의 (cos, sin)이다. 같은 중심이 두 번 나오지 않는다.
``counts(samples, centres, sigma)``(1점)는 모드마다 질이 높은 표본이 몇 개인지, 중심의 순서대로 k개의 수를 돌려준다.
samples는 (N, 2), centres는 (k, 2)이다. 표본은 가장 가까운 중심 하나에만 속하고, 똑같이 가까우면 앞의 중심에 속한다. 그
중심까지의 유클리드 거리가 «RADIUS»·σ 이하이면 질이 높은 것이고, 아니면 세지 않는다.
``coverage(samples, centres, sigma)``(1점)는 수 세 개의 튜플을 돌려준다. 질이 높은 표본이 하나라도 있는 모드의
수(modes), 공평한 몫 N/k의 20 % 이상이 있는 모드의 수(strict modes, N은 모든 표본의 수), 모든 표본 N개 중 질이 높은 것의
비율(high quality, 0에서 1까지)이다.
예: 중심이 (0, 0)과 (10, 0), σ = 1이고 표본 열 개 중 일곱이 (0, 1), 하나가 (10, 0.5), 둘이 (5, 9)이면 counts는 [7,
1]이다. 공평한 몫은 5이고 그 20 %는 1이므로 coverage는 (2, 2, 0.8)이다. (0, 1)에 표본이 여섯 더 있으면 1이 8의 20 %보다
작으므로 (2, 1, 0.875)이다.
"""

import numpy as np

RADIUS = 3  # edition: 3, 2, 4


def ring(k):
    """The centres of k modes, (k, 2)."""
    # BEGIN SOLUTION
    angles = 2 * np.pi * np.arange(k) / k
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # END SOLUTION


def counts(samples, centres, sigma):
    """The number of samples of high quality at each centre, (k,)."""
    # BEGIN SOLUTION
    distances = np.sqrt(((samples[:, None] - centres) ** 2).sum(axis=2))
    good = distances.min(axis=1) <= RADIUS * sigma
    return np.bincount(distances.argmin(axis=1)[good], minlength=len(centres))
    # END SOLUTION


def coverage(samples, centres, sigma):
    """Modes, strict modes, and the share of samples of high quality."""
    # BEGIN SOLUTION
    n, found = len(samples), counts(samples, centres, sigma)
    strict = found >= 0.2 * n / len(centres)
    return (found > 0).sum(), strict.sum(), found.sum() / n
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part

FRACTIONS = np.array([0.15, 0.45, 0.6, 0.8, 0.95, 1.1, 1.25, 1.45, 2.2])  # of the radius of high quality
QUOTA = {1: 2, 2: 1, 3: 0}  # of samples within it, for these modes


def draw(rng, k, n):
    """Samples outwards of the circle's modes; and some between two modes, within reach of both."""
    if n % (5 * k) == 0 and (n, k) != (50, 5):  # where 20 % of the share is whole, rounding might decide
        return None
    turn = np.exp(2j * np.pi * np.array([i / k for i in range(k)]))
    mode, fraction = rng.integers(k, size=n), rng.choice(FRACTIONS, n)
    for i, limit in QUOTA.items():
        near = np.flatnonzero((mode == i) & (fraction < 1))
        fraction[near[limit:]] += 1
    step = 0.75 * fraction * np.exp(1j * rng.uniform(-0.6, 0.6, n))
    points = turn[mode] * (1 + step)
    if k == 5:
        middle = np.flatnonzero((mode == 0) & (fraction < 1))[1::2]
        points[middle] = 0.51 * turn[0] + 0.49 * turn[4]
    centres = np.stack([turn.real, turn.imag], axis=1)
    return {"samples": np.stack([points.real, points.imag], axis=1), "centres": centres, "sigma": 0.75 / RADIUS}


def sorted_out(samples, centres, sigma):
    """By a tree of the centres, which looks for the nearest one within the radius."""
    from scipy.spatial import cKDTree

    far = RADIUS * sigma * (1 + 1e-12)
    found = cKDTree(centres).query(samples, distance_upper_bound=far)[1]
    return np.array([np.count_nonzero(found == i) for i in range(len(centres))], float)


def three(samples, centres, sigma):
    from fractions import Fraction

    each = [Fraction(int(count)) for count in sorted_out(samples, centres, sigma)]
    least = Fraction(len(samples), 5 * len(each))
    kept = sum(count >= least for count in each)
    return float(sum(map(bool, each))), float(kept), float(sum(each) / len(samples))


PLAIN = {"centres": np.array([[0.0, 0.0], [0.0, 2.0 * RADIUS]]), "sigma": 1.0}


ASIDE = {"centres": RADIUS * np.array([[0.0, 0.0], [1.3, 0.5], [-1.1, 0.5]]), "sigma": 1.0}


def cases(_):
    example = np.repeat([[0.0, 1.0], [10.0, 0.5], [5.0, 9.0]], [7, 1, 2], axis=0)
    two = {"centres": np.array([[0.0, 0.0], [10.0, 0.0]]), "sigma": 1.0}
    return {
        "the text's example": {"samples": example} | two,
        "the text's example with six more": {"samples": np.concatenate([example, np.tile([0.0, 1.0], (6, 1))])} | two,
        "no sample of high quality": {"samples": np.full((3, 2), -4.0 * RADIUS)} | PLAIN,
        "a sample on the edge": {"samples": np.array([[1.0 * RADIUS, 0.0], [0.0, 2.5 * RADIUS]])} | PLAIN,
        "as near to two centres": {"samples": np.array([[0.0, RADIUS], [0.0, 0.25 * RADIUS]])} | PLAIN,
        "the nearest centre is not that of the least |Δx| + |Δy|": {
            "samples": RADIUS * np.array([[0.8, 0.0], [-0.6, 0.0]])
        }
        | ASIDE,
    }


def circle(k):
    return np.array([[(z := np.exp(1j * np.pi * i * 2 / k)).real, z.imag] for i in range(k)])


SIZES = {"k": (1, 7, 5), "n": (1, 50, 50)}
PARTS = [
    Part("ring", 1, lambda rng, k: {"k": k}, {"k": (1, 9, 8)}, circle, cases=lambda _: {"one mode": {"k": 1}}),
    Part("counts", 1, draw, SIZES, sorted_out, cases=cases),
    Part("coverage", 1, draw, SIZES, three, cases=cases, returns=("modes", "strict modes", "high quality")),
]
HINTS = [
    (
        "np.linspace(0, 2π, k) contains its end, where the circle is at its start again.",
        "np.linspace(0, 2π, k)는 끝점도 포함하는데, 원에서 그 점은 시작점과 같다.",
    ),
    (
        "First all N·k distances, as an (N, k) array; then the smallest of each row, and where it is.",
        "먼저 N·k개의 거리를 (N, k) 배열로 구하고, 각 행의 최솟값과 그 위치를 찾아라.",
    ),
    (
        "np.bincount counts how often each number occurs; minlength keeps the modes that have none.",
        "np.bincount는 각 수가 몇 번 나오는지 센다. minlength를 주면 표본이 없는 모드도 남는다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "one mode twice",
        "2 * np.pi * np.arange(k) / k",
        "np.linspace(0, 2 * np.pi, k)",
        "the angles 0 and 2π are the same place: only k − 1 modes are different",
        "각도 0과 2π는 같은 곳이다. 서로 다른 모드가 k − 1개뿐이다",
    ),
    Mistake(
        "degrees",
        "2 * np.pi * np.arange(k) / k",
        "360 * np.arange(k) / k",
        "NumPy's cos and sin take radians: a turn is 2π, not 360",
        "NumPy의 cos와 sin은 라디안을 받는다. 한 바퀴는 360이 아니라 2π이다",
    ),
    Mistake(
        "the squared distance",
        "np.sqrt(((samples[:, None] - centres) ** 2).sum(axis=2))",
        "((samples[:, None] - centres) ** 2).sum(axis=2)",
        "the squared distance is compared with the radius: take the root, or square the radius",
        "거리의 제곱을 반지름과 비교했다. 제곱근을 취하거나 반지름을 제곱하라",
    ),
    Mistake(
        "a square for the circle",
        "np.sqrt(((samples[:, None] - centres) ** 2).sum(axis=2))",
        "np.abs(samples[:, None] - centres).max(axis=2)",
        "each coordinate for itself makes a square about the centre; the Euclidean distance makes a circle",
        "좌표를 따로 비교하면 중심 둘레의 정사각형이 된다. 유클리드 거리는 원이다",
    ),
    Mistake(
        "the distance along the axes",
        "np.sqrt(((samples[:, None] - centres) ** 2).sum(axis=2))",
        "np.abs(samples[:, None] - centres).sum(axis=2)",
        "this is |Δx| + |Δy|; the Euclidean distance is the root of Δx² + Δy²",
        "이것은 |Δx| + |Δy|이다. 유클리드 거리는 Δx² + Δy²의 제곱근이다",
    ),
    Mistake(
        "nearest along the axes",
        "distances.argmin(axis=1)[good]",
        "np.abs(samples[:, None] - centres).sum(axis=2).argmin(axis=1)[good]",
        "the nearest centre was chosen by |Δx| + |Δy|, and not by the Euclidean distance",
        "가장 가까운 중심을 유클리드 거리가 아니라 |Δx| + |Δy|로 골랐다",
    ),
    Mistake(
        "the edge is left out",
        "<= RADIUS * sigma",
        "< RADIUS * sigma",
        "a sample exactly at that distance is of high quality, too: at most, not less than",
        "거리가 정확히 그 값인 표본도 질이 높다. 미만이 아니라 이하이다",
    ),
    Mistake(
        "of equally near ones to the last",
        "distances.argmin(axis=1)[good]",
        "(len(centres) - 1 - distances[:, ::-1].argmin(axis=1))[good]",
        "a sample as near to two centres belongs to the first of them, not to the last",
        "두 중심에 똑같이 가까운 표본은 뒤의 중심이 아니라 앞의 중심에 속한다",
    ),
    Mistake(
        "within one sigma",
        "<= RADIUS * sigma",
        "<= sigma",
        "high quality reaches as many σ as the text says, not one",
        "높은 질의 범위는 σ 하나가 아니라 본문에 적힌 배수이다",
    ),
    Mistake(
        "counted for two modes",
        "np.bincount(distances.argmin(axis=1)[good], minlength=len(centres))",
        "(distances <= RADIUS * sigma).sum(axis=0)",
        "a sample within reach of two centres counts for the nearest one only",
        "두 중심의 범위에 모두 든 표본은 가장 가까운 중심에서만 센다",
    ),
    Mistake(
        "quality is not looked at",
        "distances.argmin(axis=1)[good]",
        "distances.argmin(axis=1)",
        "samples that are far from every centre are counted, too",
        "모든 중심에서 먼 표본까지 셌다",
    ),
    Mistake(
        "the share of the good ones",
        "n, found = len(samples), counts(samples, centres, sigma)",
        "found = counts(samples, centres, sigma)\n    n = found.sum()",
        "N is the number of all samples, also of those that are not of high quality",
        "N은 질이 높지 않은 것까지 포함한 모든 표본의 수이다",
    ),
    Mistake(
        "more than 20 %",
        "found >= 0.2",
        "found > 0.2",
        "exactly 20 % of the fair share is enough: at least, not more than",
        "공평한 몫의 정확히 20 %이면 충분하다. 초과가 아니라 이상이다",
    ),
    Mistake(
        "20 % of all samples",
        "0.2 * n / len(centres)",
        "0.2 * n",
        "the 20 % are of a mode's fair share N/k, not of all samples",
        "20 %는 모든 표본이 아니라 모드의 공평한 몫 N/k에 대한 것이다",
    ),
    Mistake(
        "the number for the share",
        "found.sum() / n",
        "found.sum()",
        "the third result is the share of all samples, from 0 to 1, not their number",
        "셋째 결과는 표본의 수가 아니라 전체에 대한 비율(0에서 1까지)이다",
    ),
    Mistake(
        "modes by any sample",
        "return (found > 0).sum()",
        "distances = ((samples[:, None] - centres) ** 2).sum(axis=2)\n    return len(set(distances.argmin(axis=1)))",
        "a mode is found by a sample of high quality; here samples far outside the radius find it, too",
        "모드는 질이 높은 표본이 있어야 찾은 것이다. 여기서는 반지름 밖의 표본도 셌다",
    ),
]
OTHERS = [
    """
    import math

    def ring(k):
        return np.array([[math.cos(math.tau / k * i), math.sin(math.tau / k * i)] for i in range(k)], np.float32)

    def counts(samples, centres, sigma):
        found = [0] * len(centres)
        for x, y in samples:
            squares = [(x - a) ** 2 + (y - b) ** 2 for a, b in centres]
            i = squares.index(min(squares))
            if squares[i] <= (RADIUS * sigma) ** 2:
                found[i] += 1
        return np.array(found, float)

    def coverage(samples, centres, sigma):
        shares = counts(samples, centres, sigma) / (len(samples) / len(centres))
        return int(np.count_nonzero(shares)), int((shares >= 0.2).sum()), float(shares.mean())
    """,
]
# END SOLUTION
