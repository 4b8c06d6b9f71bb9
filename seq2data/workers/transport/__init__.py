"""How arrays cross from where they are read to the training process.

    protocol      what each transport offers: a writer's half and a reader's half
    segments      shared memory, between processes
    heap          plain memory, between threads
    layout        places the arrays of batches in the memory of any transport
    runs          describes where they lie
    memory_files  files in memory without a name

To add a transport, read `protocol` and `heap`, write one file with a `Transport`, and
pass it to the pool. `tests/workers/transport/test_protocol.py` holds it to the rules.
"""
