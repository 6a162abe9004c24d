"""What people say around a question.

The rules that leave it out (``rag.text.framing``) were made with the first of these in view, and changed once
after the next sixteen. The last sixteen were written when they were done: of those seven are not recognised.
"""

from __future__ import annotations

FRAMINGS = (
    "Please tell me: {Q}", "Hi! {Q}", "{Q} Thanks!", "Quick question: {Q}", "Can you tell me {q}",
    "I was wondering {q}", "{Q} Please answer briefly.", "hello, do you know {q}", "Please look up {q}",
    "I need help with this: {Q}", "My boss wants to know {q}", "Hey there, {q} Thank you in advance.",
    "According to the documents, {q}", "Based on the text, {Q}", "In these documents, {q}",
    "Sorry to bother you, but {q}", "One more thing: {Q}", "Just curious: {Q}", "Does anyone know {q}",
    "For my report I need to know {q}", "Explain to me {q}", "What I want to know is {q}",
    "I'd be interested to learn {q}", "Would you happen to know {q}",
    "Morning! Any idea {q}", "{Q} I couldn't find it.", "Help me out: {Q}", "{Q} Appreciate it.",
    "I'm looking for the answer to this one: {Q}", "We were discussing this at lunch: {q}",
    "Dear assistant, {q}", "I forgot {q}", "Not sure if this is covered, but {q}", "Let's see. {Q}",
    "Is it written anywhere {q}", "A customer asked me {q}", "Remind me, {q}", "Okay, and {q}",
    "Someone at work asked {q}", "{Q} I need it for tomorrow.", "Yo, {q}", "{Q} Asking for a friend.",
    "Need to know fast: {Q}", "Could someone clarify {q}", "Ok so my question is: {Q}",
    "My teacher asked us {q}", "Before I forget, {q}", "I read the report but did not see {q}",
    "As a new member I'd like to ask: {Q}", "Can you check in the files {q}", "{Q} That would help me a lot.",
    "Any chance you could tell me {q}", "It's about the history. {Q}", "Let me know {q}",
    "This may be a silly question, but {q}", "We need to settle a bet: {Q}",
)  # fmt: skip


def framed(question: str, framing: str) -> str:
    """The question with the words around it, its first letter as it has to be there."""
    lower = question if question.startswith("I ") else question[:1].lower() + question[1:]
    return framing.format(Q=question, q=lower)
