"""Stage 1 of 5: gives all that the user may pass one method: `read(index)` of a batch.

adapt            finds the class below that fits the user's object
indexable        Sequences and lists
generator        generators, iterators and functions that make them
image_iterators  Keras's `flow` and `flow_from_directory`
objects          batches of any objects, for the enqueuers
keras_batches    batches as Keras 2 understands them
structure        a batch as flat arrays and its nesting
records          namedtuples, dataclasses and `attrs` objects in batches
spec             shapes and dtypes that all batches must have
casts            casts that change no value which a model sees
own_code         tells a source's own code from the program that uses the source
user_modules     tells the user's modules from installed ones
fingerprint      the attributes of a source at one moment
wrapped          classes that `wrap` was called with
"""
