"""The losses of a GAN, and who learns from them · GAN의 손실과 학습의 주인 (4 points)

A discriminator D gives a logit l for each example: σ(l) = 1/(1 + e^−l) is how surely it finds the example real. A
generator G makes examples. Both are networks of minigrad Tensors, and they learn in turns, each from its own loss.

Write ``discriminator_loss(discriminator, real, fake)`` (2 points), D's mean cross-entropy on real examples plus that
on fake ones. To steady D, real ones have not the label 1 but t = «REAL» (one-sided label smoothing); fake ones have 0:

    mean over real of ( −t·log σ(l) − (1 − t)·log(1 − σ(l)) )  +  mean over fake of ( −log(1 − σ(l)) )

It is D alone that learns from this. fake comes out of G with G's graph behind it, and that graph must get no gradient:
give D ``fake.detach()``.

Write ``generator_loss(discriminator, fake)`` (1 point), the non-saturating loss: the mean over fake of −log σ(l). Here
the gradient must go through D to G.

Write ``saturating_loss(discriminator, fake)`` (1 point), G's part of the minimax game: the mean over fake of
+log(1 − σ(l)), which G lowers, too. When D is sure, l ≪ 0, its slope vanishes.

``discriminator(x)`` takes a Tensor of N examples and returns their logits, a Tensor (N, 1); real and fake may differ in
N. Each function returns its loss, a Tensor of no axis, as ``.mean()`` gives, and does not call backward(): the checker
does that with the loss and looks at the gradients of G, and in discriminator_loss of D. Logits may be as large as
±1000, where log(σ(l)) would be log(0). So use

    log σ(l) = −softplus(−l),    log(1 − σ(l)) = −softplus(l),    softplus(l) = log(1 + e^l) = F.softplus(l)

A tiny example: all logits 0 give softplus(0) = log 2 = 0.6931, so the three losses are 1.3863, 0.6931 and −0.6931.

판별자 D는 표본마다 로짓 l을 준다. σ(l) = 1/(1 + e^−l)는 그 표본이 진짜라고 믿는 정도이다. 생성자 G는 표본을 만든다. 둘
다 minigrad 텐서로 된 신경망이고, 각자의 손실로 번갈아 배운다.
``discriminator_loss(discriminator, real, fake)``(2점)는 진짜에 대한 D의 평균 교차 엔트로피와 가짜에 대한 평균 교차
엔트로피의 합이다. D를 안정시키려고 진짜의 레이블은 1이 아니라 t = «REAL»로 하고(단측 레이블 평활화), 가짜의 레이블은
0이다. 식은 위와 같다. 이 손실로는 D만 배운다. fake는 G의 그래프를 달고 오지만 그 그래프로 기울기가 가서는 안 되므로
D에 ``fake.detach()``를 주어라.
``generator_loss(discriminator, fake)``(1점)는 포화하지 않는 손실, 곧 −log σ(l)의 fake에 대한 평균이다. 여기서는
기울기가 D를 지나 G까지 가야 한다.
``saturating_loss(discriminator, fake)``(1점)는 미니맥스 게임에서 G의 몫인 +log(1 − σ(l))의 fake에 대한 평균이며, G는
이것도 낮추려 한다. D가 확신하면(l ≪ 0) 이 손실의 기울기는 사라진다.
``discriminator(x)``는 표본 N개의 텐서를 받아 로짓 텐서 (N, 1)을 돌려준다. real과 fake의 N은 다를 수 있다.
``.mean()``처럼 축이 없는 텐서인 손실을 돌려주고, backward()는 부르지 마라. 검사기가 그 손실의 backward()를 불러 G의
기울기를, discriminator_loss에서는 D의 기울기도 본다. 로짓은 ±1000만큼 클 수 있고, 그때 log(σ(l))은 log(0)이 된다. 위의
softplus 식을 쓰면 그럴 일이 없다.
예: 로짓이 모두 0이면 softplus(0) = log 2 = 0.6931이므로 세 손실은 1.3863, 0.6931, −0.6931이다.
"""

import minigrad as mg
import minigrad.nn.functional as F

REAL = 0.9  # edition: 0.9, 0.8, 0.7


def discriminator_loss(discriminator, real, fake):
    """D's cross-entropy on real examples, labelled REAL, and on fake ones, labelled 0; nothing for G."""
    # BEGIN SOLUTION
    on_real, on_fake = discriminator(real), discriminator(fake.detach())
    for_real = REAL * F.softplus(-on_real) + (1 - REAL) * F.softplus(on_real)
    return for_real.mean() + F.softplus(on_fake).mean()
    # END SOLUTION


def generator_loss(discriminator, fake):
    """Non-saturating: −log σ(l), averaged."""
    # BEGIN SOLUTION
    logits = discriminator(fake)
    return F.softplus(-logits).mean()
    # END SOLUTION


