"""Output sizes and padding · 출력 크기와 패딩 (2 points)

A kernel of length k slides over n pixels, of which there are p more at each end by padding. It is laid on the first k
pixels, then moved on by the stride s as long as it lies on them as a whole. The number of its places is the output
size:

    ⌊(n + 2·p − k) / s⌋ + 1

Write ``output_size(n, kernel, stride, padding)`` (1 point): this number. The kernel always fits at least once.

With stride 1 and k − 1 pixels more in all, the output is as large as the input: the "same" padding. At each end there
are then (k − 1) / 2 of them; if k is even, k − 1 is odd, and the one that is left over goes behind, to the end of the
axis.

Write ``pad_same(x, kernel_height, kernel_width)`` (1 point): the array x of shape (H, W), with this padding above and
below for a kernel of kernel_height rows, and on the left and right for one of kernel_width columns. Its shape is
(H + kernel_height − 1, W + kernel_width − 1), and the new pixels have the value «FILL». Do it by hand, with a slice
of a new array.

A tiny example: n = 7, k = 3, s = 2, p = 0 give ⌊4 / 2⌋ + 1 = 3 places, at the pixels 0, 2 and 4. And x = [[5, 6]] with
a kernel of 1 row and 4 columns becomes [[«FILL», 5, 6, «FILL», «FILL»]].

길이가 k인 커널이 픽셀 n개 위를 움직인다. 패딩으로 양 끝에 p개씩의 픽셀이 더 있다. 커널을 처음 k개의 픽셀에 놓고,
전체가 픽셀 위에 있는 동안 스트라이드 s만큼씩 옮긴다. 커널이 놓이는 자리의 수가 출력 크기이며 위의 식과 같다. 이 수를
돌려주는 ``output_size(n, kernel, stride, padding)``(1점)를 작성하라. 커널이 놓일 자리는 언제나 하나 이상 있다.
스트라이드가 1이고 픽셀이 합해서 k − 1개 더 있으면 출력이 입력만큼 크다. 이것이 "same" 패딩이다. 양 끝에 (k − 1) / 2개씩
두고, k가 짝수이면 k − 1이 홀수이므로 남는 하나는 뒤쪽, 곧 축의 끝에 둔다.
``pad_same(x, kernel_height, kernel_width)``(1점)는 모양이 (H, W)인 배열 x에 이 패딩을 두른 배열을 돌려준다. 위아래는
행이 kernel_height개인 커널에, 좌우는 열이 kernel_width개인 커널에 맞춘다. 결과의 모양은
(H + kernel_height − 1, W + kernel_width − 1)이고 새 픽셀의 값은 «FILL»이다. 새 배열과 슬라이스로 직접 만들어 보라.
예: n = 7, k = 3, s = 2, p = 0이면 픽셀 0, 2, 4에 놓여 세 자리이다. x = [[5, 6]]이고 커널이 1행 4열이면
[[«FILL», 5, 6, «FILL», «FILL»]]이 된다.
"""

import numpy as np

FILL = 0.0  # edition: 0.0, 1.0, -1.0


def output_size(n, kernel, stride, padding):
    """The number of places that the kernel has along one axis."""
    # BEGIN SOLUTION
    return (n + 2 * padding - kernel) // stride + 1
    # END SOLUTION


def pad_same(x, kernel_height, kernel_width):
    """x with the margin that keeps its size at stride 1."""
    # BEGIN SOLUTION
    h, w = x.shape
    top, left = (kernel_height - 1) // 2, (kernel_width - 1) // 2
    padded = np.full((h + kernel_height - 1, w + kernel_width - 1), FILL)
    padded[top : top + h, left : left + w] = x
    return padded
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def draw_numbers(rng, n, kernel, stride, padding):
    fits = n + 2 * padding >= kernel
    return {"n": n, "kernel": kernel, "stride": stride, "padding": padding} if fits else None


