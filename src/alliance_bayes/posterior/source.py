"""What draws belong to: one panel, one group of it, or several imputed panels; and what these cannot answer."""

from dataclasses import dataclass

from ..basics.problems import SpecError

__all__ = ["Source", "one_panel_needed"]


@dataclass(frozen=True)
class Source:
    """What draws belong to: one panel where nothing is given.

    Attributes
    ----------
    group_of
        Groups of the fit that the draws of this one group are taken from; none where they are of all groups.
    n_panels
        How many imputed panels they are of.
    """

    group_of: tuple[str, ...] = ()
    n_panels: int = 1

    def require_one_panel(self, question: str, cure: str = "") -> None:
        """Refuse a question about the values of persons where panels were imputed."""
        if self.n_panels > 1:
            raise one_panel_needed(question, self.n_panels, cure)

    def require_parameters(self) -> None:
        """Refuse what needs the fitted parameters, of which one group has a part only."""
        if self.group_of:
            raise SpecError(
                "Scores, forecasts and checks need the fit of all groups; use that fit, not one of its groups."
            )

    def require_file(self) -> None:
        """Refuse to be saved unless it is of one panel and all its groups."""
        self.require_one_panel("A file")
        if self.group_of:
            raise SpecError(
                "A file holds a fit of all groups, and this is one of its groups. Save the fit of all groups; later "
                f"ab.load_fit(path).of_group('{self.group_of[0]}') gives the group."
            )


def one_panel_needed(question: str, n_panels: int, cure: str = "") -> SpecError:
    """Refusal of what belongs to one panel, by several imputed ones."""
    return SpecError(
        f"{question} belongs to one panel, and this fit is of {n_panels} imputed panels. Ask each of the single fits "
        f"in .fits, {cure or 'and combine their answers'}."
    )
