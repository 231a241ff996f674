"""Messages about code that does not run: at import, or when its function is called."""

from minibert.exercises.course.exercise import Case, Function
from minibert.exercises.judge.report import failed
from minibert.exercises.text import Text, joined, lines, t

ADVICE = {
    ("'tuple' object has no attribute", "tuple indices must be"): (
        "A function that returns two things gave both under one name: hidden, parts = encoder_layer(...) takes them "
        "apart."
    ),
    ("'list' object has no attribute",): (
        "A list of arrays is no array yet: np.concatenate lays them end to end, np.stack makes a new axis of them."
    ),
    ("list indices must be integers",): (
        "A list is asked for a word, as only a dict can be. self_attention gives a list, one dict per sentence: "
        '[part["context"] for part in parts] takes one thing out of each.'
    ),
    ("'str' object is not callable",): (
        "The name of a function is called, which is only a text. ACTIVATIONS[config.hidden_act] is the function."
    ),
    ("required positional argument: 'bias'", "LinearWeights"): (
        "linear and layer_norm take weight and bias one by one. The star hands over both: linear(x, *weights.output)."
    ),
    ("unexpected keyword argument 'axis'",): (
        "softmax and layer_norm of minibert always run along the last axis, and take no axis."
    ),
    ("values to unpack",): (
        "On the left of = stand more names, or fewer, than there are things on the right. x.shape has one number "
        "per axis; print it."
    ),
    ("same number of dimensions",): (
        "One of these arrays lacks an axis. keepdims=True keeps it in a sum or mean; x[:, None] puts one in."
    ),
    ("concatenation axis must match",): (
        "Arrays are laid end to end along one axis; all their other axes must be alike. Print the shapes. "
        "np.diagonal takes the first two axes unless told others: axis1=-2, axis2=-1."
    ),
    ("unexpected field names",): (
        "A field of that name is not here, but one level deeper: weights.attention_output._replace(weight=new) first, "
        "and weights._replace(attention_output=...) with what it gives."
    ),
    ("too many indices for array",): "A tuple is taken for row, column, ...; a list picks rows: table[list(ids)].",
    ("inhomogeneous",): (
        "Either rows of unequal length were to become one array: np.concatenate lays them end to end. Or a function "
        "that returns two things gave them under one name: hidden, parts = ..."
    ),
    ("0-dimensional", "only length-1", "only size-1"): (
        "What is in `math` works on one number; for whole arrays there is np.exp, np.sqrt and so on."
    ),
    ("'float' object cannot be interpreted",): "Sizes are whole numbers: divide them with //, since / makes a float.",
    ("MemoryError",): (
        "The arrays of this exercise are small. Did an axis slip in that multiplies them, or does "
        "a list grow in a loop "
        "that never ends?"
    ),
    ("broadcast", "matmul", "mismatch"): (
        "Two shapes do not fit; print them. A sum or mean needs keepdims=True to meet its array again; .mT exchanges "
        "the last two axes, .T reverses all of them."
    ),
}
"""What often lies behind an error, by words in it"""


def on_import(error: dict, file: str) -> Text:
    """Why a file cannot be imported."""
    kind, text = error["type"], error["message"]
    if kind == "SystemExit":
        return t(
            "{file} leaves Python while it is imported (sys.exit{at}). Take that call out.", file=file, at=at(error)
        )
    if "null bytes" in text:
        return t("{file} is saved as UTF-16, as some editors do. Save it as UTF-8.", file=file)
    if "codec can't decode" in text or "Non-UTF-8" in text:
        return t("{file} is not saved as UTF-8, but in an older code page. Save it as UTF-8.", file=file)
    message = t(
        "{file} cannot be imported: {kind}: {text}{at}.", file=file, kind=kind, text=shortened(text), at=at(error)
    )
    if error.get("began"):
        message = joined(
            " ",
            (message, t("It is line {line} that called it: the function itself may be right.", line=error["began"])),
        )
    if kind == "SyntaxError" and "invalid decimal literal" in text and "import" in (error["source"] or ""):
        says = t(
            "A name that begins with a digit cannot be imported in this way: "
            'importlib.import_module("01_softmax").softmax does it.'
        )
        message = lines(message, says)
    if kind == "ImportError" and "cannot import name" in text:
        says = t("A file of yours that has the name of a module of Python's is not found: rename it.")
        message = lines(message, says)
    return message


def on_call(error: dict, function: Function, case: Case) -> dict:
    kind, text = error["type"], error["message"]
    if kind == "NotImplementedError":
        if error.get("stub", True):
            return {"status": "todo", "message": t("{name} is not written yet.", name=function.name)}
        says = "{name} still reaches the line `raise NotImplementedError` (line {line}). Take that line out."
        return failed("call", t(says, name=function.name, line=error["line"]), case=case.about)
    if kind == "SystemExit":
        says = "{name} leaves Python (sys.exit{at}). Return the result instead."
        return failed("call", t(says, name=function.name, at=at(error)))
    if kind == "EOFError":
        says = "{name} waits for input{at}. All it needs is in its arguments."
        return failed("call", t(says, name=function.name, at=at(error)))
    if "read-only" in text:
        says = (
            "{name} writes into an array it was given{at}. Whoever called may still need it: make a new array "
            "(x.copy() and x = x - 1 make one, x -= 1 does not)."
        )
        return failed("call", t(says, name=function.name, at=at(error)), case=case.about, mistake="in-place")
    raised = f"{kind}: {shortened(text)}" if text else kind
    message = t(
        "{name} raised {raised}{at}, on {case}.", name=function.name, raised=raised, at=at(error), case=case.about
    )
    for words, advice in ADVICE.items():
        if any(word in f"{kind}: {text}" for word in words):
            shapes = "broadcast" in words and function.advice
            message = lines(message, t(function.advice if shapes else advice))
            break
    return failed("call", message, case=case.about)


def shortened(text: str) -> str:
    """The first lines of an error's text."""
    lines = text.strip().splitlines()
    return "\n".join(lines[:4])[:300] + (" ..." if len(lines) > 4 or len(text) > 300 else "")


def at(error: dict) -> Text | str:
    if error["line"] is None:
        return ""
    if not error["source"]:
        return t(" at line {line}", line=error["line"])
    return t(" at line {line}, `{source}`", line=error["line"], source=error["source"])
