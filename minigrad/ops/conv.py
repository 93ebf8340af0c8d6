"""Convolution in two dimensions: three bilinear ops, of which each has the other two as its gradients.

Shapes are PyTorch's, (N, C, H, W), and memory is channels-last: arrays are views of (N, H, W, C), a layout that ufuncs
keep. Then the patch under a kernel lies in memory as a few long rows, and one matrix product does all the work::

    columns (N·OH·OW, KH·KW·C) @ filters (KH·KW·C, O)

Read `Conv2d` first, then `columns`. N counts images, C and O channels in and out, u and v run over the kernel; s is the
stride and d the dilation. Padding and cropping are left to `Pad`.
"""

import math
from itertools import product

from ..autograd import Op
from ..backend import get_array_module
from .pad import Pad
from .reduce import sum


class _Convolution(Op):
    """`size`: height and width of the result; `made`: the columns made last, and of what, for other ops as well"""

    def __init__(self, size, stride, dilation, made=None):
        self.size, self.stride, self.dilation = size, stride, dilation
        self.made = {} if made is None else made

    def columns(self, x, kernel, size):
        if self.made.get("of") is not x:
            self.made.update(of=x, columns=columns(x, kernel, size, self.stride, self.dilation))
        return self.made["columns"]


class Conv2d(_Convolution):
    """y[n,o,i,j] = Σ x[n, c, i·s + u·d, j·s + v·d] · w[o,c,u,v] over c, u, v, + b[o]; b may be None"""

    def forward(self, x, w, b):
        filters = w.transpose(2, 3, 1, 0).reshape(-1, w.shape[0])  # (KH·KW·C, O)
        y = self.columns(x, w.shape[2:], self.size) @ filters  # (N·OH·OW, O)
        return _with_bias(y.reshape(x.shape[0], *self.size, w.shape[0]), b)

    def grad_x(self, g, y, x, w, b):
        return ConvTranspose2d(x.shape[2:], self.stride, self.dilation)(g, w, None)

    def grad_w(self, g, y, x, w, b):
        return Conv2dWeightGrad(w.shape[2:], self.stride, self.dilation, self.made)(x, g)

    def grad_b(self, g, y, x, w, b):
        return _over_images(g)


class ConvTranspose2d(_Convolution):
    """y[n, c, i·s + u·d, j·s + v·d] += x[n,o,i,j] · w[o,c,u,v] for all o, i, j, u, v, from y = b[c]; b may be None

    Here o counts the channels that come in. Each element u, v of the kernel is one matrix product, which is added to
    the pixels that it meets.
    """

    def forward(self, x, w, b):
        xp = get_array_module(x)
        (n, _, *spread), (_, c, *kernel) = x.shape, w.shape
        rows, filters = _rows(x), xp.ascontiguousarray(w.transpose(2, 3, 0, 1))  # (N·H·W, O), (KH, KW, O, C)
        y = xp.zeros((n, *self.size, c), xp.result_type(x, w))
        for u, v, i, j in places(kernel, spread, self.stride, self.dilation):
            y[:, i, j] += (rows @ filters[u, v]).reshape(n, *spread, c)
        return _with_bias(y, b)

    def grad_x(self, g, y, x, w, b):
        return Conv2d(x.shape[2:], self.stride, self.dilation, self.made)(g, w, None)

    def grad_w(self, g, y, x, w, b):
        return Conv2dWeightGrad(w.shape[2:], self.stride, self.dilation, self.made)(g, x)

    def grad_b(self, g, y, x, w, b):
        return _over_images(g)


class Conv2dWeightGrad(_Convolution):
    """w[o,c,u,v] = Σ x[n, c, i·s + u·d, j·s + v·d] · y[n,o,i,j] over n, i, j"""

    def forward(self, x, y):
        w = self.columns(x, self.size, y.shape[2:]).T @ _rows(y)  # (KH·KW·C, O)
        return w.reshape(*self.size, x.shape[1], y.shape[1]).transpose(3, 2, 0, 1)

    def grad_x(self, g, w, x, y):
        return ConvTranspose2d(x.shape[2:], self.stride, self.dilation)(y, g, None)

    def grad_y(self, g, w, x, y):
        return Conv2d(y.shape[2:], self.stride, self.dilation, self.made)(x, g, None)


