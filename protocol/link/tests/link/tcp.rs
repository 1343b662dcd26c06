//! Over real sockets: nobody there, a name with several addresses, a reset in the middle of a packet.

use std::io::{Error, ErrorKind};
use std::net::Ipv4Addr;
use std::time::Duration;

use loa_link::{Backoff, DisconnectReason, Link, LinkEvent, LinkOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{next, within};

/// CONNACK: success, no session, no properties.
const CONNACK: [u8; 5] = [0x20, 0x03, 0x00, 0x00, 0x00];

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// The next connection, after its CONNECT, answered with CONNACK.
async fn accept(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = within(listener.accept()).await.unwrap();
    let mut connect = [0; 256];
    assert!(within(stream.read(&mut connect)).await.unwrap() > 0);
    stream.write_all(&CONNACK).await.unwrap();
    stream
}

fn options(host: &str, port: u16) -> LinkOptions {
    let mut options = LinkOptions::new("node-1", host, port);
    options.backoff = Backoff { min: Duration::from_millis(20), max: Duration::from_millis(100) };
    options
}

fn unreachable(event: LinkEvent) -> (String, Error) {
    match event {
        LinkEvent::Disconnected { reason: DisconnectReason::Unreachable { address, source }, .. } => {
            (address, source)
        }
        other => panic!("expected Unreachable, got {other:?}"),
    }
}

#[tokio::test]
async fn where_nobody_listens_the_reason_names_the_address() {
    let (listener, port) = listener().await;
    drop(listener);
    let (_handle, mut events) = Link::spawn(options("127.0.0.1", port)).unwrap();
    let (address, source) = unreachable(next(&mut events).await);
    assert_eq!(address, format!("127.0.0.1:{port}"));
    assert_eq!(source.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_broker_that_comes_later_is_found() {
    let (reserved, port) = listener().await;
    drop(reserved);
    let (_handle, mut events) = Link::spawn(options("localhost", port)).unwrap();
    unreachable(next(&mut events).await);
    // `localhost` may be ::1 first, where nobody listens: the second address is tried in the same attempt.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let _stream = accept(&listener).await;
    loop {
        match next(&mut events).await {
            LinkEvent::Connected { .. } => break,
            LinkEvent::Disconnected { reason: DisconnectReason::Unreachable { .. }, .. } => {}
            other => panic!("unexpected {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_packet_is_survived() {
    let (listener, port) = listener().await;
    let (handle, mut events) = Link::spawn(options("127.0.0.1", port)).unwrap();
    let mut stream = accept(&listener).await;
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { conn_seq: 1, .. }));
    let received = handle.stats().bytes_received;
    stream.write_all(&[0x30, 0x50, 0x00, 0x01, b'a', 0x00, b'h', b'a', b'l', b'f']).await.unwrap();
    within(async {
        while handle.stats().bytes_received < received + 10 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    stream.set_zero_linger().unwrap();
    drop(stream);
    match next(&mut events).await {
        LinkEvent::Disconnected { reason: DisconnectReason::Io(error), .. } => {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
        other => panic!("expected a reset, got {other:?}"),
    }
    let _stream = accept(&listener).await;
    assert!(matches!(next(&mut events).await, LinkEvent::Connected { conn_seq: 2, .. }));
    assert_eq!(handle.stats().messages_received, 0);
}
