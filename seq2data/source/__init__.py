"""Stage 1 of 5: what the user has, behind one surface: `read(index)` gives a batch."""
