//! A picture as rows of a terminal.

use loa_protocol::receipt::Receipt;
use loa_protocol::time::UnixMs;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Gauge, Paragraph, Wrap};

use super::keys;
use super::picture::{Network, Picture};
use super::plan::Next;
use super::words::Lang;
use crate::board_sim::cache::Disk;
use crate::node::Glance;

/// Rows of the happenings, with their frame.
const LINES_ROWS: u16 = 6;
const KIB: u64 = 1024;

/// Draws it. A small terminal shows the upper left of everything.
pub(super) fn draw(frame: &mut Frame<'_>, picture: &Picture, lang: Lang) {
    let [title, middle, lines, help] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(LINES_ROWS),
        Constraint::Length(2),
    ])
    .areas(frame.area());
    let [left, right] = Layout::horizontal([Constraint::Percentage(38), Constraint::Fill(1)]).areas(middle);
    let [state, clock, cache] =
        Layout::vertical([Constraint::Length(8), Constraint::Length(6), Constraint::Fill(1)]).areas(left);
    let [sound, plan, receipts] =
        Layout::vertical([Constraint::Length(4), Constraint::Fill(1), Constraint::Fill(1)]).areas(right);
    frame.render_widget(title_line(picture, lang), title);
    put(frame, state, lang.say("Trạng thái", "State"), state_lines(picture, lang));
    put(frame, clock, lang.say("Đồng hồ", "Clock"), clock_lines(picture, lang));
    put(frame, cache, lang.say("Bộ nhớ âm thanh", "Cached audio"), cache_lines(picture, lang));
    draw_sound(frame, sound, picture, lang);
    put(frame, plan, lang.say("Sắp tới", "To come"), plan_lines(picture, lang));
    put(frame, receipts, lang.say("Biên nhận", "Receipts"), receipt_lines(picture, lang));
    let newest = picture.lines.iter().rev().take(usize::from(LINES_ROWS - 2)).rev();
    let newest = newest.map(|line| Line::raw(line.as_str())).collect();
    put(frame, lines, lang.say("Nhật ký", "Log"), newest);
    frame.render_widget(help_line(lang), help);
}

fn put(frame: &mut Frame<'_>, area: Rect, title: &'static str, lines: Vec<Line<'_>>) {
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), area);
}

fn title_line(picture: &Picture, lang: Lang) -> Line<'_> {
    let power = if picture.has_power {
        Span::styled(lang.say(" ĐANG CHẠY ", " RUNNING "), Style::new().bg(Color::Green).fg(Color::Black))
    } else {
        Span::styled(lang.say(" MẤT ĐIỆN ", " NO POWER "), Style::new().bg(Color::Red).fg(Color::White))
    };
    let about = format!(
        " Loa Làng · {} ({}) · {} {} ",
        picture.identity.node,
        picture.identity.tenant,
        lang.say("lần khởi động", "boot"),
        picture.boot
    );
    Line::from(vec![Span::styled(about, Style::new().add_modifier(Modifier::BOLD)), power])
}

fn state_lines(picture: &Picture, lang: Lang) -> Vec<Line<'_>> {
    let network = match picture.network {
        Network::Good => good(lang.say("thông", "open")),
        Network::Down => bad(lang.say("bị ngắt", "cut")),
        Network::Silent => bad(lang.say("câm", "silent")),
    };
    let broker = if picture.is_connected {
        good(lang.say("đã kết nối", "connected"))
    } else {
        bad(lang.say("chưa kết nối", "not connected"))
    };
    let fetching = if picture.is_fetching { lang.say(", đang tải", ", fetching") } else { "" };
    let mut lines = vec![
        field(lang.say("Mạng", "Network"), vec![network]),
        field(lang.say("Máy chủ", "Broker"), vec![broker, Span::raw(fetching)]),
    ];
    let Some(glance) = glance(picture) else { return lines };
    let amplifier = if glance.amplifier_is_on { lang.say("bật", "on") } else { lang.say("tắt", "off") };
    let speaker = if glance.speaker_works {
        good(lang.say("tốt", "works"))
    } else {
        bad(lang.say("hỏng", "broken"))
    };
    let volume = picture.volume_percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"));
    let sensors = format!(
        "{:.1} °C, {:.2} V",
        f64::from(glance.temperature_decidegrees) / 10.0,
        f64::from(glance.supply_mv) / 1000.0
    );
    lines.extend([
        field(lang.say("Tăng âm", "Amplifier"), vec![Span::raw(amplifier)]),
        field(lang.say("Loa", "Speaker"), vec![speaker]),
        field(lang.say("Âm lượng", "Volume"), vec![Span::raw(volume)]),
        field(lang.say("Cảm biến", "Sensors"), vec![Span::raw(sensors)]),
    ]);
    lines
}

