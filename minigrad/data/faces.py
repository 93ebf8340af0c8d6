"""Cartoon faces of 32x32 pixels whose attributes are known, as many as asked.

A part of a face is a shape, a colour and an opacity. The shape is a signed distance d(x, y) to its outline, in pixels
and negative inside: min(d, e) is two shapes together, max(d, e) what they share, max(d, -e) the first without the
second. It covers the share clip(1/2 - d, 0, 1) of each pixel, so edges are smooth. Parts are painted from back to
front, many faces at once.
"""

# Reading order: faces, draw_faces, the face and its parts from back to front, the shapes.

from __future__ import annotations

import math

import numpy as np

BINARY = ("smile", "glasses", "long_hair", "beard", "hat")
CONTINUOUS = {"face_shape": (-1.0, 1.0), "pose": (-1.0, 1.0), "skin_tone": (0.0, 1.0)}  # name -> (lowest, highest)

SIZE, CHUNK = 32, 64  # pixels along a side; faces drawn at once: so many stay in the processor's cache


def faces(n: int, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """`n` random faces: (images, attributes), images (n, 3, 32, 32) uint8 RGB, attributes name -> (n,).

    =========== ========= =============================================================
    smile       bool      an open mouth that laughs; otherwise the corners hang
    glasses     bool      round, with dark rims
    long_hair   bool      down to the shoulders; otherwise above the ears
    beard       bool      from ear to ear
    hat         bool      a woollen hat with a bobble
    face_shape  float32   -1 (round) to 1 (long)
    pose        float32   the head turned to the picture's left (-1) ... right (1)
    skin_tone   float32   0 (light) to 1 (dark)
    =========== ========= =============================================================

    Each is drawn by itself, independent of the others: the binary ones true half of the time, the continuous ones
    uniform. The colours of hair, clothes (and hat) and background are random too and not among the attributes. Face i
    depends on `seed` and i alone, so ``faces(m, seed)`` are the first m of ``faces(n, seed)``.

    >>> images, attributes = faces(5)
    >>> images.shape, images.dtype, attributes["hat"].tolist()
    ((5, 3, 32, 32), dtype('uint8'), [False, False, True, False, True])
    """
    uniform = np.random.default_rng((seed, 0)).random((n, len(BINARY) + len(CONTINUOUS))).T
    attributes = {name: u < 0.5 for name, u in zip(BINARY, uniform)}
    for (name, (low, high)), u in zip(CONTINUOUS.items(), uniform[len(BINARY) :]):
        attributes[name] = (low + (high - low) * u).astype(np.float32)
    return draw_faces(attributes, seed), attributes


def draw_faces(attributes: dict[str, np.ndarray], seed: int = 0) -> np.ndarray:
    """Faces (n, 3, 32, 32) uint8 with the given `attributes`, all of those that `faces` describes, each of length n.

    The colours that are not attributes come from `seed`. With the seed of `faces` these are the same people, so one
    attribute changed shows what it does:

    >>> images, attributes = faces(5, seed=1)
    >>> everyone_with_a_hat = draw_faces({**attributes, "hat": np.ones(5, bool)}, seed=1)
    >>> [bool((a == b).all()) for a, b in zip(images, everyone_with_a_hat)] == attributes["hat"].tolist()
    True

    A ValueError names an attribute that is missing, unknown or out of its range.
    """
    _check(attributes)
    n = len(attributes["smile"])
    uniform = np.random.default_rng((seed, 1)).random((n, 3)).T
    hair, clothes, background = (
        colours[(u * len(colours)).astype(int)] for colours, u in zip((HAIR, CLOTHES, BACKGROUND), uniform)
    )
    images = np.empty((n, 3, SIZE, SIZE), np.uint8)
    for start in range(0, n, CHUNK):
        some = slice(start, start + CHUNK)
        values = {name: np.asarray(value, np.float32)[some, None, None] for name, value in attributes.items()}
        images[some] = _paint(_Face(hair[some], clothes[some], **values), background[some])
    return images


def _check(attributes):
    ranges = dict.fromkeys(BINARY, (0, 1)) | CONTINUOUS
    if attributes.keys() != ranges.keys():
        raise ValueError(f"a face has the attributes {', '.join(ranges)}; these are {', '.join(attributes) or 'none'}")
    shapes = {np.shape(value) for value in attributes.values()}
    if len(shapes) > 1 or len(*shapes) != 1:
        raise ValueError(f"each attribute is an array of one length; these have the shapes {sorted(shapes)}")
    for name, (low, high) in ranges.items():
        value = np.asarray(attributes[name])
        if not ((low <= value) & (value <= high)).all() or name in BINARY and not np.isin(value, (0, 1)).all():
            raise ValueError(f"{name} is {'True or False' if name in BINARY else f'between {low:g} and {high:g}'}")


def _paint(face, background) -> np.ndarray:
    """The whole of the parts, each laid over those before it: (n, 3, 32, 32), from 0 to 255."""
    image = np.repeat(np.repeat(background, SIZE, axis=2), SIZE, axis=3)
    for part in (_body, _long_hair, _head, _beard, _hair, _eyes, _mouth, _glasses, _hat):
        for distance, colour, opacity in part(face):
            cover = opacity * np.clip(0.5 - distance, 0, 1)
            image += cover[..., None, :, :] * (colour - image)
    return np.rint(image)


# ------------------------------------------------------------------ colours
def _rgb(*colours) -> np.ndarray:
    return np.array(colours, np.float32)[:, :, None, None]  # (colours, 3, 1, 1)


LIGHT, DARK = _rgb((255, 222, 192)), _rgb((148, 96, 68))  # skin
HAIR = _rgb((44, 36, 44), (92, 52, 36), (200, 92, 38), (248, 212, 110))
CLOTHES = _rgb((214, 62, 70), (40, 106, 184), (48, 140, 90), (134, 84, 178))
BACKGROUND = _rgb((178, 218, 238), (200, 230, 198), (252, 226, 184), (228, 212, 242))
WHITE, BLACK, RED = _rgb((255, 255, 255)), _rgb((34, 30, 40)), _rgb((120, 24, 40))
BLUSH, LENS = _rgb((236, 104, 96)), _rgb((150, 215, 245))
SHADE = _rgb((0.8, 0.66, 0.55))  # what hair reflects in the shade


# ------------------------------------------------------------------ the face and its parts, from back to front
class _Face:
    """Where the parts of n faces are (pixels, (n, 1, 1)), and their colours (n, 3, 1, 1)."""

    def __init__(self, hair, clothes, face_shape, pose, skin_tone, **binary):
        self.hair, self.clothes, self.pose = hair, clothes, pose
        self.skin = LIGHT + skin_tone[:, None] * (DARK - LIGHT)
        self.x, self.y = 16, 17  # the head's middle
        self.width, self.height = 8.6 - 1.1 * face_shape, 9.4 + 0.9 * face_shape  # its half axes
        self.eyes_y, self.mouth_y = self.y - 1, self.y + 0.57 * self.height
        self.head = _ellipse(self.x, self.y, self.width, self.height)
        vars(self).update(binary)

    def turned(self, u: float, depth: float = 1.0):
        """x of what sits u·width beside the middle of a head seen from the front; `depth` 1 is its surface."""
        sin = 0.33 * self.pose
        return self.x + self.width * (u * np.sqrt(1 - sin * sin) + depth * math.sqrt(1 - u * u) * sin)


def _body(f):
    yield _ellipse(f.x, 38, 13, 9.5), f.clothes, 1
    for side in (-1, 1):
        yield _ellipse(f.x + side * (f.width + 0.1) - 0.6 * f.pose, f.y + 0.5, 1.9, 2.3), 0.92 * f.skin, 1


def _long_hair(f):
    yield _box(f.x, 19, f.width + 2.4, 11, 8.5), 0.88 * f.hair, f.long_hair
    yield _box(f.x, 26.5, 3.2, 4.5, 3), 0.86 * f.skin, 1  # the neck, between the strands


def _head(f):
    yield f.head, f.skin, 1
    for side in (-0.68, 0.68):
        yield np.maximum(_ellipse(f.turned(side), f.y + 2.8, 1.9, 1.5), f.head), BLUSH, 0.35


def _beard(f):
    jaw = _ellipse(f.x, f.y + 1.8, f.width + 0.3, f.height + 1.4)
    cheeks = _ellipse(f.turned(0), f.y - 4, 0.92 * f.width, 6.2)
    lips = _ellipse(f.turned(0), f.mouth_y + 0.5, 3.7, 1.7)
    yield np.maximum(jaw, -np.minimum(cheeks, lips)), SHADE * f.hair, f.beard


def _hair(f):
    crown = _ellipse(f.x, f.y - 1, f.width + 1, f.height + 0.6)
    forehead = _ellipse(f.turned(0), f.y + 4, 0.95 * f.width, f.height + 0.6)
    yield np.maximum(np.maximum(crown, -forehead), Y - f.y), f.hair, 1


def _eyes(f):
    for side in (-0.41, 0.41):
        yield np.maximum(_ellipse(f.turned(side), f.eyes_y, 1.9, 2), f.head), WHITE, 1
        yield _ellipse(f.turned(side) + 0.6 * f.pose, f.eyes_y + 0.1, 1.2, 1.5), BLACK, 1
    yield _box(f.turned(0, depth=1.12), f.y + 1.6, 0.9, 0.8, 0.7), 0.8 * f.skin, 1  # the nose


def _mouth(f):
    laugh = np.maximum(_ellipse(f.turned(0), f.mouth_y - 1, 3.8, 3.4), f.mouth_y - 1 - Y)
    yield laugh, RED, f.smile
    yield np.maximum(laugh, Y - f.mouth_y - 0.4), WHITE, f.smile  # the teeth
    yield _arc(f.turned(0), f.mouth_y, 2.8, 0.14, 0.6), RED, 1 - f.smile


def _glasses(f):
    left, right = (_ellipse(f.turned(side), f.eyes_y, 3.2, 3.1) for side in (-0.41, 0.41))
    yield np.minimum(left, right), LENS, 0.35 * f.glasses
    yield np.minimum(np.abs(left), np.abs(right)) - 0.6, BLACK, f.glasses


def _hat(f):
    brim_y = f.y - 6.6
    yield _ellipse(f.x, 3, 2, 2), WHITE, f.hat
    yield np.maximum(_ellipse(f.x, brim_y, f.width + 1.2, 6.4), Y - brim_y), f.clothes, f.hat
    yield _box(f.x, brim_y, f.width + 1.6, 1.6, 1.4), 0.5 * (f.clothes + WHITE), f.hat


# ------------------------------------------------------------------ shapes: signed distances at the pixels' centres
Y, X = (centre.astype(np.float32) for centre in np.ogrid[0.5:SIZE, 0.5:SIZE])  # (32, 1), (1, 32)


def _ellipse(x, y, a, b):
    """Half axes a and b. Near the outline r = 1 of r = √(u² + v²) the distance is (r − 1) / |∇r|."""
    u, v = (X - x) / a, (Y - y) / b
    r = np.sqrt(u * u + v * v + 1e-9)
    return (r - 1) * r / np.sqrt((u / a) ** 2 + (v / b) ** 2 + 1e-9)


def _box(x, y, a, b, radius):
    """Half sides a and b, corners rounded by `radius`."""
    u, v = np.abs(X - x) - a + radius, np.abs(Y - y) - b + radius
    return np.sqrt(np.maximum(u, 0) ** 2 + np.maximum(v, 0) ** 2) + np.minimum(np.maximum(u, v), 0) - radius


def _arc(x, y, a, bend, half_thickness):
    """A stroke along y + bend·(X − x)², from x − a to x + a."""
    u = X - x
    return np.maximum(np.abs(Y - y - bend * u * u) - half_thickness, np.abs(u) - a)
