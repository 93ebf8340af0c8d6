"""Convolution layers; the formulas are in `minigrad/ops/conv.py`."""

from __future__ import annotations

import math

from .. import ops
from ..creation import zeros
from ..ops.conv import pair, steps
from .module import Module, Parameter

Size = int | tuple[int, int]  # one number for both directions, or (along H, along W)


class _Convolution(Module):
    def _start(self, first: int, second: int, kernel_size: Size, biases: int):
        """weight (first, second, KH, KW) and, if any, `biases`, uniform in ±1/√(second·KH·KW)."""
        name = type(self).__name__
        if min(first, second) < 1:
            raise ValueError(f"{name} needs at least one channel in and out, not {first} and {second}")
        shape = first, second, *pair(name, "kernel_size", kernel_size, 1)
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        self.weight = Parameter(zeros(shape)).uniform_(-bound, bound)
        self.bias = Parameter(zeros(biases)).uniform_(-bound, bound) if biases else None

    def _repr(self, channels, **others):
        options = {"kernel_size": self.weight.shape[2:], "stride": self.stride, "padding": self.padding, **others}
        options |= {"dilation": self.dilation, "bias": self.bias is not None}
        return ", ".join([str(n) for n in channels] + [f"{name}={value}" for name, value in options.items()])


class Conv2d(_Convolution):
    """Convolution (cross-correlation) of images: x (N, in_channels, H, W) → y (N, out_channels, OH, OW), where

        OH = ⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1

    and OW likewise. Sizes are integers or pairs (along H, along W). `padding_mode` says what the margin holds: "zeros",
    "reflect" (the image mirrored at its edge) or "replicate" (the edge itself). weight (out_channels, in_channels, KH,
    KW) and bias (out_channels,) start uniform in ±1/√(in_channels·KH·KW), as in PyTorch.

    >>> from minigrad import ones
    >>> Conv2d(1, 8, 3, stride=2, padding=1)(ones(5, 1, 28, 28)).shape
    (5, 8, 14, 14)
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Size, stride: Size = 1, padding: Size = 0,
        dilation: Size = 1, *, bias: bool = True, padding_mode: str = "zeros",
    ):  # fmt: skip
        if padding_mode not in ("zeros", "reflect", "replicate"):
            raise ValueError(f'Conv2d: padding_mode is "zeros", "reflect" or "replicate", not {padding_mode!r}')
        self.stride, self.padding, self.dilation = steps("Conv2d", stride, padding, dilation)
        self.padding_mode = padding_mode
        self._start(out_channels, in_channels, kernel_size, out_channels if bias else 0)

    def forward(self, x):
        padding = self.padding
        if self.padding_mode != "zeros":
            (h, w), padding = padding, 0
            x = ops.pad(x, (w, w, h, h), self.padding_mode)
        return ops.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation)

    def extra_repr(self):
        return self._repr(self.weight.shape[1::-1], padding_mode=self.padding_mode)


class ConvTranspose2d(_Convolution):
    """The adjoint of a convolution, which enlarges: x (N, in_channels, H, W) → y (N, out_channels, OH, OW), where

        OH = (H − 1)·stride − 2·padding + dilation·(KH − 1) + output_padding + 1

    and OW likewise. Sizes are integers or pairs (along H, along W). weight (in_channels, out_channels, KH, KW) and bias
    (out_channels,) start uniform in ±1/√(out_channels·KH·KW), as in PyTorch.

    >>> from minigrad import ones
    >>> ConvTranspose2d(8, 1, 4, stride=2, padding=1)(ones(5, 8, 14, 14)).shape
    (5, 1, 28, 28)
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Size, stride: Size = 1, padding: Size = 0,
        output_padding: Size = 0, *, bias: bool = True, dilation: Size = 1,
    ):  # fmt: skip
        self.stride, self.padding, self.dilation = steps("ConvTranspose2d", stride, padding, dilation)
        self.output_padding = pair("ConvTranspose2d", "output_padding", output_padding, 0)
        self._start(in_channels, out_channels, kernel_size, out_channels if bias else 0)

    def forward(self, x):
        sizes = self.stride, self.padding, self.output_padding
        return ops.conv_transpose2d(x, self.weight, self.bias, *sizes, dilation=self.dilation)

    def extra_repr(self):
        return self._repr(self.weight.shape[:2], output_padding=self.output_padding)
