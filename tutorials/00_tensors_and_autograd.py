# %% [markdown]
# # 00 · Tensors and a tiny autograd in 60 lines
# # 텐서, 그리고 60줄로 만드는 자동미분
#
# **Deck**: 텐서
#
# **Question.** What is a tensor, and how does a program find the derivative of everything it computed with one?
#
# **질문.** 텐서란 무엇이며, 프로그램은 텐서로 계산한 모든 것의 미분을 어떻게 찾아내는가?
#
# **Summary.** A tensor is a block of numbers that runs in directions called axes, and a colour image has three of
# them. If every operation remembers its inputs and knows one formula for each of them, walking back from the result
# multiplies these formulas together and adds up where paths meet. Sixty lines do that, and minigrad's own
# `backward()` is the same walk.
#
# **요약.** 텐서는 축이라는 방향을 가진 수의 묶음이고, 컬러 이미지는 축이 세 개인 텐서이다. 모든 연산이 자기 입력을
# 기억하고 입력마다 미분 공식을 하나씩 알고 있으면, 결과에서 거꾸로 거슬러 가며 공식을 곱하고 길이 만나는 곳에서
# 더하기만 하면 된다. 이 일은 60줄이면 되고, minigrad의 `backward()`도 똑같은 방식으로 거슬러 간다.

# %%
import inspect

import numpy as np
from lesson import SEED, claim, show, source

import minigrad as mg
from minigrad import autograd, plot
from minigrad.data import faces

# %% [markdown]
# ## 1. Tensors: rank, axes, shape
#
# The *rank* of a tensor (not the rank of a matrix) is how many indices one of its numbers needs; each index runs
# along an *axis*.
#
# | rank | name | example here | shape |
# |---|---|---|---|
# | 0 | scalar | a loss | `()` |
# | 1 | vector | the brightness along one row of pixels | `(width,)` |
# | 2 | matrix | one colour of an image | `(height, width)` |
# | 3 | 3-D tensor | a colour image | `(channel, height, width)` |
# | 4 | 4-D tensor | a batch of images, what a convolution takes | `(image, channel, height, width)` |

# %%
images, attributes = faces(12, seed=SEED + 1)
batch = mg.tensor(images.astype(np.float32) / 255)
face = batch[5]
for name, tensor in {
    "one number": face[0, 16, 10],
    "one row": face[0, 16],
    "red": face[0],
    "face": face,
    "batch": batch,
}.items():
    print(f"{name:11} rank {tensor.ndim}  shape {tensor.shape}")

fig, axes = plot.figure(1, 4, 2.3, 2.5)
for ax, picture, title, colours in zip(
    axes[0],
    [face.data.transpose(1, 2, 0), *face.data],
    ["face: (3, 32, 32)", "face[0], red", "face[1], green", "face[2], blue"],
    [None, "Reds_r", "Greens_r", "Blues_r"],
):
    ax.imshow(picture, cmap=colours, vmin=0, vmax=1)
    ax.set(title=title, xlabel="axis 2: column", ylabel="axis 1: row")
show(fig)

# %% [markdown]
# A mean or a sum over an axis removes it, and every other axis stays. Which axis to name is the whole difference
# between the picture's mean colour, the picture in grey, and the mean face:

# %%
for axis, meaning in {(1, 2): "mean colour of the face", 0: "the face in grey"}.items():
    print(f"face.mean(axis={axis}): shape {face.mean(axis=axis).shape}, {meaning}")
print(f"batch.mean(axis=0): shape {batch.mean(axis=0).shape}, the mean of the twelve faces")
claim("means over one axis after the other equal the mean over both", face.mean(axis=2).mean(axis=1).shape, "==", (3,))
difference = abs(face.mean(axis=2).mean(axis=1).data - face.mean(axis=(1, 2)).data).max()
claim("... in value, too", difference, "<", 1e-6)

# %% [markdown]
# ## 2. An autograd in 60 lines
#
# Let $L$ be the number that we want to lower. For each intermediate result $z = f(x, y)$ write $\bar z = \partial
# L/\partial z$. The chain rule says what $z$ owes its inputs:
#
# $$\bar x \mathrel{+}= \bar z\,\frac{\partial z}{\partial x}, \qquad
# \bar y \mathrel{+}= \bar z\,\frac{\partial z}{\partial y}.$$
#
# The `+=` matters: when $x$ is used twice, both uses owe to it. And the order matters: $\bar z$ may be handed on only
# when *everything* that used $z$ has paid in. Numbering the nodes as they are made gives such an order for nothing,
# since a node is always younger than its inputs: **from the newest to the oldest**.


