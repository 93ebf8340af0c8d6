"""Clipping and spectral normalisation."""

import copy

import numpy as np
import pytest
import scipy.linalg

import minigrad as mg
from minigrad import nn
from minigrad.nn.utils import clip_grad_norm_, clip_grad_value_, clip_weights_, spectral_norm


def with_gradients(*gradients):
    parameters = [nn.Parameter(mg.zeros(np.shape(g))) for g in gradients]
    for p, g in zip(parameters, gradients, strict=True):
        p.grad = mg.tensor(g)
    return [*parameters, nn.Parameter(mg.zeros(1))]  # the last one has no gradient


# ------------------------------------------------------------------ clipping
@pytest.mark.parametrize("bound", [0.1, 13.0, 14.0])
def test_gradients_are_scaled_together_and_only_down(bound):
    parameters = with_gradients([3.0, 4.0], [[12.0]])
    total = clip_grad_norm_(iter(parameters), bound)
    assert total.item() == pytest.approx(13) and total.dtype == np.float32
    factor = min(1, bound / 13)
    np.testing.assert_allclose(parameters[0].grad.data, np.multiply([3, 4], factor), rtol=1e-6)
    np.testing.assert_allclose(parameters[1].grad.data, [[12 * factor]], rtol=1e-6)
    assert parameters[2].grad is None and parameters[0].grad.dtype == np.float32


def test_the_norm_of_no_gradient_is_0():
    assert clip_grad_norm_(mg.zeros(1, requires_grad=True), 1.0).item() == 0


def test_elements_of_gradients_and_weights_are_held_between_bounds():
    parameters = with_gradients([-3.0, 0.5], [[2.0]])
    clip_grad_value_(parameters, 1)
    assert [p.grad.tolist() for p in parameters[:2]] == [[-1, 0.5], [[1]]] and parameters[2].grad is None
    weights = [nn.Parameter(mg.tensor([-3.0, 0.005])), nn.Parameter(mg.tensor(2.0))]
    clip_weights_(weights, 0.01)
    np.testing.assert_allclose(weights[0].data, [-0.01, 0.005], rtol=1e-6)
    assert weights[1].item() == pytest.approx(0.01)


def test_weights_clipped_after_the_forward_pass_are_noticed_by_backward():
    net = nn.Linear(2, 2)
    loss = net(mg.ones(1, 2, requires_grad=True)).sum()
    clip_weights_(net.parameters(), 0.01)
    with pytest.raises(RuntimeError, match="'weight' of shape"):
        loss.backward()


# ------------------------------------------------------------------ spectral normalisation
def matrix(layer, weight):
    """A row per output; a transposed convolution's weight is (in, out, height, width)."""
    weight = np.moveaxis(weight, 1, 0) if isinstance(layer, nn.ConvTranspose2d) else weight
    return weight.reshape(len(weight), -1)


LAYERS = [
    (lambda: nn.Linear(7, 5), (2, 7)),
    (lambda: nn.Conv2d(5, 3, 2), (2, 5, 3, 4)),
    (lambda: nn.ConvTranspose2d(3, 5, 2), (2, 3, 3, 4)),
]


@pytest.mark.parametrize("make, shape", LAYERS, ids=["dense", "conv", "transposed conv"])
def test_the_weight_is_divided_by_its_largest_singular_value(make, shape):
    mg.manual_seed(0)
    layer = spectral_norm(make().double(), n_power_iterations=3)
    for _ in range(100):
        layer(mg.ones(shape, dtype=np.float64))
    sigma = scipy.linalg.svdvals(matrix(layer, layer.weight_orig.data))[0]
    np.testing.assert_allclose(layer.weight.data, layer.weight_orig.data / sigma, rtol=1e-8)
    assert scipy.linalg.svdvals(matrix(layer, layer.weight.data))[0] == pytest.approx(1)
    u, v = layer.weight_u.data, layer.weight_v.data
    assert u @ u == pytest.approx(1) and v @ v == pytest.approx(1)
    assert u.shape + v.shape == matrix(layer, layer.weight_orig.data).shape


def test_the_power_iteration_runs_in_training_only():
    mg.manual_seed(0)
    layer, x = spectral_norm(nn.Linear(7, 5)), mg.ones(2, 7)
    state = {name: value.clone() for name, value in layer.state_dict().items()}
    assert (layer.eval()(x).data == layer(x).data).all()
    assert all((value.data == state[name].data).all() for name, value in layer.state_dict().items())
    layer.train()(x)
    moved = {name for name, value in layer.state_dict().items() if (value.data != state[name].data).any()}
    assert moved == {"weight_u", "weight_v"}


def test_a_pass_makes_as_many_power_iterations_as_asked():
    layer = spectral_norm(nn.Linear(7, 5).double(), n_power_iterations=2)
    w, u = layer.weight_orig.data, layer.weight_u.data.copy()
    for _ in range(2):
        v = w.T @ u / np.linalg.norm(w.T @ u)
        u = w @ v / np.linalg.norm(w @ v)
    layer(mg.ones(1, 7, dtype=np.float64))
    np.testing.assert_allclose(layer.weight_u.data, u, rtol=1e-10)
    np.testing.assert_allclose(layer.weight_v.data, v, rtol=1e-10)


def test_the_gradient_flows_through_sigma_with_u_and_v_constant():
    layer = spectral_norm(nn.Linear(3, 2)).double().eval()
    x, u, v = mg.randn(4, 3, dtype=np.float64), layer.weight_u.data, layer.weight_v.data
    mg.gradcheck(layer, x, 2)
    (layer(x) ** 2).sum().backward()
    w = mg.tensor(layer.weight_orig.data, requires_grad=True)
    ((nn.functional.linear(x, w / (mg.tensor(u) @ w @ mg.tensor(v)), layer.bias)) ** 2).sum().backward()
    np.testing.assert_allclose(layer.weight_orig.grad.data, w.grad.data, rtol=1e-10)


def test_two_passes_before_backward_are_allowed():
    layer = spectral_norm(nn.Linear(3, 2))
    (layer(mg.ones(1, 3)) - layer(mg.zeros(1, 3))).sum().backward()
    assert layer.weight_orig.grad.shape == (2, 3)


def test_an_optimizer_made_before_holds_the_same_parameter():
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    before = list(net.parameters())
    spectral_norm(net[0])
    assert {id(p) for p in net.parameters()} == {id(p) for p in before}
    assert [name for name, _ in net.named_parameters()] == ["0.bias", "0.weight_orig"]
    assert isinstance(net[0], nn.Linear) and repr(net[0]).startswith("SpectralLinear(in_features=3")


def test_a_copy_is_another_layer_and_a_state_dict_restores_it():
    layer = spectral_norm(nn.Linear(3, 2))
    layer(mg.ones(1, 3))
    copied = copy.deepcopy(layer)
    layer.weight_orig.fill_(1)
    assert (copied.weight_orig.data != 1).all()
    copied.load_state_dict(layer.state_dict())
    assert (copied.eval()(mg.ones(1, 3)).data == layer.eval()(mg.ones(1, 3)).data).all()
