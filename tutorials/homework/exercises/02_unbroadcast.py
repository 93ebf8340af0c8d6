"""Undoing broadcasting · 브로드캐스팅 되돌리기 (4 points)

In z = x + y with x of shape (2, 3) and y of shape (3,), NumPy repeats y for both rows: each y[j] stands in z twice, so
∂L/∂y[j] is the sum of two entries of g = ∂L/∂z. What broadcasting repeats, the gradient sums.

An array of the shape ``shape`` was broadcast to the shape of g. NumPy's rules for that are:

1. Shapes are aligned at their last axes, and axes that ``shape`` lacks are put in front of it: (3,) acts as (1, 3).
2. An axis of length 1 is repeated to the length that it meets. Any other axis keeps its length.

Write ``unbroadcast(g, shape)``: g summed over all axes that were put in front or repeated, of exactly the shape
``shape``. That shape is a tuple, which may be () or the shape of g itself (then nothing is to be summed); you can rely
on it that it can be broadcast to g.shape.

A tiny example: for g = [[1, 2, 3], [10, 20, 30]], unbroadcast(g, (3,)) is [11, 22, 33], unbroadcast(g, (2, 1)) is
[[6], [60]], and unbroadcast(g, ()) is 66.

모양이 (2, 3)인 x와 (3,)인 y로 z = x + y를 계산하면 NumPy는 y를 두 행에 반복한다. 각 y[j]가 z에 두 번 쓰이므로
∂L/∂y[j]는 g = ∂L/∂z의 두 원소의 합이다. 브로드캐스팅이 반복한 것을 기울기는 더한다. 모양이 ``shape``인 배열이 g의
모양으로 브로드캐스팅되었다. NumPy의 규칙은 다음과 같다.
(1) 두 모양을 마지막 축에 맞추고, ``shape``에 없는 축은 앞에 붙인다. (3,)은 (1, 3)처럼 쓰인다.
(2) 길이가 1인 축은 상대 축의 길이만큼 반복된다. 다른 축의 길이는 그대로이다.
앞에 붙었거나 반복된 모든 축에 대해 g를 더하는 ``unbroadcast(g, shape)``를 작성하라. 결과의 모양은 정확히 ``shape``이다.
``shape``은 튜플이고, ()일 수도 있고 g의 모양과 같을 수도 있다(그때는 더할 것이 없다). 언제나 g.shape로 브로드캐스팅할
수 있는 모양만 주어진다.
예: 위의 g에 대해 (3,)이면 [11, 22, 33], (2, 1)이면 [[6], [60]], ()이면 66이다.
"""

import numpy as np


def unbroadcast(g, shape):
    """g summed to the shape that was broadcast to g's."""
    # BEGIN SOLUTION
    added = g.ndim - len(shape)
    g = g.sum(axis=tuple(range(added)))
    repeated = tuple(axis for axis, n in enumerate(shape) if n == 1)
    return g.sum(axis=repeated, keepdims=True)
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def draw(rng, axes_in_front, rows, columns, depth, rows_repeated, columns_repeated, depth_repeated):
    lengths, repeated = (rows, columns, depth), (rows_repeated, columns_repeated, depth_repeated)
    shape = tuple(1 if once else n for n, once in zip(lengths, repeated))
    return {"g": rng.standard_normal(((), (2,), (2, columns))[axes_in_front] + lengths), "shape": shape}


def gathered(g, shape):
    """Each entry of g is added to the one that it was repeated from."""
    count = int(np.prod(shape))
    origins = np.broadcast_to(np.arange(count).reshape(shape), g.shape)
    return np.bincount(origins.ravel(), g.ravel(), count).reshape(shape)


