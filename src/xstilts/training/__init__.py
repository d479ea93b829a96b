"""Training and prediction: one readable loop for every family and encoder."""
