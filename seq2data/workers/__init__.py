"""Stage 3 of 4: reads batches in worker processes or threads."""
