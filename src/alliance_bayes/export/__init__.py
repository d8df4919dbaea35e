"""Models as input of other programs, so that anyone can lay our numbers beside theirs."""
