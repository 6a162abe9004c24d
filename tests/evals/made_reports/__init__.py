"""Long look-alike annual reports of invented companies, made by code from a seed, and questions on them."""
