#!/bin/sh
# Installs Edgewise for the person who runs this, in their home directory; --uninstall removes it again.
# It needs no administrator, asks nothing and fetches nothing.
# @ARCHITECTURE@, @GLIBC@, @LIBRARIES@ and @PACKAGES@ are set when the archive is made.
set -eu
umask 022

architecture='@ARCHITECTURE@'
glibc='@GLIBC@'
libraries='@LIBRARIES@'
packages='@PACKAGES@'

say() { printf '%s\n' "$*"; }
fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

case "${HOME:-}" in
    /*) ;;
    *) fail "HOME does not name your home directory, so there is no place to install Edgewise." ;;
esac
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
shares=${XDG_DATA_HOME:-$HOME/.local/share}
program=$HOME/.local/lib/edgewise
unfinished=$HOME/.local/lib/.edgewise-unfinished
previous=$HOME/.local/lib/.edgewise-previous
command=$HOME/.local/bin/edgewise
manifest=$program/installed-files.txt

usage() {
    say "Usage: install.sh [--uninstall]"
    say "Installs Edgewise into $program, or removes it from there."
    say "Your conversations, models and settings are left alone."
}

# A running window would lose files from under it.
refuse_while_running() {
    for link in /proc/[0-9]*/exe; do
        case "$(readlink -- "$link" 2>/dev/null || :)" in
            "$real_program"/*) fail "Edgewise is running. Close it, then run this again." ;;
        esac
    done
}

check_this_computer() {
    [ "$(uname -s)" = Linux ] || fail "This is Edgewise for Linux; this system is $(uname -s)."
    [ "$(uname -m)" = "$architecture" ] ||
        fail "This is Edgewise for $architecture processors; this computer has $(uname -m)."
    found=$(getconf GNU_LIBC_VERSION 2>/dev/null || :)
    found=${found#glibc }
    [ -n "$found" ] ||
        fail "Edgewise needs the GNU C library (glibc) $glibc or newer. This system has another C library."
    oldest=$(printf '%s\n%s\n' "$glibc" "$found" | sort -t . -k 1,1n -k 2,2n | head -n 1)
    [ "$oldest" = "$glibc" ] ||
        fail "Edgewise needs glibc $glibc or newer; this system has $found. Debian 12, Ubuntu 24.04, Fedora 37" \
            "and later ones have it."
}

# Said, not refused: the command line works without a window's libraries.
name_missing_libraries() {
    known=$( (PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null || :) | sed -n 's/^[[:space:]]*\([^ ]*\) .*/\1/p')
    [ -n "$known" ] || return 0
    missing=
    for library in $libraries; do
        printf '%s\n' "$known" | grep -F -x -q -- "$library" || missing="$missing $library"
    done
    [ -n "$missing" ] || return 0
    say ""
    say "The window needs libraries that this system lacks:$missing."
    say "On Debian and Ubuntu this installs them: sudo apt-get install $packages"
}

# An older version that was set aside comes back, or gives the portable data in it to the new one. At the start
# of a run this mends one that was ended in between.
finish_what_was_cut_off() {
    [ -d "$previous" ] || return 0
    if [ ! -e "$program" ]; then
        mv -- "$previous" "$program"
        return 0
    fi
    if [ -d "$previous/edgewise-data" ]; then
        [ ! -e "$program/edgewise-data" ] || fail "There are two folders with your data: $previous/edgewise-data" \
            "and $program/edgewise-data. Move one of them elsewhere, then run this again."
        mv -- "$previous/edgewise-data" "$program/edgewise-data"
    fi
    rm -rf -- "$previous"
}

