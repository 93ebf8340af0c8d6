"""The gradient of tanh · 하이퍼볼릭 탄젠트의 기울기 (2 points)

For y = tanh x, element by element, dy/dx = 1 − tanh² x. An op never sees the loss L itself, only g = ∂L/∂y, which
comes from above, and it answers with ∂L/∂x.

Write ``tanh_grad(g, y)``. Both arguments are arrays of one shape, which may be any, and so is the result. Take y, not
x: the forward pass has computed it already.

A tiny example: y = 0.5 and g = 2 give ∂L/∂x = 2 · (1 − 0.25) = 1.5.

원소마다 y = tanh x일 때 dy/dx = 1 − tanh² x이다. 연산은 손실 L을 직접 보지 못하고 위에서 내려온 g = ∂L/∂y만 받아
∂L/∂x를 돌려준다. ``tanh_grad(g, y)``를 작성하라. 두 인수는 같은 모양의 배열이고(모양은 임의), 결과도 그 모양이다.
순전파에서 이미 계산한 y를 쓰고, x는 쓰지 않는다. 예: y = 0.5, g = 2이면 ∂L/∂x = 2 · (1 − 0.25) = 1.5.
"""

import numpy as np


def tanh_grad(g, y):
    """∂L/∂x, from g = ∂L/∂y and y = tanh x."""
    # BEGIN SOLUTION
    return g * (1 - y * y)
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def draw(rng, rows, columns):
    return {"g": rng.standard_normal((rows, columns)), "y": np.tanh(rng.standard_normal((rows, columns)))}


def slope(g, y, h=1e-5):
    with np.errstate(divide="ignore"):
        x = np.arctanh(y)
    return g * (np.tanh(x + h) - np.tanh(x - h)) / (2 * h)


PARTS = [
    Part(
        "tanh_grad",
        2,
        draw,
        {"rows": (1, 5, 3), "columns": (1, 7, 5)},
        expected=slope,
        cases=lambda rng: {
            "numbers of no axis": {"g": np.array(2.0), "y": np.array(0.5)},
            "three axes": {"g": rng.standard_normal((2, 3, 5)), "y": np.tanh(rng.standard_normal((2, 3, 5)))},
            "y at its ends": {"g": np.array([1.5, -2.0]), "y": np.array([1.0, -1.0])},
        },
    )
]
HINTS = [
    ("Write the derivative of tanh by tanh itself.", "tanh의 미분을 tanh 자신으로 나타내라."),
    ("The chain rule multiplies: g times dy/dx.", "연쇄 법칙은 곱이다. g에 dy/dx를 곱하라."),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "g is missing",
        "g * (1 - y * y)",
        "1 - y * y",
        "g, what comes from above, is missing",
        "위에서 내려온 g가 빠졌다",
    ),
    Mistake("factor", "g * (1", "-g * (1"),
    Mistake("factor", "g * (1", "2 * g * (1"),
    Mistake(
        "y is taken for x",
        "1 - y * y",
        "1 - np.tanh(y) ** 2",
        "y is tanh x already, not x",
        "y는 이미 tanh x이다. x가 아니다",
    ),
    Mistake("square is missing", "1 - y * y", "1 - y", "it should be 1 − y², not 1 − y", "1 − y가 아니라 1 − y²이다"),
    Mistake(
        "the sum",
        "return g * (1 - y * y)",
        "return (g * (1 - y * y)).sum()",
        "each element has its own derivative: no sum",
        "원소마다 미분이 따로 있다. 합하지 마라",
    ),
]
OTHERS = [
    """
    def tanh_grad(g, y):
        return g * (1 - y) * (1 + y)
    """,
]
# END SOLUTION
