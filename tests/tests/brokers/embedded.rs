//! The broker within the controller. Being killed is tried by taking its runtime away: sockets close, nothing is said.

use std::net::SocketAddr;
use std::sync::Arc;

use loa_controller::broker::{BrokerConfig, BrokerLimits, EmbeddedBroker};
use loa_test_broker::{Client, Hello};
use loa_tests::wait::until;
use rumqttc::v5::mqttbytes::v5::Login;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::engine::Engine;
use crate::ground::Ground;

pub(crate) struct Embedded {
    /// `None` only while it is being replaced.
    running: Option<(Runtime, Arc<EmbeddedBroker>)>,
    addr: SocketAddr,
}

impl Embedded {
    pub(crate) async fn start(ground: &Ground) -> Self {
        let any = ground.config.broker.listen;
        let (runtime, broker) = launch(ground, any).await.unwrap();
        let addr = broker.nodes_addr();
        Self { running: Some((runtime, broker)), addr }
    }

    fn broker(&self) -> &Arc<EmbeddedBroker> {
        &self.running.as_ref().unwrap().1
    }

    async fn start_again(&mut self, ground: &Ground) {
        // The listener of a runtime that was taken away closes a moment later.
        let addr = self.addr;
        let again = until("the port", loa_test_broker::BOUND, async || Ok(launch(ground, addr).await.ok()));
        self.running = Some(again.await.unwrap());
    }
}

async fn launch(ground: &Ground, nodes_addr: SocketAddr) -> anyhow::Result<(Runtime, Arc<EmbeddedBroker>)> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let certificate = ground.authority.broker_certificate(&[], ground.services.clock().now())?;
    let config = BrokerConfig {
        tenant: ground.config.tenant.clone(),
        nodes_addr,
        tls: certificate.into(),
        limits: BrokerLimits {
            max_packet_bytes: ground.config.broker.packet_max_bytes,
            ..BrokerLimits::default()
        },
    };
    let (incoming, mut reports) = mpsc::channel(1024);
    let access = Arc::clone(&ground.access);
    let started = runtime.spawn(async move {
        tokio::spawn(async move { while reports.recv().await.is_some() {} });
        EmbeddedBroker::start(config, access, incoming).await
    });
    match started.await? {
        Ok(broker) => Ok((runtime, Arc::new(broker))),
        Err(error) => {
            runtime.shutdown_background();
            Err(error.into())
        }
    }
}

impl Engine for Embedded {
    const NAME: &'static str = "embedded";

    fn addr(&self) -> SocketAddr {
        self.addr
    }

    async fn controller(&self, hello: Hello) -> Client {
        let login = self.broker().controller_login();
        let login = Some(Login::new(login.username, login.password.clone()));
        let stream = TcpStream::connect(self.broker().controller_addr()).await.unwrap();
        Client::connect(Box::new(stream), Hello { login, ..hello }).await.unwrap()
    }

    async fn restart(&mut self, ground: &Ground) {
        let (runtime, broker) = self.running.take().unwrap();
        runtime.spawn(async move { broker.shutdown().await }).await.unwrap();
        runtime.shutdown_background();
        self.start_again(ground).await;
    }

    async fn kill(&mut self, ground: &Ground) {
        let (runtime, broker) = self.running.take().unwrap();
        runtime.shutdown_background();
        drop(broker);
        self.start_again(ground).await;
    }

    async fn told(&mut self, ground: &Ground) {
        for node in ground.access.refresh(ground.services.store()).await.unwrap() {
            let broker = Arc::clone(self.broker());
            let runtime = &self.running.as_ref().unwrap().0;
            runtime.spawn(async move { broker.kick(&node).await }).await.unwrap();
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some((runtime, _)) = self.running.take() {
            runtime.shutdown_background();
        }
    }
}
