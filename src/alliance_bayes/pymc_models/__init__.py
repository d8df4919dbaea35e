"""From a spec and a panel to a plain `pm.Model`."""

from .compile_folder import use_a_folder_that_can_be_written

use_a_folder_that_can_be_written()  # before any module here imports what makes the folder
