//! From brackets to commands: one pass over the text finds which bracket closes which, one over the brackets judges them.

use std::ops::Range;

use super::finding::{MarkupFinding, Problem};
use super::length::{Length, length};
use super::names::{self, Stranger};
use super::{PAUSE_MS, PAUSES_MAX_MS, What};
use crate::text::can_be_said;

/// Most bytes of a text that a finding quotes.
const QUOTE_MAX_BYTES: usize = 64;
/// Names that stand in front of a pause's length or alone; [`names::find`] knows them all.
const WORDS_OF_A_PAUSE: usize = 2;

/// A command that is whole and right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::normalize) struct Command {
    pub(in crate::normalize) what: What,
    /// From bracket to bracket.
    pub(in crate::normalize) whole: Range<usize>,
    /// What it is about, without blanks at the ends; nothing for a pause.
    pub(in crate::normalize) content: Range<usize>,
    /// How long a pause is; nothing for others.
    pub(in crate::normalize) pause_ms: u32,
}

/// What the brackets of a text are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::normalize) struct Parsed {
    /// In the order of their first brackets; those inside an emphasis follow it.
    pub(in crate::normalize) commands: Vec<Command>,
    /// In the order of their places.
    pub(in crate::normalize) findings: Vec<MarkupFinding>,
}

/// An opening bracket.
struct Bracket {
    at: usize,
    /// Its closing one, on the same line.
    close: Option<usize>,
    /// Whether another bracket opens before it's closed.
    holds_bracket: bool,
    /// The bracket around it.
    parent: Option<usize>,
    /// The emphasis that it stands in, once it's judged.
    inside: Option<usize>,
    is_emphasis: bool,
    line_end: usize,
}

pub(in crate::normalize) fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    if !text.contains('[') {
        return parsed;
    }
    let mut brackets = brackets(text);
    let mut pauses_ms = 0;
    for index in 0..brackets.len() {
        let inside = brackets[index].parent.and_then(|parent| {
            if brackets[parent].is_emphasis { Some(parent) } else { brackets[parent].inside }
        });
        brackets[index].inside = inside;
        match judge(text, &brackets[index], inside.is_some()) {
            Verdict::Plain => {}
            Verdict::Problem(problem) => {
                let bracket = &brackets[index];
                let end = bracket.close.map_or_else(|| unclosed_end(text, bracket), |close| close + 1);
                parsed.findings.push(MarkupFinding { problem, bytes: bracket.at..end });
            }
            Verdict::Command(command) => {
                if pauses_ms + command.pause_ms > PAUSES_MAX_MS {
                    parsed
                        .findings
                        .push(MarkupFinding { problem: Problem::PausesInAll, bytes: command.whole });
                    continue;
                }
                pauses_ms += command.pause_ms;
                brackets[index].is_emphasis = command.what == What::Emphasis;
                parsed.commands.push(command);
            }
        }
    }
    parsed
}

/// The brackets of each line. Doubled ones are phonemes to an engine and none of ours.
fn brackets(text: &str) -> Vec<Bracket> {
    let mut brackets: Vec<Bracket> = Vec::new();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let line_end = line_start + line.trim_end().len();
        let mut open: Vec<usize> = Vec::new();
        // Doubled brackets that are open.
        let mut doubled = 0_usize;
        let mut skip_to = 0;
        for (at, c) in line.match_indices(['[', ']']).filter_map(|(at, c)| Some((at, c.chars().next()?))) {
            if at < skip_to {
                continue;
            }
            let run = line[at..].bytes().take_while(|&byte| byte == c as u8).count();
            match c {
                '[' if run > 1 => {
                    doubled += run / 2;
                    skip_to = at + run;
                }
                ']' if run > 1 && doubled > 0 => {
                    doubled -= 1;
                    skip_to = at + 2;
                }
                '[' => {
                    let parent = open.last().copied();
                    if let Some(parent) = parent {
                        brackets[parent].holds_bracket = true;
                    }
                    open.push(brackets.len());
                    brackets.push(Bracket {
                        at: line_start + at,
                        close: None,
                        holds_bracket: false,
                        parent,
                        inside: None,
                        is_emphasis: false,
                        line_end,
                    });
                }
                _ => {
                    if let Some(last) = open.pop() {
                        brackets[last].close = Some(line_start + at);
                    }
                }
            }
        }
        line_start += line.len();
    }
    brackets
}

