"""Stochastic gradient descent."""

from __future__ import annotations

from ..backend import get_array_module
from .optimizer import Optimizer


class SGD(Optimizer):
    """x ← x − lr·v with v ← momentum·v + g and g ← ∂L/∂x + weight_decay·x (without momentum, v = g).

    Momentum counts as in PyTorch: the velocity starts as the first gradient, and lr multiplies it last.
    """

    def __init__(self, params, lr: float = 1e-3, momentum: float = 0.0, *, weight_decay: float = 0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    def update(self, x, g, state, group):
        if group["weight_decay"]:
            g = g + group["weight_decay"] * x
        if group["momentum"]:
            if "momentum_buffer" in state:
                state["momentum_buffer"] *= group["momentum"]
                state["momentum_buffer"] += g
            else:
                state["momentum_buffer"] = get_array_module(x).array(g)
            g = state["momentum_buffer"]
        x -= group["lr"] * g
