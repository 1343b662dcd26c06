//! Bare clients: the raw peer of whatever goes through the broker. Plain MQTT 5 over mutual TLS, without core, store or
//! link: they subscribe to one topic and note when the bytes are there; and they publish, all at once.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else a broker sends is a defect of the run, and ends it"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::BytesMut;
use loa_firmware_sim::fleet::limits::raise_for_boards;
use loa_firmware_sim::fleet::sources;
use loa_link::{ByteStream, ClientIdentity, FlooredClock, client_config};
use loa_node::identity::Identity;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Connect, ConnectProperties, ConnectReturnCode, Filter, Packet, PingReq, PubAck, Publish, Subscribe, check,
};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Handshakes at a time: two processors do no more at once.
const AT_A_TIME: usize = 64;
/// Longest that a handshake may take, and longest that nothing may come of what was published.
const PATIENCE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_S: u16 = 60;
const PACKET_MAX_BYTES: u32 = 512 * 1024;

/// Clients that are connected and subscribed.
#[derive(Debug)]
pub struct BareClients {
    heard: Arc<Heard>,
    tasks: JoinSet<Result<()>>,
    /// What each is to publish, by its number; changes when they are to begin.
    outgoing: watch::Sender<Arc<Vec<Publish>>>,
}

/// What all of them have heard in the present round.
#[derive(Debug)]
struct Heard {
    epoch: Instant,
    /// Bytes that each must hear before it is done.
    wanted_bytes: AtomicU64,
    bytes: Vec<AtomicU64>,
    /// Microseconds since the epoch; 0: not done.
    done_us: Vec<AtomicU64>,
    done: AtomicU64,
    changed: Notify,
}

/// When each client had all bytes of a round.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// From the beginning of the round, in milliseconds, ascending; one for each client.
    pub times_ms: Vec<f64>,
    /// Bytes of payload that came to all together.
    pub bytes: u64,
}

impl Arrivals {
    /// What came in a second until the last had everything, in bytes.
    pub fn bytes_per_s(&self) -> f64 {
        self.times_ms.last().map_or(0.0, |last| self.bytes as f64 / last * 1000.0)
    }
}

impl BareClients {
    /// Connects a client for each of these identities to a broker on this machine and subscribes them to one topic.
    ///
    /// # Errors
    /// When one of them is not let in.
    pub async fn connect(identities: &[Identity], broker: SocketAddr, topic: &str) -> Result<Self> {
        Self::connect_each(identities, broker, |_| topic.to_owned()).await
    }

    /// The same, each with a topic of its own.
    ///
    /// # Errors
    /// When one of them is not let in.
    pub async fn connect_each(
        identities: &[Identity],
        broker: SocketAddr,
        topic: impl Fn(&Identity) -> String,
    ) -> Result<Self> {
        raise_for_boards(identities.len() as u64, 64)?;
        let count = identities.len();
        let none = || (0..count).map(|_| AtomicU64::new(0)).collect();
        let heard = Arc::new(Heard {
            epoch: Instant::now(),
            wanted_bytes: AtomicU64::new(u64::MAX),
            bytes: none(),
            done_us: none(),
            done: AtomicU64::new(0),
            changed: Notify::new(),
        });
        let places = Arc::new(Semaphore::new(AT_A_TIME));
        let mut joining = JoinSet::new();
        for (index, identity) in identities.iter().enumerate() {
            let (identity, topic, places) = (identity.clone(), topic(identity), Arc::clone(&places));
            joining.spawn(async move {
                let _place = places.acquire_owned().await?;
                let joined = timeout(PATIENCE, Client::join(&identity, index, broker, &topic)).await;
                joined.context("a handshake took too long")?.with_context(|| identity.node.to_string())
            });
        }
        let mut tasks = JoinSet::new();
        let outgoing = watch::Sender::new(Arc::default());
        while let Some(joined) = joining.join_next().await {
            tasks.spawn(joined??.listen(Arc::clone(&heard), outgoing.subscribe()));
        }
        Ok(Self { heard, tasks, outgoing })
    }

