"""Data sets as NumPy arrays.

`digits` comes with the package, `mnist` reads the full set from a folder, and `image_folder` any images. `faces` draws
cartoon faces with known attributes; `mixtures` are distributions in the plane that GANs are tried on. `text` has
stories from a grammar of known entropy, `sequences` tasks in which what came long before decides.

Nothing here downloads by itself: ``python -m minigrad.data`` fetches MNIST when it is asked to (`fetch.py`).
"""

from . import mixtures
from .faces import draw_faces, faces
from .images import image_folder
from .mnist_files import digits, mnist
from .sequences import adding_problem, copy_memory, country_to_language, first_token_recall
from .text import STORIES, Characters, Grammar, read_text, streams
