"""Moving between devices: names, tensors, modules, optimizers, checkpoints; on the fake device, so without a GPU."""

import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn, optim
from minigrad.testing import fake_device
from minigrad.utils.data import DataLoader, TensorDataset

HOST = np.arange(6.0, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def device():
    with fake_device.installed(devices=2) as installed:
        yield installed


# ------------------------------------------------------------------ names
@pytest.mark.parametrize(
    "given, name", [("cpu", "cpu"), ("cuda", "cuda"), ("cuda:0", "cuda"), ("cuda:1", "cuda:1")], ids=str
)
def test_a_tensor_says_where_it_lies(device, given, name):
    x = mg.tensor(HOST).to(given)
    assert x.device == name and (type(x.data) is np.ndarray) == (name == "cpu")
    np.testing.assert_array_equal(x.cpu().numpy(), HOST, strict=True)


@pytest.mark.parametrize("strange", ["gpu", "cuda:", "cuda:x", "cuda1", "CUDA", "cpu:0", "", [1]])
def test_what_is_neither_device_nor_dtype_is_told(device, strange):
    for thing in (mg.tensor(HOST), nn.Linear(2, 3)):
        with pytest.raises(ValueError, match='neither a device, "cpu", "cuda" or "cuda:1", nor a dtype'):
            thing.to(strange)
    with pytest.raises(ValueError, match="a device"):
        mg.zeros(2, device=strange or "gpu")


def test_a_device_and_a_dtype_can_be_given_together(device):
    x = mg.tensor(HOST).to("cuda", np.float64)
    assert (x.device, x.dtype) == ("cuda", np.float64)
    assert (x.to(dtype="float32").device, x.to(device="cpu").dtype) == ("cuda", np.float64)
    net = nn.Linear(3, 2).to("cuda", np.float64)
    assert (net.weight.device, net.weight.dtype, net(x).dtype) == ("cuda", np.float64, np.float64)


@pytest.mark.parametrize(
    "devices, name, says", [(0, "cuda", "no GPU .*NoDevice"), (1, "cuda:1", "no device 'cuda:1'.* 1 here")]
)
def test_a_gpu_that_is_not_there(devices, name, says):
    with fake_device.installed(devices):
        assert mg.cuda.is_available() == (devices > 0)
        for move in (
            lambda: mg.tensor(HOST).to(name),
            lambda: nn.Linear(3, 2).to(name),
            lambda: mg.ones(3, device=name),
        ):
            with pytest.raises(RuntimeError, match=says):
                move()


def test_without_cupy_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # an import of it fails
    assert mg.cuda.is_available() is False
    with pytest.raises(RuntimeError, match="needs CuPy.*pip install cupy-cuda12x") as caught:
        mg.tensor(HOST).cuda()
    assert "\n" not in str(caught.value)
    assert mg.tensor(HOST).cpu().device == "cpu"


def test_cupy_is_imported_when_a_device_is_asked_for_and_not_before():
    program = """if True:
        import sys
        asked = []
        class Finder:
            def find_spec(name, path=None, target=None):
                asked.extend({name} & {"cupy"})
        sys.meta_path.insert(0, Finder)
        import minigrad as mg
        x = mg.ones(2, 3, requires_grad=True)
        mg.nn.Linear(3, 2).to("cpu")(x).sum().backward()
        assert not asked
        mg.cuda.is_available()
        assert asked == ["cupy"]
    """
    subprocess.run([sys.executable, "-c", program], check=True)


# ------------------------------------------------------------------ tensors
def test_a_tensor_that_is_there_already_does_not_move(device):
    x = mg.tensor(HOST)
    there = x.cuda()
    assert x.cpu() is x and there.cuda() is there and there.to("cuda:0") is there
    assert len(device.uploads) == 1 and not device.transfers


def test_gradients_find_their_way_back(device):
    x = mg.tensor(HOST, requires_grad=True)
    y = x.to("cuda").exp().to("cuda:1") * 2
    loss = y.cpu().sum()
    loss.backward()
    assert (y.device, loss.device, x.grad.device) == ("cuda:1", "cpu", "cpu")
    np.testing.assert_array_equal(x.grad.numpy(), 2 * np.exp(HOST))


def test_a_second_derivative_through_a_move(device):
    x = mg.tensor(HOST, requires_grad=True)
    (slope,) = mg.autograd.grad((x.cuda() ** 3).cpu().sum(), x, create_graph=True)
    slope.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 6 * HOST)