    /// Lets every client publish a message of its own, all at once: topic and payload, by the client's number. It does not wait
    /// until they are out.
    pub fn publish_each(&self, messages: Vec<(String, Vec<u8>)>) {
        self.outgoing.send_replace(Arc::new(publications(messages)));
    }

    /// The same, and waits until every client has heard `wanted_bytes` of payload in answer.
    ///
    /// # Errors
    /// As [`BareClients::round`].
    pub async fn exchange(
        &mut self,
        messages: Vec<(String, Vec<u8>)>,
        wanted_bytes: u64,
    ) -> Result<Arrivals> {
        let (outgoing, messages) = (self.outgoing.clone(), Arc::new(publications(messages)));
        let publish = async move || {
            outgoing.send_replace(messages);
            Ok(())
        };
        self.round(wanted_bytes, publish).await
    }

    /// Publishes, and waits until every client has heard `wanted_bytes` of payload.
    ///
    /// # Errors
    /// What `publish` fails with, a client that is lost, or nothing new for a minute.
    pub async fn round(
        &mut self,
        wanted_bytes: u64,
        publish: impl AsyncFnOnce() -> Result<()>,
    ) -> Result<Arrivals> {
        let heard = Arc::clone(&self.heard);
        heard.bytes.iter().chain(&heard.done_us).for_each(|number| number.store(0, Ordering::Relaxed));
        heard.done.store(0, Ordering::Relaxed);
        heard.wanted_bytes.store(wanted_bytes, Ordering::Release);
        let begun_us = heard.now_us();
        publish().await?;
        let count = heard.bytes.len() as u64;
        let mut last = 0;
        while heard.done.load(Ordering::Acquire) < count {
            let changed = heard.changed.notified();
            let so_far: u64 = heard.bytes.iter().map(|bytes| bytes.load(Ordering::Relaxed)).sum();
            if heard.done.load(Ordering::Acquire) == count {
                break;
            }
            tokio::select! {
                waited = timeout(PATIENCE, changed) => if waited.is_err() {
                    ensure!(so_far > last, "nothing came for a minute; {} of {count} have all", heard.done.load(Ordering::Relaxed));
                    last = so_far;
                },
                Some(ended) = self.tasks.join_next() => {
                    ended??;
                    bail!("a bare client ended");
                }
            }
        }
        let mut times_ms: Vec<f64> = heard
            .done_us
            .iter()
            .map(|at| at.load(Ordering::Acquire).saturating_sub(begun_us) as f64 / 1000.0)
            .collect();
        times_ms.sort_by(f64::total_cmp);
        Ok(Arrivals { times_ms, bytes: wanted_bytes * count })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.heard.bytes.len()
    }
}

fn publications(messages: Vec<(String, Vec<u8>)>) -> Vec<Publish> {
    let publish = |(topic, payload)| Publish {
        pkid: 1,
        ..Publish::new::<String, Vec<u8>>(topic, QoS::AtLeastOnce, payload, None)
    };
    messages.into_iter().map(publish).collect()
}

