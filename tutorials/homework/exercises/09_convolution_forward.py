"""Convolution · 합성곱 (5 points)

A convolution layer has F filters, each as deep as the image has channels. Each is laid over the image at every s-th
place, and there multiplied with what lies below it and summed. For a batch x of shape (N, C, H, W), filters w of shape
(F, C, KH, KW), a bias b of shape (F,), stride s and padding p, the result y has the shape (N, F, OH, OW):

    y[n, f, i, j] = b[f] + Σ_c Σ_u Σ_v  x̂[n, c, s·i + u, s·j + v] · w[f, c, u, v]

where x̂ is x with p zeros on all four sides, OH = ⌊(H + 2·p − KH) / s⌋ + 1, and OW = ⌊(W + 2·p − KW) / s⌋ + 1. As in
all libraries for deep learning, the filter is not turned: u and v count upwards in x̂ and in w.

Write ``conv(x, w, b, stride, padding)``: y. The stride s, from 1 on, and the padding p, from 0 on, are integers for
both axes, and the filters fit. Loops over u and v are fine, as are those over i and j: let NumPy do the rest.

A tiny example: x = [[1, 2, 3]], w = [[4, 5]] and b = [100] (N = C = F = 1) give, with stride 1 and padding 0,
y = [[1·4 + 2·5 + 100, 2·4 + 3·5 + 100]] = [[114, 123]]. With stride 2 only the first of them is left.

합성곱 층에는 필터 F개가 있고, 각 필터는 이미지의 채널 수만큼 깊다. 필터를 이미지 위에 s칸마다 놓고, 그 아래에 있는
값과 곱하여 더한다. 모양이 (N, C, H, W)인 배치 x, (F, C, KH, KW)인 필터 w, (F,)인 편향 b, 스트라이드 s, 패딩 p에 대해
결과 y의 모양은 (N, F, OH, OW)이고 값은 위의 식과 같다. x̂은 x의 네 변에 0을 p개씩 두른 것이다. 모든 딥러닝
라이브러리처럼 필터를 뒤집지 않는다. 곧 u와 v는 x̂과 w에서 같은 방향으로 커진다. y를 돌려주는
``conv(x, w, b, stride, padding)``를 작성하라. 스트라이드 s(1 이상)와 패딩 p(0 이상)는 두 축에 함께 쓰이는 정수이고,
필터는 언제나 들어간다. u와 v에 대한 반복문이나 i와 j에 대한 반복문은 써도 좋고, 나머지는 NumPy에 맡겨라.
예: x = [[1, 2, 3]], w = [[4, 5]], b = [100]이면(N = C = F = 1) 스트라이드 1, 패딩 0에서 y = [[114, 123]]이고,
스트라이드 2에서는 첫 번째만 남는다.
"""

import numpy as np


def conv(x, w, b, stride, padding):
    """y, of shape (N, F, OH, OW)."""
    # BEGIN SOLUTION
    margin = (padding, padding)
    padded = np.pad(x, ((0, 0), (0, 0), margin, margin))
    oh = (padded.shape[2] - w.shape[2]) // stride + 1
    ow = (padded.shape[3] - w.shape[3]) // stride + 1
    y = np.zeros((len(x), len(w), oh, ow))
    for i in range(oh):
        for j in range(ow):
            top, left = i * stride, j * stride
            window = padded[:, :, top : top + w.shape[2], left : left + w.shape[3]]
            y[:, :, i, j] = np.einsum("ncuv,fcuv->nf", window, w)
    return y + b[:, None, None]
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def draw(rng, n, channels, filters, height, width, kernel_height, kernel_width, stride, padding):
    if kernel_height > height + 2 * padding or kernel_width > width + 2 * padding:
        return None
    return {
        "x": rng.standard_normal((n, channels, height, width)),
        "w": rng.standard_normal((filters, channels, kernel_height, kernel_width)),
        "b": rng.standard_normal(filters),
        "stride": stride,
        "padding": padding,
    }


