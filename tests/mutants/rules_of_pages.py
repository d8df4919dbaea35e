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
]
