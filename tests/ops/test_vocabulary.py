"""Formulas keep to words that mean the same on arrays and on Tensors, since the engine runs them on both.

That is what ``grad_<input>`` of a plain op and ``reference`` of a fused one may be made of: operators, comparisons,
indexing, ``.shape``, ``.ndim``, ``.dtype``, ``.reshape(tuple)``, the op's own parameters, and functions of
`minigrad.ops`. Helpers that they call are read as well.
"""

import ast
import builtins
import inspect
import math
import textwrap

import numpy as np
import pytest

from minigrad import ops
from minigrad.autograd import Op
from minigrad.ops import elementwise
from minigrad.ops.reduce import Mean
from minigrad.ops.shape import stack
from tests.ops.test_ops import ops_of_the_engine

METADATA = {"shape", "ndim", "dtype"}
ATTRIBUTES = METADATA | {"reshape", "__getitem__"}
BUILTINS = {"enumerate", "len", "range", "slice", "sorted", "tuple", "zip"}  # for shapes, axes and indices
MODULES = {math: {"prod", "sqrt"}, builtins: {"sum"}}  # the same
PUBLIC = {getattr(ops, name) for name in ops.__all__}
SYNTAX = (
    ast.FunctionDef, ast.arguments, ast.arg, ast.Expr, ast.Return, ast.Assign, ast.AugAssign, ast.If, ast.For,
    ast.IfExp, ast.BoolOp, ast.boolop, ast.BinOp, ast.operator, ast.UnaryOp, ast.unaryop, ast.Compare, ast.cmpop,
    ast.Call, ast.keyword, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Constant, ast.Tuple, ast.List,
    ast.Starred, ast.GeneratorExp, ast.ListComp, ast.comprehension, ast.expr_context,
)  # fmt: skip


