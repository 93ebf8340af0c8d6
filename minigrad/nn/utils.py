"""Gradients and weights held within bounds: clipping, and spectral normalisation of a layer."""

from collections.abc import Iterable

from ..backend import get_array_module
from ..creation import randn_like
from ..tensor import Tensor
from .conv import ConvTranspose2d
from .module import Module, Parameter


# ------------------------------------------------------------------ clipping
def clip_grad_norm_(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    """Scale all gradients by one factor, so that together their norm is at most `max_norm`; return the norm before.

    The norm is √(Σ g²) over all parameters (Pascanu et al. 2013, algorithm 1). Call it between backward() and step().
    """
    grads = [p.grad for p in _checked("clip_grad_norm_", parameters, max_norm) if p.grad is not None]
    total = sum(get_array_module(g.data).vdot(g.data, g.data) for g in grads) ** 0.5
    for g in grads:
        g.mul_(get_array_module(g.data).minimum(max_norm / (total + 1e-6), 1))
    return Tensor(total)


def clip_grad_value_(parameters: Iterable[Tensor], clip_value: float) -> None:
    """Hold every element of every gradient between −clip_value and clip_value."""
    for p in _checked("clip_grad_value_", parameters, clip_value):
        if p.grad is not None:
            p.grad.clamp_(-clip_value, clip_value)


def clip_weights_(parameters: Iterable[Tensor], c: float) -> None:
    """Hold every weight between −c and c: a WGAN's first way to a Lipschitz critic (Arjovsky et al. 2017, algorithm 1).

    Call it after the critic's step().
    """
    for p in _checked("clip_weights_", parameters, c):
        p.clamp_(-c, c)


def _checked(name, parameters, bound):
    if not bound > 0:
        raise ValueError(f"{name}: the bound must be above 0, not {bound}")
    return [parameters] if isinstance(parameters, Tensor) else parameters


# ------------------------------------------------------------------ spectral normalisation
def spectral_norm(module: Module, name: str = "weight", n_power_iterations: int = 1) -> Module:
    """Divide a layer's weight by its largest singular value σ, so that it stretches nothing (Miyato et al. 2018).

    The parameter becomes ``weight_orig``, and a forward pass computes weight = weight_orig / σ with σ = uᵀWv. W is the
    weight as a matrix with a row per output; the vectors u and v are buffers. In training a pass first improves them by
    `n_power_iterations` of v ← Wᵀu / ‖Wᵀu‖, u ← Wv / ‖Wv‖ (algorithm 1). The gradient flows through the W in σ, not
    through u and v. The layer is changed in place and returned.

    >>> from minigrad import nn
    >>> layer = spectral_norm(nn.Linear(3, 5))
    >>> list(layer.state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    weight, kind = vars(module).get(name), type(module)
    if not isinstance(weight, Parameter) or weight.ndim < 2:
        raise ValueError(f"spectral_norm: {kind.__name__} has no parameter {name!r} that could be read as a matrix")
    out_axis = 1 if isinstance(module, ConvTranspose2d) else 0

    def as_matrix(w):
        return w.swapaxes(0, out_axis).reshape(weight.shape[out_axis], -1)

    class Normalized(kind):
        def forward(self, *inputs):
            w, u, v = (getattr(self, f"{name}_{part}") for part in ("orig", "u", "v"))
            matrix = as_matrix(w)
            if self.training:
                for _ in range(n_power_iterations):
                    v.copy_(_unit(u.data @ matrix.data))
                    u.copy_(_unit(matrix.data @ v.data))
            sigma = (u.clone() * (matrix @ v.clone())).sum()  # of copies, which the next pass leaves alone
            setattr(self, name, w / sigma)
            y = super().forward(*inputs)
            setattr(self, name, getattr(self, name).detach())
            return y

    Normalized.__name__ = f"Spectral{kind.__name__}"
    module.__class__ = Normalized
    delattr(module, name)
    setattr(module, f"{name}_orig", weight)
    matrix = as_matrix(weight).data
    u = randn_like(Tensor(matrix[:, 0])).data
    module.register_buffer(f"{name}_u", Tensor(_unit(u)))
    module.register_buffer(f"{name}_v", Tensor(_unit(u @ matrix)))
    setattr(module, name, weight.detach())
    return module


def _unit(x):
    return x / ((x @ x) ** 0.5 + 1e-12)
