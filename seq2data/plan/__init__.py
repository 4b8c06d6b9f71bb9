"""Stage 2 of 5: which batches an epoch reads, in which order, with which random state.

epochs            the number and the order of each epoch
permutation       orders of more batches than fit into memory
chunks            how many batches a worker reads at a time
seeds             seeds the global generators for each batch
generator_kinds   what seq2data can do with each kind of generator
generator_walk    finds the generators that a source has of its own
object_parts      what is inside of an object: the steps of that search
own_generators    seeds those generators for each batch
mersenne_twister  finds out whether a `random.Random` was given a seed
"""
