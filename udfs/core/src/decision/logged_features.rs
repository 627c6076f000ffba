//! A transaction's features as its decision logs them.

use crate::decision::base64::push_base64;
use crate::decision::json::{JsonWriter, push_float, push_text};

/// How a decision logs its features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureForm {
    /// `"features":{"amount":12.5,…},"feature_set":VERSION`, null for what is not known.
    Names,
    /// `"features":null,"feature_set":VERSION,"features_packed":…`: the values in input order as little-endian float64,
    /// in Base64; NaN for what is not known.
    Packed,
    /// `"features":null`.
    None,
}

impl FeatureForm {
    /// The form of a setting, `None` for one that is none.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "names" => Self::Names,
            "packed" => Self::Packed,
            "none" => Self::None,
            _ => return None,
        })
    }
}

/// Writes the features of one feature set in one form.
#[derive(Clone, Debug)]
pub struct FeatureLog {
    form: FeatureForm,
    /// Each name as it stands before its value: `{"amount":`, `,"amount_log":` …
    labels: Vec<Box<[u8]>>,
    version: Box<str>,
}

impl FeatureLog {
    /// Of features of these names, in input order; `version` is the feature set's.
    pub fn new<'a>(form: FeatureForm, names: impl IntoIterator<Item = &'a str>, version: &str) -> Self {
        let labels = names.into_iter().enumerate().map(|(place, name)| {
            let mut label = vec![if place == 0 { b'{' } else { b',' }];
            push_text(&mut label, name);
            label.push(b':');
            label.into()
        });
        let labels = labels.collect();
        Self { form, labels, version: version.into() }
    }

    /// Of records without features.
    pub fn without_features() -> Self {
        Self::new(FeatureForm::None, [], "")
    }

    /// How many bytes a record with features needs, roughly.
    pub fn expected_bytes(&self) -> usize {
        match self.form {
            FeatureForm::Names => self.labels.iter().map(|label| label.len() + 8).sum(),
            FeatureForm::Packed => 64 + 11 * self.labels.len(),
            FeatureForm::None => 16,
        }
    }

    /// The last members of a decision. `values` are as many as the names.
    pub fn write(&self, values: &[f64], json: &mut JsonWriter) {
        json.name("features");
        match self.form {
            FeatureForm::Names => self.write_by_name(values, json),
            FeatureForm::Packed | FeatureForm::None => json.null(),
        }
        if self.form != FeatureForm::None {
            json.name("feature_set");
            json.text(&self.version);
        }
        if self.form == FeatureForm::Packed {
            json.name("features_packed");
            json.raw(b"\"");
            push_base64(&mut json.bytes, &packed(values));
            json.bytes.push(b'"');
        }
    }

    fn write_by_name(&self, values: &[f64], json: &mut JsonWriter) {
        if self.labels.is_empty() {
            return json.raw(b"{}");
        }
        for (number, (label, value)) in self.labels.iter().zip(values).enumerate() {
            // The labels bring the commas; the first is the start of the value.
            if number == 0 {
                json.raw(label);
            } else {
                json.bytes.extend_from_slice(label);
            }
            push_float(&mut json.bytes, *value);
        }
        json.bytes.push(b'}');
    }
}

/// Little-endian float64; whatever is not finite is always the same NaN, as it is always null by name.
fn packed(values: &[f64]) -> Vec<u8> {
    let known = values.iter().map(|value| if value.is_finite() { *value } else { f64::NAN });
    known.flat_map(f64::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: FeatureForm) -> String {
        let mut json = JsonWriter::default();
        json.open(b'{');
        FeatureLog::new(form, ["a", "b"], "v1").write(&[1.0, f64::INFINITY], &mut json);
        json.close(b'}');
        String::from_utf8_lossy(&json.bytes).into()
    }

    #[test]
    fn features_have_three_forms() {
        assert_eq!(written(FeatureForm::Names), r#"{"features":{"a":1.0,"b":null},"feature_set":"v1"}"#);
        let packed = r#"{"features":null,"feature_set":"v1","features_packed":"AAAAAAAA8D8AAAAAAAD4fw=="}"#;
        assert_eq!(written(FeatureForm::Packed), packed);
        assert_eq!(written(FeatureForm::None), r#"{"features":null}"#);
    }
}
