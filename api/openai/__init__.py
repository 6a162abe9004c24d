"""OpenAI's HTTP interface in terms of Footnote's own: pure translation, both ways. ``api/routes/openai_*``
serve it, docs/openai.md says what is honoured, what is ignored and what is refused."""
