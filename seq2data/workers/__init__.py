"""Stage 3 of 5: reads batches, in processes, in threads or in the caller's thread.

`seq2data/README.md` has a table of every wait of the training process.
"""