# The files that an installation put outside its folder, this one or an older one.
remove_listed_files() {
    [ -f "$manifest" ] || return 0
    while IFS= read -r file; do
        case "$file" in
            /*) rm -f -- "$file" ;;
        esac
    done <"$manifest"
}

tell_the_desktop() {
    if command -v update-desktop-database >/dev/null; then
        update-desktop-database -q "$shares/applications" 2>/dev/null || :
    fi
    if command -v update-mime-database >/dev/null && [ -d "$shares/mime/packages" ]; then
        update-mime-database "$shares/mime" >/dev/null 2>&1 || :
    fi
    # Desktops look at the folder's time to know that icons changed.
    if [ -d "$shares/icons/hicolor" ]; then
        touch -- "$shares/icons/hicolor" 2>/dev/null || :
    fi
}

# A path as the Exec line of a desktop entry wants it: in quotes, with what is special there escaped twice.
in_exec() {
    printf '%s' "$1" | sed -e 's/[\\]/\\\\\\\\/g' -e 's/["`$]/\\\\&/g' -e 's/%/%%/g' -e 's/^/"/' -e 's/$/"/'
}

install_it() {
    source=$here/Edgewise
    if [ ! -x "$source/edgewise" ] || [ ! -d "$here/share" ]; then
        fail "The folder Edgewise is missing beside this script. Unpack the whole archive, then run this again."
    fi
    check_this_computer
    refuse_while_running
    finish_what_was_cut_off
    [ ! -d "$program" ] || was=1
    mkdir -p -- "$HOME/.local/lib" "$HOME/.local/bin" "$shares"

    rm -rf -- "$unfinished"
    trap 'rm -rf -- "$unfinished"' EXIT
    trap 'exit 1' HUP INT TERM
    cp -RP -- "$source" "$unfinished" ||
        fail "Edgewise could not be copied to $HOME/.local/lib. Nothing was changed."
    # A portable copy's data belong to the person, not to the program.
    rm -rf -- "$unfinished/edgewise-data"
    cp -- "$here/install.sh" "$unfinished/install.sh"
    chmod 755 "$unfinished/install.sh"

    remove_listed_files
    [ ! -e "$program" ] || mv -- "$program" "$previous"
    if ! mv -- "$unfinished" "$program"; then
        finish_what_was_cut_off
        fail "Edgewise could not be put into $program. What was there before is there again."
    fi
    finish_what_was_cut_off

    : >"$manifest"
    (cd "$here/share" && find . -type f) | while IFS= read -r file; do
        file=${file#./}
        printf '%s\n' "$shares/$file" >>"$manifest"
        mkdir -p -- "$(dirname -- "$shares/$file")"
        cp -- "$here/share/$file" "$shares/$file"
        chmod 644 "$shares/$file"
    done
    printf '%s\n' "$command" >>"$manifest"
    ln -sfn -- "$program/edgewise" "$command"
    # A desktop started before this may not look into ~/.local/bin.
    entry=$shares/applications/edgewise.desktop
    where=$(in_exec "$command")
    while IFS= read -r line; do
        case "$line" in
            Exec=*) printf 'Exec=%s %%F\n' "$where" ;;
            TryExec=*) ;;
            *) printf '%s\n' "$line" ;;
        esac
    done <"$here/share/applications/edgewise.desktop" >"$entry"
    tell_the_desktop

    if [ -n "${was:-}" ]; then say "Edgewise was replaced by this version."; else say "Edgewise was installed."; fi
    say "  the program          $program"
    say "  the command          $command"
    say "  the menu entry       $entry"
    say "  to remove it again   $program/install.sh --uninstall"
    case ":$PATH:" in
        *":$HOME/.local/bin:"*) ;;
        *)
            say ""
            say "Your shell does not look into $HOME/.local/bin yet. It may after you log in anew; until then"
            say "the menu entry works, and so does the whole path."
            ;;
    esac
    name_missing_libraries
}

uninstall_it() {
    refuse_while_running
    finish_what_was_cut_off
    [ -d "$program" ] || fail "Edgewise is not installed in $program."
    remove_listed_files
    if [ -d "$program/edgewise-data" ]; then
        find "$program" -mindepth 1 -maxdepth 1 ! -name edgewise-data -exec rm -rf -- {} +
    else
        rm -rf -- "$program"
    fi
    rm -rf -- "$unfinished"
    tell_the_desktop
    say "Edgewise was removed from $program."
    left=
    for data in "$program/edgewise-data" "$shares/Edgewise" "${XDG_STATE_HOME:-$HOME/.local/state}/Edgewise"; do
        [ ! -d "$data" ] || left="$left
  $data"
    done
    if [ -n "$left" ]; then say "Your conversations, models and settings are still there:$left"; fi
}

real_program=$(readlink -f -- "$program" || printf '%s' "$program")
case "${1:-}" in
    "") install_it ;;
    --uninstall) uninstall_it ;;
    -h | --help) usage ;;
    *)
        usage >&2
        exit 2
        ;;
esac
