"""Conversations written by hand over small texts: what is asked second, and what it means on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TEXTS: Mapping[str, str] = {
    "skerry": (
        "The Skerry lighthouse was completed in 1876 by the engineer Thomas Aldane. The Skerry tower "
        "is 41 metres high and built of granite. Iris Halloran was the first keeper of the Skerry "
        "lighthouse; Halloran served for 22 years. The Skerry lamp burned oil until 1931."
    ),
    "molde": (
        "The Molde lighthouse was completed in 1902 and is made of cast iron. The Molde tower is 27 "
        "metres high. Per Nygaard was the first keeper at Molde and served for nine years. Molde had "
        "the first electric lamp of the coast."
    ),
    "aldane": (
        "Thomas Aldane was born in Bergen in 1831. Aldane studied at the polytechnic in Hannover and "
        "married Clara Weiss. Thomas Aldane died of typhus in 1889 and is buried in Leith."
    ),
    "halloran": (
        "Iris Halloran was born on a farm near Cork in 1850. Halloran had learned to read from her "
        "aunt. After her years as a keeper Iris Halloran wrote a book about sea birds, which was "
        "printed in 1911."
    ),
    "library": (
        "The reading room of the Harbour Library was opened on 3 May 1911 by Mayor Ottilie Brandt. "
        "The Harbour Library has 84 seats and a roof of copper from the Falun mine. The library lends "
        "skates in winter."
    ),
    "brandt": (
        "Ottilie Brandt was mayor of Leith from 1908 to 1919. Brandt had been a chemist. Ottilie "
        "Brandt resigned because of the dispute about the tramway."
    ),
    "act": (
        "The Water Act of 1921 gave towns the right to levy fees on wells. The Water Act was drafted "
        "by Samuel Boateng and passed with 61 votes against 40. It was repealed in 1954 because it "
        "was unfair to farmers."
    ),
    "fisheries": (
        "The Fisheries Act of 1933 limited the length of nets to 80 metres. The Fisheries Act was "
        "drafted by Ruth Okafor. Trawlers opposed the Fisheries Act, and it was amended in 1960."
    ),
    "timber": (
        "Aldane Timber employed 200 workers in 1950 and 340 workers in 1960. Aldane Timber was "
        "founded in 1902 by Jan Weiss. Its mill burned down in 1971."
    ),
    "glass": (
        "Brandt Glass employed 75 workers in 1950 and 60 workers in 1960. Brandt Glass was founded in "
        "1888 by the brothers Lind. Brandt Glass makes lenses for lighthouses."
    ),
    "ferry": (
        "The ferry Aurora carried 12,000 visitors in 1980 and 31,000 visitors in 1990. The Aurora was "
        "built in Gdansk. Captain Keiko Mori commanded the Aurora until 1995."
    ),
    "bridge": (
        "The Leith bridge was designed by Marta Lind. The Leith bridge collapsed in 1907 because its "
        "piers stood on clay. Eleven workers were killed when the bridge at Leith collapsed."
    ),
    "terns": (
        "Arctic terns nest on Skerry island from May to August. The terns eat sand eels and defend "
        "their nests by diving at visitors. About 900 pairs of terns were counted in 2019."
    ),
    "seals": (
        "Grey seals rest on the rocks of Vardo. The seals eat cod and give birth in October. About "
        "300 seals were counted in 2019."
    ),
    "diesel": (
        "Diesel is taxed at 47 cents a litre under the mineral oil ordinance. Farmers get 21 cents of "
        "the diesel tax back if they apply before October."
    ),
    "bread": (
        "Rye bread is baked for 55 minutes at 200 degrees. Rye dough rests for twelve hours and is "
        "made of flour, water, salt and sourdough."
    ),
}


@dataclass(frozen=True, slots=True)
class Conversation:
    """``earlier`` are pairs of question and answer; ``standalone`` is ``question`` as it would be asked
    alone, the same where it stands alone already. ``document`` holds the answer."""

    earlier: Sequence[tuple[str, str]]
    question: str
    standalone: str
    document: str


def _told(question: str, answer: str, *rest: tuple[str, str, str]) -> list[Conversation]:
    return [Conversation([(question, answer)], *one) for one in rest]


CONVERSATIONS: Sequence[Conversation] = [
    *_told(
        "When was the Skerry lighthouse completed?",
        "The Skerry lighthouse was completed in 1876 by the engineer Thomas Aldane. [1]",
        ("How high is it?", "How high is the Skerry lighthouse?", "skerry"),
        ("Who was its first keeper?", "Who was the first keeper of the Skerry lighthouse?", "skerry"),
        ("And the Molde lighthouse?", "When was the Molde lighthouse completed?", "molde"),
        ("What about Molde?", "When was Molde completed?", "molde"),
        ("Where did he study?", "Where did Thomas Aldane study?", "aldane"),
        ("What is it built of?", "What is the Skerry lighthouse built of?", "skerry"),
        ("How is rye bread baked?", "How is rye bread baked?", "bread"),
        ("Which tax applies to diesel?", "Which tax applies to diesel?", "diesel"),
        ("When was the Water Act repealed?", "When was the Water Act repealed?", "act"),
    ),
    *_told(
        "Who was the first keeper of the Skerry lighthouse?",
        "Iris Halloran was the first keeper of the Skerry lighthouse; Halloran served for 22 years. [1]",
        ("Where was she born?", "Where was Iris Halloran born?", "halloran"),
        ("What did she write?", "What did Iris Halloran write?", "halloran"),
        ("How long did she serve?", "How long did Iris Halloran serve?", "skerry"),
        ("And of the Molde lighthouse?", "Who was the first keeper of the Molde lighthouse?", "molde"),
        ("Who taught her to read?", "Who taught Iris Halloran to read?", "halloran"),
        (
            "Until when did its lamp burn oil?",
            "Until when did the lamp of the Skerry lighthouse burn oil?",
            "skerry",
        ),
        ("Why did Ottilie Brandt resign?", "Why did Ottilie Brandt resign?", "brandt"),
        ("How many seals were counted at Vardo?", "How many seals were counted at Vardo?", "seals"),
    ),
    *_told(
        "When was the reading room of the Harbour Library opened?",
        "The reading room of the Harbour Library was opened on 3 May 1911 by Mayor Ottilie Brandt. [1]",
        ("How many seats does it have?", "How many seats does the Harbour Library have?", "library"),
        ("What is its roof made of?", "What is the roof of the Harbour Library made of?", "library"),
        ("Why did she resign?", "Why did Ottilie Brandt resign?", "brandt"),
        ("What had she been before?", "What had Ottilie Brandt been before?", "brandt"),
        ("What does it lend in winter?", "What does the Harbour Library lend in winter?", "library"),
        ("Who designed the Leith bridge?", "Who designed the Leith bridge?", "bridge"),
    ),
    *_told(
        "What did the Water Act of 1921 give towns?",
        "The Water Act of 1921 gave towns the right to levy fees on wells. [1]",
        ("Who drafted it?", "Who drafted the Water Act?", "act"),
        ("Who drafted that law?", "Who drafted the Water Act?", "act"),
        ("When was this act repealed?", "When was the Water Act repealed?", "act"),
        ("Why?", "Why did the Water Act of 1921 give towns the right to levy fees?", "act"),
        ("And the Fisheries Act of 1933?", "What did the Fisheries Act of 1933 give?", "fisheries"),
        ("How many votes were against it?", "How many votes were against the Water Act?", "act"),
        ("Who founded Brandt Glass?", "Who founded Brandt Glass?", "glass"),
    ),
    *_told(
        "How many workers did Aldane Timber employ in 1950?",
        "Aldane Timber employed 200 workers in 1950 and 340 workers in 1960. [1]",
        ("And in 1960?", "How many workers did Aldane Timber employ in 1960?", "timber"),
        ("And how many in 1960?", "How many workers did Aldane Timber employ in 1960?", "timber"),
        ("And Brandt Glass?", "How many workers did Brandt Glass employ in 1950?", "glass"),
        ("Who founded it?", "Who founded Aldane Timber?", "timber"),
        ("When did its mill burn down?", "When did the mill of Aldane Timber burn down?", "timber"),
        ("How about Brandt Glass in 1960?", "How many workers did Brandt Glass employ in 1960?", "glass"),
        ("When do arctic terns nest?", "When do arctic terns nest?", "terns"),
    ),
    *_told(
        "How many visitors did the ferry Aurora carry in 1980?",
        "The ferry Aurora carried 12,000 visitors in 1980 and 31,000 visitors in 1990. [1]",
        ("And in 1990?", "How many visitors did the ferry Aurora carry in 1990?", "ferry"),
        ("Where was it built?", "Where was the ferry Aurora built?", "ferry"),
        ("Who commanded it?", "Who commanded the ferry Aurora?", "ferry"),
        ("Who commanded her until 1995?", "Who commanded the ferry Aurora until 1995?", "ferry"),
        ("How long does rye dough rest?", "How long does rye dough rest?", "bread"),
    ),
    *_told(
        "Why did the Leith bridge collapse?",
        "The Leith bridge collapsed in 1907 because its piers stood on clay. [1]",
        ("When?", "When did the Leith bridge collapse?", "bridge"),
        ("How many were killed?", "How many were killed when the Leith bridge collapsed?", "bridge"),
        ("Who designed it?", "Who designed the Leith bridge?", "bridge"),
        ("Did anyone die there?", "Did anyone die at the Leith bridge?", "bridge"),
        ("Who was killed by that?", "Who was killed when the Leith bridge collapsed?", "bridge"),
        ("Is it true that terns dive at visitors?", "Is it true that terns dive at visitors?", "terns"),
        ("Who was mayor of Leith in 1910?", "Who was mayor of Leith in 1910?", "brandt"),
    ),
    *_told(
        "What do the arctic terns eat?",
        "The terns eat sand eels and defend their nests by diving at visitors. [1]",
        ("Where do they nest?", "Where do the arctic terns nest?", "terns"),
        ("How many of them were counted in 2019?", "How many arctic terns were counted in 2019?", "terns"),
        ("How do they defend their nests?", "How do the arctic terns defend their nests?", "terns"),
        ("And the grey seals?", "What do the grey seals eat?", "seals"),
        ("What about seals?", "What do seals eat?", "seals"),
        ("How do farmers get the diesel tax back?", "How do farmers get the diesel tax back?", "diesel"),
    ),
    *_told(
        "Who designed the Leith bridge?",
        "The Leith bridge was designed by Marta Lind. [1]",
        ("When did it collapse?", "When did the Leith bridge collapse?", "bridge"),
        ("What did its piers stand on?", "What did the piers of the Leith bridge stand on?", "bridge"),
        ("Which book did Iris Halloran write?", "Which book did Iris Halloran write?", "halloran"),
    ),
    *_told(
        "Which is older, the Skerry lighthouse or the Molde lighthouse?",
        "the Skerry lighthouse:\n- Completed in 1876. [1]\nthe Molde lighthouse:\n- Completed in 1902. [2]",
        (
            "Who was the first keeper of the latter?",
            "Who was the first keeper of the Molde lighthouse?",
            "molde",
        ),
        ("How high is the second one?", "How high is the Molde lighthouse?", "molde"),
        ("What is the former built of?", "What is the Skerry lighthouse built of?", "skerry"),
    ),
    *_told(
        "Which acts were drafted by women or men of the coast?",
        "- The Water Act of 1921 [1]\n- The Fisheries Act of 1933 [2]",
        ("When was the first one repealed?", "When was the Water Act of 1921 repealed?", "act"),
        ("Who drafted the second?", "Who drafted the Fisheries Act of 1933?", "fisheries"),
        ("What did the last one limit?", "What did the Fisheries Act of 1933 limit?", "fisheries"),
    ),
    Conversation(
        [
            ("When was the Skerry lighthouse completed?", "It was completed in 1876 by Thomas Aldane. [1]"),
            ("Where did he study?", "Aldane studied at the polytechnic in Hannover. [1]"),
        ],
        "Whom did he marry?",
        "Whom did Thomas Aldane marry?",
        "aldane",
    ),
    Conversation(
        [
            ("Who opened the reading room of the Harbour Library?", "Mayor Ottilie Brandt opened it. [1]"),
            ("Until when was she mayor?", "Ottilie Brandt was mayor of Leith from 1908 to 1919. [1]"),
        ],
        "And why did she resign?",
        "Why did Ottilie Brandt resign?",
        "brandt",
    ),
    Conversation(
        [
            ("How high is the Skerry tower?", "The Skerry tower is 41 metres high. [1]"),
            ("What about the Molde tower?", "The Molde tower is 27 metres high. [1]"),
        ],
        "What is it made of?",
        "What is the Molde tower made of?",
        "molde",
    ),
    Conversation(
        [
            ("How many workers did Aldane Timber employ in 1950?", "200 workers. [1]"),
            ("And Brandt Glass?", "Brandt Glass employed 75 workers in 1950. [1]"),
        ],
        "And in 1960?",
        "How many workers did Brandt Glass employ in 1960?",
        "glass",
    ),
    Conversation(
        [
            ("Who drafted the Water Act?", "The Water Act was drafted by Samuel Boateng. [1]"),
            ("What do grey seals eat?", "The seals eat cod. [1]"),
        ],
        "When do they give birth?",
        "When do the grey seals give birth?",
        "seals",
    ),
    Conversation(
        [("Who kept the Skerry lighthouse?", "Iris Halloran. [1]")],
        "Wie lange wird Roggenbrot gebacken?",
        "Wie lange wird Roggenbrot gebacken?",
        "",
    ),
    Conversation(
        [("Who kept the Skerry lighthouse?", "Iris Halloran. [1]")],
        "Dove è nata la custode e che libro scrisse?",
        "Dove è nata la custode e che libro scrisse?",
        "",
    ),
    Conversation(
        [("Who kept the Skerry lighthouse?", "Iris Halloran. [1]")],
        "When did the mayor of Leith open her reading room?",
        "When did the mayor of Leith open her reading room?",
        "library",
    ),
    Conversation(
        [("What is photosynthesis?", "Not in these documents.")],
        "How is rye bread made?",
        "How is rye bread made?",
        "bread",
    ),
]
"""Of all kinds: pronouns, parts of questions, "that law", ordinals, several turns, new topics."""
