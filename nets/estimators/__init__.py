"""Networks behind scikit-learn's conventions: fit, predict, score, inside pipelines and searches."""
