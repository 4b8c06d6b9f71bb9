"""Where seq2data does something else than a legacy Keras, and why.

Every difference between a recorded trace and what seq2data owes (`trace_oracle`) is one
of these, and each of these is in the traces.
"""

from __future__ import annotations

from tests.train.known_differences_in_reading import READING
from tests.train.trace_differences import ALL, KERAS, TF, TF_24, TF_215, Known, first_of

KNOWN = [
    *READING,
    # Generators.
    Known(
        TF_215,
        "validated",
        "validation-generator-w?",
        "nothing is lost between validations; tf.keras drops what it has read ahead",
    ),
    Known(
        TF_24,
        "validated",
        "validation-generator-w1",
        "nothing is lost between validations; tf.keras drops what it has read ahead",
    ),
    Known(
        ALL,
        "outcome",
        "finite-two-epochs-w1",
        "an epoch that begins at the end of a generator is an error; in tf.keras it "
        "has no batches, and Keras 2.3 wants steps",
    ),
    Known(
        TF,
        "outcome",
        "runs-out-*",
        "a generator that ends before its steps is an error with Keras 3; tf.keras and "
        "Keras 2 train no further",
        kerases=(3,),
    ),
    Known(
        KERAS,
        "outcome",
        "runs-out-*",
        "data that run out are a SourceError with Keras 3, and end the training with "
        "Keras 2; Keras 2.3 lets the StopIteration out",
    ),
    Known(
        KERAS,
        "outcome",
        "evaluate-runs-out-w1",
        "data that run out end the evaluation; Keras 2.3 lets the StopIteration out",
    ),
    Known(
        KERAS,
        "outcome",
        "finite-w1",
        "a generator without steps is read to its end; Keras 2.3 wants steps",
    ),
    Known(
        KERAS,
        "outcome",
        "iterator-fit-w0",
        "any iterator is read; `fit` of Keras 2.3 takes generators only",
    ),
    Known(
        ALL,
        "outcome",
        "validation-finite-w1",
        "a validation on a generator needs steps: SourceError; Keras 2.3 has a "
        "ValueError, and in tf.keras the second validation has no batches",
    ),
    Known(
        ALL,
        "outcome",
        "validation-runs-out-w1",
        "a generator that ends inside a validation is a SourceError; in tf.keras that "
        "validation is short and there is no other, and Keras 2.3 lets the "
        "StopIteration out",
    ),
    # Weights and structures.
    Known(
        TF,
        "outcome",
        "class-weight-outputs-w1",
        "several outputs may have class weights; tf.keras refuses",
    ),
    Known(
        TF_215,
        "outcome",
        "both-weights-w1",
        "weights of classes and of samples multiply; tf.keras 2.15 fails on both",
    ),
    Known(
        TF_24,
        "outcome",
        "list-of-x-and-y-w1",
        "a list of x and y is as good as a tuple; to tf.keras 2.4 all of it is x",
    ),
    # Losses of validations.
    Known(
        KERAS,
        "history",
        "validation-w? validation-t2 validation-p2 validation-fit-w1 "
        "validation-equal-steps-w1 validation-generator-w? generator-validation-w1 "
        "fewer-steps-validation-w1 lists-validation-w1 "
        "early-stopping-validation-w1",
        "the mean of all batches; Keras 2.3 has the last one's (keras#13469)",
    ),
    Known(
        KERAS,
        "history",
        "validation-freq-w1 validation-epochs-w1 initial-epoch-fit-w1",
        "the mean of all batches, and in epochs with a validation only; Keras 2.3 "
        "has the last batch's, and repeats it",
    ),
    Known(
        KERAS,
        "result",
        "evaluate-w? evaluate-t2 evaluate-*-steps-* evaluate-generator-w1",
        "the mean of all batches; Keras 2.3 has the last one's (keras#13469)",
    ),
    Known(
        KERAS,
        "callbacks",
        "arrays-*",
        "`fit` makes validation batches of 32 samples; Keras 2.3 has the training's",
    ),
    Known(
        KERAS,
        "validated validation_hooks",
        "stop-in-epoch-validation-w1",
        "an epoch that is stopped is validated, as in tf.keras; not in Keras 2.3",
    ),
    # What goes wrong.
    Known(
        TF,
        "outcome",
        "raises-*",
        "the source's own exception comes out; in tf.keras an UnknownError",
    ),
    Known(
        KERAS,
        "warnings",
        "worker-dies-p2",
        "a worker is replaced at once and nobody need know; Keras 2.3 waits for 30 s, "
        "says so, and reads the batch itself",
    ),
    Known(
        TF,
        "outcome",
        "worker-dies-p2",
        "a dead worker's batch is read again; tf.keras waits for it for ever",
    ),
    Known(
        ALL,
        "outcome",
        "empty-w1",
        "an empty source is a SourceError; tf.keras has a ValueError, and Keras 2.3 "
        "trains on nothing",
    ),
    Known(
        TF,
        "warnings",
        "*",
        "tf.keras calls `fit_generator` and its kin deprecated",
        only=lambda program: program.call.endswith("_generator"),
    ),
]


def known_fields(system: str, name: str, is_keras_3: bool) -> set[str]:
    """The fields in which the trace of a program is known to differ."""
    return first_of(
        {
            field
            for known in KNOWN
            if system in known.systems
            and name in known.names
            and (3 if is_keras_3 else 2) in known.kerases
            for field in known.fields.split()
        }
    )
