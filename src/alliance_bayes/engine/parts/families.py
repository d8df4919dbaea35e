"""Parameters of the families of measures that are not normal, as they are sampled."""

from collections.abc import Iterator

from ...basics.distributions import Beta
from ...basics.names import in_words
from ...panel import Panel
from ...spec.cross_lagged import CrossLagged
from ...spec.latent_options import latent_options
from ..keys import Key
from ..parameters import TableBuilder
from ..prior_scale import PriorBuilder
from .part import Part

__all__ = ["Families"]


class Families(Part):
    """Slopes, loadings, precisions, and shares that stand for cut points: last in theta, in the order of the kernel."""

    def belongs_to(self, spec: CrossLagged) -> bool:
        """Where a measure is not normal."""
        return bool(spec.random_families)

    def parameters(self, table: TableBuilder, group: int) -> None:
        """As the family of each measure lists them."""
        for name, family in table.spec.random_families.items():
            key, measures = _of(name), (table.names.index(name),)
            positions = [table.add(key, f"{parameter.name} {name}", measures) for parameter in family.parameters]
            table.put(key, group, None, positions)

    def priors(self, priors: PriorBuilder) -> None:
        """A random variable of all numbers that are called alike."""
        for name, family in priors.spec.random_families.items():
            positions = priors.table.at(_of(name), 0)
            blocks: dict[str, list[int]] = {}
            for place, parameter in enumerate(family.parameters):
                blocks.setdefault(parameter.name.split(" ")[0], []).append(place)
            for word, places in blocks.items():
                chosen = [family.parameters[place] for place in places]
                labels = [each.name.removeprefix(word).strip() or name for each in chosen]
                betas = tuple(each.prior for each in chosen if isinstance(each.prior, Beta))
                dim = priors.dim(f"{word}_{name}_of", labels)
                priors.let(positions[places], priors.add(f"{word}_{name}", chosen[0].prior, dim, betas=betas)[0])

    def problems(self, spec: CrossLagged, panel: Panel) -> Iterator[str]:
        """A panel of moments, which holds no person's values."""
        if panel.moments is not None and spec.is_latent:
            given = in_words(latent_options(spec))
            yield f"A model with {given} needs each person's values, and this panel holds moments alone."


def _of(measure: str) -> Key:
    return Key("family", of=(measure,))
