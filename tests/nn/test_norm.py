"""Batch norm, layer norm, dropout, minibatch discrimination as layers; their formulas are rows of the table of ops."""

import math

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

RNG = np.random.default_rng(0)


def batch(*shape, mean=3.0, std=2.0):
    return mg.tensor(RNG.normal(mean, std, shape))


LAYERS = [(nn.BatchNorm1d, (7, 5)), (nn.BatchNorm1d, (3, 5, 2)), (nn.BatchNorm2d, (2, 5, 3, 7))]


# ------------------------------------------------------------------ batch norm
@pytest.mark.parametrize("kind, shape", LAYERS)
def test_running_statistics_follow_the_recurrence_with_the_unbiased_variance(kind, shape):
    layer = kind(5, momentum=0.3).double()
    mean, var = np.zeros(5), np.ones(5)
    for _ in range(3):
        x = batch(*shape)
        layer(x)
        channels = np.moveaxis(x.data, 1, 0).reshape(5, -1)
        mean = 0.7 * mean + 0.3 * channels.mean(1)
        var = 0.7 * var + 0.3 * channels.var(1, ddof=1)
    np.testing.assert_allclose(layer.running_mean.data, mean, rtol=1e-12)
    np.testing.assert_allclose(layer.running_var.data, var, rtol=1e-12)
    assert layer.num_batches_tracked.item() == 3


@pytest.mark.parametrize("kind, shape", LAYERS)
def test_training_normalises_by_the_batch_and_evaluation_by_the_running_statistics(kind, shape):
    layer, x = kind(5, momentum=0.5).double(), batch(*shape)
    trained, evaluated = layer(x), layer.eval()(x)
    others = (0, *range(2, x.ndim))
    np.testing.assert_allclose(trained.data.mean(others), 0, atol=1e-14)
    np.testing.assert_allclose(trained.data.var(others), 1, rtol=1e-4)
    assert abs(trained.data - evaluated.data).max() > 0.1
    mean, var = (np.expand_dims(c.data, (*range(1, x.ndim - 1),)) for c in (layer.running_mean, layer.running_var))
    np.testing.assert_allclose(evaluated.data, (x.data - mean) / np.sqrt(var + 1e-5), rtol=1e-12)


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(5, eps=3.0), nn.BatchNorm1d(5, 3.0).eval(), nn.LayerNorm(5, 3.0)])
def test_eps_is_added_to_the_variance(layer):
    x = mg.tensor([[1.0, -1, 1, -1, 0], [-1, 1, -1, 1, 0]]) * math.sqrt(5 / 4 if isinstance(layer, nn.LayerNorm) else 1)
    np.testing.assert_allclose(layer(x).data, x.data / 2, rtol=1e-5)  # the variance is 1 but for the last channel


@pytest.mark.parametrize("training", [True, False])
def test_only_training_changes_the_running_statistics(training):
    layer = nn.BatchNorm1d(5).train(training)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    with mg.no_grad():
        layer(batch(7, 5).float())
    changed = {name for name, value in layer.state_dict().items() if (value.data != before[name].data).any()}
    assert changed == ({"running_mean", "running_var", "num_batches_tracked"} if training else set())


def test_without_running_statistics_evaluation_takes_those_of_the_batch():
    layer, x = nn.BatchNorm1d(5, track_running_stats=False), batch(7, 5).float()
    assert (layer(x).data == layer.eval()(x).data).all()
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_its_state_dict_is_that_of_pytorch():
    state = nn.BatchNorm2d(5).state_dict()
    assert {name: (value.shape, value.dtype.name) for name, value in state.items()} == {
        "weight": ((5,), "float32"),
        "bias": ((5,), "float32"),
        "running_mean": ((5,), "float32"),
        "running_var": ((5,), "float32"),
        "num_batches_tracked": ((), "int64"),
    }
    assert [value.tolist() for value in state.values()] == [[1] * 5, [0] * 5, [0] * 5, [1] * 5, 0]
    assert list(nn.BatchNorm2d(5, affine=False).state_dict()) == list(state)[2:]
    assert nn.BatchNorm2d(5).double().num_batches_tracked.dtype == np.int64


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("kind, shape", LAYERS)
def test_a_shift_or_a_stretch_of_a_channel_has_no_gradient(kind, shape, create_graph):
    x = batch(*shape).requires_grad_()
    y = kind(5, eps=0).double()(x)
    (g,) = mg.autograd.grad(y, x, batch(*shape), create_graph=create_graph)
    others = (0, *range(2, x.ndim))
    np.testing.assert_allclose(g.data.sum(others), 0, atol=1e-12)
    np.testing.assert_allclose((g.data * x.data).sum(others), 0, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_channel_is_finite_to_second_order(dtype):
    x = mg.full((4, 2, 3, 3), 7.0, dtype=dtype, requires_grad=True)
    layer = nn.BatchNorm2d(2).to(dtype)
    with np.errstate(all="raise", under="ignore"):
        (g,) = mg.autograd.grad((layer(x) ** 2 * batch(4, 2, 3, 3).astype(dtype)).sum(), x, create_graph=True)
        (h,) = mg.autograd.grad((g**2).sum() + g.sum(), x)
    assert abs(layer(x).data).max() < 1e-2 and np.isfinite(g.data).all() and np.isfinite(h.data).all()


def test_a_large_mean_costs_no_more_digits_than_the_input_has():
    x = RNG.standard_normal((64, 3, 5, 5))
    far = mg.tensor((x + 1000).astype(np.float32))
    expected = F.batch_norm(mg.tensor(far.data.astype(np.float64)), None, None, training=True)
    np.testing.assert_allclose(F.batch_norm(far, None, None, training=True).data, expected.data, atol=2e-4)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1)], ids=["NCHW", "NHWC"])
