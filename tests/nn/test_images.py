"""Layers for images: names, shapes and first values as in PyTorch; padding modes; what they pass to the ops."""

import math

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.testing.check_op import check_op
from tests.ops import oracles

LAYERS = [
    (nn.Conv2d(3, 5, (2, 3)), (7, 5), "Conv2d(3, 5, kernel_size=(2, 3), stride=(1, 1))"),
    (nn.Conv2d(3, 5, 3, 2, 1, 2, bias=False, padding_mode="reflect"), (3, 3),
     "Conv2d(3, 5, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(2, 2), padding_mode='reflect', "
     "bias=False)"),
    (nn.ConvTranspose2d(3, 5, 4, 2, 1), (16, 14), "ConvTranspose2d(3, 5, kernel_size=(4, 4), stride=(2, 2), "
     "padding=(1, 1))"),
    (nn.ConvTranspose2d(3, 5, (3, 2), (2, 3), 0, (1, 2)), (18, 22),
     "ConvTranspose2d(3, 5, kernel_size=(3, 2), stride=(2, 3), output_padding=(1, 2))"),
    (nn.MaxPool2d(2), (4, 3), "MaxPool2d(kernel_size=2, stride=2, padding=0)"),
    (nn.MaxPool2d((3, 2), 2, (1, 0)), (4, 3), "MaxPool2d(kernel_size=(3, 2), stride=2, padding=(1, 0))"),
    (nn.AvgPool2d(3, 1), (6, 5), "AvgPool2d(kernel_size=3, stride=1, padding=0)"),
    (nn.AdaptiveAvgPool2d(1), (1, 1), "AdaptiveAvgPool2d(output_size=1)"),
    (nn.ZeroPad2d(2), (12, 11), "ZeroPad2d((2, 2, 2, 2))"),
    (nn.ReflectionPad2d((1, 2, 3, 4)), (15, 10), "ReflectionPad2d((1, 2, 3, 4))"),
    (nn.ReplicationPad2d((0, 1, 2, 0)), (10, 8), "ReplicationPad2d((0, 1, 2, 0))"),
    (nn.Upsample(scale_factor=(2, 3)), (16, 21), "Upsample(scale_factor=(2, 3), mode='nearest')"),
]  # fmt: skip


@pytest.mark.parametrize(
    "layer, size, text", LAYERS, ids=lambda x: type(x).__name__ if isinstance(x, nn.Module) else ""
)
def test_size_of_the_output_and_text(layer, size, text):
    y = layer(mg.ones(2, 3, 8, 7))
    assert y.shape[2:] == size and y.dtype == np.float32
    assert y.shape[:2] == (2, 5 if hasattr(layer, "weight") else 3)
    assert repr(layer) == text


