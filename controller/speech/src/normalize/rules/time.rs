//! Times of day and durations in clock form: 7h30, 17:00, 7g30, 7 giờ 30, 8p45s, and ranges of them.

use super::super::class::Class;
use super::super::saying::Saying;
use super::super::view::View;
use super::Candidate;

pub(super) fn time(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    if let Some(minutes) = minutes(view, at) {
        minutes.say(say);
        return Some(Candidate::new(Class::Time, minutes.next));
    }
    if let Some(candidate) = minutes_to_minutes(view, at, say).or_else(|| hour_to_time(view, at, say)) {
        return Some(candidate);
    }
    let from = Clock::parse(view, at, false).or_else(|| hour_of_range(view, at))?;
    let begun = say.mark();
    from.say(say);
    let halved = half_of_the_day(view, from.next, say);
    let until = view.skip_dash(halved).and_then(|second| Clock::parse(view, second, true));
    let Some(until) = until else {
        return Some(Candidate::new(Class::Time, halved));
    };
    say.back_to(begun);
    if !view.follows(at, &["từ"]) {
        say.say("từ");
    }
    from.say(say);
    half_of_the_day(view, from.next, say);
    say.say("đến");
    until.say(say);
    let next = half_of_the_day(view, until.next, say);
    Some(Candidate::cued(Class::Time, next))
}

/// "6g-17g": two weights that stand so are rarer than two hours.
fn hour_of_range(view: View<'_>, at: usize) -> Option<Clock> {
    let from = Clock::parse(view, at, true)?;
    let until = view.skip_dash(from.next).and_then(|second| Clock::parse(view, second, true))?;
    (from.hour < until.hour).then_some(from)
}

/// "10-15'": the first number has no sign of its own.
fn minutes_to_minutes(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let from = view.value(at, 3)?;
    let second = view.skip_dash(at + 1)?;
    let until = minutes(view, second).filter(|until| until.minute > Some(from))?;
    say.number(from).say("đến");
    until.say(say);
    Some(Candidate::new(Class::Time, until.next))
}

/// "7-9h", "7 - 9 giờ": the hour of the first is understood.
fn hour_to_time(view: View<'_>, at: usize, say: &mut Saying<'_>) -> Option<Candidate> {
    let hour = view.value(at, 2).filter(|hour| *hour <= 24)?;
    let second = view.skip_dash(at + 1)?;
    let until = Clock::parse(view, second, true).filter(|until| until.written_with_unit)?;
    say.number(hour).say("đến");
    until.say(say);
    Some(Candidate::new(Class::Time, until.next))
}

/// "8:00 AM" is in the morning.
fn half_of_the_day(view: View<'_>, next: usize, say: &mut Saying<'_>) -> usize {
    let at = view.skip_space(next);
    let name = match view.token(at) {
        "AM" | "am" => "sáng",
        "PM" | "pm" => "chiều",
        _ => return next,
    };
    say.say(name);
    at + 1
}

/// Hours, minutes, seconds; what isn't there isn't said.
#[derive(Clone, Copy)]
struct Clock {
    hour: Option<u64>,
    minute: Option<u64>,
    second: Option<u64>,
    written_with_unit: bool,
    next: usize,
}

impl Clock {
    /// `behind_time`: a time stands in front, so "16g" is an hour; alone it's sixteen grams.
    fn parse(view: View<'_>, at: usize, behind_time: bool) -> Option<Self> {
        let hour = view.value(at, 2)?;
        if view.is_mark(at + 1, ':') {
            return colons(view, at, hour);
        }
        hours(view, at, hour, behind_time)
    }

    fn say(&self, say: &mut Saying<'_>) {
        if let Some(hour) = self.hour {
            say.number(hour).say("giờ");
        }
        // "7h00" is seven o'clock; "0:00:00" still says something.
        if let Some(minute) = self.minute.filter(|minute| *minute > 0 || self.second.is_some()) {
            say.number(minute).say("phút");
        }
        if let Some(second) = self.second {
            say.number(second).say("giây");
        }
    }
}

/// Two digits below sixty.
fn sixtieth(view: View<'_>, at: usize) -> Option<u64> {
    view.exactly(at, 2).filter(|value| *value < 60)
}

/// 17:00, 12:30:45.
fn colons(view: View<'_>, at: usize, hour: u64) -> Option<Clock> {
    let minute = sixtieth(view, at + 2).filter(|_| hour <= 24)?;
    let second = if view.is_mark(at + 3, ':') { sixtieth(view, at + 4) } else { None };
    let next = if second.is_some() { at + 5 } else { at + 3 };
    // "10:30h" and "10:30 giờ" say the hour twice.
    let doubled = view.is_word(next, &["h", "g"]) || view.precedes(next, &["giờ"]);
    let next = if doubled { view.skip_space(next) + 1 } else { next };
    Some(Clock { hour: Some(hour), minute: Some(minute), second, written_with_unit: false, next })
}

