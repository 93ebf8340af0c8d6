"""Recurrent layers, cells and Embedding: against loops composed by hand, over many steps, and piece by piece."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.ops import recurrent
from tests.ops import oracles

LAYERS = [
    pytest.param(nn.RNN, {}, id="RNN"),
    pytest.param(nn.RNN, {"nonlinearity": "relu"}, id="RNN relu"),
    pytest.param(nn.LSTM, {}, id="LSTM"),
]
NAMES = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
T, B, N, H = 7, 3, 2, 5  # steps, batch, features, hidden


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def as_list(states):
    return list(states) if isinstance(states, tuple) else [states]


def as_given(layer, states):
    return tuple(states) if isinstance(layer, (nn.LSTM, nn.LSTMCell)) else states[0]


def composed(layer, x, states):
    """The output (T, B, ·) and the last states of a layer, from one-layer, one-direction loops over arrays."""
    directions, ends = ["", "_reverse"][: 1 + layer.bidirectional], []
    for k in range(layer.num_layers):
        outputs = []
        for direction in directions:
            weights = [getattr(layer, f"{name}_l{k}{direction}") for name in NAMES]
            weights = [None if w is None else w.data for w in weights]
            order = slice(None, None, -1 if direction else 1)
            start = [s[len(ends)] for s in states]
            if isinstance(layer, nn.LSTM):
                y = oracles.lstm(x[order], *start, *weights)
                y, end = y[:-1], (y[-2], y[-1])
            else:
                y = oracles.rnn(x[order], *start, *weights, layer.nonlinearity)
                end = (y[-1],)
            outputs.append(y[order])
            ends.append(end)
        x = np.concatenate(outputs, axis=2)
    return x, [np.stack(kind) for kind in zip(*ends)]


# ------------------------------------------------------------------ values
@pytest.mark.parametrize("kind, options", LAYERS)
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("given", [False, True])
def test_layers_and_directions_equal_loops(kind, options, num_layers, bidirectional, batch_first, bias, given):
    layer = kind(N, H, num_layers, bias=bias, batch_first=batch_first, bidirectional=bidirectional, **options).double()
    n = num_layers * (1 + bidirectional)
    x, states = normal(T, B, N), [normal(n, B, H, seed=k) * given for k in range(1 + (kind is nn.LSTM))]
    expected, ends = composed(layer, x, states)
    swap = (1, 0, 2) if batch_first else (0, 1, 2)
    tensors = [mg.tensor(s) for s in states]
    output, found = layer(mg.tensor(x.transpose(swap)), *[as_given(layer, tensors)] * given)
    np.testing.assert_allclose(output.data, expected.transpose(swap), rtol=1e-10, atol=1e-12)
    for end, wanted in zip(as_list(found), ends, strict=True):
        np.testing.assert_allclose(end.data, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind, options", LAYERS)
def test_a_sequence_alone_equals_a_batch_of_one(kind, options):
    layer, x = kind(N, H, 2, bidirectional=True, **options), mg.randn(T, N)
    output, states = layer(x)
    batch, of_batch = layer(x.unsqueeze(1))
    assert output.tolist() == batch[:, 0].tolist()
    for alone, state in zip(as_list(states), as_list(of_batch)):
        assert alone.shape == (4, H) and alone.tolist() == state[:, 0].tolist()
    again, _ = layer(x, as_given(layer, [mg.zeros(4, H)] * len(as_list(states))))
    assert again.tolist() == output.tolist()


@pytest.mark.parametrize("layer, cell", [(nn.RNN, nn.RNNCell), (nn.LSTM, nn.LSTMCell)])
@pytest.mark.parametrize("bias", [False, True])
def test_a_cell_step_by_step_equals_the_layer(layer, cell, bias):
    layer, cell = layer(N, H, bias=bias).double(), cell(N, H, bias=bias).double()
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    x = mg.tensor(normal(T, B, N))
    output, last = layer(x)
    state = None
    for t in range(T):
        state = cell(x[t], state)
        np.testing.assert_allclose(as_list(state)[0].data, output[t].data, rtol=1e-12, atol=1e-14)
        for alone, together in zip(as_list(cell(x[t, 1])), as_list(cell(x[t]))):
            np.testing.assert_allclose(alone.data, together[1].data, rtol=1e-12, atol=1e-14)
    for a, b in zip(as_list(state), as_list(last)):
        np.testing.assert_allclose(a.data, b[0].data, rtol=1e-12, atol=1e-14)


def test_names_shapes_and_order_of_the_parameters():
    layer = nn.LSTM(N, H, num_layers=2, bidirectional=True)
    expected = {}
    for k, features in ((0, N), (1, 2 * H)):
        for direction in ("", "_reverse"):
            shapes = ((4 * H, features), (4 * H, H), (4 * H,), (4 * H,))
            expected |= {f"{name}_l{k}{direction}": shape for name, shape in zip(NAMES, shapes)}
    assert [(name, p.shape) for name, p in layer.named_parameters()] == list(expected.items())
    assert [name for name, _ in nn.RNN(N, H, bias=False).named_parameters()] == ["weight_ih_l0", "weight_hh_l0"]
    assert [(name, p.shape) for name, p in nn.RNNCell(N, H).named_parameters()] == list(
        zip(NAMES, [(H, N), (H, H), (H,), (H,)])
    )


def test_parameters_start_uniform_within_one_over_the_root_of_the_hidden_size():
    mg.manual_seed(0)
    for module in (nn.RNN(9, 25, 2), nn.LSTM(9, 25), nn.RNNCell(9, 25), nn.LSTMCell(9, 25)):
        for p in module.parameters():
            assert 0.15 < np.abs(p.data).max() <= 0.2
            assert abs(p.data.std() - 0.2 / np.sqrt(3)) < 0.03


def test_printing_shows_what_is_not_default():
    assert repr(nn.LSTM(2, 5)) == "LSTM(2, 5)"
    assert repr(nn.RNN(2, 5, 2, "relu", batch_first=True)) == (
        "RNN(2, 5, num_layers=2, nonlinearity='relu', batch_first=True)"
    )
    assert repr(nn.RNNCell(2, 5, bias=False)) == "RNNCell(2, 5, bias=False)"
    assert repr(nn.Embedding(64, 5)) == "Embedding(64, 5)"


# ------------------------------------------------------------------ gradients over time
@pytest.mark.parametrize("kind, options", LAYERS)
def test_gradients_of_a_deep_bidirectional_layer_equal_differences(kind, options):
    layer = kind(2, 3, 2, batch_first=True, bidirectional=True, **options).double()
    names, parameters = zip(*layer.named_parameters())
    states = [normal(4, 2, 3, seed=k) for k in range(1 + (kind is nn.LSTM))]

    def everything(x, *inputs):
        for name, value in zip(names, inputs):
            vars(layer)[name] = value
        output, ends = layer(x, as_given(layer, list(inputs[len(names) :])))
        return mg.cat([output.flatten(), *(end.flatten() for end in as_list(ends))])

    mg.gradcheck(everything, (normal(2, 5, 2), *(p.data for p in parameters), *states))


@pytest.mark.parametrize("kind, options", LAYERS)
def test_the_gradient_at_lag_50_equals_differences(kind, options):
    mg.manual_seed(1)
    layer = kind(N, H, **options).double()
    if kind is nn.LSTM:
        layer.bias_ih_l0.data[H : 2 * H] = 4  # remembers
    else:
        layer.weight_hh_l0.copy_(mg.eye(H))
        layer.bias_ih_l0.copy_(-layer.bias_hh_l0)
        layer.weight_ih_l0.copy_(layer.weight_ih_l0.abs())
    x = mg.tensor(0.05 * np.abs(normal(51, B, N)), requires_grad=True)

    def last(x):
        return layer(x)[0][-1].sum()

    last(x).backward()
    step, first = 1e-5, x.data[0].copy()
    for index in np.ndindex(first.shape):
        values = []
        for sign in (1, -1):
            moved = x.data.copy()
            moved[0][index] += sign * step
            values.append(last(mg.tensor(moved)).item())
        numeric = (values[0] - values[1]) / (2 * step)
        assert abs(numeric) > 1e-5  # not vanished
        assert x.grad.data[0][index] == pytest.approx(numeric, rel=1e-4)


@pytest.mark.parametrize("kind, options", LAYERS)
def test_pieces_add_up_and_detach_cuts_exactly_between_them(kind, options):
    layer, x = kind(N, H, **options).double(), mg.tensor(normal(T, B, N), requires_grad=True)
    whole, _ = layer(x)
    first, state = layer(x[:4])
    rest, _ = layer(x[4:], state)
    np.testing.assert_allclose(mg.cat([first, rest]).data, whole.data, rtol=1e-12, atol=1e-14)
    (through,) = mg.autograd.grad(rest.sum(), x, retain_graph=True)
    (direct,) = mg.autograd.grad(whole[4:].sum(), x)
    np.testing.assert_allclose(through.data, direct.data, rtol=1e-10, atol=1e-14)
    cut = as_given(layer, [s.detach() for s in as_list(state)])
    (after,) = mg.autograd.grad(layer(x[4:], cut)[0].sum(), x)
    assert (after.data[:4] == 0).all() and (through.data[:4] != 0).any()
    np.testing.assert_allclose(after.data[4:], through.data[4:], rtol=1e-12)


def test_gradients_vanish_over_a_tanh_layer_and_less_the_higher_the_forget_bias():
    """log₁₀ of the ratio between the gradient at lag 50 and at lag 1."""

    def decay(layer):
        x = mg.tensor(normal(60, 8, 16).astype(np.float32), requires_grad=True)
        layer(x)[0][-1].sum().backward()
        size = np.linalg.norm(x.grad.data.reshape(60, -1), axis=1)
        return np.log10(size[-51] / size[-2])

    def lstm(forget_bias):
        layer = nn.LSTM(16, 32)
        layer.bias_ih_l0.data[32:64], layer.bias_hh_l0.data[32:64] = forget_bias, 0
        return layer

    mg.manual_seed(0)
    tanh, *forget = decay(nn.RNN(16, 32)), *(decay(lstm(b)) for b in (0, 1, 2))
    assert tanh < -10
    assert forget[0] < -6 and forget[0] + 3 < forget[1] < forget[2] - 1 < 0


@pytest.mark.parametrize("kind, options", LAYERS)
def test_one_pass_back_through_time_serves_all_gradients(kind, options, monkeypatch):
    layer, x, passes = kind(N, H, **options), mg.randn(T, B, N).requires_grad_(), []
    columns = recurrent.columns
    monkeypatch.setattr(recurrent, "columns", lambda a: passes.append(a.shape) or columns(a))
    layer(x)[0].sum().backward()
    assert len(passes) == 2  # the δₜ at the end of the one pass, and the zₜ that they multiply


# ------------------------------------------------------------------ embedding
def test_a_row_looked_up_several_times_receives_the_sum():
    table = nn.Embedding(5, 3)
    found = table(mg.tensor([[4, 0], [4, 4]]))
    assert found.tolist() == [[table.weight.tolist()[i] for i in row] for row in ([4, 0], [4, 4])]
    g = np.arange(12.0, dtype=np.float32).reshape(2, 2, 3)
    found.backward(mg.tensor(g))
    assert table.weight.grad.tolist() == [
        g[0, 1].tolist(),
        [0] * 3,
        [0] * 3,
        [0] * 3,
        (g.sum((0, 1)) - g[0, 1]).tolist(),
    ]


def test_the_table_starts_normal():
    mg.manual_seed(0)
    weight = nn.Embedding(100, 50).weight.data
    assert abs(weight.mean()) < 0.05 and abs(weight.std() - 1) < 0.05


def test_one_hot_counts_the_classes_itself_if_not_told():
    assert nn.functional.one_hot(mg.tensor([1, 0])).tolist() == [[0, 1], [1, 0]]
    assert nn.functional.one_hot(mg.tensor(1), 3).tolist() == [0, 1, 0]