impl Heard {
    fn now_us(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn hear(&self, client: usize, bytes: usize) {
        let (Some(heard), Some(done_us)) = (self.bytes.get(client), self.done_us.get(client)) else { return };
        let so_far = heard.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        let wanted = self.wanted_bytes.load(Ordering::Acquire);
        if so_far >= wanted && so_far - (bytes as u64) < wanted {
            done_us.store(self.now_us().max(1), Ordering::Release);
            if self.done.fetch_add(1, Ordering::AcqRel) + 1 == self.bytes.len() as u64 {
                self.changed.notify_waiters();
            }
        }
    }
}

struct Client {
    index: usize,
    stream: tokio_rustls::client::TlsStream<Box<dyn ByteStream>>,
    input: BytesMut,
}

impl Client {
    async fn join(identity: &Identity, index: usize, broker: SocketAddr, topic: &str) -> Result<Self> {
        let own = ClientIdentity {
            chain_pem: identity.certificate_chain_pem.as_bytes(),
            key_pem: identity.private_key_pem.as_bytes(),
        };
        let clock = FlooredClock::system(Arc::default());
        let config = client_config(identity.ca_pem.as_bytes(), Some(own), clock)?;
        let dial = sources::dialler(&broker.to_string(), u32::try_from(index)?)
            .context("the broker is at an IPv4 address of this machine")?;
        let stream = dial.dial((Instant::now() + PATIENCE).into()).await?;
        let name = ServerName::try_from(identity.broker_name.clone())?;
        let stream = TlsConnector::from(config).connect(name, stream).await?;
        let mut client = Self { index, stream, input: BytesMut::new() };
        let connect = Connect {
            keep_alive: KEEP_ALIVE_S,
            client_id: identity.node.to_string(),
            clean_start: true,
            properties: Some(ConnectProperties {
                max_packet_size: Some(PACKET_MAX_BYTES),
                ..ConnectProperties::new()
            }),
        };
        client.send(&Packet::Connect(connect, None, None)).await?;
        match client.next().await? {
            Packet::ConnAck(answer) if answer.code == ConnectReturnCode::Success => {}
            other => bail!("the broker answered {other:?}"),
        }
        let mut subscribe = Subscribe::new(Filter::new(topic, QoS::AtLeastOnce), None);
        subscribe.pkid = 1;
        client.send(&Packet::Subscribe(subscribe)).await?;
        // A retained message of before may come first.
        loop {
            match client.next().await? {
                Packet::SubAck(_) => return Ok(client),
                Packet::Publish(publish) if publish.retain => {}
                other => bail!("the broker answered {other:?}"),
            }
        }
    }

    async fn listen(
        mut self,
        heard: Arc<Heard>,
        mut outgoing: watch::Receiver<Arc<Vec<Publish>>>,
    ) -> Result<()> {
        let ping_every = Duration::from_secs(u64::from(KEEP_ALIVE_S) / 2);
        loop {
            let packet = tokio::select! {
                packet = timeout(ping_every, self.next()) => match packet {
                    Ok(packet) => packet?,
                    Err(_) => {
                        self.send(&Packet::PingReq(PingReq)).await?;
                        continue;
                    }
                },
                Ok(()) = outgoing.changed() => {
                    let messages = Arc::clone(&outgoing.borrow_and_update());
                    if let Some(message) = messages.get(self.index) {
                        self.send(&Packet::Publish(message.clone())).await?;
                    }
                    continue;
                }
            };
            match packet {
                Packet::Publish(publish) => {
                    heard.hear(self.index, publish.payload.len());
                    if publish.qos == QoS::AtLeastOnce {
                        self.send(&Packet::PubAck(PubAck::new(publish.pkid, None))).await?;
                    }
                }
                Packet::PingResp(_) | Packet::PubAck(_) => {}
                other => bail!("the broker sent {other:?}"),
            }
        }
    }

    async fn send(&mut self, packet: &Packet) -> Result<()> {
        let mut output = BytesMut::new();
        packet.write(&mut output, None)?;
        self.stream.write_all(&output).await?;
        Ok(self.stream.flush().await?)
    }

    /// The next packet. Nothing is lost when this is not awaited to its end.
    async fn next(&mut self) -> Result<Packet> {
        loop {
            if check(self.input.iter(), Some(PACKET_MAX_BYTES)).is_ok() {
                return Ok(Packet::read(&mut self.input, Some(PACKET_MAX_BYTES))?);
            }
            ensure!(self.stream.read_buf(&mut self.input).await? > 0, "the broker closed the connection");
        }
    }
}
