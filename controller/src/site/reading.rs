//! How a text is read, for whoever writes or approves it: what will be said, and what no rule understood.
//!
//! Both are bounded, whatever the text: the first [`FINDINGS_MAX`] writings and [`MARKS_MAX`] marks; behind those, what is
//! said stands unmarked.

use std::collections::HashMap;

use loa_speech::Normalizer;
use loa_speech::normalize::{Class, Finding, Reason, Spoken};

use crate::pages::labels::FindingReason;
use crate::pages::views::{FindingGroup, FindingRow, PreviewKind, PreviewPart, Reading};

/// Writings that are shown.
const FINDINGS_MAX: usize = 50;
/// Marks in what will be said.
const MARKS_MAX: usize = 400;
/// Characters of a finding that are shown.
const SHOWN_MAX_CHARS: usize = 60;

/// How a text is read, and how many syllables that has. Lines end with `\n`, as the browser counts them.
pub(super) fn of(normalizer: &Normalizer, text: &str) -> (Reading, usize) {
    let spoken = normalizer.normalize(text);
    let findings = Normalizer::audit_spoken(text, &spoken);
    let (groups, more) = groups(text, &findings);
    let reading = Reading { groups, more, preview: preview(text, &spoken, &findings), ..Reading::default() };
    (reading, spoken.text().split_whitespace().count())
}

/// The stretches of what is said for a text.
pub(super) fn said(normalizer: &Normalizer, text: &str) -> Vec<PreviewPart> {
    of(normalizer, text).0.preview
}

fn groups(text: &str, findings: &[Finding]) -> (Vec<FindingGroup>, usize) {
    let mut known: HashMap<(Reason, &str), usize> = HashMap::new();
    let mut rows: Vec<(FindingReason, FindingRow)> = Vec::new();
    let (mut more, mut place) = (0, Place { text, byte: 0, utf16: 0, line: 1 });
    for finding in findings {
        let written = text.get(finding.bytes.clone()).unwrap_or_default();
        if let Some((_, row)) = known.get(&(finding.reason, written)).and_then(|at| rows.get_mut(*at)) {
            row.times += 1;
            continue;
        }
        if rows.len() == FINDINGS_MAX {
            more += 1;
            continue;
        }
        place.go(finding.bytes.start);
        known.insert((finding.reason, written), rows.len());
        rows.push((
            reason(finding.reason),
            FindingRow {
                index: rows.len(),
                written: written.to_owned(),
                shown: shown(written),
                spoken: finding.spoken.clone(),
                line: place.line,
                times: 1,
                from_utf16: place.utf16,
                to_utf16: place.utf16 + written.encode_utf16().count(),
                sayable: matches!(finding.reason, Reason::Word | Reason::Capitals),
            },
        ));
    }
    let of = |reason: FindingReason| FindingGroup {
        reason,
        rows: rows.iter().filter(|(own, _)| *own == reason).map(|(_, row)| row.clone()).collect(),
    };
    let groups = FindingReason::ALL.iter().map(|reason| of(*reason));
    (groups.filter(|group| !group.rows.is_empty()).collect(), more)
}

fn reason(reason: Reason) -> FindingReason {
    match reason {
        Reason::Digits => FindingReason::Digits,
        Reason::Symbol => FindingReason::Symbol,
        Reason::Capitals => FindingReason::Capitals,
        Reason::Word => FindingReason::Word,
        Reason::Language => FindingReason::Language,
        Reason::NoMarks => FindingReason::NoMarks,
    }
}

fn shown(written: &str) -> String {
    match written.char_indices().nth(SHOWN_MAX_CHARS) {
        Some((end, _)) => format!("{}…", written.get(..end).unwrap_or_default()),
        None => written.to_owned(),
    }
}

/// Walks through a text, counting as browsers do.
struct Place<'t> {
    text: &'t str,
    byte: usize,
    utf16: usize,
    line: usize,
}

impl Place<'_> {
    fn go(&mut self, byte: usize) {
        if byte < self.byte {
            (self.byte, self.utf16, self.line) = (0, 0, 1);
        }
        let between = self.text.get(self.byte..byte).unwrap_or_default();
        self.utf16 += between.encode_utf16().count();
        self.line += between.matches('\n').count();
        self.byte = byte;
    }
}

