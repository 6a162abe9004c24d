"""Pictures of figures as SVG, drawn by pure functions; nothing is loaded to show them."""
