//! Rules from Python: rule books, their checks, single conditions, and what Python's tools need of the language.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyInt, PyString};

use crate::decision::actions::Action;
use crate::decision::flags::flag_of;
use crate::events::{AuthorizationResult, Text, Transaction, TransactionKind};
use crate::rules::check::problems;
use crate::rules::condition::Condition;
use crate::rules::enumerated::{CODE_FIELDS, Enumerated};
use crate::rules::errors::{RuleError, shown};
use crate::rules::event_fields::field_of;
use crate::rules::facts::{CHANGE_TEXTS, FACT_NUMBERS, Facts};
use crate::rules::functions::{Function, Signature};
use crate::rules::language::{parse_condition, parse_past};
use crate::rules::named_lists::{ListType, Lists, NamedList};
use crate::rules::names::Vocabulary;
use crate::rules::names_read::lists_read;
use crate::rules::number::Row;
use crate::rules::past::Past;
use crate::rules::population::{Figures, POPULATION_NAMES, Population, Snapshot};
use crate::rules::python_tree::tree_of;
use crate::rules::reason_text::ReasonText;
use crate::rules::rollout::rollout_place;
use crate::rules::rule_set::{Rule, RuleSet, RuleState, check_scale, structure_errors};
use crate::rules::rulebook::{RuleResult, Rulebook};
use crate::rules::scale::Scale;

/// A rule set, compiled.
#[pyclass(name = "Rulebook", module = "udfs.core._native", frozen)]
pub struct PyRulebook {
    pub rulebook: Arc<Rulebook>,
}

#[pymethods]
impl PyRulebook {
    /// Compile a `RuleSet` over features of these names, in input order, and lists. Raises RuleError.
    #[new]
    fn new(
        py: Python<'_>,
        rule_set: &Bound<'_, PyAny>,
        feature_names: Vec<String>,
        lists: Vec<PyRef<'_, PyNamedList>>,
    ) -> PyResult<Self> {
        let names = feature_names.iter().map(String::as_str);
        let rulebook = Rulebook::new(rule_set_of(rule_set)?, names, lists_of(&lists));
        Ok(Self { rulebook: Arc::new(rulebook.map_err(|error| python_error(py, &error))?) })
    }

    /// (points, score, hits as positions among the rules) of one transaction.
    fn evaluate(
        &self,
        features: Vec<f64>,
        event: &Bound<'_, PyAny>,
        population: HashMap<String, f64>,
    ) -> PyResult<(i64, i64, Vec<u16>)> {
        let mut result = RuleResult::default();
        let (transaction, facts, population) = (transaction_of(event)?, facts_of(&population), figures_of(&population));
        let row = Row { features: &features, transaction: &transaction, population: &population, facts: &facts };
        let shares = self.rulebook.shares(&row.transaction.user_id);
        self.rulebook.evaluate(&row, shares, &mut result);
        Ok((result.points, result.score, result.hits))
    }

    /// The ids of the rules that are live for a part of the customers, in the order of their bits among the shares.
    fn partial_rollouts(&self) -> Vec<String> {
        self.rulebook.partial_rollouts().map(|rule| rule.id.clone()).collect()
    }

    /// The words of hits.
    fn reasons(
        &self,
        hits: Vec<u16>,
        features: Vec<f64>,
        event: &Bound<'_, PyAny>,
        population: HashMap<String, f64>,
    ) -> PyResult<Vec<String>> {
        let (transaction, facts, population) = (transaction_of(event)?, facts_of(&population), figures_of(&population));
        let row = Row { features: &features, transaction: &transaction, population: &population, facts: &facts };
        Ok(hits.iter().map(|hit| self.rulebook.reason(*hit, &row)).collect())
    }

    /// Name and version of the lists that enabled rules refer to.
    #[getter]
    fn lists(&self) -> Vec<(String, i64)> {
        self.rulebook.lists().to_vec()
    }

    /// The names that a rule's condition reads.
    fn names_read(&self, place: u16) -> Vec<String> {
        self.rulebook.names_read(place).to_vec()
    }
}

/// One version of a list that conditions refer to.
#[pyclass(name = "NamedList", module = "udfs.core._native", frozen)]
pub struct PyNamedList {
    pub list: Arc<NamedList>,
}

