//! What a broker sends: the real link on a stream in memory, subscribed and with publications under way.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use loa_link::{ByteStream, Dial, DialFuture, Link, LinkEvent, LinkOptions, Publication, Qos};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::Instant;

/// CONNACK: no session kept, success, no properties (MQTT 5, section 3.2).
const ACCEPTED: [u8; 5] = [0x20, 0x03, 0x00, 0x00, 0x00];
/// Bytes that the stream holds in each direction.
const STREAM_BYTES: usize = 1024 * 1024;
/// Turns of the one thread in which the link writes what its owner published.
const TURNS_TO_SEND: usize = 8;

/// A stream that is there for the first attempt alone.
#[derive(Debug)]
struct OneStream(Mutex<Option<DuplexStream>>);

impl Dial for OneStream {
    fn dial(&self, _deadline: Instant) -> DialFuture<'_> {
        let stream = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async move {
            let stream = stream.ok_or(io::ErrorKind::ConnectionRefused)?;
            Ok(Box::new(stream) as Box<dyn ByteStream>)
        })
    }
}

/// Lets a broker send the bytes: instead of its CONNACK, and behind one.
pub fn hold(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.unwrap_or_else(|e| panic!("no runtime: {e}"));
    if bytes.len() < STREAM_BYTES / 2 {
        connect(&runtime, &[], bytes);
        connect(&runtime, &ACCEPTED, bytes);
    }
}

fn connect(runtime: &Runtime, greeting: &[u8], bytes: &[u8]) {
    let (ours, theirs) = tokio::io::duplex(STREAM_BYTES);
    let mut options = LinkOptions::new("node-1", "in-memory", 0);
    options.dial = Arc::new(OneStream(Mutex::new(Some(ours))));
    options.jitter = Box::new(|| 0.5);
    options.subscriptions = vec![("loa/1/t/keys".to_owned(), Qos::AtLeastOnce)];
    options.max_packet_bytes = 16 * 1024;
    options.manual_acks = true;
    runtime.block_on(async {
        let spawned = Link::spawn(options);
        let Ok((link, mut events)) = spawned else { panic!("the options are right") };
        let published = Arc::new(Notify::new());
        if greeting.is_empty() {
            published.notify_one();
        }
        let broker = tokio::spawn(serve(theirs, greeting.to_vec(), Arc::clone(&published), bytes.to_vec()));
        let mut is_connected = false;
        let mut under_way = 0;
        while let Some(event) = events.recv().await {
            match event {
                LinkEvent::Connected { .. } => {
                    assert!(!is_connected, "connected twice");
                    is_connected = true;
                    for token in 0..3 {
                        let publication = Publication::new("loa/1/t/u/n/health", vec![7; 20], token);
                        under_way += usize::from(link.try_publish(publication).is_ok());
                    }
                    published.notify_one();
                }
                LinkEvent::Message(message) => {
                    assert!(is_connected, "a message without a connection");
                    if let Some(token) = message.ack {
                        link.ack(token);
                    }
                }
                LinkEvent::Acked { token } | LinkEvent::Rejected { token, .. } => {
                    assert!(token < 3 && under_way > 0, "an answer to nothing");
                    under_way -= 1;
                }
                LinkEvent::Subscribed { .. } => assert!(is_connected),
                LinkEvent::Disconnected { unacked, .. } => {
                    assert_eq!(unacked.len(), under_way, "each publication is answered or given back");
                    break;
                }
            }
        }
        drop(link);
        broker.abort();
    });
}

/// Greets, waits until the link has something under way that the bytes can answer, sends them and the end of the
/// stream, and reads whatever comes.
async fn serve(
    stream: DuplexStream,
    greeting: Vec<u8>,
    published: Arc<Notify>,
    bytes: Vec<u8>,
) -> io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    writer.write_all(&greeting).await?;
    published.notified().await;
    for _ in 0..TURNS_TO_SEND {
        yield_now().await;
    }
    writer.write_all(&bytes).await?;
    writer.shutdown().await?;
    let mut taken = [0; 4096];
    while reader.read(&mut taken).await? > 0 {}
    Ok(())
}
