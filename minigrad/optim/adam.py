"""Adam."""

from __future__ import annotations

import math

from ..backend import get_array_module
from .optimizer import Optimizer


class Adam(Optimizer):
    """Steps of about lr: the mean gradient over the root mean square gradient (Kingma & Ba 2015, algorithm 1).

    m ← β₁m + (1 − β₁)g,  v ← β₂v + (1 − β₂)g²,  x ← x − lr·m̂ / (√v̂ + ε)
    with m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) at step t, and weight decay added to g, as in PyTorch.
    """

    def __init__(self, params, lr: float = 1e-3, betas=(0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0):
        super().__init__(params, dict(lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay))
        for group in self.param_groups:
            if not all(0 <= beta < 1 for beta in group["betas"]):
                raise ValueError(f"betas must lie in [0, 1), not {group['betas']}")

    def update(self, x, g, state, group):
        xp = get_array_module(x)
        b1, b2 = group["betas"]
        if not state:
            state.update(step=0, exp_avg=xp.zeros_like(x), exp_avg_sq=xp.zeros_like(x))
        state["step"] += 1
        if group["weight_decay"]:
            g = g + group["weight_decay"] * x
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
        correction = math.sqrt(1 - b2**t)  # √v̂ = √v / correction, moved from the arrays into lr and ε
        scratch = xp.multiply(g, 1 - b1, out=xp.empty_like(x))
        m *= b1
        m += scratch
        xp.multiply(g, g, out=scratch)
        scratch *= 1 - b2
        v *= b2
        v += scratch
        xp.sqrt(v, out=scratch)
        scratch += group["eps"] * correction
        xp.divide(m, scratch, out=scratch)
        scratch *= group["lr"] / (1 - b1**t) * correction
        x -= scratch
