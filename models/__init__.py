"""Hand-built models, one file each. ``python -m models`` lists them, ``python -m models NAME`` trains one."""
