"""The graph made visible: `trace` prints it, `draw` draws it, `detect_anomaly` finds where a NaN or Inf first appears.

Each of the three can be read by itself. `trace` and `draw` number the ops alike, from #1, the oldest.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
import weakref
from functools import wraps

import numpy as np

from . import autograd
from .autograd import Op
from .backend import get_array_module
from .tensor import Tensor, plain

HERE = os.path.dirname(__file__) + os.sep


# ------------------------------------------------------------------ the graph as text
def trace(loss: Tensor) -> None:
    """Print the tape in the order in which ``loss.backward()`` walks it, the newest op first; then the leaves.

    Each op has a line: its number on the tape; its inputs with their shapes, where #2 is what op 2 made and a parameter
    has its name; the shape of its output; and the norm of the gradient that arrives there, ‖∂L/∂output‖, or "none".
    The gradients are those of a backward pass, but no ``.grad`` changes and the graph stays. Raises RuntimeError where
    `backward` does: for a tensor that is no scalar, has no history, or whose graph is freed.

    >>> x = Tensor([3.0, 4.0], requires_grad=True)
    >>> x.name = "x"
    >>> trace((x * x + 1.0).mean())
    op       inputs          output  ‖∂L/∂output‖
    #3 Mean  #2 (2,)         ()      1
    #2 Add   #1 (2,), 1.0    (2,)    0.7071
    #1 Mul   x (2,), x (2,)  (2,)    0.7071
    x                        (2,)    5
    """
    ops = _ops(loss)
    names = _names(loss, ops)
    outputs = [Tensor(node.output, True, node) if isinstance(node, Op) else node for node in names]
    retained = [(op, op.grad) for op in ops if op.retains_grad]
    try:
        gradients = autograd.grad(loss, outputs, retain_graph=True, allow_unused=True)
    finally:
        for op, gradient in retained:
            op.grad = gradient
    rows = [("op", "inputs", "output", "‖∂L/∂output‖")]
    for (node, name), output, gradient in zip(names.items(), outputs, gradients):
        inputs = []
        if isinstance(node, Op):
            inputs = [" ".join(text) for _, text in _inputs(node, names)]
            name = f"{name:{len(str(len(ops))) + 1}} {type(node).__name__}"
        if len(inputs) > 4:
            inputs[3:] = [f"and {len(inputs) - 3} more"]
        norm = "none" if gradient is None else f"{float(gradient.double().norm()):.4g}"
        rows.append((name, ", ".join(inputs), str(output.shape), norm))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def _ops(tensor):
    """The ops that `tensor` depends on, the newest first."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"a graph belongs to a tensor, such as a loss, and a {type(tensor).__name__} has none")
    if not tensor.requires_grad:
        raise RuntimeError("a tensor without history has no graph: nothing with requires_grad=True led to it")
    found, stack = set(), [tensor.op]
    while stack:
        op = stack.pop()
        if isinstance(op, Op) and op not in found:
            if op.edges is None:
                autograd._refuse(op)
            found.add(op)
            stack += op.edges
    return sorted(found, key=lambda op: -op.number)


def _names(tensor, ops):
    """What to call each node: the ops #n to #1, then the leaves by name, numbered where several have the same."""
    names, leaves = {op: f"#{len(ops) - i}" for i, op in enumerate(ops)}, {}
    for leaf in dict.fromkeys(edge for op in ops[::-1] for edge in op.edges if isinstance(edge, Tensor)) or [tensor]:
        leaves.setdefault(leaf.name or "leaf", []).append(leaf)
    for name, several in leaves.items():
        names |= {leaf: f"{name} {i}" if len(several) > 1 else name for i, leaf in enumerate(several, 1)}
    return names


def _inputs(op, names):
    """The inputs that are there, for an optional one may be None: the edge, and name and shape, or a number's value."""
    for x, array, edge in zip(op.inputs, op.arrays, op.edges):
        if hasattr(array, "shape"):
            name = names[edge] if edge is not None else f"constant {getattr(x, 'name', None) or ''}".rstrip()
            yield edge, (name, str(array.shape))
        elif array is not None:
            yield edge, (str(array),)


