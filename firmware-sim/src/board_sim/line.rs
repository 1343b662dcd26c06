//! A line that is slow: what goes over it takes its time, in both directions, as over a modem.
//!
//! ```text
//! core ─ TLS ─ [ queue ─ rate ─ latency ] ─ socket ─ broker
//! ```
//!
//! **Invariants.** Bytes come in their order, and none is lost by being late. A board has one line, however many connections go
//! over it: what one of them sends the others wait for. A full queue takes no more, so that the sender is slowed down as by a
//! modem's; what is queued when the connection breaks is lost.
//!
//! Both halves of a stream belong to one task (as a link's do): each poll of either drives both directions.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use loa_link::ByteStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Most bytes that are on their way in one direction of one connection: what a modem holds.
const QUEUE_BYTES: usize = 16 * 1024;
/// Bytes that travel together.
const PACKET_BYTES: usize = 1400;

/// How slow a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a byte is on its way, each way.
    pub latency: Duration,
    /// To the board, in bits a second.
    pub down_bits_per_s: u32,
    /// From the board, in bits a second.
    pub up_bits_per_s: u32,
}

/// One board's line; its connections share it.
#[derive(Debug)]
pub struct Line {
    pace: Pace,
    down_free: Mutex<Instant>,
    up_free: Mutex<Instant>,
}

impl Line {
    /// A line that nothing goes over.
    #[must_use]
    pub fn new(pace: Pace) -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self { pace, down_free: Mutex::new(now), up_free: Mutex::new(now) })
    }

    /// A stream over the line.
    pub(super) fn over(self: &Arc<Self>, stream: Box<dyn ByteStream>) -> Box<dyn ByteStream> {
        let (coming, going) = (Lane::default(), Lane::default());
        Box::new(Slow { stream, line: Arc::clone(self), coming, going, is_at_end: false })
    }

    /// When bytes that are put on the line now come out of it.
    fn carry(&self, free: &Mutex<Instant>, bits_per_s: u32, bytes: usize) -> Instant {
        let takes = Duration::from_secs_f64(bytes as f64 * 8.0 / f64::from(bits_per_s.max(1)));
        let mut free = free.lock().unwrap_or_else(PoisonError::into_inner);
        *free = (*free).max(Instant::now()) + takes;
        *free + self.pace.latency
    }
}

/// What is on its way in one direction.
#[derive(Default)]
struct Lane {
    packets: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Lane {
    fn push(&mut self, arrives: Instant, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.packets.push_back((arrives, bytes.to_vec()));
    }

    /// The first packet, when it has arrived; pending also where there is none.
    fn poll_arrived(&mut self, context: &mut Context<'_>) -> Poll<&mut Vec<u8>> {
        let Self { packets, timer, bytes: _ } = self;
        let Some((arrives, packet)) = packets.front_mut() else { return Poll::Pending };
        if *arrives > Instant::now() {
            let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(*arrives)));
            if timer.deadline() != *arrives {
                timer.as_mut().reset(*arrives);
            }
            ready!(timer.as_mut().poll(context));
        }
        Poll::Ready(packet)
    }

    /// Takes bytes from the first packet's beginning.
    fn consume(&mut self, count: usize) {
        self.bytes -= count;
        if let Some((_, packet)) = self.packets.front_mut() {
            packet.drain(..count);
            if packet.is_empty() {
                self.packets.pop_front();
            }
        }
    }
}

struct Slow {
    stream: Box<dyn ByteStream>,
    line: Arc<Line>,
    coming: Lane,
    going: Lane,
    /// The other end has closed.
    is_at_end: bool,
}