PARTS = [
    Part(
        "unbroadcast",
        4,
        draw,
        {
            "axes_in_front": (0, 2, 2),
            "rows": (1, 5, 3),
            "columns": (1, 5, 5),
            "depth": (1, 7, 7),
            "rows_repeated": (0, 1, 1),
            "columns_repeated": (0, 1, 0),
            "depth_repeated": (0, 1, 1),
        },
        gathered,
        cases=lambda rng: {
            "nothing to sum": {"g": rng.standard_normal((3, 5)), "shape": (3, 5)},
            "shape ()": {"g": rng.standard_normal((3, 5)), "shape": ()},
            "g of no axis": {"g": np.array(2.5), "shape": ()},
            "g of shape (3, 3) and shape (3,)": {"g": rng.standard_normal((3, 3)), "shape": (3,)},
            "g of shape (3, 3) and shape (3, 1)": {"g": rng.standard_normal((3, 3)), "shape": (3, 1)},
            "g of shape (1, 1, 5) and shape (1, 1)": {"g": rng.standard_normal((1, 1, 5)), "shape": (1, 1)},
            "g of shape (0, 3), an empty batch, and shape (3,)": {"g": np.zeros((0, 3)), "shape": (3,)},
        },
    )
]
HINTS = [
    (
        "Write both shapes below each other, aligned at the right. Over which axes do you have to sum?",
        "두 모양을 오른쪽에 맞추어 위아래로 적어 보라. 어느 축에 대해 더해야 하는가?",
    ),
    (
        "First sum over the axes in front, g.ndim − len(shape) of them; then g and shape have equally many axes.",
        "먼저 앞에 붙은 g.ndim − len(shape)개의 축에 대해 더하라. 그러면 g와 shape의 축 수가 같아진다.",
    ),
    (
        "Then sum over the axes where shape has a 1, with keepdims=True so that they stay.",
        "그다음 shape의 길이가 1인 축에 대해 더하되, 축이 남도록 keepdims=True를 써라.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake("not summed", "g = g.sum(axis=tuple(range(added)))", "pass"),
    Mistake("not summed", "return g.sum(axis=repeated, keepdims=True)", "return g"),
    Mistake(
        "axes of length 1 are lost",
        "keepdims=True",
        "keepdims=False",
        "the sum over a repeated axis must leave an axis of length 1 there: keepdims",
        "반복된 축에 대해 더한 뒤에도 길이가 1인 축이 남아야 한다(keepdims)",
    ),
    Mistake("factor", "return g.sum(axis=repeated", "return g.mean(axis=repeated"),
    Mistake(
        "aligned at the left",
        "    added = g.ndim - len(shape)\n    g = g.sum(axis=tuple(range(added)))\n",
        "    g = g.sum(axis=tuple(range(len(shape), g.ndim)))\n",
        "shapes are aligned at their last axes: the axes that shape lacks are the first of g, not the last",
        "모양은 마지막 축에 맞춘다. shape에 없는 축은 g의 뒤가 아니라 앞에 있는 축이다",
    ),
    Mistake("not summed", "if n == 1)", "if n == 1)[:1]"),
    Mistake(
        "one copy only",
        "g = g.sum(axis=tuple(range(added)))",
        "g = g[(0,) * added]",
        "every copy of an entry sends a gradient back: add them all, and do not take the first",
        "한 원소의 모든 복사본이 기울기를 돌려보낸다. 첫 번째만 취하지 말고 모두 더하라",
    ),
    Mistake(
        "lengths are compared",
        "range(added)",
        "a for a in range(added) if g.shape[a] not in shape",
        "an axis in front may have a length that stands in shape, too: what counts is the position of an axis",
        "앞에 붙은 축의 길이가 shape에도 있을 수 있다. 길이가 아니라 축의 위치로 판단하라",
    ),
    Mistake(
        "everything is summed",
        "g.sum(axis=repeated, keepdims=True)",
        "np.full(shape, g.sum())",
        "only axes that were put in front or repeated are summed; an axis that kept its length stays as it is",
        "앞에 붙었거나 반복된 축에 대해서만 더한다. 길이가 그대로인 축은 그대로 둔다",
    ),
]
OTHERS = [
    """
    def unbroadcast(g, shape):
        result = np.zeros(shape)
        padded = (1,) * (g.ndim - len(shape)) + tuple(shape)
        view = result.reshape(padded)
        for index in np.ndindex(g.shape):
            view[tuple(0 if n == 1 else i for i, n in zip(index, padded))] += g[index]
        return result
    """,
    """
    def unbroadcast(g, shape):
        while g.ndim > len(shape):
            g = np.add.reduce(g, 0)
        for axis in range(len(shape)):
            if shape[axis] != g.shape[axis]:
                g = np.expand_dims(np.add.reduce(g, axis), axis)
        return np.float32(g)
    """,
]
# END SOLUTION
