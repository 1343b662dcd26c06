//! Who may connect, read and write, on the live broker.

use loa_test_broker::{Client, Hello, NotConnected};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, LastWill, Login, PubAckReason, SubscribeReasonCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::world::{World, identity, now, tls_stream};
use crate::identity::Authority;

const NOT_AUTHORIZED: NotConnected = NotConnected::Refused(ConnectReturnCode::NotAuthorized);

#[tokio::test]
async fn a_node_reads_what_is_its_own_and_its_areas() {
    let world = World::start().await;
    let mut node = world.node("n-1").await;
    let yes = [
        "loa/1/t/keys",
        "loa/1/t/d/n-1/#",
        "loa/1/t/a/lam-dong/plan",
        "loa/1/t/a/da-dong/alert",
        "loa/1/t/x/da-dong/+",
    ];
    for filter in yes {
        assert_eq!(node.subscribe(filter).await, SubscribeReasonCode::Success(QoS::AtLeastOnce), "{filter}");
    }
    let no = [
        "#",
        "loa/1/t/#",
        "loa/1/t/d/n-2/#",
        "loa/1/t/d/+/cmd",
        "loa/1/t/a/elsewhere/plan",
        "loa/1/t/a/+/plan",
        "loa/1/t/x/elsewhere/+",
        "loa/1/t/u/n-1/state",
        "loa/1/other/keys",
        "$SYS/brokers",
    ];
    for filter in no {
        assert_eq!(node.subscribe(filter).await, SubscribeReasonCode::NotAuthorized, "{filter}");
    }
    assert_eq!(world.broker.refusals().subscriptions, no.len() as u64);
    let shared = node.subscribe("$share/g/loa/1/t/u/n-2/state").await;
    assert!(!matches!(shared, SubscribeReasonCode::Success(_)), "{shared:?}");

    // What was granted is delivered, what was refused is not.
    let mut controller = world.controller().await;
    for topic in
        ["loa/1/t/d/n-2/cmd", "loa/1/t/a/elsewhere/plan", "loa/1/t/d/n-1/cmd", "loa/1/t/x/da-dong/0a"]
    {
        assert_eq!(controller.publish(topic, b"x").await, PubAckReason::Success, "{topic}");
    }
    assert_eq!(node.message().await.topic, "loa/1/t/d/n-1/cmd");
    assert_eq!(node.message().await.topic, "loa/1/t/x/da-dong/0a");
}

#[tokio::test]
async fn a_node_writes_its_own_reports_and_nothing_else_comes_through() {
    let mut world = World::start().await;
    let mut controller = world.controller().await;
    controller.subscribe("loa/1/t/#").await;
    let mut node = world.node("n-1").await;
    let no = [
        "loa/1/t/u/n-2/state",
        "loa/1/t/u/n-1/other",
        "loa/1/t/d/n-1/cmd",
        "loa/1/t/a/da-dong/plan",
        "loa/1/t/a/da-dong/alert",
        "loa/1/t/x/da-dong/0a",
        "loa/1/t/keys",
        "elsewhere",
    ];
    for topic in no {
        assert_eq!(node.publish_with(topic, b"no", true, None).await, PubAckReason::NotAuthorized, "{topic}");
    }
    assert_eq!(world.broker.refusals().publishes, no.len() as u64);
    for report in ["pres", "state", "want", "receipt", "health", "event"] {
        let topic = format!("loa/1/t/u/n-1/{report}");
        assert_eq!(node.publish(&topic, report.as_bytes()).await, PubAckReason::Success, "{topic}");

        let taken = world.incoming.recv().await.unwrap();
        assert_eq!(taken.node_id.as_str(), "n-1");
        assert_eq!((taken.topic, &taken.payload[..]), (topic.clone(), report.as_bytes()));
        assert!((now() - 20_000..=now()).contains(&taken.received_at), "{}", taken.received_at);
        assert_eq!(controller.message().await.topic, topic);
    }
    assert!(world.incoming.try_recv().is_err());
    controller.ping().await;
    assert_eq!(controller.arrived(), []);
}

#[tokio::test]
async fn another_ones_client_id_is_refused_and_its_session_goes_on() {
    let world = World::start().await;
    let mut victim = world.node("n-1").await;
    for stolen in ["n-1", "n-1:bulk", "controller", "controller:x", "n-2:other", "n-2:bulk:x", "n-22", ""] {
        let refused = world.try_node("n-2", Hello::client(stolen)).await.err();
        assert_eq!(refused, Some(NOT_AUTHORIZED), "{stolen:?}");
    }
    assert_eq!(world.broker.refusals().connects, 8);
    victim.ping().await;
    let mut bulk = world.try_node("n-1", Hello::client("n-1:bulk")).await.unwrap();
    bulk.ping().await;
    victim.ping().await;
}

