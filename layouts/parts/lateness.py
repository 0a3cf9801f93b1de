"""How lateness is written."""

from __future__ import annotations

from layouts.formats import DASH, THIN


def format_lateness(delay_s: float | None) -> str:
    """90 -> 1.5 min late, -60 -> 1 min early; half minutes are as exact as anybody needs."""
    if delay_s is None:
        return DASH
    halves = round(abs(delay_s) / 30) / 2
    if halves == 0:
        return "on time"
    return f"{halves:g}{THIN}min {'late' if delay_s > 0 else 'early'}"
