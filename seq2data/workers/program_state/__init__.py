"""Sends what the program has set to the workers; `state` has the list of its parts."""
