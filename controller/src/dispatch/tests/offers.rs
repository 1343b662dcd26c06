//! What is offered to whom.

use chrono_tz::Tz;
use loa_protocol::area::AreaPath;
use loa_protocol::bulletin::Language;
use loa_protocol::ids::{AreaId, NodeId, ObjectHash};
use loa_protocol::plan::{AreaPlan, NodeDocument, Program, Zone};
use loa_protocol::transfer::{Codec, Manifest};

use crate::dispatch::compile::Compiled;
use crate::dispatch::offers::Offers;

fn program(objects: &[&[u8]]) -> Program {
    let manifest = |bytes: &&[u8]| Manifest::of(bytes, 16 * 1024, Codec::OggOpus, 1_000).unwrap();
    Program { objects: objects.iter().map(manifest).collect(), ..Program::default() }
}

fn plan(area: &str, objects: &[&[u8]]) -> AreaPlan {
    AreaPlan {
        area: AreaId::new(area).unwrap(),
        epoch: 0,
        zone: Zone(Tz::UTC),
        program: program(objects),
        guards: Default::default(),
        own_priority_first: false,
        prepared: Vec::new(),
    }
}

fn node(id: &str, village: &str, line_kbit_s: Option<u32>, own: &[&[u8]]) -> NodeDocument {
    let path = ["tinh", "xa", village].map(|area| AreaId::new(area).unwrap());
    NodeDocument {
        node: NodeId::new(id).unwrap(),
        epoch: 0,
        path: AreaPath::new(path.to_vec()).unwrap(),
        zone: Zone(Tz::UTC),
        languages: vec![Language::vietnamese()],
        volume_percent: 80,
        health_interval_s: 60,
        program: program(own),
        guards: Default::default(),
        line_kbit_s,
    }
}

#[test]
fn a_node_may_have_what_its_documents_name_and_nothing_else() {
    let offers = Offers::default();
    let plans = vec![plan("xa", &[b"commune"]), plan("thon-1", &[b"village", b"commune"])];
    let nodes = vec![
        node("a", "thon-1", Some(100_000), &[]),
        node("b", "thon-2", None, &[b"own"]),
        node("c", "thon-2", Some(64), &[]),
    ];
    let before = offers.revision();
    offers.replace(&Compiled { plans, nodes, ..Compiled::default() });
    assert_ne!(offers.revision(), before);
    let facts = |id: &str, object: &[u8]| {
        let (node, object) = (NodeId::new(id).unwrap(), ObjectHash::of(object));
        let facts = offers.facts(&node, &object);
        assert_eq!(facts.is_some(), offers.allow(&node, &object));
        facts.map(|facts| (facts.top, facts.audience, facts.bytes_s))
    };
    // The widest area that names it; those who hear waves, at most; three quarters of the line, 4G where nobody knows.
    assert_eq!(facts("a", b"village"), Some((2, 1, 9_375_000)));
    assert_eq!(facts("b", b"commune"), Some((1, 3, 375_000)));
    assert_eq!(facts("c", b"commune"), Some((1, 3, 6_000)));
    assert_eq!(facts("b", b"own"), Some((3, 1, 375_000)));
    assert_eq!((facts("b", b"village"), facts("a", b"own"), facts("d", b"commune")), (None, None, None));
}
