//! What happens to a device, on standard output.

use std::io::Write as _;

use loa_protocol::time::UnixMs;
use serde::Serialize;

use crate::node::{Happening, Observer};

/// How a log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line for people: instant and words.
    Words,
    /// One JSON object a line: `at_unix_ms`, `what`, and what belongs to it.
    Json,
}

/// Prints what happens. Without a reader it falls silent.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    form: Form,
    has_reader: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    at_unix_ms: i64,
    #[serde(flatten)]
    happening: &'a Happening,
}

impl Log {
    /// A log of this form.
    #[must_use]
    pub fn new(form: Form) -> Self {
        Self { form, has_reader: true }
    }

    fn line(&self, at: UnixMs, happening: &Happening) -> String {
        match self.form {
            Form::Words => format!("{at}  {happening}\n"),
            Form::Json => match serde_json::to_string(&Line { at_unix_ms: at.0, happening }) {
                Ok(json) => json + "\n",
                Err(error) => format!("{{\"at_unix_ms\":{},\"what\":\"unprintable: {error}\"}}\n", at.0),
            },
        }
    }
}

impl Observer for Log {
    fn note(&mut self, at: UnixMs, happening: Happening) {
        if !self.has_reader {
            return;
        }
        let line = self.line(at, &happening);
        let mut out = std::io::stdout().lock();
        if let Err(error) = out.write_all(line.as_bytes()).and_then(|()| out.flush()) {
            self.has_reader = false;
            tracing::warn!(%error, "nobody reads the log; the board goes on without it");
        }
    }
}

#[cfg(test)]
mod tests {
    use loa_node_core::Link;
    use loa_protocol::ids::ObjectHash;
    use serde_json::{Value, json};

    use super::*;
    use crate::node::happening::Progress;

    #[test]
    fn a_happening_is_a_line_of_words_or_of_json() {
        let object = ObjectHash([0xab; 32]);
        let stored = Happening::Stored { progress: Progress { object, have: 3, total: 9 }, index: 2 };
        let words = Log::new(Form::Words).line(UnixMs(1_500), &stored);
        assert_eq!(words, "1970-01-01T00:00:01.500Z  stored block 2 of abababab 3/9\n");
        let parse = |happening| -> Value {
            serde_json::from_str(&Log::new(Form::Json).line(UnixMs(1_500), &happening)).unwrap()
        };
        let line = json!({"at_unix_ms": 1500, "what": "stored", "object": object.to_string(), "have": 3, "total": 9, "index": 2});
        assert_eq!(parse(stored), line);
        let connected = parse(Happening::Connected { link: Link::Bulk, connection: 1 });
        assert_eq!(
            connected,
            json!({"at_unix_ms": 1500, "what": "connected", "link": "bulk", "connection": 1})
        );
    }
}
