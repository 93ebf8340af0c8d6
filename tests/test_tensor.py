"""Tensor and the functions that make one: dtypes, conversion to and from NumPy and Python, printing."""

import copy
import pydoc

import numpy as np
import pytest

import minigrad as mg


@pytest.mark.parametrize(
    "data, dtype",
    [(1.5, np.float32), ([1, 2], np.int64), ([1, 2.5], np.float32), (True, np.bool_), ([[1.0]], np.float32),
     (np.float64(1), np.float64), (np.ones(2), np.float64), (np.ones(2, np.float16), np.float16),
     (np.array([1], np.uint8), np.uint8), (mg.ones(2), np.float32), (np.ones((2, 0)), np.float64)],
)  # fmt: skip
def test_dtype_of_a_new_tensor(data, dtype):
    assert mg.tensor(data).dtype == dtype


def test_tensor_copies_and_from_numpy_shares():
    array = np.ones(2)
    copied, shared, same = mg.tensor(array), mg.from_numpy(array), mg.as_tensor(array)
    array[0] = 5
    assert copied.tolist() == [1, 1] and shared.tolist() == [5, 1] and same.tolist() == [5, 1]


@pytest.mark.parametrize(
    "made, expected",
    [
        (lambda: mg.zeros(2, 3), np.zeros((2, 3), np.float32)),
        (lambda: mg.ones((2,)), np.ones(2, np.float32)),
        (lambda: mg.full((2,), 7), np.array([7, 7])),
        (lambda: mg.full((2,), 7.0), np.array([7, 7], np.float32)),
        (lambda: mg.zeros_like(mg.ones(2)), np.zeros(2, np.float32)),
        (lambda: mg.ones_like(mg.tensor(np.zeros(2))), np.ones(2)),
        (lambda: mg.eye(2), np.eye(2, dtype=np.float32)),
        (lambda: mg.arange(3), np.arange(3)),
        (lambda: mg.arange(1, 2, 0.25), np.array([1, 1.25, 1.5, 1.75], np.float32)),
        (lambda: mg.linspace(0, 1, 3), np.array([0, 0.5, 1], np.float32)),
    ],
)
def test_constants_and_ranges(made, expected):
    found = made().data
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


@pytest.mark.parametrize(
    "draw", [lambda: mg.rand(2, 3), lambda: mg.randn(2, 3), lambda: mg.randn_like(mg.ones(2)), lambda: mg.randperm(7),
             lambda: mg.randint(0, 9, (5,)), lambda: mg.zeros(3).normal_(), lambda: mg.zeros(3).uniform_()],
)  # fmt: skip
def test_random_draws_follow_the_seed(draw):
    mg.manual_seed(1)
    first, second = draw().data, draw().data
    mg.manual_seed(1)
    assert (draw().data == first).all() and (first != second).any()


def test_random_draws_have_their_distribution():
    mg.manual_seed(0)
    n, u = mg.randn(100_000).data, mg.zeros(100_000).uniform_(-2, 4).data
    assert abs(n.mean()) < 0.02 and abs(n.std() - 1) < 0.02 and n.dtype == np.float32
    assert -2 <= u.min() < -1.99 and 3.99 < u.max() <= 4 and abs(u.mean() - 1) < 0.02
    assert sorted(mg.randperm(50).tolist()) == list(range(50))
    assert set(mg.randint(2, 5, (200,)).tolist()) == {2, 3, 4}


# ------------------------------------------------------------------ NumPy and Python
def test_numpy_arrays_and_tensors_mix_from_both_sides():
    x, a = mg.tensor([1.0, 2.0], requires_grad=True), np.array([3.0, 4.0], np.float32)
    for y in (a + x, a - x, a * x, a / x, a**x, a @ x, x @ a):
        assert isinstance(y, mg.Tensor) and y.requires_grad
    assert (a - x).tolist() == [2.0, 2.0] and (2 - x).tolist() == [1.0, 0.0]


def test_numpy_functions_take_a_tensor_only_outside_a_graph():
    assert np.asarray(mg.ones(2)).tolist() == [1, 1]
    assert np.array(mg.ones(2), np.float64).dtype == np.float64
    with pytest.raises(RuntimeError, match=r"\.detach\(\)"):
        np.asarray(mg.ones(2, requires_grad=True))


def test_numbers_out_of_one_element():
    x = mg.tensor([[2.5]], requires_grad=True)
    assert x.item() == 2.5 and float(x) == 2.5 and int(x) == 2 and bool(x) and type(x.item()) is float
    assert type(mg.tensor(3).item()) is int