#[pymethods]
impl PyNamedList {
    /// Of (value, expiry in epoch milliseconds of event time or None). Raises ValueError for an unknown type.
    #[new]
    fn new(name: &str, kind: &str, version: i64, entries: Vec<(String, Option<i64>)>) -> PyResult<Self> {
        let kind = ListType::of(kind).ok_or_else(|| PyValueError::new_err(format!("no type of lists: {kind}")))?;
        Ok(Self { list: Arc::new(NamedList::new(name, kind, version, entries)) })
    }

    #[getter]
    fn name(&self) -> &str {
        &self.list.name
    }

    #[getter]
    fn version(&self) -> i64 {
        self.list.version
    }

    /// Is a value, spelled as decoded events have it, on the list at an event time?
    fn contains(&self, value: &str, time_ms: i64) -> bool {
        self.list.contains(value, time_ms)
    }
}

/// The lists that Python has made.
pub fn lists_of(lists: &[PyRef<'_, PyNamedList>]) -> Lists {
    Lists::new(lists.iter().map(|list| list.list.clone()).collect())
}

/// A value as decoded events have it, for a type of lists. Raises ValueError for an unknown type.
#[pyfunction]
fn list_value(kind: &str, value: &str) -> PyResult<String> {
    let kind = ListType::of(kind).ok_or_else(|| PyValueError::new_err(format!("no type of lists: {kind}")))?;
    Ok(kind.spelled(value))
}

/// The lists that a condition refers to, in the order of their first use; none for a text that is no condition.
#[pyfunction(name = "lists_read")]
fn py_lists_read(condition: &str) -> Vec<String> {
    lists_read(condition).unwrap_or_default()
}

type PySnapshot = (i64, HashMap<String, f64>, HashMap<String, f64>);

/// Figures about all users, as of each moment.
#[pyclass(name = "PopulationFigures", module = "udfs.core._native", frozen)]
pub struct PyPopulation {
    pub population: Arc<Population>,
}

#[pymethods]
impl PyPopulation {
    /// Of (from when they count in epoch milliseconds, figures by name, fraud rates by city).
    #[new]
    fn new(snapshots: Vec<PySnapshot>) -> Self {
        let snapshots = snapshots.into_iter().map(|(from_ms, figures, rates)| Snapshot {
            from_ms,
            values: figures_of(&figures),
            city_rates: rates.into_iter().map(|(city, rate)| (city.into(), rate)).collect(),
        });
        Self { population: Arc::new(Population::new(snapshots.collect())) }
    }

    /// The figures for a transaction by name; NaN is what is not known.
    fn at(&self, time_ms: i64, city: Option<&str>) -> Vec<(&'static str, f64)> {
        POPULATION_NAMES.into_iter().zip(self.population.figures(time_ms, city)).collect()
    }
}

/// All that is wrong, or odd, about a `RuleSet`, as ("error" or "warning", RuleError).
#[pyfunction]
fn rule_problems<'py>(
    py: Python<'py>,
    rule_set: &Bound<'py, PyAny>,
    feature_names: Vec<String>,
    lists: Vec<PyRef<'_, PyNamedList>>,
) -> PyResult<Vec<(&'static str, Bound<'py, PyAny>)>> {
    let names = feature_names.iter().map(String::as_str);
    let found = problems(&rule_set_of(rule_set)?, names, lists_of(&lists));
    found.iter().map(|problem| Ok((problem.severity.name(), error_object(py, &problem.error)?))).collect()
}

/// What is wrong about the ids, points, version and scale of a `RuleSet`.
#[pyfunction]
fn structure_problems<'py>(py: Python<'py>, rule_set: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    structure_errors(&rule_set_of(rule_set)?).iter().map(|error| error_object(py, error)).collect()
}

/// A condition as a tree of udfs.rules.expressions. Raises RuleError.
#[pyfunction(name = "parse_condition")]
fn py_parse_condition<'py>(
    py: Python<'py>,
    text: &Bound<'py, PyAny>,
    feature_names: Vec<String>,
    lists: Vec<PyRef<'_, PyNamedList>>,
) -> PyResult<Bound<'py, PyAny>> {
    let text = text_of(text, "a condition")?;
    let parsed = vocabulary(py, &feature_names)
        .map(|vocabulary| vocabulary.with_lists(lists_of(&lists)))
        .and_then(|vocabulary| parse_condition(&text, &vocabulary).map_err(|error| python_error(py, &error)));
    tree_of(py, &parsed?)
}

