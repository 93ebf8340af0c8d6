"""The gradient penalty of WGAN-GP · WGAN-GP의 기울기 벌점 (4 points)

A critic f should have a slope of 1 between the real examples and the fake ones. WGAN-GP adds a penalty to its loss for
any other slope, at points x̂ in between. The slope is itself a gradient, and to learn from it one differentiates twice.

Everything here is a minigrad Tensor. A batch is (N, ...): N examples, each of one or more axes, such as (N, C, W).

Write ``interpolate(real, fake, alpha)`` (1 point): real and fake have one shape (N, ...); alpha is (N,), one number
from 0 to 1 for each example, the same for all of that example's entries. The result has the shape of real:

    x̂ᵢ = αᵢ·realᵢ + (1 − αᵢ)·fakeᵢ

Write ``gradient_penalty(critic, between)`` (3 points): between holds the x̂, (N, ...), and has no history;
``critic(x)`` takes a Tensor of such a batch and returns f of each example, (N, 1). The result is a Tensor of no axis:

    «LAMBDA» · (1/N) Σᵢ ( ‖∇f(x̂ᵢ)‖ − 1 )²

∇f(x̂ᵢ) is the gradient of f at the i-th example with respect to that example's entries, and ‖·‖ the Euclidean norm over
all of them: a number for each example. As f looks at each example by itself, the gradient of Σᵢ f(x̂ᵢ) for x̂ has the N
gradients in its rows. Slopes above 1 and below 1 both cost something. No slope is 0.

The checker calls backward() on your result and looks at what arrives in the critic's weights. It gets there only if the
gradient's own computation was recorded. The pieces that you need:

    t.detach().requires_grad_()                      the same numbers in a Tensor that a gradient can be asked for
    mg.autograd.grad(y, x, create_graph=True)        (∂y/∂x,), a tuple, for a y of no axis; recorded with create_graph
    t.flatten(1), t.norm(axis=1), t.square()         (N, ...) → (N, K); (N, K) → (N,), ‖·‖ of each row; t²

A tiny example: f(x) = 3x₁ + 4x₂ has the gradient (3, 4) everywhere, of norm 5: for any x̂ the penalty is «LAMBDA» · 16.

비평자 f의 기울기는 진짜 표본과 가짜 표본 사이에서 크기가 1이어야 한다. WGAN-GP는 그 사이의 점 x̂에서 기울기가 1이
아니면 비평자의 손실에 벌점을 더한다. 기울기 자체가 미분이므로, 그것으로 배우려면 두 번 미분해야 한다. 여기서는 모든
것이 minigrad 텐서이다. 배치는 (N, ...)이다. 곧 표본이 N개이고, 표본마다 축이 하나 이상이다(예: (N, C, W)).
``interpolate(real, fake, alpha)``(1점)에서 real과 fake는 같은 모양 (N, ...)이고, alpha는 (N,), 곧 표본마다 0과 1 사이의
수 하나이며 그 표본의 모든 원소에 똑같이 쓴다. 결과의 모양은 real과 같고 식은 위의 첫 식이다.
``gradient_penalty(critic, between)``(3점)에서 between은 x̂을 담은 (N, ...) 텐서이고 그래프가 없다. ``critic(x)``는 그런
배치를 받아 표본마다 f의 값을 담은 (N, 1)을 돌려준다. 결과는 축이 없는 텐서이며 위의 둘째 식이다. ∇f(x̂ᵢ)는 i번째
표본에서 그 표본의 원소들에 대한 f의 기울기이고, ‖·‖은 그 원소 모두에 대한 유클리드 노름으로 표본마다 수 하나이다. f는
표본을 하나씩 따로 보므로 Σᵢ f(x̂ᵢ)의 x̂에 대한 기울기에는 N개의 기울기가 행마다 들어 있다. 크기가 1보다 큰 기울기에도
작은 기울기에도 벌점이 있다. 0인 기울기는 없다. 검사기는 결과에 backward()를 부르고 비평자의 가중치에 무엇이 도착하는지
본다. 기울기의 계산 자체가 기록되어 있어야만 거기까지 간다. 필요한 함수는 위의 목록에 있다.
``t.detach().requires_grad_()``는 같은 수를 담았고 기울기를 구할 수 있는 텐서를 주고, ``mg.autograd.grad``는 축이 없는
y에 대해 튜플 (∂y/∂x,)를 돌려주며 create_graph가 있으면 그 계산도 기록한다.
예: f(x) = 3x₁ + 4x₂의 기울기는 어디서나 (3, 4)이고 노름은 5이므로, 어떤 x̂이든 벌점은 «LAMBDA» · 16이다.
"""

import minigrad as mg

LAMBDA = 10.0  # edition: 10.0, 5.0, 20.0


def interpolate(real, fake, alpha):
    """x̂ between real and fake (N, ...), one alpha (N,) for each example."""
    # BEGIN SOLUTION
    alpha = alpha.reshape(-1, *[1] * (real.ndim - 1))
    return alpha * real + (1 - alpha) * fake
    # END SOLUTION


