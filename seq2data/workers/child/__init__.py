"""What runs in the fork server and in the workers.

command       starts fresh interpreters, which begin in
fork_server   loads the source once and forks the workers
worker        the main loop of a worker
first_read    finds out what the first read of a source changes
sendable      finds batches that cannot be sent
file_offsets  gives a fork its own positions in open files
parent_death  makes processes die with their parents
exit          ends a process, in order or with an exception
"""