fn preview(text: &str, spoken: &Spoken, findings: &[Finding]) -> Vec<PreviewPart> {
    let said = spoken.text();
    let mut parts: Vec<PreviewPart> = Vec::new();
    let (mut at, mut marks, mut next) = (0, 0, findings.iter().peekable());
    for span in spoken.spans() {
        while next.next_if(|finding| finding.bytes.end <= span.source.start).is_some() {}
        let is_found = next.peek().is_some_and(|finding| finding.bytes.start <= span.source.start);
        let (written, words) = (text.get(span.source.clone()).unwrap_or_default(), spoken.said(span));
        let is_read = span.class != Class::Word && written != words;
        if words.is_empty() || !(is_found || is_read) {
            continue;
        }
        let between = said.get(at..span.spoken.start).unwrap_or_default();
        let last = parts.last_mut().filter(|last| last.kind == PreviewKind::Finding && is_found);
        if let Some(last) = last.filter(|_| between.trim().is_empty()) {
            last.text.push_str(between);
            last.text.push_str(words);
            last.written.clear();
        } else {
            if marks == MARKS_MAX {
                break;
            }
            marks += 1;
            push_plain(&mut parts, between);
            let kind = if is_found { PreviewKind::Finding } else { PreviewKind::Read };
            let written = if written == words { String::new() } else { written.to_owned() };
            parts.push(PreviewPart { text: words.to_owned(), kind, written });
        }
        at = span.spoken.end;
    }
    push_plain(&mut parts, said.get(at..).unwrap_or_default());
    parts
}

fn push_plain(parts: &mut Vec<PreviewPart>, text: &str) {
    if !text.is_empty() {
        parts.push(PreviewPart { text: text.to_owned(), kind: PreviewKind::Plain, written: String::new() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Reading {
        of(&Normalizer::default(), text).0
    }

    fn rows(reading: &Reading) -> Vec<&FindingRow> {
        reading.groups.iter().flat_map(|group| &group.rows).collect()
    }

    #[test]
    fn places_are_counted_as_browsers_count() {
        let text = "Bà con 𝒳𝒴 chú ý.\nMời đến Xqwz, rồi Xqwz.";
        let reading = read(text);
        let row = rows(&reading).into_iter().find(|row| row.written == "Xqwz").cloned().unwrap();
        let units: Vec<u16> = text.encode_utf16().collect();
        assert_eq!(String::from_utf16(&units[row.from_utf16..row.to_utf16]).unwrap(), "Xqwz");
        assert_eq!((row.line, row.times, row.sayable), (2, 2, true));
    }

    #[test]
    fn what_will_be_said_is_whole_and_marked_where_it_is_not_as_written() {
        let text = "Họp lúc 7h30 tại Xqwz nhé.";
        let parts = read(text).preview;
        let whole: String = parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(whole, Normalizer::default().normalize(text).text());
        assert!(
            parts.iter().any(|part| part.kind == PreviewKind::Read && part.written == "7h30"),
            "{parts:?}"
        );
        assert!(
            parts.iter().any(|part| part.kind == PreviewKind::Finding && part.text == "Xqwz"),
            "{parts:?}"
        );
    }

    #[test]
    fn a_text_in_another_language_is_one_finding() {
        let reading =
            read("Mời bà con họp. The village meeting will start tomorrow morning near the school.");
        assert_eq!(reading.groups[0].reason, FindingReason::Language);
        assert_eq!(reading.groups[0].rows.len(), 1);
    }

    #[test]
    fn a_long_text_of_strange_words_is_bounded() {
        let text: String = (0..5_000).map(|i| format!("Xqw{} ", "z".repeat(1 + i % 70))).collect();
        let reading = read(&format!("Bà con chú ý nhé {}", text.replace(' ', ", bà con, ")));
        assert_eq!(rows(&reading).len(), FINDINGS_MAX);
        assert!(reading.more > 0);
        assert!(reading.preview.len() <= 2 * MARKS_MAX + 1, "{}", reading.preview.len());
    }
}
