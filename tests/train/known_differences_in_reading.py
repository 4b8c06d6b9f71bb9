"""Where seq2data reads other batches than a legacy Keras, or in another order, and why.

The other known differences are in `known_differences`.
"""

from __future__ import annotations

from tests.train.trace_differences import KERAS, TF, TF_24, TF_215, Known

READING = [
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
]
