"""The engine: recording, the walk, what it refuses, derivatives of higher order."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, optim
from minigrad.autograd import Op, grad, once
from minigrad.ops import elementwise


def leaf(value):
    return mg.tensor(np.array(value, np.float64), requires_grad=True)


# ------------------------------------------------------------------ graphs of every shape
def test_gradients_add_up_where_a_tensor_is_used_twice():
    x = leaf(3.0)
    y = x * x
    (y * y + y).backward()
    assert x.grad.item() == 4 * 3**3 + 2 * 3


def test_gradients_add_up_over_backward_passes():
    x = leaf([1.0, 2.0])
    for _ in range(3):
        (x * x).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


@given(st.lists(st.tuples(st.sampled_from("+*-"), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=12))
def test_any_graph_equals_finite_differences(program):
    """A random program: each line combines two earlier values; the loss reads all of them."""

    def run(*inputs):
        values = list(inputs)
        for operation, i, j in program:
            a, b = values[i % len(values)], values[j % len(values)]
            values.append(mg.tanh({"+": a + b, "*": a * b, "-": a - b}[operation]))
        total = values[0]
        for k, value in enumerate(values[1:], 2):
            total = total + k * value
        return total

    mg.gradcheck(run, (np.array([0.3, -0.7]), np.array(0.9)), order=2)


def test_a_chain_of_100000_ops_needs_no_recursion():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + x
    y.backward()
    assert x.grad.item() == 100_001
    (slope,) = grad(chain(x, 100_000), x, create_graph=True)
    assert slope.item() == 1
    del slope
    chain(x, 100_000)  # dropped without a backward pass


def chain(x, n):
    y = x
    for _ in range(n):
        y = y * 1.0
    return y


@pytest.mark.parametrize("create_graph", [False, True])
def test_two_to_the_40_paths_are_walked_in_40_steps(create_graph):
    x = leaf(1.0)
    y = x
    for _ in range(40):
        y = y + y
    (slope,) = grad(y, x, create_graph=create_graph)
    assert slope.item() == 2**40


@pytest.mark.parametrize(
    "f",
    [lambda x: x * x, lambda x: x @ x, lambda x: mg.where(x > 0, x, x) * x, lambda x: mg.cat([x, x * x, x]),
     lambda x: nn.functional.linear(x, x, x[0])],
    ids=["mul", "matmul", "where", "cat", "linear"],
)  # fmt: skip
def test_one_tensor_may_be_several_inputs_of_an_op(f):
    mg.gradcheck(f, np.array([[0.3, -0.7, 1.1], [0.9, 0.2, -0.4], [-1.3, 0.6, 0.5]]), order=2)


def test_a_walk_visits_only_what_leads_to_the_inputs():
    visited = []

    class Spy(Op):
        """y = x"""

        def forward(self, x):
            return x

        def grad_x(self, g, y, x):
            visited.append(self)
            return g

    x, w = leaf(2.0), leaf(3.0)
    to_x, to_w = Spy()(x), Spy()(w)
    grad(to_x * to_w, x)
    assert visited == [to_x.op]
    assert x.grad is None and w.grad is None


def test_grad_of_an_inner_tensor_stops_there_and_goes_on_where_asked():
    x = leaf(2.0)
    y = x * x
    z = y * y
    gy, gx = grad(z, [y, x])
    assert gy.item() == 2 * 4 and gx.item() == 4 * 2**3


def test_a_walk_stops_at_an_inner_tensor_and_leaves_what_is_below_whole():
    """∂z/∂y first, then from y on by hand: x² at 2, squared."""
    x = leaf(2.0)
    y = x * x
    (gy,) = grad(y * y, y)
    y.backward(gy)
    assert x.grad.item() == 32
    assert grad(y * 3, y)[0].item() == 3


def test_grad_of_several_outputs_weighs_each_by_its_cotangent():
    x = leaf([1.0, 2.0])
    (g,) = grad([x * x, x.sum(), x * x], x, [mg.tensor([1.0, 10.0]), mg.tensor(5.0), mg.ones(2)])
    assert g.tolist() == [2 + 5 + 2, 40 + 5 + 4]


def test_an_output_named_twice_counts_twice():
    x = leaf(3.0)
    y = x * x
    assert grad([y, y], x)[0].item() == 12


def test_grad_through_a_part_that_was_freed_is_refused_also_where_another_path_is_whole():
    """A silent half of the gradient would be worse."""
    x = leaf(3.0)
    shared = x * x
    whole = x * 2
    (shared * 1.0).backward()
    with pytest.raises(RuntimeError, match="freed"):
        grad(shared + whole, x)


def test_a_tensor_whose_graph_was_freed_can_be_used_but_not_walked_through():
    x, w = leaf(3.0), leaf(2.0)
    y = x * x
    y.backward()
    later = y * w
    with pytest.raises(RuntimeError, match="freed; run forward again, or retain_graph=True"):
        later.backward()
    assert later.item() == 18 and x.grad.item() == 6 and w.grad is None


def test_grad_of_a_tensor_with_respect_to_itself_is_the_cotangent():
    x = leaf(2.0)
    y = x * 3
    assert grad(y, y)[0].item() == 1 and grad(x, x)[0].item() == 1


def test_unused_inputs_are_an_error_or_none():
    x, unused = leaf(1.0), leaf(1.0)
    assert grad(x * 2, [x, unused], allow_unused=True)[1] is None
    with pytest.raises(RuntimeError, match="do not depend on input 1"):
        grad(x * 2, [x, unused])


def test_a_leaf_is_its_own_loss():
    x = leaf(1.0)
    x.backward()
    assert x.grad.item() == 1


# ------------------------------------------------------------------ recording
def test_nothing_is_recorded_under_no_grad_nor_without_requires_grad():
    x = leaf(1.0)

    @mg.no_grad()
    def twice():
        return x * 2

    with mg.no_grad():
        inside = x * 2
    assert not any(t.requires_grad or t.op for t in (inside, twice(), twice(), mg.tensor(1.0) * 2, x.detach() * 2))
    assert (x * 2).requires_grad


def test_no_grad_ends_with_its_block_also_by_an_error():
    with pytest.raises(ZeroDivisionError), mg.no_grad():
        raise ZeroDivisionError
    assert (leaf(1.0) * 2).requires_grad


def test_an_op_on_arrays_is_a_plain_function():
    assert type(mg.ops.tanh(np.ones(3))) is np.ndarray


def test_retain_grad_keeps_an_inner_gradient_and_others_are_dropped():
    x = leaf(3.0)
    y = x * x
    z = y * 2
    y.retain_grad()
    z.backward(retain_graph=True)
    assert y.grad.item() == 2 and z.grad is None
    z.backward()
    assert y.grad.item() == 4


# ------------------------------------------------------------------ freeing
def test_the_graph_is_freed_while_it_is_walked():
    x = leaf(np.ones(1000))
    y = x * 2
    loss = y.tanh().sum()
    kept = weakref.ref(loss.op.arrays[0])
    loss.backward()
    assert kept() is None and vars(y.op) == {}


def test_no_cycle_keeps_a_graph_alive():
    """Arrays must go when the last tensor goes, not when the garbage collector comes by."""
    gc.disable()
    try:
        y = (leaf(np.ones(3)) * 2).tanh()
        y.retain_grad()
        kept = weakref.ref(y.data)
        loss = y.sum()
        del y, loss
        assert kept() is None
    finally:
        gc.enable()


def test_create_graph_may_free_the_graph_behind_it():
    x = leaf([1.0, 2.0])
    loss = (x * x + x).sum()
    loss.backward(create_graph=True, retain_graph=False)
    assert x.grad.tolist() == [3.0, 5.0] and loss.op.edges is None


def test_retain_graph_lets_a_second_pass_find_the_same():
    x = leaf([1.0, 2.0])
    loss = (x**3).sum()
    loss.backward(retain_graph=True)
    first = x.grad.data.copy()
    x.grad = None
    loss.backward()
    assert (x.grad.data == first).all()


def test_a_gradient_may_be_changed_in_place_without_touching_the_graph():
    """Even one that a retained graph would otherwise share."""
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    loss = (x + y).sum() + (x * y).sum()
    loss.backward(retain_graph=True)
    expected = [x.grad.data.copy(), y.grad.data.copy()]
    x.grad.data[...] = 99
    assert (y.grad.data == expected[1]).all()
    x.grad = y.grad = None
    loss.backward()
    assert (x.grad.data == expected[0]).all() and (y.grad.data == expected[1]).all()


def test_gradients_are_their_own_also_under_create_graph():
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (x + y).sum().backward(create_graph=True)
    assert not np.shares_memory(x.grad.data, y.grad.data) and x.grad.data.flags.writeable


class SharesWork(Op):
    """z = x + y"""

    def forward(self, x, y):
        return x + y

    @once
    def made(self, g):
        return g * 1.0

    def grad_x(self, g, z, x, y):
        return self.made(g)

    def grad_y(self, g, z, x, y):
        return self.made(g)


def test_what_two_gradients_share_is_not_added_into():
    x, y = leaf([1.0, 1.0]), leaf([1.0, 1.0])
    (x * 3 + SharesWork()(x, y)).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([4, 4], [1, 1])


class ReturnsItsInput(Op):
    """y = ½x²"""

    def forward(self, x):
        return 0.5 * (x * x)

    def grad_x(self, g, y, x):
        return x  # right where g is 1


def test_an_op_that_hands_out_its_own_input_as_gradient_does_no_harm():
    x = leaf([1.0, 2.0])
    (ReturnsItsInput()(x).sum() + ReturnsItsInput()(x).sum()).backward()
    assert x.grad.tolist() == [2.0, 4.0] and x.tolist() == [1.0, 2.0]


# ------------------------------------------------------------------ higher orders
def test_four_derivatives_of_tanh_equal_the_closed_forms():
    x = leaf(np.linspace(-3, 3, 13))
    y = mg.tanh(x)
    t = y.data
    s = 1 - t * t
    closed = [s, -2 * t * s, s * (6 * t * t - 2), 8 * t * s * (2 - 3 * t * t)]
    for expected in closed:
        (y,) = grad(y.sum(), x, create_graph=True)
        np.testing.assert_allclose(y.data, expected, rtol=1e-13, atol=1e-13)


def test_second_derivatives_of_a_tanh_network_equal_finite_differences():
    """Of a loss with respect to every weight, through two hidden layers."""
    rng = np.random.default_rng(0)
    x, t = mg.tensor(rng.standard_normal((7, 3))), mg.tensor(rng.standard_normal((7, 2)))
    sizes = [(5, 3), (5,), (4, 5), (4,), (2, 4), (2,)]

    def loss(w1, b1, w2, b2, w3, b3):
        h = nn.functional.linear(x, w1, b1).tanh()
        h = nn.functional.linear(h, w2, b2).tanh()
        return nn.functional.mse_loss(nn.functional.linear(h, w3, b3), t)

    mg.gradcheck(loss, [rng.standard_normal(s) for s in sizes], order=2)


def test_a_gradient_penalty_trains_through_backward():
    x, w = leaf([1.0, -2.0]), leaf([0.5, 0.25])
    (g,) = grad((x * w).tanh().sum(), x, create_graph=True)
    ((g * g).sum() - 1).backward()
    eps = 1e-6

    def penalty(w):
        s = 1 - np.tanh(x.data * w) ** 2
        return ((s * w) ** 2).sum()

    expected = [(penalty(w.data + eps * e) - penalty(w.data - eps * e)) / (2 * eps) for e in np.eye(2)]
    np.testing.assert_allclose(w.grad.data, expected, rtol=1e-8)


def test_backward_with_create_graph_gives_gradients_that_can_be_differentiated():
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    assert grad(x.grad, x)[0].item() == pytest.approx(12)


class Product(Op):
    """z = x·y, as a fused op: gradients by hand on arrays, a reference of plain ops"""

    calls = 0

    def forward(self, x, y):
        return x * y

    @once
    def both(self, g, x, y):
        Product.calls += 1
        assert type(g) is np.ndarray
        return g * y, g * x

    def grad_x(self, g, z, x, y):
        return self.both(g, x, y)[0]

    def grad_y(self, g, z, x, y):
        return self.both(g, x, y)[1]

    def reference(self, x, y):
        return x * y


@pytest.mark.parametrize("fused", [True, False])
def test_a_fused_op_whose_input_depends_on_another_is_right_under_create_graph(fused):
    """z = x·f(x): the path through f must count once."""
    x = leaf([0.5, -1.5])
    product = (lambda a, b: Product()(a, b)) if fused else (lambda a, b: a * b)
    z = product(x, mg.tanh(x))
    (first,) = grad(z.sum(), x, create_graph=True)
    (second,) = grad(first.sum(), x)
    t = np.tanh(x.data)
    s = 1 - t * t
    np.testing.assert_allclose(first.data, t + x.data * s, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(second.data, 2 * s - 2 * x.data * t * s, rtol=1e-14, atol=1e-14)


def test_a_fused_op_is_differentiable_at_third_order_and_on_every_path():
    f = lambda x, y: Product()(Product()(x, y), mg.sin(x)) * y  # noqa: E731
    mg.gradcheck(f, (np.array([0.3]), np.array([1.1])), order=2)
    x = leaf(1.3)
    y = Product()(Product()(x, x), x)
    for expected in (3 * 1.3**2, 6 * 1.3, 6.0):
        (y,) = grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(expected)


def test_grad_under_create_graph_finds_an_inner_tensor_below_a_fused_op():
    x = leaf(1.3)
    h = x * x
    (g,) = grad(Product()(h, mg.tanh(h)), h, create_graph=True)
    assert g.item() == pytest.approx(np.tanh(1.69) + 1.69 * (1 - np.tanh(1.69) ** 2))


class Same(Op):
    """y = x, fused, with a reference that hands out its input"""

    def forward(self, x):
        return x

    def grad_x(self, g, y, x):
        return g

    def reference(self, x):
        return x


def test_a_reference_may_return_its_input():
    x = leaf(3.0)
    inner = x * 1.0
    for y, slope in ((Same()(x), 1), (Same()(x) * x, 6), (Same()(inner) + inner, 2), (Same()(Same()(x)), 1)):
        assert grad(y, x, create_graph=True, retain_graph=True)[0].item() == slope


def test_freezing_an_input_after_the_forward_pass_changes_nothing_that_was_recorded():
    x, t = leaf([0.3, -0.2]), mg.tensor(np.array([0.0, 1.0]))
    loss = nn.functional.binary_cross_entropy_with_logits(x * 1.0, t)
    t.requires_grad_()
    loss.backward(create_graph=True)
    assert t.grad is None and x.grad is not None


def test_work_marked_once_runs_once_per_cotangent():
    Product.calls = 0
    x, y = leaf(2.0), leaf(3.0)
    z = Product()(x, y)
    z.backward(retain_graph=True)
    assert Product.calls == 1
    z.backward(mg.tensor(5.0))
    assert Product.calls == 2 and x.grad.item() == 3 + 15


def test_only_the_needed_gradients_are_computed():
    class Half(Op):
        """z = x·y"""

        def forward(self, x, y):
            return x * y

        def grad_x(self, g, z, x, y):
            return g * y

        def grad_y(self, g, z, x, y):
            raise AssertionError("not needed")

    x = leaf(2.0)
    Half()(x, mg.tensor(3.0)).backward()
    assert x.grad.item() == 3


# ------------------------------------------------------------------ dtypes and scalars
@pytest.mark.parametrize(
    "f",
    [lambda x: x * np.float64(2), lambda x: np.float64(2) * x, lambda x: 2 - x, lambda x: 2 / x, lambda x: x**2,
     lambda x: 2**x, lambda x: x + np.arange(2), lambda x: np.ones(2, np.float32) - x, lambda x: x / np.int64(3),
     lambda x: np.ones((3, 2), np.float32) @ x, lambda x: x * True, lambda x: x * (x > 0)],
)  # fmt: skip
def test_numbers_and_integers_leave_float32_alone(f):
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = f(x)
    y.sum().backward()
    assert isinstance(y, mg.Tensor) and y.dtype == np.float32 and x.grad.dtype == np.float32


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_has_the_dtype_of_its_input(create_graph):
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * np.ones(2)
    (g,) = grad(y.sum(), x, create_graph=create_graph)
    assert y.dtype == np.float64 and g.dtype == np.float32


@pytest.mark.parametrize(
    "f, dtype",
    [(lambda i: i + 1, np.int64), (lambda i: i * 0.5, np.float32), (lambda i: i / 2, np.float32), (mg.exp, np.float32),
     (lambda i: i * mg.tensor(np.ones(2)), np.float64), (lambda i: i * mg.ones(2), np.float32), (mg.mean, np.float32)],
)  # fmt: skip
def test_integers_take_the_dtype_of_the_float_they_meet(f, dtype):
    assert f(mg.tensor([1, 2])).dtype == dtype


def test_reductions_to_0_d_are_arrays():
    y = (mg.tensor([1.0, 2.0], requires_grad=True) ** 2).sum()
    assert type(y.data) is np.ndarray and y.shape == ()


# ------------------------------------------------------------------ values changed since
def test_the_classic_gan_mistake_is_named():
    """The critic's step comes between the forward pass and the generator's backward pass."""
    net = nn.Linear(2, 1)
    opt = optim.SGD(net.parameters(), lr=0.1)
    first, second = net(mg.ones(3, 2)).sum(), net(mg.ones(3, 2)).mean()
    first.backward()
    opt.step()
    with pytest.raises(
        RuntimeError, match=r"'weight' of shape \(1, 2\) was changed after <Linear> had used it.*step\(\)"
    ):
        second.backward()


@pytest.mark.parametrize(
    "change",
    [lambda x: x.zero_(), lambda x: x.fill_(3.0), lambda x: x.copy_(mg.zeros(2)), lambda x: x.add_(1.0),
     lambda x: x.mul_(2.0), lambda x: x.clamp_(0, 1), lambda x: x.normal_(), lambda x: x.uniform_()],
)  # fmt: skip
def test_every_change_in_place_is_noticed(change):
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    change(x)
    with pytest.raises(RuntimeError, match="changed after <Mul>"):
        y.backward()
    (x * x).sum().backward()


@pytest.mark.parametrize("other", [lambda x: x.detach(), lambda x: x.data.reshape(2, 1), lambda x: x.reshape(1, 2)])
def test_a_change_through_shared_memory_is_noticed(other):
    """Of a detached tensor, of another tensor of the same array, of a view."""
    x = mg.tensor([1.0, 2.0])
    w = leaf([1.0, 1.0])
    loss = (w * x).sum()
    mg.as_tensor(other(x)).zero_()
    with pytest.raises(RuntimeError, match="changed after <Mul>"):
        loss.backward()


def test_a_change_of_an_inner_tensor_is_noticed():
    y = mg.tanh(leaf([1.0, 2.0]))
    loss = y.sum()
    with mg.no_grad():
        y.zero_()
    with pytest.raises(RuntimeError, match="changed after"):
        loss.backward()


def test_an_update_written_by_hand_under_no_grad_is_in_place():
    w = leaf([1.0, 2.0])
    kept, loss = w, (w * w).sum()
    with mg.no_grad():
        w -= 0.5
        w += np.array([1.0, 1.0])
        w *= 2
        w /= mg.tensor([1.0, 3.0])
    assert w is kept and w.tolist() == [3.0, 5.0 / 3] and w.requires_grad
    with pytest.raises(RuntimeError, match="changed after"):
        loss.backward()


def test_an_update_written_by_hand_needs_no_grad():
    w = leaf([1.0])
    with pytest.raises(RuntimeError, match="under no_grad"):
        w -= 0.1
    total = w * 2
    total += 1
    total.backward()
    assert w.grad.item() == 2


def test_a_change_that_failed_is_none():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    with pytest.raises(ValueError):
        x.copy_(np.ones(3))
    y.backward()


def test_a_change_of_other_memory_is_fine():
    x, other = leaf([1.0, 2.0]), mg.ones(2)
    y = (x * x).sum()
    other.zero_()
    y.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_changes_before_the_forward_pass_are_fine():
    x, data = leaf([1.0, 2.0]), mg.tensor([1.0, 1.0])
    for _ in range(3):
        data.normal_()
        (x * data).sum().backward()


def test_a_replaced_array_does_not_reach_a_graph_that_used_the_old_one():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    x.data = np.array([5.0, 5.0])
    y.backward(retain_graph=True)
    assert x.grad.tolist() == [2.0, 4.0]
    with pytest.raises(RuntimeError, match="replaced"):
        y.backward(create_graph=True)


# ------------------------------------------------------------------ making ops
def test_an_op_without_one_of_its_gradients_is_refused_when_it_is_defined():
    with pytest.raises(TypeError, match="Broken lacks grad_y"):

        class Broken(Op):
            def forward(self, x, y):
                return x

            def grad_x(self, g, z, x, y):
                return g


def test_an_op_of_any_number_of_inputs_without_its_gradient_is_refused_too():
    with pytest.raises(TypeError, match="Broken lacks grad_xs"):

        class Broken(Op):
            def forward(self, *xs):
                return xs[0]


def test_an_instance_of_an_op_is_used_once():
    x, w = leaf(1.0), leaf(2.0)
    double = elementwise.Square()
    double(x)
    with pytest.raises(RuntimeError, match="used once"):
        double(w)


def test_a_base_class_of_ops_needs_no_forward_and_options_of_forward_no_gradient():
    class Base(Op):
        def grad_xs(self, g, y, *xs, i):
            return g

    class Total(Base):
        """y = Σ xs"""

        def forward(self, *xs, start=0.0):
            return sum(xs, start)

    x, y = leaf(1.0), leaf(2.0)
    Total()(x, y, x).backward()
    assert (x.grad.item(), y.grad.item()) == (2, 1)


def test_a_gradient_that_was_forgotten_names_its_method():
    class Forgot(Op):
        """y = x"""

        def forward(self, x):
            return x

        def grad_x(self, g, y, x):
            g * 1.0

    with pytest.raises(ValueError, match="grad_x of <Forgot> returned None"):
        Forgot()(leaf(1.0)).backward()


def test_a_broadcasting_op_cannot_hide_a_wrong_shape():
    class Wrong(Op):
        """y = 2x"""

        broadcasts = True

        def forward(self, x):
            return 2 * x

        def grad_x(self, g, y, x):
            return g[:1]

    with pytest.raises(ValueError, match=r"grad_x of <Wrong> returned a gradient of shape \(1,\)"):
        Wrong()(leaf(np.ones(3))).sum().backward()


def test_a_gradient_of_the_wrong_shape_names_the_op_and_the_shapes():
    class Wrong(Op):
        """y = x"""

        def forward(self, x):
            return x

        def grad_x(self, g, y, x):
            return g[:1]

    with pytest.raises(ValueError, match=r"grad_x of <Wrong>.*\(1,\).*\(3,\)"):
        Wrong()(leaf(np.ones(3))).sum().backward()


def test_a_replaced_gradient_method_is_the_one_that_is_used(monkeypatch):
    monkeypatch.setattr(elementwise.Tanh, "grad_x", lambda self, g, y, x: 7 * g)
    x = leaf(1.0)
    mg.tanh(x).backward()
    assert x.grad.item() == 7
