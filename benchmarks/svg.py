"""Plots as SVG text: bars and curves on logarithmic axes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape


_COLOURS = ("#1b6ca8", "#b9bec4", "#d9822b", "#4b8b3b")
_FONT = 'font-family="sans-serif" font-size="12"'
_BAR_HEIGHT = 11
_LABEL_WIDTH = 210
_PLOT_WIDTH = 480
_PANEL_WIDTH, _PANEL_HEIGHT = 300, 190


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a group."""

    group: str
    series: str
    value: float


def draw_bars(bars: Sequence[Bar], *, title: str) -> str:
    """Horizontal bars from 1, on a logarithmic axis, groups from top to bottom."""
    groups = list(dict.fromkeys(bar.group for bar in bars))
    series = list(dict.fromkeys(bar.series for bar in bars))
    largest = max(2.0, *(bar.value for bar in bars))
    group_height = _BAR_HEIGHT * len(series) + 9
    height = 70 + group_height * len(groups)

    def x_of(value: float) -> float:
        return _LABEL_WIDTH + math.log(max(value, 1.0)) / math.log(largest) * _PLOT_WIDTH

    parts = [_text(10, 20, title, weight="bold"), *_legend(series, y=40)]
    for tick in _ticks(1.0, largest):
        x = x_of(tick)
        parts.append(_line(x, 52, x, height - 14, "#dddddd"))
        parts.append(_text(x, height - 2, f"{tick:g}x", anchor="middle"))
    for bar in bars:
        top = 58 + groups.index(bar.group) * group_height
        y = top + series.index(bar.series) * _BAR_HEIGHT
        width = max(x_of(bar.value) - _LABEL_WIDTH, 1)
        colour = _COLOURS[series.index(bar.series) % len(_COLOURS)]
        parts.append(
            f'<rect x="{_LABEL_WIDTH}" y="{y}" width="{width:.1f}" height="{_BAR_HEIGHT - 1}"'
            f' fill="{colour}"/>'
        )
        parts.append(_text(_LABEL_WIDTH + width + 4, y + 9, f"{bar.value:.1f}"))
        if bar.series == series[0]:
            middle = top + group_height / 2
            parts.append(_text(_LABEL_WIDTH - 8, middle, bar.group, anchor="end"))
    return _document(_LABEL_WIDTH + _PLOT_WIDTH + 60, height, parts)


Curves = Mapping[str, Mapping[int, float]]


def draw_curves(panels: Mapping[str, Curves], *, title: str, y_title: str) -> str:
    """Small plots side by side, three in a row, both axes logarithmic.

    :param panels: for each panel and series, the points.
    """
    series = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    parts = [_text(10, 20, f"{title} ({y_title})", weight="bold"), *_legend(series, y=40)]
    for number, (name, curves) in enumerate(panels.items()):
        left, top = number % 3 * _PANEL_WIDTH, 50 + number // 3 * _PANEL_HEIGHT
        parts += _panel(name, curves, series, left=left, top=top)
    rows = -(-len(panels) // 3)
    return _document(3 * _PANEL_WIDTH + 20, 60 + rows * _PANEL_HEIGHT, parts)


def _panel(
    name: str, curves: Curves, series: Sequence[str], *, left: float, top: float
) -> list[str]:
    points = [point for curve in curves.values() for point in curve.items()]
    low_x, high_x = min(x for x, _ in points), max(x for x, _ in points)
    low_y = 10 ** math.floor(math.log10(min(y for _, y in points)))
    high_y = 10 ** math.ceil(math.log10(max(max(y for _, y in points), low_y * 1.01)))
    width, height = _PANEL_WIDTH - 70, _PANEL_HEIGHT - 60

    def x_of(value: float) -> float:
        return left + 50 + _share(value, low_x, high_x) * width

    def y_of(value: float) -> float:
        return top + 25 + (1 - _share(value, low_y, high_y)) * height

    parts = [_text(left + 50, top + 18, name)]
    for tick in _ticks(low_y, high_y):
        parts.append(_line(left + 50, y_of(tick), left + 50 + width, y_of(tick), "#dddddd"))
        parts.append(_text(left + 45, y_of(tick) + 4, f"{tick:g}", anchor="end"))
    for tick in _ticks(low_x, high_x):
        parts.append(_text(x_of(tick), top + height + 40, _count(tick), anchor="middle"))
    for number, each in enumerate(series):
        if each not in curves:
            continue
        colour = _COLOURS[number % len(_COLOURS)]
        drawn = [(x_of(x), y_of(y)) for x, y in sorted(curves[each].items())]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in drawn]
    return parts


def _share(value: float, low: float, high: float) -> float:
    return 0.5 if low == high else math.log(value / low) / math.log(high / low)


def _ticks(low: float, high: float) -> list[float]:
    exponents = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    return [10.0**exponent for exponent in exponents]


def _count(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1_000_000:g} M"
    return f"{value / 1000:g} k" if value >= 1000 else f"{value:g}"


def _legend(series: Sequence[str], *, y: float) -> list[str]:
    parts, x = [], 10.0
    for number, name in enumerate(series):
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(f'<rect x="{x}" y="{y - 10}" width="12" height="10" fill="{colour}"/>')
        parts.append(_text(x + 17, y, name))
        x += 40 + 7 * len(name)
    return parts


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" {_FONT}>'
        f"{escape(text)}</text>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    points = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {points} stroke="{colour}"/>'


def _document(width: float, height: float, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}"'
        f' width="{width:.0f}" height="{height:.0f}">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )
