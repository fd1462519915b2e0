"""The style model of *An Implicit Physical Face Model Driven by Expression and Style*: actors, training, evaluation."""
