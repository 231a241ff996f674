"""The command `minibert`, from its first moment to its last: a message and an exit status for whatever goes wrong.

    0    all went well
    1    `exercises check` found something that is not right yet
    2    what the user gave is wrong, or a file cannot be read or written: one line says what, and what to do
    70   a fault of minibert: a traceback, and a line that asks for a report
    130  Ctrl-C

Nothing is imported before `main` runs, so that Ctrl-C is heard from the beginning.
"""

import sys

TYPE_CHECKING = False  # as in `typing`, which would have to be imported
if TYPE_CHECKING:
    from collections.abc import Sequence

FAULT = "this is a fault of minibert, not yours; please report it with the lines above and the command that you gave"


def main(arguments: "Sequence[str] | None" = None) -> None:
    """Run one command. Exits with a status other than 0 where something goes wrong."""
    try:
        from minibert.commands.foreign import foreign_package

        if message := foreign_package():
            leave(2, message)
        from minibert.commands.line import parse
        from minibert.terminal import print_anything

        print_anything()
        args = parse(sys.argv[1:] if arguments is None else arguments)
        import numpy as np

        with np.errstate(all="ignore"):  # a caller may have set it otherwise for its own arithmetic
            args.run(args)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # `minibert ... | head` closed the pipe: nothing is wrong
        sys.stderr.close()
    except KeyboardInterrupt as end:
        leave(130, f"interrupted{end}")
    except MemoryError:
        leave(2, "there is not enough memory for this; give fewer or shorter sentences, or a smaller model")
    except Exception as error:
        if message := what_to_mend(error):
            leave(2, message)
        import traceback

        if sys.stderr is not None:
            traceback.print_exc()
        leave(70, FAULT)


def what_to_mend(error: Exception) -> str:
    """One line, where the user can mend it: a UserError, data that viz cannot draw, or a file. Otherwise ""."""
    from minibert.errors import LineError, UserError
    from minibert.files import UNWRITABLE
    from minibert.terminal import printable
    from viz.errors import InputError

    if isinstance(error, OSError) and error.strerror:
        # whoever writes a file puts its name into the error (`viz.files.naming`), so it is none of these
        nameless = "standard output" if error.errno in UNWRITABLE else "the operating system reports"
        name = nameless if error.filename is None else str(error.filename)
        text = f"{name if len(name) <= 200 else name[:200] + '...'}: {error.strerror}"
    elif isinstance(error, UserError | InputError):
        text = str(error)
    else:
        return ""
    if isinstance(error, LineError):
        text += "; mend it, or go on without such lines by --skip-bad"
    return printable(" ".join(text.split()))


def leave(status: int, message: str) -> None:
    """Exit with this status, and the message on standard error."""
    if sys.stderr is not None:
        print(f"minibert: {message}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
