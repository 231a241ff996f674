"""Finding a model: bundled with the package, in a folder, or on a hub, from where it is downloaded once.

`huggingface_hub` is imported only for a name that can only be a hub id. Importing it takes longer than running a small
model, and bundled models and folders work where it is not installed.
"""

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path

from minibert.checkpoint.config import read_config
from minibert.checkpoint.sentence_transformers import (
    TRANSFORMER_FILES,
    encoder_folder,
    module_paths,
    refuse_other_models,
)
from minibert.checkpoint.tensors import find_tensors, shards_of
from minibert.errors import CheckpointError
from minibert.files import UNWRITABLE, abbreviate
from minibert.terminal import suggest

BUNDLED = Path(__file__).parents[1] / "models"

FILES = ["config.json", "tokenizer*.json", "special_tokens_map.json", "added_tokens.json"]
FILES += ["vocab.txt", "vocab.json", "merges.txt"]
"""What loading reads beside the weights. A hub has more: other formats of the same weights, which stay there."""

MODULES = "modules.json"
SIDE_FILES = [MODULES, "config_sentence_transformers.json", *TRANSFORMER_FILES]
"""What sentence-transformers stores beside a checkpoint. Each of its modules also has a folder."""

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


def find_model(model: str | Path, revision: str | None = None) -> Path:
    """The folder of a model: the name of a bundled one, a folder, or a hub id. CheckpointError: there is none.

    A cached model is used as it is, without a network. `minibert download` fetches a newer one.
    """
    return local_model(model, revision) or from_hub(str(model), revision)


def download(model: str | Path, revision: str | None = None) -> Path:
    """The folder of a model, for a hub id the newest. Where the hub fails, the cached one is used, with a warning."""
    return local_model(model, revision) or from_hub(str(model), revision, newest=True)


def local_model(model: str | Path, revision: str | None) -> Path | None:
    """The folder of a bundled model, or the folder that `model` is; None for what can only be a hub id.

    A bundled model has a bare name, without a separator: a Path is a folder, and so is "./tiny".
    """
    if not isinstance(model, str | os.PathLike) or not os.fspath(model):
        raise CheckpointError(f"the model is {model!r}; expected a bundled name, a folder or a hub id")
    folder, bundled = Path(os.path.expanduser(model)), isinstance(model, str) and model in bundled_models()
    try:
        if bundled:
            if (folder / "config.json").is_file():
                say(f"{model} is the bundled model; the folder of that name is given as .{os.sep}{model}")
            folder = BUNDLED / model
        if folder.is_dir():
            if revision is not None:
                what = "bundled" if bundled else "a folder"
                raise CheckpointError(f"{model} is {what}; a revision ({revision}) is for ids on a hub")
            return folder
        if not isinstance(model, str) or folder.exists():
            raise CheckpointError(f"{model} is not a folder; {FOLDER}")
    except OSError as error:  # such as a name that is too long
        raise CheckpointError(f"{abbreviate(str(model))} cannot be looked at ({error.strerror}); {FOLDER}") from None
    return None


FOLDER = "expected one with a config.json and a model.safetensors"


@functools.cache
def say(line: str) -> None:
    """Print a line on standard error, once. Print nothing where there is no standard error."""
    if sys.stderr is not None:
        print(f"minibert: {line}", file=sys.stderr)


def local() -> str:
    """What a name is not when it has to come from the hub. It shows a slip in the name of a bundled model."""
    return f"not bundled (as {' and '.join(bundled_models())} are), not a folder here"


def bundled_models() -> list[str]:
    """The names of the models that came with the package."""
    return sorted(path.parent.name for path in BUNDLED.glob("*/config.json"))


def check_spelling(name: str) -> None:
    """CheckpointError for a path, an address, or a slip in a bundled name. No hub is needed for these."""
    import re  # only needed here

    if address := re.match(r"(?:\w+://[^/]+|huggingface\.co|hf\.co)/([\w.-]+(?:/[\w.-]+)?)", name):
        raise CheckpointError(f"{abbreviate(name)} is an address; give the id in it: {address[1]}")
    if "\\" in name or re.match(r"\.{0,2}/|~|\w:|file:", name):
        raise CheckpointError(f"{abbreviate(name)} is not a folder; {FOLDER}, or see `minibert models`")

    bare = name.strip("/")
    if "/" not in bare and (meant := suggest(bare, bundled_models(), cutoff=0.75)):
        raise CheckpointError(f"there is no model {name!r}; {meant}")


