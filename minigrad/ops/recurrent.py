"""Recurrent layers: an op runs one layer in one direction over a whole sequence. Read each one's `reference` first.

Both ops see a time step as one product: with zₜ = (xₜ, hₜ₋₁, 1) and W = (W_ih | W_hh | b_ih + b_hh), the bias being the
weight of a constant 1,

    aₜ = W zₜ = W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh.

The backward pass goes through the steps from last to first (backpropagation through time, Werbos 1990) and finds each
δₜ = ∂L/∂aₜ, from which every gradient follows at once: ∂L/∂W = Σₜ δₜ zₜᵀ and ∂L/∂zₜ = Wᵀ δₜ.

T time steps, B sequences, I features in, H features of the state. Vectors stand as columns, one per sequence: (·, B).
"""

from ..autograd import Op, once
from ..backend import get_array_module
from .elementwise import relu, sigmoid, tanh
from .index import split
from .linalg import linear
from .shape import stack


class Recurrent(Op):
    """aₜ = W zₜ, and the gradients that follow from the δₜ"""

    def start(self, x, h0, w_ih, w_hh, b_ih, b_hh):
        """W (·, I+H+1), and in `self.z` all zₜ (T+1, I+H+1, B), where h₁, h₂, ... are still to come."""
        xp = get_array_module(x)
        (steps, batch, features), hidden = x.shape, h0.shape[1]
        z = xp.empty((steps + 1, features + hidden + 1, batch), xp.result_type(x, w_hh))
        z[:-1, :features] = x.transpose(0, 2, 1)
        z[0, features:-1] = h0.T
        z[:, -1] = 1
        self.z, self.h = z, z[:, features:-1]  # h[t] is hₜ, a view (H, B)
        bias = b_ih + b_hh if b_ih is not None else xp.zeros(w_hh.shape[0], w_hh.dtype)
        return xp.concatenate([w_ih, w_hh, bias[:, None]], axis=1)

    @once
    def d_weights(self, g, *inputs):
        """∂L/∂W = Σₜ δₜ zₜᵀ, in one product over all steps and sequences."""
        return self.bptt(g, *inputs)[0] @ columns(self.z[:-1]).T

    def grad_w_ih(self, g, y, x, *inputs):
        return self.d_weights(g, *inputs)[:, : x.shape[2]]

    def grad_w_hh(self, g, y, x, *inputs):
        return self.d_weights(g, *inputs)[:, x.shape[2] : -1]

    def grad_b_ih(self, g, y, x, *inputs):
        return self.d_weights(g, *inputs)[:, -1]

    grad_b_hh = grad_b_ih

    def grad_x(self, g, y, x, *inputs):
        delta, w_ih = self.bptt(g, *inputs)[0], inputs[-4]
        return (delta.T @ w_ih).reshape(x.shape)

    def grad_h0(self, g, y, x, *inputs):
        return self.bptt(g, *inputs)[1].T


class RNN(Recurrent):
    """hₜ = φ(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh), φ = tanh or relu (Elman 1990); y = (h₁, ..., h_T)"""

    def __init__(self, nonlinearity):
        self.nonlinearity = nonlinearity

    def forward(self, x, h0, w_ih, w_hh, b_ih, b_hh):
        xp = get_array_module(x)
        w, h = self.start(x, h0, w_ih, w_hh, b_ih, b_hh), self.h
        for t in range(len(x)):
            a = xp.matmul(w, self.z[t], out=h[t + 1])
            xp.tanh(a, out=a) if self.nonlinearity == "tanh" else xp.maximum(a, 0, out=a)
        return outputs(h[1:])

    @once
    def bptt(self, cotangent, h0, w_ih, w_hh, b_ih, b_hh):
        """The δₜ side by side (H, T·B), and ∂L/∂h₀"""
        xp = get_array_module(cotangent)
        delta = xp.empty_like(self.h[1:])
        dh = xp.zeros_like(delta[0])  # ∂L/∂hₜ
        for t in reversed(range(len(delta))):
            h = self.h[t + 1]
            slope = 1 - h * h if self.nonlinearity == "tanh" else h > 0
            dh += cotangent[t].T
            xp.multiply(dh, slope, out=delta[t])
            dh = w_hh.T @ delta[t]
        return columns(delta), dh

    def reference(self, x, h0, w_ih, w_hh, b_ih, b_hh):
        h, hs, phi = h0, [], tanh if self.nonlinearity == "tanh" else relu
        for t in range(x.shape[0]):
            h = phi(linear(x[t], w_ih, b_ih) + linear(h, w_hh, b_hh))
            hs += [h]
        return stack(hs)


