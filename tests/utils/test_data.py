"""Data sets and their batches: every row once, in order or shuffled as a generator says."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.utils.data import DataLoader, TensorDataset


def numbers(n):
    return TensorDataset(np.arange(n))


def batches(loader):
    return [batch.tolist() for (batch,) in loader]


def order(loader):
    return sum(batches(loader), [])


# ---------------------------------------------------------------------------------------------- TensorDataset
def test_a_data_set_is_as_long_as_its_tensors():
    assert len(TensorDataset(np.zeros((3, 2)), np.zeros(3))) == 3


def test_a_number_gives_one_row_of_each_tensor():
    x, y = TensorDataset(np.array([[1, 2], [3, 4]]), np.array([5, 6]))[1]
    assert (x.tolist(), y.tolist()) == ([3, 4], 6)


@pytest.mark.parametrize("index", [np.array([2, 0]), [2, 0], slice(2, None, -2)], ids=["array", "list", "slice"])
def test_indices_give_a_batch(index):
    (batch,) = numbers(3)[index]
    assert batch.tolist() == [2, 0]


def test_a_batch_is_made_of_tensors():
    assert all(isinstance(t, mg.Tensor) for t in TensorDataset(np.zeros(2), [1, 2])[:])


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_a_batch_keeps_the_dtype(dtype):
    (batch,) = TensorDataset(np.zeros(4, dtype))[[0, 1]]
    assert batch.dtype == dtype


@pytest.mark.parametrize(
    "data", [mg.tensor([1.0, 2.0]), np.array([1.0, 2.0]), [1.0, 2.0]], ids=["tensor", "array", "list"]
)
def test_tensors_arrays_and_lists_make_a_data_set(data):
    (row,) = TensorDataset(data)[1]
    assert row.item() == 2


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match=r"equally long, .* lengths \[3, 2\]"):
        TensorDataset(np.zeros(3), np.zeros(2))


def test_a_data_set_needs_a_tensor():
    with pytest.raises(ValueError):
        TensorDataset()


# ---------------------------------------------------------------------------------------------- batches in order
@pytest.mark.parametrize(
    "n, batch_size, drop_last, expected",
    [
        (6, 2, False, [[0, 1], [2, 3], [4, 5]]),
        (6, 2, True, [[0, 1], [2, 3], [4, 5]]),
        (5, 2, False, [[0, 1], [2, 3], [4]]),
        (5, 2, True, [[0, 1], [2, 3]]),
        (3, 3, True, [[0, 1, 2]]),
        (2, 3, False, [[0, 1]]),
        (2, 3, True, []),
        (0, 3, False, []),
        (0, 3, True, []),
        (2, 1, False, [[0], [1]]),
    ],
)
class TestInOrder:
    def test_batches(self, n, batch_size, drop_last, expected):
        assert batches(DataLoader(numbers(n), batch_size, drop_last=drop_last)) == expected

    def test_len(self, n, batch_size, drop_last, expected):
        assert len(DataLoader(numbers(n), batch_size, drop_last=drop_last)) == len(expected)

    def test_shuffled_batches_have_the_same_sizes(self, n, batch_size, drop_last, expected):
        found = batches(DataLoader(numbers(n), batch_size, shuffle=True, drop_last=drop_last))
        assert [len(batch) for batch in found] == [len(batch) for batch in expected]


def test_a_batch_has_one_row_unless_told():
    assert batches(DataLoader(numbers(2))) == [[0], [1]]


def test_a_loader_can_be_iterated_again():
    loader = DataLoader(numbers(5), 2)
    assert batches(loader) == batches(loader)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_size_below_1_is_refused(batch_size):
    with pytest.raises(ValueError, match=f"batch_size must be at least 1, not {batch_size}"):
        DataLoader(numbers(3), batch_size)


def test_anything_that_an_array_of_indices_cuts_is_a_data_set():
    assert [batch.tolist() for batch in DataLoader(10 * np.arange(3), 2)] == [[0, 10], [20]]


# ---------------------------------------------------------------------------------------------- shuffled batches
def seeded(seed=0):
    return np.random.default_rng(seed)


def test_shuffling_changes_the_order():
    assert order(DataLoader(numbers(100), 7, shuffle=True, generator=seeded())) != list(range(100))


def test_shuffling_gives_every_row_once():
    assert sorted(order(DataLoader(numbers(100), 7, shuffle=True, generator=seeded()))) == list(range(100))


def test_shuffling_with_drop_last_gives_no_row_twice():
    found = order(DataLoader(numbers(100), 7, shuffle=True, drop_last=True, generator=seeded()))
    assert len(set(found)) == len(found) == 98


def test_shuffling_keeps_the_rows_of_several_tensors_together():
    x = np.arange(100)
    loader = DataLoader(TensorDataset(x, 10 * x, np.stack([x, -x], 1)), 7, shuffle=True, generator=seeded())
    for a, b, c in loader:
        assert b.tolist() == [10 * i for i in a.tolist()] and c.tolist() == [[i, -i] for i in a.tolist()]


def test_a_generator_of_the_same_seed_gives_the_same_order():
    one, two = (DataLoader(numbers(100), 7, shuffle=True, generator=seeded(5)) for _ in range(2))
    assert order(one) == order(two)


def test_another_seed_gives_another_order():
    one, two = (DataLoader(numbers(100), 7, shuffle=True, generator=seeded(seed)) for seed in (5, 6))
    assert order(one) != order(two)


def test_another_epoch_has_another_order():
    loader = DataLoader(numbers(100), 7, shuffle=True, generator=seeded())
    assert order(loader) != order(loader)


def test_manual_seed_gives_the_same_order():
    loader = DataLoader(numbers(100), 7, shuffle=True)
    orders = []
    for _ in range(2):
        mg.manual_seed(5)
        orders.append(order(loader))
    assert orders[0] == orders[1]


def test_without_a_seed_another_epoch_has_another_order():
    mg.manual_seed(5)
    loader = DataLoader(numbers(100), 7, shuffle=True)
    assert order(loader) != order(loader)


def test_a_generator_leaves_the_stream_of_manual_seed_alone():
    mg.manual_seed(5)
    before = mg.backend.random_state()
    order(DataLoader(numbers(100), 7, shuffle=True, generator=seeded()))
    assert mg.backend.random_state() == before


def test_batches_in_order_leave_the_stream_of_manual_seed_alone():
    mg.manual_seed(5)
    before = mg.backend.random_state()
    order(DataLoader(numbers(100), 7))
    assert mg.backend.random_state() == before
