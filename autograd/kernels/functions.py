"""exp, log, tanh, sigmoid and the other functions as polynomials over Lanes: see the issue; being written."""
