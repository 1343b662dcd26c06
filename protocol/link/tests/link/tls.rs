//! Mutual TLS with a real broker, and a board that does not know the time.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use loa_link::{
    Backoff, ClientIdentity, DisconnectReason, FlooredClock, Link, LinkEvent, LinkOptions, Publication, Qos,
    TlsOptions, client_config,
};
use loa_test_broker::Mosquitto;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::{next, wait_for, within};

/// A certification authority, a broker's certificate valid until the end of 2039, and a node's.
struct Pki {
    ca_pem: String,
    broker_pem: String,
    broker_key_pem: String,
    node_pem: String,
    node_key_pem: String,
}

impl Pki {
    fn new() -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "test CA");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
        let issuer = Issuer::new(ca, ca_key);
        let (broker_pem, broker_key_pem) = issue(&issuer, "broker");
        let (node_pem, node_key_pem) = issue(&issuer, "node-1");
        Self { ca_pem, broker_pem, broker_key_pem, node_pem, node_key_pem }
    }

    /// mosquitto that asks for a client certificate and takes its name for the user's.
    fn broker(&self) -> Mosquitto {
        Mosquitto::start_with(
            &[
                ("ca.pem", &self.ca_pem),
                ("broker.pem", &self.broker_pem),
                ("broker.key", &self.broker_key_pem),
                ("rules", "pattern readwrite u/%u/#\n"),
            ],
            "cafile {folder}/ca.pem\ncertfile {folder}/broker.pem\nkeyfile {folder}/broker.key\n\
             require_certificate true\nuse_identity_as_username true\nacl_file {folder}/rules\n",
        )
    }

    fn options(&self, broker: &Mosquitto, clock: FlooredClock, with_identity: bool) -> LinkOptions {
        let identity =
            ClientIdentity { chain_pem: self.node_pem.as_bytes(), key_pem: self.node_key_pem.as_bytes() };
        let config = client_config(self.ca_pem.as_bytes(), with_identity.then_some(identity), clock).unwrap();
        let mut options = LinkOptions::new("node-1", "127.0.0.1", broker.port);
        options.tls = Some(TlsOptions::new(config, "127.0.0.1").unwrap());
        options.backoff = Backoff { min: Duration::from_millis(20), max: Duration::from_millis(100) };
        options
    }
}

fn issue(issuer: &Issuer<'_, KeyPair>, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    (params.signed_by(&key, issuer).unwrap().pem(), key.serialize_pem())
}

fn now_unix_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A board whose wall clock stands at this second, with this floor.
fn board_clock(wall_unix_s: i64, floor_unix_s: i64) -> FlooredClock {
    FlooredClock::with_wall(Arc::new(AtomicI64::new(floor_unix_s)), move || wall_unix_s)
}

/// What comes of the first attempt: the connection, or the words of TLS about its failure.
async fn first_outcome(options: LinkOptions) -> Result<(), String> {
    let (handle, mut events) = Link::spawn(options).unwrap();
    let outcome = match next(&mut events).await {
        LinkEvent::Connected { .. } => Ok(()),
        LinkEvent::Disconnected { reason: DisconnectReason::Tls { source, .. }, .. } => {
            Err(source.to_string())
        }
        other => panic!("expected a connection or a TLS failure, got {other:?}"),
    };
    within(handle.close()).await;
    outcome
}

#[tokio::test]
async fn a_node_with_its_certificate_speaks_under_its_own_name() {
    let pki = Pki::new();
    let broker = pki.broker();
    let clock = FlooredClock::system(Arc::new(AtomicI64::new(0)));
    let mut options = pki.options(&broker, clock, true);
    options.subscriptions = vec![("u/node-1/#".to_owned(), Qos::AtLeastOnce)];
    let (handle, mut events) = Link::spawn(options).unwrap();
    wait_for(&mut events, |event| matches!(event, LinkEvent::Subscribed { .. }).then_some(())).await;
    let wire_before = handle.stats().bytes_sent;
    handle.try_publish(Publication::new("u/node-1/state", vec![7; 200_000], 1)).unwrap();
    handle.try_publish(Publication::new("u/node-2/state", "not mine", 2)).unwrap();
    let mut echoed = false;
    let mut acked = false;
    let mut rejected = false;
    while !(echoed && acked && rejected) {
        match next(&mut events).await {
            LinkEvent::Message(message) => echoed = message.payload == vec![7; 200_000],
            LinkEvent::Acked { token: 1 } => acked = true,
            LinkEvent::Rejected { token: 2, .. } => rejected = true,
            other => panic!("unexpected {other:?}"),
        }
    }
    assert!(handle.stats().bytes_sent - wire_before > 200_000, "metered below TLS, with its overhead");
    within(handle.close()).await;
}

#[tokio::test]
async fn a_node_without_certificate_is_not_let_in() {
    let pki = Pki::new();
    let broker = pki.broker();
    let clock = FlooredClock::system(Arc::new(AtomicI64::new(0)));
    let (_handle, mut events) = Link::spawn(pki.options(&broker, clock, false)).unwrap();
    // In TLS 1.3 the client is done before the server has judged it, so the refusal may come as a failed connection.
    match next(&mut events).await {
        LinkEvent::Disconnected {
            reason: DisconnectReason::Tls { .. } | DisconnectReason::Io(_) | DisconnectReason::ClosedByPeer,
            ..
        } => {}
        other => panic!("expected a failed attempt, got {other:?}"),
    }
}

#[tokio::test]
async fn a_board_in_1970_connects_by_the_floor_of_its_clock() {
    let pki = Pki::new();
    let broker = pki.broker();
    let refused = first_outcome(pki.options(&broker, board_clock(0, 0), true)).await;
    assert!(refused.unwrap_err().contains("not valid yet"));
    let floored = first_outcome(pki.options(&broker, board_clock(0, now_unix_s()), true)).await;
    assert_eq!(floored, Ok(()));
}

#[tokio::test]
async fn a_certificate_that_expired_before_the_floor_is_refused_in_1970_too() {
    let pki = Pki::new();
    let broker = pki.broker();
    let after_2041 = 2_240_524_800;
    let refused = first_outcome(pki.options(&broker, board_clock(0, after_2041), true)).await;
    assert!(refused.unwrap_err().contains("expired"));
}

#[tokio::test]
async fn a_broker_of_another_authority_is_refused() {
    let broker = Pki::new().broker();
    let clock = FlooredClock::system(Arc::new(AtomicI64::new(0)));
    let refused = first_outcome(Pki::new().options(&broker, clock, true)).await;
    assert!(refused.is_err());
}
