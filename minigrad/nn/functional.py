"""The functions behind the layers, under PyTorch's names; they are written in `minigrad/ops`."""

from ..ops import (
    binary_cross_entropy, binary_cross_entropy_with_logits, leaky_relu, linear, log_softmax, mse_loss, pad, relu,
    softmax, softplus,
)  # fmt: skip
from ..ops import embedding, one_hot
