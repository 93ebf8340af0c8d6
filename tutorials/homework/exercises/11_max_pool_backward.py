"""The gradient of max pooling · 최대 풀링의 기울기 (4 points)

Max pooling takes the largest value of each window. For a batch x of shape (N, C, H, W), square windows of k × k pixels
and stride s, y has the shape (N, C, OH, OW) with OH = ⌊(H − k) / s⌋ + 1 and OW = ⌊(W − k) / s⌋ + 1; there is no
padding:

    y[n, c, i, j] = max over a, b in 0 … k − 1 of x[n, c, s·i + a, s·j + b]

If the largest value moves a little, y moves with it; all others in the window could move without any effect. Therefore
g[n, c, i, j], with g = ∂L/∂y, goes to the largest value of its window alone. Three things matter:

- If several values of a window are the largest, the first of them gets it, in the order in which one reads: by rows
  from top to bottom, in a row from left to right.
- If s < k, windows overlap, and a pixel may be the largest of several: what they send is added.
- Pixels in no window (if s > k, or at the end of an axis) get 0.

Write ``max_pool_grad(g, x, kernel, stride)``: ∂L/∂x, of x's shape. kernel is k and stride is s. Loops over i and j are
fine, and so are loops over all four axes.

A tiny example: x = [[1, 3, 3], [0, 2, 5]] (N = C = 1), k = 2, s = 1 and g = [[10, 20]]. The largest of the left window
is 3, of the right one 5, so the gradient is [[0, 10, 0], [0, 0, 20]]. With 3 in place of 5, the right window has three
of them, and the first is the pixel that the left window chose: [[0, 30, 0], [0, 0, 0]].

최대 풀링은 창마다 가장 큰 값을 고른다. 모양이 (N, C, H, W)인 배치 x, k × k 픽셀의 정사각형 창, 스트라이드 s에 대해
y의 모양은 (N, C, OH, OW)이고 값은 위의 식과 같다. 패딩은 없다. 가장 큰 값이 조금 움직이면 y도 따라 움직이지만, 창의
다른 값들은 움직여도 아무 영향이 없다. 그러므로 g = ∂L/∂y의 g[n, c, i, j]는 그 창의 가장 큰 값에만 간다. 세 가지에
주의하라.

- 한 창에 가장 큰 값이 여럿이면 읽는 순서로 첫 번째가 받는다. 곧 위에서 아래로 행을, 한 행에서는 왼쪽에서 오른쪽으로
  읽는다.
- s < k이면 창이 겹치고 한 픽셀이 여러 창에서 가장 클 수 있다. 그때는 창들이 보낸 값을 더한다.
- 어느 창에도 없는 픽셀(s > k이거나 축의 끝일 때)은 0을 받는다.

x와 같은 모양의 ∂L/∂x를 돌려주는 ``max_pool_grad(g, x, kernel, stride)``를 작성하라. kernel은 k, stride는 s이다. i와
j에 대한 반복문은 물론 네 축 모두에 대한 반복문도 괜찮다.
예: x = [[1, 3, 3], [0, 2, 5]](N = C = 1), k = 2, s = 1, g = [[10, 20]]이면 가장 큰 값이 왼쪽 창에서 3, 오른쪽 창에서
5이므로 기울기는 [[0, 10, 0], [0, 0, 20]]이다. 5 대신 3이면 오른쪽 창에 3이 셋 있고 그 첫 번째는 왼쪽 창이 고른
픽셀이므로 [[0, 30, 0], [0, 0, 0]]이다.
"""

import numpy as np


def max_pool_grad(g, x, kernel, stride):
    """∂L/∂x, from g = ∂L/∂y."""
    # BEGIN SOLUTION
    grad = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(g.shape):
        top, left = i * stride, j * stride
        window = x[n, c, top : top + kernel, left : left + kernel]
        a, b = np.unravel_index(window.argmax(), window.shape)  # argmax: the first one
        grad[n, c, top + a, left + b] += g[n, c, i, j]
    return grad
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def sizes_fit(height, width, kernel):
    return min(height, width) >= kernel


def draw(rng, n, channels, height, width, kernel, stride):
    """Different values, 0.1 or more apart."""
    if not sizes_fit(height, width, kernel):
        return None
    size = n * channels * height * width
    values = (rng.permutation(size) - size / 2) / 10
    return _with_g(rng, values.reshape(n, channels, height, width), kernel, stride)


