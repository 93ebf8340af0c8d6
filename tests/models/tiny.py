"""Options with which each model trains in a second or two: name -> options."""

TINY = {
    "char_rnn": ["--characters", "3000", "--hidden", "8", "--length", "10", "--batch", "4", "--steps", "6"],
}
