"""The gradients of a convolution · 합성곱의 기울기 (5 points)

The convolution of a batch x of shape (N, C, H, W) with filters w of shape (F, C, KH, KW), at stride s and zero padding
p, is y of shape (N, F, OH, OW):

    y[n, f, i, j] = Σ_c Σ_u Σ_v  x̂[n, c, s·i + u, s·j + v] · w[f, c, u, v]

where x̂ is x with p zeros on all four sides, OH = ⌊(H + 2·p − KH) / s⌋ + 1, and OW = ⌊(W + 2·p − KW) / s⌋ + 1. Every
product in it sends a gradient to both of its factors:

    ∂L/∂w[f, c, u, v] = Σ_n Σ_i Σ_j  g[n, f, i, j] · x̂[n, c, s·i + u, s·j + v]
    ∂L/∂x̂[n, c, s·i + u, s·j + v]  gets, for every (f, i, j, u, v),  g[n, f, i, j] · w[f, c, u, v]

Write ``conv_grad_w(g, x, w, stride, padding)``, of w's shape (2 points), and ``conv_grad_x(g, x, w, stride, padding)``,
of x's shape (3 points). g has y's shape. Loops over u and v are fine: let slices do the rest.

A tiny example: x = [[1, 2, 3]], w = [[4, 5]], stride 1, padding 0 give y = [[14, 23]]. With g = [[1, 10]],
∂L/∂w = [[1·1 + 10·2, 1·2 + 10·3]] = [[21, 32]] and ∂L/∂x = [[1·4, 1·5 + 10·4, 10·5]] = [[4, 45, 50]].

모양이 (N, C, H, W)인 x를 모양이 (F, C, KH, KW)인 필터 w로, 스트라이드 s와 제로 패딩 p로 합성곱하면 모양이
(N, F, OH, OW)인 y가 되고, 그 값은 위의 식과 같다. x̂은 x의 네 변에 0을 p개씩 두른 것이고,
OH = ⌊(H + 2·p − KH) / s⌋ + 1, OW = ⌊(W + 2·p − KW) / s⌋ + 1이다. 식 안의 모든 곱은 두 인수에게 각각 기울기를 보낸다.
w와 같은 모양의 ``conv_grad_w(g, x, w, stride, padding)``(2점)와 x와 같은 모양의
``conv_grad_x(g, x, w, stride, padding)``(3점)를 작성하라. g의 모양은 y와 같다. u와 v에 대한 반복문은 써도 좋고,
나머지는 슬라이스로 하라.
예: x = [[1, 2, 3]], w = [[4, 5]], 스트라이드 1, 패딩 0이면 y = [[14, 23]]이다. g = [[1, 10]]이면 위와 같이
∂L/∂w = [[21, 32]], ∂L/∂x = [[4, 45, 50]]이다.
"""

import numpy as np


def conv_grad_w(g, x, w, stride, padding):
    """∂L/∂w, from g = ∂L/∂y."""
    # BEGIN SOLUTION
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    oh, ow = g.shape[2:]
    grad = np.zeros(w.shape)
    for u in range(w.shape[2]):
        for v in range(w.shape[3]):
            window = padded[:, :, u : u + stride * oh : stride, v : v + stride * ow : stride]
            grad[:, :, u, v] = np.einsum("nfij,ncij->fc", g, window)
    return grad
    # END SOLUTION


def conv_grad_x(g, x, w, stride, padding):
    """∂L/∂x, from g = ∂L/∂y."""
    # BEGIN SOLUTION
    n, c, h, width = x.shape
    oh, ow = g.shape[2:]
    grad = np.zeros((n, c, h + 2 * padding, width + 2 * padding))
    for u in range(w.shape[2]):
        for v in range(w.shape[3]):
            window = grad[:, :, u : u + stride * oh : stride, v : v + stride * ow : stride]
            window += np.einsum("nfij,fc->ncij", g, w[:, :, u, v])
    return grad[:, :, padding : padding + h, padding : padding + width]
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part

SIZES = {
    "n": (1, 3, 2),
    "channels": (1, 3, 2),
    "filters": (1, 3, 3),
    "height": (1, 7, 7),
    "width": (1, 7, 5),
    "kernel_height": (1, 3, 3),
    "kernel_width": (1, 3, 2),
    "stride": (1, 3, 2),
    "padding": (0, 2, 1),
}


def draw(rng, n, channels, filters, height, width, kernel_height, kernel_width, stride, padding):
    oh = (height + 2 * padding - kernel_height) // stride + 1
    ow = (width + 2 * padding - kernel_width) // stride + 1
    if oh < 1 or ow < 1 or padding >= min(kernel_height, kernel_width) + 1:
        return None
    return {
        "g": rng.standard_normal((n, filters, oh, ow)),
        "x": rng.standard_normal((n, channels, height, width)),
        "w": rng.standard_normal((filters, channels, kernel_height, kernel_width)),
        "stride": stride,
        "padding": padding,
    }


def convolution(x, w, stride, padding):
    from scipy.signal import correlate2d

    padded = np.pad(x, [(0, 0), (0, 0), (padding,) * 2, (padding,) * 2])
    return np.array(
        [
            [sum(correlate2d(c, k, "valid") for c, k in zip(image, kernels))[::stride, ::stride] for kernels in w]
            for image in padded
        ]
    )


