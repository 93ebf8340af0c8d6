"""What tests and homework share; ``pip install minigrad[test]``. `strategies` makes random inputs for Hypothesis."""