# ------------------------------------------------------------------ on arrays
def columns(x, kernel, size, stride, dilation):
    """The patches that a kernel meets at its `size` places, each as a row: (N·OH·OW, KH·KW·C)."""
    xp = get_array_module(x)
    x = xp.ascontiguousarray(x.transpose(0, 2, 3, 1))
    (n, h, w, c), (sh, sw), (dh, dw) = x.strides, stride, dilation
    shape, strides = (x.shape[0], *size, *kernel, x.shape[3]), (n, sh * h, sw * w, dh * h, dw * w, c)
    patches = xp.lib.stride_tricks.as_strided(x, shape, strides)  # a view (N, OH, OW, KH, KW, C)
    rows, row = math.prod(shape[:3]), math.prod(shape[3:])
    if x.shape[3] > 2:
        return patches.reshape(rows, row)
    return xp.ascontiguousarray(patches.transpose(3, 4, 5, 0, 1, 2)).reshape(row, rows).T  # longer runs of memory


def places(kernel, size, stride, dilation=(1, 1)):
    """For each element u, v of a kernel the rows and columns that it meets while the kernel goes to `size` places."""
    (h, w), (sh, sw), (dh, dw) = size, stride, dilation
    for u, v in product(range(kernel[0]), range(kernel[1])):
        i, j = u * dh, v * dw
        yield u, v, slice(i, i + sh * (h - 1) + 1, sh), slice(j, j + sw * (w - 1) + 1, sw)


def _rows(x):
    """(N, C, H, W) as a matrix with one row per pixel: (N·H·W, C)."""
    n, c, h, w = x.shape
    return x.transpose(0, 2, 3, 1).reshape(n * h * w, c)


def _with_bias(y, b):
    """y (N, H, W, O), new, as (N, O, H, W), plus b (O,), which is first repeated to the length of a whole image."""
    n, h, w, o = y.shape
    if b is not None:
        image = y.reshape(n, h * w * o)
        image += get_array_module(b).tile(b, h * w)
    return y.transpose(0, 3, 1, 2)


# ------------------------------------------------------------------ on arrays and Tensors
def _over_images(g):
    """Σ over all pixels of all images: (N, C, H, W) → (C,); images first, whose sum runs through memory in order."""
    return sum(sum(g, 0), (1, 2))


# ------------------------------------------------------------------ what people call
def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1):
    """Each filter laid over the images at every `stride`-th place, and there multiplied and summed (cross-correlation).

    input (N, C, H, W), weight (O, C, KH, KW), bias (O,) or None → (N, O, OH, OW), with

        OH = ⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1

    and OW likewise. `padding` is the width of the margin of zeros, `dilation` the distance between the pixels that
    neighbours in the filter meet. Each of the three is an integer, or a pair (along H, along W).

    Raises ValueError for shapes that do not fit, and where the dilated kernel is larger than the padded input.

    >>> from minigrad import ones
    >>> conv2d(ones(1, 1, 3, 3), ones(1, 1, 3, 3), padding=1)
    tensor([[[[4., 6., 4.],
              [6., 9., 6.],
              [4., 6., 4.]]]])
    """
    _check_shapes("conv2d", input, weight, bias, channels=1)
    stride, padding, dilation = steps("conv2d", stride, padding, dilation)
    size = places_in("conv2d", input, weight.shape[2:], stride, padding, dilation)
    return Conv2d(size, stride, dilation)(with_margin(input, padding), weight, bias)


