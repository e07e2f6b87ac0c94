"""What seedbed's speed is worth: measured against its peers, in one sitting, on the machine at hand.

    python -m bench                       # everything, into docs/benchmarks/speed.md
    python -m bench --case lone --repeats 5
    python -m bench --quick               # a look at whether the bench itself works

A *case* asks one question, a *contender* is one way to train the same networks (ours, or a peer at one of its best), and a
*race* measures contenders in turns: A B C, A B C, ... Peers need the extra `[bench]`; those that are missing are named.
"""