def saturating_loss(discriminator, fake):
    """Minimax: log(1 − σ(l)), averaged."""
    # BEGIN SOLUTION
    made = discriminator(fake)
    return -F.softplus(made).mean()
    # END SOLUTION


# CHECKS
import numpy as np

from tutorials.homework.exercise import Mistake, Part


def draw_fake(rng, made, latent, features, hidden):
    return {
        "z": rng.standard_normal((made, latent)),
        "G": rng.standard_normal((latent, features)),
        "D": rng.standard_normal((features, hidden)),
        "last": rng.standard_normal((hidden, 1)),
    }


def draw(rng, real, **sizes):
    return {"real": rng.standard_normal((real, sizes["features"]))} | draw_fake(rng, **sizes)


def played(function, z, G, D, last, real=None):
    """The student's loss for two small networks, and the gradients that it leaves in them."""
    g, d, u = (mg.tensor(each, requires_grad=True) for each in (G, D, last))
    fake = mg.tanh(mg.tensor(z) @ g)
    data = [] if real is None else [mg.tensor(real)]
    loss = function(lambda x: mg.tanh(x @ d) @ u, *data, fake)
    if not isinstance(loss, mg.Tensor) or loss.ndim:
        raise TypeError(f"return a Tensor of no axis, not {loss!r:.60}")
    if any(w.grad is not None for w in (g, d, u)):
        raise RuntimeError("backward() was called already: return the loss, and leave backward() to the checker")
    if loss.requires_grad:
        loss.backward()
    ours = {"gradient in D": d, "gradient in D's last layer": u} if data else {}
    weights = ours | {"gradient in G": g}
    got = {name: np.zeros(w.shape) if w.grad is None else w.grad.numpy() for name, w in weights.items()}
    return {"loss": loss.item()} | got


def entropy(logits, label):
    """The mean cross-entropy of probabilities, exact for large logits and for complex ones."""
    size = np.where(logits.real > 0, 1, -1) * logits
    return np.mean(np.log1p(np.exp(-size)) + (size + logits) / 2 - label * logits)


def slopes(f, x):
    """The gradient of a function that takes complex numbers: f(x + ih) = f(x) + ihf'(x) for a tiny h."""
    slope = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[i] += 1e-30j
        slope[i] = f(moved).imag / 1e-30
    return slope


def logits(x, D, last):
    return np.tanh(x @ D) @ last


def expected_discriminator(real, z, G, D, last):
    made = np.tanh(z @ G)

    def loss(D, last):
        return entropy(logits(real, D, last), REAL) + entropy(logits(made, D, last), 0)

    return {
        "loss": loss(D, last).real,
        "gradient in D": slopes(lambda w: loss(w, last), D),
        "gradient in D's last layer": slopes(lambda w: loss(D, w), last),
        "gradient in G": np.zeros(G.shape),
    }


def expected_generator(sign, label):
    def of(z, G, D, last):
        def loss(G):
            return sign * entropy(logits(np.tanh(z @ G), D, last), label)

        return {"loss": loss(G).real, "gradient in G": slopes(loss, G)}

    return of


SIZES = {"made": (1, 4, 3), "latent": (1, 3, 2), "features": (1, 4, 3), "hidden": (1, 5, 5)}


def cases(draw, **sizes):
    def extremes(rng):
        inputs = draw(rng, made=5, latent=2, features=3, hidden=4, **sizes)
        both = {name: np.concatenate([inputs[name], -inputs[name]]) for name in ("real", "z") if name in inputs}
        return {
            "all logits 0": inputs | {"last": 0 * inputs["last"]},
            "logits of about ±1000": inputs | both | {"last": 1000 * inputs["last"]},  # D(−x) = −D(x) without biases
        }

    return extremes


