"""The command `minibert`, one file per command; `main` runs what `line` understood, the other files are shared.

Commands import whatever they need, `viz` only inside the functions that draw; nothing imports a command.
"""
