"""The pretrained networks: layers, the generalized model, the store of weights."""
