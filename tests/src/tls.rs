//! The cryptography that the tests' own HTTP client stands on.

/// Chooses ring for this process; any later call changes nothing. Without a choice the client refuses to be built.
pub fn choose_ring() {
    let _already_chosen = rustls::crypto::ring::default_provider().install_default();
}