class LSTM(Recurrent):
    """i, f, o = σ(aₜ), g = tanh(aₜ), each of its quarter; cₜ = f·cₜ₋₁ + i·g; hₜ = o·tanh cₜ; y = (h₁, ..., h_T, c_T)

    (Hochreiter & Schmidhuber 1997; the forget gate f: Gers et al. 2000). W's rows are those of i, f, g, o, in turn.
    """

    def forward(self, x, h0, c0, w_ih, w_hh, b_ih, b_hh):
        xp = get_array_module(x)
        w, h = self.start(x, h0, w_ih, w_hh, b_ih, b_hh), self.h
        steps, hidden, batch = h[1:].shape
        scale = xp.full((4, 1, 1), 0.5, h.dtype)  # σ(a) = ½·tanh(½a) + ½: one tanh for all gates
        scale[2] = 1
        shift = 1 - scale
        w = (w.reshape(4, hidden, -1) * scale).reshape(w.shape)
        self.gates = xp.empty((steps, 4, hidden, batch), h.dtype)
        self.tanh_c = xp.empty((steps, hidden, batch), h.dtype)
        self.c = xp.empty((steps + 1, hidden, batch), h.dtype)
        self.c[0] = c0.T
        for t in range(steps):
            gates, c, tanh_c = self.gates[t], self.c[t + 1], self.tanh_c[t]
            a = xp.matmul(w, self.z[t], out=gates.reshape(4 * hidden, batch))
            xp.tanh(a, out=a)
            gates *= scale
            gates += shift
            i, f, g, o = gates
            xp.multiply(f, self.c[t], out=c)
            c += i * g
            xp.tanh(c, out=tanh_c)
            xp.multiply(o, tanh_c, out=h[t + 1])
        return outputs(h[1:], self.c[-1:])

    @once
    def bptt(self, cotangent, h0, c0, w_ih, w_hh, b_ih, b_hh):
        """The δₜ side by side (4H, T·B), ∂L/∂h₀ and ∂L/∂c₀"""
        xp = get_array_module(cotangent)
        steps, _, hidden, batch = self.gates.shape
        delta = xp.empty_like(self.gates)
        dh = xp.zeros_like(self.c[0])  # ∂L/∂hₜ
        dc = xp.array(cotangent[steps].T, order="C")  # ∂L/∂cₜ
        for t in reversed(range(steps)):
            (i, f, g, o), tanh_c, d = self.gates[t], self.tanh_c[t], delta[t]
            dh += cotangent[t].T
            dc += dh * o * (1 - tanh_c * tanh_c)
            xp.subtract(1, self.gates[t], out=d)  # slopes: σ·(1 − σ) of i, f, o and (1 + g)·(1 − g)
            d[0] *= dc * g * i
            d[1] *= dc * self.c[t] * f
            d[2] *= dc * i * (1 + g)
            d[3] *= dh * self.h[t + 1]  # hₜ = tanh cₜ · o
            dc *= f
            dh = w_hh.T @ d.reshape(4 * hidden, batch)
        return columns(delta.reshape(steps, 4 * hidden, batch)), dh, dc

    def grad_c0(self, g, y, x, *inputs):
        return self.bptt(g, *inputs)[2].T

    def reference(self, x, h0, c0, w_ih, w_hh, b_ih, b_hh):
        h, c, hs = h0, c0, []
        for t in range(x.shape[0]):
            i, f, g, o = split(linear(x[t], w_ih, b_ih) + linear(h, w_hh, b_hh), h0.shape[1], 1)
            c = sigmoid(f) * c + sigmoid(i) * tanh(g)
            h = sigmoid(o) * tanh(c)
            hs += [h]
        return stack(hs + [c])


def columns(x):
    """(T, n, B) as a matrix (n, T·B)."""
    return x.transpose(1, 0, 2).reshape(x.shape[1], x.shape[0] * x.shape[2])


def outputs(*parts):
    """All (·, H, B) one after another as (·, B, H), over memory (H, ·, B): its rows are a matrix without a copy."""
    y = get_array_module(*parts).concatenate([part.transpose(1, 0, 2) for part in parts], axis=1)
    return y.transpose(1, 2, 0)


# ------------------------------------------------------------------ what people call
def rnn(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, nonlinearity="tanh"):
    """hₜ = φ(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh): x (T, B, I), h₀ (B, H) → (T, B, H)."""
    return RNN(nonlinearity)(x, h0, w_ih, w_hh, b_ih, b_hh)


def lstm(x, h0, c0, w_ih, w_hh, b_ih=None, b_hh=None):
    """A long short-term memory: x (T, B, I), h₀ and c₀ (B, H) → (T+1, B, H), which are h₁, ..., h_T and then c_T."""
    return LSTM()(x, h0, c0, w_ih, w_hh, b_ih, b_hh)
