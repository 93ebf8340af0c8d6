"""Layers without parameters that change the shape of images: pooling, padding, enlarging, flattening.

The formulas are in `pool.py`, `pad.py` and `shape.py` of `minigrad/ops`.
"""

import math

from .. import ops
from ..ops.conv import check_images
from ..ops.shape import axis_of
from .conv import Size
from .module import Module


# ------------------------------------------------------------------ pooling
class _Pool(Module):
    """A layer over its class's `function`"""

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0):
        self.kernel_size, self.stride, self.padding = kernel_size, kernel_size if stride is None else stride, padding

    def forward(self, x):
        return type(self).function(x, self.kernel_size, self.stride, self.padding)


class MaxPool2d(_Pool):
    """The largest of each window, whose stride is by default its size: (N, C, H, W) → (N, C, OH, OW), where

        OH = ⌊(H + 2·padding − KH) / stride⌋ + 1

    and OW likewise. Sizes are integers or pairs (along H, along W). The margin counts as −∞.
    """

    function = ops.max_pool2d


class AvgPool2d(_Pool):
    """The mean of each window, the margin's zeros included; sizes as in `MaxPool2d`"""

    function = ops.avg_pool2d


class AdaptiveAvgPool2d(Module):
    """The mean of each whole channel: (N, C, H, W) → (N, C, 1, 1). The output size 1 is the only one offered."""

    def __init__(self, output_size: Size):
        if output_size not in (1, (1, 1)):
            raise ValueError(f"AdaptiveAvgPool2d: the output size is 1, not {output_size!r}; for others use AvgPool2d")
        self.output_size = output_size

    def forward(self, x):
        check_images("AdaptiveAvgPool2d", x)
        return ops.mean(x, (2, 3), keepdims=True)


# ------------------------------------------------------------------ padding and enlarging
class _Pad(Module):
    """A margin of its class's `mode`"""

    def __init__(self, padding: int | tuple[int, int, int, int]):
        self.padding = (padding,) * 4 if hasattr(padding, "__index__") else tuple(padding)

    def forward(self, x):
        return ops.pad(x, self.padding, self.mode)

    def extra_repr(self):
        return str(self.padding)


class ZeroPad2d(_Pad):
    """A margin of zeros, `padding` wide on all sides, or (left, right, top, bottom)"""

    mode = "constant"


class ReflectionPad2d(_Pad):
    """A margin that mirrors the image at its edge, `padding` wide on all sides, or (left, right, top, bottom)"""

    mode = "reflect"


class ReplicationPad2d(_Pad):
    """A margin that repeats the image's edge, `padding` wide on all sides, or (left, right, top, bottom)"""

    mode = "replicate"


class Upsample(Module):
    """Each pixel as a block of `scale_factor` equal ones, an integer or a pair: (N, C, H, W) → (N, C, H·f, W·f)"""

    def __init__(self, *, scale_factor: Size, mode: str = "nearest"):
        self.scale_factor, self.mode = scale_factor, mode

    def forward(self, x):
        return ops.interpolate(x, scale_factor=self.scale_factor, mode=self.mode)


# ------------------------------------------------------------------ between images and features
class Flatten(Module):
    """The axes from `start_dim` to `end_dim` as one: (N, C, H, W) → (N, C·H·W)"""

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x):
        return ops.flatten(x, self.start_dim, self.end_dim)


class Unflatten(Module):
    """The axis `dim` split into several: with dim 1 and sizes (C, H, W), (N, C·H·W) → (N, C, H, W)"""

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]):
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, x):
        axis, sizes = axis_of("Unflatten", x, self.dim), self.unflattened_size
        if math.prod(sizes) != x.shape[axis]:
            raise ValueError(
                f"Unflatten: the sizes {sizes} make {math.prod(sizes)} elements, and axis {self.dim} "
                f"of shape {x.shape} has {x.shape[axis]}: their product must be that"
            )
        return ops.reshape(x, x.shape[:axis] + sizes + x.shape[axis + 1 :])
