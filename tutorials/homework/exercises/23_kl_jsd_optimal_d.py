"""Divergences and the best discriminator · 발산과 최적 판별자 (4 points)

Let p and q be two distributions over n events, given as arrays (..., n) of probabilities that sum to 1 over the last
axis; axes before it are a batch. p is that of the data, q that of a generator. All logarithms here give «UNIT»: "nats"
means log to the base e, "bits" to the base 2.

Write ``kl(p, q)`` (1 point), the Kullback-Leibler divergence, of shape (...): a sum over the last axis, not a mean.

    KL(p ‖ q) = Σ p·log(p/q)        an event with p = 0 adds 0, whatever q; one with q = 0 < p makes it inf

No small number is to be added inside the logarithm: the inf is right, and it is exact.

Write ``jsd(p, q)`` (1 point), the Jensen-Shannon divergence, of shape (...), not its square root. It is always finite:

    JSD(p, q) = ½ KL(p ‖ m) + ½ KL(q ‖ m),  m = (p + q)/2

Write ``optimal_d(p, q)`` (1 point), of shape (..., n): for each event the best discriminator's D* = p/(p + q), the
probability that the event is real. Where p = q = 0 any D is as good: there, return ½.

Write ``value(p, q)`` (1 point), of shape (...), the value of the minimax game with this D*, −log 4 + 2·JSD(p, q):

    V = Σ p·log D* + Σ q·log(1 − D*)        terms with p = 0, or with q = 0, add 0 here, too

A tiny example: p = [½, ½], q = [1, 0] give KL(p ‖ q) = inf, KL(q ‖ p) = log 2, m = [¾, ¼], JSD = 0.2158 nats or
0.3113 bits, D* = [⅓, 1] and V = ½·log ⅓ + ½·log 1 + 1·log ⅔ = −0.9548 nats or −1.3774 bits.

p와 q는 사건 n개에 대한 두 확률 분포이며, 마지막 축의 합이 1인 (..., n) 배열이다. 앞의 축들은 배치이다. p는 데이터의
분포, q는 생성자의 분포이다. 이 문제의 로그는 모두 «UNIT» 단위이다. 단위 "nats"는 밑이 e인 로그, "bits"는 밑이 2인
로그를 뜻한다.
``kl(p, q)``(1점)는 쿨백-라이블러 발산이고 모양은 (...)이다. 마지막 축의 평균이 아니라 합이다. p = 0인 사건은 q가
무엇이든 0을 더하고, q = 0 < p인 사건이 있으면 값은 inf이다. 로그 안에 작은 수를 더하지 마라. inf가 맞는 값이다.
``jsd(p, q)``(1점)는 모양이 (...)인 젠슨-섀넌 발산이며 그 제곱근이 아니다. 언제나 유한하다.
``optimal_d(p, q)``(1점)는 사건마다 최적 판별자의 값 D* = p/(p + q), 곧 그 사건이 진짜일 확률을 담은 (..., n) 배열이다.
p = q = 0이면 어떤 D라도 좋으므로 ½을 돌려준다.
``value(p, q)``(1점)는 이 D*를 쓸 때 미니맥스 게임의 값 V이고 모양은 (...)이다. V는 −log 4 + 2·JSD(p, q)와 같다. p = 0인
항과 q = 0인 항은 여기서도 0이다.
예: p = [½, ½], q = [1, 0]이면 KL(p ‖ q) = inf, KL(q ‖ p) = log 2, m = [¾, ¼], JSD = 0.2158 nats 또는
0.3113 bits, D* = [⅓, 1], V = ½·log ⅓ + ½·log 1 + 1·log ⅔ = −0.9548 nats 또는 −1.3774 bits이다.
"""

import numpy as np

UNIT = "nats"  # edition: "nats", "bits"


def kl(p, q):
    """KL(p ‖ q) over the last axis."""
    # BEGIN SOLUTION
    log = np.log if UNIT == "nats" else np.log2
    terms = p * log(p / q)
    return np.where(p == 0, 0.0, terms).sum(axis=-1)
    # END SOLUTION


def jsd(p, q):
    """The Jensen-Shannon divergence over the last axis."""
    # BEGIN SOLUTION
    middle = (p + q) / 2
    return kl(p, middle) / 2 + kl(q, middle) / 2
    # END SOLUTION


def optimal_d(p, q):
    """D* of every event."""
    # BEGIN SOLUTION
    both = p + q
    return np.where(both == 0, 0.5, p / both)
    # END SOLUTION


