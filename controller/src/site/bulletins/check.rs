//! What a text is like before it is spoken, and the words of an area that are added while writing.

use axum::extract::State;
use loa_protocol::ids::AreaId;

use super::markup;
use crate::domain::lexicon::WordDraft;
use crate::domain::role::Action;
use crate::pages::labels::Tone;
use crate::pages::views::{Reading, TextCheck, TextCheckPart, WordsArea};
use crate::pages::{Flash, Msg, msg};
use crate::services::{ServiceError, Thing};
use crate::site::answer::{Answer, page as answer_page};
use crate::site::fields::Posted;
use crate::site::reader::Me;
use crate::site::{Site, area_words, reading, words};

/// From here on, a bulletin is called long: 15 minutes, one urban session.
const LONG_MS: u64 = 15 * 60_000;
/// Syllables a minute at a speed of one word a minute: 165 at 120, measured.
const SYLLABLES_PER_WORD: f64 = 165.0 / 120.0;

/// `POST /bulletins/check`.
pub(in crate::site) async fn answer(State(site): State<Site>, me: Me, Posted(form): Posted) -> Answer {
    let check = text_check(&site, &me, form.one("area"), form.one("text")).await?;
    answer_page(TextCheckPart { lang: me.lang(), check })
}

/// `POST /bulletins/check/words`: adds a word to the area, and looks at the text again. What is wrong with the word is told
/// in the same place, so that the text around it stays as it is.
pub(in crate::site) async fn add_word(State(site): State<Site>, me: Me, Posted(form): Posted) -> Answer {
    let draft = WordDraft { written: form.text("written"), spoken: form.text("spoken") };
    let added = match AreaId::new(form.one("area").trim()) {
        Ok(area) => site.app.services.lexicon.put(me.who(), &area, None, &draft).await,
        Err(_) => Err(ServiceError::NotFound(Thing::Area)),
    };
    let told = match added {
        Ok(kept) => area_words::told(&kept),
        Err(
            refused @ (ServiceError::Invalid(_)
            | ServiceError::Forbidden(_)
            | ServiceError::NotFound(_)
            | ServiceError::Conflict(_)),
        ) => Flash { tone: Tone::Bad, msg: words::msg(&refused.message()) },
        Err(failed) => return Err(failed.into()),
    };
    let check = text_check(&site, &me, form.one("area"), form.one("text")).await?;
    answer_page(TextCheckPart { lang: me.lang(), check: TextCheck { told: Some(told), ..check } })
}

/// What a text is like: its length, how long it takes to speak, what will be spoken otherwise than written, and what nobody
/// understood. `area` is the id of the area that it is for, or nothing yet.
pub(super) async fn text_check(
    site: &Site,
    me: &Me,
    area: &str,
    typed: &str,
) -> Result<TextCheck, ServiceError> {
    let text = crate::domain::bulletin::text::body(typed);
    let chars = text.chars().count();
    let limit = site.settings.text_max_chars;
    let mut check = TextCheck { chars, limit, ..TextCheck::default() };
    if chars > limit {
        return Ok(check);
    }
    let Ok(checked) = loa_speech::text::check(&text, usize::MAX) else { return Ok(check) };
    for warning in &checked.warnings {
        match warning {
            loa_speech::text::Warning::PhonemeBrackets { .. } => {
                check.warnings.push(Msg::new(msg::WARN_BRACKETS));
            }
            // A sign that is left out is a finding; what nobody sees, and letters that only are written otherwise, are no
            // news to a writer.
            loa_speech::text::Warning::SymbolsDropped { .. }
            | loa_speech::text::Warning::InvisibleDropped { .. }
            | loa_speech::text::Warning::Composed => {}
        }
    }
    // As the browser has it: places are counted in it.
    let typed = typed.replace("\r\n", "\n").replace('\r', "\n");
    let (reading, syllables) = read_for(site, me, area, &typed).await?;
    // Commands are the same with the words of any area.
    let spoken = site.settings.normalizer.normalize(checked.text.as_str());
    check.warnings.extend(markup::warnings(checked.text.as_str(), &spoken));
    let syllables = syllables + markup::drawn_out(&spoken);
    let per_minute = f64::from(site.settings.words_per_minute) * SYLLABLES_PER_WORD;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate; a cast of a float saturates"
    )]
    let duration_ms = (syllables as f64 / per_minute * 60_000.0) as u64 + u64::from(spoken.silence_ms());
    check.duration_ms = (syllables > 0).then_some(duration_ms);
    check.reading = Some(Reading { in_form: true, ..reading });
    if duration_ms > LONG_MS {
        let minutes = i64::try_from(duration_ms / 60_000).unwrap_or(i64::MAX);
        check.warnings.push(Msg::new(msg::WARN_LONG).with_number("minutes", minutes));
    }
    Ok(check)
}

/// How a text is read with the words of an area, or with none where there is no such area for this person; and its
/// syllables.
pub(super) async fn read_for(
    site: &Site,
    me: &Me,
    area: &str,
    text: &str,
) -> Result<(Reading, usize), ServiceError> {
    let services = &site.app.services;
    let area = match AreaId::new(area.trim()) {
        Ok(id) => match services.areas.get(me.who(), &id).await {
            Ok(area) => Some(area),
            Err(ServiceError::NotFound(_) | ServiceError::Forbidden(_)) => None,
            Err(failed) => return Err(failed),
        },
        Err(_) => None,
    };
    let words = match &area {
        Some(area) => Some(services.lexicon.reader(me.who(), &area.id).await?),
        None => None,
    };
    let normalizer = words.as_ref().map_or(&*site.settings.normalizer, |words| &words.normalizer);
    let (reading, syllables) = reading::of(normalizer, text);
    let area = area.map(|area| WordsArea {
        may_add: me.who().may(Action::ManageWords, &area.path),
        id: area.id.to_string(),
        name: area.name,
    });
    Ok((Reading { area, ..reading }, syllables))
}
