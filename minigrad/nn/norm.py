"""Layers that normalise or regularise: batch norm, layer norm, dropout, minibatch discrimination."""

import math

from .. import ops
from ..creation import ones, zeros
from ..ops.shape import _shape
from ..tensor import Tensor
from . import functional as F
from .module import Module, Parameter, at_least_one


class _BatchNorm(Module):
    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True,
        track_running_stats: bool = True,
    ):  # fmt: skip
        at_least_one("channel", self, num_features)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = Parameter(ones(num_features)) if affine else None
        self.bias = Parameter(zeros(num_features)) if affine else None
        self.register_buffer("running_mean", zeros(num_features) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", Tensor(0) if track_running_stats else None)

    def forward(self, x):
        if x.ndim not in self.ranks:
            raise ValueError(f"{type(self).__name__} takes {self.takes}, and the input has shape {x.shape}")
        statistics, of_batch = (self.running_mean, self.running_var), self.training or not self.track_running_stats
        y = F.batch_norm(x, *statistics, self.weight, self.bias, of_batch, self.momentum, self.eps)
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
        return y

    def extra_repr(self):
        return super().extra_repr().removeprefix("num_features=")


class BatchNorm1d(_BatchNorm):
    """weight·(x − μ)/√(σ² + ε) + bias for each feature of x (N, C), or channel of x (N, C, L).

    In training μ and σ² are mean and variance over the batch (and the places), so that an output depends on the other
    examples in its batch; running_mean and running_var follow them, the variance with n − 1. Under `eval()` the running
    ones are used, so the two modes differ by design. weight (C,) starts as 1 and bias (C,) as 0.

    Raises ValueError in training if there is only one value per channel (Ioffe & Szegedy 2015).
    """

    ranks, takes = (2, 3), "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    """`BatchNorm1d` for images (N, C, H, W): the statistics of a channel are taken over N, H and W.

    >>> from minigrad import randn
    >>> y = BatchNorm2d(3)(randn(8, 3, 5, 7))
    >>> bool(y.mean((0, 2, 3)).abs().max() < 1e-6)
    True
    """

    ranks, takes = (4,), "images (N, C, H, W)"


class LayerNorm(Module):
    """weight·(x − μ)/√(σ² + ε) + bias: each example is normalised by itself, in training and evaluation alike.

    μ and σ² are mean and variance over the last axes, whose lengths are `normalized_shape`, as weight and bias have
    them, which start as 1 and 0 (Ba, Kiros & Hinton 2016).

    >>> LayerNorm(5)(ones(2, 3, 5)).shape
    (2, 3, 5)
    """

    def __init__(self, normalized_shape, eps: float = 1e-5, elementwise_affine: bool = True):
        self.normalized_shape, self.eps = _shape((normalized_shape,)), eps
        self.weight = Parameter(ones(self.normalized_shape)) if elementwise_affine else None
        self.bias = Parameter(zeros(self.normalized_shape)) if elementwise_affine else None

    def forward(self, x):
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.weight is not None}"


class Dropout(Module):
    """In training each element is 0 with probability p and else x/(1 − p), so the mean stays; in evaluation x itself.

    (Srivastava et al. 2014, section 10)
    """

    def __init__(self, p: float = 0.5):
        self.p = p

    def forward(self, x):
        return F.dropout(x, self.p, self.training)


class MinibatchDiscrimination(Module):
    """x (N, A) with B more features that tell how close each example is to the others in its batch: (N, A + B).

    With M = x·T, where T (A, B, C) is learned, the new feature b of example i is Σⱼ exp(−‖M[i, b] − M[j, b]‖₁) over all
    examples j of the batch (Salimans et al. 2016, section 3.2). As in the paper j = i is among them: it adds 1, which
    has no gradient and which the next layer's bias can take off. So a discriminator sees a generator repeat itself.

    The paper does not say how T starts. Here it is normal with standard deviation 1/(C·√A): inputs of variance 1 are
    then about 1 apart, where exp(−distance) is neither near 1 nor near 0.

    >>> MinibatchDiscrimination(16, 5, 3)(ones(4, 16)).shape
    (4, 21)
    """

    def __init__(self, in_features: int, out_features: int, kernel_dims: int):
        at_least_one("feature in and out and one kernel dimension", self, in_features, out_features, kernel_dims)
        self.in_features, self.out_features, self.kernel_dims = in_features, out_features, kernel_dims
        std = 1 / (kernel_dims * math.sqrt(in_features))
        self.T = Parameter(zeros(in_features, out_features, kernel_dims)).normal_(0, std)

    def forward(self, x):
        a, b, c = self.T.shape
        if x.ndim != 2 or x.shape[1] != a:
            raise ValueError(f"MinibatchDiscrimination takes (N, {a}), and the input has shape {x.shape}")
        m = (x @ self.T.reshape(a, b * c)).reshape(-1, 1, b, c)  # (N, 1, B, C)
        distance = ops.abs(m - m.reshape(1, -1, b, c)).sum(3)  # (N, N, B)
        return ops.cat([x, ops.exp(-distance).sum(1)], 1)
