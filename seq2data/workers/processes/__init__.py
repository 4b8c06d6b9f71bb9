"""Worker processes, as the training process sees them.

`pool` is what the pipeline uses. `dispatcher` is the one thread behind it, with an
`event_loop`, and with a file for each of its parts: its docstring lists them.
"""
