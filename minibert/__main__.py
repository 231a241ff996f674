"""`python -m minibert` is the command `minibert`."""

from minibert.commands.main import main

main()
