"""The gradients of batched matrix products · 배치 행렬 곱의 기울기 (4 points)

z = x @ y multiplies matrices; with a batch axis in front it does so for each b of the batch:

    z[b, i, j] = Σ_l  x[b, i, l] · y[b, l, j]

x has the shape (B, n, k), y has (B, k, m), and z and g = ∂L/∂z have (B, n, m). One of the two may lack the batch axis:
an x of shape (n, k) multiplies every y[b], and a y of shape (k, m) every x[b]. If both lack it, g has shape (n, m).

For one pair of matrices, each product in the sum sends a gradient to both of its factors:

    ∂L/∂x = g @ yᵀ        ∂L/∂y = xᵀ @ g

With a batch this holds for each b, and what lacks the batch axis was used for every b.

Write ``grad_x(g, x, y)``, of x's shape (2 points), and ``grad_y(g, x, y)``, of y's shape (2 points). The functions are
checked one by one, each with every combination: both with a batch axis, only x, only y, and none.

A tiny example: x = [[1, 2]] of shape (1, 2), y = [[[3], [4]], [[5], [6]]] of shape (2, 2, 1), so z = [[[11]], [[17]]].
With g = [[[1]], [[10]]], ∂L/∂x = [[1·3 + 10·5, 1·4 + 10·6]] = [[53, 64]] and ∂L/∂y = [[[1], [2]], [[10], [20]]].

z = x @ y는 행렬을 곱하고, 앞에 배치 축이 있으면 배치의 각 b마다 위의 식과 같이 곱한다. x의 모양은 (B, n, k), y는 (B,
k, m), z와 g = ∂L/∂z는 (B, n, m)이다. 둘 중 하나에는 배치 축이 없을 수 있다. 모양이 (n, k)인 x는 모든 y[b]와, 모양이
(k, m)인 y는 모든 x[b]와 곱해진다. 둘 다 배치 축이 없으면 g의 모양은 (n, m)이다. 행렬 한 쌍에 대해서는 식 안의 모든
곱이 두 인수에게 각각 기울기를 보내므로 ∂L/∂x = g @ yᵀ, ∂L/∂y = xᵀ @ g이다. 배치가 있으면 각 b마다 이 식이 성립하고,
배치 축이 없는 쪽은 모든 b에 쓰인 것이다. x와 같은 모양의 ``grad_x(g, x, y)``(2점)와 y와 같은 모양의
``grad_y(g, x, y)``(2점)를 작성하라. 두 함수를 따로, 배치 축이 둘 다 있을 때, x에만, y에만 있을 때, 둘 다 없을 때 모두
검사한다. 작은 예는 위와 같다.
"""

import numpy as np


def grad_x(g, x, y):
    """∂L/∂x, of x's shape, from g = ∂L/∂z with z = x @ y."""
    # BEGIN SOLUTION
    grad = g @ np.swapaxes(y, -1, -2)
    if grad.ndim > x.ndim:  # x was used for the whole batch
        grad = grad.sum(axis=0)
    return grad
    # END SOLUTION


def grad_y(g, x, y):
    """∂L/∂y, of y's shape, from g = ∂L/∂z with z = x @ y."""
    # BEGIN SOLUTION
    grad = np.swapaxes(x, -1, -2) @ g
    if grad.ndim > y.ndim:  # so was y
        grad = grad.sum(axis=0)
    return grad
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part

LENGTHS = {"batch": (1, 4, 3), "n": (1, 5, 2), "k": (1, 5, 5), "m": (1, 7, 7)}


def draw(rng, batch, n, k, m, x_has_batch, y_has_batch):
    return {
        "g": rng.standard_normal((batch, n, m) if x_has_batch or y_has_batch else (n, m)),
        "x": rng.standard_normal((batch, n, k) if x_has_batch else (n, k)),
        "y": rng.standard_normal((batch, k, m) if y_has_batch else (k, m)),
    }


def product(x, y):
    return np.einsum("...il,...lj->...ij", x, y)


