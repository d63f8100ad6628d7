"""The disk images for macOS from dist/Edgewise.app: `python3 -m build.macos`, on macOS.

One image without the starter model, and another with it where the app has it. With an identity in the
environment the app is signed from the inside out under the hardened runtime, notarised by Apple and given its
ticket; without one it gets the signature that every Mac can make for itself, and that is said: people then
have to tell macOS in its settings that they want to open it.

    EDGEWISE_SIGN_IDENTITY     of codesign: "Developer ID Application: …"
    EDGEWISE_NOTARY_PROFILE    of `notarytool store-credentials`, and EDGEWISE_NOTARY_KEYCHAIN if it lies in
                               another keychain than the user's; or all three of
    EDGEWISE_NOTARY_APPLE_ID, EDGEWISE_NOTARY_TEAM_ID, EDGEWISE_NOTARY_PASSWORD
"""

from __future__ import annotations

import argparse
import os
import platform
import plistlib
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from app import __version__
from build.bootstrap import CACHE, PROJECT, bin_of
from build.commands import Runner, SetupFailed

FOLDER = PROJECT / "installer" / "macos"
ENTITLEMENTS = FOLDER / "entitlements.plist"
APP = PROJECT / "dist" / "Edgewise.app"
WORK = CACHE / "macos"
ICON = CACHE / "bundle" / "icons" / "edgewise.icns"
MODELS = (Path("Contents/Resources/models"), Path("Contents/Frameworks/models"))
"""The starter model, and the link by which the app finds it."""

