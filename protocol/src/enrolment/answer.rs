//! What the controller answers: the certificate, and whom to believe from then on.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use minicbor::{Decode, Encode};

use super::{EnrolmentError, EnrolmentToken};
use crate::area::AreaPath;
use crate::ids::TenantId;
use crate::wire::{Wire, WireError, require};

/// Separates the root's signature over a trust anchor from its signature over key sets.
const DOMAIN: &[u8] = b"loa/1 trust anchor\0";

/// Longest PEM text, in bytes.
const PEM_MAX_BYTES: usize = 16 * 1024;

/// Longest host name, in bytes (RFC 1035, 2.3.4).
const HOST_MAX_BYTES: usize = 253;

/// What holds for every node of an installation, signed once by its root.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TrustAnchor {
    /// The installation's name space in topics.
    #[n(0)]
    pub tenant: TenantId,
    /// The DNS name that the broker's certificate carries, whatever its address is.
    #[n(1)]
    pub broker_name: String,
    /// The certificate of the installation's own CA, one PEM block.
    #[n(2)]
    pub ca_pem: String,
}

impl Wire for TrustAnchor {
    fn check(&self) -> Result<(), WireError> {
        require((1..=HOST_MAX_BYTES).contains(&self.broker_name.len()), "broker_name", "1 to 253 bytes")?;
        require((1..=PEM_MAX_BYTES).contains(&self.ca_pem.len()), "ca_pem", "1 byte to 16 KiB")
    }
}

/// A [`TrustAnchor`] as signed: the exact bytes, and the root's Ed25519 signature over
/// `"loa/1 trust anchor" 0x00` followed by them. Made once, stored, and sent to every node that enrols.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SignedTrustAnchor {
    /// CBOR of the [`TrustAnchor`].
    #[cbor(n(0), with = "minicbor::bytes")]
    pub anchor: Vec<u8>,
    /// Ed25519 signature of the root.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

impl Wire for SignedTrustAnchor {}

impl SignedTrustAnchor {
    /// Signs with the root key: once, where that key lives.
    pub fn sign(anchor: &TrustAnchor, root: &SigningKey) -> Self {
        let anchor = anchor.to_cbor();
        let signature = root.sign(&signed_bytes(&anchor)).to_bytes();
        Self { anchor, signature }
    }

    /// The anchor, when the root signed it.
    ///
    /// # Errors
    /// [`EnrolmentError::BadSignature`]; [`EnrolmentError::Wire`] when the root signed something else.
    pub fn open(&self, root: &VerifyingKey) -> Result<TrustAnchor, EnrolmentError> {
        root.verify_strict(&signed_bytes(&self.anchor), &Signature::from_bytes(&self.signature))
            .map_err(|_| EnrolmentError::BadSignature)?;
        Ok(TrustAnchor::from_cbor(&self.anchor)?)
    }
}

fn signed_bytes(anchor: &[u8]) -> Vec<u8> {
    [DOMAIN, anchor].concat()
}

/// The controller's answer, as CBOR.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EnrolAnswer {
    /// The node's certificate first, then what leads to the CA; PEM blocks.
    #[n(0)]
    pub certificate_chain_pem: String,
    /// Tenant, broker name and CA, signed by the root.
    #[n(1)]
    pub trust_anchor: SignedTrustAnchor,
    /// The root's Ed25519 public key; its SHA-256 is in the token.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub root_public_key: [u8; 32],
    /// Host name or IP address of the broker. Not signed.
    #[n(3)]
    pub broker_host: String,
    /// TCP port of the broker. Not signed.
    #[n(4)]
    pub broker_port: u16,
    /// The key set in force: the signed envelope as it stands on `loa/1/{tenant}/keys`. [`EnrolAnswer::open`] does
    /// not look inside: verify it with the root like every later one.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub key_set: Vec<u8>,
    /// Where the controller has the node stand, until the node's first document says where it stands; absent in answers of
    /// earlier controllers. With it, a key of the node's area can sign that document. Not signed: a false one
    /// lets keys of a false area do so, and no others.
    #[n(6)]
    pub path: Option<AreaPath>,
}

impl Wire for EnrolAnswer {
    fn check(&self) -> Result<(), WireError> {
        self.path.as_ref().map_or(Ok(()), AreaPath::check)?;
        require(
            (1..=PEM_MAX_BYTES).contains(&self.certificate_chain_pem.len()),
            "certificate_chain_pem",
            "1 byte to 16 KiB",
        )?;
        require((1..=HOST_MAX_BYTES).contains(&self.broker_host.len()), "broker_host", "1 to 253 bytes")?;
        require(self.broker_port != 0, "broker_port", "not 0")
    }
}

impl EnrolAnswer {
    /// Checks the answer against the token's pin and takes it apart.
    ///
    /// Left to the caller, who has an X.509 library: that [`Enrolment::certificate_chain_pem`] is from
    /// [`Enrolment::ca_pem`], for the key in its CSR, with the node's id as common name; and the key set's own envelope.
    ///
    /// # Errors
    /// [`EnrolmentError::WrongRoot`], [`EnrolmentError::BadSignature`], [`EnrolmentError::Wire`].
    pub fn open(self, token: &EnrolmentToken) -> Result<Enrolment, EnrolmentError> {
        let root = VerifyingKey::from_bytes(&self.root_public_key).map_err(|_| EnrolmentError::WrongRoot)?;
        if EnrolmentToken::pin(&root) != token.root_key_sha256 {
            return Err(EnrolmentError::WrongRoot);
        }
        let TrustAnchor { tenant, broker_name, ca_pem } = self.trust_anchor.open(&root)?;
        Ok(Enrolment {
            tenant,
            root,
            ca_pem,
            broker_name,
            broker_host: self.broker_host,
            broker_port: self.broker_port,
            certificate_chain_pem: self.certificate_chain_pem,
            key_set: self.key_set,
            path: self.path.unwrap_or_else(AreaPath::unplaced),
        })
    }
}