/// (name, type in the words of messages, source, field) of every name that rules can use.
#[pyfunction]
fn rule_names(
    py: Python<'_>,
    feature_names: Vec<String>,
) -> PyResult<Vec<(String, &'static str, &'static str, String)>> {
    let names = vocabulary(py, &feature_names)?.names();
    let described = names.iter().map(|name| {
        let source = name.source;
        (name.name.to_string(), source.kind().words(), source.name(), field_of(&name.name).to_owned())
    });
    Ok(described.collect())
}

/// A reason's text with the values of one transaction. Raises RuleError.
#[pyfunction]
fn reason_text(
    text: &Bound<'_, PyAny>,
    feature_names: Vec<String>,
    features: Vec<f64>,
    event: &Bound<'_, PyAny>,
    population: HashMap<String, f64>,
) -> PyResult<String> {
    let py = text.py();
    let text = text_of(text, "a reason")?;
    let template =
        ReasonText::new(&text, &vocabulary(py, &feature_names)?).map_err(|error| python_error(py, &error))?;
    let (transaction, facts, population) = (transaction_of(event)?, facts_of(&population), figures_of(&population));
    Ok(template.words(&Row { features: &features, transaction: &transaction, population: &population, facts: &facts }))
}

/// A customer's place in the roll-out of a rule, 0 to 99.
#[pyfunction(name = "rollout_place")]
fn py_rollout_place(user_id: &str, rule_id: &str) -> u8 {
    rollout_place(user_id, rule_id)
}

/// The score of each sum of points from 0 to the scale's last. Raises RuleError.
#[pyfunction]
fn scale_scores(py: Python<'_>, scale: Vec<(i64, i64)>) -> PyResult<Vec<i64>> {
    check_scale(&scale).map_err(|error| python_error(py, &error))?;
    Ok(Scale::new(&scale).scores().to_vec())
}

fn vocabulary(py: Python<'_>, feature_names: &[String]) -> PyResult<Vocabulary> {
    Vocabulary::new(feature_names.iter().map(String::as_str)).map_err(|error| python_error(py, &error))
}

/// What a condition says of one transaction: true, false or None. Raises RuleError.
#[pyfunction]
#[pyo3(signature = (text, feature_names, features, event, population, lists = Vec::new()))]
fn condition_truth(
    text: &Bound<'_, PyAny>,
    feature_names: Vec<String>,
    features: Vec<f64>,
    event: &Bound<'_, PyAny>,
    population: HashMap<String, f64>,
    lists: Vec<PyRef<'_, PyNamedList>>,
) -> PyResult<Option<bool>> {
    let py = text.py();
    let text = text_of(text, "a condition")?;
    let vocabulary = vocabulary(py, &feature_names)?.with_lists(lists_of(&lists));
    let condition = parse_condition(&text, &vocabulary)
        .and_then(|tree| Condition::of(&tree).ok_or_else(|| RuleError::new("the condition has no truth")));
    let condition = condition.map_err(|error| python_error(py, &error))?;
    let (transaction, facts, population) = (transaction_of(event)?, facts_of(&population), figures_of(&population));
    Ok(condition.truth(&Row { features: &features, transaction: &transaction, population: &population, facts: &facts }))
}

/// The error as `udfs.rules.errors.RuleError`.
pub fn python_error(py: Python<'_>, error: &RuleError) -> PyErr {
    match error_object(py, error) {
        Ok(value) => PyErr::from_value(value),
        Err(other) => other,
    }
}

fn error_object<'py>(py: Python<'py>, error: &RuleError) -> PyResult<Bound<'py, PyAny>> {
    let hints = [("hint", error.hint.as_deref()), ("rule_id", error.rule_id.as_deref()), ("field", error.field)];
    let hints = hints.into_py_dict(py)?;
    let class = py.import("udfs.rules.errors")?.getattr("RuleError")?;
    class.call((error.message.as_str(), error.position), Some(&hints))
}

/// A text of Python. Raises RuleError where it is none, or holds half of a character.
fn text_of(object: &Bound<'_, PyAny>, what: &str) -> PyResult<String> {
    let py = object.py();
    let Ok(text) = object.cast::<PyString>() else {
        let kind = object.get_type().name()?;
        return Err(python_error(py, &RuleError::new(format!("{what} must be a text, not {kind}"))));
    };
    if let Ok(known) = text.extract::<String>() {
        return Ok(known);
    }
    // Only a surrogate, half of a character, has no place in UTF-8.
    let is_surrogate =
        |character: PyResult<Bound<'_, PyAny>>| character.is_ok_and(|one| one.extract::<char>().is_err());
    let position = text.try_iter()?.position(is_surrogate).map_or(1, |at| at + 1);
    Err(python_error(py, &RuleError::at(format!("{what} holds half of a character"), position)))
}

