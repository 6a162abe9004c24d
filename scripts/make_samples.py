"""Makes the sample PDF and DOCX in data/samples. The other samples are written by hand.

Usage, in an environment of its own: ``pip install reportlab python-docx``, then
``python scripts/make_samples.py``. The files are committed; this is run only to change them.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from docx import Document
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "samples"

# A document is a list of pieces: "# heading", "## heading", "- list item", plain paragraph, or a table.
Piece = str | list[list[str]]

HANDBOOK: list[Piece] = [
    "# Skerrow Point Lighthouse Museum",
    "Handbook for volunteers and visitors. Edition of 2026.",
    "## 1. The lighthouse",
    "Skerrow Point lighthouse stands on a tidal island 900 metres off the village of Cardale. The first"
    " light, a coal fire in an iron basket, was lit in 1741. The present granite tower was built "
    "between 1852 and 1856 by the engineer Margaret Lisle's firm, Lisle and Daughter, after the storm "
    "of October 1850 had undermined the older one. It is 38 metres high, and its light stands 52 metres"
    " above mean high water.",
    "The lens is a first-order Fresnel lens with eight panels. It weighs 2.9 tonnes and turns on a bath"
    " of mercury, so that a clockwork driven by a falling weight of 140 kilograms could move it. The "
    "clockwork had to be wound every four hours. The light was electrified in 1934 and automated on 12 "
    "May 1983, when the last three keepers left. It still works: two white flashes every fifteen "
    "seconds, visible for 21 nautical miles.",
    "The fog siren was silenced in 1998. It is sounded once a year, at noon on the first Saturday in "
    "June, for the museum's birthday. The museum was opened on 3 June 2001 by a trust that the people "
    "of Cardale had founded to buy the keepers' houses for 64,000 pounds.",
    "## 2. Reaching the island",
    "The causeway is dry for about three hours either side of low water. Tide times for each day are "
    "posted at the harbour office and at the museum gate. Nobody may start to cross when the water is "
    "at the white post: from there it takes eleven minutes on foot to the island, and the lowest part "
    "of the causeway floods within nine. When the causeway is closed, the ferry Annie Gray II takes "
    "twelve passengers at a time from the harbour steps.",
    "Wheelchairs can use the causeway and the ground floor of both keepers' houses. The tower has 187 "
    "steps and no lift; a camera in the lantern room shows the view on a screen in the entrance hall.",
    "## 3. Opening times and tickets",
    "The museum is closed from 1 November to 14 March, except for school visits arranged in advance.",
    [
        ["Season", "Days", "Hours", "Adult", "Child (5-15)"],
        ["15 March - 31 May", "Wednesday to Sunday", "10:30 - 16:00", "£8.50", "£4.00"],
        ["1 June - 31 August", "every day", "10:00 - 18:00", "£9.50", "£4.50"],
        ["1 September - 31 October", "Thursday to Sunday", "10:30 - 15:30", "£8.50", "£4.00"],
    ],
    "Children under five come in free. People who live in Cardale pay nothing on Thursdays. A year's "
    "ticket costs 24 pounds and admits one adult and up to three children. Tickets for the tower are "
    "included, but only ten people may be in the lantern room at once.",
    "## 4. Volunteers",
    "The museum has two paid members of staff, the curator and the boatman, and 46 volunteers. A "
    "volunteer gives at least two days a month in the season. Everyone begins with a training day in "
    "February, which covers the history of the station, the tides and what to do in an emergency. "
    "Guides for the tower take a further half day and climb it with an experienced guide three times "
    "before they lead a group alone.",
    "- Arrive thirty minutes before opening and sign the day book in the entrance hall.",
    "- Wear the blue jersey and the badge; stout shoes are needed on the causeway.",
    "- Count visitors in and out of the tower with the hand counter and note the total at closing.",
    "- Do not touch the lens: the acid of a fingerprint etches the glass within weeks.",
    "Expenses for travel are repaid up to 18 pounds a day. Claims are handed to the curator by the "
    "fifth of the following month.",
    "## 5. Safety",
    "The mercury bath holds 310 kilograms of mercury. The pedestal is sealed, and the air in the "
    "lantern room is measured every Monday. If the meter by the door shows more than 0.02 milligrams "
    "per cubic metre, everyone leaves the tower, the door is locked and the curator is called. Nobody "
    "goes back until the reading has stayed below that value for one hour.",
    "In a thunderstorm the tower is closed. The signal is three long rings of the hand bell. The same "
    "bell rung without pause means that the causeway will close within thirty minutes; visitors then "
    "gather at the gate, and the duty volunteer checks the day book, the tower and both houses before "
    "leaving last.",
    "First-aid boxes hang in the entrance hall, in the workshop and on the second landing of the tower."
    " The defibrillator is in the yellow cabinet beside the gate. Mobile telephones often have no "
    "signal on the seaward side: use the radio, channel 8, to reach the harbour office.",
    "## 6. The collection",
    "The collection has 3,412 catalogued objects. The oldest is the iron fire basket of 1741, found in "
    "1962 by divers in four metres of water. The keepers' logs fill 57 volumes, from 1856 to 1983, with"
    " one gap: volume 31, which covers 1944, was taken away by the Admiralty and has never come back. "
    "The logs are being transcribed by volunteers, and fourteen volumes had been finished by the end of"
    " 2025.",
    "Objects are lent only to accredited museums, for twelve months at most. Photographs without flash "
    "are welcome everywhere except in the log room, where the light is kept at 50 lux.",
    "Gifts are accepted by the curator in writing. The museum does not accept firearms, ivory or "
    "objects whose owner is not known.",
]

REPORT: list[Piece] = [
    "# Marrowdale Grid Cooperative: annual report 2025",
    "## To our members",
    "Marrowdale Grid Cooperative runs the local electricity network of five villages in the upper "
    "Marrow valley. At the end of 2025 it had 1,284 members, 61 more than a year before. The "
    "cooperative was founded in 2009, after a landslide had cut the valley off from the national grid "
    "for nineteen days.",
    "## Generation and demand",
    "Our plants generated 9.7 gigawatt-hours in 2025, four per cent more than in 2024, although the "
    "summer was dry. The weir at Tarn Bridge remained the largest source. The members used 8.1 "
    "gigawatt-hours; the rest was sold to the national grid. On 214 days the valley took nothing from "
    "outside.",
    [
        ["Plant", "In service since", "Capacity (kW)", "Generated 2024 (MWh)", "Generated 2025 (MWh)"],
        ["Tarn Bridge hydro", "2011", "640", "4,310", "4,020"],
        ["Hollin Rigg wind", "2016", "900", "2,480", "2,730"],
        ["School and barn roofs, solar", "2019", "1,150", "1,020", "1,190"],
        ["Sawmill biomass", "2022", "300", "1,520", "1,760"],
    ],
    "## The battery",
    "The battery beside the old creamery was connected on 8 April 2025. It stores 2.4 megawatt-hours "
    "and delivers up to 800 kilowatts. It cost 1.06 million pounds, of which 420,000 came from members'"
    " shares and the rest from a loan over twelve years at 3.9 per cent. In its first nine months it "
    "went through 231 full cycles, with a round-trip efficiency of 88 per cent, and it carried the "
    "villages through the two outages of the national grid in November without a break.",
    "## Forecasting on a small computer",
    "Demand and generation are forecast every fifteen minutes by a model that runs on a fanless "
    "computer in the control room. It draws nine watts. The forecast's mean error for the next day's "
    "demand was 4.1 per cent, against 6.8 per cent for the service we had bought until 2024, which cost"
    " 11,500 pounds a year. No data about members' use leaves the valley.",
    "## Outages",
    "A member was without electricity for 38 minutes on average, down from 95 minutes in 2024. The "
    "longest outage, on 3 February, lasted four hours and ten minutes at Upper Hollin, where a spruce "
    "had fallen on the line. Since then 3.2 kilometres of that line have been put underground.",
    "## Money",
    "Income was 1.94 million pounds and costs were 1.71 million pounds. Of the surplus of 230,000 "
    "pounds, 140,000 goes to the reserve, 60,000 to members at 4.67 pence per pound of shares, and "
    "30,000 to the valley fund, which paid for insulating 27 houses. The price per kilowatt-hour stays "
    "at 21.4 pence until 30 September 2026.",
    "## People and decisions",
    "The annual meeting on 14 March 2026 elected Ruth Adeyemi chair for three years, after Colin Bray "
    "had served two terms. It approved a second battery by 311 votes to 96 and turned down a second "
    "wind turbine at Hollin Rigg by 228 votes to 179, because of the curlews that nest there.",
]


def make_pdf(target: Path, pieces: list[Piece]) -> None:
    styles = getSampleStyleSheet()
    body = styles["BodyText"]
    body.fontSize, body.leading, body.spaceAfter = 12, 18, 9
    looks = {"# ": styles["Title"], "## ": styles["Heading2"], "- ": body}
    story: list[Any] = []
    for piece in pieces:
        if isinstance(piece, list):
            table = Table(piece, repeatRows=1)
            lines = [("GRID", (0, 0), (-1, -1), 0.5, colors.grey), ("FONTSIZE", (0, 0), (-1, -1), 9.5)]
            head = ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold")
            table.setStyle(TableStyle([*lines, head]))
            story += [table, Spacer(1, 4 * mm)]
            continue
        mark = next((mark for mark in looks if piece.startswith(mark)), "")
        bullet = "•" if mark == "- " else None
        story.append(Paragraph(piece.removeprefix(mark), looks.get(mark, body), bulletText=bullet))

    def number_page(canvas: Any, _: object) -> None:
        canvas.setFont("Helvetica", 9)
        text = f"Skerrow Point Lighthouse Museum - page {canvas.getPageNumber()}"
        canvas.drawCentredString(A4[0] / 2, 12 * mm, text)

    document = SimpleDocTemplate(
        str(target),
        pagesize=A4,
        title="Skerrow Point Lighthouse Museum: handbook",
        author="Footnote project",
        leftMargin=28 * mm,
        rightMargin=28 * mm,
        topMargin=26 * mm,
        bottomMargin=26 * mm,
        invariant=1,  # no time stamps: the same text gives the same bytes
    )
    document.build(story, onFirstPage=number_page, onLaterPages=number_page)


def make_docx(target: Path, pieces: list[Piece]) -> None:
    document = Document()
    properties = document.core_properties
    properties.title = "Marrowdale Grid Cooperative: annual report 2025"
    properties.author = "Footnote project"
    properties.created = properties.modified = datetime(2026, 4, 1)
    for piece in pieces:
        if isinstance(piece, list):
            table = document.add_table(rows=len(piece), cols=len(piece[0]), style="Table Grid")
            for row, texts in zip(table.rows, piece, strict=True):
                for cell, text in zip(row.cells, texts, strict=True):
                    cell.text = text
        elif piece.startswith("#"):
            marks, text = piece.split(" ", 1)
            document.add_heading(text, level=len(marks))
        else:
            document.add_paragraph(piece)
    document.save(str(target))


if __name__ == "__main__":
    make_pdf(SAMPLES / "lighthouse-handbook.pdf", HANDBOOK)
    make_docx(SAMPLES / "grid-cooperative-2025.docx", REPORT)
