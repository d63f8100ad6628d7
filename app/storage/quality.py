"""What quantizations cost in quality, measured here: by the hashes of both files and of the text."""

from __future__ import annotations

import math
import sqlite3
from concurrent.futures import Future

from app.domain.model_quality import Divergence, Estimate, MeasuredSpeed, VariantQuality
from app.storage.database import Database
from app.storage.well_formed import well_formed

KEPT = 2000
"""Measurements that stay, the newest."""

_COLUMNS = (
    "file_hash, name, path, quantization, size, at, saw_the_text, perplexity, perplexity_error,"
    " original_perplexity, divergence, divergence_error, same_top, same_top_error, prompt_speed,"
    " prompt_spread, generation_speed, generation_spread"
)


class Qualities:
    """All measurements of a database.

    What writes returns a future at once (see `Database.write`); what reads returns its value and sees every
    write whose future is done.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(
        self, measured: VariantQuality, *, original_hash: str, text_hash: str, context: int, chunks: int
    ) -> Future[None]:
        """Put it in the place of an earlier one of the same files on the same text in the same pieces.

        An original is kept with its own hash for both. The oldest beyond `KEPT` are forgotten.
        """
        key = (original_hash, text_hash, context, chunks)
        values = (*key, *_values(measured))

        def operation(connection: sqlite3.Connection) -> None:
            connection.execute(
                f"INSERT OR REPLACE INTO qualities (original_hash, text_hash, context, chunks, {_COLUMNS})"
                f" VALUES ({', '.join('?' * len(values))})",
                values,
            )
            connection.execute(
                "DELETE FROM qualities WHERE id <="
                " (SELECT id FROM qualities ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (KEPT,),
            )

        return self._database.write(operation)

    def get(
        self, file_hash: str, *, original_hash: str, text_hash: str, context: int, chunks: int
    ) -> VariantQuality | None:
        """The measurement of these files on this text in these pieces; None where there is none."""
        key = (file_hash, original_hash, text_hash, context, chunks)

        def operation(connection: sqlite3.Connection) -> VariantQuality | None:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM qualities WHERE file_hash = ? AND original_hash = ?"
                " AND text_hash = ? AND context = ? AND chunks = ?",
                key,
            ).fetchone()
            return _read(row) if row else None

        return self._database.read(operation)

    def newest(self) -> list[VariantQuality]:
        """The newest measurement of each file against another one, whatever the text; newest first."""

        def operation(connection: sqlite3.Connection) -> list[VariantQuality]:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM qualities WHERE id IN (SELECT max(id) FROM qualities"
                " WHERE divergence IS NOT NULL GROUP BY file_hash) ORDER BY id DESC"
            ).fetchall()
            return [_read(row) for row in rows]

        return self._database.read(operation)


def _values(measured: VariantQuality) -> tuple[object, ...]:
    divergence, speed = measured.divergence, measured.speed
    return (
        measured.file_hash,
        well_formed(measured.name),
        well_formed(measured.path),
        well_formed(measured.quantization),
        measured.size,
        measured.at,
        int(measured.saw_the_text),
        measured.perplexity.value,
        measured.perplexity.error,
        divergence.original_perplexity if divergence else None,
        divergence.divergence.value if divergence else None,
        divergence.divergence.error if divergence else None,
        divergence.same_top.value if divergence else None,
        divergence.same_top.error if divergence else None,
        speed.prompt.value if speed else None,
        speed.prompt.error if speed else None,
        speed.generation.value if speed else None,
        speed.generation.error if speed else None,
    )


def _read(row: tuple[object, ...]) -> VariantQuality:
    file_hash, name, path, quantization, size, at, saw, *figures = row
    numbers = [math.nan if figure is None else float(figure) for figure in figures]  # type: ignore[arg-type]
    ppl, ppl_error, original, kld, kld_error, top, top_error, pp, pp_error, tg, tg_error = numbers
    perplexity = Estimate(ppl, ppl_error)
    divergence = None
    if not math.isnan(kld):
        divergence = Divergence(perplexity, original, Estimate(kld, kld_error), Estimate(top, top_error))
    speed = None if math.isnan(pp) else MeasuredSpeed(Estimate(pp, pp_error), Estimate(tg, tg_error))
    return VariantQuality(
        name=str(name),
        path=str(path),
        quantization=str(quantization),
        size=int(size),  # type: ignore[call-overload]
        file_hash=str(file_hash),
        perplexity=perplexity,
        divergence=divergence,
        speed=speed,
        at=float(at),  # type: ignore[arg-type]
        saw_the_text=bool(saw),
    )
