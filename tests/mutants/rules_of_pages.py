"""Rules of the page: texts stay texts, numbers are those of the answers, and every figure has a table."""

from mutant import Mutant, rules_of

PAGES: list[Mutant] = [
    *rules_of(
        "pages/template.py",
        "pages/test_report.py::test_hostile_names_are_texts",
        ("texts of the page are escaped", "autoescape=True", "autoescape=False"),
    ),
    *rules_of(
        "pages/svg.py",
        "pages/test_report.py::test_hostile_names_are_texts",
        ("texts in pictures are escaped", "escape(part) for part", "Markup(part) for part"),
    ),
    *rules_of(
        "pages/moving.py",
        "pages/test_report.py::test_hostile_names_are_texts",
        ("data of the script cannot end it", 'for character in "<>&', 'for character in "&'),
    ),
    *rules_of(
        "pages/moving.py",
        "pages/test_report.py::test_the_moving_part_starts_from_the_numbers_of_the_answer",
        ("the moving part starts from the posterior", 'float(row["probability"])', 'float(row["prior"])'),
    ),
    *rules_of(
        "pages/figure.py",
        "pages/test_report.py::test_every_figure_has_a_name_and_its_numbers",
        ("a figure without its numbers is refused", "if not self.tables", "if False"),
    ),
    *rules_of(
        "pages/report.py",
        "pages/test_report.py::test_raw_values_of_people_can_be_left_out",
        (
            "nobody is drawn where nobody should be",
            "trajectories_figure(panel, held, people)",
            "trajectories_figure(panel, held, 9)",
        ),
    ),
    *rules_of(
        "pages/report.py",
        "pages/test_report.py::test_the_head_is_about_the_draws_of_the_fit",
        ("fits beside the main one do not condemn the page", "([fit] if fit else answers)", "answers"),
        ("they are named beside their own answers", "and problem not in said", "and False"),
    ),
    *rules_of(
        "pages/report.py",
        "pages/test_report.py::test_a_page_is_written_as_html_or_not_at_all",
        ("a page is no PDF", 'SUFFIXES = (".html", ".htm")', 'SUFFIXES = (".html", ".htm", ".pdf")'),
    ),
    *rules_of(
        "pages/forecasts.py",
        "pages/test_parts_of_the_page.py::test_forecasts_show_some_people_or_none",
        ("no forecast of anybody is drawn where nobody should be", "if not people:", "if False:"),
    ),
    *rules_of(
        "pages/answer_figures.py",
        "pages/test_parts_of_the_page.py::test_prior_and_data_without_it_stand_beside_each_effect",
        ("the prior beside an effect is the prior", 'Bar.of(row, "prior_")', "Bar.of(row)"),
    ),
    *rules_of(
        "pages/wording.py",
        "pages/test_parts_of_the_page.py::test_nothing_is_predicted_where_nothing_is_concluded",
        ("draws that cannot be trusted predict nothing", "    if not answer.health.healthy:\n        return\n", ""),
    ),
    *rules_of(
        "questions/path_colours.py",
        "pages/test_parts_of_the_page.py::test_a_direction_has_one_colour_in_every_figure",
        ("a direction has the colour of its predictor", "measures.index(ends[0])", "measures.index(ends[1])"),
    ),
]
