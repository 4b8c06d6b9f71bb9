"""Stage 3 of 5: reads batches, in processes or in threads.

protocol        what every kind of worker offers: the `Pool`, and its rules
task            what a pool is asked for, and what comes back
read_task       reads the batches of a task, in any process or thread
processes/      worker processes, as the training process sees them
child/          what runs in the fork server and in the workers
wire/           what crosses between the processes
transport/      the memory in which arrays cross
payload/        what is sent: the source, and with it
program_state/  the state of the program
threads/        readers in threads of the training process
system/         what the operating system has, allows and reports
failures        describes failures of workers, and makes the errors that they become
fault           tells faults of seq2data from exceptions of user code

`seq2data/README.md` has a drawing, and a table of every wait of the training process.
"""
