"""What tests and homework share; ``pip install minigrad[test]``.

`strategies` makes random inputs for Hypothesis. `check_op` checks all that is promised of an op. `fake_device` stands
in for CuPy, and `on_device` runs a function of Tensors on it and on the host.
"""
