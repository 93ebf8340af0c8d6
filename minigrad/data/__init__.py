"""Data sets as NumPy arrays. `digits` comes with the package; `mnist` reads the full set from a folder.

Nothing here downloads by itself: ``python -m minigrad.data`` fetches MNIST when it is asked to (`fetch.py`).
"""

from .mnist_files import digits, mnist