def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, *, dilation=1):
    """The adjoint of `conv2d`: each pixel paints the filter, times its value, into the output, `stride` apart.

    input (N, C, H, W), weight (C, O, KH, KW), bias (O,) or None → (N, O, OH, OW), with

        OH = (H − 1)·stride − 2·padding + dilation·(KH − 1) + output_padding + 1

    and OW likewise. `padding` is the width of the margin that is cut off, `output_padding` what is added below and on
    the right, where `conv2d` with this stride would have several sizes of input for one of output.

    Raises ValueError for shapes that do not fit, an empty output, and an output_padding that is smaller neither than
    the stride nor than the dilation.

    >>> from minigrad import ones
    >>> conv_transpose2d(ones(1, 1, 2, 2), ones(1, 1, 2, 2))
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    name = "conv_transpose2d"
    _check_shapes(name, input, weight, bias, channels=0)
    stride, padding, dilation = steps(name, stride, padding, dilation)
    extra = pair(name, "output_padding", output_padding, least=0)
    if any(e >= s and e >= d for e, s, d in zip(extra, stride, dilation)):
        raise ValueError(
            f"{name}: output_padding {extra} must be smaller than the stride {stride} or the dilation {dilation}: "
            "it chooses between the sizes that a conv2d with this stride makes equal"
        )
    pixels, kernel = input.shape[2:], weight.shape[2:]
    whole = tuple((n - 1) * s + d * (k - 1) + e + 1 for n, s, d, k, e in zip(pixels, stride, dilation, kernel, extra))
    if min(n - 2 * p for n, p in zip(whole, padding)) < 1:
        raise ValueError(
            f"{name}: of an input {pixels} with kernel {kernel} a padding of {padding} leaves nothing: the output size "
            "is (H − 1)·stride − 2·padding + dilation·(KH − 1) + output_padding + 1, which must be at least 1"
        )
    painted = ConvTranspose2d(whole, stride, dilation)(input, weight, bias)
    return with_margin(painted, tuple(-p for p in padding))


def with_margin(x, margin, value=0):
    """x (N, C, H, W) with a margin (above and below, left and right) of `value`; a negative one is cut off."""
    if not any(margin):
        return x
    return Pad(((0, 0), (0, 0), *((m, m) for m in margin)), value)(x)


# ------------------------------------------------------------------ checks
def check_images(name, x):
    """x must be a batch of images, of at least one pixel each."""
    if not hasattr(x, "ndim"):
        raise TypeError(f"{name} takes a tensor, not a {type(x).__name__}; a batch is a tuple: for (x,) in loader")
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise ValueError(
            f"{name} takes a batch of images (N, C, H, W) of at least one pixel, not shape {x.shape}; "
            "to one image alone unsqueeze(0) adds the first axis"
        )


def pair(name, what, value, least):
    """(2, 2) from 2 and (2, 3) from (2, 3), each an integer of at least `least`."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2 or not all(hasattr(v, "__index__") and v >= least for v in both):
        raise ValueError(f"{name}: {what} must be an integer of at least {least} or a pair of them, not {value!r}")
    return int(both[0]), int(both[1])


def steps(name, stride, padding, dilation=1):
    """The three as pairs."""
    return pair(name, "stride", stride, 1), pair(name, "padding", padding, 0), pair(name, "dilation", dilation, 1)


def places_in(name, x, kernel, stride, padding, dilation=(1, 1)):
    """How many places along H and W a kernel has in the images x, once they are padded."""
    wide = tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel))
    room = tuple(n + 2 * p for n, p in zip(x.shape[2:], padding))
    if wide[0] > room[0] or wide[1] > room[1]:
        raise ValueError(
            f"{name}: a kernel {kernel} with dilation {dilation} covers {wide}, and the input {x.shape[2:]} padded by "
            f"{padding} has only {room}: take a smaller kernel or more padding; the output size "
            "⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1 must be at least 1"
        )
    return tuple((r - k) // s + 1 for r, k, s in zip(room, wide, stride))


def _check_shapes(name, x, w, b, channels):
    """`channels` is the axis of the weight w that has the channels of x; the other one has those of the output."""
    layout = "(O, C, KH, KW)" if channels else "(C, O, KH, KW)"
    check_images(name, x)
    if w.ndim != 4 or 0 in w.shape:
        raise ValueError(f"{name}: the weight has shape {layout}, not {w.shape}")
    if x.shape[1] != w.shape[channels]:
        raise ValueError(
            f"{name}: the input of shape {x.shape} (N, C, H, W) should have {w.shape[channels]} channels on axis 1, "
            f"as the weight of shape {w.shape} {layout} takes them"
            + (": permute(0, 3, 1, 2) brings them from the last axis" if x.shape[3] == w.shape[channels] else "")
        )
    if b is not None and b.shape != (w.shape[1 - channels],):
        raise ValueError(f"{name}: the bias has shape (O,), here ({w.shape[1 - channels]},), and not {b.shape}")
