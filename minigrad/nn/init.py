"""Ways to start a parameter, each filling it in place and returning it."""

from __future__ import annotations

import math

from ..tensor import Tensor


def zeros_(x: Tensor) -> Tensor:
    """All zeros."""
    return x.zero_()


def xavier_uniform_(x: Tensor, gain: float = 1.0) -> Tensor:
    """U(−b, b) with b = gain·√(6 / (fan_in + fan_out)), for a weight (fan_out, fan_in) (Glorot & Bengio 2010, eq. 16).

    It keeps the variance of activations and of gradients about equal from layer to layer.
    """
    if x.ndim != 2:
        raise ValueError(f"xavier_uniform_ needs a weight (fan_out, fan_in), and this one has shape {x.shape}")
    fan_out, fan_in = x.shape
    bound = gain * math.sqrt(6 / (fan_in + fan_out))
    return x.uniform_(-bound, bound)
