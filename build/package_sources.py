"""Where this person's packages come from: what pip was told, told to uv as well.

uv does not read pip's settings. Whoever configured a mirror, a folder of wheels or a certificate for
pip expects it to count here too. What is set for uv itself always wins.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

# pip's name: (uv's variable, other variables that say the same, what separates several values)
TRANSLATIONS = {
    "index-url": ("UV_DEFAULT_INDEX", ("UV_INDEX_URL",), " "),
    "extra-index-url": ("UV_INDEX", ("UV_EXTRA_INDEX_URL",), " "),
    "find-links": ("UV_FIND_LINKS", (), ","),
    "no-index": ("UV_NO_INDEX", (), " "),
    "trusted-host": ("UV_INSECURE_HOST", (), " "),
    "cert": ("SSL_CERT_FILE", (), " "),
    "proxy": ("ALL_PROXY", ("HTTPS_PROXY", "https_proxy", "all_proxy"), " "),
}
SECTIONS = ("global", "install", ":env:")
"""pip's sections that count for an installation, the stronger ones last."""


def pip_settings(listing: str) -> dict[str, str]:
    """What `pip config list` printed, as name and value, sections merged as pip merges them."""
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in listing.splitlines():
        key, equals, quoted = line.partition("=")
        section, dot, name = key.partition(".")
        if not equals or not dot or section not in found:
            continue
        try:
            found[section][name] = str(ast.literal_eval(quoted))
        except (SyntaxError, ValueError):
            continue
    return {name: value for section in SECTIONS for name, value in found[section].items()}


def uv_variables(settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that tell uv the same, apart from those a person has set already."""
    variables = {}
    for name, (variable, others, separator) in TRANSLATIONS.items():
        values = settings.get(name, "").split()
        if name == "find-links":  # pip passes over a folder that is gone, uv stops at it
            values = [value for value in values if "://" in value or Path(value).is_dir()]
        if name == "no-index":
            values = [value for value in values if value.lower() in ("1", "true", "yes", "on")]
        if values and not any(environment.get(known) for known in (variable, *others)):
            variables[variable] = separator.join(values)
    return variables
