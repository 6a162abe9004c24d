"""An evaluation as one HTML file: tables and pictures, no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from rag.evaluation import abstention, measures
from rag.evaluation.comparing import Comparison
from rag.evaluation.measures import MEASURES, Kind
from rag.evaluation.pictures import charts
from rag.evaluation.pictures.canvas import STYLE as PICTURE_STYLE
from rag.evaluation.pictures.canvas import Canvas
from rag.evaluation.runs import Outcome, Question, Run
from rag.evaluation.summary import abstention_of, cautions, conclusion, shown, shown_interval

_STYLE = (
    """
:root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#1d2430;--muted:#5c6675;--rule:#e1e5eb;
--accent:#1f5fbf;--bad:#b3261e;--bad-paper:#fdecea;--good-paper:#eaf3ff}
@media(prefers-color-scheme:dark){:root{--paper:#12161c;--card:#1a2029;--ink:#e8ebf0;--muted:#9aa5b5;
--rule:#2c3440;--accent:#82b1ff;--bad:#ff8a80;--bad-paper:#3a1d1c;--good-paper:#182a44}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:62rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .3rem;letter-spacing:-.01em}
h2{font-size:1.2rem;margin:0 0 .9rem}
p{margin:.4rem 0}
.quiet{color:var(--muted)}
section{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:1.4rem 1.5rem;
margin:1.2rem 0}
.verdict{background:var(--good-paper);border-left:5px solid var(--accent)}
.verdict.worse{background:var(--bad-paper);border-left-color:var(--bad)}
.verdict.worse p:first-child{font-weight:650}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{text-align:left;color:var(--muted);padding:0 0 .5rem}
th,td{text-align:right;padding:.38rem .6rem;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-weight:600}
th:first-child,td:first-child{text-align:left;padding-left:0}
tbody td,tbody th[scope=row]{font-variant-numeric:tabular-nums;font-weight:400}
tbody th[scope=colgroup]{padding-top:1rem;font-weight:650;border-bottom-color:var(--muted)}
td{white-space:nowrap}
td.words{text-align:left;white-space:normal;overflow-wrap:anywhere}
.bad{color:var(--bad);font-weight:650}
figure{margin:0 0 1rem}
figcaption{color:var(--muted);font-size:.92rem;margin-top:.5rem}
svg{display:block;width:100%;height:auto;max-width:46rem}
details{margin-top:.8rem}
summary{cursor:pointer;color:var(--accent)}
li{margin:.35rem 0}
ul{padding-left:1.2rem;margin:.4rem 0}
""".strip()
    + "\n"
    + PICTURE_STYLE
)
_LISTED = 40
"""Questions that went wrong, shown at most."""


def page(run: Run, compared: Comparison | None) -> str:
    """The whole file. Whatever came from documents is escaped."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    where = ", ".join(run.collections) or "all collections"
    body = "".join(
        [
            "<h1>How well Footnote answers from these documents</h1>",
            f'<p class="quiet">{run.when:%d %B %Y, %H:%M} UTC · {escape(where)} · '
            f"{run.library.documents:,} documents · {escape(run.machine)}</p>",
            _verdict(compared),
            _figures(run, compared),
            _refusing(run, compared),
            _latency(run),
            _changes(compared),
            _failures(run),
            _section("How to read this", _list(cautions(run))),
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>Footnote evaluation, {run.when:%Y-%m-%d %H:%M}</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _verdict(compared: Comparison | None) -> str:
    if compared is None:
        return ""
    worse = " worse" if compared.clearly_worse else ""
    told = "".join(f"<p>{escape(line)}</p>" for line in conclusion(compared))
    return f'<section class="verdict{worse}">{told}</section>'


def _figures(run: Run, compared: Comparison | None) -> str:
    before = compared.before if compared else None
    rows = []
    for measure in MEASURES:
        figure = measures.figure(measure, run)
        if measure.kind is Kind.SHARE and figure.n:
            was = measures.figure(measure, before).value if before else None
            rows.append(charts.Row(measure.name, figure.value, figure.interval, was))
    drawn = charts.shares(rows, ("this run, 95 % interval", "last run" if before else None))
    words = "All questions. Where the bar is long, more questions are needed to know the figure well."
    return _section("Figures", _figure(drawn, words) + _figure_table(run, compared))


def _figure_table(run: Run, compared: Comparison | None) -> str:
    heads = ["", "all", "95 % interval", "n", "held out", "after filter"]
    heads += ["last run, held out", "p"] if compared else []
    changes = {one.measure.key: one for one in compared.figures} if compared else {}
    lines = []
    for group, inside in groupby(MEASURES, key=lambda measure: measure.group):
        present = [(one, measures.figure(one, run)) for one in inside]
        if not any(figure.n for _, figure in present):
            continue
        lines.append(f'<tr><th scope="colgroup" colspan="{len(heads)}">{escape(group)}</th></tr>')
        for measure, figure in present:
            if not figure.n:
                continue
            which = (measures.held_out, measures.confirmed)
            cells = [shown(figure.value, measure.kind), shown_interval(figure), str(figure.n)]
            cells += [shown(measures.figure(measure, run, one).value, measure.kind) for one in which]
            bad = False
            if compared and (one := changes.get(measure.key)):
                was = measures.figure(measure, compared.before, measures.held_out).value
                cells += [shown(was, measure.kind), f"{one.change.p:.2f}"]
                bad = measure.guarded and one.clearly_worse
            marked = ' class="bad"' if bad else ""
            told = "".join(f"<td{marked}>{escape(cell)}</td>" for cell in cells)
            lines.append(f'<tr><th scope="row">{escape(measure.name)}</th>{told}</tr>')
    caption = (
        "“After filter” are the questions that passed the round trip when they were made; “p” is the chance "
        "of a change this uneven if nothing were better or worse."
    )
    return _table(caption, heads, lines)


def _refusing(run: Run, compared: Comparison | None) -> str:
    seen = abstention_of(run)
    curve = charts.Curve("this run", abstention.risk_coverage(seen.delivered))
    before = None
    if compared:
        before = charts.Curve("last run", abstention.risk_coverage(abstention_of(compared.before).delivered))
    bins = abstention.reliability(seen.known)
    ranking = abstention.ranking(seen.answerable, seen.unanswerable)
    risk = _figure(
        charts.risk_coverage(curve, before, _in_force(run)),
        "Every question with its document and again without it, answered from the surest to the least sure. "
        "An answer is wrong when no citation holds what was asked for, or when its document was gone. Beyond "
        "the mark the service refuses, and what it would have said counts as wrong. "
        f"Area under the curve {abstention.area_under(curve.points):.3f}; answerable and unanswerable "
        f"questions are told apart in {ranking:.1%} of pairs.",
    )
    points = _table(
        "Thresholds fitted on the development half for a share of false refusals, and what they do to the "
        "held-out half.",
        ["allowed", "threshold", "refused with its document", "refused without it"],
        [
            f'<tr><th scope="row">{one.allowed:.0%}</th><td>{one.threshold:.3f}</td>'
            f"<td>{shown(one.false_refusals, Kind.SHARE)}</td><td>{shown(one.refused, Kind.SHARE)}</td></tr>"
            for one in seen.points
        ],
    )
    reliable = _figure(
        charts.reliability(bins),
        "Questions grouped by answerability: bars count them, dots are the share that could be answered. "
        f"Expected calibration error {abstention.calibration_error(bins):.3f}. Half of these questions were "
        "made unanswerable, which is more than anybody asks: below the diagonal is to be expected.",
    )
    table = _table(
        "The same as numbers",
        ["answerability", "questions", "stated, mean", "answerable"],
        [
            f'<tr><th scope="row">{one.low:.1f} to {one.high:.1f}</th><td>{one.count}</td>'
            f"<td>{one.predicted:.1%}</td><td>{one.observed:.1%}</td></tr>"
            for one in bins
        ],
    )
    return _section("Refusing", risk + points) + _section(
        "Is answerability what it says?", reliable + f"<details><summary>Table</summary>{table}</details>"
    )


def _in_force(run: Run) -> list[charts.Mark]:
    """Where the service stands: what it answered, and how much of that was wrong."""
    unanswerable = {one.id for one in run.questions if not one.elsewhere}
    right = [one.quoted.any_holds for one in run.outcomes if not one.quoted.refused]
    right += [False for one in run.outcomes if one.question in unanswerable and not one.removed.refused]
    total = len(run.outcomes) + sum(one.question in unanswerable for one in run.outcomes)
    return [charts.Mark("as it is set", len(right) / total, 1 - sum(right) / len(right))] if right else []


def _latency(run: Run) -> str:
    quoted = [one.quoted.timings for one in run.outcomes]
    drafted = [one.drafted.timings for one in run.outcomes if one.drafted]
    rows = [
        charts.Times("search", [one.search_ms for one in run.outcomes]),
        charts.Times("by quotation", [one["total_ms"] for one in quoted]),
        charts.Times("first token", [one["first_token_ms"] for one in drafted if "first_token_ms" in one]),
        charts.Times("with the model", [one["total_ms"] for one in drafted if "first_token_ms" in one]),
    ]
    words = "One question at a time, as measured inside the service; the table above has the numbers."
    return _section("Latency", _figure(charts.latency(rows), words))


def _changes(compared: Comparison | None) -> str:
    if compared is None:
        return ""
    rows = [
        f'<tr><th scope="row">{escape(one.name)}</th><td class="words">{escape(one.before)}</td>'
        f'<td class="words">{escape(one.after)}</td></tr>'
        for one in compared.differences
    ]
    when = f"{compared.before.when:%d %B %Y, %H:%M} UTC"
    told = f'<p class="quiet">The last run was on {when}; {compared.shared} questions are in both.</p>'
    if not rows:
        return _section("What changed", told + "<p>Nothing that an answer depends on.</p>")
    return _section("What changed", told + _table("", ["", "last run", "this run"], rows))


def _failures(run: Run) -> str:
    asked = {one.id: one for one in run.questions}
    rows = [
        f'<tr><td class="words">{escape(question.text)}</td><td class="words">{escape(question.answer)}</td>'
        f'<td class="words">{escape(question.name)}</td><td class="words">{escape(told)}</td></tr>'
        for outcome in run.outcomes
        if not (question := asked[outcome.question]).held_out
        and (told := _what_went_wrong(question, outcome))
    ]
    if not rows:
        return _section("What went wrong", "<p>Nothing in the development half.</p>")
    more = f" The first {_LISTED} of {len(rows)}." if len(rows) > _LISTED else ""
    caption = f"Questions of the development half alone: the held-out half stays unread.{more}"
    table = _table(caption, ["question", "expected", "document", "what happened"], rows[:_LISTED])
    return _section("What went wrong", f"<details><summary>{len(rows)} questions</summary>{table}</details>")


def _what_went_wrong(question: Question, outcome: Outcome) -> str:
    wrong = []
    if outcome.quoted.refused:
        wrong.append("refused")
    elif not outcome.quoted.any_holds:
        found = "not found" if outcome.document_rank is None else f"document at place {outcome.document_rank}"
        wrong.append(f"no citation holds it ({found})")
    if not outcome.removed.refused and not question.elsewhere:
        wrong.append("answered without its document")
    return "; ".join(wrong)


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _figure(picture: Canvas, words: str) -> str:
    return f"<figure>{picture.svg()}<figcaption>{escape(words)}</figcaption></figure>"


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _table(caption: str, heads: Sequence[str], rows: Sequence[str]) -> str:
    """``rows`` are markup already."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' if head else "<td></td>" for head in heads)
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    body = "".join(rows)
    return (
        f'<div class="scroll"><table>{named}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )
