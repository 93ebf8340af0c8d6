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
    """aₜ = W zₜ and, for the δₜ that `bptt` finds, the gradients"""

    def start(self, x, h0, w_ih, w_hh, b_ih, b_hh):
        """W (·, I+H+1); all zₜ (T+1, I+H+1, B), in which h₁, h₂, ... are still to come; a view of hₜ₋₁ in them."""
        xp = get_array_module(x)
        (steps, batch, features), hidden = x.shape, w_hh.shape[1]
        bias = xp.zeros(len(w_hh), w_hh.dtype) if b_ih is None else b_ih + b_hh
        z = xp.empty((steps + 1, features + hidden + 1, batch), xp.result_type(x, w_hh))
        z[:-1, :features], z[0, features:-1], z[:, -1] = x.transpose(0, 2, 1), h0.T, 1
        self.z, self.h = z, z[:, features:-1]
        return xp.concatenate([w_ih, w_hh, bias[:, None]], axis=1), z, self.h

    def grad_x(self, g, y, x, *inputs):
        return (self.bptt(g, *inputs)[0].T @ inputs[-4]).reshape(x.shape)

    def grad_h0(self, g, y, x, *inputs):
        return self.bptt(g, *inputs)[1].T

    def grad_w_ih(self, g, y, x, *inputs):
        return self.d_w(g, *inputs)[:, : x.shape[2]]

    def grad_w_hh(self, g, y, x, *inputs):
        return self.d_w(g, *inputs)[:, x.shape[2] : -1]

    def grad_b_ih(self, g, y, x, *inputs):
        return self.d_w(g, *inputs)[:, -1]

    grad_b_hh = grad_b_ih

    @once
    def d_w(self, g, *inputs):
        """∂L/∂W = Σₜ δₜ zₜᵀ, one product over all steps and sequences."""
        return self.bptt(g, *inputs)[0] @ columns(self.z[:-1]).T


class RNN(Recurrent):
    """hₜ = φ(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh), φ = tanh or relu (Elman 1990); y = (h₁, ..., h_T)"""

    def __init__(self, nonlinearity):
        self.nonlinearity = nonlinearity

    def forward(self, x, h0, w_ih, w_hh, b_ih, b_hh):
        xp = get_array_module(x)
        w, z, h = self.start(x, h0, w_ih, w_hh, b_ih, b_hh)
        for t in range(len(x)):
            a = xp.matmul(w, z[t], out=h[t + 1])
            xp.tanh(a, out=a) if self.nonlinearity == "tanh" else xp.maximum(a, 0, out=a)
        return outputs(h[1:])

    @once
    def bptt(self, g, h0, w_ih, w_hh, b_ih, b_hh):
        """The δₜ side by side (H, T·B), and ∂L/∂h₀"""
        xp = get_array_module(g)
        delta = xp.empty_like(self.h[1:])
        dh = xp.zeros_like(delta[0])  # ∂L/∂hₜ
        for t in reversed(range(len(delta))):
            h, d = self.h[t + 1], delta[t]
            dh += g[t].T
            xp.multiply(dh, 1 - h * h if self.nonlinearity == "tanh" else h > 0, out=d)
            dh = w_hh.T @ d
        return columns(delta), dh

    def reference(self, x, h0, w_ih, w_hh, b_ih, b_hh):
        h, hs, phi = h0, [], tanh if self.nonlinearity == "tanh" else relu
        for t in range(x.shape[0]):
            h = phi(linear(x[t], w_ih, b_ih) + linear(h, w_hh, b_hh))
            hs += [h]
        return stack(hs)


