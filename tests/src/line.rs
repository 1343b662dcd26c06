//! The line between a village and the broker, and what lines do: it is thin, it swallows, it forgets, it breaks off.
//!
//! A program of TCP connections, each of which has a number. What happens to one depends on its number and the rules of that
//! moment alone:
//!
//! ```text
//!            take_up                 bytes go both ways, at a pace
//! accepted ───────────> passing ──────────────────────────────────> closed by either end
//!                          │ swallow, forget                            ^
//!                          │      ┌─────────────────────────────┐       │ break_off, break_off_after
//!                          └────> │ hung: it stands, what comes │ ──────┘ (a reset, not an end)
//!                                 │ in is taken, nobody answers │
//!                                 └─────────────────────────────┘
//! ```
//! **Invariant.** What hangs never passes a byte again: bytes are missing in it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Bytes that are passed on at once.
const CHUNK_BYTES: usize = 2 * 1024;

/// The line. Dropped, all its connections are gone.
#[derive(Debug)]
pub struct Line {
    addr: SocketAddr,
    rules: watch::Sender<Rules>,
    task: JoinHandle<()>,
}

/// What happens on it.
#[derive(Clone, Debug)]
struct Rules {
    far_end: Option<SocketAddr>,
    bytes_per_second: u64,
    /// The number of the next connection.
    next: u64,
    /// Connections with smaller numbers hang.
    hung_below: u64,
    /// Connections with smaller numbers are reset.
    reset_below: u64,
    /// Connections to come: each is reset after so many bytes towards the village, the last of the list first.
    budgets: Vec<u64>,
}

impl Rules {
    fn is_hung(&self, number: u64) -> bool {
        number < self.hung_below
    }
}

impl Line {
    /// A line whose far end is not known yet.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn open(bytes_per_second: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for the line")?;
        let addr = listener.local_addr()?;
        let (rules, _) = watch::channel(Rules {
            far_end: None,
            bytes_per_second,
            next: 0,
            hung_below: 0,
            reset_below: 0,
            budgets: Vec::new(),
        });
        let task = tokio::spawn(serve(listener, rules.clone()));
        Ok(Self { addr, rules, task })
    }

    /// Its near end.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it leads from here on.
    pub fn lead_to(&self, far_end: SocketAddr) {
        self.rules.send_modify(|rules| rules.far_end = Some(far_end));
    }

    /// Makes it thinner or thicker, for connections that stand too.
    pub fn set_bytes_per_second(&self, bytes_per_second: u64) {
        self.rules.send_modify(|rules| rules.bytes_per_second = bytes_per_second);
    }

    /// A black hole: connections that stand hang, and so does each that comes.
    pub fn swallow(&self) {
        self.rules.send_modify(|rules| rules.hung_below = u64::MAX);
    }

    /// What is between forgets its connections without a word to either end; those that come get through. After
    /// [`Line::swallow`] that is the end of the black hole.
    pub fn forget(&self) {
        self.rules.send_modify(|rules| rules.hung_below = rules.next);
    }

    /// Resets what stands.
    pub fn break_off(&self) {
        self.rules.send_modify(|rules| rules.reset_below = rules.next);
    }

    /// Resets the next connections, in their order, each after so many bytes towards the village. Those after them stand.
    pub fn break_off_after(&self, bytes: &[u64]) {
        self.rules.send_modify(|rules| rules.budgets = bytes.iter().rev().copied().collect());
    }

    /// How many of the connections of [`Line::break_off_after`] have yet to come.
    pub fn breaks_to_come(&self) -> usize {
        self.rules.borrow().budgets.len()
    }

    /// How many connections it has taken so far.
    pub fn connections(&self) -> u64 {
        self.rules.borrow().next
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, rules: watch::Sender<Rules>) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let (mut number, mut budget) = (0, None);
        rules.send_modify(|rules| {
            number = rules.next;
            rules.next += 1;
            budget = rules.budgets.pop();
        });
        connections.spawn(connection(near, number, budget, rules.subscribe()));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(mut near: TcpStream, number: u64, budget: Option<u64>, rules: watch::Receiver<Rules>) {
    let mut waits = rules.clone();
    let is_reset = tokio::select! {
        is_reset = carry(&mut near, number, budget, rules) => is_reset,
        // The line itself outlives its connections.
        reset = waits.wait_for(|rules| number < rules.reset_below) => reset.is_ok(),
    };
    // Without it, the end is an ordinary one.
    if is_reset && let Err(error) = near.set_zero_linger() {
        eprintln!("the line cannot reset a connection: {error}");
    }
}

