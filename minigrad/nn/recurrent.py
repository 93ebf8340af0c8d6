"""Recurrent layers over `ops.rnn` and `ops.lstm`, one call per layer and direction; a cell is a layer's single step.

T time steps, B sequences, H features of a state. A layer returns its output at every step and its last state. To learn
from a stream piece by piece (truncated backpropagation through time), start each piece from the last state of the one
before, cut off from its history: ``y, h = net(x, h.detach())``.
"""

import math

from .. import ops
from ..backend import get_array_module
from ..creation import zeros
from ..tensor import Tensor, plain
from .module import Module, Parameter, at_least_one

NAMES = "weight_ih", "weight_hh", "bias_ih", "bias_hh"


class _Recurrent(Module):
    """What layers and cells share: parameters, checks, and the way through one layer in one direction."""

    gates, states = 1, ("h_0",)

    def __init__(self, input_size, hidden_size, bias):
        at_least_one("feature in and one hidden", self, input_size, hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias

    def _add_parameters(self, suffix, input_size):
        """Weights and biases uniform in ±1/√H."""
        rows, bound = self.gates * self.hidden_size, 1 / math.sqrt(self.hidden_size)
        for name, shape in zip(NAMES, ((rows, input_size), (rows, self.hidden_size), (rows,), (rows,))):
            wanted = self.bias or name.startswith("weight")
            setattr(self, name + suffix, Parameter(zeros(shape)).uniform_(-bound, bound) if wanted else None)

    def _ready(self, x, hx, axes, lead):
        """x and the list of its states, checked, with an axis B in each and zeros for no state; and if x had no B.

        `axes` are the names of those of x, and `lead` is what a state has before B.
        """
        name, legend, alone = type(self).__name__, ", ".join(axes), x.ndim == len(axes) - 1
        if x.ndim != len(axes) and not alone or x.shape[-1] != self.input_size:
            raise ValueError(
                f"{name}: the input of shape {x.shape} should be ({legend}), or without B for one sequence alone, "
                f"and have {self.input_size} features"
            )
        sizes = dict(zip([axis for axis in axes if axis != "B" or not alone], x.shape))
        if sizes.get("T") == 0:
            raise ValueError(f"{name}: the sequence is empty: ({', '.join(sizes)}) is {x.shape}")
        if len(self.states) == 1 and isinstance(hx, (tuple, list)):
            raise TypeError(f"{name} takes its state as one tensor, h_0, not as a {type(hx).__name__}")
        if len(self.states) == 1 or hx is None:
            hx = [hx] * len(self.states)
        elif not isinstance(hx, (tuple, list)) or len(hx) != 2:
            raise TypeError(f"{name} takes its state as a pair (h_0, c_0), not {hx!r:.60}")
        expected = {**lead, **({} if alone else {"B": sizes["B"]}), "H": self.hidden_size}
        shape = tuple(expected.values())
        for kind, state in zip(self.states, hx):
            if state is not None and state.shape != shape:
                raise ValueError(
                    f"{name}: {kind} of shape {state.shape} should be ({', '.join(expected)}) = {shape} "
                    f"for an input of shape {x.shape}"
                )
        hx = [Tensor(get_array_module(plain(x)).zeros(shape, x.dtype)) if s is None else s for s in hx]
        if alone:
            x, *hx = (ops.unsqueeze(a, len(lead)) for a in (x, *hx))
        return x, hx, alone

    def _given(self, states):
        """The states as a call returns them: an only one alone, two as a pair."""
        return tuple(states) if len(self.states) == 2 else states[0]

    def extra_repr(self):
        usual = dict(num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, bidirectional=False)
        return f"{self.input_size}, {self.hidden_size}{self._unusual(usual)}"


class _Layers(_Recurrent):
    """Layers one above the other, each in one direction or in both."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        *, bidirectional: bool = False,
    ):  # fmt: skip
        super().__init__(input_size, hidden_size, bias)
        at_least_one("layer", self, num_layers)
        self.num_layers, self.batch_first, self.bidirectional = num_layers, batch_first, bidirectional
        for layer in range(num_layers):
            for suffix in self._suffixes(layer):
                self._add_parameters(suffix, input_size if layer == 0 else hidden_size * (1 + bidirectional))

    def _suffixes(self, layer):
        return [f"_l{layer}", f"_l{layer}_reverse"][: 1 + self.bidirectional]

    def forward(self, input, hx=None):
        """The last layer's output at every step, and the last states of all layers and directions."""
        axes = ("B", "T", "features") if self.batch_first else ("T", "B", "features")
        lead = {"num_layers·directions": self.num_layers * (1 + self.bidirectional)}
        x, states, alone = self._ready(input, hx, axes, lead)
        if self.batch_first and not alone:
            x = ops.transpose(x, 0, 1)
        starts, lasts = zip(*states), []
        for layer in range(self.num_layers):
            outputs, ends = zip(*(self._one(x, next(starts), suffix) for suffix in self._suffixes(layer)))
            x = ops.cat(outputs, 2) if self.bidirectional else outputs[0]
            lasts += ends
        states = [ops.cat(kind) for kind in zip(*lasts)]
        if alone:
            x, *states = (ops.squeeze(a, 1) for a in (x, *states))
        elif self.batch_first:
            x = ops.transpose(x, 0, 1)
        return x, self._given(states)

    def _one(self, x, start, suffix):
        """One layer in one direction: the output (T, B, H), and each kind of state (1, B, H) where it ends."""
        steps, reverse = x.shape[0], suffix.endswith("_reverse")
        y = self._op(ops.flip(x, 0) if reverse else x, *start, *(getattr(self, name + suffix) for name in NAMES))
        end = [y[t : t + 1] for t in range(steps - 1, y.shape[0])]
        y = y[:steps] if len(end) > 1 else y
        return ops.flip(y, 0) if reverse else y, end


class _Cell(_Recurrent):
    """One step of one layer."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True):
        super().__init__(input_size, hidden_size, bias)
        self._add_parameters("", input_size)

    def forward(self, input, hx=None):
        """The states one step later."""
        x, states, alone = self._ready(input, hx, ("B", "features"), {})
        y = self._op(ops.unsqueeze(x, 0), *states, *(getattr(self, name) for name in NAMES))
        return self._given(list(ops.squeeze(y, 1) if alone else y))


class RNN(_Layers):
    """hₜ = φ(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh), where φ is tanh or, with nonlinearity="relu", relu (Elman 1990).

    ``output, h_n = rnn(input, h_0)``: input (T, B, input_size), with batch_first (B, T, input_size), alone
    (T, input_size); output alike, with the last layer's H features, forward and backward side by side if
    `bidirectional`; h_0 (zeros if left out) and h_n (num_layers·directions, B, H), layer by layer. Layer k has the
    parameters weight_ih_lk (H, in), weight_hh_lk (H, H), bias_ih_lk and bias_hh_lk (H,), and the same with _reverse;
    all start uniform in ±1/√H, as in PyTorch.

    >>> from minigrad import ones
    >>> output, h_n = RNN(3, 5, num_layers=2, bidirectional=True)(ones(7, 2, 3))
    >>> output.shape, h_n.shape
    ((7, 2, 10), (4, 2, 5))
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", bias: bool = True,
        batch_first: bool = False, *, bidirectional: bool = False,
    ):  # fmt: skip
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, bidirectional=bidirectional)
        self.nonlinearity = _known(nonlinearity)

    def _op(self, *inputs):
        return ops.rnn(*inputs, self.nonlinearity)


