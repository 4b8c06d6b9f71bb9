"""Stage 2 of 4: which batches a pass reads, in which order, with which random state."""