@pytest.mark.parametrize("layer", [row[0] for row in LAYERS], ids=[type(row[0]).__name__ for row in LAYERS])
def test_an_empty_batch_passes_forward_and_backward(layer):
    x = mg.zeros(0, 3, 8, 7, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert len(y) == 0 and x.grad.shape == x.shape
    assert all(p.grad.data.any() == 0 for p in layer.parameters())


# ------------------------------------------------------------------ parameters
@pytest.mark.parametrize(
    "layer, shape, fan_in",
    [(nn.Conv2d(4, 6, (5, 3)), (6, 4, 5, 3), 4 * 5 * 3), (nn.ConvTranspose2d(4, 6, (5, 3)), (4, 6, 5, 3), 6 * 5 * 3)],
)
def test_parameters_have_their_names_shapes_and_first_values_from_pytorch(layer, shape, fan_in):
    assert {name: p.shape for name, p in layer.state_dict().items()} == {"weight": shape, "bias": (6,)}
    for p in layer.parameters():
        assert np.abs(p.data).max() < 1 / math.sqrt(fan_in)
    spread = np.array([(type(layer)(4, 6, (5, 3)).weight.data.std(), layer.weight.data.max()) for _ in range(3)])
    assert spread[:, 0] == pytest.approx(1 / math.sqrt(3 * fan_in), rel=0.15)  # of a uniform distribution


def test_without_a_bias_there_is_only_a_weight():
    assert list(nn.Conv2d(1, 2, 3, bias=False).state_dict()) == ["weight"]
    assert list(nn.ConvTranspose2d(1, 2, 3, bias=False).state_dict()) == ["weight"]


# ------------------------------------------------------------------ what they compute
@pytest.mark.parametrize("mode, pad", [("zeros", "constant"), ("reflect", "reflect"), ("replicate", "replicate")])
def test_padding_modes(mode, pad):
    layer = nn.Conv2d(2, 3, (3, 2), (1, 2), padding=(2, 1), padding_mode=mode).double()
    x = np.random.default_rng(0).standard_normal((2, 2, 4, 5))
    expected = oracles.conv2d(oracles.pad(x, (1, 1, 2, 2), pad), *(p.data for p in layer.parameters()), (1, 2))
    np.testing.assert_allclose(layer(mg.tensor(x)).data, expected, rtol=1e-10, atol=1e-12)
    mg.gradcheck(layer, x, order=2)


def test_the_mean_of_whole_channels():
    check_op(
        nn.AdaptiveAvgPool2d(1),
        lambda x: oracles.mean(x, (2, 3), True),
        (np.random.default_rng(0).standard_normal((2, 3, 4, 5)),),
    )


def test_layers_pass_on_all_their_sizes():
    x = mg.randn(2, 4, 9, 8)
    conv = nn.Conv2d(4, 3, (2, 3), (1, 2), (0, 1), (3, 2))
    back = nn.ConvTranspose2d(4, 3, (2, 3), (3, 2), (0, 1), (2, 0), dilation=(1, 2))
    for found, expected in [
        (conv(x), F.conv2d(x, conv.weight, conv.bias, (1, 2), (0, 1), (3, 2))),
        (back(x), F.conv_transpose2d(x, back.weight, back.bias, (3, 2), (0, 1), (2, 0), dilation=(1, 2))),
        (nn.MaxPool2d((2, 3), (1, 2), (1, 0))(x), F.max_pool2d(x, (2, 3), (1, 2), (1, 0))),
        (nn.AvgPool2d((2, 3), (1, 2), (1, 0))(x), F.avg_pool2d(x, (2, 3), (1, 2), (1, 0))),
        (nn.ReflectionPad2d((1, 2, 3, 0))(x), F.pad(x, (1, 2, 3, 0), "reflect")),
    ]:
        np.testing.assert_array_equal(found.data, expected.data)


def test_flatten_and_unflatten_undo_each_other():
    x = mg.randn(2, 3, 4, 5)
    flat = nn.Flatten()(x)
    assert flat.shape == (2, 60) and nn.Flatten(0, 2)(x).shape == (24, 5)
    assert nn.Unflatten(1, (3, 4, 5))(flat).tolist() == x.tolist()
    assert nn.Unflatten(-1, (12, 5))(flat).shape == (2, 12, 5)
    assert repr(nn.Sequential(nn.Flatten(), nn.Unflatten(1, (3, 20)))) == (
        "Sequential(\n  (0): Flatten(start_dim=1, end_dim=-1)\n"
        "  (1): Unflatten(dim=1, unflattened_size=(3, 20))\n)"
    )  # fmt: skip


def test_a_gradient_penalty_passes_through_a_convolutional_critic():
    """∂²/∂w∂x of the whole chain against differences: what WGAN-GP needs."""
    mg.manual_seed(0)
    critic = nn.Sequential(
        nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.Tanh(), nn.Upsample(scale_factor=2), nn.MaxPool2d(3, 2, 1),
        nn.ConvTranspose2d(2, 3, 2, stride=2), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(3 * 3 * 3, 1),
    ).double()  # fmt: skip
    mg.gradgradcheck(critic, (np.random.default_rng(0).standard_normal((2, 1, 5, 6)),))


def test_a_window_may_be_as_large_as_a_photograph():
    x = mg.zeros(1, 1, 200, 200, requires_grad=True)
    nn.MaxPool2d(200)(x + mg.arange(40000.0).reshape(1, 1, 200, 200)).sum().backward()
    assert x.grad.data[0, 0, -1, -1] == x.grad.data.sum() == 1
