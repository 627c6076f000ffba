//! A batch as one run of bytes each way, so that no object is made for a record between the JVM and the core.
//!
//! All numbers are big-endian, as a `java.nio.ByteBuffer` writes them (jobs/pipeline/java/BatchedPythonOperator.java).
//!
//! ```text
//! records:  of each: key and source as text, payload as bytes, arrival i64, partition i32, offset i64, is a reply wanted u8
//! answer:   of each: u8 entries, each as bytes; u8 outputs, each u8 destination and bytes
//! text:     u16 length, UTF-8         bytes:  i32 length, bytes
//! ```
//!
//! What a record does not have is a source of no length, a payload of length -1, an arrival of `i64::MIN` and a partition
//! of -1, with which the offset does not count.

use crate::decision::actions::Action;
use crate::engine::batch::Incoming;
use crate::state::user::Write;

const NO_ARRIVAL: i64 = i64::MIN;

/// Why bytes are no frame.
#[derive(Debug, PartialEq, Eq)]
pub struct NoFrame(&'static str);

impl std::fmt::Display for NoFrame {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the frame of a batch ends within a {} of a record", self.0)
    }
}

/// Where a framed record came from, as far as the frame says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramedOrigin<'f> {
    pub source: Option<&'f str>,
    pub partition_and_offset: Option<(i32, i64)>,
    /// Is a reply to be among its outputs?
    pub wants_reply: bool,
}

/// The records of a frame. `arrived_at_ms` is that of records whose source gives no arrival.
pub fn records(
    frame: &[u8],
    arrived_at_ms: Option<i64>,
) -> Result<(Vec<Incoming<'_>>, Vec<FramedOrigin<'_>>), NoFrame> {
    let mut rest = Rest(frame);
    let (mut records, mut origins) = (Vec::new(), Vec::new());
    while !rest.0.is_empty() {
        let key = rest.text("key")?;
        let source = rest.text("source")?;
        let payload = rest.bytes("payload")?;
        let arrival_ms = i64::from_be_bytes(rest.array("arrival")?);
        let partition = i32::from_be_bytes(rest.array("partition")?);
        let offset = i64::from_be_bytes(rest.array("offset")?);
        let [wants_reply] = rest.array("reply")?;
        let arrived_at_ms = if arrival_ms == NO_ARRIVAL { arrived_at_ms } else { Some(arrival_ms) };
        records.push(Incoming { key: Some(key), payload, arrived_at_ms });
        origins.push(FramedOrigin {
            source: Some(source).filter(|source| !source.is_empty()),
            partition_and_offset: (partition >= 0).then_some((partition, offset)),
            wants_reply: wants_reply != 0,
        });
    }
    Ok((records, origins))
}

struct Rest<'f>(&'f [u8]);

impl<'f> Rest<'f> {
    fn take(&mut self, count: usize, what: &'static str) -> Result<&'f [u8], NoFrame> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(NoFrame(what))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], NoFrame> {
        self.take(N, what)?.try_into().map_err(|_| NoFrame(what))
    }

    fn text(&mut self, what: &'static str) -> Result<&'f str, NoFrame> {
        let length = u16::from_be_bytes(self.array(what)?);
        std::str::from_utf8(self.take(usize::from(length), what)?).map_err(|_| NoFrame(what))
    }

    fn bytes(&mut self, what: &'static str) -> Result<Option<&'f [u8]>, NoFrame> {
        match i32::from_be_bytes(self.array(what)?) {
            length if length < 0 => Ok(None),
            length => Ok(Some(self.take(length as usize, what)?)),
        }
    }
}

/// Where an output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    Decisions = 0,
    Alerts = 1,
    Flags = 2,
    Replies = 3,
}

impl Destination {
    /// As udfs.records.outputs.Destination.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decisions => "decisions",
            Self::Alerts => "alerts",
            Self::Flags => "flags",
            Self::Replies => "replies",
        }
    }
}

/// One output of a record: its destination, bytes, and action (`None` of a duplicate).
#[derive(Debug)]
pub struct Output {
    pub destination: Destination,
    pub value: Vec<u8>,
    pub action: Option<Action>,
}

/// The answer to a frame: of each record the entries for its user's log, and its outputs.
pub fn answer(entries: &[Vec<&[u8]>], outputs: &[Vec<Output>]) -> Vec<u8> {
    let size = entries.iter().flatten().map(|entry| entry.len() + 4).sum::<usize>()
        + outputs.iter().flatten().map(|output| output.value.len() + 5).sum::<usize>();
    let mut bytes = Vec::with_capacity(size + 2 * entries.len());
    for (entries, outputs) in entries.iter().zip(outputs) {
        bytes.push(entries.len() as u8);
        for entry in entries {
            push(&mut bytes, entry);
        }
        bytes.push(outputs.len() as u8);
        for output in outputs {
            bytes.push(output.destination as u8);
            push(&mut bytes, &output.value);
        }
    }
    bytes
}

fn push(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as i32).to_be_bytes());
    bytes.extend_from_slice(part);
}

/// A write that an answer does not carry, with its record's place.
pub type OtherWrite<'w> = (usize, &'w Write);

/// The entries that each record adds to its user's log, and what else is to be written before them.
///
/// A log that is replaced holds the entries of the same user's earlier records already; one that is cleared loses them.
pub fn entries_and_others<'w>(
    writes: &'w [(usize, Write)],
    records: &[Incoming],
) -> (Vec<Vec<&'w [u8]>>, Vec<OtherWrite<'w>>) {
    let mut entries: Vec<Vec<&[u8]>> = vec![Vec::new(); records.len()];
    let mut others = Vec::new();
    for (place, write) in writes {
        match write {
            Write::Append(entry) => entries[*place].push(entry),
            Write::Snapshot(_) => others.push((*place, write)),
            Write::Replace(_) | Write::Clear => {
                for earlier in 0..=*place {
                    if records[earlier].key == records[*place].key {
                        entries[earlier].clear();
                    }
                }
                others.push((*place, write));
            }
        }
    }
    (entries, others)
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
