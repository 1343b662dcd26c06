//! Which certificate of a node is good: the real table and database behind the live broker.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use loa_test_broker::{Client, Hello, Identity, NotConnected};
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, PubAckReason};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::world::{any_port, certified, now, start, tls_stream};
use crate::broker::{EmbeddedBroker, Incoming};
use crate::dispatch::access::{self, Access};
use crate::domain::node::CertificateRecord;
use crate::identity::Authority;
use crate::services::Enrolled;
use crate::services::story::{Story, node};

const NOT_AUTHORIZED: NotConnected = NotConnected::Refused(ConnectReturnCode::NotAuthorized);

struct Installation {
    story: Story,
    authority: Authority,
    broker: Arc<EmbeddedBroker>,
    _incoming: mpsc::Receiver<Incoming>,
    _folder: tempfile::TempDir,
    stop: CancellationToken,
    enrolled: u8,
}

impl Installation {
    /// Nobody has enrolled; the table follows the database.
    async fn new() -> Self {
        let story = Story::new().await;
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::open_or_create(folder.path(), now()).unwrap();
        let table = Arc::new(Access::default());
        let (sender, incoming) = mpsc::channel(16);
        let broker = Arc::new(start(&authority, &table, any_port(), sender).await.unwrap());
        let stop = CancellationToken::new();
        let (store, nudge) = (story.services.store().clone(), story.services.nudges().access.clone());
        let door = access::Door::Embedded(Arc::clone(&broker));
        tokio::spawn(access::run(table, store, door, nudge, story.clock.clone(), stop.clone()));
        Self { story, authority, broker, _incoming: incoming, _folder: folder, stop, enrolled: 0 }
    }

    /// A board enrols for the node `cum-1` with a fresh token.
    async fn board(&mut self) -> Board {
        let nodes = &self.story.services.nodes;
        self.enrolled += 1;
        let token = [self.enrolled; 32];
        nodes.issue_token(&self.story.operator, &node("cum-1"), |_, _| Ok((token, ()))).await.unwrap();
        let (identity, made) = certified(&self.authority, "cum-1");
        let record = CertificateRecord {
            fingerprint: HEXLOWER.encode(&made.fingerprint),
            serial: HEXLOWER.encode(&made.serial),
            expires: made.not_after,
        };
        let done = nodes.finish_enrolment(&node("cum-1"), &token, &record, token, b"answer").await.unwrap();
        assert_eq!(done, Enrolled::Fresh);
        Board(identity)
    }

    async fn try_connect(&self, board: &Board, client: &str) -> Result<Client, NotConnected> {
        let identity = (board.0.0.clone(), board.0.1.clone_key());
        let stream = tls_stream(self.broker.nodes_addr(), &self.authority, Some(identity)).await?;
        Client::connect(stream, Hello::client(client)).await
    }

    /// Connects as soon as the table knows the board's certificate.
    async fn connect(&self, board: &Board, client: &str) -> Client {
        let tries = async {
            loop {
                match self.try_connect(board, client).await {
                    Ok(connected) => return connected,
                    Err(refused) => assert_eq!(refused, NOT_AUTHORIZED),
                }
            }
        };
        tokio::time::timeout(super::BOUND, tries).await.unwrap()
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Board(Identity);

#[tokio::test]
async fn when_a_board_is_replaced_the_old_ones_certificate_is_worthless_and_its_sessions_end() {
    let mut place = Installation::new().await;
    let old = place.board().await;
    let mut control = place.connect(&old, "cum-1").await;
    let mut bulk = place.connect(&old, "cum-1:bulk").await;
    assert_eq!(control.publish("loa/1/t/u/cum-1/state", b"x").await, PubAckReason::Success);
    assert_eq!(bulk.publish("loa/1/t/u/cum-1/want", b"x").await, PubAckReason::Success);

    let new = place.board().await;
    control.ended().await;
    bulk.ended().await;
    for client in ["cum-1", "cum-1:bulk"] {
        assert_eq!(place.try_connect(&old, client).await.err(), Some(NOT_AUTHORIZED), "{client}");
    }
    let mut replaced = place.connect(&new, "cum-1").await;
    assert_eq!(replaced.publish("loa/1/t/u/cum-1/state", b"x").await, PubAckReason::Success);
}

#[tokio::test]
async fn a_stolen_board_stays_out_when_its_node_enrols_again_after_the_revocation() {
    let mut place = Installation::new().await;
    let stolen = place.board().await;
    let mut control = place.connect(&stolen, "cum-1").await;
    place.story.services.nodes.revoke(&place.story.operator, &node("cum-1"), "mất trộm").await.unwrap();
    control.ended().await;
    let new = place.board().await;
    place.connect(&new, "cum-1").await.ping().await;
    assert_eq!(place.try_connect(&stolen, "cum-1").await.err(), Some(NOT_AUTHORIZED));
}

#[tokio::test]
async fn a_session_with_an_old_certificate_may_do_nothing_even_before_it_has_ended() {
    let mut place = Installation::new().await;
    place.stop.cancel();
    let table = Arc::new(Access::default());
    let (sender, _incoming) = mpsc::channel(16);
    place.broker = Arc::new(start(&place.authority, &table, any_port(), sender).await.unwrap());
    let store = place.story.services.store().clone();

    let old = place.board().await;
    assert_eq!(table.refresh(&store).await.unwrap(), []);
    let mut control = place.try_connect(&old, "cum-1").await.unwrap();
    assert_eq!(control.publish("loa/1/t/u/cum-1/state", b"x").await, PubAckReason::Success);
    place.board().await;
    assert_eq!(table.refresh(&store).await.unwrap(), [node("cum-1")], "its sessions are to end");
    assert_eq!(control.publish("loa/1/t/u/cum-1/state", b"x").await, PubAckReason::NotAuthorized);
    assert_eq!(table.refresh(&store).await.unwrap(), [], "nothing changed since");
}
