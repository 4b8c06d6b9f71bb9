"""Stage 5 of 5: trains Keras models, of any Keras, on what the pipeline reads.

feeding   the dataset of a legacy source, with Keras 2's meaning of its steps
call      what a call's datasets raised comes out as what it was; its line in the log
counts    numbers of steps and epochs, as ints
floats    batches in Keras's own precision
sizes     which dimensions of batches may vary
weights   `class_weight`, for what Keras has no support for
loops     `fit` is called with that dataset
methods   `fit_generator` and its kin
enqueuers `OrderedEnqueuer` and `GeneratorEnqueuer`
spellings argument names of Keras 1
removed   puts these and other names that Keras 3 took away back into its modules
patch     puts the methods, and the arguments that Keras 3 took away, back on `Model`
"""
