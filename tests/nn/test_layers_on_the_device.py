"""Every layer and loss, in training and in evaluation, computes on the device what it computes on the host."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn.utils import clip_grad_norm_, clip_grad_value_, clip_weights_, spectral_norm
from minigrad.testing import fake_device
from tests.test_names import SURFACE

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def probabilities(*shape):
    return RNG.uniform(0.1, 0.9, shape).astype(np.float32)


def labels(classes, *shape):
    return RNG.integers(0, classes, shape)


IMAGES, ROWS, SEQUENCE = normal(3, 2, 7, 5), normal(5, 4), normal(6, 3, 4)
LAYERS = [  # how it is made, its inputs
    (lambda: nn.Identity(), ROWS),
    (lambda: nn.ReLU(), ROWS),
    (lambda: nn.LeakyReLU(0.2), ROWS),
    (lambda: nn.Tanh(), ROWS),
    (lambda: nn.Sigmoid(), ROWS),
    (lambda: nn.Softplus(), ROWS),
    (lambda: nn.Softmax(1), ROWS),
    (lambda: nn.LogSoftmax(1), ROWS),
    (lambda: nn.Linear(4, 3), ROWS),
    (lambda: nn.Linear(4, 3, bias=False), SEQUENCE),
    (lambda: nn.Embedding(11, 3), labels(11, 5, 2)),
    (lambda: nn.Conv2d(2, 3, (3, 2), stride=2, padding=1), IMAGES),
    (lambda: nn.Conv2d(2, 3, 2, dilation=2, bias=False), IMAGES),
    (lambda: nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1), IMAGES),
    (lambda: nn.MaxPool2d(2), IMAGES),
    (lambda: nn.MaxPool2d(3, 2, 1), IMAGES),
    (lambda: nn.AvgPool2d(2), IMAGES),
    (lambda: nn.AdaptiveAvgPool2d(1), IMAGES),
    (lambda: nn.ZeroPad2d(1), IMAGES),
    (lambda: nn.ReflectionPad2d((1, 2, 0, 3)), IMAGES),
    (lambda: nn.ReplicationPad2d(2), IMAGES),
    (lambda: nn.Upsample(scale_factor=2), IMAGES),
    (lambda: nn.Flatten(), IMAGES),
    (lambda: nn.Unflatten(1, (2, 2)), ROWS),
    (lambda: nn.BatchNorm1d(4), ROWS),
    (lambda: nn.BatchNorm2d(2), IMAGES),
    (lambda: nn.LayerNorm(4), ROWS),
    (lambda: nn.Dropout(0.4), ROWS),
    (lambda: nn.MinibatchDiscrimination(4, 3, 2), ROWS),
    (lambda: nn.RNN(4, 5, num_layers=2), SEQUENCE),
    (lambda: nn.RNN(4, 5, nonlinearity="relu"), SEQUENCE),
    (lambda: nn.LSTM(4, 5), SEQUENCE),
    (lambda: nn.LSTM(4, 5, num_layers=2), SEQUENCE),
    (lambda: nn.RNNCell(4, 5), ROWS),
    (lambda: nn.LSTMCell(4, 5), ROWS),
    (lambda: nn.Sequential(nn.Linear(4, 3), nn.Tanh()), ROWS),
    (lambda: spectral_norm(nn.Linear(4, 3)), ROWS),
    (lambda: spectral_norm(nn.Conv2d(2, 3, 3)), IMAGES),
    (lambda: nn.MSELoss(), ROWS, normal(5, 4)),
    (lambda: nn.L1Loss(reduction="sum"), ROWS, normal(5, 4)),
    (lambda: nn.RMSELoss(), ROWS, normal(5, 4)),
    (lambda: nn.BCELoss(), probabilities(5, 4), probabilities(5, 4)),
    (lambda: nn.BCEWithLogitsLoss(), ROWS, probabilities(5, 4)),
    (lambda: nn.NLLLoss(), ROWS, labels(4, 5)),
    (lambda: nn.CrossEntropyLoss(), ROWS, labels(4, 5)),
    (lambda: nn.GaussianKL(), ROWS, normal(5, 4)),
]


def tensors(output):
    """All tensors in nested tuples."""
    return [t for part in output for t in tensors(part)] if isinstance(output, tuple) else [output]


def results(make, arrays, device):
    """Outputs, gradients, parameters and buffers of two training steps and one evaluation, by what they are."""
    mg.manual_seed(0)
    layer = make().to(device)
    inputs = [mg.tensor(x).to(device).requires_grad_(x.dtype.kind == "f") for x in arrays]
    found = {}
    for step in range(2):
        outputs = tensors(layer(*inputs))
        loss = sum((mg.sin(y) * (i + 1)).sum() for i, y in enumerate(outputs))
        layer.zero_grad()
        loss.backward()
        if parameters := list(layer.parameters()):
            found[f"gradient's norm {step}"] = clip_grad_norm_(parameters, 0.5)
            clip_grad_value_(parameters, 0.1)
            clip_weights_(parameters, 0.3)
        found |= {f"output {i} of step {step}": y for i, y in enumerate(outputs)}
    found |= {f"gradient in input {i}": x.grad for i, x in enumerate(inputs) if x.requires_grad}
    found |= {f"gradient in {name}": p.grad for name, p in layer.named_parameters()}
    found |= dict(layer.named_buffers())
    with mg.no_grad():
        return found | {f"evaluation {i}": y for i, y in enumerate(tensors(layer.eval()(*inputs)))}


def name_of(case):
    return " ".join(str(case[0]()).split()) if case else ""


@pytest.mark.parametrize("case", LAYERS, ids=name_of)
def test_a_layer_computes_the_same_on_the_device_and_copies_nothing(case):
    make, *arrays = case
    expected = results(make, arrays, "cpu")
    with fake_device.installed() as device:
        found = results(make, arrays, "cuda")
        assert not device.transfers, str(device.transfers[0])
        assert found.keys() == expected.keys() and {tensor.device for tensor in found.values()} == {"cuda"}
        for what, tensor in expected.items():
            np.testing.assert_array_equal(
                found[what].cpu().detach().numpy(), tensor.detach().numpy(), what, strict=True
            )


def test_the_table_has_every_layer():
    kinds = {type(make()).__name__ for make, *_ in LAYERS}
    assert set(dict(SURFACE)[nn].split()) - kinds == {"Module", "ModuleList", "Parameter"}


INITIALISERS = [name for name in vars(nn.init) if name.endswith("_") and not name.startswith("_")]


@pytest.mark.parametrize("name", INITIALISERS)
def test_an_initialiser_draws_the_same_on_the_device(name):
    def drawn(device):
        mg.manual_seed(0)
        arguments = [0.5] if name == "constant_" else []
        return getattr(nn.init, name)(mg.zeros(5, 3, device=device), *arguments)

    with fake_device.installed() as device:
        there = drawn("cuda")
        assert not device.transfers
        np.testing.assert_array_equal(there.cpu().numpy(), drawn("cpu").numpy(), strict=True)
