"""Rules of batches: seeds, files, what is a result, and moments gathered in segments."""

from mutant import Mutant, rules_of

RUN, DASK, FITS = "batches/test_run_batch.py::", "batches/test_on_dask.py::", "batches/test_fit_many.py::"

BATCHES: list[Mutant] = [
    *rules_of(
        "batches/replicates.py",
        f"{RUN}test_seeds_are_of_cell_and_number_alone",
        ("seeds are of the cell", "(*self.cell.encode(), int(self.number))", "(int(self.number),)"),
    ),
    *rules_of(
        "batches/replicates.py",
        f"{RUN}test_a_task_that_comes_twice_is_done_once",
        ("a replicate whose file exists is done", "    if path.exists():", "    if False:"),
    ),
    *rules_of(
        "batches/replicates.py",
        f"{RUN}test_ctrl_c_keeps_no_part_of_a_result",
        ("a fit that was interrupted is no result", "        if interrupted:", "        if False:"),
    ),
    *rules_of(
        "batches/replicates.py",
        f"{RUN}test_errors_of_the_machine_end_the_batch",
        ("errors of the machine are no results", "        except OF_THE_MACHINE:", "        except ():"),
    ),
    *rules_of(
        "batches/replicates.py",
        f"{RUN}test_a_row_for_each_replicate",
        ("failures are results", "        except Exception as error:", "        except () as error:"),
        ("warnings are kept", "issubclass(each.category, UserWarning)", "issubclass(each.category, ImportWarning)"),
    ),
    *rules_of(
        "batches/manifest.py",
        f"{RUN}test_another_plan_is_refused",
        (
            "a folder of another plan is refused",
            "if different := [*_differences(older, values)]:",
            "if different := []:",
        ),
    ),
    *rules_of(
        "batches/running.py",
        f"{RUN}test_a_killed_process_loses_only_what_was_under_way",
        (
            "what a killed process lost is done again",
            "for index, task in enumerate(left) if index not in done]",
            "for task in ()]",
        ),
    ),
    *rules_of(
        "batches/running.py",
        f"{RUN}test_a_folder_that_workers_do_not_share_is_noticed",
        ("results that are not there are noticed", "len(replicates) - len(done)", "0"),
    ),
    *rules_of(
        "batches/results.py",
        f"{RUN}test_damaged_files_are_named_before_anything_is_run",
        ("damaged files are refused", "    if damaged:", "    if False:"),
    ),
    *rules_of(
        "batches/results.py",
        f"{RUN}test_whole_numbers_keep_their_digits_beside_failures",
        ("whole numbers keep their digits", "len(given) < len(values)", "len(given) > len(values)"),
    ),
    *rules_of(
        "batches/on_dask.py",
        f"{DASK}test_workers_with_several_threads_are_refused",
        ("workers have one thread", "if n > 1]", "if n > 2]"),
    ),
    *rules_of(
        "batches/fitting.py",
        f"{FITS}test_a_folder_of_fits_with_another_target_accept_is_refused_by_that_name",
        ("a stated target_accept is the only one", "until_explored=accept is None", "until_explored=True"),
    ),
    *rules_of(
        "batches/fitting.py",
        f"{FITS}test_a_folder_of_other_fits_is_refused",
        ("a folder of fits of other panels is refused", "    if different:", "    if False:"),
    ),
    *rules_of(
        "batches/fitting.py",
        f"{FITS}test_each_preview_is_that_of_its_panel_and_seed",
        ("a fit has the seed of its row", '"seed": seed, **_kept', '"seed": 1, **_kept'),
        (
            "questions have draws of the prior",
            "preview_of(model, seed, with_prior=bool",
            "preview_of(model, seed, with_prior=not",
        ),
    ),
    *rules_of(
        "engine/design.py",
        "batches/test_fit_many.py::test_layouts_are_shared_between_panels_of_the_same_design_alone",
        ("a layout is of the same times", "getattr(self, each.name) == getattr(other, each.name)", "True"),
        (
            "a layout with covariates is of one panel",
            "for each in (self, other) for name in of_persons):",
            "for each in () for name in of_persons):",
        ),
    ),
    *rules_of(
        "panel/segments.py",
        "panel/test_parquet.py::test_workers_give_the_same_moments_to_the_last_bit",
        ("segments begin where the rows say", "while left and len(remaining) and not", "while False and not"),
        ("no person is in two tasks", '("<", end))', '("<=", end))'),
    ),
    *rules_of(
        "panel/segments.py",
        "panel/test_parquet.py::test_rows_in_order_are_not_sorted",
        ("rows out of order are sorted", "less(persons[1:], persons[:-1])", "less(persons[1:], persons[1:])"),
    ),
    *rules_of(
        "panel/segments.py",
        "panel/test_parquet.py::test_nan_is_missing_whatever_the_file_says_of_its_limits",
        (
            "limits that a file states are not of its NaN",
            '"disabled_optimizers": "statistics_propagation"',
            '"threads": threads',
        ),
    ),
]
