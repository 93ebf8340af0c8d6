"""Pictures, by matplotlib and without a window: each function draws into axes, `figure` makes them, `save` writes."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .checkpoint import replacing


def figure(rows: int = 1, columns: int = 1, width: float = 4.0, height: float = 3.0):
    """A figure and its axes (rows, columns); `width` and `height` are inches for one of them."""
    fig = Figure(figsize=(columns * width, rows * height), layout="constrained")
    return fig, fig.subplots(rows, columns, squeeze=False)


def save(fig: Figure, path, dpi: int = 120) -> None:
    """Write the figure as a PNG, whole or not at all."""
    with replacing(path) as temporary:
        fig.savefig(temporary, format="png", dpi=dpi)


def image_grid(ax, images, columns: int | None = None, title: str = "", value_range=(0.0, 1.0)) -> None:
    """Images (n, height, width) side by side in one picture, row by row; dark is `value_range`'s upper end."""
    images = np.asarray(images)
    n, height, width = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    low, high = value_range
    sheet = np.full((rows * (height + 2) - 2, columns * (width + 2) - 2), low, float)
    for i, image in enumerate(images):
        top, left = i // columns * (height + 2), i % columns * (width + 2)
        sheet[top : top + height, left : left + width] = image
    ax.imshow(sheet, cmap="gray_r", vmin=low, vmax=high, interpolation="nearest")
    ax.set_title(title)
    ax.set_axis_off()


def curves(ax, lines: dict, xlabel: str, ylabel: str, levels: dict | None = None) -> None:
    """One line per entry (name -> (x, y)) over whole numbers x, and dashed lines at `levels` (name -> y) to compare."""
    for name, (x, y) in lines.items():
        ax.plot(x, y, label=name, marker="o" if len(x) == 1 else None)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    for i, (name, y) in enumerate((levels or {}).items()):
        ax.axhline(y, label=name, linestyle="--", color=f"C{len(lines) + i}")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(alpha=0.3)
    ax.legend()


def classes(ax, points, labels, title: str, axis_names=("", "")) -> None:
    """Points (n, 2) coloured by their class 0 ... 9."""
    drawn = ax.scatter(*np.asarray(points).T, c=labels, cmap="tab10", vmin=-0.5, vmax=9.5, s=4, linewidths=0)
    ax.set(title=title, xlabel=axis_names[0], ylabel=axis_names[1])
    ax.figure.colorbar(drawn, ax=ax, ticks=range(10), label="class")
