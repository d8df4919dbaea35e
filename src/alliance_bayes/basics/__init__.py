"""What every room may use and nothing of which knows a panel: checks of calls, words, files, interruptions."""
