"""Errors that teach: the misuse, the exception, and the words that its message must have."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim
from minigrad.autograd import Op


def grown(*shape):
    return mg.ones(*shape, requires_grad=True)


def twice():
    loss = (grown(3) * 2).sum()
    loss.backward()
    loss.backward()


class Forgetful(Op):
    """y = 2x, without a return"""

    def forward(self, x):
        2 * x

    def grad_x(self, g, y, x):
        return g * 2


MISUSES = [
    ("an op whose forward returns nothing", lambda: Forgetful()(mg.ones(2)), TypeError,
     ["forward of <Forgetful>", "NoneType", "return missing"]),
    ("an op whose forward forgets self", lambda: type("Odd", (Op,), {"forward": lambda x: x}), TypeError,
     ["Odd", "forward(self, x)"]),
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
    ("backward through a comparison", lambda: (grown(3) > 0).float().sum().backward(), RuntimeError,
     ["history", "comparisons"]),
    ("backward through argmax", lambda: grown(3).argmax().backward(), RuntimeError, ["history", "argmax"]),
    ("backward through integers", lambda: grown(3).astype(np.int64).sum().backward(), RuntimeError,
     ["history", "integers"]),
    ("backward from a detached tensor", lambda: grown(3).sum().detach().backward(), RuntimeError,
     ["history", "detach()", "no_grad()"]),
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
    ("cat of numbers", lambda: mg.cat([1.0, 2.0]), ValueError, ["cat", "tensors only", "[1.0, 2.0]"]),
    ("stack of numbers", lambda: mg.stack([1.0]), ValueError, ["stack", "tensors only", "[1.0]"]),
    ("stack of other shapes", lambda: mg.stack([mg.ones(2), mg.ones(3)]), ValueError, ["(1, 2)", "(1, 3)"]),
    ("an index out of range", lambda: mg.ones(2, 3)[5], IndexError, ["GetItem", "(2, 3)", "index 5", "size 2"]),
    ("too many indices", lambda: mg.ones(2, 3)[0, 0, 0], IndexError, ["GetItem", "(2, 3)", "2-dimensional"]),
    ("a float as index", lambda: mg.ones(2, 3)[1.0], IndexError, ["GetItem", "integers, slices"]),
    ("floats as indices", lambda: mg.ones(2, 3)[mg.ones(2)], IndexError, ["GetItem", "integer (or boolean)"]),
    ("a mask of another shape", lambda: mg.ones(2, 3)[mg.ones(3) > 0], IndexError, ["GetItem", "(2, 3)", "boolean"]),
    ("expand to fewer axes", lambda: mg.ones(2, 3).expand(3), ValueError, ["broadcast_to", "(3,)", "(2, 3)"]),
    ("copy_ of another shape", lambda: mg.ones(2).copy_(mg.ones(3)), ValueError, ["copy_", "(3,)", "(2,)"]),
    ("add_ of a larger shape", lambda: mg.ones(2).add_(mg.ones(3, 2)), ValueError, ["add_", "(3, 2)", "(2,)"]),
    ("iterating over a number", lambda: list(mg.tensor(1.0)), TypeError, ["0-d"]),
    ("clamp between tensors", lambda: mg.clamp(mg.ones(1), mg.ones(1)), TypeError, ["minimum(maximum("]),
    ("a norm of an order below 1", lambda: mg.norm(mg.ones(1), 0.5), ValueError, ["from 1 up", "0.5"]),
    ("a norm by name", lambda: mg.norm(mg.ones(1), "nuc"), ValueError, ["'nuc'", "math.inf"]),
    ("the variance of one", lambda: mg.ones(1).var(), ValueError, ["var", "1 elements", "(1,)", "unbiased=False"]),
    ("the deviation of none", lambda: mg.ones(0, 3).std(0, unbiased=False), ValueError, ["std", "0 elements"]),
    ("the largest of none", lambda: mg.ones(0, 3).amax(0), ValueError, ["AMax", "(0, 3)"]),
    ("where the largest of none stands", lambda: mg.ones(0, 3).max(0), ValueError, ["argmax", "(0, 3)", "empty"]),
    ("the largest over several axes", lambda: mg.ones(2, 3).max((0, 1)), TypeError, ["(0, 1)", "amax"]),
    ("the smaller of two tensors", lambda: mg.min(mg.ones(2), mg.ones(2)), TypeError, ["one axis", "minimum"]),
    ("argmax over several axes", lambda: mg.ones(2, 3).argmax((0, 1)), TypeError, ["argmax", "integer", "(0, 1)"]),
    ("softmax of an axis that is not there", lambda: mg.ones(2, 3).softmax(2), IndexError, ["softmax", "axis 2"]),
    ("split into sizes that miss some", lambda: mg.split(mg.ones(2, 5), [2, 2], 1), ValueError,
     ["split", "(2, 2)", "5 of axis 1", "(2, 5)"]),
    ("split into nothing", lambda: mg.split(mg.ones(5), 0), ValueError, ["split", "at least 1"]),
    ("split of a number", lambda: mg.split(mg.tensor(1.0), 1), ValueError, ["0-d"]),
    ("no chunks", lambda: mg.chunk(mg.ones(5), 0), ValueError, ["chunk", "at least 1"]),
    ("repeat of too few axes", lambda: mg.ones(2, 3).repeat(2), ValueError, ["repeat", "(2,)", "(2, 3)"]),
    ("gather by floats", lambda: mg.gather(mg.ones(2, 3), 1, mg.ones(2, 1)), TypeError, ["gather", "float32"]),
    ("gather by an index of fewer axes", lambda: mg.gather(mg.ones(2, 3), 1, mg.tensor([0, 1])), ValueError,
     ["gather", "(2,)", "(2, 3)", "axis 1"]),
    ("gather of more rows", lambda: mg.gather(mg.ones(1, 3), 1, mg.tensor([[0], [1]])), ValueError, ["(2, 1)"]),
    ("gather beyond the end", lambda: mg.gather(mg.ones(2, 3), 1, mg.tensor([[0], [3]])), IndexError,
     ["gather", "[0, 3]", "axis 1", "0 to 2"]),
    ("gather from the end", lambda: mg.gather(mg.ones(2, 3), 1, mg.tensor([[-1], [0]])), IndexError, ["[-1, 0]"]),
    ("pad of half a pair", lambda: mg.pad(mg.ones(2, 3), (1, 1, 1)), ValueError, ["pad", "(1, 1, 1)", "(2, 3)"]),
    ("pad of too many axes", lambda: mg.pad(mg.ones(3), (1, 1, 1, 1)), ValueError, ["two amounts", "(3,)"]),
    ("pad to crop", lambda: mg.pad(mg.ones(3), (-1, 0)), ValueError, ["negative", "index"]),
    ("pad in an unknown mode", lambda: mg.pad(mg.ones(3), (1, 0), "circular"), ValueError, ["'circular'", "reflect"]),
    ("a reflection wider than the axis", lambda: mg.pad(mg.ones(2, 3), (3, 0), "reflect"), ValueError,
     ["reflect", "(3, 0)", "at least 4", "axis 1", "(2, 3)"]),
    ("replicating what is not there", lambda: mg.pad(mg.ones(2, 0), (1, 0), "replicate"), ValueError, ["empty"]),
    ("an empty batch", lambda: F.mse_loss(mg.ones(0, 3), mg.ones(0, 3)), ValueError, ["empty", "(0, 3)"]),
    ("a module of integers", lambda: nn.Linear(1, 1).to(np.int64), TypeError, ["floating point", "int64"]),
    ("an optimizer of a module", lambda: optim.Adam(nn.Linear(1, 1)), TypeError, ["net.parameters()", "Linear"]),
    ("a batch that was not unpacked", lambda: nn.Linear(1, 1)((mg.ones(2, 1),)), TypeError, ["tuple", "for (x,)"]),
    ("a number as target", lambda: F.mse_loss(mg.ones(1), 1.0), TypeError, ["mse_loss", "float"]),
    ("bytes as targets", lambda: F.binary_cross_entropy_with_logits(mg.ones(2), mg.tensor([0, 255])), ValueError,
     ["[0, 1]", "255", "divide"]),
    ("xavier of a vector", lambda: nn.init.xavier_uniform_(mg.ones(3)), ValueError, ["(3,)", "fan"]),
]  # fmt: skip


@pytest.mark.parametrize("misuse, error, words", [row[1:] for row in MISUSES], ids=[row[0] for row in MISUSES])
def test_the_message_says_what_is_wrong_and_what_to_do(misuse, error, words):
    with pytest.raises(error) as caught:
        misuse()
    assert [word for word in words if word not in str(caught.value)] == []