def cases(rng):
    return {
        "the tiny example of the text": {
            "g": np.array([[[[1.0, 10.0]]]]),
            "x": np.array([[[[1.0, 2.0, 3.0]]]]),
            "w": np.array([[[[4.0, 5.0]]]]),
            "stride": 1,
            "padding": 0,
        },
        "stride 1, no padding": draw(rng, 2, 2, 3, 5, 4, 3, 2, 1, 0),
        "stride 1, padding 1": draw(rng, 1, 2, 2, 4, 5, 3, 2, 1, 1),
        "a stride larger than the kernel": draw(rng, 1, 2, 2, 8, 7, 2, 2, 3, 0),
        "a filter as large as the image": draw(rng, 2, 2, 3, 3, 4, 3, 4, 1, 0),
    }


PARTS = [
    Part("conv_grad_w", 2, draw, SIZES, forward=convolution, of="w", cases=cases),
    Part("conv_grad_x", 3, draw, SIZES, forward=convolution, of="x", cases=cases),
]
HINTS = [
    (
        "Fix u and v. Which elements of x̂ does w[·, ·, u, v] meet? A slice with step `stride` has just these.",
        "u와 v를 고정하라. w[·, ·, u, v]는 x̂의 어떤 원소와 만나는가? 간격이 `stride`인 슬라이스가 바로 그 원소들이다.",
    ),
    (
        "For ∂L/∂x add into the same slice of an array of zeros; at the end cut the padding off.",
        "∂L/∂x는 0으로 채운 배열의 같은 슬라이스에 더해 넣고, 마지막에 패딩을 잘라 내라.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "flipped",
        'grad[:, :, u, v] = np.einsum("nfij,ncij->fc"',
        'grad[:, :, -1 - u, -1 - v] = np.einsum("nfij,ncij->fc"',
    ),
    Mistake("factor", '"nfij,ncij->fc", g, window)', '"nfij,ncij->fc", g, window) / len(x)'),
    Mistake(
        "kernel is turned",
        '"nfij,fc->ncij", g, w[:, :, u, v])',
        '"nfij,fc->ncij", g, w[:, :, -1 - u, -1 - v])',
        "the kernel is turned by 180 degrees: u and v must be the same in w and in the slice of x̂",
        "커널이 180도 돌아갔다. w와 x̂의 슬라이스에서 u와 v가 같아야 한다",
    ),
    Mistake(
        "the last wins",
        "window += np",
        "window[:] = np",
        "windows overlap: where they do, gradients must be added, and here the last one overwrites the others",
        "창이 서로 겹친다. 겹치는 곳의 기울기는 더해야 하는데 마지막 값이 앞의 값을 덮어썼다",
    ),
    *(
        Mistake(  # the same with loops over i and j; over n and f, too
            "the last wins",
            "width + 2 * padding))\n    for u in range(w.shape[2]):\n        for v in range(w.shape[3]):\n"
            "            window = grad[:, :, u : u + stride * oh : stride, v : v + stride * ow : stride]\n"
            '            window += np.einsum("nfij,fc->ncij", g, w[:, :, u, v])\n',
            f"width + 2 * padding))\n    for {loops}:\n"
            f"        rows, columns = (slice(stride * k, stride * k + m) for k, m in zip((i, j), w.shape[2:]))\n"
            f"        grad[{image}, :, rows, columns] = {painted}\n",
            "windows overlap: where they do, gradients must be added, and here the last one overwrites the others",
            "창이 서로 겹친다. 겹치는 곳의 기울기는 더해야 하는데 마지막 값이 앞의 값을 덮어썼다",
        )
        for loops, image, painted in (
            ("i, j in np.ndindex(oh, ow)", ":", 'np.einsum("nf,fcuv->ncuv", g[:, :, i, j], w)'),
            ("m, f, i, j in np.ndindex(g.shape)", "m", "g[m, f, i, j] * w[f]"),
        )
    ),
    Mistake(
        "padding is cut off at one side",
        "grad[:, :, padding : padding + h, padding : padding + width]",
        "grad[:, :, :h, :width]",
        "the padding must be cut off at the top and at the left, too",
        "위와 왼쪽의 패딩도 잘라 내야 한다",
    ),
    Mistake(
        "only the first image",
        '"nfij,ncij->fc", g, window)',
        '"fij,cij->fc", g[0], window[0])',
        "all images of the batch use w: sum over n",
        "배치의 모든 이미지가 w를 쓴다. n에 대해 합하라",
    ),
]
OTHERS = [
    """
    def conv_grad_w(g, x, w, stride, padding):
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding))), w.shape[2:], axis=(2, 3)
        )[:, :, ::stride, ::stride]
        return np.tensordot(g, windows, ((0, 2, 3), (0, 2, 3)))

    def conv_grad_x(g, x, w, stride, padding):
        n, c, h, width = x.shape
        grad = np.zeros((n, c, h + 2 * padding, width + 2 * padding))
        for index in np.ndindex(g.shape):
            m, f, i, j = index
            grad[m, :, stride * i : stride * i + w.shape[2], stride * j : stride * j + w.shape[3]] += g[index] * w[f]
        return grad[:, :, padding:, padding:][:, :, :h, :width].astype(np.float32)
    """,
]
# END SOLUTION
