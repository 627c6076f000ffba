//! The condition language: text to a typed tree.
//!
//! ```text
//! condition   = conjunction {"or" conjunction}
//! conjunction = negation {"and" negation}
//! negation    = "not" negation | comparison
//! comparison  = sum [{("<" | "<=" | ">" | ">=" | "==" | "!=") sum} | ["not"] "in" ("[" literal {"," literal} "]" | list)]
//! sum         = product {("+" | "-") product}
//! product     = factor {("*" | "/" | "%") factor}
//! factor      = "-" factor | number | text | name | "true" | "false" | "(" condition ")" | call
//! call        = function "(" condition {"," condition} ")" | ("count" | "amount_sum") "(" window ")"
//! window      = "last" number ("hour" | "hours" | "day" | "days")
//! ```
//!
//! What is not in this grammar cannot be written, and errors carry the author's columns. Brackets, calls, `not` and `-` nest as
//! deeply as MAX_DEPTH, so no text overflows the stack.

use crate::codec::{CALENDAR_TIMES, OTHER_UNITS};
use crate::rules::enumerated::{Enumerated, Spelling};
use crate::rules::errors::{Problem, RuleError, Severity, shown};
use crate::rules::expressions::{ArithmeticOperator, Choices, ComparisonOperator, Expression};
use crate::rules::functions::Function;
use crate::rules::names::{KEYWORDS, Kind, Vocabulary};
use crate::rules::past::{Past, hours_of, hours_of_unit};
use crate::rules::tokens::{Token, TokenKind, tokens_of};
use crate::rules::type_checks::{as_condition, as_number, check_comparable};

/// Levels of brackets, and of the tree.
pub const MAX_DEPTH: usize = 30;
/// Names in epoch milliseconds.
const TIMES: [&str; 2] = ["timestamp", "statistics_as_of_ms"];
type Parsed = Result<Expression, RuleError>;

/// The condition's tree. Raises RuleError, whatever the text.
pub fn parse_condition(text: &str, vocabulary: &Vocabulary) -> Parsed {
    Ok(parse_and_check(text, vocabulary)?.0)
}

/// The condition's tree, and what is wrong about the codes that it compares with. Raises RuleError, whatever the text.
pub fn parse_and_check(text: &str, vocabulary: &Vocabulary) -> Result<(Expression, Vec<Problem>), RuleError> {
    let tokens = tokens_of(text)?;
    let mut parser = Parser { tokens: &tokens, vocabulary, next: 0, depth: 0, problems: Vec::new() };
    let condition = parser.whole()?;
    Ok((condition, parser.problems))
}

/// Is a text a call of `count` or `amount_sum` by its beginning?
pub fn begins_as_window(text: &str) -> bool {
    let function = text.split_once('(').and_then(|(name, _)| Function::of_name(name.trim()));
    function.is_some_and(|function| function.figure().is_some())
}

