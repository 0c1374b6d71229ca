"""Steps of the start-up, one module per concern."""