/// A whole number of Python; of one beyond 64 bits the greatest or least with them.
fn whole(number: &Bound<'_, PyAny>) -> PyResult<i64> {
    match number.extract::<i64>() {
        Err(_) if number.is_instance_of::<PyInt>() => Ok(if number.gt(0)? { i64::MAX } else { i64::MIN }),
        known => known,
    }
}

/// A `udfs.rules.rule_set.RuleSet`. Raises RuleError for texts that are none.
pub fn rule_set_of(object: &Bound<'_, PyAny>) -> PyResult<RuleSet> {
    let mut rules = Vec::new();
    for rule in object.getattr("rules")?.try_iter()? {
        rules.push(rule_of(&rule?)?);
    }
    let mut scale = Vec::new();
    for pair in object.getattr("scale")?.try_iter()? {
        let pair = pair?;
        scale.push((whole(&pair.get_item(0)?)?, whole(&pair.get_item(1)?)?));
    }
    Ok(RuleSet {
        name: text_of(&object.getattr("name")?, "name")?,
        description: text_of(&object.getattr("description")?, "description")?,
        version: whole(&object.getattr("version")?)?,
        scale,
        rules,
    })
}

fn rule_of(rule: &Bound<'_, PyAny>) -> PyResult<Rule> {
    let action: Option<String> = rule.getattr("action")?.extract()?;
    let flag: Option<String> = rule.getattr("flag")?.extract()?;
    let tier = rule.getattr("tier")?;
    let id = text_of(&rule.getattr("id")?, "id")?;
    let named = |error: PyErr| {
        let py = rule.py();
        error.value(py).call_method1("of_rule", (id.as_str(),)).map_or_else(|other| other, PyErr::from_value)
    };
    Ok(Rule {
        points: whole(&rule.getattr("points")?)?,
        when: text_of(&rule.getattr("when")?, "a condition").map_err(named)?,
        reason: text_of(&rule.getattr("reason")?, "a reason").map_err(named)?,
        tier: if tier.is_none() { None } else { Some(text_of(&tier, "tier").map_err(named)?) },
        action: action.map(|name| action_of(&name)).transpose()?,
        enabled: rule.getattr("enabled")?.extract()?,
        flag: flag
            .map(|name| flag_of(&name).ok_or_else(|| PyValueError::new_err(format!("no flag: {name}"))))
            .transpose()?,
        of_changes: rule.getattr("event")?.extract::<String>()? == "account_change",
        state: state_of(&rule.getattr("state")?.extract::<String>()?)?,
        rollout: whole(&rule.getattr("rollout")?)?,
        is_guarded: !rule.getattr("guardrails")?.is_none(),
        id: id.clone(),
    })
}

fn state_of(name: &str) -> PyResult<RuleState> {
    RuleState::of(name).ok_or_else(|| PyValueError::new_err(format!("no state of a rule: {name}")))
}

/// The action of a name. Raises ValueError.
pub fn action_of(name: &str) -> PyResult<Action> {
    Action::of(name).ok_or_else(|| PyValueError::new_err(format!("no action: {name}")))
}

/// Population figures by name; those that are missing are not known.
pub fn figures_of(population: &HashMap<String, f64>) -> Figures {
    POPULATION_NAMES.map(|name| population.get(name).copied().unwrap_or(f64::NAN))
}

/// Facts by name and windows such as `count(last 7 days)`, given among the population figures; those that are missing are not
/// known.
pub fn facts_of(known: &HashMap<String, f64>) -> Facts {
    let numbers = FACT_NUMBERS.map(|name| known.get(name).copied().unwrap_or(f64::NAN));
    let windows = known.iter().filter(|(name, _)| name.ends_with(')'));
    let past = windows.filter_map(|(name, value)| Some(past_of_name(name).ok()?.alone(*value)));
    Facts { numbers, past: past.collect(), ..Facts::UNKNOWN }
}

/// The window of a name such as `count(last 7 days)`. Raises RuleError for any other.
pub fn past_of_name(name: &str) -> Result<Past, RuleError> {
    let vocabulary = Vocabulary::new([])?;
    parse_past(name, &vocabulary, 1)?.ok_or_else(|| RuleError::new(format!("{} is no window", shown(name))))
}