def combinations(rng):
    """The sizes, too, are others: square matrices as well."""
    return {
        name: draw(rng, *sizes)
        for name, sizes in {
            "both with a batch axis": (2, 3, 4, 5, 1, 1),
            "a batch axis in x only": (2, 3, 4, 5, 1, 0),
            "a batch axis in y only": (2, 3, 4, 5, 0, 1),
            "no batch axis": (2, 3, 4, 5, 0, 0),
            "a batch of 1": (1, 3, 4, 5, 1, 1),
            "square matrices, as many as they have rows": (3, 3, 3, 3, 1, 1),
        }.items()
    }


PARTS = [
    Part(
        "grad_x",
        2,
        draw,
        LENGTHS | {"x_has_batch": (0, 1, 0), "y_has_batch": (0, 1, 1)},
        forward=product,
        of="x",
        cases=combinations,
    ),
    Part(
        "grad_y",
        2,
        draw,
        LENGTHS | {"x_has_batch": (0, 1, 1), "y_has_batch": (0, 1, 0)},
        forward=product,
        of="y",
        cases=combinations,
    ),
]
HINTS = [
    (
        "Write the shapes below the formula for one pair of matrices: there is only one way in which they fit.",
        "행렬 한 쌍에 대한 식 아래에 모양을 적어 보라. 모양이 맞는 방법은 하나뿐이다.",
    ),
    (
        "Of a three-dimensional array .T reverses all three axes. np.swapaxes(y, -1, -2) exchanges the last two.",
        "3차원 배열에서 .T는 세 축의 순서를 모두 뒤집는다. 마지막 두 축만 바꾸려면 np.swapaxes(y, -1, -2)를 써라.",
    ),
    (
        "If x has no batch axis, x was repeated for each b: sum its gradient over b.",
        "x에 배치 축이 없으면 x는 각 b마다 반복된 것이다. 기울기를 b에 대해 더하라.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake("not summed", "if grad.ndim > x.ndim:", "if False:"),
    Mistake(
        "factor",
        "# x was used for the whole batch\n        grad = grad.sum(axis=0)",
        "\n        grad = grad.mean(axis=0)",
    ),
    Mistake("transposed", "grad = g @ np.swapaxes(y, -1, -2)", "grad = y @ np.swapaxes(g, -1, -2)"),
    Mistake(
        "reshaped instead of transposed",
        "g @ np.swapaxes(y, -1, -2)",
        "g @ y.reshape(*y.shape[:-2], y.shape[-1], y.shape[-2])",
        "reshape gives the right shape and mixes up the entries: exchange the last two axes",
        "reshape는 모양만 맞추고 원소를 뒤섞는다. 마지막 두 축을 서로 바꾸어라",
    ),
    Mistake("cotangent", "grad = g @ ", "grad = np.ones_like(g) @ "),
    Mistake("error", "np.swapaxes(x, -1, -2) @ g", "x.T @ g"),
    Mistake(
        "not summed",
        "# so was y\n        grad = grad.sum(axis=0)",
        "\n        grad = grad[0]",
    ),
    Mistake(
        "summed too early",
        "np.swapaxes(x, -1, -2) @ g",
        "x.sum(0).T @ g.sum(0) if x.ndim > y.ndim else np.swapaxes(x, -1, -2) @ g",
        "the sum of the products is not the product of the sums: multiply first, then sum over the batch",
        "곱의 합은 합의 곱과 다르다. 먼저 곱하고 나서 배치에 대해 더하라",
    ),
    Mistake(
        "an axis of length 1 is left",
        "# so was y\n        grad = grad.sum(axis=0)",
        "\n        grad = grad.sum(axis=0, keepdims=True)",
        "the sum over the batch leaves an axis of length 1, which y does not have",
        "배치에 대해 더한 뒤 y에는 없는 길이 1의 축이 남았다",
    ),
]
OTHERS = [
    """
    def grad_x(g, x, y):
        i, j = ("bij" if g.ndim == 3 else "ij"), ("blj" if y.ndim == 3 else "lj")
        return np.einsum(f"{i},{j}->{'bil' if x.ndim == 3 else 'il'}", g, y)

    def grad_y(g, x, y):
        grad = np.zeros(y.shape, np.float32)
        for index in np.ndindex(g.shape):
            *b, i, j = index
            row = x[(*b, i)] if x.ndim == 3 else x[i]
            grad[(*b, slice(None), j) if y.ndim == 3 else (slice(None), j)] += g[index] * row
        return grad
    """,
]
# END SOLUTION