# %%
class Node:
    """A number, the operation that made it, and after `backward` its gradient."""

    made = 0

    def __init__(self, value, inputs=(), formulas=()):
        self.value, self.inputs, self.formulas, self.gradient = value, inputs, formulas, 0.0
        Node.made += 1
        self.number = Node.made  # newer than all inputs

    def __add__(self, other):
        other = node(other)
        return Node(self.value + other.value, (self, other), (lambda g: g, lambda g: g))

    def __mul__(self, other):
        other = node(other)
        return Node(self.value * other.value, (self, other), (lambda g: g * other.value, lambda g: g * self.value))

    def __pow__(self, p):
        return Node(self.value**p, (self,), (lambda g: g * p * self.value ** (p - 1),))

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -node(other)

    def __truediv__(self, other):
        return self * node(other) ** -1

    __radd__, __rmul__ = __add__, __mul__

    def tanh(self):
        y = float(np.tanh(self.value))
        return Node(y, (self,), (lambda g: g * (1 - y * y),))

    def exp(self):
        y = float(np.exp(self.value))
        return Node(y, (self,), (lambda g: g * y,))

    def backward(self):
        """Give every node behind this one its ∂self/∂node, each exactly once, from the newest to the oldest."""
        for each in (nodes := self.history()):
            each.gradient = 0.0
        self.gradient = 1.0
        for each in sorted(nodes, key=lambda each: -each.number):
            for origin, formula in zip(each.inputs, each.formulas):
                origin.gradient += formula(each.gradient)

    def history(self):
        seen, waiting = set(), [self]
        while waiting:
            if (each := waiting.pop()) not in seen:
                seen.add(each)
                waiting.extend(each.inputs)
        return seen


def node(x):
    return x if isinstance(x, Node) else Node(x)


# %%
functions = {node, *filter(inspect.isfunction, vars(Node).values())}
lines = [line for function in functions for line in inspect.getsource(function).splitlines() if line.strip()]
claim("lines of code of the whole engine", len(lines), "<=", 60)

# %% [markdown]
# ## 3. The diamond: one value, two ways forward
#
# $a = \tanh(x y)$ is used by $b = a^2$ and by $c = a x$, which meet again in $L = b c + x / y$. Three ways to the
# same derivative: our sixty lines, minigrad, and the definition, $\dfrac{L(x+h) - L(x-h)}{2h}$.


# %%
def diamond(x, y):
    a = (x * y).tanh()
    b, c = a**2, a * x
    return b * c + x / y


# %% [markdown]
# minigrad draws the graph that it recorded, leaves at the top; each box is an operation in the order in which it was
# made. There are as many terms in the derivative by `x` as there are paths from `x` down to the end.

# %% tags=["key"]
x, y = Node(0.7), Node(-1.3)
diamond(x, y).backward()

mg_x, mg_y = (mg.tensor(v, dtype=mg.float64, requires_grad=True) for v in (0.7, -1.3))
mg_x.name, mg_y.name = "x", "y"
loss = diamond(mg_x, mg_y)
show(mg.graph.draw(loss))
loss.backward()

h = 1e-6
numeric_x = (diamond(Node(0.7 + h), Node(-1.3)).value - diamond(Node(0.7 - h), Node(-1.3)).value) / (2 * h)
numeric_y = (diamond(Node(0.7), Node(-1.3 + h)).value - diamond(Node(0.7), Node(-1.3 - h)).value) / (2 * h)
print("       sixty lines      minigrad        numeric")
print(f"dL/dx  {x.gradient:+.9f}   {mg_x.grad.item():+.9f}   {numeric_x:+.9f}")
print(f"dL/dy  {y.gradient:+.9f}   {mg_y.grad.item():+.9f}   {numeric_y:+.9f}")
claim(
    "sixty lines against minigrad",
    max(abs(x.gradient - mg_x.grad.item()), abs(y.gradient - mg_y.grad.item())),
    "<",
    1e-14,
)
claim("sixty lines against the definition", max(abs(x.gradient - numeric_x), abs(y.gradient - numeric_y)), "<", 1e-8)

