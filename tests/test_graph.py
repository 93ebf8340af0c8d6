"""The graph made visible: what trace prints, where draw puts things, what detect_anomaly says and leaves behind."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import autograd, nn
from minigrad.autograd import Op, grad
from minigrad.graph import draw, trace
from minigrad.nn.loss import MSELoss
from minigrad.testing import fake_device


def leaf(value, name=None):
    x = mg.tensor(np.array(value, np.float64), requires_grad=True)
    x.name = name
    return x


def ops_below(tensor):
    """Newest first."""
    found, stack = {}, [tensor.op]
    while stack:
        op = stack.pop()
        if isinstance(op, Op) and op not in found:
            found[op] = None
            stack += op.edges
    return sorted(found, key=lambda op: -op.number)


# ------------------------------------------------------------------ graphs to look at
def two_layers():
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    list(net.named_parameters())
    return MSELoss()(net(mg.ones(2, 3)), mg.zeros(2, 1))


def rnn(steps=5, loss_at_each=False):
    w_x, w_h, b = leaf(np.ones((3, 8)) / 3, "W_x"), leaf(np.eye(8), "W_h"), leaf(np.zeros(8), "b")
    h, total = mg.zeros(4, 8).double(), 0
    for _ in range(steps):
        h = (mg.ones(4, 3).double() @ w_x + h @ w_h + b).tanh()
        total = total + F.mse_loss(h, mg.ones(4, 8)) if loss_at_each else total
    return total if loss_at_each else h.sum()


def diamond():
    y = leaf([1.0, 2.0], "x").exp()
    return (y.sin() * y.cos() + y).sum()


def gradient_penalty():
    x, w1, w2 = leaf(np.ones((5, 3)), "x"), leaf(np.ones((3, 8)) / 3, "w1"), leaf(np.ones((8, 1)), "w2")
    (g,) = grad(((x @ w1).tanh() @ w2).sum(), x, create_graph=True)
    return ((g.norm(axis=1) - 1) ** 2).mean()


def scalar():
    a = leaf(2.0, "a")
    return a * leaf(3.0, "b") + a.sin() * 2.0


def shared_far_below():
    values = [leaf([1.0, 2.0], "x") * 1.5]
    for _ in range(6):
        values.append(values[-1].tanh())
    return mg.cat(values).sum()


def same_input_twice():
    x = leaf([1.0]) * 2
    return (x * x).sum()


GRAPHS = {
    f.__name__: f
    for f in (two_layers, rnn, diamond, gradient_penalty, scalar, shared_far_below, same_input_twice)
} | {"rnn with a loss at each step": lambda: rnn(4, True), "a leaf": lambda: leaf(1.0)}  # fmt: skip
every_graph = pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)


# ------------------------------------------------------------------ trace
def test_trace_prints_the_tape(capsys):
    x, w = leaf([[3.0, 4.0]], "x"), leaf([[1.0], [2.0]], "w")
    target = mg.tensor([[1.0]])
    target.name = "target"
    trace(F.mse_loss(x @ w, target) * 0.5)
    assert capsys.readouterr().out.splitlines() == [
        "op               inputs                             output  ‖∂L/∂output‖",
        "#4 Mul           #3 (), 0.5                         ()      1",
        "#3 Mean          #2 (1, 1)                          ()      0.5",
        "#2 SquaredError  #1 (1, 1), constant target (1, 1)  (1, 1)  0.5",
        "#1 MatMul        x (1, 2), w (2, 1)                 (1, 1)  10",
        "x                                                   (1, 2)  22.36",
        "w                                                   (2, 1)  50",
    ]


def test_trace_numbers_leaves_of_one_name_shortens_many_inputs_and_says_where_no_gradient_goes(capsys):
    a, b = leaf([1.0, 2.0]), leaf([2.0, 1.0])
    trace((mg.cat([a, b, a, b, a]).sign() * 2).sum() + (F.linear(a, leaf([[1.0, 1.0]], "w"))).sum())
    out = capsys.readouterr().out
    lines = {line.split("  ")[0].split()[-1]: line.split() for line in out.splitlines()}
    assert "leaf 1 (2,), leaf 2 (2,), leaf 1 (2,), and 2 more" in out
    assert "None" not in out and "w (1, 2)" in out
    assert lines["Concatenate"][-1] == "none" and lines["Sign"][-1] != "none"
    assert [line for line in out.splitlines() if line.startswith("leaf 2")][0].endswith("none")


@every_graph
def test_trace_goes_in_the_order_of_the_walk_and_changes_nothing(graph, capsys, monkeypatch):
    loss, same = graph(), graph()
    trace(loss)
    printed = [line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith("#")]
    leaves, other = (
        [edge for op in ops_below(y) for edge in op.edges if not isinstance(edge, Op)] for y in (loss, same)
    )
    assert all(node is None or node.grad is None for node in ops_below(loss) + leaves)
    walked = []
    monkeypatch.setattr(autograd, "heappop", lambda heap, pop=autograd.heappop: walked.append(pop(heap)) or walked[-1])
    loss.backward()
    same.backward()
    half = len(walked) // 2
    assert printed == [type(op).__name__ for _, op in walked[:half]]
    assert all(x is None or np.array_equal(x.grad.data, y.grad.data) for x, y in zip(leaves, other))


PROGRAMS = st.lists(st.tuples(st.sampled_from("+*-"), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=12)


def values_of(program):
    """Each line combines two earlier values."""
    values = [leaf([0.3, -0.7], "a"), leaf(0.9, "b")]
    for operation, i, j in program:
        x, y = values[i % len(values)], values[j % len(values)]
        values.append(mg.tanh({"+": x + y, "*": x * y, "-": x - y}[operation]))
    return values


@given(PROGRAMS)
def test_trace_prints_the_gradients_of_backward(program):
    values = values_of(program)
    for value in values:
        value.retain_grad()
    loss = sum((k * value).sum() for k, value in enumerate(values, 1))

    def norms():
        """What trace prints: of an op by its number, of a leaf by its name."""
        lines = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("builtins.print", lines.append)
            trace(loss)
        return {line.split()[0]: float(line.split()[-1]) for line in lines[1:]}

    before = norms()
    assert [value.grad for value in values] == [None] * len(values)
    loss.backward(retain_graph=True)
    gradients = [value.grad.data.copy() for value in values]
    ops = ops_below(loss)
    names = [f"#{len(ops) - ops.index(value.op)}" if value.op else value.name for value in values]
    np.testing.assert_allclose([before[name] for name in names], [np.linalg.norm(g) for g in gradients], rtol=1e-3)
    assert norms() == before
    assert all(np.array_equal(g, value.grad.data) for g, value in zip(gradients, values))


def test_a_chain_of_100000_ops_is_traced_and_not_drawn(capsys):
    y = leaf(1.0)
    for _ in range(100_000):
        y = y + 1.0
    trace(y)
    assert capsys.readouterr().out.count("Add") == 100_000
    with pytest.raises(ValueError, match="200001 boxes.*trace"):
        draw(y)


@pytest.mark.parametrize("look", [trace, draw])
def test_what_has_no_graph(look):
    with pytest.raises(TypeError, match="tensor, such as a loss.*float"):
        look(1.0)
    with pytest.raises(RuntimeError, match="without history.*requires_grad=True"):
        look(mg.ones(1))
    loss = diamond()
    loss.backward()
    with pytest.raises(RuntimeError, match="freed.*retain_graph=True"):
        look(loss)
    with pytest.raises(RuntimeError, match="freed"):
        look(loss * 2)


def test_trace_needs_a_scalar_and_draw_does_not():
    y = leaf([1.0, 2.0]) * 2
    with pytest.raises(RuntimeError, match=r"\(2,\).*scalar.*mean\(\)"):
        trace(y)
    assert "Mul" in draw(y).axes[0].texts[0].get_text()


# ------------------------------------------------------------------ draw
def measured(fig):
    """The rectangles of the boxes and of the texts, in pixels, and the edges as arrays of points."""
    renderer = FigureCanvasAgg(fig).get_renderer()
    fig.draw(renderer)
    (ax,) = fig.axes
    boxes = [p.get_path().get_extents(p.get_transform()) for p in ax.patches if isinstance(p, FancyBboxPatch)]
    texts = [text.get_window_extent(renderer) for text in ax.texts]
    edges = [ax.transData.transform(p._path_original.vertices) for p in ax.patches if isinstance(p, FancyArrowPatch)]
    return boxes, texts, edges, [text.get_text() for text in ax.texts]


@every_graph
def test_nothing_overlaps_and_nothing_is_cut_off(graph):
    assert_legible(draw(graph()))


@settings(max_examples=20)
@given(PROGRAMS)
def test_nothing_overlaps_in_any_graph(program):
    assert_legible(draw(sum(value.sum() for value in values_of(program))))


def assert_legible(fig):
    boxes, texts, edges, _ = measured(fig)
    assert len(boxes) == len(texts)
    for box, text in zip(boxes, texts):
        assert box.x0 < text.x0 < text.x1 < box.x1 and box.y0 - 1 < text.y0 < text.y1 < box.y1 + 1
    for i, box in enumerate(boxes):
        assert fig.bbox.x0 < box.x0 < box.x1 < fig.bbox.x1 and fig.bbox.y0 < box.y0 < box.y1 < fig.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[:i])
    for points in edges:
        assert ((fig.bbox.min <= points) & (points <= fig.bbox.max)).all()
        assert (np.diff(points[:, 1]) <= 0).all()
        for x, y in points[1:-1]:
            assert not any(box.x0 < x < box.x1 and box.y0 + 1 < y < box.y1 - 1 for box in boxes)


@every_graph
def test_every_op_gets_an_edge_from_each_of_its_inputs_in_their_order(graph):
    loss = graph()
    boxes, _, edges, labels = measured(draw(loss))
    box = dict(zip(labels, boxes))
    ops = ops_below(loss)
    label = {op: f"#{len(ops) - i} {type(op).__name__}\n{op.output.shape}" for i, op in enumerate(ops)}
    follows = {}  # from where an edge ends, up the edges, to the box where it starts
    for points in edges:
        follows.setdefault(tuple(points[-1].round()), []).append(points[0])

    def starts(point):
        while all(not (b.x0 <= point[0] <= b.x1 and abs(b.y0 - point[1]) < 1) for b in boxes):
            ((point,),) = [v for end, v in follows.items() if np.abs(end - point).max() < 2]
        return next(i for i, b in enumerate(boxes) if b.x0 <= point[0] <= b.x1 and abs(b.y0 - point[1]) < 1)

    for op in ops:
        b = box[label[op]]
        into = sorted((end, v) for end, v in follows.items() if b.x0 < end[0] < b.x1 and abs(end[1] - b.y1) < 2)
        found = [labels[starts(v)] for _, vs in into for v in vs]
        inputs = [i for i, array in enumerate(op.arrays) if array is not None]
        assert len(found) == len(inputs)
        for text, i in zip(found, inputs):  # from the left to the right
            edge = op.edges[i]
            assert text == label[edge] if isinstance(edge, Op) else getattr(edge, "name", None) or "" in text


def test_the_time_steps_of_an_rnn_repeat_below_each_other_with_their_own_weights():
    boxes, _, edges, labels = measured(draw(rnn(5)))
    height = {label: round(box.y0) for label, box in zip(labels, boxes)}
    tanhs = [y for label, y in height.items() if "Tanh" in label]
    assert len(set(tanhs)) == 5 and len(set(np.diff(sorted(tanhs)))) == 1
    count = [sum(label.startswith(name) for label in labels) for name in ("W_x", "W_h", "b\n")]
    assert count == [5, 5, 5]
    lengths = [np.ptp(points[:, 1]) for points in edges]
    assert max(lengths) - min(lengths) < 1  # no edge passes a layer


@pytest.mark.parametrize("graph", [rnn, two_layers, diamond, gradient_penalty, shared_far_below])
def test_no_edges_cross_where_none_need_to(graph):
    _, _, edges, _ = measured(draw(graph()))
    for i, a in enumerate(edges):
        for b in edges[:i]:
            if a[0, 1] == b[0, 1]:  # between the same layers
                assert (a[0, 0] - b[0, 0]) * (a[3, 0] - b[3, 0]) >= 0


def test_edges_from_one_op_share_their_way_through_the_layers():
    x = leaf([1.0], "x").exp()
    y = x.sin().cos().tanh()
    _, _, edges, _ = measured(draw(((y + x) * (y - x)).sum()))
    assert len(edges) == 11 + 3  # the inputs of all ops, and the layers of sin, cos and tanh that x passes to both uses


def test_parameters_carry_their_names_and_shapes_and_leaves_their_colours():
    ax = draw(two_layers()).axes[0]
    colour = {
        text.get_text(): box.get_facecolor()
        for text, box in zip(ax.texts, (p for p in ax.patches if isinstance(p, FancyBboxPatch)))
    }
    op, leaf, constant = colour["#2 Tanh\n(2, 4)"], colour["0.weight\n(4, 3)"], colour["constant\n(2, 3)"]
    assert len({op, leaf, constant}) == 3 and colour["2.bias\n(1,)"] == leaf


def test_the_figure_grows_with_the_graph():
    assert draw(rnn(5)).get_size_inches()[1] > 2 * draw(rnn(2)).get_size_inches()[1]


# ------------------------------------------------------------------ detect_anomaly
def message(function):
    with pytest.raises(FloatingPointError) as caught, mg.detect_anomaly():
        function()
    return str(caught.value)


def log_of_a_negative():
    leaf([1.0, -1.0], "p").log()  # the line


def one_by_zero():
    1 / leaf([[1.0, 0.0]])  # the line


def overflowing_exp():
    leaf(1000.0).exp()  # the line


def root_of_zero():
    y = leaf([4.0, 0.0]).sqrt()  # the line
    y.sum().backward()


def zero_times_infinity():
    y = leaf([0.0, 1.0], "v").sqrt()  # the line
    (y * mg.tensor([0.0, 1.0])).sum().backward()


def second_derivative():
    y = leaf([0.0, 1.0]) ** 1.5  # the line
    x = y.op.inputs[0]
    (g,) = grad(y.sum(), x, create_graph=True)
    g.sum().backward()


def first_of_two_derivatives():
    x = leaf([0.0, 1.0])
    y = x.sqrt()  # the line
    grad(y.sum(), x, create_graph=True)


def frozen_inf_in_a_layer():
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    list(net.named_parameters())
    net[1].weight.fill_(np.inf)
    net(mg.ones(2, 2))  # the line


def gradient_in_a_layer():
    layer = nn.Linear(2, 1)
    layer.weight.fill_(0.0)
    y = layer(mg.tensor([[2e38, 1.0]]))  # the line
    (y * 2.0).sum().backward()


def nan_in_the_data():
    mg.tensor([float("nan"), 1.0]) + leaf([1.0, 2.0])  # the line


def infinite_number():
    leaf([1.0]) * float("inf")  # the line


def nan_as_the_first_gradient():
    y = leaf([1.0]) * 2  # the line
    y.backward(np.array([np.nan]))


def nan_through_a_sum():
    y = leaf([1.0]) + 2  # the line
    y.backward(np.array([np.nan]))


def a_list_of_inputs():
    y = mg.cat([leaf([1.0]), leaf([np.inf], "second")])  # the line
    return y


def a_gradient_of_one_of_many():
    class Roots(Op):
        def forward(self, *xs):
            return sum(x**0.5 for x in xs)

        def grad_xs(self, g, y, *xs, i):
            return g * (0.5 * xs[i] ** -0.5)

    y = Roots()(leaf(1.0), leaf(0.0, "b"))  # the line
    y.backward()


def after_a_step_that_was_finite():
    diamond().backward()
    leaf(-1.0).sqrt()  # the line


def without_recording():
    with mg.no_grad():
        mg.tensor([-1.0]).sqrt()  # the line


def fused():
    class Root(Op):
        def forward(self, x):
            return x**0.5

        def grad_x(self, g, y, x):
            return g / (2 * y)

        def reference(self, x):
            return x**0.5

    x = leaf([0.0, 1.0])
    y = Root()(x)  # the line
    grad(y.sum(), x, create_graph=True)


def higher_derivative():
    x = leaf([0.0, 1.0])
    y = x.tanh() * x**2.5  # the line
    (g,) = grad(y.sum(), x, create_graph=True)
    (g,) = grad(g.sum(), x, create_graph=True)
    (g,) = grad(g.sum(), x, create_graph=True)
    grad(g.sum(), x)


ANOMALIES = [
    (log_of_a_negative, "Log: the output (2,) has 1 NaN of 2 values, the first at [1]", "inputs: x = p (2,)"),
    (one_by_zero, "Div: the output (1, 2) has 1 Inf of 2 values, the first at [0, 1]", "inputs: x = 1, y (1, 2)"),
    (overflowing_exp, "Exp: the output () is Inf", "inputs: x ()"),
    (root_of_zero, "backward of Sqrt: the gradient for x (2,) has 1 Inf of 2 values, the first at [1]", "x (2,)"),
    (zero_times_infinity, "backward of Sqrt: the gradient for x = v (2,) has 1 NaN of 2 values", "x = v (2,)"),
    (second_derivative, "backward of Pow: the gradient for x (2,) has 1 Inf", "y = 0.5"),
    (first_of_two_derivatives, "backward of Sqrt: the gradient for x (2,) has 1 Inf", "x (2,)"),
    (frozen_inf_in_a_layer, "Linear: the input w = 1.weight (1, 3) already has 3 Inf of 3", "b = 1.bias (1,)"),
    (gradient_in_a_layer, "backward of Linear: the gradient for w = weight (1, 2) has 1 Inf", "x (1, 2)"),
    (nan_in_the_data, "Add: the input x (2,) already has 1 NaN of 2 values, the first at [0]", "y (2,)"),
    (infinite_number, "Mul: the input y = inf already is Inf", "x (1,)"),
    (nan_as_the_first_gradient, "backward of Mul: the gradient that arrived already has 1 NaN", "y = 2"),
    (nan_through_a_sum, "backward of Add: the gradient that arrived already has 1 NaN", "y = 2"),
    (a_list_of_inputs, "Concatenate: the input xs[1] = second (1,) already has 1 Inf", "xs[0] (1,)"),
    (fused, "backward of Pow: the gradient for x (2,) has 1 Inf", "y = 0.5"),
    (higher_derivative, "backward of Pow: the gradient for x", "y = "),
    (a_gradient_of_one_of_many, "backward of Roots: the gradient for xs[1] = b () is Inf", "xs[0] (), xs[1] = b ()"),
    (after_a_step_that_was_finite, "Sqrt: the output () is NaN", "x ()"),
    (without_recording, "Sqrt: the output (1,) has 1 NaN", "x (1,)"),
]


@pytest.mark.parametrize("function, problem, inputs", ANOMALIES, ids=[row[0].__name__ for row in ANOMALIES])
def test_the_first_nan_or_inf_is_reported_with_the_op_its_inputs_and_the_line(function, problem, inputs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = message(function)
    first, second, third = text.splitlines()
    assert first.startswith(problem) and inputs in second
    assert __file__ in third and third.endswith("# the line")
    number = int(third.split(__file__ + ":")[1].split(":")[0])
    code = function.__code__
    assert code.co_firstlineno < number <= max(line for *_, line in code.co_lines() if line)


def test_a_sum_that_overflows_at_a_leaf_is_named():
    def run():
        x = mg.tensor([1e-3], requires_grad=True)
        x.name = "x"
        (x * 2e38 + x * 2e38).sum().backward()

    assert message(run).startswith("backward: the gradient for x (1,), summed over its uses, has 1 Inf")


def test_an_op_recorded_before_is_watched_in_its_backward_pass():
    y = leaf([0.0], "x").sqrt().sum()
    text = message(y.backward)
    assert text.startswith("backward of Sqrt: the gradient for x = x (1,) has 1 Inf")
    assert "recorded before detect_anomaly()" in text


def test_an_op_defined_inside_is_watched():
    def run():
        class Root(Op):
            def forward(self, x):
                return x**0.5

            def grad_x(self, g, y, x):
                return g / (2 * y)

        Root()(leaf([0.0])).backward()

    assert message(run).startswith("backward of Root: the gradient for x (1,) has 1 Inf")


@every_graph
def test_what_is_finite_passes_with_the_same_gradients(graph):
    with mg.detect_anomaly():
        watched = graph()
        leaves = [edge for op in ops_below(watched) for edge in op.edges if isinstance(edge, mg.Tensor)]
        watched.backward()
    plain = graph()
    others = [edge for op in ops_below(plain) for edge in op.edges if isinstance(edge, mg.Tensor)]
    plain.backward()
    assert all(np.array_equal(x.grad.data, y.grad.data) for x, y in zip(leaves, others))


def test_nothing_is_left_behind(capsys):
    def state():
        return Op.__call__, autograd._walk, vars(Op).get("__getattribute__"), mg.tanh, np.geterr()

    before = state()
    with mg.detect_anomaly():
        loss = two_layers()
        with mg.detect_anomaly():
            inside = state()
        assert state() == inside != before
        trace(loss)
    assert state() == before
    assert [set(vars(op)) for op in ops_below(loss)] == [set(vars(op)) for op in ops_below(two_layers())]
    message(log_of_a_negative)
    assert state() == before
    with pytest.raises(ValueError), mg.detect_anomaly():
        mg.ones(2, requires_grad=True) + mg.ones(3)
    assert state() == before
    loss.backward()
    with np.errstate(all="ignore"):
        assert np.isnan(leaf(-1.0).log().item())


def test_warnings_of_code_that_is_not_minigrads_still_appear():
    with mg.detect_anomaly(), pytest.warns(RuntimeWarning):
        np.log(np.array([-1.0]))


def test_on_a_device_it_looks_the_same(capsys):
    """The one place where copies to the host are meant."""
    with fake_device.installed():
        import cupy

        x = mg.Tensor(cupy.asarray(np.array([4.0, 0.0])), requires_grad=True)
        with pytest.raises(FloatingPointError, match="Sqrt: the gradient for x .2,. has 1 Inf of 2 values"):
            with mg.detect_anomaly():
                x.sqrt().sum().backward()
        trace((x * x).sum())
        draw(x * x)
    assert "#1 Mul" in capsys.readouterr().out
