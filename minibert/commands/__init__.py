"""The command `minibert`, one file a command; `main` runs the one that `line` finds, `arguments` and `output` are shared.

Commands import whatever they need, `viz` only inside the functions that draw; nothing imports a command.
"""
