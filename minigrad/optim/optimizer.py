"""Optimizer: parameter groups, per-parameter state, and a loop; each rule defines how one array changes."""

from collections.abc import Iterable

from ..autograd import changed
from ..backend import device_of, to_device
from ..tensor import Tensor, plain


class Optimizer:
    """Base of the optimizers: `step` calls ``update(array, gradient, state, group)`` where there is a gradient.

    Parameters
    ----------
    params : the parameters, or a list of groups {"params": [...], "lr": ...} with options of their own
    defaults : the options of groups that do not give them

    Attributes
    ----------
    param_groups : list of dicts, "params" and the options; change an option here to change it from the next step on
    state : parameter -> dict of what the rule remembers about it
    """

    def __init__(self, params: Iterable, defaults: dict):
        if isinstance(params, Tensor) or hasattr(params, "parameters"):
            kind = type(params).__name__
            raise TypeError(f"an optimizer takes a list of parameters, such as net.parameters(), not one {kind}")
        groups = list(params)
        if groups and not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        self.param_groups = [{**defaults, **group, "params": list(group["params"])} for group in groups]
        self.state: dict[Tensor, dict] = {}
        everything = self._parameters()
        if not everything:
            raise ValueError(
                "the optimizer got no parameters: a generator such as net.parameters() can be used up only once, "
                "and a module does not find layers in a plain list (nn.Sequential holds them)"
            )
        for p in everything:
            if not (isinstance(p, Tensor) and p.is_leaf):
                raise TypeError(f"an optimizer changes leaf tensors such as module.parameters(), not {p!r:.80}")
        if len(set(everything)) < len(everything):
            raise ValueError("a parameter stands in the optimizer twice")
        for group in self.param_groups:
            if not group["lr"] >= 0:
                raise ValueError(f"the learning rate must be 0 or more, not {group['lr']}")

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next backward pass starts from none."""
        for p in self._parameters():
            p.grad = None

    def step(self) -> None:
        """Change every parameter that has a gradient, in place."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    state = self.state.setdefault(p, {})
                    _follow(p, state)
                    self.update(p.data, p.grad.data, state, group)
                    changed(p)

    def update(self, x, g, state, group):
        raise TypeError(f"{type(self).__name__} defines no update(array, gradient, state, group)")

    def state_dict(self) -> dict:
        """All that continuing needs, with the parameters numbered in order: {"state": ..., "param_groups": ...}."""
        numbers = {p: i for i, p in enumerate(self._parameters())}
        groups = [{**group, "params": [numbers[p] for p in group["params"]]} for group in self.param_groups]
        return {"state": {numbers[p]: dict(state) for p, state in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict) -> None:
        """Continue from a state dict of an optimizer over parameters of the same shapes in the same order."""
        parameters, groups = self._parameters(), state_dict["param_groups"]
        sizes, own_sizes = ([len(group["params"]) for group in g] for g in (groups, self.param_groups))
        if sizes != own_sizes:
            raise ValueError(f"the state dict has groups of {sizes} parameters, this optimizer {own_sizes}")
        state = {}
        for i, values in state_dict["state"].items():
            p, values = parameters[int(i)], {name: plain(value) for name, value in values.items()}
            if "step" in values:
                values["step"] = int(values["step"])  # PyTorch's is a 0-d tensor
            arrays = {name: value for name, value in values.items() if hasattr(value, "shape")}
            for name, value in arrays.items():
                if value.shape != p.shape:
                    raise ValueError(f"{name} of parameter {i} has shape {value.shape}, and the parameter {p.shape}")
            state[p] = values | {name: value.astype(p.dtype) for name, value in arrays.items()}
        self.state = state
        for own, group in zip(self.param_groups, groups):
            own.update({name: value for name, value in group.items() if name != "params"})

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def __repr__(self):
        options = ({name: value for name, value in group.items() if name != "params"} for group in self.param_groups)
        return f"{type(self).__name__}({'; '.join(', '.join(f'{k}={v}' for k, v in o.items()) for o in options)})"


def _follow(p, state):
    """Move what is remembered about a parameter to where the parameter lies now."""
    for name, value in state.items():
        if hasattr(value, "shape") and device_of(value) != p.device:
            state[name] = to_device(value, p.device)
