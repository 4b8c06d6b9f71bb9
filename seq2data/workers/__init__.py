"""Stage 3 of 5: reads batches, in processes, in threads or in the caller's thread.

Every wait of the parent, and what ends it:

    dispatcher.py Dispatcher._step       an answer, a death, a new task, close; or after
                                         1 s while workers are at work
    dispatcher.py Dispatcher.close       the dispatcher's end, whose own waits are the
                                         one above and the next one
    limits.py start_thread               the thread's first line; or after 0.1 s, to see
                                         whether it has ended before
    fork_server_handle.py ForkServerHandle.close
                                         the fork server's end; after 2 s it is killed
    stacks.py _read; readable.py wait_readable
                                         the stacks of another process, its death; or
                                         after 1 s
    channel.py Channel.send              room in the socket, which holds more than is
                                         ever on its way to a worker or the fork server
    threads.py ThreadPool._run           (a thread of ours) a task, close
    threads.py FirstTask.enter; seeded_reader.py _Generators.together, _Generators.alone
                                         (a thread of ours) the end of other threads'
                                         user code, which the next wait reports
    pipeline/task_wait.py _result         the batch, or the error that a death or close
                                         becomes; or after 0.2 s, to see whether there
                                         was Ctrl-C, whether `timeout` is over, whether
                                         it is time for a warning, and to let TensorFlow
                                         see whether its iterator was deleted
"""
