"""The functions behind the layers, under PyTorch's names; they are written in `minigrad/ops`."""

from ..ops import (
    batch_norm, binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, dropout, l1_loss, layer_norm,
    leaky_relu, linear, log_softmax, mse_loss, nll_loss, pad, relu, softmax, softplus,
)  # fmt: skip
