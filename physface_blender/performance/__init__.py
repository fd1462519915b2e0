"""Expression curves over time: ARKit names, capture readers, resampling, the built-in performance."""