def places(n, kernel, stride, padding):
    """Counted, not computed."""
    pixels = range(-padding, n + padding)
    return np.array(sum(start + kernel - 1 in pixels for start in pixels[::stride]))


def draw(rng, height, width, kernel_height, kernel_width):
    x = rng.standard_normal((height, width)) + 5
    return {"x": x, "kernel_height": kernel_height, "kernel_width": kernel_width}


def kept(x, kernel_height, kernel_width):
    """Row by row and pixel by pixel: what a centred kernel meets from each of its places."""
    rows = range(-((kernel_height - 1) // 2), x.shape[0] + kernel_height // 2)
    columns = range(-((kernel_width - 1) // 2), x.shape[1] + kernel_width // 2)
    inside = dict(np.ndenumerate(x))
    return np.array([[inside.get((i, j), FILL) for j in columns] for i in rows])


PARTS = [
    Part(
        "output_size",
        1,
        draw_numbers,
        {"n": (1, 30, 19), "kernel": (1, 7, 7), "stride": (1, 5, 3), "padding": (0, 5, 5)},
        places,
        cases=lambda rng: {
            "the kernel fits exactly": {"n": 5, "kernel": 5, "stride": 3, "padding": 0},
            "the kernel is larger than the input": {"n": 2, "kernel": 5, "stride": 2, "padding": 2},
            "a stride larger than the kernel": {"n": 11, "kernel": 2, "stride": 5, "padding": 0},
            "the tiny example of the text": {"n": 7, "kernel": 3, "stride": 2, "padding": 0},
            "stride 1, no padding": {"n": 6, "kernel": 4, "stride": 1, "padding": 0},
            "stride 1, padding 1": {"n": 6, "kernel": 3, "stride": 1, "padding": 1},
        },
    ),
    Part(
        "pad_same",
        1,
        draw,
        {"height": (1, 5, 3), "width": (1, 7, 5), "kernel_height": (1, 5, 5), "kernel_width": (1, 6, 4)},
        kept,
        cases=lambda rng: {
            "a kernel of one pixel": draw(rng, 2, 3, 1, 1),
            "a kernel larger than x": draw(rng, 1, 2, 6, 5),
            "the tiny example of the text": {"x": np.array([[5.0, 6.0]]), "kernel_height": 1, "kernel_width": 4},
            "a kernel of 2 rows and 2 columns": draw(rng, 4, 3, 2, 2),
        },
    ),
]
HINTS = [
    (
        "Draw seven pixels and lay a kernel of three on them, again and again, two further each time.",
        "픽셀 일곱 개를 그리고 길이 3인 커널을 두 칸씩 옮기며 놓아 보라.",
    ),
    (
        "The first of H rows stands in row (kernel_height − 1) // 2 of the result.",
        "x의 첫 행은 결과의 (kernel_height − 1) // 2번째 행에 놓인다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "+ 1 is missing",
        "// stride + 1",
        "// stride",
        "these are the moves; the first place counts, too: add 1 after dividing",
        "이것은 옮긴 횟수이다. 첫 자리도 세어야 하므로 나눈 뒤에 1을 더하라",
    ),
    Mistake(
        "padding at one end only",
        "n + 2 * padding",
        "n + padding",
        "padding adds pixels at both ends",
        "패딩은 양 끝에 픽셀을 더한다",
    ),
    Mistake(
        "rounded up",
        "return (n + 2 * padding - kernel) // stride + 1",
        "return -(-(n + 2 * padding - kernel) // stride) + 1",
        "a kernel that does not lie on the pixels as a whole does not count: round down",
        "전체가 픽셀 위에 있지 않은 커널은 세지 않는다. 내림하라",
    ),
    Mistake(
        "not a whole number",
        "// stride + 1",
        "/ stride + 1",
        "the number of places is an integer: divide by //",
        "자리의 수는 정수이다. //로 나누어라",
    ),
    Mistake(
        "the kernel's length is left out",
        "(n + 2 * padding - kernel) // stride + 1",
        "(n + 2 * padding - 1) // stride + 1",
        "the kernel must lie on the pixels as a whole, and not just start on them: subtract its length",
        "커널의 시작만이 아니라 전체가 픽셀 위에 있어야 한다. 커널의 길이를 빼라",
    ),
    Mistake(
        "+ 1 before dividing",
        "(n + 2 * padding - kernel) // stride + 1",
        "(n + 2 * padding - kernel + 1) // stride",
        "add the 1 for the first place after dividing, not before",
        "첫 자리에 대한 1은 나누기 전이 아니라 나눈 뒤에 더하라",
    ),
    Mistake(
        "n // stride",
        "return (n + 2 * padding - kernel) // stride + 1",
        "return n // stride",
        "the kernel's length and the padding count, too: this holds only for some of them",
        "커널의 길이와 패딩도 영향을 준다. 이것은 그 값들이 맞아떨어질 때만 맞다",
    ),
    Mistake(
        "the odd pixel is in front",
        "top, left = (kernel_height - 1) // 2, (kernel_width - 1) // 2",
        "top, left = kernel_height // 2, kernel_width // 2",
        "of an odd number of pixels the one that is left over goes behind, to the end of the axis",
        "픽셀이 홀수 개이면 남는 하나는 뒤쪽, 곧 축의 끝에 둔다",
    ),
    Mistake(
        "padding behind only",
        "top, left = (kernel_height - 1) // 2, (kernel_width - 1) // 2",
        "top, left = 0, 0",
        "half of the new pixels belong in front, above and on the left",
        "새 픽셀의 절반은 앞쪽, 곧 위와 왼쪽에 있어야 한다",
    ),
    Mistake(
        "one pixel more for an even kernel",
        "    h, w = x.shape\n    top, left = (kernel_height - 1) // 2, (kernel_width - 1) // 2\n"
        "    padded = np.full((h + kernel_height - 1, w + kernel_width - 1), FILL)\n"
        "    padded[top : top + h, left : left + w] = x\n",
        "    margins = [(k // 2, k // 2) for k in (kernel_height, kernel_width)]\n"
        "    padded = np.pad(x, margins, constant_values=FILL)\n",
        "k − 1 new pixels in all: kernel // 2 at both ends is one too many if the kernel is even",
        "새 픽셀은 모두 k − 1개이다. 양 끝에 kernel // 2개씩 두면 커널이 짝수일 때 하나가 남는다",
    ),
    Mistake(
        "another value",
        "kernel_width - 1), FILL)",
        "kernel_width - 1), x[0, 0])",
        "the new pixels have the value that the text names",
        "새 픽셀의 값은 본문에 적힌 값이어야 한다",
    ),
    Mistake(
        "height and width exchanged",
        "top, left = (kernel_height - 1) // 2, (kernel_width - 1) // 2\n"
        "    padded = np.full((h + kernel_height - 1, w + kernel_width - 1), FILL)\n",
        "top, left = (kernel_width - 1) // 2, (kernel_height - 1) // 2\n"
        "    padded = np.full((h + kernel_width - 1, w + kernel_height - 1), FILL)\n",
        "kernel_height is for the rows, axis 0, and kernel_width for the columns, axis 1",
        "kernel_height는 행(축 0), kernel_width는 열(축 1)에 대한 것이다",
    ),
]
OTHERS = [
    """
    def output_size(n, kernel, stride, padding):
        count, last = 0, kernel - 1
        while last < n + 2 * padding:
            count, last = count + 1, last + stride
        return count

    def pad_same(x, kernel_height, kernel_width):
        margins = [((k - 1) // 2, k - 1 - (k - 1) // 2) for k in (kernel_height, kernel_width)]
        return np.pad(x.astype(np.float32), margins, constant_values=FILL)
    """,
]
# END SOLUTION
