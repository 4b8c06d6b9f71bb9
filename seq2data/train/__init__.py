"""Stage 5 of 5: trains models of Keras 2 and Keras 3 on what the pipeline reads.

generator_methods     `fit_generator`, `evaluate_generator`, `predict_generator`
argument_names        the argument names of Keras 1
fit_evaluate_predict  calls `fit`, `evaluate` or `predict` with a source's dataset
keras_call            one such call: the errors of its datasets, its line in the log
source_opener         makes the datasets of a call
legacy_sources        which sources are read here, and which by Keras
steps                 what a number of steps means for a dataset
generator_steps       the same for generators, which continue where they stopped
step_counts           numbers of steps and epochs, as ints
shuffling             orders of batches from the `random` module
batch_shapes          which dimensions of batches may vary
floatx                floats of batches in Keras's own precision
output_nesting        labels and sample weights nested as a model's outputs
class_weights         `class_weight` as weights of samples
metrics_names         the values of `evaluate` in Keras 2's order
enqueuers             `OrderedEnqueuer` and `GeneratorEnqueuer`
enqueuer_queue        their attribute `queue`
keras_versions        tells Keras 3 from Keras 2
patching              restores what Keras 3 has removed
"""