@pytest.mark.parametrize("convert", [Tensor.numpy, np.asarray, lambda x: np.exp(x.numpy())])
def test_a_device_tensor_does_not_become_a_numpy_array_unseen(device, convert):
    with pytest.raises(TypeError, match=r"lies on cuda.*\.cpu\(\)\.numpy\(\)"):
        convert(mg.tensor(HOST).cuda())
    assert not device.transfers


def test_what_is_made_on_a_device_equals_what_is_made_on_the_host(device):
    makers = [
        lambda **on: mg.tensor([[1.0, 2.0]], **on),
        lambda **on: mg.as_tensor(HOST, **on),
        lambda **on: mg.zeros(2, 3, **on),
        lambda **on: mg.ones((2, 3), **on),
        lambda **on: mg.full((2,), 0.5, **on),
        lambda **on: mg.eye(3, **on),
        lambda **on: mg.arange(5, **on),
        lambda **on: mg.linspace(0, 1, 5, **on),
        lambda **on: mg.rand(3, **on),
        lambda **on: mg.randn(2, 3, **on),
        lambda **on: mg.randint(0, 9, (4,), **on),
        lambda **on: mg.randperm(7, **on),
        lambda **on: mg.zeros_like(mg.ones(2, 3, **on)),
        lambda **on: mg.ones_like(mg.zeros(2, 3, **on)),
        lambda **on: mg.randn_like(mg.zeros(2, 3, **on)),
        lambda **on: mg.zeros(3, **on).normal_().uniform_(2, 3),
    ]
    for make in makers:
        mg.manual_seed(3)
        here = make()
        mg.manual_seed(3)
        there = make(device="cuda")
        assert there.device == "cuda" and not there.requires_grad and there.is_leaf
        np.testing.assert_array_equal(there.cpu().numpy(), here.numpy(), strict=True)
    assert mg.randn(3, device="cuda", requires_grad=True).is_leaf


def test_values_are_copied_in_from_anywhere(device):
    there, here = mg.zeros(2, 3, device="cuda"), mg.zeros(2, 3)
    there.copy_(mg.tensor(HOST))
    here.copy_(there)
    mg.zeros(2, 3, device="cuda:1").copy_(there)
    assert here.tolist() == there.tolist() == HOST.tolist()


def test_a_data_set_on_the_device_gives_batches_there(device):
    loader = DataLoader(TensorDataset(mg.tensor(HOST).cuda(), mg.arange(2)), 1, shuffle=True)
    batches = list(loader)
    assert not device.transfers
    assert {(x.device, y.device) for x, y in batches} == {("cuda", "cpu")}
    assert sorted(x.tolist()[0] for x, _ in batches) == HOST.tolist()


# ------------------------------------------------------------------ modules and optimizers
class Net(nn.Module):
    """Parameters, buffers, dropout: everything whose place or randomness could differ."""

    def __init__(self):
        self.body = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))

    def forward(self, x):
        return self.body(x)


def trained(optimizer, move, steps=6, at=3):
    """The network and the optimizer after `steps` steps; `move` is applied to the network before step `at`."""
    mg.manual_seed(0)
    net = Net()
    rule = optimizer(net.parameters())
    for step in range(steps):
        if step == at:
            move(net)
        x = mg.randn(5, 4).to(net.body[0].weight.device)
        loss = (net(x) ** 2).mean()
        rule.zero_grad()
        loss.backward()
        rule.step()
    return net, rule


