"""A user's package, whose globals the tests set as a main program would."""
