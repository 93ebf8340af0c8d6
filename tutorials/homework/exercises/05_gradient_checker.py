"""Write your own gradient checker · 기울기 검사기 만들기 (4 points)

A gradient formula is right if it agrees with what it is the gradient of. For L = Σ g·f(x) the slope in one direction is

    ∂L/∂x[i] ≈ (L(x + h·eᵢ) − L(x − h·eᵢ)) / 2h

with eᵢ = 1 at i and 0 elsewhere. The error of this is about h² from the curve, and about 1e-16·|L|/h from rounding.

Write ``numeric_gradient(f, g, x)`` (2 points): the array of these slopes, of x's shape. x is a float64 array, f takes
such an array and returns an array, whose shape may be another one and is that of g. Do not change x.

Write ``is_right(f, grad, x)`` (2 points): True if ``grad(g, x)`` is the gradient of f at x, and False if not. You
choose g, and it decides what you see: the entries of a softmax sum to 1, so for g = 1 its gradient is 0, and a formula
that always says 0 would pass. Entries of x may be as small as 1e-6 or as large as 1e6; but within one x they differ at
most about 100-fold, and so do the slopes of f in them. A formula counts as wrong if it is off by 1 % in a single entry,
also in one of the small ones.

A tiny example: f(x) = x², g = 1, x = [3], h = 0.1: (9.61 − 8.41) / 0.2 = 6.

기울기 공식은 그것이 나타내는 함수의 변화와 일치할 때 옳다. L = Σ g·f(x)의 한 방향 기울기는 위의 식으로 근사한다.
eᵢ는 i에서 1이고 나머지는 0이다. 이 식의 오차는 곡률에서 약 h², 반올림에서 약 1e-16·|L|/h이다.
``numeric_gradient(f, g, x)``(2점)는 이 기울기들을 x와 같은 모양의 배열로 돌려준다. x는 float64 배열이고, f는 그런
배열을 받아 g와 같은 모양의 배열을 돌려준다. x를 바꾸지 마라.
``is_right(f, grad, x)``(2점)는 ``grad(g, x)``가 x에서 f의 기울기이면 True, 아니면 False를 돌려준다. g는 직접
고르며, 무엇이 보이는지는 g가 정한다. 소프트맥스의 원소는 합이 1이므로 g = 1이면 기울기가 0이고, 언제나 0이라는 공식도
통과해 버린다. x의 원소는 1e-6만큼 작거나 1e6만큼 클 수 있다. 다만 한 x 안에서는 원소들의 크기가 많아야 100배쯤
차이 나고, 각 원소에 대한 f의 기울기도 그렇다. 작은 원소를 포함해 한 원소라도 1 % 틀리면 틀린 공식이다.
"""

import numpy as np


def numeric_gradient(f, g, x):
    """The slopes of Σ g·f(x) in every entry of x, by central differences."""
    # BEGIN SOLUTION
    slopes = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        h = 1e-5 * (abs(x[i]) or 1.0)
        up[i] += h
        down[i] -= h
        slopes[i] = (g * (f(up) - f(down))).sum() / (2 * h)
    return slopes
    # END SOLUTION


def is_right(f, grad, x):
    """Whether grad(g, x) is the gradient of f at x."""
    # BEGIN SOLUTION
    g = np.random.default_rng(0).standard_normal(f(x).shape)
    numeric = numeric_gradient(f, g, x)
    claimed = np.asarray(grad(g, x))
    if claimed.shape != x.shape:
        return False
    return bool((np.abs(claimed - numeric) <= 1e-3 * np.abs(numeric) + 1e-9 * np.abs(numeric).max()).all())
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def one_entry(g, x):
    claimed = g * np.cos(x)
    claimed[-1, -1] *= 1.02
    return claimed


def one_slope_small(x):
    slopes = np.ones(x.shape)
    slopes[-1, -1] = 0.01
    return slopes * x


def small_entry(g, x, off=1.0):
    claimed = 1.0 * g
    claimed[-1, -1] *= 0.01 * off
    return claimed


def at_lowest_point(x):
    """Slope 0 at x = 1, and so much curvature that one-sided differences see a slope there"""
    return 1e5 * (x - 1) ** 2


