"""Pictures, by matplotlib and without a window: each function draws into axes, `figure` makes them, `save` writes."""

import io
import math
import re

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names
from matplotlib.ticker import MaxNLocator
from PIL import Image

from .checkpoint import replacing

HANGUL = ("Noto Sans CJK KR", "Noto Sans CJK JP", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo")
FONTS = ["DejaVu Sans Mono", *(name for name in HANGUL if name in get_font_names())]  # family of text in any language


def figure(rows: int = 1, columns: int = 1, width: float = 4.0, height: float = 3.0):
    """A figure and its axes (rows, columns); `width` and `height` are inches for one of them."""
    fig = Figure(figsize=(columns * width, rows * height), layout="constrained")
    return fig, fig.subplots(rows, columns, squeeze=False)


def save(fig: Figure, path, dpi: int = 120) -> None:
    """Write the figure as a PNG, whole or not at all."""
    with replacing(path) as temporary:
        fig.savefig(temporary, format="png", dpi=dpi)


def sheet(images, columns: int | None = None, value_range=(0.0, 1.0)) -> np.ndarray:
    """Images side by side in one picture (height, width[, 3]) uint8, row by row.

    images : (n, height, width) or (n, 1, height, width), drawn as ink on paper, dark at `value_range`'s upper end; or
        (n, 3, height, width), in colours
    """
    images = np.asarray(images)
    images = images[:, None] if images.ndim == 3 else images
    n, channels, height, width = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    low, high = value_range
    light = np.clip((images - low) / (high - low), 0, 1)
    light = 1 - light if channels == 1 else light
    page = np.ones((math.ceil(n / columns) * (height + 2) - 2, columns * (width + 2) - 2, channels))
    for i, image in enumerate(light):
        top, left = i // columns * (height + 2), i % columns * (width + 2)
        page[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return (255 * page).round().astype(np.uint8).squeeze(axis=2 if channels == 1 else ())


def image_grid(ax, images, columns: int | None = None, title: str = "", value_range=(0.0, 1.0)) -> None:
    """A `sheet` of images."""
    ax.imshow(sheet(images, columns, value_range), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    ax.set_title(title)
    ax.set_axis_off()


def as_image(fig: Figure) -> np.ndarray:
    """The figure as a picture (height, width, 3) uint8, for an animation."""
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def as_png(image: np.ndarray) -> np.ndarray:
    """A picture (height, width[, 3]) uint8 as the bytes of a PNG file, (n,) uint8."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return np.frombuffer(file.getvalue(), np.uint8)


def from_png(png: np.ndarray) -> Image.Image:
    """The picture that `as_png` made to bytes."""
    return Image.open(io.BytesIO(png.tobytes()))


def save_animation(pngs, path, seconds: float = 0.2) -> None:
    """Write pictures, each from `as_png`, as an animated GIF, `seconds` each and the last one longer."""
    images = [from_png(png) for png in pngs]
    zoom = max(1, 300 // images[0].width)
    images = [image.resize((zoom * image.width, zoom * image.height), Image.Resampling.NEAREST) for image in images]
    durations = [1000 * seconds] * (len(images) - 1) + [2000]
    with replacing(path) as temporary:
        images[0].save(temporary, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)


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


def drawable(text: str) -> str:
    """The text with □ for what `FONTS` cannot draw, where no font for Korean is installed."""
    return text if len(FONTS) > 1 else re.sub(r"[^\n -\u03ff\u2000-\u22ff]", "□", text)
