"""Learning rates that change over time: call the scheduler's step() once an epoch, after the optimizer's."""

import math

from .optimizer import Optimizer


class LRScheduler:
    """Base of the schedules: after t steps every group has the learning rate ``rate(base, t)``, base its first one.

    >>> from minigrad import optim, zeros
    >>> opt = optim.SGD([zeros(1)], lr=1.0)
    >>> schedule = StepLR(opt, step_size=2, gamma=0.1)
    >>> for epoch in range(3):
    ...     opt.step()
    ...     schedule.step()
    >>> opt.param_groups[0]["lr"]
    0.1
    """

    def __init__(self, optimizer: Optimizer):
        self.optimizer = optimizer
        self.base_lrs = [group["lr"] for group in optimizer.param_groups]
        self.last_epoch = 0

    def rate(self, base: float, t: int) -> float:
        raise TypeError(f"{type(self).__name__} defines no rate(base, t)")

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group."""
        return [self.rate(base, self.last_epoch) for base in self.base_lrs]

    def step(self) -> None:
        """One epoch on."""
        self.last_epoch += 1
        self._set()

    def _set(self):
        for group, lr in zip(self.optimizer.param_groups, self.get_last_lr()):
            group["lr"] = lr

    def state_dict(self) -> dict:
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict) -> None:
        """Continue the schedule, and set the optimizer's learning rates to where it stands."""
        vars(self).update(state_dict)
        self._set()


class StepLR(LRScheduler):
    """lr = base·gamma^⌊t / step_size⌋"""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1):
        super().__init__(optimizer)
        if step_size < 1:
            raise ValueError(f"StepLR: step_size is a number of epochs from 1 up, not {step_size}")
        self.step_size, self.gamma = step_size, gamma

    def rate(self, base, t):
        return base * self.gamma ** (t // self.step_size)


class CosineAnnealingLR(LRScheduler):
    """lr = eta_min + (base − eta_min)·(1 + cos(π·t / T_max)) / 2, without restarts (Loshchilov & Hutter 2017, eq. 5)"""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0):
        super().__init__(optimizer)
        if T_max < 1:
            raise ValueError(f"CosineAnnealingLR: T_max is a number of epochs from 1 up, not {T_max}")
        self.T_max, self.eta_min = T_max, eta_min

    def rate(self, base, t):
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * t / self.T_max)) / 2
