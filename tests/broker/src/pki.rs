//! A controller's certification authority.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd,
};

/// The authority, and what it signs with.
#[derive(Debug)]
pub struct Pki {
    ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Pki {
    /// An authority of its own.
    #[expect(clippy::new_without_default, reason = "every authority is another")]
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "Loa CA");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_pem = ca.self_signed(&key).unwrap().pem();
        Self { ca_pem, issuer: Issuer::new(ca, key) }
    }

    /// Its certificate.
    pub fn ca_pem(&self) -> String {
        self.ca_pem.clone()
    }

    /// Certificate and key, for a server (with names) and for a client.
    pub fn issue(&self, common_name: &str, names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = params(common_name, names);
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// The certificate that a request asks for, under this name whatever the request says.
    pub fn sign(&self, csr_der: &[u8], common_name: &str) -> String {
        let request = CertificateSigningRequestParams::from_der(&csr_der.to_vec().into()).unwrap();
        params(common_name, &[]).signed_by(&request.public_key, &self.issuer).unwrap().pem()
    }
}

fn params(common_name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    params
}