/// What a node keeps of a checked answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The installation's name space in topics.
    pub tenant: TenantId,
    /// The root key, pinned for the life of the node.
    pub root: VerifyingKey,
    /// The CA that the broker's certificate must come from.
    pub ca_pem: String,
    /// The DNS name that the broker's certificate must carry.
    pub broker_name: String,
    /// Host name or IP address of the broker.
    pub broker_host: String,
    /// TCP port of the broker.
    pub broker_port: u16,
    /// The node's certificate first, then what leads to the CA; PEM blocks.
    pub certificate_chain_pem: String,
    /// The key set in force, still in its envelope.
    pub key_set: Vec<u8>,
    /// Where the node stands until its own document says so.
    pub path: AreaPath,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::enrolment::EnrolmentSecret;
    use crate::ids::{AreaId, NodeId};

    fn root() -> SigningKey {
        SigningKey::from_bytes(&[3; 32])
    }

    fn anchor() -> TrustAnchor {
        TrustAnchor {
            tenant: TenantId::new("lam-dong").unwrap(),
            broker_name: "loa-broker".to_owned(),
            ca_pem: "CA".to_owned(),
        }
    }

    fn token() -> EnrolmentToken {
        EnrolmentToken {
            controller_url: "http://a".to_owned(),
            secret: EnrolmentSecret::from_random(&[1; 32]),
            root_key_sha256: EnrolmentToken::pin(&root().verifying_key()),
            node_id: NodeId::new("n-1").unwrap(),
            expires_unix_s: 0,
        }
    }

    fn answer(signed_by: &SigningKey) -> EnrolAnswer {
        EnrolAnswer {
            certificate_chain_pem: "CHAIN".to_owned(),
            trust_anchor: SignedTrustAnchor::sign(&anchor(), signed_by),
            root_public_key: root().verifying_key().to_bytes(),
            broker_host: "10.0.0.1".to_owned(),
            broker_port: 8883,
            key_set: vec![1, 2],
            path: None,
        }
    }

    #[test]
    fn an_answer_of_the_pinned_root_opens() {
        let back = EnrolAnswer::from_cbor(&answer(&root()).to_cbor()).unwrap();
        let enrolment = back.open(&token()).unwrap();
        assert_eq!(enrolment.tenant, anchor().tenant);
        assert_eq!(enrolment.ca_pem, "CA");
        assert_eq!(enrolment.broker_name, "loa-broker");
        assert_eq!(enrolment.root, root().verifying_key());
        assert!(enrolment.path.is_unplaced(), "as earlier controllers answer");
    }

    #[test]
    fn an_answer_may_say_where_the_node_stands() {
        let path = AreaPath::new(["xa", "thon"].map(|id| AreaId::new(id).unwrap()).to_vec()).unwrap();
        let placed = EnrolAnswer { path: Some(path.clone()), ..answer(&root()) };
        let back = EnrolAnswer::from_cbor(&placed.to_cbor()).unwrap();
        assert_eq!(back.open(&token()).unwrap().path, path);
    }

    #[test]
    fn another_root_another_signer_and_a_changed_anchor_are_refused() {
        let other = SigningKey::from_bytes(&[4; 32]);
        let own_root = EnrolAnswer { root_public_key: other.verifying_key().to_bytes(), ..answer(&other) };
        assert_eq!(own_root.open(&token()), Err(EnrolmentError::WrongRoot));
        assert_eq!(answer(&other).open(&token()), Err(EnrolmentError::BadSignature));

        let mut swapped = answer(&root());
        swapped.trust_anchor.anchor = TrustAnchor { ca_pem: "EVIL".to_owned(), ..anchor() }.to_cbor();
        assert_eq!(swapped.open(&token()), Err(EnrolmentError::BadSignature));
    }

    #[test]
    fn a_root_signature_over_bare_bytes_is_not_one_over_an_anchor() {
        let mut bare = answer(&root());
        bare.trust_anchor.signature = root().sign(&bare.trust_anchor.anchor).to_bytes();
        assert_eq!(bare.open(&token()), Err(EnrolmentError::BadSignature));
    }

    #[test]
    fn the_signed_anchor_is_the_golden_one() {
        let signed = SignedTrustAnchor::sign(&anchor(), &root()).to_cbor();
        assert_eq!(crate::wire::sha256(&signed)[..8], GOLDEN_ANCHOR_SHA256, "{signed:02x?}");
    }

    /// First bytes of the SHA-256 of version 1's signed anchor.
    const GOLDEN_ANCHOR_SHA256: [u8; 8] = [8, 175, 128, 44, 126, 129, 23, 117];

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(answer) = EnrolAnswer::from_cbor(&bytes) {
                prop_assert!(answer.open(&token()).is_err());
            }
        }
    }
}
