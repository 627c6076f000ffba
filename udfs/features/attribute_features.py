"""Features of a bank's own attributes: a number as it is, a text by the history of its value."""

from __future__ import annotations

from udfs.attributes import Attribute, attribute_number
from udfs.features.category import UNKNOWN, features_of_broad
from udfs.features.context import Context
from udfs.features.feature import Feature
from udfs.features.groups import ATTRIBUTE

PREFIX = "attribute_"


def features_of_attribute(attribute: Attribute) -> tuple[Feature, ...]:
    """`attribute_NAME` of a number; fraud rates and activity of a text's value, as a category has them."""
    name, group = PREFIX + attribute.name, ATTRIBUTE + attribute.name
    if attribute.kind == "number":
        return (Feature(name, "number", f"the {attribute.holder}'s attribute {attribute.name}", groups=(group,)),)
    return features_of_broad(name, (group,))


class AttributeFeatures:
    """Computes the features of declared attributes, in their order."""

    def __init__(self, attributes: tuple[Attribute, ...]) -> None:
        self.features = tuple(feature for attribute in attributes for feature in features_of_attribute(attribute))
        self._attributes = attributes

    def compute(self, context: Context) -> list[float]:
        """The values; `context.attributes` holds the figures (or None) of each text attribute."""
        values: list[float] = []
        texts = 0
        for attribute in self._attributes:
            if attribute.kind == "text":
                figures = context.attributes[texts]
                values.extend(UNKNOWN if figures is None else figures.values)
                texts += 1
            else:
                values.append(attribute_number(attribute, context.transaction, context.user))
        return values
