//! How a board becomes a node: authority, keys and store together. See [`loa_protocol::enrolment`] for the exchange.
//!
//! The one HTTP answer to a bad request is "refused": whoever asks without the token's secret learns nothing of nodes,
//! tokens or their state. The reason is in the log.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use data_encoding::HEXLOWER;
use loa_protocol::enrolment::{EnrolAnswer, EnrolRequest};
use loa_protocol::ids::NodeId;
use loa_protocol::time::UnixMs;
use loa_protocol::wire::{Wire, WireError};
use sha2::{Digest as _, Sha256};

use crate::domain::node::CertificateRecord;
use crate::domain::role::Principal;
use crate::identity::{Authority, EnrolmentRefused, IdentityError, TokenRecord, check_request, issue_token};
use crate::services::{Clock, Enrolled, Nodes, ServiceError};
use crate::trust::Trust;

/// Path of the exchange, below the address in the token.
pub const PATH: &str = "/api/v1/enrol";
const REQUEST_MAX_BYTES: usize = 32 * 1024;

/// Where nodes reach the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerAddress {
    /// Host name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Issues tokens and answers boards.
pub struct Enrolments {
    /// The nodes.
    pub nodes: Nodes,
    /// The time.
    pub clock: Clock,
    /// Signs certificates.
    pub authority: Authority,
    /// The root that nodes pin, and what it signed.
    pub trust: Arc<Trust>,
    /// Address of the controller, as boards reach it.
    pub base_url: String,
    /// Address of the broker, as boards reach it.
    pub broker: BrokerAddress,
}

/// A token, to be shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownToken {
    /// The text that the board is given.
    pub text: String,
    /// When it ends.
    pub expires: UnixMs,
}

/// Why a board's request is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnrolError {
    /// Not a request of this protocol.
    #[error("the request cannot be read")]
    Unreadable(#[from] WireError),
    /// No token was made for this node.
    #[error("no token stands for node {0}")]
    NoToken(NodeId),
    /// The request does not fit the token.
    #[error("the request does not fit the token")]
    Refused(#[from] EnrolmentRefused),
    /// The certificate request cannot be signed.
    #[error("the certificate request is refused")]
    Certificate(#[from] IdentityError),
    /// The store, or a token that was used.
    #[error("the enrolment could not be recorded")]
    Service(#[from] ServiceError),
}

impl Enrolments {
    /// Makes a node's token; an earlier one stops working.
    ///
    /// # Errors
    /// [`ServiceError`]: rights, an unknown node, no random numbers.
    pub async fn issue(&self, who: &Principal, node: &NodeId) -> Result<ShownToken, ServiceError> {
        self.nodes
            .issue_token(who, node, |node, expires| {
                let issued = issue_token(
                    &self.base_url,
                    &node.id,
                    node.serial.as_deref(),
                    self.trust.root(),
                    expires.seconds(),
                )?;
                Ok((issued.record.verifier, ShownToken { text: issued.token.to_text(), expires }))
            })
            .await
    }

    /// Answers a board. The same request, sent again because its answer was lost, gets the same answer.
    ///
    /// # Errors
    /// [`EnrolError`].
    pub async fn enrol(&self, request: &[u8]) -> Result<Vec<u8>, EnrolError> {
        let request = EnrolRequest::from_cbor(request)?;
        let node = &request.node_id;
        let token = self.nodes.token(node).await?.ok_or_else(|| EnrolError::NoToken(node.clone()))?;
        let record = TokenRecord {
            node_id: token.node,
            verifier: token.verifier,
            expires_unix_s: token.expires.seconds(),
            serial: token.serial,
        };
        let now = self.clock.now();
        check_request(&request, &record, now)?;
        let certificate = self.authority.sign_csr(&request.csr_der, node, now)?;
        let answer = EnrolAnswer {
            certificate_chain_pem: certificate.chain_pem,
            trust_anchor: self.trust.anchor().clone(),
            root_public_key: self.trust.root().to_bytes(),
            broker_host: self.broker.host.clone(),
            broker_port: self.broker.port,
            key_set: self.trust.key_set().to_vec(),
        }
        .to_cbor();
        let certificate = CertificateRecord {
            fingerprint: HEXLOWER.encode(&certificate.fingerprint),
            serial: HEXLOWER.encode(&certificate.serial),
            expires: certificate.not_after,
        };
        let csr_sha256 = Sha256::digest(&request.csr_der).into();
        match self.nodes.finish_enrolment(node, &record.verifier, &certificate, csr_sha256, &answer).await? {
            Enrolled::Fresh => {
                tracing::info!(%node, "a board enrolled");
                Ok(answer)
            }
            Enrolled::Before(answer) => Ok(answer),
        }
    }

    /// The route at [`PATH`].
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route(PATH, post(answer))
            .layer(DefaultBodyLimit::max(REQUEST_MAX_BYTES))
            .with_state(self)
    }
}

async fn answer(State(enrolments): State<Arc<Enrolments>>, body: Bytes) -> Response {
    match enrolments.enrol(&body).await {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/cbor")], answer).into_response(),
        Err(error) => {
            let status = match &error {
                EnrolError::Service(ServiceError::Store(_)) => StatusCode::SERVICE_UNAVAILABLE,
                EnrolError::Unreadable(_)
                | EnrolError::NoToken(_)
                | EnrolError::Refused(_)
                | EnrolError::Certificate(_)
                | EnrolError::Service(_) => StatusCode::FORBIDDEN,
            };
            tracing::warn!(error = format!("{:#}", anyhow::Error::new(error)), "an enrolment was refused");
            status.into_response()
        }
    }
}