fn clock_lines(picture: &Picture, lang: Lang) -> Vec<Line<'_>> {
    let Some(glance) = glance(picture) else { return Vec::new() };
    let ahead_s = glance.clock_ahead_ms as f64 / 1000.0;
    let ahead = format!("{ahead_s:+.1} s");
    let ahead = if glance.clock_ahead_ms == 0 { good("0 s") } else { bad_owned(ahead) };
    let floor = picture.plan.floor.map_or_else(|| "–".to_owned(), |floor| local(picture, floor));
    vec![
        field(lang.say("Giờ", "Time"), vec![Span::raw(local(picture, picture.now))]),
        field(lang.say("Độ tin", "Trust"), vec![Span::raw(lang.trust(glance.trust))]),
        field(lang.say("Sai thật", "True error"), vec![ahead]),
        field(lang.say("Không trước", "Floor"), vec![Span::raw(floor)]),
    ]
}

fn cache_lines(picture: &Picture, lang: Lang) -> Vec<Line<'_>> {
    let Some(glance) = glance(picture) else { return Vec::new() };
    let disk = match glance.disk {
        Disk::Good => good(lang.say("tốt", "good")),
        Disk::Full => bad(lang.say("đầy", "full")),
        Disk::Failing => bad(lang.say("lỗi ghi", "failing")),
    };
    let used = format!("{} / {} KiB", glance.used_bytes / KIB, glance.quota_bytes / KIB);
    let objects = format!(
        "{} {}, {} {}",
        glance.whole.len(),
        lang.say("đủ", "whole"),
        glance.partial.len(),
        lang.say("đang tải", "in part")
    );
    let mut lines = vec![
        field(lang.say("Đĩa", "Disk"), vec![disk]),
        field(lang.say("Tệp", "Objects"), vec![Span::raw(objects)]),
        field(lang.say("Đã dùng", "Used"), vec![Span::raw(used)]),
    ];
    lines.extend(glance.partial.iter().map(|progress| Line::raw(format!("  {progress}"))));
    lines
}

fn draw_sound(frame: &mut Frame<'_>, area: Rect, picture: &Picture, lang: Lang) {
    let block = Block::bordered().title(lang.say("Đang phát", "Sounding"));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let sound =
        glance(picture).filter(|_| picture.has_power).and_then(|glance| Some((glance, glance.sound?)));
    let Some((glance, sound)) = sound else {
        return frame.render_widget(Line::raw(lang.say("im lặng", "silence")), inner);
    };
    let item = glance.occurrence.as_ref().map(|intent| &intent.item);
    let title = item.map_or_else(String::new, |item| {
        picture.plan.titles.get(item).cloned().unwrap_or_else(|| item.to_string())
    });
    let [what, gauge] = Layout::vertical([Constraint::Length(1), Constraint::Length(1)]).areas(inner);
    let Some((started, length_ms)) = sound.started.zip(sound.length_ms) else {
        let waits =
            format!("{title} · {} {}", lang.say("bắt đầu lúc", "begins at"), local(picture, sound.start_at));
        return frame.render_widget(Line::raw(waits), what);
    };
    let length_ms = length_ms.max(1);
    let played_ms = u32::try_from(picture.now.since(started)).unwrap_or(0).min(length_ms);
    let seconds = |ms: u32| f64::from(ms) / 1000.0;
    let label = format!("{:.1} / {:.1} s", seconds(played_ms), seconds(length_ms));
    frame.render_widget(Line::styled(title, Style::new().add_modifier(Modifier::BOLD)), what);
    let ratio = f64::from(played_ms) / f64::from(length_ms);
    let bar = Gauge::default().gauge_style(Style::new().fg(Color::Cyan)).ratio(ratio).label(label);
    frame.render_widget(bar, gauge);
}

