//! The columns that conditions read, and a block of their rows.

use crate::rules::names::{Kind, Name};
use crate::rules::past::Past;

/// Epoch milliseconds.
const EVENT_TIME: &str = "timestamp";
const USER_ID: &str = "user_id";
/// Rows that are evaluated at a time: what a condition needs of so many stays in the processor's nearest cache.
pub const BLOCK: usize = 512;

/// A column of numbers; NaN is one that is not known.
pub trait NumberColumn {
    /// Copy the rows from `start` on.
    fn read(&self, start: usize, into: &mut [f64]);
}

/// A column of texts; `None` is one that is not known.
pub trait TextColumn {
    fn text(&self, row: usize) -> Option<&str>;
}

/// The columns of `ColumnNames`, in their order, all of `rows` rows.
pub struct Columns<'a> {
    pub rows: usize,
    pub numbers: Vec<&'a dyn NumberColumn>,
    pub texts: Vec<&'a dyn TextColumn>,
}

/// The rows from `start` on, at most BLOCK.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    pub columns: &'a Columns<'a>,
    pub start: usize,
    pub len: usize,
}

impl<'a> Columns<'a> {
    /// All rows, block by block.
    pub fn blocks(&'a self) -> impl Iterator<Item = Block<'a>> {
        let starts = (0..self.rows).step_by(BLOCK);
        starts.map(|start| Block { columns: self, start, len: BLOCK.min(self.rows - start) })
    }
}

/// The names that conditions read, each once, in the order of their first use. True and false are numbers.
#[derive(Debug, Default)]
pub struct ColumnNames {
    pub numbers: Vec<String>,
    pub texts: Vec<String>,
}

impl ColumnNames {
    /// The place of a name among those of its kind.
    pub fn place_of(&mut self, name: &Name) -> usize {
        place_in(if name.source.kind() == Kind::Text { &mut self.texts } else { &mut self.numbers }, &name.name)
    }

    /// The place of a figure of past payments, whose name is what conditions write.
    pub fn place_of_past(&mut self, past: Past) -> usize {
        place_in(&mut self.numbers, &past.text())
    }

    /// The place of the user's id, by which roll-outs choose.
    pub fn place_of_user(&mut self) -> usize {
        place_in(&mut self.texts, USER_ID)
    }

    /// The place of the event time, by which entries of lists expire.
    pub fn place_of_time(&mut self) -> usize {
        place_in(&mut self.numbers, EVENT_TIME)
    }
}

fn place_in(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}
