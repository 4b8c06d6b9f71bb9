"""What batches may be: Python text that makes batch `index`, for program and oracle."""

from __future__ import annotations

DTYPES = (
    *("float32", "float64", "float16", "int64", "int32", "uint8", "bool", "complex64"),
)
SIZES = {"tiny": (4, 3), "200 kB": (500, 100), "5 MB": (1250, 1000)}
LAYOUTS = {
    "C": "array",
    "Fortran": "np.asfortranarray(array)",
    "reversed": "array[::-1]",
    "strided": "np.repeat(array, 2, axis=1)[:, ::2]",
}
# Ragged: a dimension in which the first and the last batch agree would be the spec's.
STRUCTURES = {
    "array": "x",
    "pair": "(x, y)",
    "list": "[x, y]",
    "dict": "{'y': y, 'x': x}",
    "nested": "({'a': x, 'b': (y, x[:2])}, y)",
    "namedtuple": "Sample(x, y)",
    "text": "(x, np.array(['text %d \\u00e9' % k for k in range(index, index + 4)]))",
    "number": "index",
    "numbers": "{'index': index, 'half': index / 2, 'scalar': np.float32(index)}",
    "ragged": "(x[: 1 + index % 3, : 2 + index % 2 if index else 1], y[index % 2 :])",
}

_TEXT = """
Sample = collections.namedtuple("Sample", "x y")

EXTRA = 0


def batch_of(index):
    values = np.random.RandomState({offset} + index).randint(0, 100, {shape})
    array = values.astype("{dtype}")
    x = {layout}
    y = np.arange(4) + index * index + EXTRA
    return {structure}
"""

# In the program it gets tensors, in the oracle what plain indexing gives.
DESCRIBE = '''
def describe(batch):
    """The batch's structure, and of each leaf the dtype, shape and a digest."""
    if isinstance(batch, dict):
        return {key: describe(batch[key]) for key in sorted(batch)}
    if isinstance(batch, (tuple, list)):
        kind = type(batch).__name__ if hasattr(batch, "_fields") else "tuple"
        return [kind, *map(describe, batch)]
    array = np.asarray(batch.numpy() if hasattr(batch, "numpy") else batch)
    if array.dtype.kind in "OSU":
        texts = [t.encode() if isinstance(t, str) else bytes(t) for t in array.ravel()]
        return ["text", list(array.shape), [text.decode() for text in texts]]
    data = np.ascontiguousarray(array).tobytes()
    return [array.dtype.str, list(array.shape), hashlib.sha1(data).hexdigest()[:12]]
'''


def batches_text(
    structure: str, size: str, dtype: str, layout: str, offset: int
) -> str:
    """Python text that defines `batch_of(index)`; it needs `np` and `collections`."""
    return _TEXT.format(
        offset=offset,
        shape=SIZES[size],
        dtype=dtype,
        layout=LAYOUTS[layout],
        structure=STRUCTURES[structure],
    )
