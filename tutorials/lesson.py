"""What the lessons share: claims that are measured, pictures that are shown, formulas that are printed.

A lesson is a Python file of cells (``# %%``) that runs with ``python tutorials/NN_name.py`` and opens as a notebook.
Run as a script it writes its pictures to ``runs/lessons/``, in a notebook it shows them.
"""

import builtins
import inspect
import operator
import os
import sys
import textwrap
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the lessons use `models`, which is not installed

from minigrad import plot  # noqa: E402

SEED = int(os.environ.get("LESSON_SEED", 0))  # all randomness of a lesson comes from it
RELATIONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": np.array_equal}
_pictures = 0


class ClaimError(AssertionError):
    """What a lesson says is not what it measured."""


def claim(what: str, measured, relation: str, bound) -> None:
    """Print what is claimed, the measured figure and its bound; raise `ClaimError` if it does not hold.

    measured, bound : two numbers, or with "==" anything that can be compared, arrays too

    >>> claim("the mean of 1 and 2", 1.5, "<", 2)
    ✓ the mean of 1 and 2: 1.5 < 2
    """
    holds = bool(RELATIONS[relation](measured, bound))
    print(f"{'✓' if holds else '✗'} {what}: {_figure(measured)} {relation} {_figure(bound)}")
    if not holds:
        raise ClaimError(f"{what}: measured {_figure(measured)}, which is not {relation} {_figure(bound)}")


def source(*functions) -> None:
    """Print the code of functions, methods or classes as it stands in the file that runs."""
    print("\n".join(textwrap.dedent(inspect.getsource(function)) for function in functions).rstrip())


def show(figure) -> None:
    """Show a picture in a notebook, or write it to ``runs/lessons/``. All its axes must have labels."""
    for axes in figure.axes:
        missing = [side for side in (axes.xaxis, axes.yaxis) if not side.get_label_text()]
        if axes.axison and len(missing) > hasattr(axes, "_colorbar"):
            raise ValueError(
                f"the axes {axes.get_title()!r} have no label on x or y; set_xlabel and set_ylabel give them one"
            )
    if _in_notebook():
        from IPython.display import Image, display

        display(Image(plot.as_png(plot.as_image(figure)).tobytes(), format="png"))
    else:
        path = _next_path("png")
        plot.save(figure, path)
        print(f"picture: {path}")


def show_animation(figures, seconds: float = 0.2) -> None:
    """Show figures one after the other, as an animated GIF."""
    path = _next_path("gif")
    plot.save_animation([plot.as_png(plot.as_image(figure)) for figure in figures], path, seconds)
    if _in_notebook():
        from IPython.display import Image, display

        display(Image(path.read_bytes(), format="gif"))
    else:
        print(f"animation: {path}")


def _figure(value) -> str:
    """A number with four digits, anything else on one line."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    return " ".join(str(value.tolist() if isinstance(value, np.ndarray) else value).split())


def _in_notebook() -> bool:
    return hasattr(builtins, "__IPYTHON__")


def _next_path(kind: str) -> Path:
    global _pictures
    _pictures += 1
    path = Path("runs/lessons", f"{Path(sys.argv[0]).stem}_{_pictures}.{kind}")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
