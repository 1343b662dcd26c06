//! A controller's web server, one request at a time.

use loa_test_broker::Pki;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the server does with a request.
pub(crate) enum Reply {
    /// Status, content type, body.
    Answer(u16, &'static str, Vec<u8>),
    /// It breaks off.
    Nothing,
}

/// A server that handles so many requests, and gives their bodies.
pub(crate) struct Web {
    pub(crate) port: u16,
    pub(crate) bodies: Receiver<Vec<u8>>,
    thread: Option<JoinHandle<()>>,
}

impl Web {
    pub(crate) fn serve(
        requests: usize,
        tls: Option<&Pki>,
        mut reply: impl FnMut(&[u8]) -> Reply + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let tls = tls.map(server_config);
        let (sender, bodies) = channel();
        let thread = std::thread::spawn(move || {
            for _ in 0..requests {
                let (stream, _) = listener.accept().unwrap();
                let body = match &tls {
                    None => exchange(stream, &mut reply),
                    Some(config) => {
                        let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                        exchange(StreamOwned::<_, TcpStream>::new(connection, stream), &mut reply)
                    }
                };
                sender.send(body).unwrap();
            }
        });
        Self { port, bodies, thread: Some(thread) }
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take()
            && !std::thread::panicking()
        {
            thread.join().unwrap();
        }
    }
}

fn exchange(mut stream: impl Read + Write, reply: &mut impl FnMut(&[u8]) -> Reply) -> Vec<u8> {
    let body = read_request(&mut stream);
    if let Reply::Answer(status, kind, answer) = reply(&body) {
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&answer).unwrap();
        stream.flush().unwrap();
    }
    body
}

fn read_request(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).unwrap();
        assert!(read > 0, "the request broke off");
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        assert!(head.starts_with("post /api/v1/enrol http/1.1"), "{head}");
        assert!(head.contains("content-type: application/cbor"), "{head}");
        let length = head.lines().find_map(|l| l.strip_prefix("content-length: ")).unwrap();
        if bytes.len() >= end + 4 + length.parse::<usize>().unwrap() {
            return bytes.split_off(end + 4);
        }
    }
}

fn server_config(pki: &Pki) -> Arc<ServerConfig> {
    let (certificate, key) = pki.issue("some other name", &["elsewhere.example"]);
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    Arc::new(config)
}
