//! Where the connections of a fleet come from.
//!
//! An address has some 28,000 ports for the connections to one broker. A broker on this machine is dialled from several addresses
//! in 127/8, all of which are this machine's; elsewhere the machine's own address is all there is.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use loa_link::{ByteStream, Dial, DialFuture};
use tokio::net::TcpSocket;
use tokio::time::{Instant, timeout_at};

/// Boards that share an address; each has up to two connections, and ports of those that are gone are free only after a minute.
const BOARDS_PER_ADDRESS: u32 = 4_000;

/// The dialler of a board to a broker at `address` (`host:port`), by its number in the fleet; `None` where the broker is not on
/// this machine, or is given by a name.
#[must_use]
pub fn dialler(address: &str, index: u32) -> Option<Arc<dyn Dial>> {
    let broker: SocketAddr = address.parse().ok()?;
    let IpAddr::V4(host) = broker.ip() else { return None };
    if !host.is_loopback() {
        return None;
    }
    // 127.1.0.1 and on: never the broker's own 127.0.0.1, whose ports others use.
    let [high, low] = u16::try_from(index / BOARDS_PER_ADDRESS + 1).ok()?.to_be_bytes();
    Some(Arc::new(From127 { source: Ipv4Addr::new(127, 1, high, low), broker }))
}

#[derive(Debug)]
struct From127 {
    source: Ipv4Addr,
    broker: SocketAddr,
}

impl Dial for From127 {
    fn dial(&self, deadline: Instant) -> DialFuture<'_> {
        Box::pin(async move {
            let socket = TcpSocket::new_v4()?;
            // A port is bound before it is known that it goes to the broker: without this, all that wait for the end of
            // an earlier connection would count as taken.
            socket.set_reuseaddr(true)?;
            socket.bind((self.source, 0).into())?;
            let stream =
                timeout_at(deadline, socket.connect(self.broker)).await.map_err(io::Error::from)??;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn ByteStream>)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn boards_dial_a_broker_here_from_several_addresses() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        for (index, from) in [(0, "127.1.0.1"), (BOARDS_PER_ADDRESS, "127.1.0.2")] {
            let dial = dialler(&address, index).unwrap();
            let stream = dial.dial(Instant::now() + Duration::from_secs(20)).await.unwrap();
            let (_, peer) = listener.accept().await.unwrap();
            assert_eq!(peer.ip().to_string(), from);
            drop(stream);
        }
        assert!(dialler("192.0.2.1:8883", 0).is_none() && dialler("broker.example:8883", 0).is_none());
    }
}
