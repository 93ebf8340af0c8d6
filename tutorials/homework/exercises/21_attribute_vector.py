"""Attribute vectors and morphing · 속성 벡터와 모핑 (3 points)

An encoder gives each face a code of K numbers, and directions among the codes have a meaning. What codes with an
attribute, say a smile, have more than codes without it is the attribute's vector:

    v = (mean of the codes with it) − (mean of the codes without it)

Write ``attribute_vector(codes, has)`` (1 point): v, of shape (K,). codes is (N, K); has is (N,), True where a code has
the attribute. Both kinds of code occur.

Write ``morph(code, vector, steps)`` (1 point): the attribute comes gradually, in rows code + s·vector, of shape
(steps, K). s grows in equal steps from 0 in the first row to «STRENGTH» in the last one. With steps = 1 the only row is
the code itself. code and vector are (K,).

Write ``slerp(a, b, t)`` (1 point): codes drawn from N(0, I) in many dimensions have about the same length; the straight
line from one to another leads through much shorter ones, while spherical interpolation stays among them:

    ω = arccos( a·b / (‖a‖ ‖b‖) )
    slerp = ( sin((1 − t)·ω) · a + sin(t·ω) · b ) / sin ω

a and b are (K,) and not 0; in the second line they keep their own lengths. t is (T,), numbers from 0 to 1, and the
result is (T, K), a row for each. If a and b are parallel, in the same or in opposite directions, the formula is 0/0:
where sin ω < 1e-6, return the straight line (1 − t)·a + t·b. Rounding can make the cosine a little larger than 1: limit
it to [−1, 1] first.

Tiny examples: codes [1, 2], [3, 4], [5, 9] with has = [True, False, True] give v = [3, 5.5] − [3, 4] = [0, 1.5]. For
a = [1, 0], b = [0, 1] and t = [0.5], ω = π/2 and slerp is [[0.7071, 0.7071]]; the straight line has [[0.5, 0.5]].

인코더는 얼굴마다 K개의 수로 된 코드를 주며, 코드 공간의 방향에는 의미가 있다. 어떤 속성(예: 미소)이 있는 코드의
평균에서 없는 코드의 평균을 뺀 것이 그 속성의 벡터 v이다. 모양이 (K,)인 v를 돌려주는
``attribute_vector(codes, has)``(1점)를 작성하라. codes는 (N, K)이고, has는 (N,)이며 속성이 있는 코드에서 True이다. 두
종류의 코드가 모두 있다.
``morph(code, vector, steps)``(1점)는 속성을 점점 더한 code + s·vector를 행으로 담은 (steps, K) 배열을 돌려준다. s는 첫
행의 0에서 마지막 행의 «STRENGTH»까지 같은 간격으로 커진다. steps = 1이면 code 자신 한 행뿐이다. code와 vector의 모양은
(K,)이다.
``slerp(a, b, t)``(1점)는 구면 보간이다. 고차원의 N(0, I)에서 뽑은 코드들은 길이가 거의 같은데, 두 코드를 잇는 직선은
훨씬 짧은 코드를 지나고 구면 보간은 그렇지 않다. 식은 위와 같다. a와 b는 (K,)이고 0이 아니며, 둘째 식에서 원래 길이를
그대로 쓴다. t는 0과 1 사이의 수로 된 (T,)이고, 결과는 t마다 한 행인 (T, K)이다. a와 b가 평행하면(같은 방향이든 반대
방향이든) 식이 0/0이 되므로, sin ω < 1e-6이면 직선 (1 − t)·a + t·b를 돌려준다. 반올림 때문에 코사인이 1보다 조금 커질
수 있으니 먼저 [−1, 1]로 제한하라.
예: 코드 [1, 2], [3, 4], [5, 9]와 has = [True, False, True]이면 v = [3, 5.5] − [3, 4] = [0, 1.5]이다. a = [1, 0],
b = [0, 1], t = [0.5]이면 ω = π/2이고 slerp는 [[0.7071, 0.7071]], 직선은 [[0.5, 0.5]]이다.
"""

import numpy as np

STRENGTH = 2.0  # edition: 2.0, 1.5, 3.0


def attribute_vector(codes, has):
    """The mean of the codes (N, K) that have the attribute minus that of the others, (K,)."""
    # BEGIN SOLUTION
    return codes[has].mean(axis=0) - codes[~has].mean(axis=0)
    # END SOLUTION


def morph(code, vector, steps):
    """The code with more and more of the vector, (steps, K)."""
    # BEGIN SOLUTION
    s = np.linspace(0, STRENGTH, steps)
    return code + s[:, None] * vector
    # END SOLUTION


