//! What a text is like before it is spoken.

use axum::extract::State;

use crate::pages::views::{TextCheck, TextCheckPart};
use crate::pages::{Msg, msg};
use crate::site::Site;
use crate::site::answer::{Answer, page as answer_page};
use crate::site::fields::Posted;
use crate::site::reader::Me;

/// From here on, a bulletin is called long: 15 minutes, one urban session.
const LONG_MS: u64 = 15 * 60_000;
/// Syllables a minute at a speed of one word a minute: 165 at 120, measured.
const SYLLABLES_PER_WORD: f64 = 165.0 / 120.0;

/// `POST /bulletins/check`.
pub(in crate::site) async fn answer(State(site): State<Site>, me: Me, Posted(form): Posted) -> Answer {
    let check = text_check(&site, form.one("text"));
    answer_page(TextCheckPart { lang: me.lang(), check })
}

/// What a text is like: its length, how long it takes to speak, and what will be spoken otherwise than written.
pub(super) fn text_check(site: &Site, text: &str) -> TextCheck {
    let text = crate::domain::bulletin::text::body(text);
    let chars = text.chars().count();
    let limit = site.settings.text_max_chars;
    let mut check = TextCheck { chars, limit, duration_ms: None, warnings: Vec::new() };
    if chars > limit {
        return check;
    }
    let Ok(checked) = loa_speech::text::check(&text, usize::MAX) else { return check };
    let mut unspeakable: Vec<char> = Vec::new();
    for warning in &checked.warnings {
        match warning {
            loa_speech::text::Warning::PhonemeBrackets { .. } => {
                check.warnings.push(Msg::new(msg::WARN_BRACKETS));
            }
            loa_speech::text::Warning::SymbolsDropped { position, .. } => {
                unspeakable.extend(text.get(position.offset_bytes..).and_then(|rest| rest.chars().next()));
            }
            // What nobody sees, and letters that only are written otherwise, are no news to a writer.
            loa_speech::text::Warning::InvisibleDropped { .. } | loa_speech::text::Warning::Composed => {}
        }
    }
    if !unspeakable.is_empty() {
        let signs: String = unspeakable.into_iter().collect();
        check.warnings.push(Msg::new(msg::WARN_UNSPEAKABLE).with("x", signs));
    }
    let spoken = site.settings.normalizer.normalize(checked.text.as_str());
    let syllables: usize = spoken.sentences().iter().map(|s| s.as_str().split_whitespace().count()).sum();
    let per_minute = f64::from(site.settings.words_per_minute) * SYLLABLES_PER_WORD;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate; a cast of a float saturates"
    )]
    let duration_ms = (syllables as f64 / per_minute * 60_000.0) as u64;
    check.duration_ms = (syllables > 0).then_some(duration_ms);
    if duration_ms > LONG_MS {
        let minutes = i64::try_from(duration_ms / 60_000).unwrap_or(i64::MAX);
        check.warnings.push(Msg::new(msg::WARN_LONG).with_number("minutes", minutes));
    }
    check
}