FUNCTIONS = {
    "sum over rows": lambda x: np.sin(x).sum(0),
    "softmax": softmax,
    "matrix product": lambda x: x @ x.T,
}
OPS = {
    "sin": (np.sin, lambda g, x: g * np.cos(x), 1.0, True),
    "softmax": (softmax, lambda g, x: softmax(x) * (g - (g * softmax(x)).sum(-1, keepdims=True)), 1.0, True),
    "x² of large numbers": (np.square, lambda g, x: 2 * g * x, 1e4, True),
    "1/x of small numbers": (np.reciprocal, lambda g, x: -g / (x * x), 1e-6, True),
    "sum over rows": (FUNCTIONS["sum over rows"], lambda g, x: g * np.cos(x), 1.0, True),
    "x·xᵀ": (FUNCTIONS["matrix product"], lambda g, x: (g + g.T) @ x, 1.0, True),
    "one slope a hundredth of the others": (one_slope_small, small_entry, 1.0, True),
    "softmax, said to be 0 (wrong)": (softmax, lambda g, x: 0 * x, 1.0, False),
    "sin, g missing (wrong)": (np.sin, lambda g, x: np.cos(x), 1.0, False),
    "sin, one entry off by 2 % (wrong)": (np.sin, one_entry, 1.0, False),
    "the slope that is a hundredth of the others off by 2 % (wrong)": (
        one_slope_small,
        lambda g, x: small_entry(g, x, 1.02),
        1.0,
        False,
    ),
    "x² of large numbers, half (wrong)": (np.square, lambda g, x: g * x, 1e6, False),
    "x² of small numbers, half (wrong)": (np.square, lambda g, x: g * x, 1e-6, False),
    "softmax, centring missing (wrong)": (softmax, lambda g, x: softmax(x) * g, 1.0, False),
    "sum over rows, summed (wrong)": (FUNCTIONS["sum over rows"], lambda g, x: g * np.cos(x).sum(0), 1.0, False),
}


