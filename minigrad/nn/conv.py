"""Convolution layers; the formulas are in `minigrad/ops/conv.py`."""

import math

from .. import ops
from ..creation import zeros
from ..ops.conv import pair, steps
from .module import Module, Parameter, at_least_one

Size = int | tuple[int, int]  # one number for both directions, or (along H, along W)


class _Convolution(Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride, padding, dilation, bias, transposed):
        at_least_one("channel in and out", self, in_channels, out_channels)
        name = type(self).__name__
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = pair(name, "kernel_size", kernel_size, 1)
        self.stride, self.padding, self.dilation = steps(name, stride, padding, dilation)
        first, second = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        bound = 1 / math.sqrt(second * math.prod(self.kernel_size))
        self.weight = Parameter(zeros(first, second, *self.kernel_size)).uniform_(-bound, bound)
        self.bias = Parameter(zeros(out_channels)).uniform_(-bound, bound) if bias else None

    def extra_repr(self):
        sizes = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        usual = dict(padding=(0, 0), dilation=(1, 1), output_padding=(0, 0), padding_mode="zeros")
        return sizes + self._unusual(usual) + ("" if self.bias is not None else ", bias=False")


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
        self.padding_mode = padding_mode
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, bias, transposed=False)

    def forward(self, x):
        padding = self.padding
        if self.padding_mode != "zeros":
            (h, w), padding = padding, 0
            x = ops.pad(x, (w, w, h, h), self.padding_mode)
        return ops.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation)


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
        self.output_padding = pair("ConvTranspose2d", "output_padding", output_padding, 0)
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, bias, transposed=True)

    def forward(self, x):
        sizes = self.stride, self.padding, self.output_padding
        return ops.conv_transpose2d(x, self.weight, self.bias, *sizes, dilation=self.dilation)