/// Carries bytes until either end closes, or the budget is used up: then returns whether it is to be a reset.
async fn carry(
    near: &mut TcpStream,
    number: u64,
    budget: Option<u64>,
    rules: watch::Receiver<Rules>,
) -> bool {
    let (far_end, is_hung) = {
        let rules = rules.borrow();
        (rules.far_end, rules.is_hung(number))
    };
    if is_hung {
        return hang(near).await;
    }
    // A far end that is away is a connection that ends at once, as at a router.
    let Some(far_end) = far_end else { return false };
    let Ok(mut far) = TcpStream::connect(far_end).await else { return false };
    let (near_in, near_out) = near.split();
    let (far_in, far_out) = far.split();
    let upward = Way { number, budget: None, rules: rules.clone() };
    let downward = Way { number, budget, rules };
    tokio::select! {
        is_reset = upward.pass(near_in, far_out) => is_reset,
        is_reset = downward.pass(far_in, near_out) => is_reset,
    }
}

/// Takes what comes, as the last router that still knows the connection does, and says nothing.
async fn hang(mut from: impl AsyncReadExt + Unpin) -> bool {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(1..) = from.read(&mut chunk).await {}
    // The other end does not hear of the end of this one.
    std::future::pending().await
}

/// One way of a connection.
struct Way {
    number: u64,
    budget: Option<u64>,
    rules: watch::Receiver<Rules>,
}

impl Way {
    async fn pass(mut self, mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin) -> bool {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = from.read(&mut chunk).await;
            if self.rules.borrow().is_hung(self.number) {
                return hang(from).await;
            }
            let Ok(read @ 1..) = read else { return false };
            let allowed = self.budget.map_or(read, |left| read.min(usize::try_from(left).unwrap_or(read)));
            let pace = self.rules.borrow().bytes_per_second.max(1);
            tokio::time::sleep(Duration::from_secs_f64(allowed as f64 / pace as f64)).await;
            if to.write_all(&chunk[..allowed]).await.is_err() {
                return false;
            }
            if let Some(left) = &mut self.budget {
                *left -= allowed as u64;
                if *left == 0 {
                    return true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    /// A line to somebody who says back whatever he hears.
    async fn to_an_echo() -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Line::open(1024 * 1024).await.unwrap();
        line.lead_to(listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        line
    }

    async fn connect(line: &Line) -> TcpStream {
        TcpStream::connect(line.addr()).await.unwrap()
    }

    async fn echo(stream: &mut TcpStream, words: &[u8]) -> std::io::Result<Vec<u8>> {
        stream.write_all(words).await?;
        let mut heard = vec![0; words.len()];
        stream.read_exact(&mut heard).await?;
        Ok(heard)
    }

    async fn is_silent(stream: &mut TcpStream) -> bool {
        let patience = Duration::from_millis(200);
        stream.write_all(b"hello").await.unwrap();
        tokio::time::timeout(patience, stream.read(&mut [0; 8])).await.is_err()
    }

    #[tokio::test]
    async fn what_was_forgotten_hangs_for_good_and_what_comes_gets_through() {
        let line = to_an_echo().await;
        let mut first = connect(&line).await;
        assert_eq!(echo(&mut first, b"one").await.unwrap(), b"one");
        line.forget();
        assert!(is_silent(&mut first).await);
        let mut second = connect(&line).await;
        assert_eq!(echo(&mut second, b"two").await.unwrap(), b"two");
        assert!(is_silent(&mut first).await);
    }

    #[tokio::test]
    async fn a_black_hole_takes_connections_and_gives_nothing_until_it_ends() {
        let line = to_an_echo().await;
        line.swallow();
        let mut swallowed = connect(&line).await;
        assert!(is_silent(&mut swallowed).await);
        line.forget();
        assert!(is_silent(&mut swallowed).await);
        assert_eq!(echo(&mut connect(&line).await, b"three").await.unwrap(), b"three");
    }

    #[tokio::test]
    async fn a_connection_is_reset_at_once_or_after_so_many_bytes() {
        let line = to_an_echo().await;
        line.break_off_after(&[5]);
        let mut first = connect(&line).await;
        let mut heard = Vec::new();
        first.write_all(b"0123456789").await.unwrap();
        let error = first.read_to_end(&mut heard).await.unwrap_err();
        assert_eq!((error.kind(), line.breaks_to_come()), (ErrorKind::ConnectionReset, 0));
        let mut second = connect(&line).await;
        assert_eq!(echo(&mut second, b"0123456789").await.unwrap(), b"0123456789");
        line.break_off();
        assert_eq!(second.read(&mut [0; 8]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(line.connections(), 2);
        assert_eq!(echo(&mut connect(&line).await, b"four").await.unwrap(), b"four");
    }
}
