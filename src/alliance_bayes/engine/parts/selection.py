"""Who is interviewed, and who answers, as regressions of their own."""

from ...spec.cross_lagged import CrossLagged
from ..keys import Key
from ..parameters import TableBuilder
from ..prior_scale import PriorBuilder
from ..systems import SystemBuilder
from .part import Part
from .regressions import regress

__all__ = ["Selections"]


class Selections(Part):
    """Logits of being interviewed, or of answering, at every wave that they are about."""

    def belongs_to(self, spec: CrossLagged) -> bool:
        """Where the model has a selection."""
        return bool(spec.selection)

    def parameters(self, table: TableBuilder, group: int) -> None:
        """An intercept for each wave, then effects at the same wave and from the wave before."""
        for each in table.spec.selection:
            key = _intercept(each.of)
            for wave, time in list(enumerate(table.design.times))[each.first_wave :]:
                position = table.add(key, f"{each.of} seen", occasion=wave, times=(time,))
                table.put(key, group, wave, [position])
            table.effects_on(_on(each.of), each.on, f"-> {each.of} seen")
            table.effects_on(_before(each.of), each.before, f"before -> {each.of} seen")

    def priors(self, priors: PriorBuilder) -> None:
        """Log odds, and effects per SD."""
        for each in priors.spec.selection:
            name, first = f"{each.of}_seen", each.first_wave
            values = priors.add(f"{name}_intercept", each.intercept, "later_time" if first else "time")[0]
            for wave, value in enumerate(values, start=first):
                priors.let(priors.table.at(_intercept(each.of), 0, wave), value)
            if each.effect is not None:
                priors.numbers(f"{name}_on", each.effect, _on(each.of))
            priors.numbers(f"{name}_before", each.slope, _before(each.of))

    def system(self, system: SystemBuilder) -> None:
        """A logit at every wave, that of waves it is not about without anything."""
        for each in system.spec.selection:
            for wave, time in enumerate(system.design.times):
                logit = system.regression("selection", each.of, time)
                if wave < each.first_wave:
                    continue
                system.intercept(logit, int(system.at(_intercept(each.of), wave)[0]))
                regress(system, logit, _on(each.of), each.on, wave)
                if wave > 0:
                    regress(system, logit, _before(each.of), each.before, wave - 1)


def _intercept(of: str) -> Key:
    return Key("selection", "intercept", (of,))


def _on(of: str) -> Key:
    return Key("selection", of=(of, "on"))


def _before(of: str) -> Key:
    return Key("selection", of=(of, "before"))
