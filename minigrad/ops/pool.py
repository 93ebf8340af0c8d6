"""Pooling: one number from each window of an image, the largest or the sum; and back, from windows to a whole image.

As in `conv.py`, shapes are (N, C, H, W). No op looks at windows one by one: for each element u, v of a window, `places`
gives the part of x that lies there in all windows, an array as large as the result. Padding is left to `Pad`.
"""

import math

from ..autograd import Op
from ..backend import get_array_module
from .conv import check_images, pair, places, places_in, steps, with_margin


class _Pooling(Op):
    """`geometry`: kernel and stride, height and width of the pooled and of the whole images; s below is the stride

    `winners`: for each window the number of the one place in it that counts; None if all of them do.
    """

    def __init__(self, geometry, winners=None):
        self.geometry, self.winners = geometry, winners

    def places(self):
        """For each element of a window the index of what it meets in x."""
        kernel, stride, size, _ = self.geometry
        return [(..., i, j) for _, _, i, j in places(kernel, size, stride)]

    def counted(self, part, k):
        """`part` where the k-th place of the window counts, and 0 elsewhere."""
        return part if self.winners is None else part * (self.winners == k)


class MaxPool2d(_Pooling):
    """y[n,c,i,j] = max over u, v of x[n, c, i·s + u, j·s + v]; of equal ones the first counts as the winner"""

    def forward(self, x):
        xp = get_array_module(x)
        first, *others = self.places()
        counter = "int16" if len(others) < 1 << 15 else "int32"
        y, self.winners = x[first], xp.zeros_like(x[first], dtype=counter)  # which place of the window won
        for k, place in enumerate(others, 1):
            before, y = y, xp.maximum(y, x[place])
            self.winners = xp.maximum(self.winners, k * (y != before).astype(counter))
        return y

    def grad_x(self, g, y, x):
        return Spread2d(self.geometry, self.winners)(g)


class SumPool2d(_Pooling):
    """y[n,c,i,j] = Σ x[n, c, i·s + u, j·s + v] over u, v, or over those that won"""

    def forward(self, x):
        return sum(self.counted(x[place], k) for k, place in enumerate(self.places()))

    def grad_x(self, g, y, x):
        return Spread2d(self.geometry, self.winners)(g)


class Spread2d(_Pooling):
    """x[n, c, i·s + u, j·s + v] += y[n,c,i,j] for all u, v, or those that won, from x = 0: `SumPool2d`'s adjoint"""

    def forward(self, y):
        kernel, stride, _, whole = self.geometry
        overlap = any(k > s for k, s in zip(kernel, stride))
        x = get_array_module(y).zeros_like(y, shape=y.shape[:2] + whole)  # in y's memory layout
        for k, place in enumerate(self.places()):
            part = self.counted(y, k)
            x[place] = x[place] + part if overlap else part
        return x

    def grad_y(self, g, x, y):
        return SumPool2d(self.geometry, self.winners)(g)


# ------------------------------------------------------------------ what people call
def max_pool2d(input, kernel_size, stride=None, padding=0):
    """The largest of each window: (N, C, H, W) → (N, C, OH, OW), with

        OH = ⌊(H + 2·padding − KH) / stride⌋ + 1

    and OW likewise. `stride` is by default the kernel size; the margin counts as −∞ and is at most half a kernel wide,
    so that every window has a pixel. Of equal pixels in a window the first, row by row, receives the gradient.

    Raises ValueError for what is no batch of images, a wider margin, and a window larger than the padded image.

    >>> from minigrad import tensor
    >>> x = tensor([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4.]])
    >>> max_pool2d(x.reshape(1, 1, 4, 4), 2)
    tensor([[[[6., 8.],
              [3., 4.]]]])
    """
    kernel, stride, padding, size = _windows("max_pool2d", input, kernel_size, stride, padding)
    x = with_margin(input, padding, -math.inf)
    return MaxPool2d((kernel, stride, size, x.shape[2:]))(x)


def avg_pool2d(input, kernel_size, stride=None, padding=0):
    """The mean of each window; sizes as in `max_pool2d`. The margin's zeros are counted, as in PyTorch by default."""
    kernel, stride, padding, size = _windows("avg_pool2d", input, kernel_size, stride, padding)
    x = with_margin(input, padding)
    return SumPool2d((kernel, stride, size, x.shape[2:]))(x) / math.prod(kernel)


def interpolate(input, *, scale_factor, mode="nearest"):
    """Each pixel made a block of `scale_factor` (an integer, or a pair) equal ones: (N, C, H, W) → (N, C, H·f, W·f)."""
    if mode != "nearest":
        raise ValueError(f'interpolate: the mode is "nearest", not {mode!r}')
    block = pair("interpolate", "scale_factor", scale_factor, 1)
    check_images("interpolate", input)
    size = input.shape[2:]
    return Spread2d((block, block, size, (size[0] * block[0], size[1] * block[1])))(input)


def _windows(name, x, kernel, stride, padding):
    check_images(name, x)
    kernel = pair(name, "kernel_size", kernel, 1)
    stride, padding, _ = steps(name, kernel if stride is None else stride, padding)
    if any(2 * p > k for p, k in zip(padding, kernel)):
        raise ValueError(f"{name}: the padding {padding} must be at most half of the kernel {kernel}")
    return kernel, stride, padding, places_in(name, x, kernel, stride, padding)