# ------------------------------------------------------------------ the graph as a picture
LARGEST = 400  # boxes in a picture
SIZE, HEIGHT, GAP = 8, 0.36, 0.3  # of the text in points; of a box and between boxes in inches
OP, LEAF, CONSTANT = "#cfe2f3", "#fce5cd", "#eeeeee"
ROUNDING = {OP: 0.02, LEAF: 0.12, CONSTANT: 0.12}


class _Item:
    """A box; or, without text, a point that an edge passes on its way through a row of boxes. Lengths in inches."""

    def __init__(self, text, colour):
        self.text, self.colour, self.x = text, colour, 0.0  # x of its centre
        self.inputs = []  # the items above, and how far from the centre the edges from there arrive
        letters = max(map(len, text.split("\n")))
        self.width = max(0.3, letters * 0.602 * SIZE / 72 + 0.15) if text else 0.0  # DejaVu Sans Mono: 0.602 a letter


def draw(tensor: Tensor):
    """A matplotlib Figure of the graph that `tensor` hangs on, from the leaves at the top down to it.

    A blue box is an op with the shape of its output, numbered as in `trace`; its inputs enter from the left to the
    right. An orange box is a leaf that a gradient goes to, a grey one a constant. A leaf stands anew above every op
    that uses it, so that a parameter which all time steps share draws no lines across the picture. The size, in inches,
    grows with the graph. Raises ValueError for more than 400 boxes, and the RuntimeErrors of `trace`, except that the
    tensor need not be a scalar.

    >>> from minigrad import nn
    >>> figure = draw(nn.Linear(3, 2)(Tensor([[1.0, 2.0, 3.0]])).tanh())
    >>> [text.get_text().replace("\\n", " ") for text in figure.axes[0].texts]
    ['#2 Tanh (1, 2)', '#1 Linear (1, 2)', 'constant (1, 3)', 'weight (2, 3)', 'bias (2,)']
    """
    ops = _ops(tensor)
    names = _names(tensor, ops)
    boxes = len(ops) + sum(not isinstance(edge, Op) for op in ops for edge, _ in _inputs(op, names))
    if boxes > LARGEST:
        advice = "draw a part of it, such as one layer or a few time steps, or print it all with trace(loss)"
        raise ValueError(f"draw: the graph has {boxes} boxes, and a picture is readable up to {LARGEST}: {advice}")
    rows = _arranged(_rows(ops, names)) if ops else [[_Item(f"{names[tensor]}\n{tensor.shape}", LEAF)]]
    return _figure(rows)


def _rows(ops, names):
    """The items row by row, the lowest first, each row from the left to the right in the order of the ops' inputs."""
    height, items = _heights(ops), {}
    rows = [[] for _ in range(max(height.values()) + 2)]

    def item(op, row):
        """The box of `op` or, in a row below that, the point where all its edges pass; with all that is above."""
        if (op, row) in items:
            return items[op, row]
        is_box = row == height[op]
        new = items[op, row] = _Item(f"{names[op]} {type(op).__name__}\n{op.output.shape}" if is_box else "", OP)
        rows[row].append(new)
        sources = list(_inputs(op, names)) if is_box else [(op, ())]
        for port, (source, text) in enumerate(sources):
            if isinstance(source, Op):
                upper = item(source, row + 1)
            else:
                upper = _Item("\n".join(text), CONSTANT if source is None else LEAF)
                rows[row + 1].append(upper)
            new.inputs.append((upper, ((port + 0.5) / len(sources) - 0.5) * new.width))
        return new

    item(ops[0], 0)
    return rows


