"""How the disk image looks: settings of dmgbuild, which runs this file with `defines`.

`defines` has `app`, the path of Edgewise.app, and `icon`, the one of edgewise.icns.
"""

app = defines["app"]  # type: ignore[name-defined]  # noqa: F821  # dmgbuild gives it

# macOS 10.15 and later read it, and it is a third smaller than zlib's.
format = "ULMO"
filesystem = "HFS+"
files = [(app, "Edgewise.app")]
symlinks = {"Applications": "/Applications"}
icon = defines["icon"]  # type: ignore[name-defined]  # noqa: F821

# An arrow from the app to the folder, drawn by dmgbuild; so nothing has to be explained.
background = "builtin-arrow"
window_rect = ((200, 200), (640, 320))
icon_locations = {"Edgewise.app": (140, 120), "Applications": (500, 120)}
icon_size = 128
text_size = 13
default_view = "icon-view"
show_status_bar = False
show_tab_view = False
show_toolbar = False
show_pathbar = False
show_sidebar = False
