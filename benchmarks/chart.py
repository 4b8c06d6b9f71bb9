"""Draws a bar chart as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

_WIDTH, _ROW, _LABEL, _NUMBER = 640, 28, 150, 60
_STYLE = "font-family: sans-serif; font-size: 13px; fill: #555"


class Bar(NamedTuple):
    """A bar: its label and its length."""

    label: str
    value: float


def bar_chart(title: str, bars: Sequence[Bar]) -> str:
    """Returns an SVG with a bar for each value; the first one has its own colour."""
    height = _ROW * (len(bars) + 1)
    rows = [_text(0, 0.7 * _ROW, title, 'font-weight="bold"')]
    longest = max(bar.value for bar in bars)
    for index, bar in enumerate(bars):
        top = _ROW * (index + 1)
        length = (_WIDTH - _LABEL - _NUMBER) * bar.value / longest
        colour = "#999" if index else "#e8710a"
        rows += [
            _text(0, top + 0.7 * _ROW, bar.label),
            f'<rect x="{_LABEL}" y="{top + 4}" width="{length:.1f}" '
            f'height="{_ROW - 8}" fill="{colour}"/>',
            _text(_LABEL + length + 6, top + 0.7 * _ROW, f"{bar.value:.3g}"),
        ]
    body = "\n".join(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" style="{_STYLE}">\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, text: str, options: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {options}>{escape(text)}</text>'
