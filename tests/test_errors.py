"""Errors that teach: the misuse, the exception, and the words that its message must have."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn


def grown(*shape):
    return mg.ones(*shape, requires_grad=True)


def twice():
    loss = (grown(3) * 2).sum()
    loss.backward()
    loss.backward()


MISUSES = [
    ("shapes that do not broadcast", lambda: mg.ones(2, 3) + mg.ones(4), ValueError,
     ["Add", "(2, 3)", "(4,)", "equal"]),
    ("shapes that do not multiply", lambda: mg.ones(2, 3) @ mg.ones(2, 3), ValueError, ["matmul", "(2, 3) @ (2, 3)"]),
    ("matmul of a scalar", lambda: mg.ones(2) @ mg.tensor(2.0), ValueError, ["matmul", "()"]),
    ("batches that do not broadcast", lambda: mg.ones(2, 3, 3) @ mg.ones(5, 3, 3), ValueError, ["MatMul", "(5, 3, 3)"]),
    ("a dense layer's input", lambda: nn.Linear(784, 10)(mg.ones(64, 100)), ValueError,
     ["linear", "(64, 100)", "784 features", "(10, 784)"]),
    ("a dense layer without features", lambda: nn.Linear(0, 3), ValueError, ["Linear", "at least one"]),
    ("backward on a non-scalar", lambda: (grown(3) * 2).backward(), RuntimeError, ["(3,)", "scalar", "mean()"]),
    ("backward twice", twice, RuntimeError, ["already", "retain_graph=True"]),
    ("backward without history", lambda: mg.ones(1).backward(), RuntimeError, ["history", "requires_grad"]),
    ("a gradient of another shape", lambda: (grown(3) * 2).backward(mg.ones(2)), ValueError, ["(2,)", "(3,)"]),
    ("assigning a gradient of another shape", lambda: setattr(grown(3), "grad", mg.ones(2)), ValueError,
     ["(2,)", "(3,)"]),
    ("grad of what needs none", lambda: mg.autograd.grad(grown(1).sum(), mg.ones(1)), RuntimeError,
     ["input 0", "requires"]),
    ("integers with a gradient", lambda: mg.tensor([1, 2], requires_grad=True), TypeError, ["int64", ".float()"]),
    ("integers with a gradient, later", lambda: mg.tensor([1]).requires_grad_(), TypeError, ["int64"]),
    ("an inner tensor frozen", lambda: (grown(1) * 2).requires_grad_(False), RuntimeError, ["leaf", "detach"]),
    ("retain_grad without history", lambda: mg.ones(1).retain_grad(), RuntimeError, ["requires a gradient"]),
    ("a list as operand", lambda: mg.ones(2) + [1, 2], TypeError, ["list", "minigrad.tensor"]),
    ("text as operand", lambda: mg.ones(2) * "2", TypeError, ["str", "minigrad.tensor"]),
    ("text in a tensor", lambda: mg.tensor(["a"]), TypeError, ["numbers"]),
    ("a list as from_numpy", lambda: mg.from_numpy([1.0]), TypeError, ["ndarray", "list"]),
    ("NumPy of a tensor in a graph", lambda: grown(1).numpy(), RuntimeError, ["detach().numpy()"]),
    ("item of many", lambda: mg.ones(3).item(), ValueError, ["(3,)"]),
    ("truth of many", lambda: bool(mg.ones(3) > 0), ValueError, ["(3,)", "ambiguous"]),
    ("len of a number", lambda: len(mg.tensor(1.0)), TypeError, ["0-d", "item()"]),
    ("an axis that is not there", lambda: mg.ones(2, 3).sum(2), IndexError, ["sum", "axis 2", "(2, 3)"]),
    ("permute with an axis missing", lambda: mg.ones(2, 3).permute(0, 0), ValueError, ["permute", "(0, 0)", "(2, 3)"]),
    ("reshape to another size", lambda: mg.ones(2, 3).reshape(4, 2), ValueError, ["Reshape", "(2, 3)"]),
    ("expand of a length that is not 1", lambda: mg.ones(2, 3).expand(2, 4), ValueError, ["BroadcastTo", "(2, 3)"]),
    ("cat of other shapes", lambda: mg.cat([mg.ones(2, 3), mg.ones(2, 4)]), ValueError, ["Concatenate", "(2, 4)"]),
    ("clamp without bounds", lambda: mg.clamp(mg.ones(1)), ValueError, ["min, max or both"]),
    ("in place in a graph", lambda: (grown(2) * 2).zero_(), RuntimeError, ["in-place", "no_grad()"]),
    ("a loss of unequal shapes", lambda: F.mse_loss(mg.ones(64, 1), mg.ones(64)), ValueError,
     ["mse_loss", "(64, 1)", "(64,)"]),
    ("an unknown reduction", lambda: F.mse_loss(mg.ones(1), mg.ones(1), reduction="avg"), ValueError,
     ["'avg'", "mean"]),
    ("logits taken for probabilities", lambda: F.binary_cross_entropy(mg.tensor([3.0]), mg.ones(1)), ValueError,
     ["probabilities", "3", "with_logits"]),
    ("assigning to elements", lambda: grown(2).__setitem__(0, 1.0), TypeError, ["item assignment", "copy_"]),
    ("grad of nothing", lambda: mg.autograd.grad(grown(1).sum(), []), RuntimeError, ["input 0", "None"]),
    ("ragged lists", lambda: mg.tensor([[1.0], [1.0, 2.0]]), ValueError, ["evenly"]),
    ("an array of text", lambda: mg.tensor(np.array(["a"])), TypeError, ["real numbers"]),
    ("complex numbers", lambda: mg.tensor(1j), TypeError, ["real numbers", "complex"]),
    ("comparing shapes that do not broadcast", lambda: mg.ones(2) > mg.ones(3), ValueError, ["gt", "(2,)", "(3,)"]),
    ("matmul with a number", lambda: mg.ones(2) @ 3, ValueError, ["matmul", "(2,) @ ()"]),
    ("a new axis out of reach", lambda: mg.ones(2).unsqueeze(3), IndexError, ["unsqueeze", "axis 3", "(2,)"]),
    ("transposing an axis that is not there", lambda: mg.ones(2, 3).transpose(0, 2), IndexError, ["axis 2"]),
    ("flatten backwards", lambda: mg.ones(2, 3).flatten(1, 0), ValueError, ["flatten", "(2, 3)"]),
    ("cat of nothing", lambda: mg.cat([]), ValueError, ["at least one"]),
    ("iterating over a number", lambda: list(mg.tensor(1.0)), TypeError, ["0-d"]),
    ("clamp between tensors", lambda: mg.clamp(mg.ones(1), mg.ones(1)), TypeError, ["minimum(maximum("]),
    ("a norm of another order", lambda: mg.ops.norm(mg.ones(1), 3), ValueError, ["3"]),
    ("an empty batch", lambda: F.mse_loss(mg.ones(0, 3), mg.ones(0, 3)), ValueError, ["empty", "(0, 3)"]),
    ("a module of integers", lambda: nn.Linear(1, 1).to(np.int64), TypeError, ["floating point", "int64"]),
    ("xavier of a vector", lambda: nn.init.xavier_uniform_(mg.ones(3)), ValueError, ["(3,)", "fan"]),
]  # fmt: skip


@pytest.mark.parametrize("misuse, error, words", [row[1:] for row in MISUSES], ids=[row[0] for row in MISUSES])
def test_the_message_says_what_is_wrong_and_what_to_do(misuse, error, words):
    with pytest.raises(error) as caught:
        misuse()
    assert [word for word in words if word not in str(caught.value)] == []
