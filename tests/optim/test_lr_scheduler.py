"""Schedules against their closed forms."""

import math

import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim.lr_scheduler import CosineAnnealingLR, StepLR

BASES = [1.0, 0.3]


def optimizer():
    return optim.SGD([{"params": [mg.zeros(1)], "lr": base} for base in BASES])


@pytest.mark.parametrize(
    "make, rate",
    [
        (lambda opt: StepLR(opt, 3), lambda base, t: base * 0.1 ** (t // 3)),
        (lambda opt: StepLR(opt, 2, gamma=0.5), lambda base, t: base * 0.5 ** (t // 2)),
        (lambda opt: CosineAnnealingLR(opt, 10), lambda base, t: base * math.cos(math.pi * t / 20) ** 2),
        (lambda opt: CosineAnnealingLR(opt, 10, 0.2),
         lambda base, t: base * math.cos(math.pi * t / 20) ** 2 + 0.2 * math.sin(math.pi * t / 20) ** 2),
    ],
    ids=["step", "step by half", "cosine", "cosine to 0.2"],
)  # fmt: skip
def test_every_group_follows_the_closed_form_from_its_own_rate(make, rate):
    opt = optimizer()
    schedule = make(opt)
    for t in range(11):
        expected = [pytest.approx(rate(base, t), abs=1e-15) for base in BASES]
        assert [group["lr"] for group in opt.param_groups] == expected and schedule.get_last_lr() == expected
        schedule.step()


@pytest.mark.parametrize("make", [lambda opt: StepLR(opt, 2), lambda opt: CosineAnnealingLR(opt, 7)])
def test_a_saved_schedule_continues(make, tmp_path):
    def rates(opt):
        return [group["lr"] for group in opt.param_groups]

    opt, with_rates, without = optimizer(), optimizer(), optimizer()
    schedule = make(opt)
    for _ in range(3):
        schedule.step()
    mg.save([opt.state_dict(), schedule.state_dict()], tmp_path / "state.npz")
    saved_opt, saved_schedule = mg.load(tmp_path / "state.npz")
    with_rates.load_state_dict(saved_opt)  # then the schedule starts from the rate of now, until it is told the first
    for other in (with_rates, without):
        resumed = make(other)
        resumed.load_state_dict(saved_schedule)
        assert resumed.get_last_lr() == rates(other) == rates(opt)
        resumed.step()
    schedule.step()
    assert rates(with_rates) == rates(without) == rates(opt)
