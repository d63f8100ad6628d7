"""`edgewise bench`: a speed test in the terminal."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import replace

from app.benchmark.entrant import Entrant
from app.benchmark.workload import PRESETS
from app.cli.command_line import FAILED, INTERRUPTED, OK, USAGE
from app.cli.console import Console
from app.cli.speed_test_choice import Choice, Chooser, Served
from app.cli.speed_test_progress import ProgressLines
from app.cli.speed_test_result import show
from app.domain.speed_test import SpeedTest, Workload
from app.services.attached_servers import AttachedServers
from app.services.engine_parts import EngineParts
from app.services.entrants import Around, AttachedEntrant, LocalEntrant
from app.services.load_record import LoadHistory
from app.services.model_library import ModelLibrary
from app.services.speed_test import RunningSpeedTest, begin
from app.services.this_machine import this_machine
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths
from app.storage.settings import Settings, load_settings
from app.storage.speed_tests import SpeedTests

POLL_S = 0.1
"""How late Ctrl+C may be felt on Windows, where it does not wake a thread that waits."""
USUAL_PRESET = "quick"


def run_speed_test(options: argparse.Namespace) -> int:
    """Run the command; returns the exit status. Raises EdgewiseError."""
    console = Console()
    paths = Paths.find()
    paths.create()
    settings = load_settings(paths.settings)
    parts, library = EngineParts(paths), ModelLibrary(paths)
    servers = AttachedServers(paths, offline=lambda: settings.offline)
    workload = workload_of(options)
    console.transient("Looking at models and engines…")
    try:
        choices = Chooser(paths, settings, parts, library, servers).choose(options)
    finally:
        console.settle()
    if not _may_test(console, choices, workload, options):
        return USAGE
    with Database.open(paths.database) as database:
        store = SpeedTests(database)
        store.mark_interrupted().result()
        around = Around(
            paths, parts, lambda: this_machine(paths), LoadHistory(Ledger(database), paths.bandwidth)
        )
        entrants = [_entrant(choice, parts, settings, around) for choice in choices]
        progress = ProgressLines(console)
        running = begin(paths, store, entrants, workload, progress.hear)
        test, stopped = _wait(running)
        console.settle()
        if running.problem is not None:
            console.error(running.problem.message)
    if stopped:
        console.error(_kept_words(test))
        return INTERRUPTED
    show(console, test, options)
    return OK if any(case.output_rate for column in test.columns for case in column.cases) else FAILED


def _entrant(choice: Choice, parts: EngineParts, settings: Settings, around: Around) -> Entrant:
    if isinstance(choice, Served):
        return AttachedEntrant(choice.engine, choice.model)
    adapter = next(it for it in parts.adapters() if it.id == choice.contender.engine_id)
    usual = settings.wishes_for(adapter.id)
    # As in a chat; the precision is the contender's own.
    wishes = replace(
        choice.wishes,
        threads=usual.threads,
        gpu_memory_share=usual.gpu_memory_share,
        tensor_parallel=usual.tensor_parallel,
    )
    return LocalEntrant(replace(choice, wishes=wishes), adapter, around)


def workload_of(options: argparse.Namespace) -> Workload:
    """The preset with what was asked for in its place. Without a seed: a random one, so that the order is."""
    preset = PRESETS[options.preset or USUAL_PRESET]
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    # Who names shapes or batches gets these alone, each with each.
    named = options.shapes is not None or options.batch is not None
    return replace(
        preset,
        shapes=options.shapes or preset.shapes,
        batches=options.batch or preset.batches,
        alone=() if named else preset.alone,
        warmups=preset.warmups if options.warmups is None else options.warmups,
        repetitions=options.repetitions or preset.repetitions,
        budget_s=float(options.budget) if options.budget is not None else preset.budget_s,
        seed=seed,
    )


def _may_test(
    console: Console, choices: Sequence[Choice], workload: Workload, options: argparse.Namespace
) -> bool:
    """Whether servers on other computers may be put under load; asked of the person."""
    remote = [it.engine.name for it in choices if isinstance(it, Served) and it.engine.remote]
    if not remote or options.yes:
        return True
    most = max(workload.batches)
    what = f"{', '.join(remote)}: on another computer, which will get up to {most} requests at once"
    if not sys.stdin.isatty():
        console.error(f"{what}. Nobody can be asked here; say --yes to test it without a question.")
        return False
    console.error(f"{what}, and may be used by others. Go on? [y/N]")
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def _wait(running: RunningSpeedTest) -> tuple[SpeedTest, bool]:
    """The test once it has ended, and whether Ctrl+C ended it. What else ends this command ends it, too."""
    try:
        while (test := running.wait(POLL_S)) is None:
            pass
    except KeyboardInterrupt:
        return _cancelled(running), True
    except BaseException:
        _cancelled(running)
        raise
    return test, False


def _cancelled(running: RunningSpeedTest) -> SpeedTest:
    running.cancel()
    while True:
        try:
            test = running.wait()
        except KeyboardInterrupt:  # an impatient second one: it ends within a second
            continue
        assert test is not None
        return test


def _kept_words(test: SpeedTest) -> str:
    """What there is of a test that was stopped."""
    count = sum(len(column.cases) for column in test.columns)
    if not test.id:
        return "Stopped. Nothing of it is kept."
    if not count:
        return f"Stopped before a case was measured; it is kept as test {test.id}."
    kept = "one case that was measured is" if count == 1 else f"{count} cases that were measured are"
    return f"Stopped. The {kept} kept: edgewise bench --show {test.id}"
