//! How the byte stream to the broker comes about: TCP by default, anything else by a [`Dial`] of the caller.
//!
//! [`Dial`] is the seam for fault injection and for in-memory brokers: wrap [`TcpDial`] and spoil its stream, or return
//! one end of `tokio::io::duplex`. TLS, when set, runs over whatever stream comes back, inside this process: there is
//! no socket path that another local process could open to borrow the node's identity.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use crate::stats::LinkStats;

/// A byte stream in both directions.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// What [`Dial::dial`] returns.
pub type DialFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn ByteStream>>> + Send + 'a>>;

/// Opens one byte stream to the broker, once for each connection attempt.
pub trait Dial: fmt::Debug + Send + Sync {
    /// Opens a stream. The link gives up at `deadline` in any case; an implementation that has several addresses to
    /// try uses it to divide the time.
    fn dial(&self, deadline: Instant) -> DialFuture<'_>;
}

/// Plain TCP to a host name or IP address, `TCP_NODELAY` set (an emergency is a small packet that must not wait for
/// more data).
#[derive(Debug, Clone)]
pub struct TcpDial {
    host: String,
    port: u16,
}

impl TcpDial {
    /// TCP to `host` (name or IP address, no brackets) and `port`.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl Dial for TcpDial {
    fn dial(&self, deadline: Instant) -> DialFuture<'_> {
        Box::pin(async move {
            let stream = connect_any(&self.host, self.port, deadline).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn ByteStream>)
        })
    }
}

/// Tries each address of the host, giving each an equal share of the time that is left: a first address that swallows
/// packets (IPv6 that is announced but not routed) must not use up the whole attempt, every time.
async fn connect_any(host: &str, port: u16, deadline: Instant) -> io::Result<TcpStream> {
    let addresses: Vec<_> = lookup_host((host, port)).await?.collect();
    let mut last_error = io::Error::new(io::ErrorKind::NotFound, "the name resolves to no address");
    for (index, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last_error = error,
            Err(elapsed) => last_error = elapsed.into(),
        }
    }
    Err(last_error)
}

/// Counts the bytes of a stream into [`LinkStats`].
pub(crate) struct Metered {
    stream: Box<dyn ByteStream>,
    stats: Arc<LinkStats>,
}

impl Metered {
    pub(crate) fn new(stream: Box<dyn ByteStream>, stats: Arc<LinkStats>) -> Self {
        Self { stream, stats }
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.stats.count_received(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.stats.count_sent(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices))?;
        self.stats.count_sent(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