def from_hub(name: str, revision: str | None, newest: bool = False) -> Path:
    """The folder of a hub id: the cached one. It is fetched first if it is not whole, or if the newest is wanted."""
    check_spelling(name)
    try:
        from huggingface_hub import constants, errors
    except ModuleNotFoundError as error:
        if error.name != "huggingface_hub":
            raise
        raise CheckpointError(f"{name} is {local()}; for a hub id, pip install huggingface-hub") from None

    hub, cached = constants.ENDPOINT, None
    try:
        cached = cached_model(name, revision)
        whole = cached and has_tokenizer(cached) and has_modules(name, revision)
        return cached if cached and whole and not newest else fetch_model(name, revision)
    except CheckpointError:
        raise
    except errors.HFValidationError:
        problem = f"is {local()}, and not a hub id (owner/name); see `minibert models`"
    except errors.GatedRepoError:
        problem = f"is gated: accept its terms on {hub}/{name}, then `hf auth login` here, or set HF_TOKEN"
    except errors.RepositoryNotFoundError:
        problem = f"is {local()}, and not on {hub}; see `minibert models`, or if it is private, `hf auth login`"
    except errors.RevisionNotFoundError:
        problem = f"has no revision {revision!r}; those it has are listed on {hub}/{name}/commits/main"
    except errors.EntryNotFoundError as error:
        problem = f"did not arrive: {with_cause(error)}; check the network, and run it again"
    except errors.OfflineModeIsEnabled:
        problem = f"is {local()}, not cached whole, and HF_HUB_OFFLINE is set; unset it, or {CARRY.format(name)}"
        if cached:
            problem = f"may have files that are not cached, such as {MODULES}, and HF_HUB_OFFLINE is set"
    except Exception as error:  # of the HTTP library: huggingface_hub has had three of them
        if isinstance(error, PermissionError) or (isinstance(error, OSError) and error.errno in UNWRITABLE):
            problem = f"cannot be kept in {constants.HF_HUB_CACHE} ({error.strerror}); "
            problem += "make room there, or set HF_HOME to another folder where you may write"
        else:
            problem = f"is {local()}, and did not arrive from {hub} ({with_cause(error)}); "
            problem += f"check the network and run it again, or {CARRY.format(name)}"
    if cached:
        say(f"{name} {problem}; the cached one is used")
        return cached
    raise CheckpointError(f"{name} {problem}")


CARRY = "use a folder made on another computer by `minibert download {} --to FOLDER`"


def with_cause(error: Exception) -> str:
    """The error in one line, with its cause: the failure of a mirror is only there."""
    links = [error, error.__cause__] if error.__cause__ else [error]
    lines = [" ".join(f"{type(link).__name__}: {link}".split())[:200] for link in links]
    return ", because of ".join(dict.fromkeys(lines))


def cached_model(name: str, revision: str | None = None) -> Path | None:
    """The folder of a hub id in the cache, if its config and all its tensors are there."""
    from huggingface_hub import try_to_load_from_cache

    for file in ("config.json", MODULES):  # some repositories have a config in a folder inside only
        found = try_to_load_from_cache(name, file, revision=revision)
        if isinstance(found, str):
            return Path(found).parent if is_whole(Path(found).parent) else None
    return None


def has_modules(name: str, revision: str | None) -> bool:
    """Is it known whether the repository has a modules.json? Other programs may have cached the BERT alone."""
    from huggingface_hub import try_to_load_from_cache

    return try_to_load_from_cache(name, MODULES, revision=revision) is not None


def is_whole(folder: Path) -> bool:
    """Are all tensors there? They are the last to arrive, so a download that was cut lacks some."""
    try:
        return bool(find_tensors(encoder_folder(folder)))
    except CheckpointError:
        return False


def has_tokenizer(folder: Path) -> bool:
    """Is there a tokenizer? Some models have none, and other programs may have cached the weights alone."""
    inside = encoder_folder(folder)
    return any((inside / name).is_file() for name in ("tokenizer.json", "vocab.txt", "merges.txt"))


