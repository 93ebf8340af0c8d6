"""Options with which each model trains in a second or two: name -> options."""

TINY = {
    "classifier": ["--batch", "2000", "--epochs", "1"],
}
