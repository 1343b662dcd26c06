//! The ties between rmqtt's hooks and the [`Gate`]. Nothing is decided here.

use std::sync::Arc;

use async_trait::async_trait;
use loa_protocol::ids::NodeId;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::types::{AuthResult, PublishAclResult, Reason, SubscribeAclResult};

use super::gate::{Gate, node_of};
use super::kick;

/// Registers all hooks; they are in force when this returns.
pub(super) async fn install(context: &ServerContext, gate: &Arc<Gate>) {
    let hooks = context.extends.hook_mgr().register();
    let gate = || Arc::clone(gate);
    hooks.add(Type::ClientAuthenticate, Box::new(Authenticate(gate()))).await;
    hooks.add(Type::ClientConnected, Box::new(Connected(gate()))).await;
    hooks.add(Type::ClientKeepalive, Box::new(PacketCame(gate()))).await;
    hooks.add(Type::ClientDisconnected, Box::new(Disconnected(gate()))).await;
    hooks.add(Type::ClientSubscribeCheckAcl, Box::new(CheckSubscribe(gate()))).await;
    hooks.add(Type::MessagePublishCheckAcl, Box::new(CheckPublish(gate()))).await;
    hooks.add(Type::MessagePublish, Box::new(Take(gate()))).await;
    hooks.add(Type::MessageExpiryCheck, Box::new(Left(gate()))).await;
    hooks.add(Type::MessageDropped, Box::new(Left(gate()))).await;
    hooks.start().await;
}

struct Authenticate(Arc<Gate>);

#[async_trait]
impl Handler for Authenticate {
    async fn hook(&self, parameter: &Parameter, acc: Option<HookResult>) -> ReturnType {
        let Parameter::ClientAuthenticate(info) = parameter else { return (true, acc) };
        // Never a superuser: such a session passes no access check.
        let result =
            if self.0.may_connect(info) { AuthResult::Allow(false, None) } else { AuthResult::NotAuthorized };
        (false, Some(HookResult::AuthResult(result)))
    }
}

struct Connected(Arc<Gate>);

#[async_trait]
impl Handler for Connected {
    async fn hook(&self, parameter: &Parameter, acc: Option<HookResult>) -> ReturnType {
        let Parameter::ClientConnected(session) = parameter else { return (true, acc) };
        let id = &session.id;
        let control =
            node_of(id).filter(|node| **node == *id.client_id).and_then(|node| NodeId::new(node).ok());
        // A session whose words at connect cannot be read has no certificate, so the gate ends it below.
        let connect = session.connect_info().await.ok();
        let serial = connect.as_ref().and_then(|info| info.cert()).and_then(|cert| cert.serial.as_deref());
        self.0.sessions().begin(id, control, serial);
        self.0.backlogs().forget(&id.client_id);
        if !self.0.still_welcome(id) {
            let (context, gate, client_id) =
                (session.scx.clone(), Arc::clone(&self.0), id.client_id.to_string());
            // Not awaited here: the session answers a kick only when this hook has returned.
            tokio::spawn(async move { kick::client(&context, &gate, &client_id).await });
        }
        (true, acc)
    }
}

struct PacketCame(Arc<Gate>);

#[async_trait]
impl Handler for PacketCame {
    async fn hook(&self, parameter: &Parameter, acc: Option<HookResult>) -> ReturnType {
        if let Parameter::ClientKeepalive(session, _) = parameter {
            self.0.sessions().confirm(&session.id);
        }
        (true, acc)
    }
}

struct Disconnected(Arc<Gate>);

#[async_trait]
impl Handler for Disconnected {
    async fn hook(&self, parameter: &Parameter, acc: Option<HookResult>) -> ReturnType {
        if let Parameter::ClientDisconnected(session, _) = parameter {
            self.0.sessions().end(&session.id);
        }
        (true, acc)
    }
}

struct CheckSubscribe(Arc<Gate>);

#[async_trait]
impl Handler for CheckSubscribe {
    async fn hook(&self, parameter: &Parameter, acc: Option<HookResult>) -> ReturnType {
        let Parameter::ClientSubscribeCheckAcl(session, subscribe) = parameter else { return (true, acc) };
        let result = if self.0.may_subscribe(&session.id, &subscribe.topic_filter) {
            SubscribeAclResult::new_success(subscribe.opts.qos(), None)
        } else {
            SubscribeAclResult::new_failure(SubscribeAckReason::NotAuthorized)
        };
        (false, Some(HookResult::SubscribeAclResult(result)))
    }
}

struct CheckPublish(Arc<Gate>);

#[async_trait]
impl Handler for CheckPublish {
    async fn hook(&self, parameter: &Parameter, acc: Option<HookResult>) -> ReturnType {
        let Parameter::MessagePublishCheckAcl(session, publish) = parameter else { return (true, acc) };
        let result = if self.0.may_publish(&session.id, &publish.topic) {
            PublishAclResult::allow()
        } else {
            PublishAclResult::rejected(false, None)
        };
        (false, Some(HookResult::PublishAclResult(result)))
    }
}

struct Take(Arc<Gate>);

#[async_trait]
impl Handler for Take {
    async fn hook(&self, parameter: &Parameter, acc: Option<HookResult>) -> ReturnType {
        if let Parameter::MessagePublish(_, from, publish) = parameter {
            self.0.take(from, publish).await;
        }
        (true, acc)
    }
}

/// A message leaves what waits for a session: it is about to be sent, or was dropped.
struct Left(Arc<Gate>);

#[async_trait]
impl Handler for Left {
    async fn hook(&self, parameter: &Parameter, acc: Option<HookResult>) -> ReturnType {
        let leaves = if let Parameter::MessageExpiryCheck(session, _, publish) = parameter {
            Some((&session.id, *publish))
        } else if let Parameter::MessageDropped(Some(to), _, publish, reason) = parameter
            // One that is too old was counted as it was about to be sent.
            && !matches!(reason, Reason::MessageExpiration)
        {
            Some((to, publish))
        } else {
            None
        };
        if let Some((id, publish)) = leaves
            && self.0.is_audio(&publish.topic)
        {
            self.0.backlogs().left(&id.client_id);
        }
        (true, acc)
    }
}