PARTS = [
    Part(
        "discriminator_loss",
        2,
        draw,
        {"real": (1, 5, 5)} | SIZES,
        expected_discriminator,
        cases=cases(draw, real=7),
        drive=played,
    ),
    Part("generator_loss", 1, draw_fake, SIZES, expected_generator(1, 1), cases=cases(draw_fake), drive=played),
    Part("saturating_loss", 1, draw_fake, SIZES, expected_generator(-1, 0), cases=cases(draw_fake), drive=played),
]
HINTS = [
    (
        "Whoever is to learn needs an unbroken graph from the loss back to its weights; whoever is not, a cut.",
        "배워야 할 쪽은 손실에서 가중치까지 그래프가 이어져야 하고, 배우면 안 되는 쪽은 끊겨야 한다.",
    ),
    (
        "−log σ(l) is F.softplus(−l): write each term of the formulas that way, then take its mean.",
        "−log σ(l)은 F.softplus(−l)이다. 식의 각 항을 그렇게 쓰고 평균을 내라.",
    ),
    (
        "For real examples: t·softplus(−l) + (1 − t)·softplus(l).",
        "진짜 표본에는 t·softplus(−l) + (1 − t)·softplus(l)을 써라.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "detach is missing",
        "discriminator(fake.detach())",
        "discriminator(fake)",
        "the generator gets a gradient from the discriminator's loss: give D fake.detach()",
        "판별자의 손실에서 생성자로 기울기가 간다. D에 fake.detach()를 주어라",
    ),
    Mistake(
        "labels are exchanged",
        "on_real, on_fake = discriminator(real)",
        "on_fake, on_real = discriminator(real)",
        "real ones are labelled as fake, and fake ones as real",
        "진짜에 가짜의 레이블을, 가짜에 진짜의 레이블을 주었다",
    ),
    Mistake(
        "the label is 1",
        "REAL * F.softplus(-on_real) + (1 - REAL) * F.softplus(on_real)",
        "F.softplus(-on_real)",
        "the label of real examples is the text's t, not 1: the other term is missing",
        "진짜의 레이블은 1이 아니라 본문의 t이다. 다른 항이 빠졌다",
    ),
    Mistake(
        "half of the real ones' loss",
        "REAL * F.softplus(-on_real) + (1 - REAL) * F.softplus(on_real)",
        "REAL * F.softplus(-on_real)",
        "a label t between 0 and 1 has two terms: (1 − t)·softplus(l) is missing",
        "0과 1 사이의 레이블 t에는 항이 둘 있다. (1 − t)·softplus(l)이 빠졌다",
    ),
    Mistake(
        "fakes are smoothed, too",
        "F.softplus(on_fake).mean()",
        "(REAL * F.softplus(on_fake) + (1 - REAL) * F.softplus(-on_fake)).mean()",
        "smoothing is one-sided: the label of fake examples is 0, not 1 − t",
        "평활화는 단측이다. 가짜의 레이블은 1 − t가 아니라 0이다",
    ),
    Mistake(
        "sigmoid twice",
        "on_real, on_fake = discriminator(real), discriminator(fake.detach())",
        "on_real, on_fake = mg.sigmoid(discriminator(real)), mg.sigmoid(discriminator(fake.detach()))",
        "softplus takes the logits; here a sigmoid comes before it, so that there are two",
        "softplus는 로짓을 받는다. 그 앞에 시그모이드를 또 씌웠다",
    ),
    Mistake(
        "saturating",
        "F.softplus(-logits).mean()",
        "-F.softplus(logits).mean()",
        "this is the saturating loss, log(1 − σ(l)); asked is −log σ(l)",
        "이것은 포화하는 손실 log(1 − σ(l))이다. −log σ(l)이 필요하다",
    ),
    Mistake(
        "the generator learns nothing",
        "discriminator(fake)\n    return F",
        "discriminator(fake.detach())\n    return F",
        "no gradient reaches the generator: its own loss must not be cut off from it",
        "생성자에 기울기가 가지 않는다. 생성자 자신의 손실에서는 그래프를 끊지 마라",
    ),
    Mistake(
        "the sum",
        "F.softplus(-logits).mean()",
        "F.softplus(-logits).sum()",
        "it is the sum over the examples; the mean is asked",
        "표본에 대한 합이다. 평균을 내라",
    ),
    Mistake(
        "error",
        "return F.softplus(-logits).mean()",
        "loss = F.softplus(-logits).mean()\n    loss.backward()\n    return loss",
    ),
    Mistake("factor", "-F.softplus(made).mean()", "F.softplus(made).mean()"),
    Mistake(
        "non-saturating",
        "-F.softplus(made).mean()",
        "F.softplus(-made).mean()",
        "this is the non-saturating loss, −log σ(l); asked is log(1 − σ(l))",
        "이것은 포화하지 않는 손실 −log σ(l)이다. log(1 − σ(l))이 필요하다",
    ),
    Mistake(
        "the sum",
        "-F.softplus(made).mean()",
        "-F.softplus(made).sum()",
        "it is the sum over the examples; the mean is asked",
        "표본에 대한 합이다. 평균을 내라",
    ),
    Mistake("not finite", "F.softplus(-logits).mean()", "-mg.log(mg.sigmoid(logits)).mean()"),
    Mistake("not finite", "-F.softplus(made).mean()", "mg.log(1 - mg.sigmoid(made)).mean()"),
]
OTHERS = [
    """
    def discriminator_loss(discriminator, real, fake):
        fake = mg.from_numpy(fake.data.copy())
        logits = discriminator(mg.cat([real, fake], 0))
        labels = mg.cat([mg.full((len(real), 1), REAL), mg.zeros(len(fake), 1)], 0)
        each = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        return each[: len(real)].mean() + each[len(real) :].mean()

    def generator_loss(discriminator, fake):
        logits = discriminator(fake)
        return F.binary_cross_entropy_with_logits(logits, mg.ones_like(logits))

    def saturating_loss(discriminator, fake):
        logits = discriminator(fake)
        return -F.binary_cross_entropy_with_logits(logits, logits.detach() * 0)
    """,
]
# END SOLUTION