#[tokio::test]
async fn the_certificate_decides_the_name_whatever_the_client_says() {
    let world = World::start().await;
    for said in ["controller", "n-2"] {
        let login = world.broker.controller_login().password.clone();
        let hello = Hello { login: Some(Login::new(said, login)), ..Hello::client("n-1") };
        let mut node = world.try_node("n-1", hello).await.unwrap();
        assert_eq!(node.subscribe("loa/1/t/#").await, SubscribeReasonCode::NotAuthorized);
        assert_eq!(node.subscribe("loa/1/t/d/n-2/#").await, SubscribeReasonCode::NotAuthorized);
        assert_eq!(node.publish("loa/1/t/u/n-2/state", b"").await, PubAckReason::NotAuthorized);
    }
}

#[tokio::test]
async fn a_will_that_the_node_could_not_publish_is_refused_at_connect() {
    let world = World::start().await;
    let will = |topic: &str| Some(LastWill::new(topic, "gone", QoS::AtLeastOnce, true, None));
    for topic in ["loa/1/t/u/n-2/pres", "loa/1/t/a/da-dong/plan", "x"] {
        let refused = world.try_node("n-1", Hello { will: will(topic), ..Hello::client("n-1") }).await.err();
        assert_eq!(refused, Some(NOT_AUTHORIZED), "{topic}");
    }
    world.try_node("n-1", Hello { will: will("loa/1/t/u/n-1/pres"), ..Hello::client("n-1") }).await.unwrap();
}

#[tokio::test]
async fn a_node_that_is_unknown_to_the_policy_is_refused() {
    let world = World::start().await;
    assert_eq!(world.try_node("n-9", Hello::client("n-9")).await.err(), Some(NOT_AUTHORIZED));
}

#[tokio::test]
async fn without_a_certificate_of_this_authority_there_is_no_connection() {
    let world = World::start().await;
    let addr = world.broker.nodes_addr();
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Authority::open_or_create(elsewhere.path(), now()).unwrap();
    for identity in [None, Some(identity(&other, "n-1"))] {
        let refused = match tls_stream(addr, &world.authority, identity).await {
            Ok(stream) => Client::connect(stream, Hello::client("n-1")).await.err(),
            Err(refused) => Some(refused),
        };
        assert_eq!(refused, Some(NotConnected::Closed));
    }
    // The same node with its right certificate is welcome.
    world.node("n-1").await.ping().await;
}

#[tokio::test]
async fn the_loopback_listener_is_for_the_holder_of_the_secret() {
    let world = World::start().await;
    let secret = world.broker.controller_login().password.clone();
    let hello = |client: &str, user: &str, password: &str| Hello {
        login: Some(Login::new(user, password)),
        ..Hello::client(client)
    };
    let wrong = [
        Hello::client("controller"),
        hello("controller", "controller", ""),
        hello("controller", "controller", &secret[1..]),
        hello("controller", "n-1", &secret),
        hello("n-1", "controller", &secret),
        hello("controllerx", "controller", &secret),
    ];
    for hello in wrong {
        let said = hello.client_id.clone();
        assert_eq!(world.try_local(hello).await.err(), Some(NOT_AUTHORIZED), "{said}");
    }
    world.try_local(hello("controller:bench", "controller", &secret)).await.unwrap().ping().await;
    assert!(!format!("{:?}", world.broker.controller_login()).contains(&secret));
    assert!(!format!("{:?}", world.broker).contains(&secret));

    // On the nodes' listener the secret is worth nothing.
    let refused = world.try_node("n-1", hello("controller", "controller", &secret)).await.err();
    assert_eq!(refused, Some(NOT_AUTHORIZED));
}

#[tokio::test]
async fn mqtt_3_is_refused() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.broker.controller_addr()).await.unwrap();
    // CONNECT, MQTT 3.1.1, clean session, keep-alive 60 s, client id "controller".
    let mut connect = vec![0x10, 22, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 10];
    connect.extend(b"controller");
    stream.write_all(&connect).await.unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, [0x20, 2, 0, 5], "CONNACK, not authorised");
}
