"""What a terminal has shown, as an SVG picture: text with the colours of SGR sequences, in lines.

A picture of text that stays text: it is small, sharp at any size, and can be searched and selected.
"""

import html
import re
from dataclasses import dataclass, replace

SEQUENCE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")
# xterm's sixteen, made readable on the dark ground.
COLOURS = ["#6e7681", "#ff7b72", "#3fb950", "#d29922", "#79c0ff", "#d2a8ff", "#56d4dd", "#c9d1d9"]
GROUND, FRAME, PLAIN = "#0d1117", "#30363d", "#c9d1d9"
FONT, SIZE, WIDTH, HEIGHT = "DejaVu Sans Mono,Menlo,Consolas,monospace", 14, 8.43, 19
EDGE = 16


@dataclass(frozen=True)
class Style:
    colour: str = ""
    bold: bool = False
    faint: bool = False


def next_style(style, numbers):
    """The style after one SGR sequence; what is not known is left out."""
    for number in (int(word or 0) for word in numbers.split(";")):
        if number == 0:
            style = Style()
        elif number == 1:
            style = replace(style, bold=True)
        elif number == 2:
            style = replace(style, faint=True)
        elif number == 22:
            style = replace(style, bold=False, faint=False)
        elif 30 <= number <= 37:
            style = replace(style, colour=COLOURS[number - 30])
        elif 90 <= number <= 97:
            style = replace(style, colour=COLOURS[number - 90])
        elif number == 39:
            style = replace(style, colour="")
    return style


def pieces(line, style):
    """The line as [(text, style)], and the style with which the next one begins."""
    found, at = [], 0
    for match in SEQUENCE.finditer(line):
        if match.start() > at:
            found.append((line[at:match.start()], style))
        at = match.end()
        if match[2] == "m":
            style = next_style(style, match[1])
    if at < len(line):
        found.append((line[at:], style))
    return found, style


def tspan(text, style):
    attributes = ""
    if style.colour:
        attributes += f' fill="{style.colour}"'
    if style.bold:
        attributes += ' font-weight="bold"'
    if style.faint:
        attributes += ' opacity="0.6"'
    text = html.escape(text, quote=False)
    return f"<tspan{attributes}>{text}</tspan>" if attributes else text


def rows_of(found, columns):
    """The pieces of a line on as many rows as a terminal of that width needs."""
    rows, room = [[]], columns
    for text, style in found:
        while len(text) > room:
            rows[-1].append((text[:room], style))
            rows.append([])
            text, room = text[room:], columns
        rows[-1].append((text, style))
        room -= len(text)
    return rows


def svg(text, title, columns):
    """The whole picture, of a terminal that is `columns` wide."""
    lines, style = [], Style()
    for line in text.rstrip("\n").split("\n"):
        found, style = pieces(line.rstrip("\r"), style)
        for row in rows_of(found, columns):
            lines.append("".join(tspan(part, look) for part, look in row))
    width = round(columns * WIDTH) + 2 * EDGE
    height = len(lines) * HEIGHT + 2 * EDGE
    rows = [f'<text x="{EDGE}" y="{EDGE + SIZE + at * HEIGHT}">{line}</text>'
            for at, line in enumerate(lines) if line]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">',
        f"<title>{html.escape(title)}</title>",
        "<style>text{white-space:pre}</style>",
        f'<rect width="100%" height="100%" rx="8" fill="{GROUND}" stroke="{FRAME}"/>',
        f'<g font-family="{FONT}" font-size="{SIZE}" fill="{PLAIN}" xml:space="preserve">',
        *rows, "</g>", "</svg>", ""])
