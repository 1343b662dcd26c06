//! Alerts that are forged, of other places, too old, valid for too long, or with other sounds than they name: the loudest thing that
//! somebody who controls the broker could wish for.

use ed25519_dalek::SigningKey;
use loa_node_core::Slot;
use loa_protocol::alert::{AreaAlerts, Inline, VALID_MAX_S};
use loa_protocol::bulletin::Class;
use loa_protocol::envelope::{Validity, seal};
use loa_protocol::ids::AreaId;
use loa_protocol::plan::Zone;
use loa_protocol::time::UnixMs;

use super::adversary::{Attack, epoch, program};
use super::office::{File, names};
use crate::rng::Rng;

/// One attack with alerts of an area on the node's path. `now` is the node's wall clock.
pub(super) fn attack(rng: &mut Rng, file: &File<'_>, t: i64, now: UnixMs) -> Attack {
    let ring = &file.history.frame.ring;
    let (commune, village) = names::place(file.index);
    let areas = [names::province(), names::commune(commune), names::village(commune, village)];
    let area = rng.pick(&areas).clone();
    let slot = Slot::Alert(area.clone());
    let seconds = now.seconds();
    let fresh = Validity { issued_at_s: seconds, not_before_s: seconds - 60, expires_s: seconds + 3_600 };
    let other = || names::commune(commune + 1);
    let (slot, bytes) = match rng.below(8) {
        0 => (slot, sealed(alerts(rng, area, now), fresh, ring.stranger())),
        // The right key, which may send no emergencies.
        1 => (slot, sealed(alerts(rng, area, now), fresh, ring.plan_key(t))),
        2 => {
            // The right key, and one bit that it did not sign.
            let mut bytes = sealed(alerts(rng, area, now), fresh, ring.emergency());
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << rng.below(8);
            (slot, bytes)
        }
        3 => (slot, sealed(alerts(rng, other(), now), fresh, ring.emergency())),
        4 => (Slot::Alert(other()), sealed(alerts(rng, other(), now), fresh, ring.emergency())),
        5 => {
            let expires_s = seconds - rng.range(1, 3_600);
            let past =
                Validity { issued_at_s: expires_s - 3_600, not_before_s: expires_s - 3_600, expires_s };
            (slot, sealed(alerts(rng, area, now), past, ring.emergency()))
        }
        6 => {
            let long = Validity { expires_s: seconds + VALID_MAX_S + rng.range(1, 3_600), ..fresh };
            (slot, sealed(alerts(rng, area, now), long, ring.emergency()))
        }
        _ => {
            // The right key under the manifest of one sound and the bytes of another.
            let mut forged = alerts(rng, area, now);
            let brings = |manifest: &loa_protocol::transfer::Manifest| Inline {
                object: manifest.object,
                bytes: vec![0; manifest.size_bytes as usize].into(),
            };
            forged.inline = forged.program.objects.iter().map(brings).collect();
            (slot, sealed(forged, fresh, ring.emergency()))
        }
    };
    Attack::Document(slot, bytes)
}

fn sealed(alerts: AreaAlerts, validity: Validity, key: &SigningKey) -> Vec<u8> {
    seal(&alerts, &names::tenant(), validity, key)
}

/// Something loud, now, that was never prepared nor fetched.
fn alerts(rng: &mut Rng, area: AreaId, now: UnixMs) -> AreaAlerts {
    let program = program(rng, now, Class::Emergency);
    AreaAlerts {
        area,
        epoch: epoch(now),
        zone: Zone(chrono_tz::Asia::Ho_Chi_Minh),
        program,
        inline: Vec::new(),
    }
}
