"""Backward through a graph · 그래프를 따라 역전파하기 (4 points)

A computation is a graph. Its nodes are numbered 0 … n − 1 in the order in which they were computed, and each is one
number. Node i was computed from the nodes ``inputs[i]``, a list of smaller numbers (an empty one for a leaf: data or a
parameter), and ``local[i]`` lists, in the same order, its derivatives by them: local[i][k] = ∂(node i)/∂(the k-th entry
of inputs[i]). The last node, n − 1, is the loss L.

A node may be used by several others, and even several times by one, as in x · x; the chain rule sums over all of these
uses:

    ∂L/∂(node j) = Σ  ∂L/∂(node i) · local[i][k]     over all i and k with inputs[i][k] = j

It is 1 for L itself, and 0 for a node that L does not depend on.

Write ``backward(inputs, local)``: the array (or list) of ∂L/∂(node i) for all n nodes. Its time should be proportional
to the number of edges. There can be 5,000 nodes in one chain, which is deeper than Python allows a function to call
itself; and where the graph is a row of diamonds, each doubles the number of paths from L to the leaf, so that one
cannot follow them one by one.

A tiny example: a leaf x = 3 (node 0), y = x · x (node 1) and L = x · y (node 2) have inputs = [[], [0, 0], [0, 1]] and
local = [[], [3, 3], [9, 3]]. The result is [9 + 3·3 + 3·3, 3, 1] = [27, 3, 1]: indeed L = x³ and L′ = 3x² = 27.

계산은 그래프이다. 노드는 계산된 순서대로 0 … n − 1의 번호를 가지며 각각 수 하나이다. 노드 i는 ``inputs[i]``의
노드들로부터 계산되었다. 이것은 i보다 작은 번호의 리스트이고, 잎(데이터나 매개변수)이면 빈 리스트이다. ``local[i]``는
그 노드들에 대한 미분을 같은 순서로 담는다. local[i][k]는 노드 i를 inputs[i]의 k번째 노드로 미분한 값이다. 마지막 노드
n − 1이 손실 L이다. 한 노드를 여러 노드가 쓸 수 있고, x · x처럼 한 노드가 여러 번 쓸 수도 있다. 연쇄 법칙은 위의
식처럼 이 모든 쓰임에 대해 더한다. L 자신의 기울기는 1이고, L이 의존하지 않는 노드의 기울기는 0이다. 모든 노드의
∂L/∂(노드 i)를 길이 n의 배열(또는 리스트)로 돌려주는 ``backward(inputs, local)``를 작성하라. 걸리는 시간은 간선의 수에
비례해야 한다. 노드 5,000개가 한 줄로 이어질 수 있는데, 이는 파이썬 함수가 자신을 다시 부를 수 있는 깊이를 넘는다. 또
마름모가 이어진 그래프에서는 마름모마다 경로의 수가 두 배가 되므로 경로를 하나씩 따라갈 수 없다.
예: 잎 x = 3(노드 0), y = x · x(노드 1), L = x · y(노드 2)이면 결과는 위와 같이 [27, 3, 1]이다.
"""

import numpy as np


def backward(inputs, local):
    """∂L/∂(node i) for every node i; L is the last one."""
    # BEGIN SOLUTION
    grad = np.zeros(len(inputs))
    grad[-1] = 1.0
    for i in reversed(range(len(inputs))):  # every use of i has a larger number, and has been here already
        for j, derivative in zip(inputs[i], local[i]):
            grad[j] += grad[i] * derivative
    return grad
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def draw(rng, leaves, others):
    """Nodes with one to three inputs, the one before among them; of nodes 1 and leaves + 4 nobody makes use."""
    inputs = [[] for _ in range(leaves)]
    for i in range(leaves, leaves + others):
        useful = [j for j in range(i) if j not in (1, leaves + 4) or i < 2]
        chosen = [useful[-1], *rng.choice(useful, i % 3).tolist()]  # perhaps the same one again
        if i == leaves + 2:
            chosen = [chosen[0], 0, chosen[0]]
        if i == leaves + others - 1 > leaves:
            chosen = [leaves, useful[-1]]
        inputs.append(chosen)
    return {"inputs": inputs, "local": [rng.uniform(0.5, 1.5, len(js)).tolist() for js in inputs]}


def chain(n, rng):
    return {"inputs": [[i - 1] if i else [] for i in range(n)], "local": _local(n, rng)}


def _local(n, rng):
    return [[float(d)] if i else [] for i, d in enumerate(np.exp(0.01 * rng.standard_normal(n)))]


def diamonds(n, rng):
    """Nodes 0; 1, 2 from it; 3 from both; and so on."""
    inputs, local = [[]], [[]]
    for top in range(0, 3 * n, 3):
        inputs += [[top], [top], [top + 1, top + 2]]
        local += [[1.0], [float(rng.uniform(0.9, 1.1))], [0.5, 0.5]]
    return {"inputs": inputs, "local": local}


def solved(inputs, local):
    """The chain rule is a system of linear equations, one for each node."""
    from scipy.sparse import coo_array, eye_array
    from scipy.sparse.linalg import spsolve

    n = len(inputs)
    edges = [(j, i, d) for i in range(n) for j, d in zip(inputs[i], local[i])] or [(0, 0, 0.0)]
    to, of, values = zip(*edges)
    system = eye_array(n) - coo_array((values, (to, of)), shape=(n, n))  # equal places are added
    return np.atleast_1d(spsolve(system.tocsc(), np.eye(1, n, n - 1)[0]))


def as_array(backward, inputs, local):
    found = backward(inputs, local)
    return None if found is None else np.asarray(found)


