"""Clipping gradients by their global norm · 전체 노름으로 기울기 자르기 (2 points)

An RNN's gradient can suddenly be huge, and one step with it throws the weights far away. Clipping makes it shorter and
keeps its direction. The gradients of all parameters are taken together, as one long vector; its Euclidean norm is

    norm = √(Σ over all arrays, Σ over all elements, of gradient²)

If norm is above «MAX_NORM», every array is multiplied by the same factor «MAX_NORM» / norm, so that the norm of all
becomes «MAX_NORM». Otherwise all of them stay as they are.

``grads`` is a list of one or more float arrays, whose shapes may differ, and may be () too.
Write ``global_norm(grads)``, the number norm (1 point), and ``clip_by_global_norm(grads)``, a new list of arrays in the
same order and of the same shapes (1 point). Do not change the arrays that you are given. All may be zero.

A tiny example: grads = [[6], [0, 8]] has norm = √(36 + 64) = 10. It becomes [[«MAX_NORM»·0.6], [0, «MAX_NORM»·0.8]].

RNN의 기울기는 갑자기 매우 커질 수 있고, 그런 기울기로 한 번만 갱신해도 가중치가 멀리 튀어 나간다. 자르기는 방향을
지키면서 길이를 줄인다. 모든 매개변수의 기울기를 하나의 긴 벡터로 보고, 그 유클리드 노름 norm을 위의 식처럼 모든 배열의
모든 원소에 대해 구한다. norm이 «MAX_NORM»보다 크면 모든 배열에 같은 수 «MAX_NORM» / norm을 곱하여 전체의 노름이
«MAX_NORM»이 되게 한다. 그렇지 않으면 모두 그대로 둔다.
``grads``는 실수 배열이 하나 이상 든 리스트이고, 배열의 모양은 서로 다를 수 있으며 ()일 수도 있다. 수 norm을 돌려주는
``global_norm(grads)``(1점)와, 순서와 모양이 같은 배열들의 새 리스트를 돌려주는 ``clip_by_global_norm(grads)``(1점)를
작성하라. 받은 배열을 바꾸지 마라. 모든 원소가 0일 수도 있다.
예: grads = [[6], [0, 8]]이면 norm = √(36 + 64) = 10이고, 결과는 [[«MAX_NORM»·0.6], [0, «MAX_NORM»·0.8]]이다.
"""

import numpy as np

MAX_NORM = 2.0  # edition: 2.0, 3.0, 5.0


def global_norm(grads):
    """The norm of all arrays together."""
    # BEGIN SOLUTION
    return np.sqrt(sum((g * g).sum() for g in grads))
    # END SOLUTION


def clip_by_global_norm(grads):
    """The gradients, shortened together if their norm is too large."""
    # BEGIN SOLUTION
    norm = global_norm(grads)
    factor = MAX_NORM / norm if norm > MAX_NORM else 1.0
    return [g * factor for g in grads]
    # END SOLUTION


# CHECKS
import math

from tutorials.homework.exercise import Mistake, Part


def drawn(rng, arrays, rows, columns, size):
    """Arrays of different shapes with the norm `size`"""
    shapes = [(rows, columns), (columns,), (), (columns, 1, rows)][:arrays]
    made = [rng.standard_normal(shape) * 3.0**n for n, shape in enumerate(shapes)]
    return [np.asarray(a * (size / of_all(made))) for a in made]


def of_all(grads):
    return math.hypot(*(float(value) for g in grads for value in np.nditer(g)))


def draw(rng, arrays, rows, columns):
    return {"grads": drawn(rng, arrays, rows, columns, 3.3 * MAX_NORM)}


def draw_both(rng, arrays, rows, columns):
    long, short = (drawn(rng, arrays, rows, columns, size * MAX_NORM) for size in (3.3, 0.4))
    return {"a norm above": long, "a norm below": short}


def clipped(clip, **lists):
    """Each list's arrays by name"""
    found = {}
    for name, grads in lists.items():
        new = clip(grads)
        if not isinstance(new, (list, tuple)):
            raise TypeError(f"clip_by_global_norm should return a list of arrays, not {type(new).__name__}")
        found |= {f"gradient {n} of {name}": array for n, array in enumerate(new)}
    return found


def on_the_ball(**lists):
    """The nearest point of the ball around 0, of radius MAX_NORM"""
    return {
        f"gradient {n} of {name}": array / max(1.0, of_all(grads) / MAX_NORM)
        for name, grads in lists.items()
        for n, array in enumerate(grads)
    }


