//! Starting, kicking, revoking, stopping.

use std::net::TcpListener;
use std::sync::Arc;

use loa_protocol::ids::TenantId;
use loa_test_broker::{Hello, NotConnected};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, LastWill, PubAckReason, SubscribeReasonCode};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::eventually;
use super::world::{World, any_port, node, now, start};
use crate::broker::{AccessPolicy, BrokerConfig, BrokerError, BrokerLimits, BrokerTls, EmbeddedBroker};

#[tokio::test]
async fn revoking_ends_both_sessions_at_once_and_for_good() {
    let world = World::start().await;
    let mut control = world.node("n-1").await;
    let mut bulk = world.try_node("n-1", Hello::client("n-1:bulk")).await.unwrap();
    let mut neighbour = world.node("n-2").await;

    world.policy.revoke("n-1");
    assert_eq!(world.broker.kick(&node("n-1")).await, 2);
    control.ended().await;
    bulk.ended().await;
    assert!(!world.broker.is_connected(&node("n-1")));
    for client in ["n-1", "n-1:bulk"] {
        let refused = world.try_node("n-1", Hello::client(client)).await.err();
        assert_eq!(refused, Some(NotConnected::Refused(ConnectReturnCode::NotAuthorized)), "{client}");
    }
    neighbour.ping().await;
    assert_eq!(world.broker.kick(&node("n-1")).await, 0);
}

#[tokio::test]
async fn a_revoked_node_may_do_nothing_even_before_its_session_has_ended() {
    let mut world = World::start().await;
    let mut session = world.node("n-1").await;
    world.policy.revoke("n-1");
    assert_eq!(session.publish("loa/1/t/u/n-1/state", b"x").await, PubAckReason::NotAuthorized);
    assert_eq!(session.subscribe("loa/1/t/d/n-1/#").await, SubscribeReasonCode::NotAuthorized);
    assert!(world.incoming.try_recv().is_err());
}

#[tokio::test]
async fn a_session_that_waits_for_its_client_is_kicked_too() {
    let world = World::start().await;
    let hello = || Hello { session_expiry_s: 300, ..Hello::client("n-1") };
    let mut session = world.try_node("n-1", hello()).await.unwrap();
    session.subscribe("loa/1/t/a/da-dong/plan").await;
    drop(session);
    eventually("the connection is gone", || !world.broker.is_connected(&node("n-1"))).await;

    // The node moves to another area: its old subscription must not outlive that.
    world.policy.place("n-1", &["elsewhere"]);
    assert_eq!(world.broker.kick(&node("n-1")).await, 1);
    let mut session = world.try_node("n-1", hello()).await.unwrap();
    assert_eq!(session.subscribe("loa/1/t/d/n-1/#").await, SubscribeReasonCode::Success(QoS::AtLeastOnce));
    let mut controller = world.controller().await;
    controller.publish("loa/1/t/a/da-dong/plan", b"of the old area").await;
    controller.publish("loa/1/t/d/n-1/cmd", b"own").await;
    assert_eq!(&session.message().await.payload[..], b"own");
}

#[tokio::test]
async fn who_is_connected_follows_connects_and_disconnects() {
    let world = World::start().await;
    assert!(world.broker.connected_nodes().is_empty());
    let mut first = world.node("n-1").await;
    first.ping().await;
    let mut bulk = world.try_node("n-2", Hello::client("n-2:bulk")).await.unwrap();
    bulk.ping().await;
    let mut controller = world.controller().await;
    controller.ping().await;
    eventually("n-1 is seen", || world.broker.is_connected(&node("n-1"))).await;
    assert_eq!(
        world.broker.connected_nodes(),
        [node("n-1")],
        "bulk sessions and the controller do not count"
    );

    // A reconnect takes the session over; the old connection's end changes nothing.
    let mut second = world.node("n-1").await;
    second.ping().await;
    first.ended().await;
    eventually("n-1 is seen again", || world.broker.is_connected(&node("n-1"))).await;
    drop(second);
    eventually("n-1 is gone", || !world.broker.is_connected(&node("n-1"))).await;
}

#[tokio::test]
async fn shutting_down_ends_live_sessions_and_reports_no_deaths() {
    let mut world = World::start().await;
    let will = LastWill::new("loa/1/t/u/n-1/pres", "gone", QoS::AtLeastOnce, true, None);
    let mut session =
        world.try_node("n-1", Hello { will: Some(will), ..Hello::client("n-1") }).await.unwrap();
    session.ping().await;
    let mut controller = world.controller().await;
    controller.ping().await;

    world.broker.shutdown().await;
    session.ended().await;
    controller.ended().await;
    assert!(world.broker.connected_nodes().is_empty());
    assert!(world.incoming.try_recv().is_err());
    assert!(TcpStream::connect(world.broker.nodes_addr()).await.is_err());
    // Once more changes nothing.
    world.broker.shutdown().await;
}

#[tokio::test]
async fn a_restart_takes_the_same_port_and_the_nodes_return() {
    let world = World::start().await;
    let addr = world.broker.nodes_addr();
    let mut session = world.node("n-1").await;
    session.ping().await;
    let world = world.restart().await;
    assert_eq!(world.broker.nodes_addr(), addr);
    session.ended().await;
    world.node("n-1").await.ping().await;
}

#[tokio::test]
async fn two_brokers_live_in_one_process_and_do_not_mix() {
    let (mut one, mut two) = (World::start().await, World::start().await);
    assert_ne!(one.broker.nodes_addr(), two.broker.nodes_addr());
    assert_ne!(one.broker.controller_login().password, two.broker.controller_login().password);
    let (mut a, mut b) = (one.node("n-1").await, two.node("n-1").await);
    a.publish("loa/1/t/u/n-1/state", b"a").await;
    b.publish("loa/1/t/u/n-1/state", b"b").await;
    assert_eq!(&one.incoming.recv().await.unwrap().payload[..], b"a");
    assert_eq!(&two.incoming.recv().await.unwrap().payload[..], b"b");
    assert!(one.incoming.try_recv().is_err());
    one.broker.shutdown().await;
    b.ping().await;
}

#[tokio::test]
async fn a_port_in_use_says_which_and_what_to_do() {
    let world = World::start().await;
    let taken = TcpListener::bind(any_port()).unwrap();
    let addr = taken.local_addr().unwrap();
    let (sender, _incoming) = mpsc::channel(1);
    let error = start(&world.authority, &world.policy, addr, sender).await.unwrap_err();
    assert!(matches!(error, BrokerError::PortInUse { .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.contains(&addr.to_string()) && said.contains("set broker.listen"), "{said}");
}

#[tokio::test]
async fn tls_files_that_are_missing_are_named() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let tls = BrokerTls {
        chain_path: folder.path().join("broker.pem"),
        ..BrokerTls::from(world.authority.broker_certificate(&[], now()).unwrap())
    };
    let tenant = TenantId::new("t").unwrap();
    let config = BrokerConfig { tenant, nodes_addr: any_port(), tls, limits: BrokerLimits::default() };
    let (sender, _incoming) = mpsc::channel(1);
    let policy = Arc::clone(&world.policy) as Arc<dyn AccessPolicy>;
    let error = EmbeddedBroker::start(config, policy, sender).await.unwrap_err();
    assert!(matches!(error, BrokerError::Tls { .. }), "{error:?}");
    assert!(error.to_string().contains("broker.pem"), "{error}");
}
