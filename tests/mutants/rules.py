"""All rules that are broken on purpose."""

from rules_of_answers import ANSWERS
from rules_of_batches import BATCHES
from rules_of_data import DATA
from rules_of_models import MODELS
from rules_of_pages import PAGES

MUTANTS = [*ANSWERS, *BATCHES, *DATA, *MODELS, *PAGES]