def test_output_and_gradient_lie_in_memory_as_the_input(order):
    x, g = (mg.randn(*(np.array([2, 3, 5, 7])[list(order)])).permute(*np.argsort(order).tolist()) for _ in range(2))
    y = F.batch_norm(x.requires_grad_(), None, None, mg.ones(3), mg.zeros(3), True)
    assert x.shape == (2, 3, 5, 7) and y.data.transpose(order).flags.c_contiguous
    assert y.op.grad_x(g.data, y.op.output, *y.op.arrays).transpose(order).flags.c_contiguous


def test_two_passes_in_one_graph_each_keep_their_own_statistics():
    layer = nn.BatchNorm1d(5)
    real, fake = batch(7, 5).float(), batch(7, 5, mean=-3.0).float().requires_grad_()
    (layer(real).sum() + (layer(fake) ** 3).sum()).backward()
    alone = mg.tensor(fake.data, requires_grad=True)
    (nn.BatchNorm1d(5)(alone) ** 3).sum().backward()
    np.testing.assert_allclose(fake.grad.data, alone.grad.data, atol=1e-6)


# ------------------------------------------------------------------ layer norm
@pytest.mark.parametrize("shape, last", [(7, (7,)), ((7,), (7,)), ((5, 7), (5, 7)), ([5, 7], (5, 7))])
def test_layer_norm_takes_the_last_axes(shape, last):
    layer = nn.LayerNorm(shape).double()
    y = layer(batch(2, 3, 5, 7)).data
    axes = tuple(range(-len(last), 0))
    np.testing.assert_allclose(y.mean(axes), 0, atol=1e-13)
    np.testing.assert_allclose(y.var(axes), 1, rtol=1e-4)
    assert {name: value.shape for name, value in layer.state_dict().items()} == {"weight": last, "bias": last}
    assert layer.normalized_shape == last and not nn.LayerNorm(shape, elementwise_affine=False).state_dict()


def test_layer_norm_of_an_example_does_not_depend_on_the_others():
    layer, x = nn.LayerNorm(5), batch(7, 5).float()
    np.testing.assert_allclose(layer(x).data[:1], layer.eval()(x[:1]).data, rtol=1e-6)


# ------------------------------------------------------------------ dropout
def test_dropout_drops_a_share_p_and_keeps_the_mean():
    mg.manual_seed(0)
    x = mg.ones(100, 1000, requires_grad=True)
    y = nn.Dropout(0.3)(x)
    assert set(np.unique(y.data)) == {0, np.float32(1 / 0.7)} and y.dtype == np.float32
    assert abs((y.data == 0).mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / 1e5)
    y.sum().backward()
    assert (x.grad.data == y.data).all()


def test_dropout_draws_afresh_each_time_and_from_the_seed():
    layer, x = nn.Dropout(), mg.ones(100)
    mg.manual_seed(1)
    first, second = layer(x).data, layer(x).data
    mg.manual_seed(1)
    assert (layer(x).data == first).all() and (first != second).any()


def test_dropout_is_the_identity_in_evaluation_and_of_p_0_and_nothing_of_p_1():
    x = mg.ones(3)
    assert nn.Dropout().eval()(x) is x and nn.Dropout(0)(x) is x and F.dropout(x, training=False) is x
    assert nn.Dropout(1)(x).tolist() == [0, 0, 0]


# ------------------------------------------------------------------ minibatch discrimination
def test_minibatch_discrimination_equals_its_loops():
    layer, x = nn.MinibatchDiscrimination(3, 2, 5).double(), batch(4, 3, mean=0.0)
    expected = np.zeros((4, 2))
    for i in range(4):
        for j in range(4):
            for b in range(2):
                distance = sum(abs((x.data[i] - x.data[j]) @ layer.T.data[:, b, c]) for c in range(5))
                expected[i, b] += np.exp(-distance)
    y = layer(x)
    assert (y.data[:, :3] == x.data).all()
    np.testing.assert_allclose(y.data[:, 3:], expected, rtol=1e-12)
    mg.gradcheck(layer, x, 2)


def test_a_batch_of_copies_is_as_close_as_can_be():
    y = nn.MinibatchDiscrimination(3, 2, 5)(mg.ones(7, 3))
    assert (y.data[:, 3:] == 7).all()


def test_minibatch_discrimination_starts_with_distances_of_about_1():
    mg.manual_seed(0)
    layer = nn.MinibatchDiscrimination(64, 200, 8)
    m = np.einsum("na,abc->nbc", RNG.standard_normal((2, 64)), layer.T.data)
    assert 0.9 < abs(m[0] - m[1]).sum(1).mean() < 1.4


def test_a_graph_in_evaluation_outlives_training_that_moves_the_running_statistics():
    layer, x = nn.BatchNorm1d(3), mg.randn(4, 3, requires_grad=True)
    y = layer.eval()(x)
    layer.train()(mg.randn(4, 3))
    y.sum().backward()
    np.testing.assert_allclose(x.grad.data, np.full((4, 3), 1 / np.sqrt(1 + 1e-5)), rtol=1e-6)
