//! Storms: seeds that hold, the same trace from the same seed, and seeds that once broke a rule.

use loa_firmware_sim::storm::{Faults, Storm, shrink};

/// Everything that goes wrong, and items without rules, guards and orders.
const PLAIN: &str = "power,restart,link,loss,duplicate,reorder,broker,office,jump,rtc,drift,disk-full,disk-failing,rot,speaker,\
                     hang,amplifier,slow,adversary";

/// Everything but guards of boards' own configuration and orders that name an occurrence or a boot.
const EARLIER: &str = "power,restart,link,loss,duplicate,reorder,broker,office,jump,rtc,drift,disk-full,disk-failing,rot,speaker,\
                       hang,amplifier,slow,adversary,rules,guards,orders";

fn storm(seed: u64, nodes: usize, days: u32, faults: &str) -> Storm {
    Storm { seed, nodes, first: 0, days, faults: faults.parse().unwrap_or_else(|error| panic!("{error}")) }
}

fn holds(storm: &Storm) {
    let report = storm.run(2);
    assert!(report.failure.is_none(), "{storm}\n{:#?}", report.failure);
}

#[test]
fn a_few_dozen_seeds_of_all_troubles_break_no_rule() {
    for seed in 1..=30 {
        holds(&storm(seed, 1, 1, "all"));
    }
}

#[test]
fn without_trouble_the_reference_model_predicts_most_of_what_sounds() {
    let report = storm(1, 2, 2, "none").run(2);
    assert_eq!(report.failure, None);
    assert!(report.predicted * 2 > report.receipts, "{report:?}");
    assert!(report.sounds > 20 && report.boots == 2, "{report:?}");
}

#[test]
fn rules_guards_and_orders_are_predicted_too() {
    for seed in 1..=3 {
        let report = storm(seed, 4, 2, "rules,guards,orders").run(2);
        assert_eq!(report.failure, None);
        assert!(report.predicted * 3 > report.receipts, "{report:?}");
    }
}

#[test]
fn guards_of_boards_and_orders_that_name_something_are_predicted_too() {
    for seed in 1..=3 {
        let report = storm(seed, 4, 2, "rules,guards,board,named-orders").run(2);
        assert_eq!(report.failure, None);
        assert!(report.predicted * 3 > report.receipts, "{report:?}");
    }
}

#[test]
fn alerts_sound_beside_the_plans() {
    let (mut with, mut without) = (0, 0);
    for seed in 1..=3 {
        let report = storm(seed, 4, 3, "rules,alerts").run(2);
        assert_eq!(report.failure, None);
        assert!(report.predicted * 3 > report.receipts, "{report:?}");
        with += report.sounds;
        without += storm(seed, 4, 3, "rules").run(2).sounds;
    }
    assert!(with > without + 12, "{with} sounds with alerts, {without} without");
}

#[test]
fn the_same_seed_gives_the_same_trace_on_any_number_of_threads() {
    let all = storm(7, 3, 1, "all");
    let once = all.run(1);
    assert_eq!(all.run(1), once);
    assert_eq!(all.run(3), once);
    assert_ne!(storm(8, 3, 1, "all").run(2).hash, once.hash);
}

#[test]
fn the_command_that_repeats_a_storm_is_printed() {
    let text = storm(3, 2, 1, "power,rtc").to_string();
    assert_eq!(text, "loa-firmware-sim storm --seed 3 --nodes 2 --first 0 --days 1 --faults power,rtc");
}

#[test]
fn what_does_not_fail_does_not_shrink() {
    let calm = Storm { faults: Faults::none(), ..storm(1, 1, 1, "all") };
    assert_eq!(shrink::shrink(&calm, &calm.run(1)), None);
}