def value(p, q):
    """V(D*, G) over the last axis."""
    # BEGIN SOLUTION
    log_4 = np.log(4) if UNIT == "nats" else 2.0
    return 2 * jsd(p, q) - log_4
    # END SOLUTION


# CHECKS
from tutorials.homework.exercise import Mistake, Part


def draw(rng, batch, events):
    """Distributions with some events that p, or both, lack; where there is room, q lacks none that p has."""
    p, q = rng.uniform(0.2, 1, (2, batch, events))
    if events > 2:
        p[:, 0] = 0
    if events > 3:
        p[:, 1] = q[:, 1] = 0
    return {"p": p / p.sum(-1, keepdims=True), "q": q / q.sum(-1, keepdims=True)}


def draw_all(rng, batch, events):
    """Distributions of which the first pair has all events; of the others p, q or both lack some."""
    p, q = rng.uniform(0.2, 1, (2, batch, events))
    if events > 3:
        p[1:, 0] = q[1:, 2] = p[1:, 1] = q[1:, 1] = 0
    return {"p": p / p.sum(-1, keepdims=True), "q": q / q.sum(-1, keepdims=True)}


def draw_kl(rng, batch, events):
    apart = np.eye(events)
    inputs = draw(rng, batch, events) | {"r": np.stack([apart[0], apart[1], apart[0]])}
    return inputs | {"s": np.stack([apart[0], apart[0], (apart[0] + apart[1]) / 2])}


def two_kinds(kl, p, q, r, s):
    return {"KL": kl(p, q), "KL where events are missing": kl(r, s)}


def in_unit(nats):
    return nats if UNIT == "nats" else np.asarray(nats) / np.log(2)


def scipy_kl(p, q, r, s):
    from scipy.special import rel_entr

    pairs = {"KL": (p, q), "KL where events are missing": (r, s)}
    return {name: in_unit(rel_entr(*each).sum(-1)) for name, each in pairs.items()}


def scipy_jsd(p, q):
    from scipy.spatial.distance import jensenshannon

    return in_unit(np.nan_to_num(jensenshannon(p, q, axis=-1)) ** 2)  # it takes a root that may be of −1e-17


def odds(p, q):
    """D by its odds p : q."""
    logit = np.log(p) - np.log(q)
    return np.where(np.isnan(logit), 0.5, 1 / (1 + np.exp(-logit)))


def game(p, q):
    from scipy.special import xlogy

    with np.errstate(all="ignore"):
        d = odds(p, q)
    return in_unit((xlogy(p, d) + xlogy(q, 1 - d)).sum(-1))


def quiet_odds(p, q):
    with np.errstate(all="ignore"):
        return odds(p, q)


CASES = {
    "p = q": {"p": np.array([[0.25, 0.75], [1.0, 0.0]]), "q": np.array([[0.25, 0.75], [1.0, 0.0]])},
    "p and q without an event in common": {"p": np.array([0.5, 0.5, 0, 0]), "q": np.array([0, 0, 0.25, 0.75])},
    "no batch": {"p": np.array([0.5, 0.5]), "q": np.array([1.0, 0.0])},
    "two axes of batch": {"p": np.full((2, 3, 4), 0.25), "q": np.full((2, 3, 4), [0.1, 0.2, 0.3, 0.4])},
}
SIZES = {"batch": (1, 4, 3), "events": (1, 7, 7)}


def cases(_):
    return CASES


