"""The command `minibert`, one file per command: each parses, calls and prints.

begin      the installed command, which looks for the package
main       from the first moment to the exit status
line       the commands, their parser, and its errors
arguments  arguments that several commands share
foreign    whether `minibert` and `viz` are those of this distribution
answers    what the commands share that answer one sentence after another
output     JSON, and folders named after what they are of

Commands import whatever they need; nothing imports a command.
"""
