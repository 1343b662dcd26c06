//! Who may read and write which topic: pure rules over text.
//!
//! Below `loa/1/{tenant}/`:
//!
//! | Topic | node `{id}` reads | node `{id}` writes | controller |
//! |---|---|---|---|
//! | `keys` | yes | no | both |
//! | `d/{id}/…` | its own, wildcards below it too | no | both |
//! | `a/{area}/plan`, `a/{area}/alert` | its areas | no | both |
//! | `x/{area}/{object}`, `x/{area}/+` | its areas | no | both |
//! | `u/{id}/` `pres` `state` `want` `receipt` `health` `event` `answer` `time` | no | its own | both |
//!
//! Everything else is refused, above all wildcards that reach wider and topics outside the tenant. Nodes do not
//! read each other, so one stolen board gives away its own areas only.

use loa_protocol::ids::TenantId;
use loa_protocol::topic::Topic;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal<'a> {
    /// The controller's own client.
    Controller,
    /// A node.
    Node {
        /// Its id, from its certificate.
        id: &'a str,
        /// Areas that it belongs to, from the root of the tree to its own.
        areas: &'a [String],
    },
}

/// The rules of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicRules {
    tenant: TenantId,
    prefix: String,
}

impl TopicRules {
    /// The rules of a tenant; its id is free of `/`, `+` and `#`.
    pub fn new(tenant: &TenantId) -> Self {
        Self { tenant: tenant.clone(), prefix: format!("loa/1/{tenant}/") }
    }

    /// Whether the client may subscribe to the filter.
    pub fn may_subscribe(&self, who: Principal<'_>, filter: &str) -> bool {
        let Some(levels) = self.levels(filter) else { return false };
        if !is_filter(&levels) {
            return false;
        }
        match who {
            Principal::Controller => true,
            Principal::Node { id, areas } => {
                let own_area = |area: &str| areas.iter().any(|a| a == area);
                match levels.as_slice() {
                    ["keys"] => true,
                    ["d", node, _, ..] => *node == id,
                    ["a", area, "plan" | "alert"] => own_area(area),
                    ["x", area, object] => own_area(area) && *object != "#",
                    _ => false,
                }
            }
        }
    }

    /// Whether the client may publish to the topic, by itself or as its will.
    pub fn may_publish(&self, who: Principal<'_>, topic: &str) -> bool {
        match who {
            Principal::Controller => {
                self.levels(topic).is_some_and(|levels| !levels.iter().any(|level| is_wild(level)))
            }
            Principal::Node { id, .. } => topic.parse::<Topic>().is_ok_and(|topic| {
                topic.tenant == self.tenant && topic.kind.reporter().is_some_and(|node| node.as_str() == id)
            }),
        }
    }

    /// Whether the topic carries audio: to a node, or to all of an area.
    pub fn is_audio(&self, topic: &str) -> bool {
        let Some(below) = topic.strip_prefix(&self.prefix) else { return false };
        below.starts_with("x/") || (below.starts_with("d/") && below.ends_with("/blk"))
    }

    /// The levels below the tenant; `None` outside it and for empty levels, which no topic of ours has.
    fn levels<'t>(&self, topic: &'t str) -> Option<Vec<&'t str>> {
        let levels: Vec<_> = topic.strip_prefix(&self.prefix)?.split('/').collect();
        (!levels.iter().any(|level| level.is_empty())).then_some(levels)
    }
}

/// MQTT 5.0, 4.7.1: `#` last and alone, `+` alone.
fn is_filter(levels: &[&str]) -> bool {
    let last = levels.len().saturating_sub(1);
    levels
        .iter()
        .enumerate()
        .all(|(i, level)| !is_wild(level) || *level == "+" || (*level == "#" && i == last))
}

