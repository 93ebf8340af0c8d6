"""The losses of a WGAN, and weight clipping · WGAN의 손실과 가중치 자르기 (2 points)

A WGAN has a critic f in place of a discriminator. Its output is a number, any number, and goes through no sigmoid and
no logarithm. The critic is to rate real examples high and fake ones low; the generator is to have its own rated high.
Both losses are to be lowered by their owner:

    critic's loss     mean of f over fake − mean of f over real
    generator's loss  −mean of f over fake

Write ``losses(real, fake)`` (1 point): a tuple of these two numbers, in this order. real is (N, 1) and fake (M, 1),
what f gives for N real and M fake examples; maybe N ≠ M.

The reading real − fake is a distance only if f cannot be as steep as it likes. The simplest remedy: after each step,
put every weight of f back into the box from −c to c, with c = «CLIP».

Write ``clipped(weights)`` (1 point): weights is a list of arrays of any shapes, matrices and biases; the result is a
list of new arrays of the same shapes. An entry above c becomes c, one below −c becomes −c, the others stay as they are,
in all the arrays alike. Do not change the arrays that are given.

A tiny example: real = [[3], [5]] and fake = [[1]] give (1 − 4, −1) = (−3, −1). For c = 0.1, [0.5, −0.02, −7] becomes
[0.1, −0.02, −0.1].

WGAN에는 판별자 대신 비평자 f가 있다. 그 출력은 아무 수나 될 수 있고 시그모이드도 로그도 거치지 않는다. 비평자는 진짜를
높게, 가짜를 낮게 매기려 하고, 생성자는 자기가 만든 것이 높게 매겨지기를 바란다. 위의 두 손실은 각자가 낮추려는 것이다.
``losses(real, fake)``(1점)는 비평자의 손실(fake에 대한 f의 평균 − real에 대한 f의 평균)과 생성자의 손실(−fake에 대한
f의 평균)을 이 순서의 튜플로 돌려준다. real은 진짜 N개에 대한 f의 값 (N, 1), fake는 가짜 M개에 대한 f의 값 (M, 1)이며 N
≠ M일 수 있다. f가 마음대로 가팔라질 수 없어야 real − fake가 거리가 된다. 가장 간단한 방법은 매 스텝 뒤에 f의 모든
가중치를 −c에서 c까지의 상자 안으로 되돌리는 것이다. 여기서 c = «CLIP»이다.
``clipped(weights)``(1점)에서 weights는 임의의 모양인 배열들(행렬과 편향)의 리스트이고, 결과는 같은 모양인 새 배열들의
리스트이다. 모든 배열에서 똑같이, c보다 큰 원소는 c, −c보다 작은 원소는 −c가 되고 나머지는 그대로이다. 주어진 배열을
바꾸지 마라.
예: real = [[3], [5]], fake = [[1]]이면 (1 − 4, −1) = (−3, −1)이다. c = 0.1이면 [0.5, −0.02, −7]은 [0.1, −0.02, −0.1]이
된다.
"""

import numpy as np

CLIP = 0.01  # edition: 0.01, 0.05, 0.1


def losses(real, fake):
    """The critic's loss and the generator's, from what the critic gives for real (N, 1) and fake (M, 1)."""
    # BEGIN SOLUTION
    critic = fake.mean() - real.mean()
    generator = -fake.mean()
    return critic, generator
    # END SOLUTION


def clipped(weights):
    """The weights, each entry within −CLIP and CLIP."""
    # BEGIN SOLUTION
    return [np.clip(w, -CLIP, CLIP) for w in weights]
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def draw(rng, real, fake):
    return {"real": 2 + 3 * rng.standard_normal((real, 1)), "fake": 3 * rng.standard_normal((fake, 1)) - 1}


def two(real, fake):
    """Over all pairs of a fake and a real one."""
    return np.subtract.outer(fake, real).mean(), np.subtract(0, fake).sum() / fake.size


def draw_weights(rng, inputs, outputs):
    """Entries of either sign from far below every edition's c to far above."""
    shapes = [(inputs, outputs), (outputs,), (outputs, 1)]
    return {"weights": [rng.choice([-1, 1], shape) * 10.0 ** rng.uniform(-3, 0.5, shape) for shape in shapes]}


def boxed(weights):
    """One entry at a time, the middle one of −c, itself and c."""
    box = [float(-CLIP), float(CLIP)]
    return [np.reshape([sorted([*box, entry])[1] for entry in w.flat], w.shape) for w in weights]


