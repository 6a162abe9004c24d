from __future__ import annotations

import re
from xml.etree import ElementTree

from rag.evaluation.pictures.growth import Line, growth

LABELS = ("passages", "milliseconds")


def test_lines_stand_where_their_values_are_and_carry_their_names() -> None:
    lines = [Line("search", [(1e4, 1.0), (1e6, 10.0)]), Line("exact <all>", [(1e4, 2.0), (1e6, 100.0)])]
    svg = growth("Speed", "It grows.", lines, LABELS).svg(standalone=True)
    root = ElementTree.fromstring(svg)
    paths = [one.attrib["d"] for one in root.iter() if one.tag.endswith("path")]
    heights = [[float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", path)] for path in paths]
    assert heights[0][0] > heights[0][1] > heights[1][1], "upwards is more"
    said = {one.text for one in root.iter() if one.tag.endswith("text")}
    assert {"search", "exact <all>", "passages", "milliseconds", "10,000", "1,000,000", "1", "100"} <= said


def test_names_do_not_lie_on_each_other_and_one_point_is_enough() -> None:
    lines = [Line(name, [(10.0, 5.0)]) for name in ("a", "b", "c")]
    root = ElementTree.fromstring(growth("One", "One.", lines, LABELS).svg())
    heights = [float(one.attrib["y"]) for one in root.iter() if one.text in ("a", "b", "c")]
    assert len({round(one) for one in heights}) == 3
