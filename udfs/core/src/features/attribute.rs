//! Features of a bank's own attributes: a number as it is, a text by the history of its value.

use crate::attributes::{Attribute, AttributeKind};
use crate::context::Context;
use crate::features::category::{OF_CATEGORY, features_of_category, write_figures};
use crate::features::feature::{Feature, Form, Words};
use crate::features::signal::Signal;

/// What their family is called; it has no features until attributes are declared.
pub const FAMILY: &str = "attribute";
const PREFIX: &str = "attribute_";
const GROUP: &str = "attribute:";

/// The features of declared attributes, in their order.
pub fn features_of(attributes: &[Attribute]) -> Vec<Feature> {
    attributes.iter().flat_map(features_of_attribute).collect()
}

fn features_of_attribute(attribute: &Attribute) -> Vec<Feature> {
    let name = format!("{PREFIX}{}", attribute.name);
    let group = format!("{GROUP}{}", attribute.name);
    let spoken = attribute.name.replace('_', " ");
    match attribute.kind {
        AttributeKind::Text => features_of_category(&name, &format!("this {spoken}"), &[&group], &name),
        AttributeKind::Number => {
            let formula = format!("the {}'s attribute {}", attribute.holder.name(), attribute.name);
            let words = Words::number(Form::Number, format!("{spoken} {{}}"))
                .or_if_low(format!("{spoken} only {{}}"))
                .unknown(format!("{spoken} not stated"));
            let signal = Signal::either(name.clone());
            vec![Feature::new(name, "number", formula, words, signal).groups(&[group])]
        }
    }
}

/// The values of all attributes of the context; `out` is as long as `features_of` gives features.
pub fn compute(context: &Context, out: &mut [f64]) {
    let mut rest = out;
    let mut figures = context.attribute_figures.iter();
    for attribute in context.attributes {
        let width = if attribute.kind == AttributeKind::Text { OF_CATEGORY } else { 1 };
        let Some((values, others)) = rest.split_at_mut_checked(width) else { return };
        match attribute.kind {
            AttributeKind::Text => write_figures(figures.next().and_then(Option::as_ref), values),
            AttributeKind::Number => values[0] = attribute.number(context.transaction, context.user),
        }
        rest = others;
    }
}
