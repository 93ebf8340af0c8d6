"""Transposed convolution · 전치 합성곱 (4 points)

A convolution with stride makes images smaller; a generator must make them larger. The transposed convolution does so:
each pixel of the input paints the whole filter, times its value, into the output, and its neighbour does so s pixels
further on. Where the paintings overlap, they are added. Along one axis n pixels with a filter of length k cover
(n − 1)·s + k pixels (if s > k, there are gaps between the paintings, which are 0); of these the padding p cuts p off
at both ends. (In a convolution padding adds pixels. Here that is undone: it takes them away.)

Write ``output_size(n, kernel, stride, padding)`` (1 point): the number of pixels that are left along one axis, with
s ≥ 1 and p ≥ 0. It is always at least 1.

Write ``conv_transpose(x, w, stride, padding)`` (3 points). x has the shape (N, C, H, W), and the filters w have the
shape (C, F, KH, KW), in which the channels of the input come first. The result y has the shape (N, F, OH, OW), with
OH = output_size(H, KH, s, p) and OW = output_size(W, KW, s, p). Before the cut, for all n, c, f, i, j, u and v,

    ŷ[n, f, s·i + u, s·j + v]  gets  x[n, c, i, j] · w[c, f, u, v]

added, from zeros on; y is ŷ without the first and last p rows and columns. There is no bias, and the filter is not
turned. Loops over u and v are fine, as are those over i and j: let NumPy do the rest.

A tiny example: x = [[1, 10]], w = [[4, 5, 6]] (N = C = F = 1) and s = 2 give ŷ = [[4, 5, 6 + 40, 50, 60]], which are
(2 − 1)·2 + 3 = 5 pixels. In the middle both paintings meet. Of these p = 1 leaves [5, 46, 50]; as it cuts rows off as
well, the filter or the image then has to have more rows than here.

스트라이드가 있는 합성곱은 이미지를 줄인다. 생성자는 이미지를 키워야 하며 전치 합성곱이 그 일을 한다. 입력의 각 픽셀은
자기 값을 곱한 필터 전체를 출력에 그리고, 옆 픽셀은 s칸 떨어진 곳에 그린다. 그림이 겹치면 더한다. 한 축에서 픽셀 n개는
길이 k인 필터로 (n − 1)·s + k개의 픽셀에 걸쳐 그리며(s > k이면 그림 사이의 빈 곳은 0이다), 패딩 p는 그 양 끝에서 p개씩
잘라 낸다. (합성곱에서 패딩은 픽셀을 더하지만 여기서는 거꾸로 덜어 낸다.) 한 축에 남는 픽셀의 수를 돌려주는
``output_size(n, kernel, stride, padding)``(1점)를 작성하라. s는 1 이상, p는 0 이상이고, 남는 수는 언제나 1 이상이다.
``conv_transpose(x, w, stride, padding)``(3점)를 작성하라. x의 모양은 (N, C, H, W)이고, 필터 w의 모양은 입력 채널이
먼저 오는 (C, F, KH, KW)이다. 결과 y의 모양은 (N, F, OH, OW)이며 OH = output_size(H, KH, s, p),
OW = output_size(W, KW, s, p)이다. 자르기 전의 ŷ은 0에서 시작하여 모든 n, c, f, i, j, u, v에 대해 위의 식처럼 더한
것이고, y는 ŷ에서 처음과 마지막의 행과 열을 p개씩 뺀 것이다. 편향은 없고 필터를 뒤집지 않는다. u와 v에 대한 반복문이나
i와 j에 대한 반복문은 써도 좋고, 나머지는 NumPy에 맡겨라.
예: x = [[1, 10]], w = [[4, 5, 6]](N = C = F = 1), s = 2이면 ŷ = [[4, 5, 6 + 40, 50, 60]]이고 픽셀은
(2 − 1)·2 + 3 = 5개이다. 가운데에서 두 그림이 만난다. p = 1이면 그 가운데 [5, 46, 50]이 남는다. 행도 잘라 내므로
그때는 필터나 이미지의 행이 이보다 많아야 한다.
"""

import numpy as np


def output_size(n, kernel, stride, padding):
    """The number of pixels along one axis of the output."""
    # BEGIN SOLUTION
    return (n - 1) * stride + kernel - 2 * padding
    # END SOLUTION


def conv_transpose(x, w, stride, padding):
    """y, of shape (N, F, OH, OW)."""
    # BEGIN SOLUTION
    (n, _, h, width), (_, f, kh, kw) = x.shape, w.shape
    painted = np.zeros((n, f, (h - 1) * stride + kh, (width - 1) * stride + kw))
    for i in range(h):
        for j in range(width):
            top, left = i * stride, j * stride
            stamp = np.einsum("nc,cfuv->nfuv", x[:, :, i, j], w)
            painted[:, :, top : top + kh, left : left + kw] += stamp
    return painted[:, :, padding : painted.shape[2] - padding, padding : painted.shape[3] - padding]
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def left(n, kernel, stride, padding):
    """The pixels that are painted or lie between painted ones, counted without those that are cut off."""
    painted = {i * stride + a for i in range(n) for a in range(kernel)}
    return len(range(min(painted), max(painted) + 1)[padding : -padding or None])


