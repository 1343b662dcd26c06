//! How a board becomes a node: authority, keys and store together. See [`loa_protocol::enrolment`] for the exchange.
//!
//! Whoever asks without the token's secret gets one and the same refusal and learns nothing of nodes, tokens or their
//! state. A board that proves the secret is told what stands in its way. The whole reason is in the log.
//!
//! | status | meaning |
//! |---|---|
//! | 400 | no request of this protocol, or a certificate request that cannot be signed |
//! | 403 | not proven: an unknown node, no token (also: revoked, replaced), another secret; or the token of another board |
//! | 409 | the token was used by another request |
//! | 410 | the token has expired |

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use data_encoding::HEXLOWER;
use loa_protocol::enrolment::{EnrolAnswer, EnrolRequest};
use loa_protocol::ids::NodeId;
use loa_protocol::time::UnixMs;
use loa_protocol::wire::{Wire, WireError};
use sha2::{Digest as _, Sha256};

use crate::domain::message::Message;
use crate::domain::node::CertificateRecord;
use crate::domain::role::Principal;
use crate::http::HttpError;
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
    pub authority: Arc<Authority>,
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
    #[error("the enrolment request cannot be read")]
    Unreadable(#[from] WireError),
    /// No token stands for this node: it is unknown, has none, or staff took it back.
    #[error("no token stands for node {0}")]
    NoToken(NodeId),
    /// The request does not fit the token.
    #[error("the enrolment request does not fit the token")]
    Refused(#[from] EnrolmentRefused),
    /// Another request used the token first.
    #[error("the token of node {0} was used by another request")]
    Used(NodeId),
    /// The certificate request cannot be signed.
    #[error("the certificate request is refused")]
    Certificate(#[from] IdentityError),
    /// The store.
    #[error("the enrolment could not be recorded")]
    Service(#[from] ServiceError),
}

impl EnrolError {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unreadable(_) | Self::Certificate(IdentityError::Csr { .. }) => StatusCode::BAD_REQUEST,
            Self::Refused(EnrolmentRefused::Expired(_)) => StatusCode::GONE,
            Self::Used(_) => StatusCode::CONFLICT,
            Self::NoToken(_)
            | Self::Refused(
                EnrolmentRefused::OtherNode { .. }
                | EnrolmentRefused::OtherBoard(_)
                | EnrolmentRefused::NotProven { .. },
            ) => StatusCode::FORBIDDEN,
            Self::Certificate(_) | Self::Service(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What to say to whoever holds the board.
    pub fn message(&self) -> Message {
        match self {
            Self::Unreadable(_) | Self::Certificate(IdentityError::Csr { .. }) => Message::fixed(
                "enrolment.unreadable",
                "Không đọc được yêu cầu đăng ký. Phần mềm trên thiết bị và máy chủ có thể khác phiên bản.",
                "The enrolment request cannot be read. The board's software and the controller may differ in version.",
            ),
            Self::Refused(EnrolmentRefused::Expired(_)) => Message::fixed(
                "enrolment.token_expired",
                "Mã đăng ký đã hết hạn. Hãy tạo mã mới trên trang của cụm loa.",
                "The enrolment token has expired. Make a new one on the loudspeaker's page.",
            ),
            Self::Used(_) => Message::fixed(
                "enrolment.token_used",
                "Mã đăng ký đã được một thiết bị khác dùng. Hãy tạo mã mới trên trang của cụm loa.",
                "The enrolment token was used by another board. Make a new one on the loudspeaker's page.",
            ),
            Self::Refused(EnrolmentRefused::OtherBoard(_)) => Message::fixed(
                "enrolment.other_board",
                "Mã đăng ký này dành cho thiết bị có số sê-ri khác. Hãy kiểm tra số sê-ri trên trang của cụm loa.",
                "This enrolment token is for a board with another serial number. Check the one on the loudspeaker's page.",
            ),
            Self::NoToken(_)
            | Self::Refused(EnrolmentRefused::OtherNode { .. } | EnrolmentRefused::NotProven { .. }) => {
                Message::fixed(
                    "enrolment.refused",
                    "Mã đăng ký không đúng hoặc đã bị thu hồi. Hãy đề nghị cấp mã mới.",
                    "The enrolment token is wrong or was withdrawn. Ask for a new one.",
                )
            }
            Self::Certificate(_) | Self::Service(_) => Message::fixed(
                "enrolment.failed",
                "Máy chủ chưa đăng ký được cho thiết bị lúc này; lỗi đã được ghi lại. Mã đăng ký vẫn dùng được, hãy thử lại sau.",
                "The controller could not enrol the board just now; it was logged. The token is still good, try again later.",
            ),
        }
    }
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
        let path = match self.nodes.path(node).await {
            Err(ServiceError::NotFound(_)) => return Err(EnrolError::NoToken(node.clone())),
            path => path?,
        };
        let certificate = self.authority.sign_csr(&request.csr_der, node, now)?;
        let answer = EnrolAnswer {
            certificate_chain_pem: certificate.chain_pem,
            trust_anchor: self.trust.anchor().clone(),
            root_public_key: self.trust.root().to_bytes(),
            broker_host: self.broker.host.clone(),
            broker_port: self.broker.port,
            key_set: self.trust.key_set().to_vec(),
            path: Some(path),
        }
        .to_cbor();
        let certificate = CertificateRecord {
            fingerprint: HEXLOWER.encode(&certificate.fingerprint),
            serial: HEXLOWER.encode(&certificate.serial),
            expires: certificate.not_after,
        };
        let csr_sha256 = Sha256::digest(&request.csr_der).into();
        match self.nodes.finish_enrolment(node, &record.verifier, &certificate, csr_sha256, &answer).await {
            Ok(Enrolled::Fresh) => {
                tracing::info!(%node, "a board enrolled");
                Ok(answer)
            }
            Ok(Enrolled::Before(answer)) => Ok(answer),
            Ok(Enrolled::Used) => Err(EnrolError::Used(node.clone())),
            // Staff acted between the two looks; it is as if they had done so before the first.
            Ok(Enrolled::Withdrawn) | Err(ServiceError::NotFound(_)) => {
                Err(EnrolError::NoToken(node.clone()))
            }
            Err(error) => Err(error.into()),
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

async fn answer(
    State(enrolments): State<Arc<Enrolments>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, HttpError> {
    let body = body.map_err(|rejection| HttpError::unreadable(rejection.status(), &rejection.body_text()))?;
    match enrolments.enrol(&body).await {
        Ok(answer) => Ok(([(header::CONTENT_TYPE, "application/cbor")], answer)),
        Err(error) => {
            let error = HttpError::from(error);
            tracing::warn!(error = crate::http::chain(&error), "an enrolment was refused");
            Err(error)
        }
    }
}