EXAMPLE = [np.array([6.0]), np.array([0.0, 8.0])]
SIZES = {"arrays": (1, 4, 4), "rows": (1, 3, 2), "columns": (1, 5, 3)}
PARTS = [
    Part(
        "global_norm",
        1,
        draw,
        SIZES,
        expected=of_all,
        returns=("norm",),
        cases=lambda rng: {
            "the text's example": {"grads": EXAMPLE},
            "zeros": {"grads": [np.zeros((2, 3)), np.zeros(5)]},
            "numbers of no axis": {"grads": [np.asarray(-3.0), np.asarray(4.0)]},
        },
    ),
    Part(
        "clip_by_global_norm",
        1,
        draw_both,
        SIZES,
        expected=on_the_ball,
        drive=clipped,
        cases=lambda rng: {
            "the text's example": {"the example": EXAMPLE},
            "zeros": {"zeros": [np.zeros((2, 3)), np.zeros(5)]},
            "each array below, all together above": {
                "two arrays": [np.full(3, 0.5 * MAX_NORM), np.full((1, 2), -0.6 * MAX_NORM)]
            },
            "one huge gradient": {"two arrays": [np.array([1e100, -1e99]), np.array(1e98)]},
        },
    ),
]
HINTS = [
    (
        "Take the squares' sum of each array, add these numbers up, and take one root at the end.",
        "배열마다 제곱의 합을 구해 모두 더한 뒤, 마지막에 한 번만 제곱근을 구하라.",
    ),
    (
        "There are two cases, and only one of them divides by the norm.",
        "경우는 둘이고, 노름으로 나누는 것은 그중 하나뿐이다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "the root is missing",
        "np.sqrt(sum((g * g).sum() for g in grads))",
        "sum((g * g).sum() for g in grads)",
        "it is the squared norm: take the root",
        "노름의 제곱이다. 제곱근을 구하라",
    ),
    Mistake(
        "the sum of the arrays' norms",
        "np.sqrt(sum((g * g).sum() for g in grads))",
        "sum(np.sqrt((g * g).sum()) for g in grads)",
        "norms do not add up, their squares do: take one root, of the sum over all arrays",
        "노름이 아니라 노름의 제곱을 더해야 한다. 모든 배열의 합에서 제곱근을 한 번만 구하라",
    ),
    Mistake(
        "a mean of squares",
        "(g * g).sum()",
        "(g * g).mean()",
        "a norm takes the sum of the squares, not their mean",
        "노름은 제곱의 평균이 아니라 합으로 구한다",
    ),
    Mistake(
        "each array by its own norm",
        "[g * factor for g in grads]",
        "[g * min(1.0, MAX_NORM / max(global_norm([g]), 1e-300)) for g in grads]",
        "each array was clipped by its own norm, which turns the direction: use one factor for all",
        "배열마다 자기 노름으로 잘라서 방향이 바뀌었다. 모든 배열에 같은 수를 곱하라",
    ),
    Mistake(
        "always scaled",
        "MAX_NORM / norm if norm > MAX_NORM else 1.0",
        "MAX_NORM / norm",
        "gradients with a norm below the bound must stay as they are, and these were made longer",
        "노름이 한계보다 작은 기울기는 그대로 두어야 하는데 더 길어졌다",
    ),
    Mistake(
        "the values are clipped",
        "[g * factor for g in grads]",
        "[np.clip(g, -MAX_NORM, MAX_NORM) for g in grads]",
        "each value was clipped by itself, which turns the direction: multiply all by one factor",
        "값을 하나씩 잘라서 방향이 바뀌었다. 모두에 같은 수를 곱하라",
    ),
    Mistake(
        "the factor is upside down",
        "MAX_NORM / norm if",
        "norm / MAX_NORM if",
        "the factor makes long gradients longer: it is turned over",
        "긴 기울기가 더 길어졌다. 나눗셈의 위아래가 바뀌었다",
    ),
    Mistake(
        "scaled to norm 1",
        "MAX_NORM / norm if",
        "1 / norm if",
        "the norm should become the bound, not 1",
        "노름은 1이 아니라 한계값이 되어야 한다",
    ),
    Mistake(
        "inputs changed",
        "return [g * factor for g in grads]",
        "for g in grads:\n        g *= factor\n    return grads",
    ),
]
OTHERS = [
    """
    def global_norm(grads):
        return np.linalg.norm(np.concatenate([np.ravel(g) for g in grads]))

    def clip_by_global_norm(grads):
        flat = np.concatenate([np.ravel(g) for g in grads])
        if np.linalg.norm(flat) > MAX_NORM:
            flat = MAX_NORM * (flat / np.linalg.norm(flat))
        ends = np.cumsum([np.size(g) for g in grads])
        return [part.reshape(np.shape(g)) for part, g in zip(np.split(flat, ends[:-1]), grads)]
    """,
    """
    def global_norm(grads):
        total = 0.0
        for g in grads:
            for index in np.ndindex(g.shape):
                total += float(g[index]) ** 2
        return total**0.5

    def clip_by_global_norm(grads):
        n = global_norm(grads)
        return tuple(np.float32(1) * g / (n / MAX_NORM) if n > MAX_NORM else g.copy() for g in grads)
    """,
]
# END SOLUTION
