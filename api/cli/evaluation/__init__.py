"""The parts of ``footnote eval`` that talk: to the service, and to a model that writes questions."""