fn is_wild(level: &str) -> bool {
    level.contains(['+', '#'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn audio_is_told_from_all_else() {
        use loa_protocol::ids::{AreaId, NodeId};
        use loa_protocol::topic::TopicKind;
        let (rules, node, area) = (rules(), NodeId::new("n-1").unwrap(), AreaId::new("da-dong").unwrap());
        let topic = |kind| Topic::new(&TenantId::new("t").unwrap(), kind).to_string();
        let wave = TopicKind::Wave(area.clone(), "0123456789abcdef".to_owned());
        for kind in [TopicKind::Blocks(node.clone()), wave] {
            assert!(rules.is_audio(&topic(kind)));
        }
        for kind in [TopicKind::Desired(node.clone()), TopicKind::Want(node), TopicKind::Alert(area)] {
            assert!(!rules.is_audio(&topic(kind)));
        }
        assert!(!rules.is_audio("loa/1/other/x/da-dong/0123456789abcdef"));
    }

    fn rules() -> TopicRules {
        TopicRules::new(&TenantId::new("t").unwrap())
    }

    fn areas() -> Vec<String> {
        vec!["lam-dong".to_owned(), "da-dong".to_owned()]
    }

    #[test]
    fn what_a_node_reads() {
        let areas = areas();
        let who = Principal::Node { id: "n-1", areas: &areas };
        for yes in [
            "loa/1/t/keys",
            "loa/1/t/d/n-1/#",
            "loa/1/t/d/n-1/+",
            "loa/1/t/d/n-1/desired",
            "loa/1/t/d/n-1/time",
            "loa/1/t/d/n-1/blk/0a1b",
            "loa/1/t/a/lam-dong/plan",
            "loa/1/t/a/da-dong/alert",
            "loa/1/t/x/da-dong/+",
            "loa/1/t/x/da-dong/0a1b",
        ] {
            assert!(rules().may_subscribe(who, yes), "{yes}");
        }
        for no in [
            "#",
            "+/1/t/keys",
            "loa/#",
            "loa/1/#",
            "loa/1/t/#",
            "loa/1/t/+",
            "loa/1/+/keys",
            "loa/1/other/keys",
            "loa/1/t/keys/x",
            "loa/1/t/d/#",
            "loa/1/t/d/+/cmd",
            "loa/1/t/d/n-1",
            "loa/1/t/d/n-2/#",
            "loa/1/t/d/n-1/#/x",
            "loa/1/t/d/n-1/x#",
            "loa/1/t/d/n-1/",
            "loa/1/t/d//n-1",
            "loa/1/t/a/#",
            "loa/1/t/a/+/plan",
            "loa/1/t/a/da-dong/+",
            "loa/1/t/a/da-dong/#",
            "loa/1/t/a/elsewhere/plan",
            "loa/1/t/x/da-dong/#",
            "loa/1/t/x/+/+",
            "loa/1/t/x/elsewhere/+",
            "loa/1/t/u/n-1/state",
            "loa/1/t/u/#",
            "$SYS/#",
            "$share/g/loa/1/t/keys",
            "/loa/1/t/keys",
            "loa/1/t/",
            "",
        ] {
            assert!(!rules().may_subscribe(who, no), "{no}");
        }
    }

    #[test]
    fn what_a_node_writes() {
        let areas = areas();
        let who = Principal::Node { id: "n-1", areas: &areas };
        for report in ["pres", "state", "want", "receipt", "health", "event", "answer", "time"] {
            assert!(rules().may_publish(who, &format!("loa/1/t/u/n-1/{report}")), "{report}");
        }
        for no in [
            "loa/1/t/u/n-2/state",
            "loa/1/t/u/n-1/other",
            "loa/1/t/u/n-1",
            "loa/1/t/u/n-1/state/x",
            "loa/1/t/u/n-1/+",
            "loa/1/t/u/+/state",
            "loa/1/t/u/n-1/",
            "loa/1/other/u/n-1/state",
            "loa/1/t/u/n-2/time",
            "loa/1/t/d/n-1/time",
            "loa/1/t/d/n-1/cmd",
            "loa/1/t/a/da-dong/plan",
            "loa/1/t/a/da-dong/alert",
            "loa/1/t/x/da-dong/0a1b",
            "loa/1/t/keys",
            "$SYS/x",
            "x",
            "",
        ] {
            assert!(!rules().may_publish(who, no), "{no}");
        }
    }

    #[test]
    fn a_node_without_areas_still_reads_its_own_topics() {
        let who = Principal::Node { id: "n-1", areas: &[] };
        assert!(rules().may_subscribe(who, "loa/1/t/keys"));
        assert!(rules().may_subscribe(who, "loa/1/t/d/n-1/#"));
        assert!(!rules().may_subscribe(who, "loa/1/t/a/lam-dong/plan"));
    }

    #[test]
    fn the_controller_has_its_tenant_and_no_other() {
        for yes in ["loa/1/t/#", "loa/1/t/u/+/state", "loa/1/t/keys"] {
            assert!(rules().may_subscribe(Principal::Controller, yes), "{yes}");
        }
        for no in ["#", "loa/1/#", "loa/1/other/keys", "$SYS/#", "loa/1/t/#/x"] {
            assert!(!rules().may_subscribe(Principal::Controller, no), "{no}");
        }
        assert!(rules().may_publish(Principal::Controller, "loa/1/t/a/da-dong/plan"));
        assert!(!rules().may_publish(Principal::Controller, "loa/1/other/a/da-dong/plan"));
        assert!(!rules().may_publish(Principal::Controller, "loa/1/t/#"));
    }

    /// Whether a filter matches a topic, straight from MQTT 5.0, 4.7.
    fn matches(filter: &str, topic: &str) -> bool {
        let (mut filter, mut topic) = (filter.split('/'), topic.split('/'));
        loop {
            match (filter.next(), topic.next()) {
                (Some("#"), _) | (None, None) => return true,
                (Some("+"), Some(_)) => {}
                (Some(a), Some(b)) if a == b => {}
                _ => return false,
            }
        }
    }

    fn level() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("loa"),
            Just("1"),
            Just("t"),
            Just("d"),
            Just("a"),
            Just("x"),
            Just("u"),
            Just("keys"),
            Just("plan"),
            Just("n-1"),
            Just("n-2"),
            Just("da-dong"),
            Just("elsewhere"),
            Just("+"),
            Just("#"),
            Just(""),
            Just("state"),
        ]
        .prop_map(str::to_owned)
    }

    /// A random topic of ours, half of the time below the tenant, so that the interesting cases come up.
    fn topic() -> impl Strategy<Value = String> {
        (any::<bool>(), proptest::collection::vec(level(), 0..5)).prop_map(|(ours, levels)| {
            let rest = levels.join("/");
            if ours { format!("loa/1/t/{rest}") } else { rest }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// Whatever filter is granted to a node, no topic of another node, another area or another node's reports
        /// passes through it.
        #[test]
        fn no_granted_filter_reaches_what_is_not_the_nodes(filter in topic()) {
            let areas = areas();
            if rules().may_subscribe(Principal::Node { id: "n-1", areas: &areas }, &filter) {
                for foreign in [
                    "loa/1/t/d/n-2/cmd", "loa/1/t/a/elsewhere/plan", "loa/1/t/a/elsewhere/alert",
                    "loa/1/t/x/elsewhere/0a", "loa/1/t/u/n-1/state", "loa/1/t/u/n-2/state", "loa/1/other/keys",
                ] {
                    prop_assert!(!matches(&filter, foreign), "{filter} reaches {foreign}");
                }
            }
        }

        /// A node writes its own reports and nothing else.
        #[test]
        fn a_granted_topic_is_a_report_of_the_node(topic in topic()) {
            let areas = areas();
            if rules().may_publish(Principal::Node { id: "n-1", areas: &areas }, &topic) {
                prop_assert!(topic.starts_with("loa/1/t/u/n-1/"));
                prop_assert!(!topic.contains(['+', '#']));
                }
        }

        #[test]
        fn any_text_is_judged_without_a_panic(text in "\\PC*") {
            let areas = areas();
            for who in [Principal::Controller, Principal::Node { id: "n-1", areas: &areas }] {
                rules().may_subscribe(who, &text);
                rules().may_publish(who, &text);
            }
        }
    }
}