class LSTM(_Layers):
    """Long short-term memory (Hochreiter & Schmidhuber 1997): a cell state c that gates write to, forget and read.

    iₜ, fₜ, oₜ = σ(...), gₜ = tanh(...) of W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh; cₜ = fₜ·cₜ₋₁ + iₜ·gₜ; hₜ = oₜ·tanh cₜ

    ``output, (h_n, c_n) = lstm(input, (h_0, c_0))``, with shapes and parameters as in `RNN`, but 4·H rows in each
    weight and bias: those of i, f, g, o, in turn. As in PyTorch there are two biases, and a gate sees their sum. A
    forget gate that starts near 1 lets gradients through many steps (Gers et al. 2000); its bias is rows H to 2H:

    >>> from minigrad import ones
    >>> lstm = LSTM(3, 5)
    >>> lstm.bias_ih_l0.data[5:10], lstm.bias_hh_l0.data[5:10] = 1, 0  # a forget bias of 1
    >>> output, (h_n, c_n) = lstm(ones(7, 2, 3))
    >>> output.shape, h_n.shape, c_n.shape
    ((7, 2, 5), (1, 2, 5), (1, 2, 5))
    """

    gates, states = 4, ("h_0", "c_0")

    def _op(self, *inputs):
        return ops.lstm(*inputs)


class RNNCell(_Cell):
    """One step of an `RNN`: input (B, input_size) and h (B, H) → the next h; both also without B.

    >>> from minigrad import ones
    >>> RNNCell(3, 5)(ones(2, 3)).shape
    (2, 5)
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh"):
        super().__init__(input_size, hidden_size, bias)
        self.nonlinearity = _known(nonlinearity)

    _op = RNN._op


class LSTMCell(_Cell):
    """One step of an `LSTM`: input (B, input_size) and (h, c) of (B, H) each → the next (h, c); all also without B.

    >>> from minigrad import ones
    >>> h, c = LSTMCell(3, 5)(ones(2, 3))
    >>> h.shape, c.shape
    ((2, 5), (2, 5))
    """

    gates, states = 4, ("h_0", "c_0")

    _op = LSTM._op


def _known(nonlinearity):
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f'the nonlinearity is "tanh" or "relu", not {nonlinearity!r}')
    return nonlinearity
