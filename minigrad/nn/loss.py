"""Losses as layers: ``loss(input, target)``; the formulas are in `minigrad/ops/loss.py`."""

from .. import ops
from .module import Module


class _Loss(Module):
    """A layer over its class's `function`"""

    def __init__(self, *, reduction: str = "mean"):
        self.reduction = reduction

    def forward(self, input, target):
        return type(self).function(input, target, reduction=self.reduction)

    def extra_repr(self):
        return ""


class MSELoss(_Loss):
    """Mean squared error, (1/n) Σ (x − t)²"""

    function = ops.mse_loss


class L1Loss(_Loss):
    """Mean absolute error, (1/n) Σ |x − t|"""

    function = ops.l1_loss


class RMSELoss(Module):
    """Root mean squared error, √((1/n) Σ (x − t)²), with gradient 0 where the error is 0"""

    forward = staticmethod(ops.rmse_loss)


class BCELoss(_Loss):
    """Cross-entropy −t·log p − (1 − t)·log(1 − p) of probabilities"""

    function = ops.binary_cross_entropy


class BCEWithLogitsLoss(_Loss):
    """The same of logits: finite and exact at any size of logit"""

    function = ops.binary_cross_entropy_with_logits


class NLLLoss(_Loss):
    """−log p at the label, for log-probabilities (N, C, ...) and labels (N, ...)"""

    function = ops.nll_loss


class CrossEntropyLoss(_Loss):
    """−log softmax(x) at the label, for logits x (N, C, ...) and labels (N, ...), integers from 0 to C − 1"""

    function = ops.cross_entropy


class GaussianKL(_Loss):
    """KL(N(μ, e^logvar) ‖ N(0, 1)) in nats: ``loss(mu, logvar)``; summed over latent axes, averaged over the batch"""

    function = ops.gaussian_kl
