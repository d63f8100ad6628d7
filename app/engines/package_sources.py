"""Where this person's packages come from: what pip was told, told to uv as well.

uv does not read pip's settings. Whoever configured a mirror, a folder of wheels or a certificate for
pip expects it to count here too. What is set for uv itself always wins.

Standard library only, and nothing of the app: the set-up uses it before anything is installed.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

# pip's name: (uv's variable, other variables that say the same, what separates several values)
TRANSLATIONS = {
    "index-url": ("UV_DEFAULT_INDEX", ("UV_INDEX_URL",), " "),
    "extra-index-url": ("UV_INDEX", ("UV_EXTRA_INDEX_URL",), " "),
    "find-links": ("UV_FIND_LINKS", (), ","),
    "trusted-host": ("UV_INSECURE_HOST", (), " "),
    "cert": ("SSL_CERT_FILE", (), " "),
    "proxy": ("ALL_PROXY", ("HTTPS_PROXY", "https_proxy", "all_proxy"), " "),
    "timeout": ("UV_HTTP_TIMEOUT", ("UV_REQUEST_TIMEOUT",), " "),
}
SECTIONS = ("global", "install", ":env:")
"""pip's sections that count for an installation, the stronger ones last."""


def pip_settings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What pip would be told here, as name and value: its files and variables, merged as pip merges them.

    A file that cannot be read says nothing; pip itself would stop at it.
    """
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for file in pip_files(environment):
        # As pip reads them: no "%" has a meaning, and a name may stand there twice for nothing.
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(file, encoding="utf-8-sig")
        except (OSError, ValueError, configparser.Error):
            continue
        for section in SECTIONS[:-1]:
            if parser.has_section(section):
                found[section] |= {_name(name): value for name, value in parser.items(section)}
    for variable, value in environment.items():
        if variable.upper().startswith("PIP_"):
            found[":env:"][_name(variable[4:])] = value
    return {name: value for section in SECTIONS for name, value in found[section].items()}


def pip_files(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """pip's configuration files, the stronger ones last; they need not exist.

    The places are those of pip's documentation ("Configuration", "Location").
    """
    own = environment.get("PIP_CONFIG_FILE")
    if own == os.devnull:
        return []
    home = Path(environment.get("HOME") or environment.get("USERPROFILE") or Path.home())
    if sys.platform == "win32":
        name = "pip.ini"
        everyone = [Path(environment.get("PROGRAMDATA") or r"C:\ProgramData") / "pip"]
        person = [home / "pip", Path(environment.get("APPDATA") or home / "AppData" / "Roaming") / "pip"]
    else:
        name = "pip.conf"
        xdg = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pip"
        if sys.platform == "darwin":
            everyone = [Path("/Library/Application Support/pip")]
            mac = home / "Library" / "Application Support" / "pip"
            person = [home / ".pip", mac if mac.is_dir() else xdg]
        else:
            folders = (environment.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
            everyone = [*(Path(folder) / "pip" for folder in folders if folder), Path("/etc")]
            person = [home / ".pip", xdg]
    if own and Path(own).exists():  # it stands in for the person's
        person = []
    files = [folder / name for folder in (*everyone, *person, Path(sys.prefix))]
    return [*files, Path(own)] if own else files


def uv_variables(settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that tell uv the same, apart from those a person has set already."""
    variables = {}
    for name, (variable, others, separator) in TRANSLATIONS.items():
        values = settings.get(name, "").split()
        if name == "find-links":  # pip passes over a folder that is gone, uv stops at it
            values = [value for value in values if "://" in value or Path(value).is_dir()]
        if name == "timeout":
            values = [value.partition(".")[0] for value in values]  # uv counts whole seconds
        if values and not any(environment.get(known) for known in (variable, *others)):
            variables[variable] = separator.join(values)
    return variables


def uv_options(settings: Mapping[str, str]) -> list[str]:
    """What uv takes no variable for, as arguments of its `pip install` and `pip sync`."""
    wanted = settings.get("no-index", "").strip().lower() in ("1", "true", "yes", "on")
    return ["--no-index"] if wanted else []


def _name(name: str) -> str:
    """pip's name of a setting: "--timeout" may be written "default-timeout", with dashes or without."""
    name = name.lower().replace("_", "-").removeprefix("--")
    return "timeout" if name == "default-timeout" else name