enum Verdict {
    /// Words in brackets.
    Plain,
    Problem(Problem),
    Command(Command),
}

fn judge(text: &str, bracket: &Bracket, is_in_emphasis: bool) -> Verdict {
    let start = bracket.at + 1;
    let Some(close) = bracket.close else { return judge_unclosed(text, bracket) };
    let inner = &text[start..close];
    let own = inner.find('[').map_or(inner, |first| &inner[..first]);
    let Some(colon) = own.find(':') else {
        return if bracket.holds_bracket { Verdict::Plain } else { judge_bare(inner, bracket.at..close + 1) };
    };
    let (name, content) = (own[..colon].trim(), start + colon + 1..close);
    let Some(what) = names::find(name) else { return judge_stranger(name) };
    let written = &text[content.clone()];
    let content = content.start + (written.len() - written.trim_start().len())
        ..content.end - (written.len() - written.trim_end().len());
    let content = if content.start < content.end { content } else { close..close };
    let written = &text[content.clone()];
    let (name, whole) = (|| quote(name), bracket.at..close + 1);
    if (bracket.holds_bracket && what != What::Emphasis) || (is_in_emphasis && what == What::Emphasis) {
        return Verdict::Problem(Problem::Nested { name: name() });
    }
    match what {
        What::Pause => judge_length(written, whole),
        What::Language(language) if !language.has_voice => {
            // Judged as a command: its words are taken out.
            Verdict::Command(Command { what, whole, content, pause_ms: 0 })
        }
        What::Emphasis | What::Spell | What::Read | What::As(_) | What::Language(_) => {
            if written.rsplit('=').next().is_none_or(|said| !said.chars().any(can_be_said)) {
                return Verdict::Problem(Problem::Empty { name: name() });
            }
            Verdict::Command(Command { what, whole, content, pause_ms: 0 })
        }
    }
}

/// A bracket without a colon: a pause, a command that lacks its colon, or an aside.
fn judge_bare(inner: &str, whole: Range<usize>) -> Verdict {
    let inner = inner.trim();
    // No command is longer, and asides may be a whole line.
    if inner.len() > QUOTE_MAX_BYTES {
        return Verdict::Plain;
    }
    match names::find(inner) {
        Some(What::Pause) => return Verdict::Command(pause(PAUSE_MS, whole)),
        // "đường dây nóng [tiếng Anh]"
        Some(What::Language(_)) => return Verdict::Plain,
        Some(What::Emphasis | What::Spell | What::Read | What::As(_)) => {
            return Verdict::Problem(Problem::Empty { name: quote(inner) });
        }
        None => {}
    }
    for (name, rest) in heads(inner) {
        match names::find(name) {
            Some(What::Pause) if length(rest).is_some() => return judge_length(rest, whole),
            Some(What::Emphasis | What::Spell | What::Read | What::As(_)) => {
                return Verdict::Problem(Problem::NoColon { name: quote(name) });
            }
            Some(What::Pause | What::Language(_)) | None => {}
        }
    }
    let mistyped = heads(inner)
        .filter(|(_, rest)| length(rest).is_some())
        .map(|(name, _)| name)
        .chain([inner])
        .filter(|name| name.split_whitespace().count() <= WORDS_OF_A_PAUSE)
        // One word alone is too often another word: "[nghe]".
        .filter(|name| *name != inner || name.contains(' '))
        .find_map(|name| {
            let nearest = names::nearest(&names::fold(name))?;
            matches!(names::find(nearest), Some(What::Pause)).then(|| (quote(name), nearest))
        });
    match mistyped {
        Some((name, nearest)) => Verdict::Problem(Problem::UnknownCommand { name, nearest: Some(nearest) }),
        None => Verdict::Plain,
    }
}

fn judge_length(written: &str, whole: Range<usize>) -> Verdict {
    match length(written) {
        Some(Length::Ms(ms)) => Verdict::Command(pause(ms, whole)),
        Some(Length::OutOfRange) | None => {
            Verdict::Problem(Problem::PauseLength { length: quote(written.trim()) })
        }
    }
}