PARTS = [
    Part(
        "losses",
        1,
        draw,
        {"real": (1, 7, 7), "fake": (1, 5, 5)},
        two,
        returns=("critic's loss", "generator's loss"),
        cases=lambda rng: {
            "the text's example": {"real": np.array([[3.0], [5.0]]), "fake": np.array([[1.0]])},
            "one example each": draw(rng, 1, 1),
        },
    ),
    Part(
        "clipped",
        1,
        draw_weights,
        {"inputs": (1, 5, 5), "outputs": (1, 3, 3)},
        boxed,
        returns=("first weight", "second weight", "third weight"),
        cases=lambda rng: {
            "the text's example": {"weights": [np.array([0.5, -0.02, -7.0])]},
            "weights within the box, and at its edge": {
                "weights": [np.array([0.5 * CLIP, -0.25 * CLIP, 0.0, CLIP, -CLIP])]
            },
            "a single convolution": {"weights": [rng.standard_normal((2, 3, 3, 3))]},
        },
    ),
]
HINTS = [
    (
        "Whoever wants a number high has minus that number as a loss.",
        "어떤 수를 높이고 싶은 쪽의 손실은 그 수에 마이너스를 붙인 것이다.",
    ),
    (
        "np.clip(w, low, high) gives a new array. Use it for every array of the list.",
        "np.clip(w, low, high)는 새 배열을 돌려준다. 리스트의 모든 배열에 써라.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake("factor", "fake.mean() - real.mean()", "real.mean() - fake.mean()"),
    Mistake("factor", "generator = -fake.mean()", "generator = fake.mean()"),
    Mistake(
        "the losses of a GAN",
        "fake.mean() - real.mean()",
        "np.log1p(np.exp(fake)).mean() + np.log1p(np.exp(-real)).mean()",
        "this is a GAN's cross-entropy; a critic's numbers go through no sigmoid and no logarithm",
        "이것은 GAN의 교차 엔트로피이다. 비평자의 값은 시그모이드도 로그도 거치지 않는다",
    ),
    Mistake(
        "both losses of a GAN",
        "critic = fake.mean() - real.mean()\n    generator = -fake.mean()",
        "critic = np.log1p(np.exp(fake)).mean() + np.log1p(np.exp(-real)).mean()\n"
        "    generator = np.log1p(np.exp(-fake)).mean()",
        "these are a GAN's cross-entropies; a critic's numbers go through no sigmoid and no logarithm",
        "이것은 GAN의 교차 엔트로피들이다. 비평자의 값은 시그모이드도 로그도 거치지 않는다",
    ),
    Mistake(
        "the losses are exchanged",
        "return critic, generator",
        "return generator, critic",
        "the critic's loss comes first, then the generator's",
        "비평자의 손실이 먼저이고 생성자의 손실이 다음이다",
    ),
    Mistake(
        "a sigmoid",
        "fake.mean() - real.mean()",
        "(1 / (1 + np.exp(-fake))).mean() - (1 / (1 + np.exp(-real))).mean()",
        "a critic's numbers go through no sigmoid",
        "비평자의 값은 시그모이드를 거치지 않는다",
    ),
    Mistake(
        "sums, not means",
        "fake.mean() - real.mean()",
        "fake.sum() - real.sum()",
        "the two batches may differ in size: take means, not sums",
        "두 배치의 크기가 다를 수 있다. 합이 아니라 평균을 내라",
    ),
    Mistake(
        "only above",
        "np.clip(w, -CLIP, CLIP)",
        "np.minimum(w, CLIP)",
        "the box has a lower side, too: what is below −c becomes −c",
        "상자에는 아래쪽 면도 있다. −c보다 작은 것은 −c가 된다",
    ),
    Mistake(
        "no negative weights",
        "np.clip(w, -CLIP, CLIP)",
        "np.clip(w, 0, CLIP)",
        "the box goes from −c to c, not from 0",
        "상자는 0이 아니라 −c에서 c까지이다",
    ),
    Mistake(
        "the norm is clipped",
        "np.clip(w, -CLIP, CLIP)",
        "w * min(1, CLIP / np.linalg.norm(w))",
        "this makes the array's norm at most c; each entry for itself is to be clipped",
        "이것은 배열의 노름을 c 이하로 줄인다. 원소마다 따로 잘라야 한다",
    ),
    Mistake(
        "all set to the edge",
        "np.clip(w, -CLIP, CLIP)",
        "CLIP * np.sign(w)",
        "entries inside the box stay as they are; only those outside go to its edge",
        "상자 안의 원소는 그대로 두고 밖에 있는 원소만 가장자리로 옮긴다",
    ),
    Mistake(
        "biases are left out",
        "np.clip(w, -CLIP, CLIP) for w in weights",
        "np.clip(w, -CLIP, CLIP) if w.ndim > 1 else w for w in weights",
        "biases are weights of the critic, too: clip every array",
        "편향도 비평자의 가중치이다. 모든 배열을 잘라라",
    ),
]
OTHERS = [
    """
    def losses(real, fake):
        weights = np.concatenate([np.full(len(fake), 1 / len(fake)), np.full(len(real), -1 / len(real))])
        return weights @ np.concatenate([fake, real])[:, 0], -float(np.sum(fake) / len(fake))

    def clipped(weights):
        new = []
        for w in weights:
            w = w.astype(np.float32)
            w[w > CLIP] = CLIP
            w[w < -CLIP] = -CLIP
            new.append(w)
        return tuple(new)
    """,
]
# END SOLUTION