def assert_equal_states(a, b):
    for name, value in a.items():
        np.testing.assert_array_equal(b[name].cpu().numpy(), value.cpu().numpy(), name, strict=True)
    assert a.keys() == b.keys()


OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5),
    "Adam": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("at", [0, 3])
def test_a_module_moves_with_gradients_and_buffers_and_the_optimizers_state_follows(device, optimizer, at):
    expected, _ = trained(optimizer, lambda net: net)
    found, rule = trained(optimizer, lambda net: net.cuda(), at=at)
    assert not device.transfers, str(device.transfers[0])
    assert {t.device for t in (*found.parameters(), *found.buffers())} == {"cuda"}
    assert {p.grad.device for p in found.parameters()} == {"cuda"}
    assert_equal_states(expected.state_dict(), found.state_dict())
    arrays = [value for state in rule.state.values() for value in state.values() if hasattr(value, "shape")]
    assert arrays and {type(array) for array in arrays} == {fake_device.ndarray}
    gradients = [p.grad.cpu().tolist() for p in found.parameters()]
    found.cpu()
    assert {t.device for t in (*found.parameters(), *found.buffers())} == {"cpu"}
    assert [p.grad.tolist() for p in found.parameters()] == gradients


def test_parameters_stay_the_same_objects_when_they_move(device):
    net = Net()
    before = list(net.parameters())
    assert all(a is b for a, b in zip(before, net.to("cuda").parameters(), strict=True))


def test_moving_to_a_gpu_that_is_not_there_leaves_the_module_where_it_was():
    with fake_device.installed(devices=1):
        net = Net().cuda()
        with pytest.raises(RuntimeError, match="no device"):
            net.to("cuda:1")
        assert {p.device for p in net.parameters()} == {"cuda"}


@pytest.mark.parametrize("start, rest", [("cpu", "cuda"), ("cuda", "cpu"), ("cuda", "cuda:1")])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_checkpoint_written_on_one_device_continues_on_another(device, tmp_path, optimizer, start, rest):
    def run(net, rule, steps):
        for _ in range(steps):
            x = mg.randn(5, 4).to(net.body[0].weight.device)
            rule.zero_grad()
            (net(x) ** 2).mean().backward()
            rule.step()

    def made(where):
        net = Net().to(where)
        return net, optimizer(net.parameters())

    mg.manual_seed(0)
    whole = made(start)
    run(*whole, 3)
    path = tmp_path / "checkpoint.npz"
    mg.save({"net": whole[0].state_dict(), "rule": whole[1].state_dict(), "random": mg.backend.random_state()}, path)
    run(*whole, 3)

    resumed = made(rest)
    checkpoint = mg.load(path)
    assert {tensor.device for tensor in checkpoint["net"].values()} == {"cpu"}
    resumed[0].load_state_dict(checkpoint["net"])
    resumed[1].load_state_dict(checkpoint["rule"])
    mg.backend.set_random_state(checkpoint["random"])
    run(*resumed, 3)
    assert {p.device for p in resumed[0].parameters()} == {rest}
    assert_equal_states(whole[0].state_dict(), resumed[0].state_dict())


def test_state_dicts_go_from_device_to_host_directly(device):
    there, here = Net().cuda(), Net()
    here.load_state_dict(there.state_dict())
    assert {p.device for p in here.parameters()} == {"cpu"}
    assert_equal_states(here.state_dict(), there.state_dict())
    state = there.state_dict()
    state["body.0.weight"] = mg.zeros(3, 3, device="cuda")
    with pytest.raises(RuntimeError, match=r"shape: body.0.weight is \(8, 4\) here and \(3, 3\)"):
        here.load_state_dict(state)


def test_saving_copies_raw_device_arrays_to_the_host(device, tmp_path):
    mg.save({"raw": mg.tensor(HOST).cuda().data}, tmp_path / "raw.npz")
    assert mg.load(tmp_path / "raw.npz")["raw"].tolist() == HOST.tolist()
