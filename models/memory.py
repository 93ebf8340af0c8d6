"""What a recurrent layer remembers: how far back its gradients reach, and what its gates do while it reads."""

from __future__ import annotations

import numpy as np
import scipy.special

import minigrad as mg
from minigrad import nn, plot


def gradient_norms(rnn, x: np.ndarray, rng) -> np.ndarray:
    """‖∂L/∂xₜ‖ of each step of x (T, N, inputs), for L = v·h_T with v ~ N(0, 1): what the last state learns from, (T,).

    In it stands the product of the Jacobians ∂hₜ₊₁/∂hₜ from t to T, so it goes like λ^(T − t): it vanishes or explodes
    (Hochreiter 1991; Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063).
    """
    weight = rnn.weight_hh_l0
    x = mg.as_tensor(x, weight.dtype, weight.device).requires_grad_()
    last = rnn(x)[0][-1]
    v = mg.as_tensor(rng.standard_normal(last.shape), last.dtype, last.device)
    (gradient,) = mg.autograd.grad((v * last).sum(), [x])
    return np.linalg.norm(gradient.cpu().numpy().astype(np.float64), axis=(1, 2))


def inner_states(rnn, x: np.ndarray) -> dict[str, np.ndarray]:
    """What the first layer does while it reads x (T, inputs), written out: name → (T, hidden)."""
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    w_ih, w_hh, b_ih, b_hh = (getattr(rnn, name).detach().cpu().numpy() for name in names)
    h = c = np.zeros(rnn.hidden_size)
    steps = []
    for x_t in x:
        a = w_ih @ x_t + b_ih + w_hh @ h + b_hh
        if isinstance(rnn, nn.LSTM):
            i, f, g, o = np.split(a, 4)
            i, f, o = scipy.special.expit([i, f, o])  # σ
            c = f * c + i * np.tanh(g)
            h = o * np.tanh(c)
            steps.append({"forget gate f": f, "input gate i": i, "output gate o": o, "cell, tanh c": np.tanh(c)})
        else:
            h = np.tanh(a) if rnn.nonlinearity == "tanh" else np.maximum(a, 0)
            steps.append({})
        steps[-1]["state h"] = h
    return {name: np.stack([step[name] for step in steps]) for name in steps[0]}


# ------------------------------------------------------------------ pictures
def draw_gradients(norms: dict[str, np.ndarray], path) -> None:
    """Gradient norms (T,) over the time lag T − t, each divided by its last."""
    fig, axes = plot.figure(1, 1, width=7, height=4.5)
    lines = {name: (range(len(norm)), norm[::-1] / norm[-1]) for name, norm in norms.items()}
    plot.curves(axes[0, 0], lines, "time lag T − t in steps", "‖∂L/∂xₜ‖ / ‖∂L/∂x_T‖")
    axes[0, 0].set(yscale="log", ylim=(1e-20, 1e12))
    plot.save(fig, path)


def draw_states(states: dict[str, np.ndarray], words, path, units: int = 24) -> None:
    """What `inner_states` found, as heat maps over the words read: of the units that change much, but slowly."""
    names = [name for name in states if name != "state h"] or ["state h"]  # an LSTM's h follows from o and c
    last = states[names[-1]]
    rows = np.argsort(np.abs(np.diff(last, axis=0)).mean(axis=0) - last.std(axis=0))[:units]
    fig, axes = plot.figure(len(names), 1, width=11, height=2)
    for ax, name in zip(axes[:, 0], names):
        colours = dict(cmap="viridis", vmin=0, vmax=1) if "gate" in name else dict(cmap="RdBu", vmin=-1, vmax=1)
        drawn = ax.imshow(states[name][:, rows].T, aspect="auto", interpolation="nearest", **colours)
        fig.colorbar(drawn, ax=ax, pad=0.01)
        ax.set(title=name, ylabel="unit", yticks=[], xticks=[])
    labels = [plot.drawable(word.replace("\n", "↵")) for word in words]
    upright = 90 if max(map(len, words)) > 1 else 0
    ax.set_xticks(range(len(words)), labels, rotation=upright, family=plot.FONTS, parse_math=False)
    plot.save(fig, path)