def fetch_model(name: str, revision: str | None) -> Path:
    """Download a hub id, file after file. The config comes first: weights that minibert cannot use are not fetched.

    A file enters the cache when all of it has arrived. Ctrl-C stops at once. What is in the cache is not fetched again.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    from minibert.checkpoint.layout import check_listing

    commit, listing = listing_of(name, revision)

    def fetch(file: str) -> Path:
        return Path(hf_hub_download(name, file, revision=commit))

    with bars_on_terminals_only():
        modules = fetch_modules(fetch) if MODULES in listing else []
        refuse_other_models(name, [kind for kind, _ in modules])
        folders = [f"{path}/" for kind, path in modules if kind == "Transformer" and path]
        inside = next((folder for folder in folders if f"{folder}config.json" in listing), "")
        here = [file.removeprefix(inside) for file in listing if file.startswith(inside)]
        check_listing(name, here)
        read_config(fetch(f"{inside}config.json"))
        for file in [file for pattern in FILES[1:] for file in here if fnmatch(file, pattern)]:
            fetch(inside + file)
        for file in side_files(modules, listing):
            fetch(file)
        for file in [WEIGHTS] if WEIGHTS in here else shards_of(fetch(inside + INDEX)):
            fetch(inside + file)
        folder = fetch(f"{inside}config.json").parents[inside.count("/")]
        for file in (f"{inside}config.json", MODULES):  # now the cache may say what this revision is, and has not
            with suppress(EntryNotFoundError):
                hf_hub_download(name, file, revision=revision)
    return folder


def fetch_modules(fetch: Callable[[str], Path]) -> list[tuple[str, str]]:
    """The modules in modules.json; none if the file is broken, which concerns the vectors of sentences alone."""
    try:
        return [(kind, path.strip("/")) for kind, path in module_paths(fetch(MODULES))]
    except CheckpointError:
        return []


def side_files(modules: Sequence[tuple[str, str]], names: Iterable[str]) -> list[str]:
    """Those of the files that sentence-transformers reads beside the BERT itself."""
    folders = [path for kind, path in modules if kind != "Transformer" and path]
    wanted = {f"{folder}/{file}" for folder in folders for file in ("config.json", WEIGHTS)}
    wanted |= {
        f"{path}/{file}" for kind, path in modules if kind == "Transformer" and path for file in TRANSFORMER_FILES
    }
    return [name for name in names if name in wanted or name in SIDE_FILES]


@contextmanager
def bars_on_terminals_only() -> Iterator[None]:
    """Keep the progress bars of huggingface_hub out of files and logs."""
    from huggingface_hub import utils

    as_they_are = utils.are_progress_bars_disabled() or (sys.stderr is not None and sys.stderr.isatty())
    if not as_they_are:
        utils.disable_progress_bars()
    try:
        yield
    finally:
        if not as_they_are:
            utils.enable_progress_bars()


def listing_of(name: str, revision: str | None) -> tuple[str | None, list[str]]:
    """The commit of a revision, and the files that it has."""
    from huggingface_hub import HfApi

    info = HfApi().model_info(name, revision=revision)
    return info.sha, [entry.rfilename for entry in info.siblings or []]


def list_models() -> Iterator[tuple[str, str, int, str]]:
    """(where, name, bytes, note) of each model that is here: bundled ones, then those in the cache of the hub.

    note: why a model does not load; "" for one that does.
    """
    for name in bundled_models():
        yield "bundled", name, size_on_disk(BUNDLED / name), ""
    try:
        import huggingface_hub
    except ModuleNotFoundError:
        return  # and so nothing is cached
    try:
        repos = huggingface_hub.scan_cache_dir().repos
    except huggingface_hub.CacheNotFound:
        return
    for repo in sorted((repo for repo in repos if repo.repo_type == "model"), key=lambda repo: repo.repo_id):
        found = [huggingface_hub.try_to_load_from_cache(repo.repo_id, file) for file in ("config.json", MODULES)]
        folder = next((Path(path).parent for path in found if isinstance(path, str)), None)
        if folder is None:
            continue
        try:
            read_config(encoder_folder(folder) / "config.json")
            note = "" if is_whole(folder) else f"not whole; `minibert download {repo.repo_id}` fetches the rest"
        except CheckpointError as error:
            note = str(error).removeprefix(f"{encoder_folder(folder) / 'config.json'}: ")
        yield "cached", repo.repo_id, size_on_disk(folder), note


def size_on_disk(folder: Path) -> int:
    """How many bytes loading reads."""
    return sum(path.stat().st_size for path in checkpoint_files(folder))


def checkpoint_files(folder: Path) -> list[Path]:
    """The files that loading reads, and those of sentence-transformers."""
    inside = encoder_folder(folder)
    weights = {tensor.path for tensor in find_tensors(inside).values()} if is_whole(folder) else set()
    beside = [path for pattern in (*FILES, INDEX) for path in sorted(inside.glob(pattern)) if path.is_file()]
    modules = fetch_modules(folder.joinpath) if (folder / MODULES).is_file() else []
    names = [path.relative_to(folder).as_posix() for pattern in ("*", "*/*") for path in sorted(folder.glob(pattern))]
    return [*beside, *(folder / name for name in side_files(modules, names)), *sorted(weights)]


def copy_model(folder: Path, to: Path) -> None:
    """Copy what loading reads and the model card to a new folder `to`, which appears when it is whole."""
    import secrets  # only needed here, as shutil is
    import shutil

    from huggingface_hub.utils import tqdm

    from viz.files import naming

    if to.exists():
        raise FileExistsError(f"{to} is there already; name a folder that is not, or remove it")
    files = checkpoint_files(folder) + [folder / name for name in ("README.md", "LICENSE") if (folder / name).is_file()]
    beside = to.with_name(f".{secrets.token_hex(8)}.part")
    beside.mkdir(parents=True)
    try:
        size = sum(path.stat().st_size for path in files)
        bar_of = functools.partial(tqdm, total=size, unit="B", unit_scale=True, desc=str(to))
        with bars_on_terminals_only(), naming(to, beside), bar_of() as bar:
            for path in files:
                (beside / path.relative_to(folder)).parent.mkdir(exist_ok=True)
                with path.open("rb") as source, (beside / path.relative_to(folder)).open("wb") as target:
                    while block := source.read(1 << 20):
                        target.write(block)
                        bar.update(len(block))
            beside.rename(to)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
