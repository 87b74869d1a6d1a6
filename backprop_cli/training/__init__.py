"""Networks and fitted formulas from one config: data, model, loop, checkpoints."""
