//! Who of a shared subscription gets a message: rmqtt has none of its own, and says yes to such a subscription without
//! ever sending anything.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rmqtt::context::ServerContext;
use rmqtt::subscribe::SharedSubscription;
use rmqtt::types::{
    ClientId, Id, IsOnline, NodeId, SharedGroup, SubscriptionIdentifier, SubscriptionOptions, TopicName,
};

/// Puts it in force.
pub(super) async fn install(context: &ServerContext) {
    *context.extends.shared_subscription_mut().await = Box::new(TakeTurns(AtomicUsize::new(0)));
}

/// One after another, those who are not connected passed over. Which of the groups has its turn does not matter: it is
/// one count for all.
struct TakeTurns(AtomicUsize);

type Subscriber =
    (NodeId, ClientId, SubscriptionOptions, Option<Vec<SubscriptionIdentifier>>, Option<IsOnline>);

#[async_trait]
impl SharedSubscription for TakeTurns {
    fn is_supported(&self) -> bool {
        true
    }

    async fn choice(
        &self,
        context: &ServerContext,
        _group: &SharedGroup,
        _from: &Id,
        _topic: &TopicName,
        subscribers: &[Subscriber],
    ) -> Option<(usize, IsOnline)> {
        let turn = self.0.fetch_add(1, Ordering::Relaxed);
        let in_turn = |after: usize| turn.wrapping_add(after).checked_rem(subscribers.len());
        for after in 0..subscribers.len() {
            let at = in_turn(after)?;
            let (node, client, .., online) = subscribers.get(at)?;
            let online = match online {
                Some(online) => *online,
                None => context.extends.router().await.is_online(*node, client).await,
            };
            if online {
                return Some((at, true));
            }
        }
        Some((in_turn(0)?, false))
    }
}
