"""Whether there is a GPU: ``minigrad.cuda.is_available()``, as in PyTorch. Tensors move with ``.to("cuda")``."""

from .backend import is_available
