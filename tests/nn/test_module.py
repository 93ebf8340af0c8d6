"""Module: finding parameters, switching, saving, printing; the layers and losses of this slice."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


class Block(nn.Module):
    def __init__(self):
        self.scale = nn.Parameter(mg.ones(1))
        self.inner = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2, bias=False))
        self.register_buffer("count", mg.zeros(1))
        self.shift = nn.Parameter(mg.zeros(2))

    def forward(self, x):
        return self.inner(x) * self.scale + self.shift


NAMES = ["scale", "shift", "inner.0.weight", "inner.0.bias", "inner.2.weight"]


def test_parameters_come_in_definition_order_own_before_children():
    assert [name for name, _ in Block().named_parameters()] == NAMES


def test_state_dict_holds_parameters_and_buffers():
    assert list(Block().state_dict()) == ["scale", "count", "shift", "inner.0.weight", "inner.0.bias", "inner.2.weight"]


def test_a_shared_parameter_is_trained_once_and_saved_twice():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    vars(net)["1"].weight = vars(net)["0"].weight
    assert len(list(net.parameters())) == 3 and len(net.state_dict()) == 4


def test_modules_are_walked_parents_first_each_once():
    net = Block()
    assert [name for name, _ in net.named_modules()] == ["", "inner", "inner.0", "inner.1", "inner.2"]
    net.again = net.inner
    assert len(list(net.modules())) == 5


def test_train_and_eval_reach_every_module():
    net = Block().eval()
    assert not any(m.training for m in net.modules())
    assert all(m.training for m in net.train().modules())


def test_freezing_and_forgetting_gradients():
    net = Block()
    net(mg.ones(4, 3)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not net(mg.ones(4, 3)).requires_grad


def test_apply_visits_children_before_parents():
    visited = []
    net = Block()
    assert net.apply(lambda m: visited.append(type(m).__name__)) is net
    assert visited == ["Linear", "Tanh", "Linear", "Sequential", "Block"]


def test_conversion_of_dtype_keeps_parameters_the_same_objects():
    net = Block()
    before = list(net.parameters())
    assert net.double() is net and net(mg.ones(1, 3, dtype=np.float64)).dtype == np.float64
    assert all(a is b for a, b in zip(before, net.parameters(), strict=True)) and net.count.dtype == np.float64
    assert net.float()(mg.ones(1, 3)).dtype == np.float32


def test_a_state_dict_carries_a_network_over_as_plain_arrays():
    net, other = Block(), Block()
    other.load_state_dict({name: value.numpy().copy() for name, value in net.state_dict().items()})
    x = mg.randn(4, 3)
    assert (net(x).data == other(x).data).all()
    other.scale.data[...] = 7
    assert net.scale.item() == 1


def test_a_state_dict_shares_memory_with_the_parameters_and_can_be_cloned():
    net = Block()
    live = net.state_dict()["scale"]
    snapshot = net.state_dict()["scale"].clone()
    net.scale.add_(1)
    assert live.item() == 2 and snapshot.item() == 1


def test_what_does_not_fit_a_state_dict_is_listed_at_once_and_nothing_changes():
    net = Block()
    state = {name: np.full(value.shape, 9.0) for name, value in net.state_dict().items()}
    del state["scale"], state["count"]
    state["inner.0.weight"], state["typo"] = np.zeros((5, 4)), np.zeros(1)
    with pytest.raises(RuntimeError) as error:
        net.load_state_dict(state)
    for words in (
        "Block",
        "missing: scale",
        "missing: count",
        "unexpected: typo",
        "inner.0.weight is (5, 3)",
        "(5, 4)",
    ):
        assert words in str(error.value)
    assert net.shift.tolist() == [0, 0]
    state["inner.0.weight"] = np.zeros((5, 3))
    net.load_state_dict(state, strict=False)
    assert net.shift.tolist() == [9, 9] and net.scale.item() == 1


def test_loading_after_the_forward_pass_is_noticed_by_backward():
    net = Block()
    loss = net(mg.ones(1, 3)).sum()
    net.load_state_dict(net.state_dict())
    with pytest.raises(RuntimeError, match="changed after"):
        loss.backward()


def test_repr_shows_the_tree():
    assert repr(Block()) == (
        "Block(\n"
        "  (inner): Sequential(\n"
        "    (0): Linear(in_features=3, out_features=5, bias=True)\n"
        "    (1): Tanh()\n"
        "    (2): Linear(in_features=5, out_features=2, bias=False)\n"
        "  )\n"
        ")"
    )


def test_a_line_shows_the_constructors_arguments_that_a_layer_keeps_as_plain_values():
    class Scale(nn.Module):
        def __init__(self, factor, shape=(1,), unit="m", inner=None, lost=0):
            self.factor, self.shape, self.unit, self.inner = factor, shape, unit, inner
            self.weight = nn.Parameter(mg.ones(2))

    assert repr(Scale(2.5)) == "Scale(factor=2.5, shape=(1,), unit='m')"
    assert repr(Scale(3, inner=nn.Tanh()).eval()) == "Scale(\n  factor=3, shape=(1,), unit='m'\n  (inner): Tanh()\n)"


def test_a_buffer_in_two_places_is_listed_once_and_saved_twice():
    net = nn.Sequential(nn.BatchNorm1d(3), nn.Tanh())
    net.again = net[0]
    assert len(list(net.buffers())) == 3 and len(net.state_dict()) == 10


def test_sequential_is_a_sequence_of_its_layers():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert len(net) == 3 and isinstance(net[1], nn.ReLU) and list(net)[-1] is net[-1]
    assert isinstance(net[:2], nn.Sequential) and net[:2](mg.ones(4, 2)).shape == (4, 3)


def test_what_is_no_layer_does_not_pass_for_one():
    for wrong in (mg.tanh, nn.Tanh, [nn.Tanh()]):
        with pytest.raises(TypeError, match="number 1"):
            nn.Sequential(nn.Linear(2, 2), wrong)


def test_a_module_list_holds_layers_and_calls_none():
    layers = nn.ModuleList([nn.Linear(2, 3)])
    assert layers.append(nn.ReLU()) is layers
    assert len(layers) == 2 and isinstance(layers[-1], nn.ReLU) and isinstance(layers[:1], nn.ModuleList)
    assert list(layers.state_dict()) == ["0.weight", "0.bias"] and [type(m) for m in layers] == [nn.Linear, nn.ReLU]
    with pytest.raises(TypeError, match="number 2"):
        layers.append(mg.tanh)
    with pytest.raises(TypeError, match="ModuleList defines no forward"):
        layers(mg.ones(1, 2))


def test_identity_is_the_input():
    x = mg.ones(2)
    assert nn.Identity()(x) is x


def test_a_parameter_is_not_lost_to_a_tensor_of_its_name():
    layer = nn.Linear(2, 2)
    with mg.no_grad(), pytest.raises(TypeError, match="Linear.weight is a Parameter"):
        layer.weight = layer.weight - 0.1
    with mg.no_grad():
        layer.weight -= 0.1
    layer.bias = None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


def test_parameters_are_named_by_their_path():
    """So that the message about a changed one says which it is."""
    net = Block()
    assert [p.name for p in net.parameters()] == NAMES


def test_a_buffer_may_be_none_and_is_then_not_saved():
    net = nn.Module()
    net.register_buffer("nothing", None)
    assert net.state_dict() == {} and list(net.buffers()) == []


def test_a_copied_module_is_another():
    net = Block()
    other = copy.deepcopy(net)
    other.scale.fill_(7)
    assert net.scale.item() == 1 and len(list(other.parameters())) == 5 and other.scale.name == "scale"


def test_a_module_without_forward_says_so():
    with pytest.raises(TypeError, match="Module defines no forward"):
        nn.Module()(mg.ones(1))


# ------------------------------------------------------------------ layers and losses
def test_linear_starts_uniform_within_one_over_root_fan_in():
    mg.manual_seed(0)
    layer = nn.Linear(400, 500)
    for p in layer.parameters():
        assert abs(p.data).max() <= 1 / 20 and abs(p.data.std() * 20 * np.sqrt(3) - 1) < 0.05


def test_xavier_uniform_keeps_the_variance_of_gain_squared_times_two_over_fans():
    mg.manual_seed(0)
    w = nn.init.xavier_uniform_(mg.zeros(300, 500), gain=2.0).data
    assert abs(w.var() / (4 * 2 / 800) - 1) < 0.02 and abs(w).max() <= 2 * np.sqrt(6 / 800)
    assert nn.init.zeros_(mg.ones(3)).tolist() == [0, 0, 0]


X = np.array([-2.0, -0.5, 0.5, 3.0])


@pytest.mark.parametrize(
    "layer, function",
    [
        (nn.ReLU(), lambda x: np.maximum(x, 0)),
        (nn.LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
        (nn.LeakyReLU(), lambda x: np.where(x > 0, x, 0.01 * x)),
        (nn.Tanh(), np.tanh),
        (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
        (nn.Softplus(), lambda x: np.log1p(np.exp(x))),
        (nn.Softmax(dim=0), lambda x: np.exp(x) / np.exp(x).sum()),
        (nn.LogSoftmax(-1), lambda x: x - np.log(np.exp(x).sum())),
    ],
)
def test_activation_layers(layer, function):
    np.testing.assert_allclose(layer(mg.tensor(X)).data, function(X), rtol=1e-14)


P, T = np.array([[0.2, 0.9], [0.5, 0.4]]), np.array([[0.0, 1.0], [0.3, 0.4]])
BCE = -(T * np.log(P) + (1 - T) * np.log(1 - P))
KL = 0.5 * (P**2 + np.exp(T) - 1 - T).sum(1)


@pytest.mark.parametrize(
    "loss, x, expected",
    [
        (nn.MSELoss(), P, ((P - T) ** 2).mean()),
        (nn.MSELoss(reduction="sum"), P, ((P - T) ** 2).sum()),
        (nn.MSELoss(reduction="none"), P, (P - T) ** 2),
        (nn.RMSELoss(), P, np.sqrt(((P - T) ** 2).mean())),
        (nn.BCELoss(), P, BCE.mean()),
        (nn.BCELoss(reduction="sum"), P, BCE.sum()),
        (nn.BCEWithLogitsLoss(), np.log(P / (1 - P)), BCE.mean()),
        (nn.BCEWithLogitsLoss(reduction="none"), np.log(P / (1 - P)), BCE),
        (nn.L1Loss(), P, abs(P - T).mean()),
        (nn.L1Loss(reduction="none"), P, abs(P - T)),
        (nn.GaussianKL(), P, KL.mean()),
        (nn.GaussianKL(reduction="sum"), P, KL.sum()),
        (nn.GaussianKL(reduction="none"), P, KL),
    ],
)
def test_loss_layers(loss, x, expected):
    np.testing.assert_allclose(loss(mg.tensor(x), mg.tensor(T)).data, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "reduction, reduced", [("mean", np.mean), ("sum", np.sum), ("none", np.asarray)], ids=["mean", "sum", "none"]
)
def test_losses_of_labels(reduction, reduced):
    logits = np.log([[0.2, 0.5, 0.3], [0.7, 0.1, 0.2]])
    expected = reduced(-np.log([0.3, 0.7]))
    for labels in (mg.tensor([2, 0]), np.array([2, 0], np.uint8), [2, 0]):
        for loss in (nn.CrossEntropyLoss(reduction=reduction), nn.NLLLoss(reduction=reduction)):
            np.testing.assert_allclose(loss(mg.tensor(logits), labels).data, expected, rtol=1e-12)


def test_integer_targets_count_as_numbers():
    assert nn.BCEWithLogitsLoss()(mg.zeros(2), mg.tensor([0, 1])).item() == pytest.approx(np.log(2))
