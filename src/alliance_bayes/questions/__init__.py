"""Questions to a fit, and their answers: tables, draws, assumptions, text and figures."""
