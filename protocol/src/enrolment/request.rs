//! What the board asks: a certificate for the key that it made.

use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use minicbor::bytes::ByteSlice;
use minicbor::{Decode, Encode};

use super::{EnrolmentError, EnrolmentToken};
use crate::ids::NodeId;
use crate::wire::{Wire, WireError, require};

/// Separates this signature from every other one in the protocol.
const DOMAIN: &str = "loa/1 enrol request";

/// Longest CSR, in bytes: a P-384 request with a long subject has about 700.
const CSR_MAX_BYTES: usize = 8 * 1024;

/// Longest serial number of a board, in bytes.
const SERIAL_MAX_BYTES: usize = 128;

/// The board's request, as CBOR in the body of `POST {controller_url}/api/v1/enrol`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EnrolRequest {
    /// The node that the board becomes, as in the token.
    #[n(0)]
    pub node_id: NodeId,
    /// PKCS #10 request (RFC 2986) in DER, self-signed by the board's key. Its subject is ignored.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub csr_der: Vec<u8>,
    /// The maker's serial number of the board, where it has one. A token may be bound to it.
    #[n(2)]
    pub serial: Option<String>,
    /// Ed25519 by the token's secret over the CBOR array `["loa/1 enrol request", node_id, csr_der, serial or null]`.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

impl EnrolRequest {
    /// Makes and signs the request of a board that holds the token.
    pub fn new(token: &EnrolmentToken, csr_der: Vec<u8>, serial: Option<String>) -> Self {
        let signature =
            token.secret.key().sign(&signed_bytes(&token.node_id, &csr_der, serial.as_deref())).to_bytes();
        Self { node_id: token.node_id.clone(), csr_der, serial, signature }
    }

    /// Checks that the request was signed with the secret of which the controller stored this verifier.
    ///
    /// # Errors
    /// [`EnrolmentError::WrongSecret`], [`EnrolmentError::BadVerifier`].
    pub fn verify(&self, verifier: &[u8; 32]) -> Result<(), EnrolmentError> {
        let key = VerifyingKey::from_bytes(verifier).map_err(|_| EnrolmentError::BadVerifier)?;
        key.verify_strict(
            &signed_bytes(&self.node_id, &self.csr_der, self.serial.as_deref()),
            &Signature::from_bytes(&self.signature),
        )
        .map_err(|_| EnrolmentError::WrongSecret)
    }
}

impl Wire for EnrolRequest {
    fn check(&self) -> Result<(), WireError> {
        require(self.csr_der.len() <= CSR_MAX_BYTES, "csr_der", "at most 8 KiB")?;
        let serial = self.serial.as_deref().unwrap_or("-");
        require((1..=SERIAL_MAX_BYTES).contains(&serial.len()), "serial", "1 to 128 bytes, or absent")?;
        require(serial.bytes().all(|b| b.is_ascii_graphic()), "serial", "printable ASCII")
    }
}

fn signed_bytes(node_id: &NodeId, csr_der: &[u8], serial: Option<&str>) -> Vec<u8> {
    match minicbor::to_vec((DOMAIN, node_id, <&ByteSlice>::from(csr_der), serial)) {
        Ok(bytes) => bytes,
        Err(never) => unreachable!("a Vec accepts every write: {never}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::enrolment::EnrolmentSecret;

    fn token(seed: u8) -> EnrolmentToken {
        EnrolmentToken {
            controller_url: "http://a".to_owned(),
            secret: EnrolmentSecret::from_random(&[seed; 32]),
            root_key_sha256: [0; 32],
            node_id: NodeId::new("n-1").unwrap(),
            expires_unix_s: 0,
        }
    }

    #[test]
    fn a_request_holds_for_its_own_verifier_only() {
        let request = EnrolRequest::new(&token(1), vec![1, 2, 3], Some("SN-7".to_owned()));
        let back = EnrolRequest::from_cbor(&request.to_cbor()).unwrap();
        assert_eq!(back, request);
        assert_eq!(back.verify(&token(1).secret.verifier()), Ok(()));
        assert_eq!(back.verify(&token(2).secret.verifier()), Err(EnrolmentError::WrongSecret));
    }

    #[test]
    fn changing_any_signed_field_is_noticed() {
        let verifier = token(1).secret.verifier();
        let request = EnrolRequest::new(&token(1), vec![1, 2, 3], Some("SN-7".to_owned()));
        let changed = [
            EnrolRequest { csr_der: vec![1, 2, 4], ..request.clone() },
            EnrolRequest { node_id: NodeId::new("n-2").unwrap(), ..request.clone() },
            EnrolRequest { serial: None, ..request.clone() },
            EnrolRequest { serial: Some("SN-8".to_owned()), ..request.clone() },
        ];
        for wrong in changed {
            assert_eq!(wrong.verify(&verifier), Err(EnrolmentError::WrongSecret), "{wrong:?}");
        }
    }

    #[test]
    fn the_secret_is_not_in_the_request() {
        let request = EnrolRequest::new(&token(1), vec![9; 40], None).to_cbor();
        assert!(!request.windows(32).any(|w| w == [1; 32]));
    }

    #[test]
    fn a_request_sent_again_has_the_same_bytes() {
        let make = || EnrolRequest::new(&token(1), vec![1, 2, 3], None).to_cbor();
        assert_eq!(make(), make());
    }

    #[test]
    fn a_verifier_that_is_no_point_is_an_error_of_the_record() {
        let request = EnrolRequest::new(&token(1), vec![], None);
        let mut no_point = [0xff; 32];
        no_point[0] = 2;
        assert_eq!(request.verify(&no_point), Err(EnrolmentError::BadVerifier));
    }

    #[test]
    fn oversized_fields_are_refused() {
        let long_csr = EnrolRequest::new(&token(1), vec![0; CSR_MAX_BYTES + 1], None);
        let empty_serial = EnrolRequest::new(&token(1), vec![], Some(String::new()));
        let control = EnrolRequest::new(&token(1), vec![], Some("a\nb".to_owned()));
        for wrong in [long_csr, empty_serial, control] {
            assert!(matches!(EnrolRequest::from_cbor(&wrong.to_cbor()), Err(WireError::Rule { .. })));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(request) = EnrolRequest::from_cbor(&bytes) {
                let _ = request.verify(&[0; 32]);
            }
        }
    }
}
