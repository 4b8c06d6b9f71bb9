"""How legacy pipelines hang, lose data or leak, and what must happen instead.

One scenario per file. A scenario is a program: `ours` reads the user's code through
seq2data, `legacy` feeds the same code to the Keras that is installed. Both run in
processes of their own, see `program.py`.
"""
