"""Where the words stand that programs, kernels and threads share. All are int64."""

INSTRUCTION = 4
"""Words of an instruction: the address of a kernel, the address of its block, how many rows there are, how many make a
chunk."""

STATUS_WORD, STEP_WORD, WORKERS_WORD, ZERO_WORD, KEPT_WORD, ONE_WORD = range(6)
STATE = (0, 0, 0, 0, 0, 1)
"""The words of a program's state, and what they are at first: whether data were refused, the step, where the words shared
with the workers lie (0: there are none), 0, whether leaves have been kept aside in this run, 1."""

RUN_PROGRAM, RUN_COUNT, RUN_STATUS, RUN_STEP, RUN_WORKERS = range(5)
"""The block of `run`: addresses of the program, of the status and of the step, how many instructions there are, and where
the words shared with the workers lie (0: there are none)."""

REPEAT = 7
REPEAT_PROGRAM, REPEAT_COUNT, REPEAT_TURNS, REPEAT_STATUS, REPEAT_TABLE, REPEAT_MOVING, REPEAT_WORKERS = range(REPEAT)
"""The block of `repeat`: address of the program, how many instructions, how many turns, addresses of the status and of the
table, its rows, address of the word that holds where the words shared with the workers lie."""
MOVING = 3
"""Words of a row of that table: address of a word, what it is at the first turn, what is added for the next."""

FINISHING = 3
"""Words that `finish` has for each nest, after their number: its address, its block's, how many of its rows belong to one
row of the kernel's."""

TICKET, JOB, DONE, ACTIVE, SHARED = 0, 8, 16, 24, 32
"""Where the shared words of the workers stand, each on a cache line of its own: the ticket (number of the job · 2³², plus
the next chunk), the job (kernel, block, rows, chunk, chunks), chunks done, how many helpers may take part in the program
that is running (0: none is running); and how many words there are."""
