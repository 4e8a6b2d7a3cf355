"""The picture of a screen: blocks and rules are shapes that join, text is fitted to its cells."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from examples.picture import BAR, EDGE, HEIGHT, THEME, WIDTH, svg

SPACE = "{http://www.w3.org/2000/svg}"


def shapes(*lines: str) -> list[ElementTree.Element]:
    """What is drawn for these lines, without the window around them."""
    drawn = ElementTree.fromstring(svg(lines, 20, "top")).find(f"{SPACE}g")
    assert drawn is not None
    return list(drawn)


def numbers(shape: ElementTree.Element, *names: str) -> list[float]:
    return [round(float(shape.get(name, "0")), 3) for name in names]


def test_text_takes_its_cells_whatever_the_font() -> None:
    (text,) = shapes("   \x1b[1;32mLIVE\x1b[0m  ")
    assert (text.text, text.get("class"), text.get("fill")) == ("LIVE", "b", THEME.ansi_colors[2].hex)
    assert numbers(text, "x", "textLength") == [round(EDGE + 3 * WIDTH, 3), round(4 * WIDTH, 3)]


def test_a_column_stands_on_the_bottom_of_its_cell() -> None:
    (half,) = shapes("▄▄")
    expected = [EDGE, BAR + HEIGHT / 2, 2 * WIDTH, HEIGHT / 2]
    assert numbers(half, "x", "y", "width", "height") == [round(number, 3) for number in expected]


def test_a_bar_that_ends_within_a_cell_joins_its_full_cells() -> None:
    full, rest = shapes("██▌")
    end = sum(numbers(full, "x", "width"))
    assert numbers(rest, "x", "width") == [round(end, 3), round(WIDTH / 2, 3)]


def test_a_selected_row_has_the_colours_the_other_way_round() -> None:
    behind, text = shapes("\x1b[7mmail \x1b[0m")
    assert behind.get("fill") == THEME.foreground_color.hex
    assert text.get("fill") == THEME.background_color.hex
    assert numbers(behind, "width") == [round(5 * WIDTH, 3)]


def test_wide_characters_move_what_follows() -> None:
    first, second = shapes("漢字 \x1b[2mend\x1b[0m")
    assert numbers(first, "textLength") == [round(4 * WIDTH, 3)]
    assert numbers(second, "x") == [round(EDGE + 5 * WIDTH, 3)]


def test_markup_is_text() -> None:
    picture = svg(["<script>&amp;</script>"], 30, "<top>")
    assert "<script>" not in picture
    (text,) = shapes("<script>&amp;</script>")
    assert text.text == "<script>&amp;</script>"


def test_nothing_is_loaded() -> None:
    assert re.findall(r"\w+://[^\"]+", svg(["a"], 1, "top")) == ["http://www.w3.org/2000/svg"]