fn plan_lines(picture: &Picture, lang: Lang) -> Vec<Line<'_>> {
    if picture.plan.next.is_empty() {
        return vec![Line::raw(lang.say("không có gì trong 48 giờ tới", "nothing in the next 48 hours"))];
    }
    let line = |next: &Next| {
        let languages = next.languages.join(", ");
        let words = lang.foreseen(next.outcome);
        let mut text = format!("{}  {} · {words}", local(picture, next.nominal), next.title);
        if !languages.is_empty() {
            text += &format!(" ({languages})");
        }
        match next.outcome.reason() {
            None => Line::raw(text),
            Some(reason) => Line::from(vec![Span::raw(text + ": "), bad(lang.reason(reason))]),
        }
    };
    picture.plan.next.iter().map(line).collect()
}

fn receipt_lines(picture: &Picture, lang: Lang) -> Vec<Line<'_>> {
    let waiting = glance(picture).map_or(0, |glance| glance.receipts_waiting);
    let waiting = format!("{} {waiting}", lang.say("chờ gửi:", "waiting:"));
    let line = |receipt: &Receipt| {
        let title = picture.plan.titles.get(&receipt.item).map_or(receipt.item.as_str(), String::as_str);
        let sound = receipt
            .sound
            .map_or_else(String::new, |sound| format!(" {:.1} s", f64::from(sound.played_ms) / 1000.0));
        let outcome = lang.outcome(receipt.outcome);
        let text =
            format!("#{} {}  {title} · {outcome}{sound}", receipt.number, local(picture, receipt.nominal));
        match receipt.outcome.reason() {
            None => Line::raw(text),
            Some(reason) => Line::from(vec![Span::raw(text + ": "), bad(lang.reason(reason))]),
        }
    };
    [Line::raw(waiting)].into_iter().chain(picture.receipts.iter().map(line)).collect()
}

fn help_line(lang: Lang) -> Paragraph<'static> {
    let key = |(key, what): (&'static str, &'static str)| {
        let key = Span::styled(format!(" {key} "), Style::new().add_modifier(Modifier::REVERSED));
        [key, Span::raw(format!(" {what}  "))]
    };
    let spans: Vec<Span<'static>> = keys::help(lang).into_iter().flat_map(key).collect();
    Paragraph::new(Line::from(spans)).wrap(Wrap { trim: true })
}

fn glance(picture: &Picture) -> Option<&Glance> {
    picture.glance.as_ref().map(|(glance, _)| glance)
}

fn field<'a>(name: &'static str, value: Vec<Span<'a>>) -> Line<'a> {
    let name = Span::styled(format!("{name:<12}"), Style::new().fg(Color::DarkGray));
    Line::from([vec![name], value].concat())
}

fn good(words: &'static str) -> Span<'static> {
    Span::styled(words, Style::new().fg(Color::Green))
}

fn bad(words: &'static str) -> Span<'static> {
    Span::styled(words, Style::new().fg(Color::Red))
}

fn bad_owned(words: String) -> Span<'static> {
    Span::styled(words, Style::new().fg(Color::Red))
}

/// An instant in the zone of the node's document.
fn local(picture: &Picture, at: UnixMs) -> String {
    match at.to_utc() {
        Some(utc) => utc.with_timezone(&picture.plan.zone).format("%d/%m %H:%M:%S").to_string(),
        // A year that calendars do not have.
        None => at.to_string(),
    }
}
