"""SGD, RMSprop and Adam: each says how one array x changes, given its gradient g and what the rule remembers of it.

A step is made of few passes over memory, in place, with one array of x's size as `scratch`.
"""

import math

from ..backend import get_array_module
from .optimizer import Optimizer


class SGD(Optimizer):
    """x ← x − lr·v with v ← momentum·v + g and g ← ∂L/∂x + weight_decay·x (without momentum, v = g).

    Momentum counts as in PyTorch: the velocity starts as the first gradient, and lr multiplies it last.
    """

    def __init__(self, params, lr: float = 1e-3, momentum: float = 0.0, *, weight_decay: float = 0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    def update(self, x, g, state, group):
        x -= group["lr"] * _with_momentum(_with_decay(g, x, group), state, group)


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
        v, scratch, g = state["square_avg"], xp.empty_like(x), _with_decay(g, x, group)
        _average(v, xp.multiply(g, g, out=scratch), group["alpha"], scratch)
        xp.sqrt(v, out=scratch)
        scratch += group["eps"]
        xp.divide(g, scratch, out=scratch)
        x -= xp.multiply(_with_momentum(scratch, state, group), group["lr"], out=scratch)


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
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
        scratch, g = xp.empty_like(x), _with_decay(g, x, group)
        _average(m, g, b1, scratch)
        _average(v, xp.multiply(g, g, out=scratch), b2, scratch)
        correction = math.sqrt(1 - b2**t)  # √v̂ = √v / correction, moved from the arrays into lr and ε
        xp.sqrt(v, out=scratch)
        scratch += group["eps"] * correction
        xp.divide(m, scratch, out=scratch)
        scratch *= group["lr"] / (1 - b1**t) * correction
        x -= scratch


def _with_decay(g, x, group):
    """g + weight_decay·x: the gradient of L + ½·weight_decay·‖x‖²"""
    return g + group["weight_decay"] * x if group["weight_decay"] else g


def _with_momentum(g, state, group):
    """b ← momentum·b + g, which starts as g; g itself without momentum"""
    if not group["momentum"]:
        return g
    if "momentum_buffer" not in state:
        state["momentum_buffer"] = get_array_module(g).array(g)
    else:
        state["momentum_buffer"] *= group["momentum"]
        state["momentum_buffer"] += g
    return state["momentum_buffer"]


def _average(mean, x, decay, scratch):
    """mean ← decay·mean + (1 − decay)·x; `scratch` may be x"""
    mean *= decay
    mean += get_array_module(x).multiply(x, 1 - decay, out=scratch)