const fn pause(pause_ms: u32, whole: Range<usize>) -> Command {
    let end = whole.end;
    Command { what: What::Pause, whole, content: end..end, pause_ms }
}

fn judge_stranger(name: &str) -> Verdict {
    let nearest = || names::nearest(&names::fold(name));
    match names::stranger(name) {
        Stranger::Aside => Verdict::Plain,
        Stranger::Language => {
            Verdict::Problem(Problem::UnknownLanguage { name: quote(name), nearest: nearest() })
        }
        Stranger::Command(nearest) => {
            Verdict::Problem(Problem::UnknownCommand { name: quote(name), nearest })
        }
    }
}

/// An opening bracket whose line ends before it's closed: told where a command's name stands behind it.
fn judge_unclosed(text: &str, bracket: &Bracket) -> Verdict {
    let rest = head_of(&text[bracket.at + 1..bracket.line_end.max(bracket.at + 1)]);
    let of_colon =
        rest.split_once(':').map(|(name, _)| name.trim()).filter(|name| names::find(name).is_some());
    let of_pause = || {
        heads(rest).map(|(name, _)| name).chain([rest.trim()]).find(|name| {
            let behind = rest.trim_start()[name.len()..].trim_start();
            let at_number = behind.is_empty() || behind.starts_with(|c: char| c == '-' || c.is_ascii_digit());
            at_number && names::find(name) == Some(What::Pause)
        })
    };
    match of_colon.or_else(of_pause) {
        Some(name) => Verdict::Problem(Problem::Unclosed { name: quote(name) }),
        None => Verdict::Plain,
    }
}

/// How far an unclosed command is marked: to the end of the line or as much as anybody has to see.
fn unclosed_end(text: &str, bracket: &Bracket) -> usize {
    bracket.at + 1 + head_of(&text[bracket.at + 1..bracket.line_end.max(bracket.at + 1)]).len()
}

/// The first bytes of a line, up to the next bracket.
fn head_of(line: &str) -> &str {
    let end = line.find(['[', ']']).unwrap_or(line.len()).min(QUOTE_MAX_BYTES);
    line[..line.floor_char_boundary(end)].trim_end()
}

/// The first one, two and three words with what follows each.
fn heads(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let text = text.trim();
    text.match_indices(char::is_whitespace)
        .take(4)
        .map(|(at, blank)| (&text[..at], &text[at + blank.len()..]))
}

