from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from rag.evaluation.abstention import Judged, reliability, risk_coverage
from rag.evaluation.pictures import charts
from rag.evaluation.pictures.canvas import Axis, Canvas

SVG = "{http://www.w3.org/2000/svg}"


def parsed(canvas: Canvas) -> ElementTree.Element:
    return ElementTree.fromstring(canvas.svg(standalone=True))


def some_curve(name: str = "now") -> charts.Curve:
    judged = [Judged(step / 20, step % 3 != 0) for step in range(20)]
    return charts.Curve(name, risk_coverage(judged))


def every_picture() -> list[Canvas]:
    bins = reliability([Judged(step / 20, step > 8) for step in range(20)])
    rows = [charts.Row("document first", 0.9, (0.8, 0.95), 0.7), charts.Row("refused", 0.1, (0.0, 0.2))]
    return [
        charts.risk_coverage(some_curve(), some_curve("before"), [charts.Mark("in force", 0.5, 0.2)]),
        charts.risk_coverage(charts.Curve("nothing", [])),
        charts.reliability(bins),
        charts.reliability([]),
        charts.latency([charts.Times("search", [8.0, 12.0, 90.0]), charts.Times("none", [])]),
        charts.latency([]),
        charts.shares(rows, ("now", "before")),
        charts.shares([], ("now", None)),
    ]


def test_pictures_are_well_formed_and_stay_inside_themselves() -> None:
    for canvas in every_picture():
        root = parsed(canvas)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for element in root.iter():
            for names, limit in ((("x", "x1", "x2", "cx"), width), (("y", "y1", "y2", "cy"), height)):
                for name in names:
                    assert 0 <= float(element.attrib.get(name, 0)) <= limit, element.attrib


def test_no_number_is_missing_from_a_picture() -> None:
    for canvas in every_picture()[::2]:
        assert not re.search(r"\bnan\b|\binf\b", canvas.svg().replace("nan)", ""))


def test_a_curve_goes_where_its_points_are() -> None:
    curve = some_curve()
    root = parsed(charts.risk_coverage(curve))
    (line,) = [one for one in root.iter(f"{SVG}path") if one.attrib["class"] == "line"]
    placed = [tuple(map(float, pair.split())) for pair in line.attrib["d"][1:].split("L")]
    assert len(placed) == len(curve.points)
    for (x, _), point in zip(placed, curve.points, strict=True):
        assert x == pytest.approx(60 + 560 * point.coverage, abs=0.1)


def test_the_description_holds_the_figures() -> None:
    told = charts.shares([charts.Row("document first", 0.9, (0.8, 0.95), 0.7)], ("now", "then")).svg()
    assert "document first 90% (was 70%)" in told


def test_words_are_escaped_wherever_they_stand() -> None:
    canvas = Canvas(10, 10, "<b>&", '"<i>')
    canvas.text(1, 1, "<script>", class_='"><x')
    root = ElementTree.fromstring(canvas.svg())
    assert [one.tag for one in root] == ["title", "desc", "text"]
    assert root[2].text == "<script>"


def test_an_axis_bends_and_ends() -> None:
    axis = Axis(0, 10, 100, 200)
    assert [axis.at(value) for value in (-5, 0, 5, 10, 50)] == [100, 100, 150, 200, 200]