def draw(rng, rows, columns):
    x = rng.uniform(0.5, 1.5, (rows, columns)) * rng.choice([-1, 1], (rows, columns))
    shapes = {"sum over rows": (columns,), "softmax": (rows, columns), "matrix product": (rows, rows)}
    return {"x": x} | {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def slopes(numeric_gradient, x, **cotangents):
    found = {name: numeric_gradient(FUNCTIONS[name], g, x) for name, g in cotangents.items()}
    return found | {"10⁵·(x − 1)² at x = 1": numeric_gradient(at_lowest_point, np.ones(x.shape), np.ones(x.shape))}


def expected_slopes(x, **cotangents):
    from scipy.special import softmax as scipy_softmax

    s, g, h = scipy_softmax(x, -1), cotangents["softmax"], cotangents["matrix product"]
    jacobians = s[:, :, None] * (np.eye(x.shape[1]) - s[:, None, :])
    return {
        "sum over rows": cotangents["sum over rows"] * np.cos(x),
        "softmax": np.einsum("ij,ijk->ik", g, jacobians),
        "matrix product": (h + h.T) @ x,
        "10⁵·(x − 1)² at x = 1": np.zeros(x.shape),
    }


def verdicts(is_right, x, **_):
    """In an order that only x knows: who counts the calls learns nothing."""
    found = dict.fromkeys(OPS)
    for n in np.random.default_rng(int(1e9 * abs(x[0, 0]))).permutation(len(OPS)):
        name, (f, grad, size, _) = list(OPS.items())[n]
        said = is_right(f, grad, x * size)
        if not isinstance(said, (bool, np.bool_)):
            raise TypeError(f"is_right should return True or False, not {said!r}")
        found[name] = bool(said)
    return found


SIZES = {"rows": (2, 3, 3), "columns": (2, 5, 5)}
PARTS = [
    Part("numeric_gradient", 2, draw, SIZES, expected_slopes, drive=slopes),
    Part("is_right", 2, draw, SIZES, lambda **_: {name: op[-1] for name, op in OPS.items()}, drive=verdicts),
]
HINTS = [
    (
        "Move one entry of a copy of x up and down by h, and look at L.",
        "x의 복사본에서 한 원소를 h만큼 올리고 내려 L을 보라.",
    ),
    (
        "Let h grow with the entry, such as 1e-5·|x[i]|, and compare relative to the slopes, not absolutely.",
        "h를 원소의 크기에 맞추고(예: 1e-5·|x[i]|), 절대 오차가 아니라 기울기에 대한 상대 오차로 비교하라.",
    ),
    ("For g take random numbers.", "g로는 난수를 써라."),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake("factor", "/ (2 * h)", "/ h"),
    *(
        Mistake(
            "one-sided",
            "h = 1e-5 * (abs(x[i]) or 1.0)\n        up[i] += h\n        down[i] -= h\n"
            "        slopes[i] = (g * (f(up) - f(down))).sum() / (2 * h)",
            f"h = {h} * (abs(x[i]) or 1.0)\n        up[i] += h\n        slopes[i] = (g * (f(up) - f(x))).sum() / h",
            "one-sided differences have an error of the order of h, not h²: go to both sides",
            "한쪽 차분의 오차는 h²이 아니라 h 정도이다. 양쪽으로 움직여라",
        )
        for h in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
    ),
    *(
        Mistake(
            "a fixed step",
            "h = 1e-5 * (abs(x[i]) or 1.0)",
            f"h = {h}",
            "a fixed step is larger than an entry of 1e-6 and leaps over the curve: let h grow with the entry",
            "고정된 간격은 1e-6인 원소보다 커서 곡선을 건너뛴다. h를 원소의 크기에 맞추어라",
        )
        for h in ("1e-4", "1e-5", "1e-6", "1e-5 * max(1.0, abs(x[i]))")
    ),
    Mistake(
        "another op",
        "slopes[i] = (g * (f(up) - f(down))).sum()",
        "slopes[i] = (f(up) - f(down)).sum()",
        "g is missing: it is L = Σ g·f(x) whose slopes are asked",
        "g가 빠졌다. L = Σ g·f(x)의 기울기를 구해야 한다",
    ),
    Mistake(
        "ones for g",
        "np.random.default_rng(0).standard_normal(f(x).shape)",
        "np.ones(f(x).shape)",
        "with g = 1 some wrong formulas look right: take random numbers",
        "g = 1이면 어떤 틀린 공식은 맞아 보인다. 난수를 써라",
    ),
    Mistake(
        "absolute tolerance",
        "1e-3 * np.abs(numeric) + 1e-9 * np.abs(numeric).max()",
        "1e-4",
        "a fixed tolerance is too strict for large gradients or too loose for small ones",
        "고정된 허용 오차는 큰 기울기에는 너무 엄하고 작은 기울기에는 너무 느슨하다",
    ),
    *(
        Mistake(
            "compared as a whole",
            "(np.abs(claimed - numeric) <= 1e-3 * np.abs(numeric) + 1e-9 * np.abs(numeric).max()).all()",
            whole,
            "beside the large entries 1 % of a small one does not show: compare every entry with its own slope",
            "큰 원소들 옆에서는 작은 원소의 1 % 오차가 보이지 않는다. 원소마다 그 기울기와 비교하라",
        )
        for whole in (
            "np.linalg.norm(claimed - numeric) <= 2e-3 * np.linalg.norm(numeric)",
            "np.abs(claimed - numeric).max() <= 1e-3 * np.abs(numeric).max()",
        )
    ),
    Mistake(
        "only the sum",
        "(np.abs(claimed - numeric) <= 1e-3 * np.abs(numeric) + 1e-9 * np.abs(numeric).max()).all()",
        "np.abs((claimed - numeric).sum()) <= 1e-2 * np.abs(numeric).sum()",
        "errors of some entries can cancel in a sum, or drown in it: compare every entry",
        "합하면 오차가 상쇄되거나 묻힌다. 원소마다 비교하라",
    ),
]
OTHERS = [
    """
    def numeric_gradient(f, g, x):
        flat = x.ravel()
        out = []
        for i in range(flat.size):
            h = 2e-6 * max(abs(flat[i]), 1e-12)
            step = np.zeros(flat.size)
            step[i] = h
            up, down = (flat + step).reshape(x.shape), (flat - step).reshape(x.shape)
            out.append((np.sum(g * f(up)) - np.sum(g * f(down))) / (2 * h))
        return np.array(out).reshape(x.shape)

    def is_right(f, grad, x):
        for seed in range(3):
            g = np.random.default_rng(seed).uniform(1, 2, f(x).shape)
            n, a = numeric_gradient(f, g, x), grad(g, x)
            if a.shape != n.shape or (np.abs(a - n) > 2e-3 * np.abs(n)).any():
                return False
        return True
    """,
]
# END SOLUTION