/// Is a name that of a window, as conditions write it?
#[pyfunction]
fn is_window(name: &str) -> bool {
    past_of_name(name).is_ok()
}

/// A `udfs.records.events.Transaction`, without its attributes; what is no transaction is one without any field.
pub fn transaction_of(event: &Bound<'_, PyAny>) -> PyResult<Transaction<'static>> {
    if event.is_none() {
        return Ok(Transaction::new("".into(), "".into(), 0, 0.0));
    }
    let text = |field: &str| -> PyResult<Option<Text<'static>>> {
        Ok(event.getattr(field)?.extract::<Option<String>>()?.map(Text::Owned))
    };
    let number = |field: &str| -> PyResult<Option<f64>> { event.getattr(field)?.extract() };
    let mut transaction = Transaction::new(
        text("transaction_id")?.unwrap_or_default(),
        text("user_id")?.unwrap_or_default(),
        event.getattr("timestamp")?.extract()?,
        number("amount")?.unwrap_or(f64::NAN),
    );
    transaction.kind = match text("kind")?.as_deref() {
        Some("refund") => TransactionKind::Refund,
        Some("reversal") => TransactionKind::Reversal,
        _ => TransactionKind::Purchase,
    };
    transaction.auth_result = match text("auth_result")?.as_deref() {
        Some("approved") => Some(AuthorizationResult::Approved),
        Some("declined") => Some(AuthorizationResult::Declined),
        _ => None,
    };
    transaction.currency = text("currency")?;
    transaction.merchant_id = text("merchant_id")?;
    transaction.merchant_category = text("merchant_category")?;
    transaction.merchant_country = text("merchant_country")?;
    transaction.channel = text("channel")?;
    transaction.entry_mode = text("entry_mode")?;
    transaction.device_id = text("device_id")?;
    transaction.session_id = text("session_id")?;
    transaction.card_id = text("card_id")?;
    transaction.ip_address = text("ip_address")?;
    transaction.city = text("city")?;
    transaction.country = text("country")?;
    transaction.beneficiary_id = text("beneficiary_id")?;
    transaction.email_domain = text("email_domain")?;
    transaction.latitude = number("latitude")?;
    transaction.longitude = number("longitude")?;
    transaction.distance_from_home_km = number("distance_from_home_km")?;
    transaction.account_tenure_months = number("account_tenure_months")?;
    transaction.txns_last_1h = number("txns_last_1h")?;
    transaction.otp_used = event.getattr("otp_used")?.extract()?;
    Ok(transaction)
}

/// Put rules into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyRulebook>()?;
    module.add_class::<PyNamedList>()?;
    module.add_class::<PyPopulation>()?;
    module.add("LIST_TYPES", ListType::ALL.map(|kind| (kind.name(), kind.fields().to_vec())).to_vec())?;
    module.add_function(wrap_pyfunction!(list_value, module)?)?;
    module.add_function(wrap_pyfunction!(py_lists_read, module)?)?;
    module.add("POPULATION_NAMES", POPULATION_NAMES)?;
    module.add("CHANGE_TEXTS", CHANGE_TEXTS)?;
    let functions = Function::ALL.map(|function| {
        let Signature { name, form, gives, meaning } = function.signature();
        (name, form, gives, meaning)
    });
    module.add("RULE_FUNCTIONS", functions.to_vec())?;
    let codes = CODE_FIELDS.map(|field| (field, Enumerated::of_name(field).map_or(&[][..], Enumerated::known_codes)));
    module.add("RULE_CODES", codes.map(|(field, codes)| (field, codes.to_vec())).to_vec())?;
    module.add_function(wrap_pyfunction!(is_window, module)?)?;
    module.add_function(wrap_pyfunction!(rule_problems, module)?)?;
    module.add_function(wrap_pyfunction!(structure_problems, module)?)?;
    module.add_function(wrap_pyfunction!(py_parse_condition, module)?)?;
    module.add_function(wrap_pyfunction!(rule_names, module)?)?;
    module.add_function(wrap_pyfunction!(reason_text, module)?)?;
    module.add_function(wrap_pyfunction!(scale_scores, module)?)?;
    module.add_function(wrap_pyfunction!(py_rollout_place, module)?)?;
    module.add_function(wrap_pyfunction!(condition_truth, module)?)
}