def strangers(function, op, tensors=None, seen=None):
    """What in a method of `op`, or in a helper that it calls, is outside the vocabulary.

    `tensors` names the arguments that are Tensors where the engine calls it so: all but ``self`` and ``i``.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    if tensors is None:
        tensors = {a.arg for a in (*tree.args.args[1:], tree.args.vararg) if a}
    seen = set() if seen is None else seen
    key = function, frozenset(tensors)
    if key in seen:
        return set()
    seen.add(key)
    return Formula(function, op, tree, tensors, seen).strangers()


class Formula:
    """The syntax tree of a function, and which of its names stand for Tensors."""

    def __init__(self, function, op, tree, tensors, seen):
        self.globals, self.op, self.nodes, self.seen = function.__globals__, op, list(ast.walk(tree)), seen
        stored = {n.id for n in self.nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.local, self.tensors = {n.arg for n in self.nodes if isinstance(n, ast.arg)} | stored, set(tensors)
        for node in 2 * self.nodes:  # twice, as a loop may use what is assigned further down
            targets, value = _assignment(node)
            if value and self.holds(value):
                self.tensors |= {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}

    def holds(self, node):
        """Whether a Tensor is in an expression that asks for more than its shape, or whether it is None."""
        if isinstance(node, ast.Name):
            return node.id in self.tensors
        if isinstance(node, ast.Attribute) and node.attr in METADATA:
            return False
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Is, ast.IsNot)):
            return False
        if isinstance(node, (ast.GeneratorExp, ast.ListComp)):
            return self.holds(node.elt)
        return any(map(self.holds, ast.iter_child_nodes(node)))

    def strangers(self):
        owners = {n.value for n in self.nodes if isinstance(n, ast.Attribute)}
        found = set()
        for node in self.nodes:
            is_global = isinstance(node, ast.Name) and node.id not in self.local and node not in owners
            if (
                not isinstance(node, SYNTAX)
                or _writes(node)
                or any(map(self.holds, _questions(node)))
                or isinstance(node, ast.Attribute)
                and not self.is_known(node)
                or is_global
                and not self.is_word(node.id)
                or isinstance(node, ast.Call)
                and self.is_misused(node)
            ):
                found.add(ast.unparse(node))
            elif isinstance(node, ast.Call):
                found |= self.in_helper(node)
        return found

    def is_known(self, node):
        """Whether an attribute is a parameter or a method of the instance, or means the same on arrays and Tensors."""
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            return not isinstance(inspect.getattr_static(self.op, node.attr, None), property)
        return node.attr in ATTRIBUTES or self.is_of_module(node)

    def is_of_module(self, node):
        """Whether this is math.sqrt or the like."""
        name = node.value.id if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else None
        return any(self.globals.get(name) is module and node.attr in words for module, words in MODULES.items())

    def is_word(self, name):
        """Whether a global name is a function of minigrad, which is public or will be read, an op, or a number."""
        if name not in self.globals:
            return name in BUILTINS
        value = self.globals[name]
        is_op = inspect.isclass(value) and issubclass(value, Op)
        is_function = inspect.isfunction(value) and value.__module__.startswith("minigrad.")
        return is_op or is_function or type(value) in (int, float)

    def is_misused(self, call):
        """Whether Python itself is given a Tensor, or reshape anything but one tuple."""
        arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
        if isinstance(call.func, ast.Attribute) and call.func.attr == "reshape":
            return len(call.args) != 1 or call.keywords or isinstance(call.args[0], (ast.Constant, ast.UnaryOp))
        of_python = self.is_of_module(call.func) or self.called(call) is None and not isinstance(call.func, ast.Call)
        return of_python and any(map(self.holds, arguments))

    def called(self, call):
        """The method of the op or the global that is called; what was assigned to a local name counts as read."""
        if isinstance(call.func, ast.Attribute):
            return inspect.getattr_static(self.op, call.func.attr, None)
        return "local" if ast.unparse(call.func) in self.local else self.globals.get(ast.unparse(call.func))

    def in_helper(self, call):
        helper, of_self = self.called(call), [call.func.value] if isinstance(call.func, ast.Attribute) else []
        if not inspect.isfunction(helper) or helper in PUBLIC:
            return set()
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        given = inspect.signature(helper).bind(*of_self, *call.args, **named).arguments
        return strangers(helper, self.op, {name for name, part in given.items() if self.holds(part)}, self.seen)


def _assignment(node):
    """The targets and the value of what assigns."""
    if isinstance(node, ast.Assign):
        return node.targets, node.value
    return ([node.target], node.iter) if isinstance(node, (ast.For, ast.comprehension)) else ([], None)


def _questions(node):
    """The expressions that Python asks for their truth."""
    if isinstance(node, ast.comprehension):
        return node.ifs
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return [node.operand]
    if isinstance(node, ast.Compare) and any(isinstance(compare, (ast.In, ast.NotIn)) for compare in node.ops):
        return [node.left, *node.comparators]
    return [node.test] if isinstance(node, (ast.If, ast.IfExp)) else []


def _writes(node):
    """Whether something changes that may be a Tensor or the instance, or a default is more than a constant."""
    if isinstance(node, ast.AugAssign):
        return not isinstance(node.value, ast.List)  # a list of steps may grow
    if isinstance(node, ast.arguments):
        return not all(isinstance(value, ast.Constant) for value in node.defaults + node.kw_defaults if value)
    return isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load)


def formulas():
    """The methods that the engine runs on Tensors as well."""
    return [
        pytest.param(op, name, id=f"{op.__name__}.{name}")
        for op in ops_of_the_engine()
        for name in (["reference"] if op.reference else op.gradient_names)
        if getattr(op, name) is not None
    ]


@pytest.mark.parametrize("op, name", formulas())
def test_a_formula_keeps_to_the_vocabulary(op, name):
    assert strangers(getattr(op, name), op) == set()


HALF, TABLE = np.float64(0.5), {}


class Strange(Mean):
    """Formulas with a word in them that is outside the vocabulary."""

    def numpy(self, g, y, x):
        return g * np.exp(x)

    def array_module(self, g, y, x):
        xp = elementwise.get_array_module(x)
        return g * xp.cos(x)

    def the_array(self, g, y, x):
        return g * x.data

    def a_method(self, g, y, x):
        return (g * x).sum(axis=0)

    def a_question_of_type(self, g, y, x):
        return g if isinstance(g, np.ndarray) else -g

    def a_transpose(self, g, y, x):
        return g @ x.T

    def for_arrays_only(self, g, y, x):
        return g * elementwise.exp_minus_abs(x)

    def in_a_helper(self, g, y, x):
        return self.a_transpose(g, y, x)

    def a_number(self, g, y, x):
        return g * float(y)

    def an_array_module_kept(self, g, y, x):
        return g * self.xp.exp(x)

    def the_array_of_a_product(self, g, y, x):
        return (self.k * g).data

    def a_method_of_what_a_method_returns(self, g, y, x):
        return self.kept(g, x).sum(axis=0)

    def a_builtin_by_its_module(self, g, y, x):
        return builtins.getattr(x, "da" + "ta")

    def a_type_by_a_module(self, g, y, x):
        return g if builtins.isinstance(x, np.ndarray) else -g

    def a_function_of_numbers(self, g, y, x):
        return g * math.exp(x)

    def the_root_of_a_tensor(self, g, y, x):
        return g * math.sqrt(x)

    def a_question(self, g, y, x):
        if x > 0:
            return g
        return -g

    def a_choice(self, g, y, x):
        return g if x > 0 else -g

    def a_conjunction(self, g, y, x):
        return x > 0 and g

    def a_negation(self, g, y, x):
        return g * (not x)

    def a_loop(self, g, y, x):
        while x > 1:
            g, x = g * x, x - 1
        return g

    def membership(self, g, y, x):
        return g * (x in (1, 2))

    def a_question_of_a_local_name(self, g, y, x):
        positive = x > 0
        return g if positive else -g

    def a_filter(self, g, y, x):
        return stack([part for part in (g, y) if part > 0])

    def a_change_in_place(self, g, y, x):
        g *= y
        return g

    def an_element_assigned(self, g, y, x):
        g[...] = 0
        return g

    def an_attribute_assigned(self, g, y, x):
        self.g = g
        return g

    @property
    def slope(self):
        return np.ones(3)

    def a_property(self, g, y, x):
        return g * self.slope

    def a_default(self, g, y, x, float=float):
        return g * float(y)

    def a_default_tensor(self, g, y, x, half=HALF):
        return g * half

    def the_first_in_order(self, g, y, x):
        return g * sorted(x)[0]

    def the_first_of_a_tuple(self, g, y, x):
        return g * tuple(x)[0]

    def a_length(self, g, y, x):
        return g / len(x)

    def a_text(self, g, y, x):
        return g * (f"{x}" == "0")

    def a_number_as_shape(self, g, y, x):
        return g.reshape(-1)

    def numbers_as_shape(self, g, y, x):
        return g.reshape(2, 3)

    def an_order_in_memory(self, g, y, x):
        return g.reshape(x.shape, order="F")

    def a_number_of_numpy(self, g, y, x):
        return g * HALF

    def a_table(self, g, y, x):
        return g * TABLE["half"]

    def a_function_written_here(self, g, y, x):
        return (lambda a: a.data)(g)

    def a_question_in_a_helper(self, g, y, x):
        return self.a_choice(g, y, x)


@pytest.mark.parametrize("name", [name for name, method in vars(Strange).items() if inspect.isfunction(method)])
def test_a_strange_word_is_found(name):
    assert strangers(getattr(Strange, name), Strange)