class LSTM(Recurrent):
    """iₜ, fₜ, oₜ = σ(aₜ), gₜ = tanh(aₜ); cₜ = fₜ·cₜ₋₁ + iₜ·gₜ; hₜ = oₜ·tanh cₜ; y = (h₁, ..., h_T, c_T)

    (Hochreiter & Schmidhuber 1997; the forget gate f: Gers et al. 2000). W's rows are those of i, f, g, o, in turn.
    """

    def forward(self, x, h0, c0, w_ih, w_hh, b_ih, b_hh):
        xp = get_array_module(x)
        w, z, h = self.start(x, h0, w_ih, w_hh, b_ih, b_hh)
        steps, hidden, batch = h[1:].shape
        scale = xp.array([0.5, 0.5, 1, 0.5], z.dtype).reshape(4, 1, 1)  # σ(a) = ½·tanh(½a) + ½: one tanh for all gates
        shift = 1 - scale
        w = (w.reshape(4, hidden, -1) * scale).reshape(w.shape)
        self.gates = xp.empty((steps, 4, hidden, batch), z.dtype)
        self.c = xp.empty((steps + 1, hidden, batch), z.dtype)
        self.tanh_c = xp.empty((steps, hidden, batch), z.dtype)
        self.c[0] = c0.T
        for t in range(steps):
            gates, c, tanh_c = self.gates[t], self.c[t + 1], self.tanh_c[t]
            a = xp.matmul(w, z[t], out=gates.reshape(4 * hidden, batch))
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
    def bptt(self, g, h0, c0, w_ih, w_hh, b_ih, b_hh):
        """The δₜ side by side (4H, T·B), ∂L/∂h₀ and ∂L/∂c₀"""
        xp = get_array_module(g)
        delta = xp.empty_like(self.gates)
        dh = xp.zeros_like(self.c[0])  # ∂L/∂hₜ
        dc = xp.array(g[-1].T, dh.dtype, order="C")  # ∂L/∂cₜ
        for t in reversed(range(len(delta))):
            i, f, candidate, o = self.gates[t]
            tanh_c, d = self.tanh_c[t], delta[t]
            dh += g[t].T
            dc += dh * o * (1 - tanh_c * tanh_c)
            di = dc * i
            dc *= f  # from here on ∂L/∂cₜ₋₁
            xp.subtract(1, self.gates[t], out=d)
            d[0] *= di * candidate
            d[1] *= dc * self.c[t]
            d[2] *= di * (1 + candidate)
            d[3] *= dh * self.h[t + 1]
            dh = w_hh.T @ d.reshape(w_hh.shape[0], -1)
        return columns(delta.reshape(len(delta), len(w_hh), -1)), dh, dc

    def grad_c0(self, g, y, x, *inputs):
        return self.bptt(g, *inputs)[2].T

    def reference(self, x, h0, c0, w_ih, w_hh, b_ih, b_hh):
        h, c, hs = h0, c0, []
        for t in range(x.shape[0]):
            i, f, g, o = split(linear(x[t], w_ih, b_ih) + linear(h, w_hh, b_hh), h.shape[1], 1)
            c = sigmoid(f) * c + sigmoid(i) * tanh(g)
            h = sigmoid(o) * tanh(c)
            hs += [h]
        return stack(hs + [c])


def columns(x):
    """(T, n, B) as a matrix (n, T·B)."""
    return x.transpose(1, 0, 2).reshape(x.shape[1], -1)


def outputs(*parts):
    """What stands as (·, H, B) copied to (·, B, H), in memory (H, ·, B): a dense layer's rows need no copy of it."""
    y = get_array_module(*parts).concatenate([part.transpose(1, 0, 2) for part in parts], axis=1)
    return y.transpose(1, 2, 0)


# ------------------------------------------------------------------ what people call
def rnn(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, nonlinearity="tanh"):
    """hₜ = φ(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh): x (T, B, I), h₀ (B, H) → (T, B, H)."""
    return RNN(nonlinearity)(x, h0, w_ih, w_hh, b_ih, b_hh)


def lstm(x, h0, c0, w_ih, w_hh, b_ih=None, b_hh=None):
    """A long short-term memory: x (T, B, I), h₀ and c₀ (B, H) → (T+1, B, H), which are h₁, ..., h_T and then c_T."""
    return LSTM()(x, h0, c0, w_ih, w_hh, b_ih, b_hh)