/// 7h, 7h30, 7g30, 7h30', 7h30p, 7h30p15s, 7 giờ 30.
fn hours(view: View<'_>, at: usize, hour: u64, behind_time: bool) -> Option<Clock> {
    let at_unit = view.skip_space(at + 1);
    let touches = at_unit == at + 1;
    let unit = view.word(at_unit).filter(|unit| match *unit {
        "giờ" => true,
        // "thôn 5 H" is a name, "7 g" is grams.
        "h" => touches || !view.is_mark(at_unit + 1, '.'),
        "H" | "g" => touches,
        _ => false,
    })?;
    // "km/h" has no number in front; "5 h/ngày" is a duration, which quantities read.
    if view.is_mark(at_unit + 1, '/') {
        return None;
    }
    let stuck = view.digits(at_unit + 1).is_some();
    let at_minute = if stuck { at_unit + 1 } else { view.skip_space(at_unit + 1) };
    // "lúc 7 giờ 15/3" gives the day, not the minute; "24 giờ 30 người" gives neither.
    let mut clock =
        Clock { hour: Some(hour), minute: None, second: None, written_with_unit: true, next: at_unit + 1 };
    let minute = view.digits(at_minute).filter(|digits| digits.len() == 2 || stuck);
    let minute = minute.and_then(|_| view.value(at_minute, 2)).filter(|minute| *minute < 60);
    let ends = view.is_word(view.skip_space(at_minute + 1), &["phút"])
        || (stuck && !matches!(view.mark(at_minute + 1), Some('/' | '%')))
        || (unit == "giờ" && (view.token(at_minute) == "00" || ends_time(view, at_minute + 1)));
    match minute.filter(|_| ends) {
        Some(minute) => {
            clock.minute = Some(minute);
            clock.next = at_minute + 1;
            minute_unit(view, &mut clock);
        }
        // "7g" alone is seven grams, unless the day goes on: "7g sáng".
        None if unit == "g" && !behind_time && !is_time_of_day(view, at, at_unit + 1) => return None,
        None => {}
    }
    (hour <= 24 || clock.minute.is_some() || unit == "giờ").then_some(clock)
}

fn is_time_of_day(view: View<'_>, at: usize, next: usize) -> bool {
    view.precedes(next, &["sáng", "trưa", "chiều", "tối", "đêm", "ngày", "hôm"])
        || view.follows(at, &["lúc", "vào"])
}

/// Whether what follows a number lets it be minutes: the sentence's end or a word that goes on with the time.
fn ends_time(view: View<'_>, next: usize) -> bool {
    let behind = view.skip_space(next);
    match view.mark(behind) {
        Some(',' | '.' | ';' | ')' | '-' | '\'') => {
            view.digits(behind + 1).is_none() || view.is_mark(behind, '-')
        }
        Some(_) => false,
        None => {
            view.word(behind).is_none() && view.digits(behind).is_none()
                || view.is_word(
                    behind,
                    &[
                        "sáng", "trưa", "chiều", "tối", "đêm", "ngày", "hôm", "đến", "tới", "tại", "thứ",
                        "mỗi", "hằng",
                    ],
                )
        }
    }
}

/// "phút", "p", "'" behind the minutes, and seconds behind that.
fn minute_unit(view: View<'_>, clock: &mut Clock) {
    let at = clock.next;
    let spaced = view.skip_space(at);
    if view.is_word(spaced, &["phút"]) {
        clock.next = spaced + 1;
    } else if view.is_word(at, &["p", "ph", "m"]) || view.is_mark(at, '\'') {
        clock.next = at + 1;
    }
    if clock.next > at
        && let Some(second) = seconds(view, clock.next)
    {
        clock.second = Some(second);
        clock.next += 2;
    }
}

fn seconds(view: View<'_>, at: usize) -> Option<u64> {
    view.value(at, 2)
        .filter(|second| *second < 60 && (view.is_word(at + 1, &["s"]) || view.is_mark(at + 1, '"')))
}

/// "8p45s", "90'", "02p30s".
fn minutes(view: View<'_>, at: usize) -> Option<Clock> {
    let minute = view.value(at, 3)?;
    let prime = view.is_mark(at + 1, '\'');
    let unit = view.is_word(at + 1, &["p", "ph"]) || prime;
    // Behind a degree it's a minute of arc.
    let of_arc = prime && at > 0 && view.is_mark(at - 1, '°');
    if !unit || of_arc {
        return None;
    }
    let second = seconds(view, at + 2);
    let next = if second.is_some() { at + 4 } else { at + 2 };
    if second.is_none() && (view.is_mark(at + 2, '.') && !view.is_gap(at + 3) || view.is_mark(at + 2, '\'')) {
        return None;
    }
    Some(Clock { hour: None, minute: Some(minute), second, written_with_unit: true, next })
}