def gradient_penalty(critic, between):
    """LAMBDA times the mean of (‖∇f‖ − 1)² over the examples."""
    # BEGIN SOLUTION
    x = between.detach().requires_grad_()
    (gradient,) = mg.autograd.grad(critic(x).sum(), x, create_graph=True)
    slopes = gradient.flatten(1).norm(axis=1)
    return LAMBDA * (slopes - 1).square().mean()
    # END SOLUTION


# CHECKS
import numpy as np

from tutorials.homework.exercise import Mistake, Part


def draw_pairs(rng, n, channels, width):
    real, fake = rng.standard_normal((2, n, channels, width))
    return {"real": real, "fake": fake, "alpha": rng.uniform(0.05, 0.95, n)}


def with_tensors(interpolate, real, fake, alpha):
    between = interpolate(mg.tensor(real), mg.tensor(fake), mg.tensor(alpha))
    if not isinstance(between, mg.Tensor):
        raise TypeError(f"interpolate should return a Tensor, not {between!r:.60}")
    return between.detach().numpy()


def mixed(real, fake, alpha):
    """One example after the other, from fake a part of the way to real."""
    return np.array([f + a * (r - f) for r, f, a in zip(real, fake, alpha)])


def draw(rng, n, channels, width, hidden):
    """A critic of two layers; the examples' slopes lie about 1, on both sides if there are several examples."""
    first, bias = rng.standard_normal((channels * width, hidden)), rng.standard_normal(hidden)
    last = rng.uniform(0.5, 1.5, (hidden, 1)) * rng.choice([-1, 1], (hidden, 1))
    between = rng.standard_normal((n, channels, width))
    sizes = norms(between, first, bias, last)
    last = last / (0.5 * (sizes.max() + sizes.min()) if n > 1 else 1.7 * sizes[0])
    return {"between": between, "first": first, "bias": bias, "last": last}


def norms(between, first, bias, last):
    """‖∇f‖ by hand: f = u·tanh(xW + b) has the gradient W·(u ∘ (1 − tanh²)); complex numbers may come in, too."""
    slope = ((1 - np.tanh(between.reshape(len(between), -1) @ first + bias) ** 2) * last[:, 0]) @ first.T
    return np.sqrt((slope * slope).sum(1))


def learnt(gradient_penalty, between, **weights):
    """The student's penalty for a small critic, and the gradients that it leaves in the critic's weights."""
    w, b, u = tensors = [mg.tensor(each, requires_grad=True) for each in weights.values()]
    penalty = gradient_penalty(lambda x: mg.tanh(x.flatten(1) @ w + b) @ u, mg.tensor(between))
    if not isinstance(penalty, mg.Tensor) or penalty.ndim:
        raise TypeError(f"gradient_penalty should return a Tensor of no axis, not {penalty!r:.60}")
    if penalty.requires_grad:
        penalty.backward()
    got = {f"gradient in {name}": t.grad for name, t in zip(weights, tensors)}
    arrays = zip(got.items(), weights.values())
    return {"penalty": penalty.item()} | {
        name: np.zeros(x.shape) if g is None else g.detach().numpy() for (name, g), x in arrays
    }


def expected(between, **weights):
    """The penalty by hand; its gradients by f(x + ih) = f(x) + ihf'(x) for a tiny h."""

    def penalty(**weights):
        off = norms(between, **weights) - 1
        return LAMBDA / len(off) * (off @ off)

    found = {"penalty": penalty(**weights)}
    for name, x in weights.items():
        slope = found[f"gradient in {name}"] = np.zeros(x.shape)
        for i in np.ndindex(x.shape):
            moved = x.astype(complex)
            moved[i] += 1e-30j
            slope[i] = penalty(**weights | {name: moved}).imag / 1e-30
    return found


def other_batches(rng):
    inputs = draw(rng, 4, 1, 3, 2)
    more = draw(rng, 3, 2, 4, 5)
    return {
        "examples of one axis": inputs | {"between": inputs["between"][:, 0]},
        "examples of three axes": more | {"between": more["between"].reshape(3, 2, 2, 2)},
        "one example": draw(rng, 1, 2, 3, 4),
    }