PARTS = [
    Part(
        "backward",
        4,
        draw,
        {"leaves": (1, 4, 3), "others": (0, 9, 9)},
        solved,
        drive=as_array,
        cases=lambda rng: {
            "only one node": {"inputs": [[]], "local": [[]]},
            "x · x": {"inputs": [[], [0, 0]], "local": [[], [3.0, 3.0]]},
            "a node behind that L does not need": {
                "inputs": [[], [0], [1], [0, 0]],
                "local": [[], [2.0], [5.0], [3.0, 7.0]],
            },
            "derivatives of 0": {"inputs": [[], [0], [0, 1]], "local": [[], [0.0], [0.0, 4.0]]},
            "a chain of 5000 nodes": chain(5000, rng),
            "60 diamonds in a row": diamonds(60, rng),
        },
    )
]
HINTS = [
    (
        "When you pass a node's gradient on, all uses of the node must have added to it before. Which order has that?",
        "어떤 노드의 기울기를 넘겨주려면 그 노드의 모든 쓰임이 먼저 더해져 있어야 한다. 어떤 순서가 그런가?",
    ),
    (
        "The inputs of a node have smaller numbers: go from the last node to the first.",
        "노드의 입력은 더 작은 번호를 가진다. 마지막 노드에서 첫 노드로 가라.",
    ),
    (
        "Start from zeros with a 1 for L; node i then adds its gradient times local[i][k] to that of inputs[i][k].",
        "0으로 시작해 L에만 1을 두고, 노드 i마다 자기 기울기에 local[i][k]를 곱해 inputs[i][k]의 기울기에 더하라.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "the last use wins",
        "grad[j] += grad[i] * derivative",
        "grad[j] = grad[i] * derivative",
        "a node that is used several times gets the sum of what its uses send back, and here one overwrites the others",
        "여러 번 쓰인 노드는 쓰임마다 돌아온 값의 합을 받는다. 여기서는 하나가 다른 것을 덮어썼다",
    ),
    Mistake(
        "used twice by one node",
        "zip(inputs[i], local[i])",
        "dict(zip(inputs[i], local[i])).items()",
        "where a node stands twice in the inputs of another, as in x · x, both uses count",
        "x · x처럼 한 노드의 입력에 같은 노드가 두 번 있으면 두 쓰임을 모두 더해야 한다",
    ),
    Mistake(
        "the wrong order",
        "for i in reversed(range(len(inputs))):",
        "for i in range(len(inputs)):",
        "a node passes its gradient on before its uses have added to it: go from the last node to the first",
        "쓰임들이 더해지기 전에 노드가 기울기를 넘겨준다. 마지막 노드에서 첫 노드로 가라",
    ),
    Mistake(
        "each node goes on at once",
        "    for i in reversed(range(len(inputs))):  # every use of i has a larger number, and has been here already\n",
        "    seen = [len(inputs) - 1]\n"
        "    for i in seen:\n"
        "        seen += [j for j in dict.fromkeys(inputs[i]) if j not in seen]\n",
        "nodes pass their gradient on in the order of being found: some before all their uses have added to it",
        "노드가 발견된 순서대로 기울기를 넘겨주어, 모든 쓰임이 더해지기 전에 넘겨주는 노드가 있다",
    ),
    Mistake(
        "the chain is broken",
        "grad[i] * derivative",
        "derivative",
        "local[i][k] must be multiplied by ∂L/∂(node i), what comes from above",
        "local[i][k]에 위에서 내려온 ∂L/∂(노드 i)를 곱해야 한다",
    ),
    Mistake("zero", "    grad[-1] = 1.0\n", ""),
    Mistake(
        "every end is a loss",
        "    grad[-1] = 1.0\n",
        "    used = {j for js in inputs for j in js}\n    grad += [i not in used for i in range(len(inputs))]\n",
        "only the last node is the loss: a node that nobody uses has the gradient 0, and passes 0 on",
        "마지막 노드만 손실이다. 아무도 쓰지 않는 노드의 기울기는 0이고 0을 넘겨준다",
    ),
    Mistake(
        "recursion",  # a function that calls itself for each input: right, but the chain is too long
        "    for i in reversed(range(len(inputs))):  # every use of i has a larger number, and has been here already\n"
        "        for j, derivative in zip(inputs[i], local[i]):\n"
        "            grad[j] += grad[i] * derivative\n",
        "    def go(i, g):\n"
        "        for j, derivative in zip(inputs[i], local[i]):\n"
        "            grad[j] += g * derivative\n"
        "            go(j, g * derivative)\n\n"
        "    go(len(inputs) - 1, 1.0)\n",
    ),
]
OTHERS = [
    """
    def backward(inputs, local):
        uses = [[] for _ in inputs]
        for i, (js, ds) in enumerate(zip(inputs, local)):
            for j, d in zip(js, ds):
                uses[j].append((i, d))
        grad = [0.0] * len(inputs)
        for j in range(len(inputs) - 1, -1, -1):
            grad[j] = 1.0 if j == len(inputs) - 1 else sum(grad[i] * d for i, d in uses[j])
        return grad
    """,
    """
    def backward(inputs, local):
        waiting, stack, found = [0] * len(inputs), [len(inputs) - 1], {len(inputs) - 1}
        while stack:
            for j in inputs[stack.pop()]:
                waiting[j] += 1
                if j not in found:
                    found.add(j)
                    stack.append(j)
        grad, ready = np.zeros(len(inputs), np.float32), [len(inputs) - 1]
        grad[ready] = 1
        while ready:
            i = ready.pop()
            for j, d in zip(inputs[i], local[i]):
                grad[j] += d * grad[i]
                waiting[j] -= 1
                if not waiting[j]:
                    ready.append(j)
        return grad
    """,
]
# END SOLUTION