def draw_numbers(rng, n, kernel, stride, padding):
    numbers = {"n": n, "kernel": kernel, "stride": stride, "padding": padding}
    return numbers if left(**numbers) > 0 else None


def draw(rng, n, channels, filters, height, width, kernel_height, kernel_width, stride, padding):
    if min(left(height, kernel_height, stride, padding), left(width, kernel_width, stride, padding)) < 1:
        return None
    return {
        "x": rng.standard_normal((n, channels, height, width)),
        "w": rng.standard_normal((channels, filters, kernel_height, kernel_width)),
        "stride": stride,
        "padding": padding,
    }


def spread_and_convolved(x, w, stride, padding):
    """The pixels with zeros between them, convolved (with the filter turned, as SciPy does) by full overlap."""
    from scipy.signal import convolve2d

    crop = slice(padding, -padding or None)
    y = []
    for image in x:
        apart = []
        for channel in image:
            h, width = channel.shape
            apart.append(np.zeros((h * stride - stride + 1, width * stride - stride + 1)))
            apart[-1][::stride, ::stride] = channel
        y.append([sum(convolve2d(p, k) for p, k in zip(apart, filters))[crop, crop] for filters in w.swapaxes(0, 1)])
    return np.array(y)


PARTS = [
    Part(
        "output_size",
        1,
        draw_numbers,
        {"n": (1, 9, 7), "kernel": (1, 7, 5), "stride": (1, 5, 3), "padding": (0, 3, 2)},
        lambda **numbers: np.array(left(**numbers)),
        cases=lambda rng: {
            "the tiny example of the text": {"n": 2, "kernel": 3, "stride": 2, "padding": 0},
            "the tiny example of the text with p = 1": {"n": 2, "kernel": 3, "stride": 2, "padding": 1},
            "stride 1, no padding": {"n": 6, "kernel": 4, "stride": 1, "padding": 0},
            "one pixel": {"n": 1, "kernel": 4, "stride": 7, "padding": 0},
        },
    ),
    Part(
        "conv_transpose",
        3,
        draw,
        {
            "n": (1, 3, 2),
            "channels": (1, 3, 3),
            "filters": (1, 5, 5),
            "height": (1, 5, 5),
            "width": (1, 5, 3),
            "kernel_height": (1, 4, 4),
            "kernel_width": (1, 4, 3),
            "stride": (1, 3, 2),
            "padding": (0, 3, 1),
        },
        spread_and_convolved,
        cases=lambda rng: {
            "the tiny example of the text": {
                "x": np.array([[[[1.0, 10.0]]]]),
                "w": np.array([[[[4.0, 5.0, 6.0]]]]),
                "stride": 2,
                "padding": 0,
            },
            "stride 1, no padding": draw(rng, 2, 3, 2, 4, 3, 3, 2, 1, 0),
            "stride 1, padding 1": draw(rng, 1, 2, 3, 3, 4, 3, 2, 1, 1),
            "one pixel": draw(rng, 1, 2, 3, 1, 1, 3, 2, 2, 0),
            "a filter of one pixel": draw(rng, 2, 3, 2, 4, 5, 1, 1, 1, 0),
            "gaps between the paintings": draw(rng, 1, 2, 3, 3, 4, 2, 1, 3, 0),
            "whole numbers": {
                "x": np.arange(4).reshape(1, 1, 2, 2),
                "w": np.arange(9).reshape(1, 1, 3, 3),
                "stride": 1,
                "padding": 1,
            },
        },
    ),
]
HINTS = [
    (
        "Where does the painting of the first pixel begin, and where does that of the last one end?",
        "첫 픽셀의 그림은 어디서 시작하고 마지막 픽셀의 그림은 어디서 끝나는가?",
    ),
    (
        "Start from zeros for ŷ, and add, for each (i, j), to the rows from s·i and the columns from s·j on.",
        "ŷ을 0으로 시작하고, (i, j)마다 행 s·i, 열 s·j부터 시작하는 곳에 더하라.",
    ),
    (
        'What all images paint at once: np.einsum("nc,cfuv->nfuv", x[:, :, i, j], w). Cut p off at the end.',
        '모든 이미지가 한꺼번에 그리는 것: np.einsum("nc,cfuv->nfuv", x[:, :, i, j], w). 마지막에 p를 잘라 내라.',
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "padding is added",
        "kernel - 2 * padding",
        "kernel + 2 * padding",
        "padding cuts pixels off here, and does not add any",
        "여기서 패딩은 픽셀을 더하지 않고 잘라 낸다",
    ),
    Mistake(
        "padding at one end only",
        "kernel - 2 * padding",
        "kernel - padding",
        "padding cuts pixels off at both ends",
        "패딩은 양 끝에서 픽셀을 잘라 낸다",
    ),
    Mistake(
        "n steps",
        "return (n - 1) * stride",
        "return n * stride",
        "from the first of n pixels to the last there are n − 1 steps",
        "픽셀 n개의 처음부터 마지막까지는 n − 1걸음이다",
    ),
    Mistake(
        "n · stride",
        "return (n - 1) * stride + kernel - 2 * padding",
        "return n * stride",
        "this holds only if k − 2·p happens to be s: the last painting is as long as the filter, and p is cut off",
        "이것은 k − 2·p가 s일 때만 맞다. 마지막 그림은 필터만큼 길고, 양 끝에서 p개씩 잘라 낸다",
    ),
    Mistake(
        "the size of a convolution",
        "return (n - 1) * stride + kernel - 2 * padding",
        "return (n + 2 * padding - kernel) // stride + 1",
        "this is the size that a convolution has; the transposed one makes images larger",
        "이것은 합성곱의 출력 크기이다. 전치 합성곱은 이미지를 키운다",
    ),
    Mistake(
        "the last one wins",
        "left : left + kw] += stamp",
        "left : left + kw] = stamp",
        "paintings overlap if the stride is smaller than the filter: add them, do not overwrite",
        "스트라이드가 필터보다 작으면 그림이 겹친다. 덮어쓰지 말고 더하라",
    ),
    Mistake(  # with loops over u and v
        "the last one wins",
        "    for i in range(h):\n        for j in range(width):\n            top, left = i * stride, j * stride\n"
        '            stamp = np.einsum("nc,cfuv->nfuv", x[:, :, i, j], w)\n'
        "            painted[:, :, top : top + kh, left : left + kw] += stamp\n",
        "    for u, v in np.ndindex(kh, kw):\n"
        "        rows, columns = (slice(o, o + stride * (m - 1) + 1, stride) for o, m in ((u, h), (v, width)))\n"
        '        painted[:, :, rows, columns] = np.einsum("ncij,cf->nfij", x, w[:, :, u, v])\n',
        "paintings overlap if the stride is smaller than the filter: add them, do not overwrite",
        "스트라이드가 필터보다 작으면 그림이 겹친다. 덮어쓰지 말고 더하라",
    ),
    Mistake(
        "the filter is turned",
        "x[:, :, i, j], w)",
        "x[:, :, i, j], w[:, :, ::-1, ::-1])",
        "the filter is turned by 180 degrees: w[c, f, u, v] belongs to row s·i + u and column s·j + v",
        "필터가 180도 돌아갔다. w[c, f, u, v]는 행 s·i + u, 열 s·j + v에 속한다",
    ),
    Mistake(
        "padding is not cut off",
        "    return painted[:, :, padding : painted.shape[2] - padding, padding : painted.shape[3] - padding]\n",
        "    return painted\n",
        "the first and last p rows and columns must be cut off",
        "처음과 마지막의 행과 열을 p개씩 잘라 내야 한다",
    ),
    Mistake(
        "padding is cut off at one end",
        "[:, :, padding : painted.shape[2] - padding, padding : painted.shape[3] - padding]",
        "[:, :, : painted.shape[2] - 2 * padding, : painted.shape[3] - 2 * padding]",
        "p rows and columns must be cut off at each end, and not all of them at the last",
        "행과 열을 끝에서만이 아니라 양 끝에서 p개씩 잘라 내야 한다",
    ),
    Mistake("factor", "+= stamp", "+= stamp / x.shape[1]"),
    Mistake(
        "filters in another order",
        '"nc,cfuv->nfuv", x[:, :, i, j], w)',
        '"nc,fcuv->nfuv", x[:, :, i, j], w.reshape(f, -1, kh, kw))',
        "the first axis of w is the channels of the input, c, and the second the channels of the output, f",
        "w의 첫 축은 입력 채널 c이고 둘째 축은 출력 채널 f이다",
    ),
    Mistake(
        "the stride is not used",
        "top, left = i * stride, j * stride",
        "top, left = i, j",
        "the pixel (i, j) paints from row s·i and column s·j on, not from i and j",
        "픽셀 (i, j)는 i, j가 아니라 행 s·i, 열 s·j부터 그린다",
    ),
]
OTHERS = [
    """
    def output_size(n, kernel, stride, padding):
        return stride * n - stride - padding + kernel - padding

    def conv_transpose(x, w, stride, padding):
        (n, c, h, width), (_, f, kh, kw) = x.shape, w.shape
        size = [output_size(m, k, stride, 0) for m, k in ((h, kh), (width, kw))]
        y = np.zeros((n, f, *size), np.float32)
        for a in range(kh):
            for b in range(kw):
                rows, columns = (slice(o, o + stride * (m - 1) + 1, stride) for o, m in ((a, h), (b, width)))
                y[:, :, rows, columns] += np.tensordot(x, w[:, :, a, b], (1, 0)).transpose(0, 3, 1, 2)
        end = [m - padding for m in size]
        return y[:, :, padding : end[0], padding : end[1]]
    """,
]
# END SOLUTION