def test_shape_under_both_libraries_names():
    x = mg.ones(2, 3, 5)
    assert x.shape == x.size() == (2, 3, 5) and x.size(-1) == 5
    assert x.ndim == x.dim() == 3 and x.numel() == 30 and len(x) == 2 and x.device == "cpu"
    assert [row.shape for row in x] == [(3, 5), (3, 5)]


def test_comparisons_give_boolean_tensors_outside_the_graph():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    for y, expected in (
        (x < 2, [True, False]),
        (x >= 2, [False, True]),
        (x == 1, [True, False]),
        (x != x, [False] * 2),
    ):
        assert y.tolist() == expected and not y.requires_grad and y.dtype == np.bool_


@pytest.mark.parametrize("name", ["lt", "le", "eq", "ne", "gt", "ge", "and", "or"])
def test_help_on_a_comparison_says_what_it_computes_and_that_no_gradient_goes_through(name):
    x, y = mg.tensor([False, False, True, True]), mg.tensor([False, True, False, True])
    compare = getattr(mg.Tensor, f"__{name}__")
    formula = compare.__doc__.split(",")[0]
    assert compare(x, y).tolist() == eval(formula, {"x": x.data, "y": y.data}).tolist()
    assert "not differentiable" in pydoc.render_doc(compare)


def test_a_tensor_is_a_key_by_identity():
    x, y = mg.ones(1), mg.ones(1)
    assert {x: 1, y: 2}[y] == 2


@pytest.mark.parametrize(
    "x, text",
    [
        (lambda: mg.tensor([1.0, 2.5]), "tensor([1. , 2.5])"),
        (lambda: mg.tensor(3), "tensor(3)"),
        (lambda: mg.tensor(np.ones(1)), "tensor([1.], dtype=float64)"),
        (lambda: mg.ones(1, requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: mg.ones(1, requires_grad=True) * 2, "tensor([2.], op=Mul)"),
    ],
)
def test_repr(x, text):
    assert repr(x()) == text


def test_a_number_can_be_formatted():
    assert f"{mg.tensor(0.125):.2f} {mg.tensor([1.0])}" == "0.12 tensor([1.])"


def test_truth_values_combine():
    a, b = mg.tensor([True, False]), mg.tensor([True, True])
    assert (a & b).tolist() == [True, False] and (a | b).tolist() == [True, True] and (~a).tolist() == [False, True]


def test_dtype_by_name():
    x = mg.tensor([1, 2])
    assert x.float().dtype == np.float32 and x.double().dtype == np.float64 and x.to(np.int64) is x


def test_dim_and_axis_mean_the_same():
    x = mg.ones(2, 1)
    assert x.sum(dim=0, keepdim=True).shape == (1, 1) and mg.cat([x, x], dim=1).shape == (2, 2)
    assert x.unsqueeze(dim=0).shape == (1, 2, 1) and x.squeeze(dim=1).shape == (2,) and mg.stack([x], dim=-1).ndim == 3


def test_deepcopy_of_a_leaf_is_another_leaf():
    x = mg.tensor([1.0], requires_grad=True)
    y = copy.deepcopy(x)
    y.data[0] = 5
    assert x.tolist() == [1.0] and y.requires_grad
    with pytest.raises(RuntimeError, match="only a leaf"):
        copy.deepcopy(x * 2)


def test_in_place_changes_return_the_tensor_and_do_what_they_say():
    x = mg.tensor([1.0, -2.0], requires_grad=True)
    assert x.add_(1) is x and x.tolist() == [2.0, -1.0]
    assert x.add_(mg.ones(2), alpha=3).tolist() == [5.0, 2.0]
    assert x.mul_(mg.tensor([2.0, 0.5])).tolist() == [10.0, 1.0]
    assert x.clamp_(2, 4).tolist() == [4.0, 2.0] and x.clamp_(min=3).tolist() == [4.0, 3.0]
    assert x.copy_(np.array([7, 8])).tolist() == [7.0, 8.0] and x.dtype == np.float32
    assert x.fill_(9).tolist() == [9.0, 9.0] and x.zero_().tolist() == [0.0, 0.0]


def test_in_place_change_of_an_inner_tensor_needs_no_grad():
    y = mg.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="part of a graph"):
        y.add_(1)
    with mg.no_grad():
        assert y.add_(1).tolist() == [3.0, 3.0]
