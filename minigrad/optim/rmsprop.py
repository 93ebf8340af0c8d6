"""RMSprop."""

from __future__ import annotations

from ..backend import get_array_module
from .optimizer import Optimizer


class RMSprop(Optimizer):
    """Steps of about lr: the gradient over its root mean square (Tieleman & Hinton 2012, lecture 6.5).

    v ← α·v + (1 − α)g²,  b ← momentum·b + g / (√v + ε),  x ← x − lr·b
    with weight decay added to g, as in PyTorch.
    """

    def __init__(
        self, params, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0,
        momentum: float = 0.0,
    ):  # fmt: skip
        super().__init__(params, dict(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum))
        for group in self.param_groups:
            if not 0 <= group["alpha"] < 1:
                raise ValueError(f"alpha must lie in [0, 1), not {group['alpha']}")

    def update(self, x, g, state, group):
        xp = get_array_module(x)
        if not state:
            state["square_avg"] = xp.zeros_like(x)
        if group["momentum"] and "momentum_buffer" not in state:
            state["momentum_buffer"] = xp.zeros_like(x)
        if group["weight_decay"]:
            g = g + group["weight_decay"] * x
        v, b = state["square_avg"], state.get("momentum_buffer")
        step = xp.multiply(g, g, out=xp.empty_like(x))
        step *= 1 - group["alpha"]
        v *= group["alpha"]
        v += step
        xp.sqrt(v, out=step)
        step += group["eps"]
        xp.divide(g, step, out=step)
        if group["momentum"]:
            b *= group["momentum"]
            b += step
            step[...] = b
        step *= group["lr"]
        x -= step
