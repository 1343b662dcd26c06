//! Debian's Mosquitto with the files of `deploy/`, beside the controller on one machine.

use std::net::SocketAddr;
use std::sync::Arc;

use loa_controller::identity::BrokerFiles;
use loa_controller::store::certificates;
use loa_test_broker::{Client, Hello};
use rumqttc::v5::mqttbytes::v5::Login;
use tokio::net::TcpStream;

use crate::engine::Engine;
use crate::ground::Ground;

pub(crate) struct Mosquitto {
    process: loa_tests::Mosquitto,
    files: BrokerFiles,
    /// What the controller says of itself.
    login: Login,
}

impl Mosquitto {
    pub(crate) async fn start(ground: &mut Ground) -> Self {
        let process = loa_tests::Mosquitto::prepare(ground.folder.path()).unwrap();
        process.configure(&mut ground.config);
        let settings = &ground.config.broker;
        let login = Login::new(settings.username.clone(), settings.password.reveal());
        let now = ground.services.clock().now();
        let names = [settings.public_host.clone()];
        let files =
            BrokerFiles::write(Arc::clone(&ground.authority), &settings.files_dir, &names, now).unwrap();
        let mut broker = Self { process, files, login };
        broker.list(ground).await;
        broker.process.start().await.unwrap();
        broker
    }

    /// Writes who is revoked, as the controller does.
    async fn list(&mut self, ground: &Ground) {
        let now = ground.services.clock().now();
        let mut tx = ground.services.store().read().await.unwrap();
        let revoked = certificates::revoked(&mut tx, now).await.unwrap();
        self.files.list(revoked, now).unwrap();
    }
}

impl Engine for Mosquitto {
    const NAME: &'static str = "mosquitto";

    fn addr(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.process.boards_port()).into()
    }

    async fn controller(&self, hello: Hello) -> Client {
        let login = Some(self.login.clone());
        let stream = TcpStream::connect(("127.0.0.1", self.process.controller_port())).await.unwrap();
        Client::connect(Box::new(stream), Hello { login, ..hello }).await.unwrap()
    }

    async fn restart(&mut self, _: &Ground) {
        self.process.terminate().await.unwrap();
        self.process.start().await.unwrap();
    }

    async fn kill(&mut self, _: &Ground) {
        self.process.restart().await.unwrap();
    }

    /// As `loa-mosquitto.path` does: it is restarted when the list has changed.
    async fn told(&mut self, ground: &Ground) {
        self.list(ground).await;
        self.restart(ground).await;
    }
}
