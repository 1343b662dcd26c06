//! Log lines on standard error.

use loa_node::config::{Log, LogFormat, LogLevel};
use tracing_subscriber::filter::LevelFilter;

/// Begins to log.
pub(super) fn start(settings: &Log) {
    let level = match settings.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let has_own_times = match settings.format {
        LogFormat::Auto => std::env::var_os("JOURNAL_STREAM").is_some(),
        LogFormat::Text => false,
        LogFormat::Journal => true,
    };
    // Without colours: nobody watches a board's terminal, and in a journal they are noise.
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false);
    if has_own_times {
        lines.without_time().init();
    } else {
        lines.init();
    }
}