def _heights(ops):
    """The row of each op: right below its lowest input or, where that makes no edge longer, above its highest user."""
    sources = {op: [edge for edge in op.edges if isinstance(edge, Op)] for op in ops}
    depth = {}
    for op in reversed(ops):
        depth[op] = 1 + max((depth[source] for source in sources[op]), default=0)
    for op in ops[1:]:
        users = [user for user in ops if op in sources[user]]
        if len(sources[op]) <= len(users):
            depth[op] = min(depth[user] for user in users) - 1
    return {op: depth[ops[0]] - depth[op] for op in ops}


def _arranged(rows):
    """The rows, with the boxes apart at the x that lower Σ (x_upper − x_lower − place)² over all edges, row by row."""
    from scipy.optimize import isotonic_regression

    near = {item: [] for row in rows for item in row}  # the neighbours, with the distance wanted from each
    for lower in near:
        for upper, place in lower.inputs:
            near[lower].append((upper, -place))
            near[upper].append((lower, place))
    for row in (rows[::-1] + rows) * 24:
        weights = [len(near[item]) for item in row]
        wanted = [np.mean([neighbour.x + distance for neighbour, distance in near[item]]) for item in row]
        room = np.array([item.width + 0.15 for item in row])
        offset = np.cumsum(room) - room / 2
        for item, x in zip(row, isotonic_regression(wanted - offset, weights=weights).x + offset):
            item.x = x
    return rows


def _figure(rows):
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
    from matplotlib.path import Path

    left = min(item.x - item.width / 2 for row in rows for item in row) - 0.1
    right = max(item.x + item.width / 2 for row in rows for item in row) + 0.1
    height = len(rows) * (HEIGHT + GAP) - GAP + 0.2
    fig = Figure((right - left, height))
    ax = fig.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=(-0.1, height - 0.1))
    ax.set_axis_off()
    font = {"family": "DejaVu Sans Mono", "size": SIZE, "parse_math": False, "ha": "center", "va": "center"}
    codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4, Path.LINETO]
    for bottom, item in ((i * (HEIGHT + GAP), item) for i, row in enumerate(rows) for item in row):
        top, middle = bottom + HEIGHT, bottom + HEIGHT + GAP / 2
        for upper, place in item.inputs:
            x, (end, style) = item.x + place, (top, "-|>") if item.text else (bottom, "-")
            points = (upper.x, top + GAP), (upper.x, middle), (x, middle), (x, top + 0.08), (x, end)
            path = Path(points, codes)
            ax.add_patch(FancyArrowPatch(path=path, arrowstyle=style, mutation_scale=7, lw=0.8, color="0.4"))
        if item.text:
            corner, style = (item.x - item.width / 2, bottom), f"round,pad=0,rounding_size={ROUNDING[item.colour]}"
            ax.add_patch(FancyBboxPatch(corner, item.width, HEIGHT, style, fc=item.colour, ec="0.4", lw=0.8))
            ax.text(item.x, bottom + HEIGHT / 2, item.text, **font)
    return fig


