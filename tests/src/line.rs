//! A thin line between a village and the broker: passes bytes on at a pace, both ways.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Bytes that are passed on at once.
const CHUNK_BYTES: usize = 2 * 1024;

/// The line. Dropped, it takes no further connections.
#[derive(Debug)]
pub struct ThinLine {
    addr: SocketAddr,
    far_end: watch::Sender<Option<SocketAddr>>,
    bytes_per_second: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl ThinLine {
    /// A line whose far end is not known yet.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn open(bytes_per_second: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for the line")?;
        let addr = listener.local_addr()?;
        let (far_end, end) = watch::channel(None);
        let bytes_per_second = Arc::new(AtomicU64::new(bytes_per_second));
        let task = tokio::spawn(serve(listener, end, Arc::clone(&bytes_per_second)));
        Ok(Self { addr, far_end, bytes_per_second, task })
    }

    /// Its near end.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it leads from here on.
    pub fn lead_to(&self, far_end: SocketAddr) {
        self.far_end.send_replace(Some(far_end));
    }

    /// Makes it thinner or thicker, for connections that stand too.
    pub fn set_bytes_per_second(&self, bytes_per_second: u64) {
        self.bytes_per_second.store(bytes_per_second, Ordering::Relaxed);
    }
}

impl Drop for ThinLine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, end: watch::Receiver<Option<SocketAddr>>, pace: Arc<AtomicU64>) {
    while let Ok((near, _)) = listener.accept().await {
        let Some(end) = *end.borrow() else { continue };
        let pace = Arc::clone(&pace);
        tokio::spawn(async move {
            // A far end that is away is a connection that ends at once, as at a router.
            let Ok(far) = TcpStream::connect(end).await else { return };
            let (near_in, near_out) = near.into_split();
            let (far_in, far_out) = far.into_split();
            tokio::select! {
                () = pass(near_in, far_out, &pace) => {}
                () = pass(far_in, near_out, &pace) => {}
            }
        });
    }
}

/// Passes bytes on until either end closes.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, pace: &AtomicU64) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let pace = pace.load(Ordering::Relaxed).max(1);
        tokio::time::sleep(Duration::from_secs_f64(read as f64 / pace as f64)).await;
        if to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}
