"""The command `minibert`, from its first moment to its last: one line and an exit status for whatever goes wrong.

Nothing is imported before `main` runs, so that Ctrl-C is heard from the beginning.
"""

import sys

TYPE_CHECKING = False  # as in `typing`, which would have to be imported
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: "Sequence[str] | None" = None) -> None:
    """Run one command; exit status 2 and one line on standard error where something is wrong with what it was given."""
    status, message = 0, ""
    try:
        from minibert.commands.line import parse
        from minibert.terminal import print_anything

        print_anything()
        args = parse(sys.argv[1:] if arguments is None else arguments)
        import numpy as np

        with np.errstate(all="ignore"):  # what a caller has set for its own arithmetic is not about ours
            args.run(args)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # `minibert ... | head` closed the pipe: nothing is wrong, and nothing more to say
        sys.stderr.close()
    except KeyboardInterrupt as end:
        status, message = 130, f"interrupted{end}"
    except (ValueError, OSError) as error:
        status, message = 2, in_a_line(error)
    except MemoryError:
        status, message = 2, "there is not enough memory for this; give fewer or shorter sentences, or a smaller model"
    if status:
        if sys.stderr is not None:
            print(f"minibert: {message}", file=sys.stderr)
        sys.exit(status)


def in_a_line(error: Exception) -> str:
    """What is wrong, in one line; characters that would do something to a terminal are written out."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        name = "standard output" if error.filename is None else str(error.filename)
        text = f"{name if len(name) <= 200 else name[:200] + '...'}: {error.strerror}"
    text = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


if __name__ == "__main__":
    main()
