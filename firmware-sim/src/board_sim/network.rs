//! The way from a board to its broker: any [`Dial`], which can be cut and mended, with its bytes counted.
//!
//! Links come and go, so bytes are counted here, for a whole board or a whole fleet, and not taken from each link. They are
//! those on the wire, below TLS.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use loa_link::{ByteStream, Dial, DialFuture};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::line::Line;

/// Bytes on the wire, of everything that counts into it.
#[derive(Debug, Default)]
pub struct Traffic {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Traffic {
    /// Bytes that went to the broker.
    #[must_use]
    pub fn sent_bytes(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Bytes that came from the broker.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

/// How a network is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// Connections are reset, and new ones refused: a cable pulled out, a modem without power.
    Reset,
    /// Nothing comes and nothing goes, without a word: a valley without signal. Only time-outs tell.
    Silent,
}

/// A board's way to its broker.
pub struct Network {
    way: Arc<dyn Dial>,
    /// How slow it is, where it is.
    line: Option<Arc<Line>>,
    traffic: Arc<Traffic>,
    state: Mutex<State>,
}

struct State {
    outage: Option<Outage>,
    /// Cancelled when the connections that stand at present are cut.
    cut: CancellationToken,
}

impl Network {
    /// A network that works, as fast as the way is.
    #[must_use]
    pub fn new(way: Arc<dyn Dial>, traffic: Arc<Traffic>) -> Arc<Self> {
        Self::over(way, None, traffic)
    }

    /// A network that works, over a line.
    #[must_use]
    pub fn over(way: Arc<dyn Dial>, line: Option<Arc<Line>>, traffic: Arc<Traffic>) -> Arc<Self> {
        let state = State { outage: None, cut: CancellationToken::new() };
        Arc::new(Self { way, line, traffic, state: Mutex::new(state) })
    }

    /// Cuts every connection, and lets none come about until [`Network::mend`].
    pub fn cut(&self, outage: Outage) {
        let mut state = self.state();
        state.outage = Some(outage);
        state.cut.cancel();
    }

    /// The network works again. Connections that were cut stay dead.
    pub fn mend(&self) {
        let mut state = self.state();
        if state.outage.take().is_some() {
            state.cut = CancellationToken::new();
        }
    }

    /// Whether it is away.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.state().outage.is_some()
    }

    /// The dialler for a link over this network.
    #[must_use]
    pub fn dialler(self: &Arc<Self>) -> Arc<dyn Dial> {
        Arc::new(Dialler(Arc::clone(self)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("way", &self.way).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Dialler(Arc<Network>);

impl Dial for Dialler {
    fn dial(&self, deadline: Instant) -> DialFuture<'_> {
        Box::pin(async move {
            let (outage, cut) = {
                let state = self.0.state();
                (state.outage, state.cut.clone())
            };
            match outage {
                Some(Outage::Reset) => return Err(io::ErrorKind::NetworkUnreachable.into()),
                // The link gives up at its deadline.
                Some(Outage::Silent) => std::future::pending::<()>().await,
                None => {}
            }
            let mut stream = self.0.way.dial(deadline).await?;
            if let Some(line) = &self.0.line {
                stream = line.over(stream);
            }
            let network = Arc::clone(&self.0);
            let stream = Exposed { stream, cut: Box::pin(cut.cancelled_owned()), dead: None, network };
            Ok(Box::new(stream) as Box<dyn ByteStream>)
        })
    }
}

/// A stream that dies when its network is cut.
struct Exposed {
    stream: Box<dyn ByteStream>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    /// How it died, once it is dead.
    dead: Option<Outage>,
    network: Arc<Network>,
}

impl Exposed {
    /// Ready with an error where the stream is reset, pending where it is silent, `None` where it lives.
    fn fate<T>(&mut self, context: &mut Context<'_>) -> Option<Poll<io::Result<T>>> {
        if self.dead.is_none() && self.cut.as_mut().poll(context).is_ready() {
            // Mended in the meantime: what it was is forgotten, and a reset is the end of it.
            self.dead = Some(self.network.state().outage.unwrap_or(Outage::Reset));
        }
        self.dead.map(|outage| match outage {
            Outage::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Outage::Silent => Poll::Pending,
        })
    }
}

impl AsyncRead for Exposed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(fate) = self.fate(context) {
            return fate;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        self.network.traffic.received.fetch_add(read as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Exposed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(fate) = self.fate(context) {
            return fate;
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.network.traffic.sent.fetch_add(written as u64, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.fate(context) {
            Some(fate) => fate,
            None => Pin::new(&mut self.stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.fate(context) {
            Some(fate) => fate,
            None => Pin::new(&mut self.stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    /// Each dial gives one end of a pipe; the other is kept.
    #[derive(Debug, Default)]
    struct Pipes(tokio::sync::Mutex<Vec<DuplexStream>>);

    impl Dial for Pipes {
        fn dial(&self, _: Instant) -> DialFuture<'_> {
            Box::pin(async move {
                let (ours, theirs) = duplex(64);
                self.0.lock().await.push(theirs);
                Ok(Box::new(ours) as Box<dyn ByteStream>)
            })
        }
    }

    async fn dial(network: &Arc<Network>) -> io::Result<Box<dyn ByteStream>> {
        network.dialler().dial(Instant::now()).await
    }

    #[tokio::test]
    async fn a_reset_wakes_who_reads_and_refuses_who_dials() {
        let (pipes, traffic) = (Arc::new(Pipes::default()), Arc::new(Traffic::default()));
        let network = Network::new(pipes.clone(), Arc::clone(&traffic));
        let mut stream = dial(&network).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        pipes.0.lock().await[0].write_all(b"hi").await.unwrap();
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 2);
        assert_eq!((traffic.sent_bytes(), traffic.received_bytes()), (5, 2));

        let reader = tokio::spawn(async move { stream.read(&mut [0; 8]).await });
        network.cut(Outage::Reset);
        assert_eq!(reader.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(dial(&network).await.err().unwrap().kind(), io::ErrorKind::NetworkUnreachable);
        network.mend();
        assert!(dial(&network).await.is_ok());
    }

    #[tokio::test]
    async fn silence_says_nothing_ever() {
        let pipes = Arc::new(Pipes::default());
        let network = Network::new(pipes.clone(), Arc::default());
        let mut stream = dial(&network).await.unwrap();
        pipes.0.lock().await[0].write_all(b"hi").await.unwrap();
        network.cut(Outage::Silent);
        let mut is_pending = async || {
            let mut bytes = [0; 8];
            let mut buffer = ReadBuf::new(&mut bytes);
            poll_fn(|context| Poll::Ready(Pin::new(&mut stream).poll_read(context, &mut buffer).is_pending()))
                .await
        };
        assert!(is_pending().await);
        network.mend();
        assert!(is_pending().await);
    }
}
