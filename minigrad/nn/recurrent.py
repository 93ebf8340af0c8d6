"""Recurrent layers, made of `minigrad.ops.rnn` and `lstm`: one op per layer and direction. A cell is one time step.

Sequences are (T, B, features): time steps, then the batch. To learn from a stream piece by piece (truncated
backpropagation through time), hand each piece the last one's state, detached: ``y, h = net(x, h.detach())``.
"""

from __future__ import annotations

import math

from .. import ops
from ..backend import get_array_module
from ..tensor import Tensor
from .module import Module, Parameter
from ..creation import zeros


class _Recurrent(Module):
    """The parameters of all layers and directions, and the way through them."""

    gates, states = 1, ("h_0",)

    def __init__(self, input_size, hidden_size, num_layers, bias, batch_first, bidirectional):
        if min(input_size, hidden_size, num_layers) < 1:
            raise ValueError(
                f"{type(self).__name__} needs at least one feature in, one hidden and one layer, "
                f"not {input_size}, {hidden_size} and {num_layers}"
            )
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        directions = ["", "_reverse"][: 1 + bidirectional]
        self._suffixes = [f"_l{layer}{direction}" for layer in range(num_layers) for direction in directions]
        for i, suffix in enumerate(self._suffixes):
            below = input_size if i < len(directions) else hidden_size * len(directions)
            _add_parameters(self, suffix, below, hidden_size, self.gates, bias)

    def _run(self, x, states):
        """The last layer's output, and the states after the last step as (num_layers·directions, B, H) each."""
        self._check(x, states)
        batched = x.ndim == 3
        if not batched:
            x, *states = (s if s is None else ops.unsqueeze(s, 1) for s in (x, *states))
        elif self.batch_first:
            x = ops.transpose(x, 0, 1)
        n = len(self._suffixes)
        if states[0] is None:
            w = self.weight_hh_l0.data
            states = [Tensor(get_array_module(w).zeros((n, x.shape[1], self.hidden_size), w.dtype))] * len(states)
        steps, lasts = x.shape[0], []
        for layer in range(self.num_layers):
            outputs = []
            for suffix in [s for s in self._suffixes if s.removesuffix("_reverse") == f"_l{layer}"]:
                reverse = suffix.endswith("_reverse")
                y = self._op(ops.flip(x, 0) if reverse else x, *(s[len(lasts)] for s in states), *_weights(self, suffix))
                lasts.append([y[t : t + 1] for t in range(steps - 1, y.shape[0])])
                y = y if y.shape[0] == steps else y[:steps]
                outputs.append(ops.flip(y, 0) if reverse else y)
            x = ops.cat(outputs, 2) if len(outputs) > 1 else outputs[0]
        lasts = [ops.cat(kind) for kind in zip(*lasts)]
        if not batched:
            return ops.squeeze(x, 1), [ops.squeeze(s, 1) for s in lasts]
        return ops.transpose(x, 0, 1) if self.batch_first else x, lasts

    def _check(self, x, states):
        name = type(self).__name__
        legend = "(B, T, features)" if self.batch_first else "(T, B, features)"
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise ValueError(
                f"{name}: the input of shape {x.shape} should be {legend}, or (T, features) without a batch, "
                f"with {self.input_size} features"
            )
        if x.shape[1 if self.batch_first and x.ndim == 3 else 0] == 0:
            raise ValueError(f"{name}: the sequence is empty: {legend} is {x.shape}")
        batch = (x.shape[0 if self.batch_first else 1],) if x.ndim == 3 else ()
        expected = (len(self._suffixes), *batch, self.hidden_size)
        for kind, state in zip(self.states, states):
            if state is not None and state.shape != expected:
                legend = "(num_layers·directions, B, H)" if batch else "(num_layers·directions, H) without a batch"
                raise ValueError(f"{name}: {kind} has shape {state.shape}, and should have {expected}, {legend}")

    def extra_repr(self):
        options = {"num_layers": 1, "nonlinearity": "tanh", "bias": True, "batch_first": False, "bidirectional": False}
        changed = (f", {k}={getattr(self, k)!r}" for k, default in options.items() if getattr(self, k, default) != default)
        return f"{self.input_size}, {self.hidden_size}{''.join(changed)}"


class RNN(_Recurrent):
    def __init__(self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, *, bidirectional=False):
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, bidirectional)
        self.nonlinearity = nonlinearity

    def forward(self, input, h_0=None):
        output, (h_n,) = self._run(input, [h_0])
        return output, h_n

    def _op(self, *inputs):
        return ops.rnn(*inputs, self.nonlinearity)


class LSTM(_Recurrent):
    gates, states = 4, ("h_0", "c_0")

    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, *, bidirectional=False):
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, bidirectional)

    def forward(self, input, state=None):
        output, states = self._run(input, (None, None) if state is None else state)
        return output, tuple(states)

    def _op(self, *inputs):
        return ops.lstm(*inputs)


def _add_parameters(module, suffix, input_size, hidden_size, gates, bias):
    bound = 1 / math.sqrt(hidden_size)
    rows = gates * hidden_size
    for name, shape in ("weight_ih", (rows, input_size)), ("weight_hh", (rows, hidden_size)), ("bias_ih", rows), ("bias_hh", rows):
        used = bias or name.startswith("weight")
        setattr(module, name + suffix, Parameter(zeros(shape)).uniform_(-bound, bound) if used else None)


def _weights(module, suffix):
    return [getattr(module, name + suffix) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
