//! What a broker has to be able to do for the contract to be tried on it, and the sessions that try it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use loa_controller::identity::BROKER_NAME;
use loa_test_broker::{Client, Hello, NotConnected, narrow_tls_stream, tls_stream};

use crate::ground::Ground;

/// How long something that must not come is waited for, after what was sent later has come.
pub(crate) const QUIET: Duration = Duration::from_millis(300);

/// A broker, started as its operators start it.
pub(crate) trait Engine {
    /// Its name in the table of differences.
    const NAME: &'static str;

    /// Where boards connect.
    fn addr(&self) -> SocketAddr;

    /// A session of the controller's; the client id is `controller`, or `controller:` and more.
    async fn controller(&self, hello: Hello) -> Client;

    /// Ends it in good order, and starts it again.
    async fn restart(&mut self, ground: &Ground);

    /// Ends it as a power cut would, and starts it again.
    async fn kill(&mut self, ground: &Ground);

    /// Brings it to know what the database says, by the means of its deployment.
    async fn told(&mut self, ground: &Ground);
}

/// A broker and the boards around it.
pub(crate) struct World<E> {
    pub(crate) engine: E,
    pub(crate) ground: Ground,
    named: AtomicU32,
}

impl<E: Engine> World<E> {
    pub(crate) fn new(engine: E, ground: Ground) -> Self {
        Self { engine, ground, named: AtomicU32::new(0) }
    }

    /// A topic of the installation.
    pub(crate) fn topic(&self, below: &str) -> String {
        self.ground.topic(below)
    }

    /// A word that nothing else here has: what one promise leaves behind is not in the way of another.
    pub(crate) fn fresh(&self, what: &str) -> String {
        format!("{what}-{}", self.named.fetch_add(1, Ordering::Relaxed))
    }

    /// A session with a board's certificate.
    pub(crate) async fn try_board(&self, board: &str, hello: Hello) -> Result<Client, NotConnected> {
        let identity = self.ground.identity(board);
        let ca = self.ground.authority.ca_pem();
        let stream = tls_stream(self.engine.addr(), ca, BROKER_NAME, Some(identity)).await?;
        Client::connect(stream, hello).await
    }

    /// A board's control session.
    pub(crate) async fn board(&self, board: &str) -> Client {
        self.try_board(board, Hello::client(board)).await.unwrap()
    }

    /// A board's session on a line that holds next to nothing.
    pub(crate) async fn narrow_board(&self, board: &str) -> Client {
        let identity = self.ground.identity(board);
        let ca = self.ground.authority.ca_pem();
        let stream = narrow_tls_stream(self.engine.addr(), ca, BROKER_NAME, identity).await.unwrap();
        Client::connect(stream, Hello::client(board)).await.unwrap()
    }

    /// A session of the controller's, under a name that no other has.
    pub(crate) async fn controller(&self) -> Client {
        self.engine.controller(Hello::client(&self.fresh("controller:test"))).await
    }
}