SIZES = {"n": (1, 5, 5), "channels": (1, 3, 2), "width": (1, 4, 3)}
PARTS = [
    Part(
        "interpolate",
        1,
        draw_pairs,
        SIZES,
        mixed,
        cases=lambda rng: {
            "examples of one axis": {k: v[:, 0] if v.ndim > 1 else v for k, v in draw_pairs(rng, 4, 1, 3).items()},
            "examples of three axes": {
                k: v.reshape(2, 3, 2, 2) if v.ndim > 1 else v for k, v in draw_pairs(rng, 2, 3, 4).items()
            },
            "one example": draw_pairs(rng, 1, 2, 3),
            "alpha of 0 and 1": draw_pairs(rng, 2, 3, 2) | {"alpha": np.array([0.0, 1.0])},
            "as many examples as entries": draw_pairs(rng, 3, 3, 3),
        },
        drive=with_tensors,
    ),
    Part("gradient_penalty", 3, draw, SIZES | {"hidden": (1, 7, 7)}, expected, cases=other_batches, drive=learnt),
]
HINTS = [
    (
        "alpha needs axes of length 1 to meet (N, C, W): reshape it to (N, 1, 1), for any number of axes.",
        "alpha가 (N, C, W)와 맞으려면 길이 1인 축이 필요하다. 축이 몇 개든 되도록 (N, 1, 1)처럼 바꾸어라.",
    ),
    (
        "Order of the penalty: critic, sum, gradient for x, norm of each example, minus 1, square, mean, LAMBDA.",
        "벌점의 순서: 비평자, 합, x에 대한 기울기, 표본마다의 노름, −1, 제곱, 평균, LAMBDA.",
    ),
    (
        "If the penalty is right and nothing arrives in the weights, look at create_graph and at detach.",
        "벌점은 맞는데 가중치에 아무것도 오지 않으면 create_graph와 detach를 보라.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "real and fake are exchanged",
        "alpha * real + (1 - alpha) * fake",
        "alpha * fake + (1 - alpha) * real",
        "alpha = 1 should give real, and alpha = 0 fake",
        "alpha = 1이면 real, alpha = 0이면 fake여야 한다",
    ),
    Mistake(
        "one alpha for all",
        "alpha = alpha.reshape(-1, *[1] * (real.ndim - 1))",
        "alpha = alpha[0]",
        "each example has its own alpha; here the first one's is used for all",
        "표본마다 자기 alpha가 있는데 첫 표본의 것을 모두에 썼다",
    ),
    Mistake(
        "not recorded",
        "critic(x).sum(), x, create_graph=True",
        "critic(x).sum(), x",
        "the penalty is right, but nothing arrives in the critic's weights: record the gradient with create_graph=True",
        "벌점은 맞지만 비평자의 가중치에 아무것도 오지 않는다. create_graph=True로 기울기의 계산을 기록하라",
    ),
    Mistake(
        "the norm over the whole batch",
        "gradient.flatten(1).norm(axis=1)",
        "gradient.flatten(0).norm(axis=0)",
        "each example has a norm of its own; this is one norm over all examples",
        "표본마다 노름이 하나씩 있다. 이것은 모든 표본에 대한 노름 하나이다",
    ),
    Mistake(
        "the norm over one axis",
        "gradient.flatten(1).norm(axis=1)",
        "gradient.norm(axis=1)",
        "the norm is over all entries of an example, not over one of its axes: flatten first",
        "노름은 한 축이 아니라 표본의 모든 원소에 대한 것이다. 먼저 flatten하라",
    ),
    Mistake(
        "the norm is squared",
        "gradient.flatten(1).norm(axis=1)",
        "gradient.flatten(1).square().sum(axis=1)",
        "1 is subtracted from the norm; here the root is missing, and it is from the norm's square",
        "1은 노름에서 빼야 한다. 제곱근이 빠져서 노름의 제곱에서 뺐다",
    ),
    Mistake(
        "minus 1 is missing",
        "(slopes - 1).square()",
        "slopes.square()",
        "the slope should be 1, not 0: subtract 1 before squaring",
        "기울기의 크기는 0이 아니라 1이어야 한다. 제곱하기 전에 1을 빼라",
    ),
    Mistake(
        "only above 1",
        "(slopes - 1).square()",
        "mg.relu(slopes - 1).square()",
        "slopes below 1 cost something, too, in this penalty",
        "이 벌점에서는 1보다 작은 기울기에도 벌점이 있다",
    ),
    Mistake(
        "the gradient of the mean",
        "critic(x).sum()",
        "critic(x).mean()",
        "each gradient is divided by N: take the gradient of the sum of f over the examples, not of the mean",
        "기울기마다 N으로 나뉘었다. f의 평균이 아니라 합의 기울기를 구하라",
    ),
    Mistake(
        "the sum over the examples",
        "(slopes - 1).square().mean()",
        "(slopes - 1).square().sum()",
        "the penalty is the mean over the examples, not the sum",
        "벌점은 표본에 대한 합이 아니라 평균이다",
    ),
    Mistake(
        "lambda is missing",
        "LAMBDA * (slopes",
        "(slopes",
        "the mean must be multiplied by the text's factor",
        "평균에 본문의 계수를 곱해야 한다",
    ),
]
OTHERS = [
    """
    def interpolate(real, fake, alpha):
        rows = [fake[i] + alpha[i] * (real[i] - fake[i]) for i in range(len(real))]
        return mg.stack(rows)

    def gradient_penalty(critic, between):
        total = 0.0
        for i in range(len(between)):
            x = between[i : i + 1].detach().requires_grad_()
            gradient = mg.autograd.grad(critic(x), x, create_graph=True)[0]
            size = (gradient * gradient).sum() ** 0.5
            total = total + (size**2 - 2 * size + 1)
        return total * (LAMBDA / len(between))
    """,
]
# END SOLUTION