def tiny(stride):
    x, w = np.array([[[[1.0, 2.0, 3.0]]]]), np.array([[[[4.0, 5.0]]]])
    return {"x": x, "w": w, "b": np.array([100.0]), "stride": stride, "padding": 0}


def laid_over(x, w, b, stride, padding):
    """By SciPy, at every place; of which the stride keeps some."""
    from scipy.signal import correlate2d

    y = []
    for image in x:
        framed = [np.pad(channel, padding) for channel in image]
        maps = [sum(correlate2d(c, k, mode="valid") for c, k in zip(framed, kernels)) for kernels in w]
        y.append([m[::stride, ::stride] + bias for m, bias in zip(maps, b)])
    return np.array(y)


PARTS = [
    Part(
        "conv",
        5,
        draw,
        {
            "n": (1, 3, 2),
            "channels": (1, 3, 3),
            "filters": (1, 5, 5),
            "height": (1, 11, 11),
            "width": (1, 8, 7),
            "kernel_height": (1, 4, 4),
            "kernel_width": (1, 4, 2),
            "stride": (1, 3, 2),
            "padding": (0, 3, 3),
        },
        laid_over,
        cases=lambda rng: {
            "the tiny example of the text": tiny(1),
            "the tiny example of the text with stride 2": tiny(2),
            "stride 1, no padding": draw(rng, 2, 3, 2, 6, 5, 3, 2, 1, 0),
            "stride 1, padding 1": draw(rng, 1, 2, 3, 5, 6, 3, 2, 1, 1),
            "a filter as large as the image": draw(rng, 2, 3, 2, 5, 4, 5, 4, 1, 0),
            "a filter of one pixel": draw(rng, 2, 3, 2, 5, 4, 1, 1, 1, 0),
            "a stride larger than the filter": draw(rng, 1, 2, 3, 11, 8, 2, 3, 5, 0),
            "an image smaller than the filter": draw(rng, 1, 2, 3, 1, 2, 3, 4, 2, 2),
            "a square image of whole numbers": {
                "x": np.arange(16).reshape(1, 1, 4, 4),
                "w": np.arange(9).reshape(1, 1, 3, 3),
                "b": np.array([7]),
                "stride": 1,
                "padding": 1,
            },
        },
    )
]
HINTS = [
    (
        "Pad first: np.pad takes a pair (before, behind) for each of the four axes. Then forget about p.",
        "먼저 패딩하라. np.pad에는 네 축 각각에 (앞, 뒤)의 쌍을 준다. 그 뒤에는 p를 잊어도 된다.",
    ),
    (
        "The window for (i, j) begins at row s·i and column s·j and is as large as a filter.",
        "(i, j)의 창은 행 s·i, 열 s·j에서 시작하고 필터만큼 크다.",
    ),
    (
        'All images and filters at once: np.einsum("ncuv,fcuv->nf", window, w).',
        '모든 이미지와 필터를 한꺼번에: np.einsum("ncuv,fcuv->nf", window, w).',
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "the filter is turned",
        '"ncuv,fcuv->nf", window, w)',
        '"ncuv,fcuv->nf", window, w[:, :, ::-1, ::-1])',
        "the filter is turned by 180 degrees, as in mathematics; here u and v must count upwards in both x̂ and w",
        "수학에서처럼 필터가 180도 돌아갔다. 여기서는 u와 v가 x̂과 w에서 같은 방향으로 커져야 한다",
    ),
    Mistake(
        "padding above and on the left only",
        "margin = (padding, padding)",
        "margin = (padding, 0)",
        "zeros are missing below and on the right: pad both ends of both axes",
        "아래와 오른쪽에 0이 없다. 두 축의 양 끝에 패딩하라",
    ),
    Mistake(
        "padding below and on the right only",
        "margin = (padding, padding)",
        "margin = (0, 2 * padding)",
        "the zeros stand below and on the right: half of them belong above and on the left",
        "0이 아래와 오른쪽에만 있다. 절반은 위와 왼쪽에 있어야 한다",
    ),
    Mistake(
        "no padding",
        "margin = (padding, padding)",
        "margin = (0, 0)",
        "the padding is not used",
        "패딩을 쓰지 않았다",
    ),
    Mistake(
        "stride along one axis only",
        "top, left = i * stride, j * stride",
        "top, left = i * stride, j",
        "the window moves on by the stride along rows and columns",
        "창은 행과 열 모두에서 스트라이드만큼 움직인다",
    ),
    Mistake(
        "the window moves on by 1",
        "top, left = i * stride, j * stride",
        "top, left = i, j",
        "the output has the right size, but its windows lie next to each other: they begin at s·i and s·j",
        "출력의 크기는 맞지만 창이 한 칸씩 움직인다. 창은 s·i와 s·j에서 시작해야 한다",
    ),
    Mistake(
        "the bias is missing",
        "return y + b[:, None, None]",
        "return y",
        "b[f] is missing in y[n, f, i, j]",
        "y[n, f, i, j]에 b[f]가 빠졌다",
    ),
    Mistake(
        "channels are averaged",
        '= np.einsum("ncuv,fcuv->nf", window, w)',
        '= np.einsum("ncuv,fcuv->nf", window, w) / x.shape[1]',
        "the channels are summed, not averaged",
        "채널은 평균이 아니라 합을 구해야 한다",
    ),
    Mistake(
        "the first channel alone",
        '"ncuv,fcuv->nf", window, w)',
        '"nuv,fuv->nf", window[:, 0], w[:, 0])',
        "each filter is as deep as the image: sum over all channels",
        "필터는 이미지만큼 깊다. 모든 채널에 대해 더하라",
    ),
    Mistake(
        "bias for each channel",
        "return y + b[:, None, None]",
        "return y + x.shape[1] * b[:, None, None]",
        "b[f] is added once to y[n, f, i, j], not once for each channel",
        "b[f]는 y[n, f, i, j]에 한 번만 더한다. 채널마다 더하지 마라",
    ),
    Mistake(
        "the last place is missing",
        "// stride + 1\n    ow = (padded.shape[3] - w.shape[3]) // stride + 1",
        "// stride\n    ow = (padded.shape[3] - w.shape[3]) // stride",
        "the output lacks its last row and column: there are ⌊…⌋ + 1 places along each axis",
        "출력의 마지막 행과 열이 빠졌다. 자리는 축마다 ⌊…⌋ + 1개이다",
    ),
]
OTHERS = [
    """
    def conv(x, w, b, stride, padding):
        h, width = x.shape[2:]
        kh, kw = w.shape[2:]
        oh, ow = (h + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1
        framed = np.zeros((len(x), x.shape[1], h + 2 * padding, width + 2 * padding), np.float32)
        framed[:, :, padding : padding + h, padding : padding + width] = x
        y = np.tile(b.astype(np.float32)[:, None, None], (len(x), 1, oh, ow))
        for p in range(kh):
            for q in range(kw):
                y += np.einsum(
                    "ncij,fc->nfij",
                    framed[:, :, p : p + stride * (oh - 1) + 1 : stride, q : q + stride * (ow - 1) + 1 : stride],
                    w[:, :, p, q].astype(np.float32),
                )
        return y
    """,
    """
    def conv(x, w, b, stride, padding):
        xp = np.pad(x, [(0, 0)] * 2 + [(padding, padding)] * 2)
        views = np.lib.stride_tricks.sliding_window_view(xp, w.shape[2:], (2, 3))[:, :, ::stride, ::stride]
        n, c, oh, ow, kh, kw = views.shape
        columns = views.transpose(0, 2, 3, 1, 4, 5).reshape(n * oh * ow, c * kh * kw)
        return (columns @ w.reshape(len(w), -1).T + b).reshape(n, oh, ow, len(w)).transpose(0, 3, 1, 2)
    """,
]
# END SOLUTION
