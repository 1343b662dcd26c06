//! Filters of the templates. Those that make words take the reader's language from the values of the
//! rendering, which [`super::render`] gives; a template rendered in another way fails, rather than speak a
//! wrong language.

#![expect(unreachable_pub, reason = "askama::filter_fn writes public types for each filter")]

use std::fmt::Display;

use askama::{Result, Values};
use fluent_bundle::FluentArgs;

use super::format::{self, Moment};
use super::labels::Label;
use super::text::{Lang, Msg};

fn lang(values: &dyn Values) -> Result<Lang> {
    askama::get_value::<Lang>(values, "lang").copied()
}

/// A number of any kind, owned or borrowed: templates hand over either.
pub(super) trait Number {
    /// Its value; whole numbers on a page are far below 2^53.
    fn number(&self) -> f64;
}

impl<N: Number + ?Sized> Number for &N {
    fn number(&self) -> f64 {
        N::number(self)
    }
}

macro_rules! numbers {
    ($($kind:ty),+) => {
        $(impl Number for $kind {
            fn number(&self) -> f64 {
                *self as f64
            }
        })+
    };
}

numbers!(u8, u16, u32, u64, usize, f64);

/// `"key"|t`: the text of a key.
#[askama::filter_fn]
pub(super) fn t(key: &str, values: &dyn Values) -> Result<String> {
    Ok(lang(values)?.text(key))
}

/// `"key"|tn(count)`: the text of a key with the number `$n`.
#[askama::filter_fn]
pub(super) fn tn<N: Number>(key: &str, values: &dyn Values, n: N) -> Result<String> {
    let mut args = FluentArgs::new();
    args.set("n", n.number());
    Ok(lang(values)?.text_with(key, &args))
}

/// `"key"|tnm(n, m)`: the text of a key with the numbers `$n` and `$m`.
#[askama::filter_fn]
pub(super) fn tnm<N: Number, M: Number>(key: &str, values: &dyn Values, n: N, m: M) -> Result<String> {
    let mut args = FluentArgs::new();
    args.set("n", n.number());
    args.set("m", m.number());
    Ok(lang(values)?.text_with(key, &args))
}

/// `"key"|tx(words)`: the text of a key with the words `$x`.
#[askama::filter_fn]
pub(super) fn tx<X: Display>(key: &str, values: &dyn Values, x: X) -> Result<String> {
    let mut args = FluentArgs::new();
    args.set("x", x.to_string());
    Ok(lang(values)?.text_with(key, &args))
}

/// A label's text.
#[askama::filter_fn]
pub(super) fn label<L: Label>(value: L, values: &dyn Values) -> Result<String> {
    Ok(lang(values)?.text(value.key()))
}

/// A message's text.
#[askama::filter_fn]
pub(super) fn msg(message: &Msg, values: &dyn Values) -> Result<String> {
    Ok(message.text(lang(values)?))
}

/// `25/10/2025 06:00`.
#[askama::filter_fn]
pub(super) fn date_time(at: &Moment, _: &dyn Values) -> Result<String> {
    Ok(format::date_time(at))
}

/// `25/10/2025 06:00:07`.
#[askama::filter_fn]
pub(super) fn date_time_s(at: &Moment, _: &dyn Values) -> Result<String> {
    Ok(format::date_time_seconds(at))
}

/// `06:00`.
#[askama::filter_fn]
pub(super) fn clock(at: &Moment, _: &dyn Values) -> Result<String> {
    Ok(at.format("%H:%M").to_string())
}

/// `06:00:07`.
#[askama::filter_fn]
pub(super) fn clock_s(at: &Moment, _: &dyn Values) -> Result<String> {
    Ok(at.format("%H:%M:%S").to_string())
}

/// RFC 3339, for the machine-readable side of `<time>`.
#[askama::filter_fn]
pub(super) fn rfc3339(at: &Moment, _: &dyn Values) -> Result<String> {
    Ok(at.to_rfc3339())
}

/// `Asia/Ho_Chi_Minh (UTC+7)`.
#[askama::filter_fn]
pub(super) fn zone(at: &Moment, _: &dyn Values) -> Result<String> {
    Ok(format::zone(at))
}

/// `25/10/2025`.
#[askama::filter_fn]
pub(super) fn date(day: &chrono::NaiveDate, _: &dyn Values) -> Result<String> {
    Ok(format::date(day))
}

/// `Thứ Bảy, 25/10/2025`.
#[askama::filter_fn]
pub(super) fn long_date(day: &chrono::NaiveDate, values: &dyn Values) -> Result<String> {
    Ok(format::long_date(lang(values)?, day))
}

/// Milliseconds as `2 phút 05 giây`.
#[askama::filter_fn]
pub(super) fn duration<N: Number>(duration_ms: N, values: &dyn Values) -> Result<String> {
    Ok(format::duration(lang(values)?, duration_ms.number()))
}

/// Bytes as `1,4 MB`.
#[askama::filter_fn]
pub(super) fn bytes<N: Number>(size_bytes: N, values: &dyn Values) -> Result<String> {
    Ok(format::bytes(lang(values)?, size_bytes.number()))
}

/// A number with one decimal.
#[askama::filter_fn]
pub(super) fn decimal1<N: Number>(value: N, values: &dyn Values) -> Result<String> {
    Ok(format::decimal(lang(values)?, value.number(), 1))
}

/// A number without decimals, grouped.
#[askama::filter_fn]
pub(super) fn count<N: Number>(value: N, values: &dyn Values) -> Result<String> {
    Ok(format::decimal(lang(values)?, value.number(), 0))
}

/// `+12 ms`.
#[askama::filter_fn]
pub(super) fn error_ms<N: Number>(error_ms: N, values: &dyn Values) -> Result<String> {
    Ok(format::error_ms(lang(values)?, error_ms.number()))
}

/// A schedule's rule in words.
#[askama::filter_fn]
pub(super) fn rule(rule: &super::views::Rule, values: &dyn Values) -> Result<String> {
    Ok(rule.words(lang(values)?))
}
