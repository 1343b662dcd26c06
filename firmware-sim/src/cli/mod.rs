//! The command line of the simulated boards.

mod device;
mod fleet;
mod storm;

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use loa_firmware_sim::node::Reach;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub(crate) use self::device::DeviceArgs;
pub(crate) use self::fleet::FleetArgs;
pub(crate) use self::storm::StormArgs;

/// Runs something until it ends, until `for_s` seconds have passed, or until SIGINT or SIGTERM; then it is told to end. Every thread
/// that works on it does `on_thread` first.
fn run<F: Future<Output = anyhow::Result<()>>>(
    threads: usize,
    on_thread: fn(),
    for_s: Option<f64>,
    work: impl FnOnce(CancellationToken) -> F,
) -> anyhow::Result<()> {
    // rustls finds two providers in this program's dependencies, and takes none by itself.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("a crypto provider is there already");
    }
    let limit = for_s.map(Duration::try_from_secs_f64).transpose().context("--for-s")?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        .on_thread_start(on_thread)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let ending = tokio::spawn({
            let stop = stop.clone();
            async move {
                let end = async {
                    match limit {
                        Some(limit) => tokio::time::sleep(limit).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    () = end => {}
                }
                stop.cancel();
            }
        });
        let done = work(stop).await;
        ending.abort();
        done
    })
}

/// Where the broker is, in place of what came with the enrolment.
#[derive(Debug, Args)]
struct BrokerArgs {
    /// host:port in place of the broker's address that came with the enrolment.
    #[arg(long, value_parser = host_and_port)]
    broker: Option<(String, u16)>,
    /// Without TLS, for a test broker on this machine.
    #[arg(long, requires = "broker")]
    plain: bool,
}

impl BrokerArgs {
    fn reach(self) -> anyhow::Result<Reach> {
        let Self { broker, plain } = self;
        let Some((host, port)) = broker else { return Ok(Reach::AsEnrolled) };
        if !plain {
            return Ok(Reach::Tls(host, port));
        }
        let is_here =
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        anyhow::ensure!(
            is_here,
            "--plain is only for a broker on this machine, such as 127.0.0.1; {host} is not"
        );
        Ok(Reach::Plain(host, port))
    }
}

/// `host:port`.
fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let (host, port) = text.rsplit_once(':').ok_or("give it as host:port")?;
    let port = port.parse().map_err(|_| format!("{port:?} is no port"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() { Err("the host is missing".to_owned()) } else { Ok((host.to_owned(), port)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        assert_eq!(host_and_port("broker.example:8883"), Ok(("broker.example".to_owned(), 8883)));
        assert_eq!(host_and_port("[::1]:1"), Ok(("::1".to_owned(), 1)));
        assert!(host_and_port("broker").is_err() && host_and_port(":1").is_err());
        assert!(host_and_port("a:99999").is_err());
    }

    #[test]
    fn plaintext_stays_on_this_machine() {
        let reach = |host: &str, plain| BrokerArgs { broker: Some((host.to_owned(), 1)), plain }.reach();
        assert_eq!(reach("127.0.0.1", true).unwrap(), Reach::Plain("127.0.0.1".to_owned(), 1));
        assert_eq!(reach("10.0.0.1", false).unwrap(), Reach::Tls("10.0.0.1".to_owned(), 1));
        assert!(reach("10.0.0.1", true).is_err());
    }
}
