//! What a broker has to keep. Each promise is tried and put into words; the table says which words are expected of whom.

pub(crate) mod access;
pub(crate) mod flow;
pub(crate) mod retained;
pub(crate) mod sessions;
pub(crate) mod survival;

use std::time::Duration;

use loa_test_broker::{BOUND, Client};
use loa_tests::wait::until;
use rumqttc::v5::mqttbytes::v5::Publish;

use crate::engine::{Engine, QUIET, World};

/// How long nothing must come until what is missing counts as lost: far longer than any broker takes.
const LOST: Duration = Duration::from_secs(5);

/// Tries every promise, one after another, and tells what was seen of each.
pub(crate) async fn try_all<E: Engine>(world: &mut World<E>) -> Vec<(&'static str, String)> {
    let mut seen = Vec::new();
    macro_rules! tried {
        ($($name:literal: $promise:path,)*) => {
            $(
                let tried = tokio::time::timeout(Duration::from_secs(90), $promise(world));
                let words = tried.await.unwrap_or_else(|_| panic!("{}: {} takes for ever", E::NAME, $name));
                seen.push(($name, words));
            )*
        };
    }
    tried! {
        "retained-by-wildcard": retained::by_wildcard,
        "retained-last": retained::the_last_one,
        "retained-expiry": retained::expiry,
        "clean-start": sessions::clean_start,
        "resumed": sessions::resumed,
        "queued-expiry": sessions::queued_expiry,
        "session-expiry": sessions::expiry,
        "one-session": sessions::one_for_an_id,
        "shared": sessions::shared,
        "will": sessions::will,
        "foreign-will": access::foreign_will,
        "reads": access::reads,
        "refused-filter": access::refused_filter,
        "writes": access::writes,
        "refused-report": access::refused_report,
        "strangers": access::strangers,
        "foreign-id": access::foreign_id,
        "order": flow::order,
        "largest": flow::largest,
        "too-large": flow::too_large,
        "slow": flow::slow,
        "revoked": access::revoked,
        "restarted": survival::restarted,
        "killed": survival::killed,
    }
    seen
}

/// Takes messages until there are enough of those that are wanted, or none has come for long.
async fn take(client: &mut Client, enough: usize, wanted: impl Fn(&Publish) -> bool) -> Vec<Publish> {
    let mut taken = Vec::new();
    while taken.len() < enough {
        let Some(message) = client.message_within(LOST).await else { break };
        if wanted(&message) {
            taken.push(message);
        }
    }
    taken
}

/// Waits until so many seconds have passed by the broker's own clock: a kept message of that expiry is gone.
async fn pass<E: Engine>(world: &World<E>, seconds: u32) {
    let topic = world.topic(&format!("d/n-1/{}/document", world.fresh("hourglass")));
    let mut controller = world.controller().await;
    controller.publish_with(&topic, b"sand", true, Some(seconds)).await;
    let gone = until("the end of a kept message", BOUND, async || {
        controller.subscribe(&topic).await;
        Ok(controller.message_within(QUIET).await.is_none().then_some(()))
    });
    gone.await.unwrap();
}

/// What is sent last, so that nobody waits long for what does not come.
const END: &[u8] = b"end";

/// How many messages come until the end, and for a moment after it: kept ones may be overtaken.
async fn before_end(client: &mut Client) -> usize {
    let (mut count, mut ended) = (0, false);
    while let Some(message) = client.message_within(if ended { QUIET } else { LOST }).await {
        if &message.payload[..] == END {
            ended = true;
        } else {
            count += 1;
        }
    }
    assert!(ended, "what is sent after all others does not come");
    count
}

/// The last level of a message's topic.
fn last_level(message: &Publish) -> String {
    let topic = String::from_utf8(message.topic.to_vec()).unwrap();
    topic.rsplit('/').next().unwrap_or_default().to_owned()
}

/// What is kept below a board's own documents, as a session sees it that subscribes now; asked until it is as expected, or
/// has been otherwise for long.
async fn kept_for_board<E: Engine>(
    world: &World<E>,
    board: &str,
    folder: &str,
    expected: &[&str],
) -> Vec<String> {
    let filter = world.topic(&format!("d/{board}/{folder}/+"));
    let end = format!("d/{board}/{folder}-end");
    let mut controller = world.controller().await;
    let give_up = tokio::time::Instant::now() + LOST;
    loop {
        let mut session = world.board(board).await;
        session.subscribe(&filter).await;
        session.subscribe(&world.topic(&end)).await;
        let mut kept = Vec::new();
        while let Some(message) = session.message_within(QUIET).await {
            kept.push(last_level(&message));
        }
        controller.publish(&world.topic(&end), b"").await;
        kept.extend(
            take(&mut session, 1, |_| true)
                .await
                .iter()
                .map(last_level)
                .filter(|level| !level.ends_with("-end")),
        );
        kept.sort();
        if kept == expected || tokio::time::Instant::now() > give_up {
            return kept;
        }
    }
}
