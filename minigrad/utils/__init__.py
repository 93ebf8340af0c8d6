"""Helpers around training: `minigrad.utils.data` cuts data sets into batches."""

from . import data
