//! What is promised, in the words in which it is seen, and who does otherwise.

/// Each promise and what is seen of a broker that keeps it.
static KEPT: [(&str, &str); 24] = [
    ("retained-by-wildcard", "600 of 600 to the controller, 300 of 300 to a board"),
    ("retained-last", "epoch 2, marked as kept; live ones marked as new; cleared by an empty one"),
    ("retained-expiry", "stay: hour, never; told what is left"),
    ("clean-start", "no session, nothing of before"),
    ("resumed", "session found, 20 of 20 in order"),
    ("queued-expiry", "long, last"),
    ("session-expiry", "forgotten after its time"),
    ("one-session", "the earlier one ends"),
    ("shared", "100 of 100, 0 doubled, both have some"),
    ("will", "told, kept"),
    ("foreign-will", "refused at connect"),
    ("reads", "its own and no more"),
    ("refused-filter", "told"),
    ("writes", "its own and no more"),
    ("refused-report", "told, the session goes on"),
    ("strangers", "without a certificate: refused; with another authority's: refused"),
    ("foreign-id", "refused"),
    ("order", "400 of 400 in order; 400 of 400 in order"),
    ("largest", "down: yes, up: yes, kept: yes"),
    ("too-large", "ends the connection"),
    ("slow", "its neighbour: 1536 of 1536 and the alert; itself: fewer blocks and the alert"),
    ("revoked", "shut out; its neighbours notice nothing"),
    ("restarted", "0 of 50 kept messages, no session, 0 of 10 queued messages"),
    ("killed", "0 of 50 kept messages, no session, 0 of 10 queued messages"),
];

/// Broker, promise, and what is seen instead.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("mosquitto", "foreign-will", "connects, is not told"),
    ("mosquitto", "reads", "also a/da-tong/alert, a/da-tong/plan, x/da-tong/0a1b"),
    ("mosquitto", "refused-filter", "not told"),
    ("mosquitto", "writes", "also u/n-1/other"),
    ("mosquitto", "foreign-id", "ends the other's session"),
    ("mosquitto", "slow", "its neighbour: 1536 of 1536 and the alert; itself: all blocks and the alert"),
    ("mosquitto", "revoked", "shut out; its neighbours have to connect again"),
    ("mosquitto", "restarted", "50 of 50 kept messages, no session, 0 of 10 queued messages"),
];

/// The names of all promises.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    KEPT.iter().map(|(name, _)| *name)
}

/// What is to be seen of a broker.
pub(crate) fn expected(engine: &str, promise: &str) -> &'static str {
    let other = DIFFERENCES.iter().find(|(who, what, _)| (*who, *what) == (engine, promise));
    let kept = KEPT.iter().find(|(name, _)| *name == promise);
    other.map(|(.., words)| *words).or(kept.map(|(_, words)| *words)).expect("a promise of the table")
}

/// Whoever chooses a broker reads the page, not this table: each row is there, word for word.
#[test]
fn the_page_names_every_promise_and_every_difference() {
    let page = include_str!("../../../docs/brokers.md");
    for (promise, words) in &KEPT {
        let row = format!("| `{promise}` | {words} |");
        assert!(page.contains(&row), "docs/brokers.md lacks: {row}");
    }
    for (engine, promise, words) in DIFFERENCES {
        let row = format!("| {engine} | `{promise}` | {words} |");
        assert!(page.contains(&row), "docs/brokers.md lacks: {row}");
    }
    let differences = page.split_once("## Who does otherwise").unwrap().1.split("\n## ").next().unwrap();
    let rows = differences.lines().filter(|line| line.contains(" | `")).count();
    assert_eq!(rows, DIFFERENCES.len(), "docs/brokers.md names differences that are none");
}
