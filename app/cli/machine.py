"""`edgewise probe`: what this computer has."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from app.cli.command_line import OK
from app.cli.console import Console
from app.domain.errors import StorageError
from app.domain.machine import Machine
from app.services.machine_words import machine_words
from app.services.this_machine import this_machine, wants_measuring, with_measured_bandwidth
from app.storage.paths import Paths


def show_machine(*, as_json: bool, measure: bool) -> int:
    """Run the command; returns the exit status. Measures the bandwidth if wanted, or not known yet."""
    paths = Paths.find()
    console = Console()
    machine = this_machine(paths)
    if measure or wants_measuring(machine):
        console.transient("Measuring the memory’s bandwidth…")
        try:
            # Whoever asks for it anew wants to see what comes out now, better or not.
            before = replace(machine, bandwidth=None) if measure else machine
            machine = with_measured_bandwidth(before, paths)
        except StorageError as error:
            if measure:
                raise
            console.error(error.message)  # the rest of the machine is known all the same
        finally:
            console.settle()
    if as_json:
        console.write(json.dumps(asdict(machine), indent=2) + "\n")
    else:
        for line in described(machine):
            console.line(line)
    return OK


def described(machine: Machine) -> list[str]:
    """`machine` in lines for people."""
    return [f"{label:8} {text}" for label, text in machine_words(machine)]
