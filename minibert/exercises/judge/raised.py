"""Messages about code that does not run: at import, or when its function is called."""

from minibert.exercises.course.exercise import Case, Function
from minibert.exercises.judge.report import failed
from minibert.exercises.text import Text, joined, lines, t

ADVICE = {
    ("'tuple' object has no attribute", "tuple indices must be"): (
        "A function returned two things, and one name got both. Unpack them: hidden, parts = encoder_layer(...)."
    ),
    ("'list' object has no attribute",): (
        "A list of arrays is not an array. np.concatenate puts arrays one below another, and np.stack makes a new axis."
    ),
    ("list indices must be integers",): (
        "The index of a list cannot be a text. self_attention returns a list with one dict per sentence. So "
        '[part["context"] for part in parts] takes one array out of each.'
    ),
    ("'str' object is not callable",): (
        "The name of a function is only a text, and cannot be called. ACTIVATIONS[config.hidden_act] is the function."
    ),
    ("required positional argument: 'bias'", "LinearWeights"): (
        "linear and layer_norm take weight and bias as two arguments. The star passes both: linear(x, *weights.output)."
    ),
    ("unexpected keyword argument 'axis'",): (
        "softmax and layer_norm of minibert always run along the last axis. They have no argument for an axis."
    ),
    ("values to unpack",): (
        "The number of names on the left of = is not the number of values on the right. x.shape has one number per "
        "axis. Print it."
    ),
    ("same number of dimensions",): (
        "One of these arrays lacks an axis. keepdims=True keeps it in a sum or mean, and x[:, None] adds one."
    ),
    ("concatenation axis must match",): (
        "Arrays are concatenated along one axis. All their other axes must have equal sizes. Print the shapes. "
        "np.diagonal uses the first two axes unless you pass others: axis1=-2, axis2=-1."
    ),
    ("unexpected field names",): (
        "The object has no field of that name. The field is one level deeper. First make "
        "weights.attention_output._replace(weight=new). Then pass the result to "
        "weights._replace(attention_output=...)."
    ),
    ("too many indices for array",): (
        "NumPy reads a tuple as an index (row, column, ...). A list picks rows: table[list(ids)]."
    ),
    ("inhomogeneous",): (
        "There are two possible causes. Rows of unequal length do not fit into one array; np.concatenate puts them "
        "one below another. Or a function returned two things, and one name got both. Unpack them: hidden, parts = "
        "..."
    ),
    ("0-dimensional", "only length-1", "only size-1"): (
        "The functions of `math` work on one number. For whole arrays, use np.exp, np.sqrt and so on."
    ),
    ("'float' object cannot be interpreted",): (
        "Sizes must be whole numbers. Divide them with //, because / makes a float."
    ),
    ("MemoryError",): (
        "The arrays of this exercise are small, but the code needs too much memory. Does an array have an axis too "
        "many? Does a list grow in a loop that never ends?"
    ),
    ("broadcast", "matmul", "mismatch"): (
        "Two shapes do not fit. Print them. keepdims=True keeps the axis of a sum or mean, so that it fits the array "
        "again. .mT exchanges the last two axes, and .T reverses all of them."
    ),
}
"""What often lies behind an error, by words in it"""


def on_import(error: dict, file: str) -> Text:
    """Why a file cannot be imported."""
    kind, text = error["type"], error["message"]
    if kind == "SystemExit":
        return t("{file} ends Python during its import (sys.exit{at}). Remove that call.", file=file, at=at(error))
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
            (message, t("Line {line} called the function. The function itself may be right.", line=error["began"])),
        )
    if kind == "SyntaxError" and "invalid decimal literal" in text and "import" in (error["source"] or ""):
        says = t(
            "An import statement cannot import a name that begins with a digit. Use "
            'importlib.import_module("01_softmax").softmax instead.'
        )
        message = lines(message, says)
    if kind == "ImportError" and "cannot import name" in text:
        says = t("A file with the name of a Python module cannot be imported. If your file has such a name, rename it.")
        message = lines(message, says)
    return message


def on_call(error: dict, function: Function, case: Case) -> dict:
    kind, text = error["type"], error["message"]
    if kind == "NotImplementedError":
        if error.get("stub", True):
            return {"status": "todo", "message": t("{name} is not written yet.", name=function.name)}
        says = "{name} still reaches the line `raise NotImplementedError` (line {line}). Remove that line."
        return failed("call", t(says, name=function.name, line=error["line"]), case=case.about)
    if kind == "SystemExit":
        says = "{name} ends Python (sys.exit{at}). Return the result instead."
        return failed("call", t(says, name=function.name, at=at(error)))
    if kind == "EOFError":
        says = "{name} waits for input{at}. Its arguments contain all it needs."
        return failed("call", t(says, name=function.name, at=at(error)))
    if "read-only" in text:
        says = (
            "{name} changes one of its arguments in place{at}. The caller may still need it. Make a new array: "
            "x.copy() and x = x - 1 make one, but x -= 1 does not."
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