PARTS = [
    Part(
        "kl",
        1,
        draw_kl,
        SIZES | {"events": (2, 7, 7)},
        scipy_kl,
        cases=lambda _: {name: each | {"r": each["q"], "s": each["p"]} for name, each in CASES.items()},
        drive=two_kinds,
    ),
    Part("jsd", 1, draw_all, SIZES, scipy_jsd, cases=cases),
    Part("optimal_d", 1, draw_all, SIZES, quiet_odds, cases=cases),
    Part("value", 1, draw_all, SIZES, game, cases=cases),
]
HINTS = [
    (
        "0·log 0 is NaN for NumPy. np.where(p == 0, 0, ...) puts a 0 there; it may well compute the NaN first.",
        "NumPy에서 0·log 0은 NaN이다. np.where(p == 0, 0, ...)로 그 자리에 0을 넣어라. NaN이 먼저 계산되어도 괜찮다.",
    ),
    (
        "The JSD is made of two KLs to the mean m of p and q, where m = 0 only if p = q = 0.",
        "JSD는 p와 q의 평균 m에 대한 두 KL로 만든다. m = 0인 것은 p = q = 0일 때뿐이다.",
    ),
    (
        "V needs no new sum: use your jsd. Mind that log 4 is in the same unit.",
        "V에는 새로운 합이 필요 없다. 앞서 만든 jsd를 써라. log 4도 같은 단위여야 한다.",
    ),
]
# BEGIN SOLUTION
MISTAKES = [
    Mistake(
        "exchanged in KL",
        "p * log(p / q)\n    return np.where(p == 0",
        "q * log(q / p)\n    return np.where(q == 0",
        "the two distributions of a KL are exchanged, and KL is not symmetric: the first one is the weight",
        "KL의 두 분포가 서로 바뀌었다. KL은 대칭이 아니며, 첫째 분포가 가중치이다",
    ),
    Mistake("not finite", "np.where(p == 0, 0.0, terms).sum", "terms.sum"),
    Mistake(
        "a small number in the logarithm",
        "p * log(p / q)",
        "p * log((p + 1e-12) / (q + 1e-12))",
        "with a small number inside the logarithm a KL that is infinite comes out as some 20 or 30",
        "로그 안에 작은 수를 더하면 무한대인 KL이 20이나 30쯤으로 나온다",
    ),
    Mistake(
        "terms with q = 0 are left out",
        "np.where(p == 0, 0.0, terms)",
        "np.where((p == 0) | (q == 0), 0.0, terms)",
        "only terms with p = 0 are 0: one with q = 0 < p is infinite",
        "p = 0인 항만 0이다. q = 0 < p인 항은 무한대이다",
    ),
    Mistake("factor", "np.where(p == 0, 0.0, terms).sum", "np.where(p == 0, 0.0, terms).mean"),
    Mistake("factor", "kl(p, middle) / 2 + kl(q, middle) / 2", "kl(p, middle) + kl(q, middle)"),
    Mistake(
        "the square root",
        "kl(p, middle) / 2 + kl(q, middle) / 2",
        "np.sqrt(kl(p, middle) / 2 + kl(q, middle) / 2)",
        "this is the Jensen-Shannon distance, the root of the divergence",
        "이것은 발산의 제곱근인 젠슨-섀넌 거리이다",
    ),
    Mistake("exchanged in KL", "kl(p, middle) / 2 + kl(q, middle) / 2", "kl(middle, p) / 2 + kl(middle, q) / 2"),
    Mistake(
        "KL both ways",
        "kl(p, middle) / 2 + kl(q, middle) / 2",
        "(kl(p, q) + kl(q, p)) / 2",
        "this is the mean of KL(p ‖ q) and KL(q ‖ p); the JSD takes the KLs from p and from q to their mean m",
        "이것은 KL(p ‖ q)와 KL(q ‖ p)의 평균이다. JSD는 p와 q에서 그 평균 m까지의 KL을 쓴다",
    ),
    Mistake(
        "D of the fake",
        "p / both",
        "q / both",
        "this is the probability that the event is fake, 1 − D*",
        "이것은 사건이 가짜일 확률 1 − D*이다",
    ),
    Mistake("not finite", "np.where(both == 0, 0.5, p / both)", "p / both"),
    Mistake(
        "log 2 for log 4",
        'np.log(4) if UNIT == "nats" else 2.0',
        'np.log(2) if UNIT == "nats" else 1.0',
        "if D can only guess, each of two terms is −log 2: together −log 4, not −log 2",
        "D가 찍기만 할 때 두 항은 각각 −log 2이다. 합은 −log 2가 아니라 −log 4이다",
    ),
    Mistake(
        "one JSD",
        "2 * jsd(p, q)",
        "jsd(p, q)",
        "the JSD comes twice in V: each of its KLs has a ½ that V has not",
        "V에는 JSD가 두 번 들어간다. JSD의 두 KL에는 V에 없는 ½이 붙어 있다",
    ),
]
OTHERS = [
    """
    BASE = 2.0 if UNIT == "bits" else np.e

    def plogr(p, r):
        positive = p > 0
        return np.where(positive, p * np.log(np.where(positive, r, 1)), 0) / np.log(BASE)

    def kl(p, q):
        return np.sum(plogr(p, p) - plogr(p, q), -1)

    def jsd(p, q):
        m = 0.5 * (p + q)
        entropy = lambda r: -np.sum(plogr(r, r), -1)
        return entropy(m) - 0.5 * (entropy(p) + entropy(q))

    def optimal_d(p, q):
        d = np.full(p.shape, 0.5)
        return np.divide(p, p + q, out=d, where=p + q > 0)

    def value(p, q):
        d = optimal_d(p, q)
        return np.sum(plogr(p, d) + plogr(q, 1 - d), -1)
    """,
]
# END SOLUTION