def _with_g(rng, x, kernel, stride):
    oh, ow = ((length - kernel) // stride + 1 for length in x.shape[2:])
    return {"g": rng.standard_normal((*x.shape[:2], oh, ow)), "x": x, "kernel": kernel, "stride": stride}


def pooled(x, kernel, stride):
    """Later pixels are a little smaller: of equal ones, then, the first is the largest."""
    later = 1e-3 * np.arange(x.shape[2] * x.shape[3]).reshape(x.shape[2:])
    windows = np.lib.stride_tricks.sliding_window_view(x - later, (kernel, kernel), axis=(2, 3))
    return windows[:, :, ::stride, ::stride].max(axis=(4, 5))


def tiny(last):
    x = np.array([[[[1.0, 3.0, 3.0], [0.0, 2.0, last]]]])
    return {"g": np.array([[[[10.0, 20.0]]]]), "x": x, "kernel": 2, "stride": 1}


def cases(rng):
    some = rng.integers(0, 3, (2, 2, 7, 6)) * 1.0
    return {
        "equal values in a window": _with_g(rng, some, 3, 3),
        "equal values in overlapping windows": _with_g(rng, some, 3, 2),
        "all values equal": _with_g(rng, np.ones((1, 1, 4, 5)), 2, 1),
        "all values 0, as behind ReLU": _with_g(rng, np.zeros((1, 2, 4, 4)), 2, 2),
        "windows of one pixel": draw(rng, 1, 2, 3, 4, 1, 1),
        "gaps between the windows": draw(rng, 1, 2, 8, 7, 2, 3),
        "one window": draw(rng, 2, 1, 3, 3, 3, 2),
        "all values negative": (drawn := draw(rng, 1, 2, 5, 6, 2, 1)) | {"x": drawn["x"] - 100},
        "the tiny example of the text": tiny(5.0),
        "the tiny example of the text, 3 in place of 5": tiny(3.0),
    }


PARTS = [
    Part(
        "max_pool_grad",
        4,
        draw,
        {
            "n": (1, 2, 2),
            "channels": (1, 3, 2),
            "height": (1, 8, 7),
            "width": (1, 7, 5),
            "kernel": (1, 3, 3),
            "stride": (1, 3, 2),
        },
        forward=pooled,
        of="x",
        cases=cases,
    )
]
HINTS = [
    (
        "Start from zeros, and for each window add its g at the place of its largest value.",
        "0으로 시작하여 창마다 가장 큰 값의 자리에 그 창의 g를 더하라.",
    ),
    (
        "argmax reads by rows and returns the first of equal values; np.unravel_index makes (a, b) of its answer.",
        "argmax는 행 순서로 읽어 같은 값 가운데 첫 번째를 돌려준다. np.unravel_index로 그 답을 (a, b)로 바꾸어라.",
    ),
    (
        "The place in the window is (a, b); in x it is (s·i + a, s·j + b).",
        "창 안의 자리가 (a, b)이면 x에서는 (s·i + a, s·j + b)이다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "all of the equal ones",
        "grad[n, c, top + a, left + b] += g[n, c, i, j]",
        "grad[n, c, top : top + kernel, left : left + kernel] += g[n, c, i, j] * (window == window.max())",
        "where several values of a window are the largest, each of them got g: only the first should get it",
        "한 창에 가장 큰 값이 여럿일 때 모두가 g를 받았다. 첫 번째만 받아야 한다",
    ),
    Mistake(
        "shared among the equal ones",
        "grad[n, c, top + a, left + b] += g[n, c, i, j]",
        "hit = window == window.max()\n"
        "        grad[n, c, top : top + kernel, left : left + kernel] += g[n, c, i, j] * hit / hit.sum()",
        "where several values of a window are the largest, they shared g: the first should get all of it",
        "한 창에 가장 큰 값이 여럿일 때 g를 나누어 가졌다. 첫 번째가 모두 받아야 한다",
    ),
    Mistake(
        "the last of the equal ones",
        "np.unravel_index(window.argmax(), window.shape)",
        "np.unravel_index(window.size - 1 - window.ravel()[::-1].argmax(), window.shape)",
        "where several values of a window are the largest, the last got g (>= for >?): the first should get it",
        "한 창에 가장 큰 값이 여럿일 때 마지막 것이 g를 받았다(> 대신 >=?). 첫 번째가 받아야 한다",
    ),
    Mistake(
        "read by columns",
        "a, b = np.unravel_index(window.argmax(), window.shape)",
        "b, a = np.unravel_index(window.T.argmax(), window.T.shape)",
        "the first of equal values is the first by rows, and here the window was read by columns",
        "같은 값 가운데 첫 번째는 행 순서로 정한다. 여기서는 창을 열 순서로 읽었다",
    ),
    *(
        Mistake(
            "the maximum starts at 0",
            "a, b = np.unravel_index(window.argmax(), window.shape)  # argmax: the first one\n"
            "        grad[n, c, top + a, left + b] += g[n, c, i, j]\n",
            f"best, a, b = 0, {start}, {start}\n"
            "        for p, q in np.ndindex(window.shape):\n"
            "            if window[p, q] > best:\n"
            "                best, a, b = window[p, q], p, q\n"
            "        if a is not None:\n"
            "            grad[n, c, top + a, left + b] += g[n, c, i, j]\n",
            "if all values of a window are negative, none is above 0: begin with −∞ or with the first value",
            "창의 값이 모두 음수이면 0보다 큰 값이 없다. −∞나 첫 번째 값에서 시작하라",
        )
        for start in (0, None)
    ),
    Mistake(
        "the window moves on by its own size",
        "top, left = i * stride, j * stride",
        "top, left = i * kernel, j * kernel",
        "windows begin at s·i and s·j, with the stride s, not at k·i and k·j",
        "창은 k·i, k·j가 아니라 스트라이드 s로 s·i, s·j에서 시작한다",
    ),
    Mistake(
        "the last window wins",
        "left + b] += g",
        "left + b] = g",
        "windows overlap: a pixel that is the largest of several gets the sum, and here the last overwrites the others",
        "창이 겹친다. 여러 창에서 가장 큰 픽셀은 합을 받아야 하는데 마지막 값이 앞의 값을 덮어썼다",
    ),
    Mistake("cotangent", "+= g[n, c, i, j]", "+= 1"),
    Mistake(
        "spread over the window",
        "grad[n, c, top + a, left + b] += g[n, c, i, j]",
        "grad[n, c, top : top + kernel, left : left + kernel] += g[n, c, i, j] / kernel**2",
        "this is the gradient of average pooling: of max pooling only the largest value gets g",
        "이것은 평균 풀링의 기울기이다. 최대 풀링에서는 가장 큰 값만 g를 받는다",
    ),
    Mistake(
        "rows and columns exchanged",
        "grad[n, c, top + a, left + b] +=",
        "grad[n, c, top + b, left + a] +=",
        "a, the row in the window, belongs to axis 2, and b, the column, to axis 3",
        "창 안의 행 a는 축 2에, 열 b는 축 3에 속한다",
    ),
    Mistake(
        "the window's corner is left out",
        "grad[n, c, top + a, left + b] +=",
        "grad[n, c, a, b] +=",
        "(a, b) is the place in the window: add the window's own, (s·i, s·j)",
        "(a, b)는 창 안의 자리이다. 창의 자리 (s·i, s·j)를 더하라",
    ),
    Mistake(
        "the window moves on by 1",
        "top, left = i * stride, j * stride",
        "top, left = i, j",
        "windows begin at s·i and s·j, not at i and j",
        "창은 i, j가 아니라 s·i, s·j에서 시작한다",
    ),
    Mistake(
        "the largest by size",
        "window.argmax()",
        "np.abs(window).argmax()",
        "max takes the largest value, and −5 is smaller than 1: no absolute values",
        "max는 가장 큰 값을 고른다. −5는 1보다 작다. 절댓값을 쓰지 마라",
    ),
]
OTHERS = [
    """
    def max_pool_grad(g, x, kernel, stride):
        oh, ow = g.shape[2:]
        grad, best, free = np.zeros(x.shape, np.float32), np.full(g.shape, -np.inf), np.ones(g.shape, bool)
        places = [
            (slice(a, a + stride * (oh - 1) + 1, stride), slice(b, b + stride * (ow - 1) + 1, stride))
            for a in range(kernel)
            for b in range(kernel)
        ]
        for rows, columns in places:
            best = np.maximum(best, x[:, :, rows, columns])
        for rows, columns in places:
            hit = free & (x[:, :, rows, columns] == best)
            grad[:, :, rows, columns] += g * hit
            free &= ~hit
        return grad
    """,
    """
    def max_pool_grad(g, x, kernel, stride):
        n, c, h, w = x.shape
        flat = np.arange(x.size).reshape(x.shape)
        view = np.lib.stride_tricks.sliding_window_view
        values, numbers = (view(t, (kernel, kernel), (2, 3))[:, :, ::stride, ::stride] for t in (x, flat))
        values, numbers = values.reshape(*g.shape, -1), numbers.reshape(*g.shape, -1)
        chosen = np.take_along_axis(numbers, values.argmax(-1)[..., None], -1)
        return np.bincount(chosen.ravel(), g.ravel(), x.size).reshape(x.shape)
    """,
]
# END SOLUTION