/// Seeds that once broke a rule, with what was wrong.
#[test]
fn seeds_that_once_failed_hold() {
    // A clock that was set ahead made a bulletin sound before anybody had looked at the clock.
    holds(&storm(1, 1, 2, "jump"));
    // A plan that came again while the clock was ahead made the node forget what was due meanwhile.
    holds(&Storm { first: 9, ..storm(2005, 1, 1, "jump") });
    // What was ordered when the power went, and may have been heard, was played by a clock that came up a moment behind.
    holds(&Storm { first: 3, ..storm(5012, 1, 3, PLAIN) });
    holds(&Storm { first: 3, ..storm(20, 1, 3, "jump,drift") });
    // A wider area's plan came, with an item of the same name and revision: the sound of the one that had waited was played.
    holds(&Storm { first: 41, ..storm(1, 1, 30, "power,office,jump,drift") });
    // What was due between a plan's end and its renewal was forgotten: the key set had been renewed first.
    holds(&Storm { first: 13, ..storm(20050, 1, 3, "link") });
    // A key set that had expired during an outage was dropped at a power cut, and with it all plans.
    holds(&Storm { first: 15, ..storm(113, 1, 2, "power,link") });
    // An object rotted while an earlier part of its session was heard, and was ordered all the same.
    holds(&Storm { first: 4, ..storm(4, 1, 3, EARLIER) });
    // Of two bulletins of one instant the loser was said to end by the guards, and not because it had yielded.
    holds(&storm(22, 1, 3, EARLIER));
    // A village's languages changed while a session was on, and it went on with one that is no longer heard there.
    holds(&Storm { first: 7, ..storm(10016, 1, 3, EARLIER) });
    // A sound that began a millisecond before the end of quiet hours was stopped.
    holds(&Storm { first: 2, ..storm(62, 1, 3, EARLIER) });
    // A receipt waited on a full disk while the clock went back.
    holds(&Storm { first: 15, ..storm(10322, 1, 3, EARLIER) });
    // A clock that was ahead at boot made everything that was late too late before the boot.
    holds(&Storm { first: 5, ..storm(4, 1, 3, PLAIN) });
    // What a clock that was ahead had passed came again when it was set right, and its audio was not asked for.
    holds(&Storm { first: 11, ..storm(10192, 1, 3, "jump,rules") });
    // The model wanted receipts of an item that another area's item of the same name had kept out of force.
    holds(&Storm { first: 1, ..storm(30000, 1, 3, "power,drift") });
    holds(&Storm { first: 202, ..storm(1, 1, 30, "restart,office,jump,drift") });
    // An emergency's plan was signed by a controller whose clock was an hour ahead, and had to wait until it was valid.
    holds(&storm(30074, 1, 3, "office"));
    // A plan was not held after a boot whose clock was some minutes behind, because it was not valid yet by it.
    holds(&Storm { first: 11, ..storm(40480, 1, 3, "restart,office,jump,drift,guards") });
    // A plan was applied by a clock that was weeks ahead: after the next boot nothing before then was the node's.
    holds(&Storm { first: 15, ..storm(41733, 1, 3, "power,jump,rules,guards") });
    // What had no room in the cache was not asked for when another bulletin was over and had left it some.
    holds(&Storm { first: 18, ..storm(41688, 1, 3, "rules") });
    // A run ended in the midst of a long session, whose receipt the model wanted already.
    holds(&Storm { first: 6, ..storm(50795, 1, 3, "rules") });
    // A clock that was ahead by two seconds went back by less than one between two looks, and what it had called missed came again.
    holds(&Storm { first: 15, ..storm(50983, 1, 3, "link,rules,board") });
    // Another item took the name and revision of one that had left: it counted from when that one had come, until a restart.
    holds(&Storm { first: 17, ..storm(61418, 1, 3, "power,jump,drift") });
    holds(&Storm { first: 18, ..storm(62364, 1, 3, "power,link,drift") });
    // The power went in the midst of a receipt, which became durable before the one that waited for room on a full disk.
    holds(&Storm { first: 10, ..storm(4023, 1, 3, "power,link,disk-full,disk-failing") });
    // A clock that was ahead had dated a session into a day to come, whose budget the model did not count it to.
    holds(&Storm { first: 12, ..storm(1383, 1, 3, "jump,guards") });
    // An emergency longer than the guards let any session be was expected to sound, and its receipt waited on a full disk.
    holds(&Storm { first: 1, ..storm(7, 1, 3, "disk-full,rules,board,named-orders,alerts") });
    // A clock that was ahead when an emergency came had reckoned too early by when it must be heard.
    holds(&Storm { first: 19, ..storm(7008, 1, 1, "jump,rules,alerts") });
    // An emergency had ended with its document, and its receipt waited on a full disk when a later document had it again.
    holds(&Storm { first: 18, ..storm(200466, 1, 3, "disk-full,rules,alerts") });
    // What was prepared gave way to a bulletin that starts in more than two days, for which the model had left no room.
    holds(&Storm { first: 13, ..storm(127, 1, 3, "alerts") });
}
