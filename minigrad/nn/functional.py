"""The functions behind the layers, under PyTorch's names; they are written in `minigrad/ops`."""

from ..ops import (
    avg_pool2d, batch_norm, binary_cross_entropy, binary_cross_entropy_with_logits, conv2d, conv_transpose2d,
    cross_entropy, dropout, embedding, interpolate, l1_loss, layer_norm, leaky_relu, linear, log_softmax, max_pool2d,
    mse_loss, nll_loss, one_hot, pad, relu, softmax, softplus,
)  # fmt: skip
