//! What happened, in order: a hash by which two runs are compared, and words for people when they are asked for.

use std::collections::VecDeque;
use std::fmt::Write as _;

use loa_node_core::{Action, Ending};
use loa_protocol::time::UnixMs;
use loa_protocol::wire::Wire as _;
use sha2::{Digest as _, Sha256};

/// The events of one node.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: Sha256,
    events: u64,
    /// In words; `None` when nobody wants them.
    words: Option<VecDeque<String>>,
    /// How many of the last are kept in words.
    kept: usize,
}

impl Trace {
    /// `kept`: how many of the last events are kept in words, if any.
    pub(crate) fn new(kept: Option<usize>) -> Self {
        let words = kept.map(|_| VecDeque::new());
        Self { hash: Sha256::new(), events: 0, words, kept: kept.unwrap_or(0) }
    }

    /// Something happened at a true instant. `bytes` tells apart what the name does not.
    pub(crate) fn note(
        &mut self,
        at_ms: i64,
        name: &'static str,
        bytes: &[u8],
        words: impl FnOnce() -> String,
    ) {
        self.events += 1;
        self.hash.update(at_ms.to_be_bytes());
        self.hash.update(name.as_bytes());
        self.hash.update((bytes.len() as u64).to_be_bytes());
        self.hash.update(bytes);
        if let Some(kept) = &mut self.words {
            if kept.len() >= self.kept {
                kept.pop_front();
            }
            kept.push_back(format!("{}  {name}  {}", UnixMs(at_ms), words()));
        }
    }

    /// The core wants something.
    pub(crate) fn action(&mut self, at_ms: i64, action: &Action) {
        let (name, bytes) = summary(action);
        self.note(at_ms, name, &bytes, || in_words(action));
    }

    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// SHA-256 over all events, and the last of them in words.
    pub(crate) fn finish(self) -> ([u8; 32], Vec<String>) {
        (self.hash.finalize().into(), self.words.map(Vec::from).unwrap_or_default())
    }
}

/// The name of an action, and what tells it from others of the name.
fn summary(action: &Action) -> (&'static str, Vec<u8>) {
    match action {
        Action::SaveDocument { document, .. } => ("save document", document.applied.digest.0.to_vec()),
        Action::ForgetDocument { slot } => ("forget document", format!("{slot:?}").into_bytes()),
        Action::RecordIntent(intent) => {
            let started = intent.started.map_or(0, |at| at.0).to_be_bytes();
            ("record intent", [intent.occurrence.0.as_slice(), &started].concat())
        }
        Action::RecordReceipts(endings) => {
            let numbers = endings.iter().flat_map(|Ending { receipt: r, .. }| {
                let about = [r.outcome.as_str(), r.outcome.reason().map_or("", |reason| reason.as_str())];
                [r.number.to_be_bytes().as_slice(), &r.occurrence.0, about.concat().as_bytes()].concat()
            });
            ("record receipts", numbers.collect())
        }
        Action::DeleteReceipts { numbers } => {
            ("delete receipts", numbers.iter().flat_map(|n| n.to_be_bytes()).collect())
        }
        Action::ReadReceipts { numbers } => {
            ("read receipts", numbers.iter().flat_map(|n| n.to_be_bytes()).collect())
        }
        Action::Subscribe { filters, .. } => ("subscribe", filters.concat().into_bytes()),
        Action::Unsubscribe { filters, .. } => ("unsubscribe", filters.concat().into_bytes()),
        Action::Publish { topic, payload, .. } => ("publish", [topic.as_bytes(), payload].concat()),
        Action::OpenBulk => ("open bulk", Vec::new()),
        Action::CloseBulk => ("close bulk", Vec::new()),
        Action::BeginObject { manifest } => ("begin object", manifest.object.0.to_vec()),
        Action::StoreBlock { object, index, .. } => {
            ("store block", [object.0.as_slice(), &index.to_be_bytes()].concat())
        }
        Action::FinishObject { object } => ("finish object", object.0.to_vec()),
        Action::DropObject { object } => ("drop object", object.0.to_vec()),
        Action::SetVolume { volume_percent } => ("set volume", vec![*volume_percent]),
        Action::PrepareSpeaker { by } => ("prepare speaker", by.0.to_be_bytes().to_vec()),
        Action::Play { token, object, start_at, .. } => {
            ("play", [&token.0.to_be_bytes(), object.0.as_slice(), &start_at.0.to_be_bytes()].concat())
        }
        Action::StopSound { token } => ("stop sound", token.0.to_be_bytes().to_vec()),
        Action::ReleaseSpeaker => ("release speaker", Vec::new()),
        Action::MeasureHealth => ("measure health", Vec::new()),
        Action::TakeTime(estimate) => ("take time", estimate.wall.0.to_be_bytes().to_vec()),
    }
}

fn in_words(action: &Action) -> String {
    match action {
        Action::SaveDocument { slot, document } => {
            format!("{slot:?}, sequence {}", document.applied.sequence)
        }
        Action::RecordReceipts(endings) => {
            let mut words = String::new();
            for Ending { receipt: r, .. } in endings.iter().take(4) {
                // Writing to a String does not fail.
                let _ =
                    write!(words, "{} {}@{} {:?} {:?}; ", r.number, r.item, r.nominal, r.outcome, r.sound);
            }
            words
        }
        Action::Publish { topic, payload, .. } if topic.ends_with("/state") => {
            format!("{topic} {:?}", loa_protocol::report::State::from_cbor(payload))
        }
        Action::Publish { topic, payload, .. } => format!("{topic}, {} bytes", payload.len()),
        Action::BeginObject { manifest } => manifest.object.to_string(),
        Action::StoreBlock { object, index, .. } => format!("{object} block {index}"),
        Action::RecordIntent(_)
        | Action::ForgetDocument { .. }
        | Action::DeleteReceipts { .. }
        | Action::ReadReceipts { .. }
        | Action::Subscribe { .. }
        | Action::Unsubscribe { .. }
        | Action::OpenBulk
        | Action::CloseBulk
        | Action::FinishObject { .. }
        | Action::DropObject { .. }
        | Action::SetVolume { .. }
        | Action::PrepareSpeaker { .. }
        | Action::Play { .. }
        | Action::StopSound { .. }
        | Action::ReleaseSpeaker
        | Action::MeasureHealth
        | Action::TakeTime(_) => format!("{action:?}"),
    }
}
