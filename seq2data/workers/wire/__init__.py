"""What crosses between the processes.

messages  the messages
channel   sends and receives them, with file descriptors, over a socket
recall    recalls tasks that a worker has not begun
stacks    gets the Python stacks of another process
"""