_THIN = (b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf")
_FAT = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
"""The first bytes of 64-bit Mach-O files, for one architecture and for several (mach-o/loader.h, fat.h)."""
_MOST_ARCHITECTURES = 10
"""Java's class files begin as fat files do, and have a version above 40 where these count architectures."""


def is_mach_o(file: Path) -> bool:
    """Whether `file` is a program or a library of macOS."""
    with file.open("rb") as stream:
        head = stream.read(8)
    count = int.from_bytes(head[4:8], "big")
    return head[:4] in _THIN or (head[:4] in _FAT and 0 < count <= _MOST_ARCHITECTURES)


def code_to_sign(app: Path) -> list[Path]:
    """Everything in `app` that is signed, the innermost first and the app last.

    A framework is signed as the folder of its version, which seals its resources, too; so is the app.
    """
    found = set()
    own = app / "Contents" / "MacOS" / _info(app)["CFBundleExecutable"]
    for folder, _, names in os.walk(app):
        for file in (Path(folder) / name for name in names):
            if file.is_symlink() or file == own or not is_mach_o(file):
                continue
            framework = file.parents[2]
            of_framework = framework.suffix == ".framework" and file.parent.parent.name == "Versions"
            found.add(file.parent if of_framework and file.name == framework.stem else file)
    return [*sorted(found, key=lambda code: (-len(code.parts), code)), app]


def sign(app: Path, identity: str, runner: Runner) -> None:
    """Sign all of `app` and check the result as strictly as Gatekeeper does. Raises SetupFailed."""
    common = ["codesign", "--force", "--timestamp", "--options", "runtime", "--sign", identity]
    for code in code_to_sign(app):
        entitled = ["--entitlements", str(ENTITLEMENTS)] if code == app else []
        runner.run(f"Signing {code.name}", [*common, *entitled, code])
    runner.run("Checking the signatures", ["codesign", "--verify", "--deep", "--strict", "--verbose=2", app])


def notary_account(environment: Mapping[str, str] = os.environ) -> list[str] | None:
    """notarytool's options for the account that the environment names; None where it names none."""
    if profile := environment.get("EDGEWISE_NOTARY_PROFILE"):
        keychain = environment.get("EDGEWISE_NOTARY_KEYCHAIN")
        return ["--keychain-profile", profile, *(("--keychain", keychain) if keychain else ())]
    said = [environment.get(f"EDGEWISE_NOTARY_{name}") for name in ("APPLE_ID", "TEAM_ID", "PASSWORD")]
    if all(said):
        names = ("--apple-id", "--team-id", "--password")
        return [word for pair in zip(names, map(str, said), strict=True) for word in pair]
    return None


def notarise(image: Path, account: Sequence[str], runner: Runner) -> None:
    """Have Apple look at `image`, and put its ticket into it, so that it opens without a network.

    Raises SetupFailed; `notarytool log` then tells what Apple found. The account is not written to our log.
    """
    unlogged = Runner(PROJECT, WORK / "notary.log", runner.environment)
    try:
        said = unlogged.run("Notarising", ["xcrun", "notarytool", "submit", image, *account, "--wait"])
    finally:
        unlogged.log.unlink(missing_ok=True)  # the command line has the password
    if "status: Accepted" not in said:
        raise SetupFailed(f"Apple did not accept {image.name}:\n{said.rstrip()}")
    runner.run("Stapling", ["xcrun", "stapler", "staple", image])
    runner.run("Checking the ticket", ["xcrun", "stapler", "validate", image])


def variant(app: Path, target: Path, *, with_model: bool) -> Path:
    """A copy of `app` at `target`, with its starter model or without, and numbered for macOS."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(app, target, symlinks=True)
    if not with_model:
        for place in MODELS:
            if (target / place).is_symlink():
                (target / place).unlink()
            else:
                shutil.rmtree(target / place, ignore_errors=True)
    information = target / "Contents" / "Info.plist"
    information.write_bytes(plistlib.dumps(_info(target) | {"CFBundleVersion": __version__}))
    return target


def make(app: Path, image: Path, runner: Runner, *, with_model: bool, environment: Mapping[str, str]) -> None:
    """Make `image`. Raises SetupFailed."""
    copy = variant(app, WORK / image.stem / "Edgewise.app", with_model=with_model)
    identity = environment.get("EDGEWISE_SIGN_IDENTITY")
    if identity:
        sign(copy, identity, runner)
    else:  # the copy was changed, and processors of Apple's run nothing whose signature does not fit
        runner.run("Signing", ["codesign", "--force", "--deep", "--sign", "-", copy])
    image.unlink(missing_ok=True)
    runner.run(
        "Making the disk image",
        [
            *(bin_of(CACHE / "bundle" / "venv", "python"), "-m", "dmgbuild"),
            *("-s", FOLDER / "dmg_settings.py", "-D", f"app={copy}", "-D", f"icon={ICON}", "Edgewise", image),
        ],
    )
    if not identity:
        return
    runner.run("Signing the disk image", ["codesign", "--force", "--timestamp", "--sign", identity, image])
    if account := notary_account(environment):
        notarise(image, account, runner)
        runner.run(
            "Asking Gatekeeper",
            ["spctl", "--assess", "--type", "open", "--context", "context:primary-signature", image],
        )


def _info(app: Path) -> dict[str, str]:
    said: dict[str, str] = plistlib.loads((app / "Contents" / "Info.plist").read_bytes())
    return said


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and turn failures into sentences."""
    parser = argparse.ArgumentParser(prog="python3 -m build.macos", description="Make disk images for macOS.")
    parser.add_argument("--app", type=Path, default=APP, help="the app that build.bundle made")
    parser.add_argument("--out", type=Path, default=PROJECT / "dist", help="the folder for the images")
    options = parser.parse_args(arguments)
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    try:
        if sys.platform != "darwin":
            raise SetupFailed("Disk images are made on macOS, with its own tools.")
        if not options.app.is_dir():
            raise SetupFailed(f"{options.app} is missing. Run `make bundle` first.")
        runner = Runner(PROJECT, CACHE / "macos.log", os.environ)
        if not os.environ.get("EDGEWISE_SIGN_IDENTITY"):
            print("Unsigned: the environment names no identity (docs/release.md).", flush=True)
        elif notary_account() is None:
            print("Not notarised: the environment names no account (docs/release.md).", flush=True)
        names = {"edgewise": False}
        if (options.app / MODELS[0]).is_dir():
            names["edgewise-with-model"] = True
        for name, with_model in names.items():
            image = options.out.resolve() / f"{name}-{__version__}-macos-{machine}.dmg"
            make(options.app.resolve(), image, runner, with_model=with_model, environment=os.environ)
            print(f"{image.name} ({image.stat().st_size / 1e6:.1f} MB)", flush=True)
    except SetupFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