impl Slow {
    /// Hands on what has come through to the socket. Ready: nothing is on its way.
    fn poll_going(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, going, .. } = self;
        while !going.packets.is_empty() {
            let packet = ready!(going.poll_arrived(context));
            let written = ready!(Pin::new(&mut *stream).poll_write(context, packet))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            going.consume(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Takes from the socket what fits on the line.
    fn take_in(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let Self { stream, line, coming, is_at_end, going: _ } = self;
        let mut packet = [0; PACKET_BYTES];
        while coming.bytes < QUEUE_BYTES && !*is_at_end {
            let mut buffer = ReadBuf::new(&mut packet);
            match Pin::new(&mut *stream).poll_read(context, &mut buffer)? {
                Poll::Pending => break,
                Poll::Ready(()) if buffer.filled().is_empty() => *is_at_end = true,
                Poll::Ready(()) => {
                    let bytes = buffer.filled();
                    coming.push(line.carry(&line.down_free, line.pace.down_bits_per_s, bytes.len()), bytes);
                }
            }
        }
        Ok(())
    }
}

impl AsyncRead for Slow {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Poll::Ready(done) = this.poll_going(context) {
            done?;
        }
        this.take_in(context)?;
        if this.coming.packets.is_empty() && this.is_at_end {
            return Poll::Ready(Ok(()));
        }
        let packet = ready!(this.coming.poll_arrived(context));
        let count = packet.len().min(buffer.remaining());
        buffer.put_slice(packet.get(..count).unwrap_or_default());
        this.coming.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Slow {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Poll::Ready(done) = this.poll_going(context) {
            done?;
        }
        if this.going.bytes >= QUEUE_BYTES {
            return Poll::Pending;
        }
        let count = bytes.len().min(PACKET_BYTES);
        let line = &this.line;
        let arrives = line.carry(&line.up_free, line.pace.up_bits_per_s, count);
        this.going.push(arrives, bytes.get(..count).unwrap_or_default());
        // So that something wakes the task when it is through.
        if let Poll::Ready(done) = this.poll_going(context) {
            done?;
        }
        Poll::Ready(Ok(count))
    }

    /// What the modem holds is out of the sender's hands, as what a kernel holds is.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.poll_going(context) {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_going(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const NARROW: Pace =
        Pace { latency: Duration::from_millis(150), down_bits_per_s: 64_000, up_bits_per_s: 32_000 };

    #[tokio::test(start_paused = true)]
    async fn bytes_come_late_at_the_lines_pace_and_all_of_them() {
        let (near, mut far) = duplex(1 << 20);
        let mut near = Line::new(NARROW).over(Box::new(near));
        let sent: Vec<u8> = (0..8_000u32).map(|i| i as u8).collect();
        let began = Instant::now();
        far.write_all(&sent).await.unwrap();
        let mut first = [0; 1];
        near.read_exact(&mut first).await.unwrap();
        // The first packet of 1,400 bytes takes 175 ms of 64 kbit/s.
        assert_eq!(began.elapsed().as_millis(), 325);
        let mut rest = vec![0; sent.len() - 1];
        near.read_exact(&mut rest).await.unwrap();
        assert_eq!(began.elapsed().as_millis(), 1_150);
        assert_eq!([first.to_vec(), rest].concat(), sent);
    }

    #[tokio::test(start_paused = true)]
    async fn two_connections_share_one_line() {
        let line = Line::new(NARROW);
        let began = Instant::now();
        let reading = (0..2).map(|_| {
            let line = Arc::clone(&line);
            async move {
                let (near, mut far) = duplex(1 << 20);
                far.write_all(&[7; 1_000]).await.unwrap();
                line.over(Box::new(near)).read_exact(&mut [0; 1_000]).await.unwrap();
            }
        });
        let reading: tokio::task::JoinSet<()> = reading.collect();
        reading.join_all().await;
        assert_eq!(began.elapsed().as_millis(), 150 + 2 * 125);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_line_slows_the_sender_and_a_shutdown_loses_nothing() {
        let (near, mut far) = duplex(1 << 20);
        let mut near = Line::new(NARROW).over(Box::new(near));
        let began = Instant::now();
        // 20,000 bytes up take 5 s; all but what the queue holds must have left before the last is taken.
        near.write_all(&[9; 20_000]).await.unwrap();
        assert!(began.elapsed() >= Duration::from_millis(800), "{:?}", began.elapsed());
        near.shutdown().await.unwrap();
        drop(near);
        let mut came = Vec::new();
        far.read_to_end(&mut came).await.unwrap();
        assert_eq!(came, [9; 20_000]);
        assert_eq!(began.elapsed().as_millis(), 5_150);
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_comes_after_what_was_sent_before_it() {
        let (near, mut far) = duplex(1 << 20);
        let mut near = Line::new(NARROW).over(Box::new(near));
        far.write_all(b"bye").await.unwrap();
        drop(far);
        let mut came = Vec::new();
        near.read_to_end(&mut came).await.unwrap();
        assert_eq!(came, b"bye");
    }
}