fn quote(text: &str) -> String {
    text[..text.floor_char_boundary(QUOTE_MAX_BYTES)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What commands and findings a text has, each with the stretch it's about.
    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let parsed = parse(text);
        let commands = parsed.commands.iter().map(|command| match command.what {
            What::Pause => format!("pause {}", command.pause_ms),
            What::Emphasis => format!("emphasis {}", &text[command.content.clone()]),
            What::Spell => format!("spell {}", &text[command.content.clone()]),
            What::Read => format!("read {}", &text[command.content.clone()]),
            What::As(kind) => format!("{} {}", kind.name, &text[command.content.clone()]),
            What::Language(language) => format!("{} {}", language.tag, &text[command.content.clone()]),
        });
        let findings = parsed
            .findings
            .iter()
            .map(|finding| format!("{} {}", finding.problem.code(), &text[finding.bytes.clone()]));
        (commands.collect(), findings.collect())
    }

    #[test]
    fn commands_are_found() {
        for (text, commands) in [
            ("Xin chào [nghỉ] bà con", vec!["pause 1000"]),
            ("[NGHỈ 2 GIÂY][nghi: 0,5s]", vec!["pause 2000", "pause 500"]),
            ("[ nhấn :  khẩn trương ] nhé", vec!["emphasis khẩn trương"]),
            (
                "[nhan manh: gọi [từng số: 0912] ngay]",
                vec!["emphasis gọi [từng số: 0912] ngay", "spell 0912"],
            ),
            ("[đánh vần: BHXH], [đọc ngày: 12/10]", vec!["spell BHXH", "date 12/10"]),
            ("[đọc số La Mã: XIV] [as telephone: 115]", vec!["roman XIV", "telephone 115"]),
            ("[đọc là: K'Brêm = cơ brêm]", vec!["read K'Brêm = cơ brêm"]),
            (
                "[tiếng Anh: hotline][fr-FR: bonjour][tieng K’Ho: ai]",
                vec!["en hotline", "fr bonjour", "kpm ai"],
            ),
            ("[Ghi chú: họp [nghỉ] sớm]", vec!["pause 1000"]),
            ("[a [nghỉ] b", vec!["pause 1000"]),
        ] {
            assert_eq!(read(text), (commands.into_iter().map(str::to_owned).collect(), vec![]), "{text}");
        }
    }

    #[test]
    fn an_aside_is_no_command_and_no_finding() {
        for text in [
            "[xã] họp",
            "Chủ nhật [nghỉ Tết]",
            "[nghỉ 3 ngày]",
            "[Ghi chú: họp lúc 8h]",
            "[ĐT: 0912 345 678]",
            "đường dây nóng [tiếng Anh]",
            "[1] Nghị định [2]",
            "a [ b ] c ] d [ e",
            "[]",
            "[:]",
            "[[nghỉ]]",
            "họp [[h@l'oU]] tại xã",
            "[nghe]",
            "[Đề nghị các hộ dân sống gần bờ suối: khẩn trương sơ tán]",
        ] {
            assert_eq!(read(text), (vec![], vec![]), "{text}");
        }
    }

    #[test]
    fn what_went_wrong_is_told_with_its_place() {
        for (text, finding) in [
            ("x [nhấm: khẩn trương] y", "unknown-command [nhấm: khẩn trương]"),
            ("x [thì thầm: abc]", "unknown-command [thì thầm: abc]"),
            ("x [ngỉh 2 giây] y", "unknown-command [ngỉh 2 giây]"),
            ("x [tạm nghỉm] y", "unknown-command [tạm nghỉm]"),
            ("x [tiếng Sao Hỏa: abc]", "unknown-language [tiếng Sao Hỏa: abc]"),
            ("x [xx: abc]", "unknown-language [xx: abc]"),
            ("x [nhấn khẩn trương]", "no-colon [nhấn khẩn trương]"),
            ("x [từng số 0912]", "no-colon [từng số 0912]"),
            ("x [nhấn: khẩn trương\nsơ tán]", "unclosed [nhấn: khẩn trương"),
            ("x [nghỉ 2 giây rồi đọc", "unclosed [nghỉ 2 giây rồi đọc"),
            ("x [nghỉ", "unclosed [nghỉ"),
            ("x [nhấn: ]", "empty [nhấn: ]"),
            ("x [đánh vần]", "empty [đánh vần]"),
            ("x [đọc là: a = ]", "empty [đọc là: a = ]"),
            ("x [nghỉ 3 giờ]", "pause-length [nghỉ 3 giờ]"),
            ("x [nghỉ -1]", "pause-length [nghỉ -1]"),
            ("x [nghỉ: lâu]", "pause-length [nghỉ: lâu]"),
            ("x [đánh vần: BH[XH]]", "nested [đánh vần: BH[XH]]"),
        ] {
            let (commands, findings) = read(text);
            assert_eq!((commands, findings), (vec![], vec![finding.to_owned()]), "{text}");
        }
        let (commands, findings) = read("[nhấn: a [nhấn: b [nghỉ] c] d]");
        assert_eq!(commands, ["emphasis a [nhấn: b [nghỉ] c] d", "pause 1000"]);
        assert_eq!(findings, ["nested [nhấn: b [nghỉ] c]"]);
    }

    #[test]
    fn pauses_have_an_end() {
        let parsed = parse(&"[nghỉ 30s]".repeat(20));
        assert_eq!(parsed.commands.len(), 10);
        assert_eq!(parsed.findings.len(), 10);
        assert!(parsed.findings.iter().all(|finding| finding.problem == Problem::PausesInAll));
    }

    #[test]
    fn a_slip_is_guessed() {
        let [finding] = &parse("[tieng An: hello]").findings[..] else { panic!() };
        assert_eq!(
            finding.problem.args(),
            [("name", "tieng An".to_owned()), ("nearest", "tiếng Anh".to_owned())]
        );
        assert_eq!(super::super::languages("[en: a] [fr: b] [en-GB: c] [kpm: d]"), ["en", "fr"]);
    }
}
