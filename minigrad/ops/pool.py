"""Pooling: one number from each window of an image, the largest or the sum; and back, which enlarges an image.

As in `conv.py`, shapes are (N, C, H, W). No op looks at windows as such: for each element of a window, `places` gives
the slices of x where it lies in all of them, and whole arrays are compared or added. Padding is left to `Pad`.
"""

import math

from ..autograd import Op
from ..backend import get_array_module
from .conv import check_images, pair, places, places_in, steps, with_margin


class _Pooling(Op):
    """`size`: height and width of the pooled images"""

    def __init__(self, kernel, size, stride):
        self.kernel, self.size, self.stride = kernel, size, stride

    def places(self):
        """For each element of a window the index of what it meets in x."""
        return [(..., i, j) for _, _, i, j in places(self.kernel, self.size, self.stride)]

    def winners(self, x, y):
        """For each of the `places` the windows of x whose maximum y lies there; of equal ones it is the first."""
        free = get_array_module(x).ones_like(y, dtype=bool)  # in windows whose maximum has not been met yet
        for place in self.places():
            here = x[place] == y
            here &= free
            free ^= here
            yield place, here


# ------------------------------------------------------------------ the largest
class MaxPool2d(_Pooling):
    """y[n,c,i,j] = max over u, v of x[n, c, i·s + u, j·s + v]; the first of equal maxima has the gradient"""

    def forward(self, x):
        first, *others = self.places()
        y = x[first]
        for place in others:
            y = get_array_module(x).maximum(y, x[place])
        return y

    def grad_x(self, g, y, x):
        return ToWinners(self.kernel, self.size, self.stride)(g, y, x)


class ToWinners(_Pooling):
    """z[n, c, i·s + u, j·s + v] += g[n,c,i,j] from z = 0, where x first has the maximum y of its window"""

    grad_y = grad_x = None

    def forward(self, g, y, x):
        z = get_array_module(x).zeros_like(x, dtype=g.dtype)
        overlap = any(k > s for k, s in zip(self.kernel, self.stride))
        for place, here in self.winners(x, y):
            z[place] = z[place] + g * here if overlap else g * here
        return z

    def grad_g(self, g, z, old, y, x):
        return FromWinners(self.kernel, self.size, self.stride)(g, y, x)


class FromWinners(_Pooling):
    """g[n,c,i,j] = z[n, c, i·s + u, j·s + v], where x first has the maximum y of its window"""

    grad_y = grad_x = None

    def forward(self, z, y, x):
        g = get_array_module(y).zeros_like(y, dtype=z.dtype)
        for place, here in self.winners(x, y):
            g += z[place] * here
        return g

    def grad_z(self, g, old, z, y, x):
        return ToWinners(self.kernel, self.size, self.stride)(g, y, x)


# ------------------------------------------------------------------ sums
class SumPool2d(_Pooling):
    """y[n,c,i,j] = Σ x[n, c, i·s + u, j·s + v] over u, v"""

    def forward(self, x):
        return sum(x[place] for place in self.places())

    def grad_x(self, g, y, x):
        return Spread2d(self.kernel, self.size, self.stride, x.shape[2:])(g)


class Spread2d(_Pooling):
    """x[n, c, i·s + u, j·s + v] += y[n,c,i,j] for each u, v, from x = 0: the adjoint of `SumPool2d`"""

    def __init__(self, kernel, size, stride, whole):
        super().__init__(kernel, size, stride)
        self.whole = whole

    def forward(self, y):
        x = get_array_module(y).zeros_like(y, shape=y.shape[:2] + self.whole)
        for place in self.places():
            x[place] += y
        return x

    def grad_y(self, g, x, y):
        return SumPool2d(self.kernel, self.size, self.stride)(g)


# ------------------------------------------------------------------ what people call
def max_pool2d(input, kernel_size, stride=None, padding=0):
    """The largest of each window: (N, C, H, W) → (N, C, OH, OW), with

        OH = ⌊(H + 2·padding − KH) / stride⌋ + 1

    and OW likewise. `stride` is by default the kernel size; the margin counts as −∞ and is at most half a kernel wide,
    so that every window has a pixel. Of equal pixels in a window the first, row by row, receives the gradient.

    >>> from minigrad import tensor
    >>> x = tensor([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4.]])
    >>> max_pool2d(x.reshape(1, 1, 4, 4), 2)
    tensor([[[[6., 8.],
              [3., 4.]]]])
    """
    kernel, stride, padding, size = _windows("max_pool2d", input, kernel_size, stride, padding)
    return MaxPool2d(kernel, size, stride)(with_margin(input, padding, -math.inf))


def avg_pool2d(input, kernel_size, stride=None, padding=0):
    """The mean of each window; sizes as in `max_pool2d`. The margin's zeros are counted, as in PyTorch by default."""
    kernel, stride, padding, size = _windows("avg_pool2d", input, kernel_size, stride, padding)
    return SumPool2d(kernel, size, stride)(with_margin(input, padding)) / math.prod(kernel)


def interpolate(input, *, scale_factor, mode="nearest"):
    """Each pixel made a block of `scale_factor` (an integer, or a pair) equal ones: (N, C, H, W) → (N, C, H·f, W·f)."""
    if mode != "nearest":
        raise ValueError(f'interpolate: the mode is "nearest", not {mode!r}')
    block = pair("interpolate", "scale_factor", scale_factor, 1)
    check_images("interpolate", input)
    return Spread2d(block, input.shape[2:], block, tuple(n * b for n, b in zip(input.shape[2:], block)))(input)


def _windows(name, x, kernel, stride, padding):
    check_images(name, x)
    kernel = pair(name, "kernel_size", kernel, 1)
    stride, padding, _ = steps(name, kernel if stride is None else stride, padding)
    if any(2 * p > k for p, k in zip(padding, kernel)):
        raise ValueError(f"{name}: the padding {padding} must be at most half of the kernel {kernel}")
    return kernel, stride, padding, places_in(name, x, kernel, stride, padding)
