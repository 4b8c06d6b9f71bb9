"""Where seq2data does something else than a legacy Keras, and why.

Every difference between a recorded trace and what seq2data owes (`trace_oracle`) is one
of these, and each of these is in the traces.
"""

from __future__ import annotations

from tests.train.trace_differences import Known, first_of

KERAS = ("keras-2.3.1",)
TF_24 = ("tf.keras-2.4",)
TF_215 = ("tf.keras-2.15",)
TF = TF_24 + TF_215
ALL = KERAS + TF

KNOWN = [
    # Steps.
    Known(
        TF,
        "trained hooks",
        "fewer-steps-* shuffle-fewer-steps-* shifting-fewer-steps-*",
        "an epoch goes on where the last one stopped, in tf.keras each begins anew, "
        "never sees the tail, and calls `on_epoch_end` as if it had",
    ),
    Known(
        TF,
        "trained hooks",
        "more-steps-*",
        "a Sequence that ends begins anew, whatever the workers; in tf.keras the "
        "training stops, or each epoch begins anew where there are workers",
    ),
    Known(
        TF,
        "validated validation_hooks",
        "validation-more-steps-w1",
        "a Sequence that ends begins anew; in tf.keras the data run out",
    ),
    Known(
        TF,
        "validated",
        "evaluate-more-steps-w1",
        "a Sequence that ends begins anew; in tf.keras the data run out",
    ),
    Known(
        TF,
        "callbacks",
        "predict-more-steps-w1",
        "a Sequence that ends begins anew; in tf.keras the data run out",
    ),
    Known(
        TF,
        "warnings",
        "more-steps-w? more-steps-fit-w1 validation-more-steps-w1 "
        "evaluate-more-steps-w1 predict-more-steps-w1",
        "a Sequence that begins anew does not run out",
    ),
    Known(
        TF,
        "hooks",
        "evaluate-fewer-steps-w1 predict-fewer-steps-w1",
        "`on_epoch_end` is not called for a pass that is given up",
    ),
    Known(
        TF,
        "validation_hooks",
        "validation-fewer-steps-*",
        "`on_epoch_end` is not called for a pass that is given up",
    ),
    Known(
        KERAS,
        "validated",
        "validation-fewer-steps-* validation-more-steps-*",
        "each validation begins at the first batch, in Keras 2.3 it goes on",
    ),
    Known(
        KERAS,
        "validation_hooks",
        "validation-fewer-steps-w1 validation-fewer-steps-t2 validation-more-steps-*",
        "follows from where a validation begins",
    ),
    # `on_epoch_end`.
    Known(
        TF,
        "hooks",
        "*-t2 *-p2",
        "once per pass; tf.keras calls it in the main thread, and in the enqueuer's as "
        "well (tensorflow#45962)",
    ),
    Known(
        TF,
        "validation_hooks",
        "validation-t2 validation-p2 validation-more-steps-t2",
        "the same of a validation",
    ),
    Known(
        TF,
        "trained",
        "shifting-t2 shifting-p2",
        "the second call of `on_epoch_end` changes the data once more",
    ),
    Known(
        TF,
        "hooks",
        "early-stopping-*",
        "called for the last pass, too, which is complete; tf.keras leaves before",
    ),
    Known(
        KERAS,
        "hooks",
        "early-stopping-w0",
        "called for the last pass, too; without workers Keras 2.3 leaves before",
    ),
    Known(
        KERAS,
        "hooks",
        "fewer-steps-w0 more-steps-w0",
        "once per pass; without workers Keras 2.3 has it once per epoch",
    ),
    Known(
        KERAS,
        "hooks",
        "evaluate-w0 predict-w0",
        "once per pass; without workers Keras 2.3 forgets it",
    ),
    Known(
        KERAS,
        "validation_hooks",
        "validation-w0",
        "once per pass; without workers Keras 2.3 forgets it",
    ),
    # Order and reads.
    Known(
        KERAS,
        "trained",
        "shuffle-w0",
        "shuffled whatever the workers; Keras 2.3 does not without (keras#12927)",
    ),
    Known(
        TF,
        "trained",
        "shuffle-t2 shuffle-p2",
        "the same order whatever the workers; in tf.keras enqueuers draw the order of "
        "a pass that never comes",
    ),
    Known(
        TF,
        "reads",
        "*",
        "each batch is read once; tf.keras looks at the first one in vain, and with "
        "workers reads a pass that never comes",
        only=lambda program: program.has_counted_reads,
    ),
    Known(
        KERAS,
        "reads",
        "*",
        "each batch is read once; Keras 2.3 reads a pass that never comes",
        only=lambda program: program.has_counted_reads and program.workers > 0,
    ),
    # A length that changes.
    Known(
        KERAS + TF_215,
        "trained hooks",
        "growing-*",
        "Keras 3 asks a dataset for its length once per fit; the legacy systems asked "
        "the Sequence before each epoch, as seq2data does on Keras 2",
        kerases=(3,),
    ),
    Known(
        TF_24,
        "hooks",
        "growing-*",
        "`on_epoch_end` is not called for a pass that is given up",
        kerases=(3,),
    ),
    Known(
        TF_24,
        "trained",
        "growing-*",
        "an epoch has the length of the source; tf.keras 2.4 asks for it once per fit",
        kerases=(2,),
    ),
    Known(
        TF_24,
        "trained hooks",
        "shrinking-w1",
        "an epoch has the length of the source; tf.keras 2.4 asks for it once per fit",
        kerases=(2,),
    ),
    Known(
        TF_215,
        "trained",
        "growing-t2",
        "the second call of `on_epoch_end` changes the length once more",
        kerases=(2,),
    ),
    Known(
        TF_24,
        "warnings",
        "shrinking-w1",
        "nothing runs out where an epoch is as long as the source",
        kerases=(2,),
    ),
    Known(
        TF_24,
        "trained hooks",
        "shrinking-w1",
        "tf.keras 2.4 stops when there are fewer batches, Keras 3 goes on",
        kerases=(3,),
    ),
    Known(
        KERAS,
        "warnings",
        "shrinking-w1",
        "Keras 3 warns of a dataset that has fewer batches than the epoch before",
        kerases=(3,),
    ),
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
