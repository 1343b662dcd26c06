//! The session that nodes really use, [`loa_link`], against the live broker.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use loa_link::{
    ClientIdentity, DisconnectReason, FlooredClock, Link, LinkEvent, LinkHandle, LinkOptions, Publication,
    Qos, ReasonCode, TlsOptions, client_config,
};
use loa_test_broker::BOUND;
use rcgen::{CertificateParams, KeyPair};
use tokio::sync::mpsc;

use super::world::{World, node, now};
use crate::identity::BROKER_NAME;

/// 2021-01-01: the date of a firmware image on a board whose clock stands at 1970.
const FIRMWARE_UNIX_S: i64 = 1_609_459_200;

fn link(world: &World, id: &str) -> (LinkHandle, mpsc::Receiver<LinkEvent>) {
    let key = KeyPair::generate().unwrap();
    let csr = CertificateParams::default().serialize_request(&key).unwrap();
    let made = world.authority.sign_csr(csr.der(), &node(id), now()).unwrap();
    let key_pem = key.serialize_pem();
    let identity = ClientIdentity { chain_pem: made.chain_pem.as_bytes(), key_pem: key_pem.as_bytes() };
    let clock = FlooredClock::with_wall(Arc::new(AtomicI64::new(FIRMWARE_UNIX_S)), || 0);
    let config = client_config(world.authority.ca_pem().as_bytes(), Some(identity), clock).unwrap();
    let addr = world.broker.nodes_addr();
    let mut options = LinkOptions::new(id, addr.ip().to_string(), addr.port());
    options.tls = Some(TlsOptions::new(config, BROKER_NAME).unwrap());
    options.subscriptions = vec![
        ("loa/1/t/a/da-dong/plan".to_owned(), Qos::AtLeastOnce),
        ("loa/1/t/a/elsewhere/plan".to_owned(), Qos::AtLeastOnce),
    ];
    Link::spawn(options).unwrap()
}

/// The first event that is wanted; others are passed over.
async fn event<T>(
    events: &mut mpsc::Receiver<LinkEvent>,
    mut wanted: impl FnMut(LinkEvent) -> Option<T>,
) -> T {
    let found = tokio::time::timeout(BOUND, async {
        loop {
            if let Some(found) = wanted(events.recv().await.expect("the link ended")) {
                return found;
            }
        }
    });
    found.await.expect("the event never came")
}

#[tokio::test]
async fn a_node_with_a_dead_clock_connects_reads_reports_and_returns_after_a_kick() {
    let mut world = World::start().await;
    let mut controller = world.controller().await;
    controller.publish_with("loa/1/t/a/da-dong/plan", b"epoch 1", true, None).await;
    let (handle, mut events) = link(&world, "n-1");

    let subscribed = |event| {
        if let LinkEvent::Subscribed { granted, refused } = event { Some((granted, refused)) } else { None }
    };
    let (granted, refused) = event(&mut events, subscribed).await;
    assert_eq!(granted, ["loa/1/t/a/da-dong/plan"]);
    assert_eq!(refused[0].filter, "loa/1/t/a/elsewhere/plan");
    assert_eq!(refused[0].reason, ReasonCode::NOT_AUTHORIZED);
    let message = |event| if let LinkEvent::Message(message) = event { Some(message) } else { None };
    assert_eq!(&event(&mut events, message).await.payload[..], b"epoch 1");

    handle.try_publish(Publication::new("loa/1/t/u/n-1/state", "fine", 7)).unwrap();
    handle.try_publish(Publication::new("loa/1/t/u/n-2/state", "not mine", 8)).unwrap();
    let answer = |event| match event {
        LinkEvent::Acked { token } => Some((token, None)),
        LinkEvent::Rejected { token, reason } => Some((token, Some(reason))),
        LinkEvent::Connected { .. }
        | LinkEvent::Subscribed { .. }
        | LinkEvent::Message(_)
        | LinkEvent::Disconnected { .. } => None,
    };
    assert_eq!(event(&mut events, answer).await, (7, None));
    assert_eq!(event(&mut events, answer).await, (8, Some(ReasonCode::NOT_AUTHORIZED)));
    assert_eq!(&world.incoming.recv().await.unwrap().payload[..], b"fine");

    // Kicked but not revoked, as when its areas change: it returns, with the areas that it has then.
    world.policy.place("n-1", &["elsewhere"]);
    world.broker.kick(&node("n-1")).await;
    let (granted, _) = event(&mut events, |event| {
        handle.nudge();
        subscribed(event)
    })
    .await;
    assert_eq!(granted, ["loa/1/t/a/elsewhere/plan"]);

    // Revoked: it is refused, and says so.
    world.policy.revoke("n-1");
    world.broker.kick(&node("n-1")).await;
    let refused = event(&mut events, |event| {
        handle.nudge();
        let LinkEvent::Disconnected { reason: DisconnectReason::Refused { reason, .. }, .. } = event else {
            return None;
        };
        Some(reason)
    });
    assert_eq!(refused.await, ReasonCode::NOT_AUTHORIZED);
    assert!(world.incoming.try_recv().is_err());
}
