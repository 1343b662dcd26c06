//! A tap on the wire: reads and writes at the embedded broker with the controller's own credentials.
//!
//! It stands for whoever got into the broker: nodes must be safe from it, and what they send can be seen on it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loa_link::{Credentials, Link, LinkEvent, LinkHandle, LinkOptions, Publication, Qos, Secret};
use loa_protocol::topic::{Topic, TopicKind};
use tokio::sync::mpsc;

use crate::Station;
use crate::station::tenant;
use crate::wait::until;

/// A message that went over the wire.
#[derive(Clone, Debug)]
pub struct Seen {
    /// On which topic.
    pub topic: TopicKind,
    /// What.
    pub payload: Vec<u8>,
}

/// A client of the broker that may do everything.
pub struct Tap {
    handle: LinkHandle,
    seen: Arc<Mutex<Vec<Seen>>>,
    events: Arc<Mutex<Vec<LinkEvent>>>,
}

impl Tap {
    /// Connects to the station's broker and reads these topics, given below `loa/1/{tenant}/`.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub async fn on(station: &Station, filters: &[&str]) -> Result<Self> {
        let broker = station.controller().broker().context("the broker is embedded")?;
        let address = broker.controller_addr();
        let login = broker.controller_login();
        let options = LinkOptions {
            credentials: Some(Credentials {
                user: login.username.to_owned(),
                password: Secret::new(login.password.clone()),
            }),
            ..LinkOptions::new("controller:tap", address.ip().to_string(), address.port())
        };
        Self::open(options, filters).await
    }

    /// Connects with these options.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub async fn open(mut options: LinkOptions, filters: &[&str]) -> Result<Self> {
        let tenant = tenant()?;
        options.subscriptions =
            filters.iter().map(|filter| (format!("loa/1/{tenant}/{filter}"), Qos::AtLeastOnce)).collect();
        let (handle, incoming) = Link::spawn(options)?;
        let tap = Self { handle, seen: Arc::default(), events: Arc::default() };
        tokio::spawn(keep(incoming, Arc::clone(&tap.seen), Arc::clone(&tap.events)));
        let count = filters.len();
        until("the tap's subscriptions", Duration::from_secs(20), async || {
            let events = tap.events.lock().unwrap_or_else(PoisonError::into_inner);
            let mut stand = 0;
            for event in events.iter() {
                if let LinkEvent::Subscribed { granted, refused } = event {
                    ensure!(refused.is_empty(), "the broker refuses {refused:?}");
                    stand += granted.len();
                }
            }
            let is_up = events.iter().any(|event| matches!(event, LinkEvent::Connected { .. }));
            Ok((is_up && stand >= count).then_some(()))
        })
        .await?;
        Ok(tap)
    }

    /// Puts a retained message on a topic, in place of what was there.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn put(&self, topic: TopicKind, payload: Vec<u8>) -> Result<()> {
        let topic = Topic::new(&tenant()?, topic).to_string();
        let publication = Publication { retain: true, ..Publication::new(topic, payload, 0) };
        Ok(self.handle.try_publish(publication)?)
    }

    /// Everything that was read so far, in the order of its coming.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was read so far and `pick` takes.
    pub fn picked<T>(&self, pick: impl Fn(&Seen) -> Option<T>) -> Vec<T> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(pick).collect()
    }

    /// Waits for the first message that `pick` takes.
    ///
    /// # Errors
    /// When none comes within 30 s.
    pub async fn first<T>(&self, what: &str, pick: impl Fn(&Seen) -> Option<T>) -> Result<T> {
        until(what, Duration::from_secs(30), async || Ok(self.picked(&pick).into_iter().next())).await
    }
}

async fn keep(
    mut incoming: mpsc::Receiver<LinkEvent>,
    seen: Arc<Mutex<Vec<Seen>>>,
    events: Arc<Mutex<Vec<LinkEvent>>>,
) {
    while let Some(event) = incoming.recv().await {
        if let LinkEvent::Message(message) = &event {
            // Only topics of the protocol can be asked for.
            if let Ok(topic) = message.topic.parse::<Topic>() {
                let message = Seen { topic: topic.kind, payload: message.payload.to_vec() };
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(message);
            }
        } else {
            events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        }
    }
}
