"""`edgewise models …`: its command line, and which module does what. Each command imports its own."""

from __future__ import annotations

import argparse
from collections.abc import Callable

FORMATS = ("gguf", "safetensors")
SORTS = ("downloads", "likes", "updated", "trending")
MOST_FOUND = 200
OUTPUT_TYPES = ("f16", "bf16", "f32", "q8_0")
"""`app.models.conversion.OUTPUT_TYPES`, which is not imported for the sake of a help text."""


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], *parents: argparse.ArgumentParser
) -> None:
    """Add the command with all of its own commands; `parents` have the options that every one takes."""
    models = commands.add_parser(
        "models",
        help="search, download and look after models",
        description="Searches the hub for models, downloads them and looks after those on this computer.",
    )
    actions = models.add_subparsers(dest="action", metavar="COMMAND", required=True)

    def add(
        name: str, help: str, description: str, run: Callable[[argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, parents=list(parents), help=help, description=description)
        parser.add_argument("--json", action="store_true", help="as one JSON value; sizes in bytes")
        parser.set_defaults(run=run)
        return parser

    search = add("search", "search the hub", "Searches the hub for models by their names.", _search)
    search.add_argument("words", nargs="*", metavar="WORD", help="what the name holds; none: any model")
    search.add_argument("--format", choices=FORMATS, help="only models in this format")
    search.add_argument("--sort", choices=SORTS, default="downloads", help="by what; downloads as a rule")
    search.add_argument(
        "--limit", type=_limit, default=20, metavar="N", help="how many at most; 20 as a rule"
    )

    show = add(
        "show",
        "show what a repository offers",
        "Shows the quantizations that a repository on the hub offers, with their sizes.",
        _show,
    )
    show.add_argument("repository", help="“owner/name”, or the name of a model in the catalog")

    add(
        "refresh",
        "look up the catalog’s models",
        "Asks the hub for the files of the catalog’s models, so that advice knows their sizes offline, too.",
        _refresh,
    )

    download = add(
        "download",
        "download a model",
        "Downloads a model into the library. What has arrived is kept when it stops, and not fetched again.",
        _download,
    )
    download.add_argument("model", help="“owner/name”, or the name of a model in the catalog")
    download.add_argument("--quantization", metavar="NAME", help="such as Q4_K_M; “show” says what there is")

    token = add(
        "token",
        "the access token for gated repositories",
        "Says where the hub’s access token is kept. It is read from standard input and never shown.",
        _token,
    )
    what = token.add_mutually_exclusive_group()
    what.add_argument(
        "--set", action="store_true", help="ask for a token and keep it in the system’s keyring"
    )
    what.add_argument("--forget", action="store_true", help="forget it")

    add("list", "list the models here", "Lists the models on this computer, whoever put them there.", _list)

    bring = add(
        "import",
        "take models from elsewhere",
        "Copies models into the model folder: GGUF files, or folders of safetensors.",
        _import,
    )
    bring.add_argument("paths", nargs="+", metavar="PATH", help="a GGUF file (of several one), or a folder")
    bring.add_argument("--in-place", action="store_true", help="leave them where they are, only list them")

    verify = add(
        "verify",
        "check models byte by byte",
        "Checks that models are whole: by their headers, and by their SHA-256 where it is known.",
        _verify,
    )
    verify.add_argument("names", nargs="*", metavar="NAME", help="name of a model, or part of one; none: all")

    remove = add(
        "remove",
        "delete models",
        "Deletes models from the model folder; those kept elsewhere are only taken off the list.",
        _remove,
    )
    remove.add_argument("names", nargs="+", metavar="NAME", help="name of a model, or part of one")
    remove.add_argument("--yes", action="store_true", help="do not ask")

    convert = add(
        "convert",
        "convert a model to GGUF",
        "Converts a model from safetensors to GGUF, into the library. The converter is installed once, on "
        "demand.",
        _convert,
    )
    convert.add_argument("source", metavar="FOLDER|NAME", help="a folder, or a model’s name in the library")
    convert.add_argument("--type", choices=OUTPUT_TYPES, default="f16", help="what the weights are kept in")
    convert.add_argument("--quantize", nargs="+", default=[], metavar="TYPE", help="quantize it then, too")
    _add_importance(convert)
    convert.add_argument("--yes", action="store_true", help="install the converter without a question")

    quantize = add(
        "quantize",
        "make a model smaller",
        "Stores a GGUF model with fewer bits, as another model in the library. Without a TYPE it says which "
        "there are.",
        _quantize,
    )
    quantize.add_argument("name", nargs="?", metavar="NAME", help="name of a model, or part of one")
    quantize.add_argument("types", nargs="*", metavar="TYPE", help="such as Q4_K_M")
    _add_importance(quantize)
    quantize.add_argument("--again", action="store_true", help="also what is quantized already")

    quality = add(
        "quality",
        "measure what quantizing costs",
        "Compares models with their original on a text: perplexity, divergence, speed and size.",
        _quality,
    )
    quality.add_argument("names", nargs="+", metavar="NAME", help="name of a model, or part of one")
    quality.add_argument("--against", metavar="ORIGINAL", help="with what; its F16 or BF16 form as a rule")
    quality.add_argument("--text", metavar="FILE", help="a plain text of your own")
    quality.add_argument("--no-speed", action="store_true", help="leave the speed out")

    add("ledger", "show forecasts beside measurements", "Shows what was forecast of each load.", _ledger)


def run(options: argparse.Namespace) -> int:
    """Run the command that `add_parser`'s parser read; returns the exit status."""
    command: Callable[[argparse.Namespace], int] = options.run
    return command(options)


def _search(options: argparse.Namespace) -> int:
    from app.cli.hub_models import search_models

    return search_models(
        " ".join(options.words),
        format=options.format,
        sort=options.sort,
        limit=options.limit,
        as_json=options.json,
    )


def _show(options: argparse.Namespace) -> int:
    from app.cli.hub_models import show_repository

    return show_repository(options.repository, as_json=options.json)


def _refresh(options: argparse.Namespace) -> int:
    from app.cli.hub_models import refresh_catalog

    return refresh_catalog(as_json=options.json)


def _download(options: argparse.Namespace) -> int:
    from app.cli.download_models import download_model

    return download_model(options.model, options.quantization, options.json)


def _list(options: argparse.Namespace) -> int:
    from app.cli.library_models import list_models

    return list_models(options.json)


def _import(options: argparse.Namespace) -> int:
    from app.cli.library_models import import_models

    return import_models(options.paths, options.json, copy=not options.in_place)


def _verify(options: argparse.Namespace) -> int:
    from app.cli.library_models import verify_models

    return verify_models(options.names, options.json)


def _remove(options: argparse.Namespace) -> int:
    from app.cli.library_models import remove_models

    return remove_models(options.names, options.json, options.yes)


def _add_importance(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--imatrix", metavar="TEXT", help="reckon from this text which weights matter: few bits need it"
    )


def _convert(options: argparse.Namespace) -> int:
    from app.cli.convert_models import convert_model

    return convert_model(
        options.source, options.type, options.quantize, options.imatrix, options.yes, options.json
    )


def _quantize(options: argparse.Namespace) -> int:
    from app.cli.convert_models import list_types, quantize_model

    if not options.types:
        return list_types(options.json)
    return quantize_model(options.name, options.types, options.imatrix, options.again, options.json)


def _quality(options: argparse.Namespace) -> int:
    from app.cli.convert_models import measure_quality

    return measure_quality(options.names, options.against, options.text, not options.no_speed, options.json)


def _ledger(options: argparse.Namespace) -> int:
    from app.cli.ledger import show_ledger

    return show_ledger(as_json=options.json)


def _token(options: argparse.Namespace) -> int:
    from app.cli.hub_token import manage_token

    return manage_token(keep=options.set, forget=options.forget, as_json=options.json)


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_FOUND:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_FOUND}")
    return int(text)