def slerp(a, b, t):
    """From a (K,) to b (K,) along the sphere, at each of t (T,): (T, K)."""
    # BEGIN SOLUTION
    cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    omega = np.arccos(np.clip(cosine, -1, 1))
    t = t[:, None]
    if np.sin(omega) < 1e-6:
        return (1 - t) * a + t * b
    return (np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega)
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def draw_codes(rng, n, k):
    has = np.zeros(n, bool)
    has[rng.permutation(n)[: max(1, n * 2 // 5)]] = True
    return {"codes": rng.standard_normal((n, k)) + rng.uniform(1, 2, k), "has": has}


def regressed(codes, has):
    """The slope of the least-squares line through the codes over 0 and 1: another way to the difference of means."""
    design = np.stack([np.ones(len(codes)), has], axis=1)
    return np.linalg.lstsq(design, codes, rcond=None)[0][1]


def draw_morph(rng, k, steps):
    return {"code": rng.standard_normal(k), "vector": rng.standard_normal(k), "steps": steps}


def draw_slerp(rng, k, steps):
    a, b = rng.standard_normal((2, k))  # shorter and longer than 1, and a·b no cosine that looks like one of parallels
    return {
        "a": a * rng.uniform(0.4, 0.7) / np.sqrt(a @ a),
        "b": b * rng.uniform(1.1, 1.4) / np.sqrt(b @ b),
        "t": np.sort(rng.uniform(0, 1, steps)),
    }


def spherical(a, b, t):
    """SciPy's, which wants unit vectors: its share of either direction is what a and b are to have."""
    from scipy.spatial import geometric_slerp

    directions = np.stack([a / np.sqrt((a**2).sum()), b / np.sqrt((b**2).sum())])
    if np.linalg.svd(directions, compute_uv=False)[1] < 1e-7:
        return np.outer(1 - t, a) + np.outer(t, b)
    points = np.array([geometric_slerp(*directions, each) for each in t])
    shares = np.linalg.lstsq(directions.T, points.T, rcond=None)[0]
    return shares.T @ np.stack([a, b])


def rows(code, vector, steps):
    return np.array([code + vector * (STRENGTH * i / max(steps - 1, 1)) for i in range(steps)])


def rounded_above_1(rng):
    for _ in range(200):
        a = rng.standard_normal(5)
        b = 3 * a
        if a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) > 1:
            break
    return {"a": a, "b": b, "t": np.array([0.3, 0.8])}


PARTS = [
    Part(
        "attribute_vector",
        1,
        draw_codes,
        {"n": (2, 7, 7), "k": (1, 5, 3)},
        regressed,
        cases=lambda rng: {
            "the text's example": {
                "codes": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]]),
                "has": np.array([True, False, True]),
            },
            "one code of either kind": draw_codes(rng, 2, 3),
        },
    ),
    Part(
        "morph",
        1,
        draw_morph,
        {"k": (1, 5, 3), "steps": (1, 7, 5)},
        rows,
        cases=lambda rng: {"steps = 1": draw_morph(rng, 3, 1), "steps = 2": draw_morph(rng, 3, 2)},
    ),
    Part(
        "slerp",
        1,
        draw_slerp,
        {"k": (2, 5, 5), "steps": (1, 4, 3)},
        spherical,
        cases=lambda rng: {
            "the text's example": {"a": np.array([1.0, 0.0]), "b": np.array([0.0, 1.0]), "t": np.array([0.5])},
            "a and b in the same direction": {
                "a": np.array([3.0, 4.0]),
                "b": np.array([6.0, 8.0]),
                "t": np.array([0.0, 0.25, 1.0]),
            },
            "a and b in the same direction, the cosine rounded to more than 1": rounded_above_1(rng),
            "a and b in opposite directions": {
                "a": np.array([3.0, 4.0]),
                "b": np.array([-6.0, -8.0]),
                "t": np.array([0.2, 0.5, 0.7]),
            },
            "t at its ends": draw_slerp(rng, 3, 2) | {"t": np.array([0.0, 1.0])},
        },
    ),
]
HINTS = [
    (
        "has is an array of booleans: codes[has] are the codes with the attribute, codes[~has] the others.",
        "has는 불리언 배열이다. codes[has]는 속성이 있는 코드, codes[~has]는 나머지이다.",
    ),
    (
        "To get a row for each s or t, give them a second axis: s[:, None] * vector is (steps, K).",
        "s나 t마다 한 행을 얻으려면 축을 하나 더하라. s[:, None] * vector는 (steps, K)이다.",
    ),
    (
        "np.clip the cosine before arccos, and ask for sin ω < 1e-6 before you divide by it.",
        "arccos 전에 코사인을 np.clip으로 제한하고, sin ω로 나누기 전에 1e-6보다 작은지 확인하라.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake("factor", "codes[has].mean(axis=0) - codes[~has].mean", "codes[~has].mean(axis=0) - codes[has].mean"),
    Mistake(
        "minus the mean of all",
        "codes[~has].mean",
        "codes.mean",
        "the mean of the codes without the attribute is to be subtracted, not that of all codes",
        "모든 코드의 평균이 아니라 속성이 없는 코드의 평균을 빼야 한다",
    ),
    Mistake(
        "sums, not means",
        "codes[has].mean(axis=0) - codes[~has].mean(axis=0)",
        "codes[has].sum(axis=0) - codes[~has].sum(axis=0)",
        "there are not as many codes with the attribute as without it: take means, not sums",
        "속성이 있는 코드와 없는 코드의 수가 다르다. 합이 아니라 평균을 써라",
    ),
    Mistake(
        "the strength is missing",
        "np.linspace(0, STRENGTH, steps)",
        "np.linspace(0, 1, steps)",
        "the last row should have the vector times the text's strength, not once",
        "마지막 행에는 벡터를 한 번이 아니라 본문의 세기만큼 더해야 한다",
    ),
    Mistake(
        "the end is missing",
        "np.linspace(0, STRENGTH, steps)",
        "np.linspace(0, STRENGTH, steps, endpoint=False)",
        "the last row should have the full strength: there are steps − 1 intervals",
        "마지막 행의 세기는 최댓값이어야 한다. 간격은 steps − 1개이다",
    ),
    Mistake(
        "steps = 1",
        "np.linspace(0, STRENGTH, steps)",
        "STRENGTH * np.arange(steps) / (steps - 1)",
        "with steps = 1 there is no interval, and steps − 1 is 0: the only row is the code itself",
        "steps = 1이면 간격이 없고 steps − 1은 0이다. 그때는 code 자신 한 행뿐이다",
    ),
    Mistake(
        "from one step of the vector on",
        "np.linspace(0, STRENGTH, steps)",
        "STRENGTH * np.arange(1, steps + 1) / steps",
        "the first row should be the code itself, with s = 0",
        "첫 행은 s = 0, 곧 code 자신이어야 한다",
    ),
    Mistake(
        "a straight line",
        "if np.sin(omega) < 1e-6:",
        "if True:",
        "this is the straight line, which is for parallel vectors only",
        "이것은 평행한 벡터에만 쓰는 직선이다",
    ),
    Mistake(
        "from b to a",
        "np.sin((1 - t) * omega) * a + np.sin(t * omega) * b",
        "np.sin(t * omega) * a + np.sin((1 - t) * omega) * b",
        "at t = 0 it should be a, and at t = 1 b: they are exchanged",
        "t = 0이면 a, t = 1이면 b여야 하는데 서로 바뀌었다",
    ),
    Mistake(
        "the lengths are missing",
        "a @ b / (np.linalg.norm(a) * np.linalg.norm(b))",
        "a @ b",
        "a·b is the cosine of the angle only when divided by both lengths",
        "a·b를 두 길이로 나누어야 사잇각의 코사인이 된다",
    ),
    Mistake(
        "directions alone",
        "    t = t[:, None]\n",
        "    t, a, b = t[:, None], a / np.linalg.norm(a), b / np.linalg.norm(b)\n",
        "only the angle is that of the normalised vectors: in the second line a and b keep their own lengths",
        "길이로 나눈 벡터는 각도에만 쓴다. 둘째 식에서 a와 b는 원래 길이를 그대로 쓴다",
    ),
    Mistake(
        "parallel vectors",
        "np.sin(omega) < 1e-6",
        "np.sin(omega) < 0",
        "for parallel a and b the formula is 0/0: where sin ω < 1e-6, return the straight line",
        "a와 b가 평행하면 식이 0/0이 된다. sin ω < 1e-6이면 직선을 돌려주어라",
    ),
    Mistake(
        "opposite directions",
        "np.sin(omega) < 1e-6",
        "omega < 1e-6",
        "for a and b in opposite directions ω is π and sin ω is 0, too: ask for sin ω < 1e-6, not for ω",
        "a와 b가 반대 방향이면 ω = π이고 sin ω는 역시 0이다. ω가 아니라 sin ω < 1e-6인지 보라",
    ),
    Mistake("not finite", "np.clip(cosine, -1, 1)", "cosine"),
]
OTHERS = [
    """
    def attribute_vector(codes, has):
        weights = np.where(has, 1 / np.sum(has), -1 / np.sum(np.logical_not(has)))
        return np.einsum("n,nk->k", weights, codes).astype(np.float32)

    def morph(code, vector, steps):
        end = code + STRENGTH * vector
        return np.linspace(code, end, steps)

    def slerp(a, b, t):
        la, lb = np.sqrt(np.sum(a * a)), np.sqrt(np.sum(b * b))
        u, w = a / la, b / lb
        omega = 2 * np.arctan2(np.sqrt(np.sum((u - w) ** 2)), np.sqrt(np.sum((u + w) ** 2)))
        rows = []
        for each in t:
            if abs(np.sin(omega)) < 1e-6:
                rows.append(a + each * (b - a))
            else:
                rows.append((np.sin(omega - each * omega) * a + np.sin(each * omega) * b) / np.sin(omega))
        return np.array(rows)
    """,
]
# END SOLUTION
