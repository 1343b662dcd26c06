//! A stream as a board opens it.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use crate::client::{NotConnected, Stream};

/// A certificate and its key.
pub type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// The two of PEM.
pub fn identity(certificate_pem: &str, key_pem: &str) -> Identity {
    let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).unwrap();
    (certificate, PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).unwrap())
}

/// A stream that trusts the authority and checks the broker's name; with an identity, or without.
///
/// # Errors
/// [`NotConnected::Closed`]: the broker does not listen, or ends the handshake. With TLS 1.3 it may also end the
/// connection after it, at the first packet.
pub async fn tls_stream(
    addr: SocketAddr,
    ca_pem: &str,
    broker_name: &'static str,
    identity: Option<Identity>,
) -> Result<Box<dyn Stream>, NotConnected> {
    let tcp = TcpStream::connect(addr).await.map_err(|_| NotConnected::Closed)?;
    handshake(tcp, ca_pem, broker_name, identity).await
}

/// The same, for a client that takes little at a time: the system keeps next to nothing for it.
///
/// # Errors
/// [`NotConnected::Closed`].
pub async fn narrow_tls_stream(
    addr: SocketAddr,
    ca_pem: &str,
    broker_name: &'static str,
    identity: Identity,
) -> Result<Box<dyn Stream>, NotConnected> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let tcp = socket.connect(addr).await.map_err(|_| NotConnected::Closed)?;
    handshake(tcp, ca_pem, broker_name, Some(identity)).await
}

async fn handshake(
    tcp: TcpStream,
    ca_pem: &str,
    broker_name: &'static str,
    identity: Option<Identity>,
) -> Result<Box<dyn Stream>, NotConnected> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from(broker_name).unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
    stream.map(|stream| Box::new(stream) as Box<dyn Stream>).map_err(|_| NotConnected::Closed)
}
