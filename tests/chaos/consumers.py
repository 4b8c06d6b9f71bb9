"""How a program reads its dataset: Python text for each way.

The text runs in `consume()`, where `dataset` is there; `tell` reports each batch.
"""

from __future__ import annotations

_EACH_PASS = "for number in range({epochs}):\n    for batch in {dataset}:\n        "
_TELL = "tell(number=number, batch=describe(batch))\n"
CONSUMERS = {
    "loop": _EACH_PASS.format(epochs="EPOCHS", dataset="dataset") + _TELL,
    "prefetch": _EACH_PASS.format(epochs="EPOCHS", dataset="dataset.prefetch(2)")
    + _TELL,
    "take": _EACH_PASS.format(epochs="EPOCHS", dataset="dataset.take(STOP)") + _TELL,
    "break": """\
for number in range(EPOCHS):
    for count, batch in enumerate(dataset, 1):
        tell(number=number, batch=describe(batch))
        if number == 0 and count == STOP:
            break
""",
    "leaves": """\
for number in range(EPOCHS):
    for count, batch in enumerate(dataset, 1):
        tell(number=number, batch=describe(batch))
        if count == STOP:
            sys.exit(LEAVES)
""",
    "two iterators": """\
iterators = {number: iter(dataset) for number in range(2)}
while iterators:
    for number, iterator in list(iterators.items()):
        batch = next(iterator, None)
        if batch is None:
            del iterators[number]
        else:
            tell(number=number, batch=describe(batch))
""",
    "made again": """\
for number in range(EPOCHS):
    for batch in dataset:
        tell(number=number, batch=describe(batch))
    del batch, dataset
    gc.collect()
    dataset = make()
""",
    "thread": """\
errors = []

def run():
    try:
        for number in range(EPOCHS):
            for batch in dataset:
                tell(number=number, batch=describe(batch))
    except BaseException as error:
        errors.append(error)

thread = threading.Thread(target=run)
thread.start()
thread.join()
if errors:
    raise errors[0]
""",
    "fit": """\
from tensorflow import keras

class Recorder(keras.Model):
    def __init__(self):
        super().__init__()
        self.number = -1
        self.dense = keras.layers.Dense(1)

    def call(self, x, training=False):
        return self.dense(x)

    def train_step(self, data):
        tell(number=self.number, batch=describe(data))
        return {"loss": 0.0}

class Count(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        model.number = epoch

model = Recorder()
model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
model(np.zeros(WIDTH, np.float32))
model.fit(dataset, epochs=EPOCHS, verbose=0, callbacks=[Count()])
""",
}