# %% [markdown]
# ## 4. Why the order matters
#
# The obvious program is recursive: a node that receives a gradient hands it on at once. That is right, since the
# sum over all paths is what the chain rule says, but it walks every *path*, and each diamond doubles their number.
# In order, every node is visited once.


# %%
def visits_along_paths(each):
    return 1 + sum(visits_along_paths(origin) for origin in each.inputs)


depths = range(1, 15)
in_order, along_paths = [], []
for depth in depths:
    a = Node(1.0)
    for _ in range(depth):
        a = a.tanh() + a**-1  # one diamond
    in_order.append(len(a.history()))
    along_paths.append(visits_along_paths(a))

# %%
fig, axes = plot.figure(1, 1, 5.5, 3.4)
ax = axes[0, 0]
ax.semilogy(depths, along_paths, "o-", label="handing on at once: every path")
ax.semilogy(depths, in_order, "s-", label="newest to oldest: every node once")
ax.set(xlabel="diamonds in a row", ylabel="nodes visited", title="What one backward pass costs")
ax.grid(alpha=0.3)
ax.legend()
show(fig)
claim("visits in order, 14 diamonds", in_order[-1], "==", 3 * 14 + 1)
claim("visits along every path, 14 diamonds", along_paths[-1], ">", 2**14)

# %% [markdown]
# ## 5. minigrad's own `backward()`, node by node
#
# minigrad does the same with arrays. An operation is a class: its `forward`, and one `grad_<input>` for each input,
# beside its formula. This is the code that runs:

# %%
source(type(mg.tanh(mg_x).op), type((mg_x * mg_y).op), type((mg_x + mg_y).op))

# %% [markdown]
# A result's `op` is the node that made it. It keeps its inputs as `arrays`, its `output`, and in `edges` where each
# input came from: an older node, a leaf, or `None` for a constant. Its `number` says when it was made. That is all
# one needs to walk back by hand:


# %%
def walk_back(loss):
    """The gradient of every leaf, as the engine finds it, and a line for every step."""
    gradients, waiting = {loss.op: np.ones_like(loss.data)}, [loss.op]
    while waiting:
        op = max(waiting, key=lambda op: op.number)  # the newest: all of its gradient has arrived
        waiting.remove(op)
        g = gradients.pop(op)
        for name, edge in zip(op.gradient_names, op.edges):
            if edge is None:
                continue
            owed = getattr(op, name)(g, op.output, *op.arrays)
            is_leaf = isinstance(edge, mg.Tensor)
            target = f"leaf {edge.name}" if is_leaf else f"#{edge.number}"
            first = edge not in gradients
            print(
                f"#{op.number} {type(op).__name__:10} g = {g:+.4f}  {name:10} owes {target:7} {owed:+.4f}"
                + ("" if first else f", in all {gradients[edge] + owed:+.4f}")
            )
            gradients[edge] = owed if first else gradients[edge] + owed
            if not is_leaf and edge not in waiting:
                waiting.append(edge)
    return gradients


loss = diamond(mg_x, mg_y)
by_hand = walk_back(loss)
mg_x.grad = mg_y.grad = None
loss.backward()
claim("∂L/∂x by hand equals backward()", float(by_hand[mg_x]), "==", mg_x.grad.item())
claim("∂L/∂y by hand equals backward()", float(by_hand[mg_y]), "==", mg_y.grad.item())

# %% [markdown]
# What the engine adds to our walk: it takes the newest node from a heap, goes only where a gradient is needed, adds
# into an array only if nobody else holds it, and frees the graph behind itself. The loop in full, for the curious;
# `gradients.pop`, `getattr(op, ...)` and the addition are the lines that you have just run by hand:

# %%
source(autograd._walk)

# %% [markdown]
# ## Try this
#
# 1. Give `Node` a `sigmoid` with its own formula, and compare with minigrad's.
# 2. Replace `+=` in `Node.backward` by `=`. Which of the claims fails, and what is the gradient of the diamond then?
# 3. Sort by `each.number` instead of `-each.number`. What do the gradients of `x` and `y` become, and why?
# 4. Make `Node.backward` able to run through nodes whose formulas return `Node`s instead of numbers, and
#    differentiate twice. minigrad does it that way: the same `grad_x` runs on arrays or, under `create_graph=True`,
#    on Tensors.
#
# **[Homework](homework/README.md)**: 01 tanh_gradient, 02 unbroadcast, 03 batched_matmul, 04 backward_graph
