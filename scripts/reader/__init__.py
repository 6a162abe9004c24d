"""Making the reader that finds answers in passages: texts, questions, train, export, in this order."""
