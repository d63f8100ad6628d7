"""Bash's completion of the command line, made from the command line itself."""

from __future__ import annotations

import argparse

_SCRIPT = """\
# Completes the command line of Edgewise in bash.
_edgewise() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} command= words=
    if (( COMP_CWORD > 1 )); then command=${{COMP_WORDS[1]}}; fi
    if (( COMP_CWORD > 2 )); then
        case "$command ${{COMP_WORDS[2]}}" in
            {actions}) command="$command ${{COMP_WORDS[2]}}" ;;
        esac
    fi
    case "$command" in
{cases}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _edgewise edgewise
"""


def commands_of(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """The words that may follow each command ("" the program itself, "models list" a command's command)."""
    found: dict[str, list[str]] = {}

    def walk(name: str, of: argparse.ArgumentParser) -> None:
        found[name] = []
        for action in of._actions:
            found[name] += action.option_strings
            if isinstance(action, argparse._SubParsersAction):
                found[name] += action.choices
                for word, below in action.choices.items():
                    walk(f"{name} {word}".strip(), below)

    walk("", parser)
    return found


def bash_completion(parser: argparse.ArgumentParser) -> str:
    """A script that completes the commands and options of `parser`; elsewhere bash completes file names."""
    commands = commands_of(parser)
    return _SCRIPT.format(
        actions=" | ".join(f"'{name}'" for name in commands if " " in name) or "''",
        cases="\n".join(
            f"        '{name}') words='{' '.join(words)}' ;;" for name, words in commands.items()
        ),
    )
