"""Stage 2 of 5: which batches a pass reads, in which order, with which random state."""