/// A text that is one call of `count` or `amount_sum`; `None` for any other. Raises RuleError for one that is wrong, with
/// columns from `position` on.
pub fn parse_past(text: &str, vocabulary: &Vocabulary, position: usize) -> Result<Option<Past>, RuleError> {
    if !begins_as_window(text) {
        return Ok(None);
    }
    let parsed = tokens_of(text).and_then(|tokens| {
        let mut parser = Parser { tokens: &tokens, vocabulary, next: 0, depth: 0, problems: Vec::new() };
        let call = parser.factor()?;
        if parser.token().kind != TokenKind::End {
            return Err(parser.unexpected("expected the end of the value"));
        }
        Ok(call)
    });
    match parsed.map_err(|error| error.moved(position))? {
        Expression::Call { function, arguments } => Ok(Past::of_call(function, &arguments)),
        _ => Ok(None),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    vocabulary: &'a Vocabulary,
    next: usize,
    depth: usize,
    /// Of codes that no transaction has; the condition is parsed all the same.
    problems: Vec<Problem>,
}

impl<'a> Parser<'a> {
    /// The next token; the last one, of kind `End`, is never passed.
    fn token(&self) -> &'a Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn is_at(&self, words: &[&str]) -> bool {
        let token = self.token();
        matches!(token.kind, TokenKind::Symbol | TokenKind::Name) && words.contains(&token.value.as_str())
    }

    fn take(&mut self) -> &'a Token {
        let token = self.token();
        self.next += 1;
        token
    }

    fn expect(&mut self, word: &str) -> Result<(), RuleError> {
        if !self.is_at(&[word]) {
            return Err(self.unexpected(&format!("expected '{word}'")));
        }
        self.next += 1;
        Ok(())
    }

    fn unexpected(&self, wanted: &str) -> RuleError {
        let token = self.token();
        let message = match token.kind {
            TokenKind::End => format!("{wanted}, but the condition ends"),
            TokenKind::List => format!("{wanted}, not {}", shown(&format!("@{}", token.value))),
            _ => format!("{wanted}, not {}", shown(&token.value)),
        };
        RuleError::at(message, token.position)
    }

    fn deeper(&mut self) -> Result<(), RuleError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("nested too deeply (at most {MAX_DEPTH} levels)");
            return Err(RuleError::at(message, self.token().position));
        }
        Ok(())
    }

    fn whole(&mut self) -> Parsed {
        let position = self.token().position;
        let condition = as_condition(self.condition()?, position)?;
        if self.token().kind != TokenKind::End {
            return Err(self.unexpected("expected 'and', 'or' or the end"));
        }
        if condition.depth() > MAX_DEPTH {
            let message = format!("nested too deeply, or a chain is too long (at most {MAX_DEPTH} levels)");
            return Err(RuleError::at(message, position));
        }
        Ok(condition)
    }

    fn condition(&mut self) -> Parsed {
        self.joined("or", Self::conjunction, Expression::AnyOf)
    }

    fn conjunction(&mut self) -> Parsed {
        self.joined("and", Self::negation, Expression::AllOf)
    }

    fn joined(
        &mut self,
        word: &str,
        operand: fn(&mut Self) -> Parsed,
        join: fn(Vec<Expression>) -> Expression,
    ) -> Parsed {
        let position = self.token().position;
        let first = operand(self)?;
        if !self.is_at(&[word]) {
            return Ok(first);
        }
        let mut operands = vec![as_condition(first, position)?];
        while self.is_at(&[word]) {
            self.take();
            let position = self.token().position;
            operands.push(as_condition(operand(self)?, position)?);
        }
        Ok(join(operands))
    }

    fn negation(&mut self) -> Parsed {
        if !self.is_at(&["not"]) {
            return self.comparison();
        }
        self.take();
        self.deeper()?;
        let position = self.token().position;
        let negated = as_condition(self.negation()?, position)?;
        self.depth -= 1;
        Ok(Expression::Not(Box::new(negated)))
    }

    fn comparison(&mut self) -> Parsed {
        let mut position = self.token().position;
        let mut left = self.sum()?;
        if self.is_at(&["in", "not"]) {
            return self.membership(left, position);
        }
        let (mut operands, mut operators) = (Vec::new(), Vec::new());
        while let Some(operator) = self.comparison_operator() {
            let symbol = self.take();
            let right_position = self.token().position;
            let mut right = self.sum()?;
            check_comparable(&left, operator, symbol, &right)?;
            if operator.is_equality() {
                self.in_code(&left, &mut right, right_position, operator);
                self.in_code(&right, &mut left, position, operator);
            }
            self.problems.extend(time_problem(&left, &right, right_position));
            self.problems.extend(time_problem(&right, &left, position));
            operands.push(std::mem::replace(&mut left, right));
            operators.push(operator);
            position = right_position;
        }
        if operators.is_empty() {
            return Ok(left);
        }
        operands.push(left);
        if self.is_at(&["in", "not"]) {
            return Err(RuleError::at("'in' cannot be part of a chained comparison", self.token().position));
        }
        Ok(Expression::Comparison { operands, operators })
    }

    /// Put the code that a text means in its place where it is compared with a field that holds codes.
    fn in_code(&mut self, field: &Expression, text: &mut Expression, position: usize, operator: ComparisonOperator) {
        let Expression::Text(text) = text else { return };
        let told = self.problems.len();
        let code = self.code_of(field, text, position);
        let is_missing = Enumerated::of(field).is_some_and(|field| field.is_missing(text));
        if is_missing && operator == ComparisonOperator::NotEqual {
            // It is true of all that is known.
            self.problems[told..].iter_mut().for_each(|problem| problem.severity = Severity::Warning);
        }
        *text = code;
    }

    /// The code that a text means, compared with this; the text itself where that holds no codes.
    fn code_of(&mut self, compared: &Expression, text: &str, position: usize) -> String {
        match (Enumerated::of(compared), compared) {
            (Some(field), _) => self.code(field, text, position),
            (None, Expression::Call { function: Function::Lower, arguments }) if text.to_lowercase() == text => {
                let field = arguments.first().and_then(Enumerated::of);
                field.map_or_else(|| text.to_owned(), |field| self.code(field, text, position).to_lowercase())
            }
            // Its default may be any text.
            (None, Expression::Call { function: Function::Coalesce, arguments }) => {
                let field = arguments.iter().find_map(Enumerated::of_codes);
                field.and_then(|field| known_code(field, text, position)).unwrap_or_else(|| text.to_owned())
            }
            _ => text.to_owned(),
        }
    }

    fn code(&mut self, field: Enumerated, text: &str, position: usize) -> String {
        let Spelling { code, problem } = field.spelling(text, position);
        self.problems.extend(problem);
        code
    }

    fn comparison_operator(&self) -> Option<ComparisonOperator> {
        let token = self.token();
        if token.kind == TokenKind::Symbol { ComparisonOperator::of(&token.value) } else { None }
    }

    fn membership(&mut self, operand: Expression, position: usize) -> Parsed {
        let is_negated = self.take().value == "not";
        if is_negated {
            self.expect("in")?;
        }
        let token = self.token();
        if token.kind == TokenKind::List {
            self.take();
            let list = self.vocabulary.list(&token.value, token.position)?;
            list.kind.check(&operand, &list.name, position)?;
            let membership = Expression::InList { operand: Box::new(operand), list };
            return Ok(if is_negated { Expression::Not(Box::new(membership)) } else { membership });
        }
        self.expect("[")?;
        let kind = operand.kind();
        let choices = match kind {
            Kind::Number => Choices::Numbers(self.choices(Self::number_choice)?),
            Kind::Text => Choices::Texts(self.choices(|parser| parser.text_choice(&operand))?),
            Kind::Flag | Kind::Condition => {
                let message = format!("only a number or a text can be 'in' a list, not {}", kind.words());
                return Err(RuleError::at(message, position));
            }
        };
        let membership = Expression::Membership { operand: Box::new(operand), choices };
        Ok(if is_negated { Expression::Not(Box::new(membership)) } else { membership })
    }

    fn choices<T>(&mut self, choice: impl Fn(&mut Self) -> Result<T, RuleError>) -> Result<Vec<T>, RuleError> {
        let mut choices = vec![choice(self)?];
        while self.is_at(&[","]) {
            self.take();
            choices.push(choice(self)?);
        }
        self.expect("]")?;
        Ok(choices)
    }

    fn number_choice(&mut self) -> Result<f64, RuleError> {
        let (is_negative, token) = self.choice(Kind::Number)?;
        let value = number(token)?;
        Ok(if is_negative { -value } else { value })
    }

    fn text_choice(&mut self, operand: &Expression) -> Result<String, RuleError> {
        let token = self.choice(Kind::Text)?.1;
        Ok(self.code_of(operand, &token.value, token.position))
    }

    fn choice(&mut self, kind: Kind) -> Result<(bool, &'a Token), RuleError> {
        let is_negative = self.is_at(&["-"]);
        if is_negative {
            self.take();
        }
        let token = self.token();
        let is_text = token.kind == TokenKind::Text;
        if !(token.kind == TokenKind::Number || is_text && !is_negative) {
            return Err(self.unexpected("expected a number or a quoted text in the list"));
        }
        if is_text != (kind == Kind::Text) {
            let quoting = if kind == Kind::Text { "put it in quotes" } else { "write it without quotes" };
            let message = format!("{} is compared with {}", shown(&token.value), kind.words());
            return Err(RuleError::at(message, token.position).hint(quoting));
        }
        Ok((is_negative, self.take()))
    }

    fn sum(&mut self) -> Parsed {
        self.chain(&["+", "-"], Self::product)
    }

    fn product(&mut self) -> Parsed {
        self.chain(&["*", "/", "%"], Self::factor)
    }

    fn chain(&mut self, symbols: &[&str], operand: fn(&mut Self) -> Parsed) -> Parsed {
        let position = self.token().position;
        let mut left = operand(self)?;
        while self.is_at(symbols) {
            let symbol = &self.take().value;
            let Some(operator) = ArithmeticOperator::of(symbol) else { return Ok(left) };
            let right_position = self.token().position;
            let right = as_number(operand(self)?, symbol, right_position)?;
            let known = as_number(left, symbol, position)?;
            left = Expression::Arithmetic { operator, left: Box::new(known), right: Box::new(right) };
        }
        Ok(left)
    }

    fn factor(&mut self) -> Parsed {
        let token = self.token();
        match token.kind {
            TokenKind::Number => return Ok(Expression::Number(number(self.take())?)),
            TokenKind::Text => return Ok(Expression::Text(self.take().value.clone())),
            TokenKind::Name if matches!(token.value.as_str(), "true" | "false") => {
                return Ok(Expression::Flag(self.take().value == "true"));
            }
            TokenKind::Name if !KEYWORDS.contains(&token.value.as_str()) => {
                self.take();
                if self.is_at(&["("]) {
                    return self.call(token);
                }
                return Ok(Expression::Name(self.vocabulary.lookup(&token.value, token.position)?));
            }
            _ if !self.is_at(&["-", "("]) => return Err(self.unexpected("expected a name, number or text")),
            _ => {}
        }
        self.take();
        self.deeper()?;
        let inner = if token.value == "-" {
            let position = self.token().position;
            Expression::Negative(Box::new(as_number(self.factor()?, "-", position)?))
        } else {
            let inner = self.condition()?;
            self.expect(")")?;
            inner
        };
        self.depth -= 1;
        Ok(inner)
    }

    /// The arguments in brackets behind a function's name.
    fn call(&mut self, name: &Token) -> Parsed {
        let function = Function::lookup(&name.value, name.position)?;
        self.take();
        if function.figure().is_some() {
            return self.window(function, name);
        }
        self.deeper()?;
        let mut arguments = Vec::new();
        if !self.is_at(&[")"]) {
            loop {
                let position = self.token().position;
                arguments.push((self.condition()?, position));
                if !self.is_at(&[","]) {
                    break;
                }
                self.take();
            }
        }
        if !self.is_at(&[")"]) {
            return Err(self.unexpected("expected ',' or ')'"));
        }
        self.take();
        self.depth -= 1;
        self.in_one_code(function, &mut arguments);
        self.check_beginning(function, &arguments);
        function.call(arguments, name.position)
    }

    /// Tell of a beginning that no text of a field has.
    fn check_beginning(&mut self, function: Function, arguments: &[(Expression, usize)]) {
        let (Function::StartsWith, [(text, _), (Expression::Text(start), position)]) = (function, arguments) else {
            return;
        };
        if let Some(field) = Enumerated::of(text) {
            self.problems.extend(field.beginning(start, *position));
        }
    }

    /// `last 7 days` and the closing bracket, behind a function of windows.
    fn window(&mut self, function: Function, name: &Token) -> Parsed {
        if !self.vocabulary.has_payments() {
            let message = format!("{} is of payments, not of a change of an account", name.value);
            return Err(RuleError::at(message, name.position));
        }
        let form = function.signature().form;
        self.expect("last").map_err(|error| error.hint(form))?;
        let length = self.token();
        if length.kind != TokenKind::Number {
            return Err(self.unexpected("expected a number of hours or days").hint(form));
        }
        self.take();
        let Some(unit_hours) = hours_of_unit(&self.token().value).filter(|_| self.token().kind == TokenKind::Name)
        else {
            return Err(self.unexpected("expected 'hours' or 'days'").hint(form));
        };
        let unit = self.take();
        let Some(hours) = hours_of(number(length)?, unit_hours) else {
            let message = format!("{} cannot look at the last {} {}", name.value, length.value, unit.value);
            return Err(RuleError::at(message, length.position).hint("whole hours or days, from 1 hour to 90 days"));
        };
        self.expect(")")?;
        Ok(Expression::Call { function, arguments: vec![Expression::Number(hours.into())] })
    }

    /// Put the codes that texts mean in their place beside a field that holds codes; other texts stay.
    fn in_one_code(&self, function: Function, arguments: &mut [(Expression, usize)]) {
        let field = arguments.iter().find_map(|(argument, _)| Enumerated::of_codes(argument));
        if let (Function::Coalesce, Some(field)) = (function, field) {
            for (argument, position) in arguments {
                if let Expression::Text(text) = argument {
                    *text = known_code(field, text, *position).unwrap_or_else(|| text.clone());
                }
            }
        }
    }
}

/// What is wrong about a number that a time is compared with: it is in another unit than milliseconds.
fn time_problem(time: &Expression, number: &Expression, position: usize) -> Option<Problem> {
    let (Expression::Name(name), Expression::Number(value)) = (time, number) else { return None };
    let whole = *value as i64;
    let is_other = OTHER_UNITS.contains(&whole) || CALENDAR_TIMES.iter().any(|times| times.contains(&whole));
    if !TIMES.contains(&&*name.name) || !is_other {
        return None;
    }
    let error = RuleError::at(format!("{whole} is no time of today: {} is in epoch milliseconds", name.name), position);
    Some(Problem::error(error.hint("epoch seconds times 1000")))
}

/// The code of a text that is one.
fn known_code(field: Enumerated, text: &str, position: usize) -> Option<String> {
    let Spelling { code, problem } = field.spelling(text, position);
    problem.is_none().then_some(code)
}

fn number(token: &Token) -> Result<f64, RuleError> {
    match token.value.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(RuleError::at(format!("{} is too large for a number", shown(&token.value)), token.position)),
    }
}