# ------------------------------------------------------------------ where a NaN or Inf first appears
@contextlib.contextmanager
def detect_anomaly():
    """Stop at the first NaN or Inf inside ``with detect_anomaly():``, forward or backward, with a FloatingPointError.

    The error names the op and its inputs, the tensor that is not finite and where, and the line of your code that
    called the op, also when it is one of the op's gradients that went wrong. An op is not blamed for what came in with
    an input. An Inf that is meant, as in a mask of −∞, is an Inf too.

    It is for debugging: every result is looked at, on the host, for which a device must wait. Outside it costs nothing.

    >>> x = Tensor([4.0, 0.0], requires_grad=True)
    >>> with detect_anomaly():
    ...     y = x.sqrt()
    ...     y.sum().backward()
    Traceback (most recent call last):
    FloatingPointError: backward of Sqrt: the gradient for x (2,) has 1 Inf of 2 values, the first at [1]
      inputs: x (2,)
      <doctest minigrad.graph.detect_anomaly[1]>:2: y = x.sqrt()
    """
    if "__getattribute__" in vars(Op):
        yield  # inside another one
        return
    plain_call, plain_walk = Op.__call__, autograd._walk
    lines, walking = weakref.WeakKeyDictionary(), []  # the line of each op; the op that each running walk has come to

    def call(op, *inputs):
        with np.errstate(all="ignore"):
            output = plain_call(op, *inputs)
        if walking:  # it is a step of a gradient, which is looked at as a whole
            lines[op] = lines.get(walking[-1])
        elif isinstance(output, Tensor):
            lines[op] = _line_of_user()
            if _trouble(output):
                raise _anomaly(op, "", inputs, lines[op], [(f"the output {output.shape}", output)])
        return output

    def attribute(op, name):
        value = object.__getattribute__(op, name)
        if not walking or value is None or name != "reference" and name not in type(op).gradient_names:
            return value
        walking[-1] = op

        @wraps(value)
        def watched(g, output, *arrays, **which):
            result = value(g, output, *arrays, **which)
            if _trouble(result):
                i = which.get("i", op.gradient_names.index(name))
                made = [("the gradient that arrived already", g), ("the output already", output)]
                made.append((f"the gradient for {_label(op, i, op.inputs[i])}", result))
                raise _anomaly(op, "backward of ", op.inputs, lines.get(op), made)
            return result

        return value if name == "reference" else watched

    @np.errstate(all="ignore")
    def walk(*args):
        walking.append(None)
        try:
            found = plain_walk(*args)
        finally:
            walking.pop()
        for node, g in found.items():
            if trouble := _trouble(g):  # the parts were finite, and their sum is not
                name = f"{getattr(node, 'name', None) or 'a tensor'} {g.shape}"
                raise FloatingPointError(f"backward: the gradient for {name}, summed over its uses, {trouble}")
        return found

    Op.__call__, Op.__getattribute__, autograd._walk = call, attribute, walk
    try:
        yield
    finally:
        Op.__call__, autograd._walk = plain_call, plain_walk
        del Op.__getattribute__


def _anomaly(op, phase, inputs, line, made):
    """The error. To blame is the first that is not finite: of the inputs, or of what was `made` of them."""
    labels = [_label(op, i, x) for i, x in enumerate(inputs)]
    suspects = [*((f"the input {label} already", x) for label, x in zip(labels, inputs)), *made]
    what, trouble = next((what, _trouble(x)) for what, x in suspects if _trouble(x))
    line = line or "(no line: the op was recorded before detect_anomaly() began)"
    return FloatingPointError(f"{phase}{type(op).__name__}: {what} {trouble}\n  inputs: {', '.join(labels)}\n  {line}")


def _trouble(x):
    """What is not finite in x, in words, or None."""
    array = plain(x)
    xp = get_array_module(array)
    array = xp.asarray(array)
    if array.dtype.kind != "f" or (finite := xp.isfinite(array)).all():
        return None
    found = ("NaN", int(xp.isnan(array).sum())), ("Inf", int(xp.isinf(array).sum()))
    counts = " and ".join(f"{n} {kind}" for kind, n in found if n)
    first = [int(i) for i in np.unravel_index(int(finite.argmin()), array.shape)]
    return f"has {counts} of {array.size} values, the first at {first}" if first else f"is {counts[2:]}"


def _label(op, i, x):
    """Input i as `forward` calls it, with its own name and its shape, or with its value: w = fc.weight (4,)"""
    name = op.gradient_names[0 if op.variadic else i].removeprefix("grad_") + (f"[{i}]" if op.variadic else "")
    if not hasattr(x, "shape"):
        return f"{name} = {x}"
    return f"{name} = {x.name} {x.shape}" if getattr(x, "name", None) else f"{name} {x.shape}"


def _line_of_user():
    """The line outside minigrad that is running, with its text."""
    frame = sys._getframe(2)
    while frame.f_code.co_filename.startswith(HERE) and frame.f_back:
        frame = frame.f_back
    file, number = frame.f_code.co_filename, frame.f_lineno
    return f"{file}:{number}: {linecache.getline(file, number).strip()}"
