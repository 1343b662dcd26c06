use super::*;

const T: UnixMs = UnixMs(1_780_000_000_000);
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// A look at an honest clock so long after the boot; nobody keeps it.
fn after(ms: i64) -> Look {
    Look {
        wall: T + ms,
        boot_ms: ms.unsigned_abs(),
        sync: SyncView { is_synchronised: false, error_ms: 16_000 },
        chip: None,
        is_above_hard_floor: true,
        is_above_floors: true,
    }
}

fn synchronised(look: Look) -> Look {
    Look { sync: SyncView { is_synchronised: true, error_ms: 100 }, ..look }
}

fn boot(id: &str) -> Boot {
    Boot { id: id.to_owned(), battery_clock: None }
}

fn fresh() -> Judge {
    Judge::new(Policy::Synchronised, None, &boot("b"), T, 0)
}

fn kept(wall: UnixMs, boot: &str, boot_ms: u64) -> Option<Kept> {
    Some(Kept {
        anchor: Anchor { wall, boot_ms, error_ms: 100 },
        boot: boot.to_owned(),
        chip_ahead_ms: Some(0),
        is_exchanged: false,
    })
}

/// Trust and bound, as the most of what follows asks for.
fn look(judge: &mut Judge, look: &Look) -> (ClockTrust, Option<u64>) {
    let verdict = judge.look(look);
    (verdict.standing.trust, verdict.error_ms)
}

/// What the exchange found so long after the boot: the system's clock is off by so much.
fn told(judge: &mut Judge, ms: i64, off_ms: i64, error_ms: u64) {
    judge.take_time(Estimate { at_ms: ms.unsigned_abs(), wall: T + ms + off_ms, error_ms });
}

#[test]
fn a_clock_that_nobody_keeps_is_not_believed_however_plausible() {
    let mut judge = fresh();
    assert_eq!(look(&mut judge, &after(0)), (ClockTrust::Unknown, None));
    assert_eq!(look(&mut judge, &after(DAY)), (ClockTrust::Unknown, None));
}

#[test]
fn a_synchronised_clock_is_trusted_and_held_over_while_its_error_is_small() {
    let mut judge = fresh();
    assert_eq!(look(&mut judge, &synchronised(after(HOUR))), (ClockTrust::Trusted, Some(100)));
    // 100 parts in a million of ten hours are 3.6 s.
    assert_eq!(look(&mut judge, &after(11 * HOUR)), (ClockTrust::Holdover, Some(3_700)));
    assert_eq!(look(&mut judge, &after(30 * DAY)).0, ClockTrust::Holdover, "thirty days without a network");
    assert_eq!(look(&mut judge, &after(36 * DAY)), (ClockTrust::Unknown, None));
    assert_eq!(look(&mut judge, &synchronised(after(37 * DAY))).0, ClockTrust::Trusted);
    assert_eq!(look(&mut judge, &after(38 * DAY)).0, ClockTrust::Holdover);
}

#[test]
fn a_clock_that_was_set_by_hand_is_not_believed_until_it_is_set_back() {
    let mut judge = fresh();
    look(&mut judge, &synchronised(after(0)));
    for by in [5 * HOUR, -5 * HOUR, 60_000] {
        let set = Look { wall: T + HOUR + by, ..after(HOUR) };
        assert_eq!(look(&mut judge, &set).0, ClockTrust::Unknown, "set by {by} ms");
    }
    assert_eq!(look(&mut judge, &after(HOUR)).0, ClockTrust::Holdover);
}

#[test]
fn a_clock_earlier_than_what_is_past_is_not_believed_whoever_keeps_it() {
    for policy in [Policy::Synchronised, Policy::System] {
        let mut judge = Judge::new(policy, None, &boot("b"), T, 0);
        let reset = Look { is_above_hard_floor: false, is_above_floors: false, ..synchronised(after(0)) };
        assert_eq!(look(&mut judge, &reset), (ClockTrust::Unknown, None));
    }
}

#[test]
fn what_this_board_kept_yields_to_a_synchronised_clock_and_to_no_other() {
    for policy in [Policy::Synchronised, Policy::System] {
        let mut judge = Judge::new(policy, kept(T + 90 * DAY, "earlier", 0), &boot("b"), T, 0);
        let below = Look { is_above_floors: false, ..after(0) };
        assert_eq!(look(&mut judge, &below), (ClockTrust::Unknown, None));
        assert_eq!(look(&mut judge, &synchronised(below)).0, ClockTrust::Trusted);
    }
}

#[test]
fn the_system_is_believed_where_it_is_configured_so() {
    let mut judge = Judge::new(Policy::System, None, &boot("b"), T, 0);
    assert_eq!(look(&mut judge, &after(0)), (ClockTrust::Trusted, None));
}

#[test]
fn what_the_system_alone_said_is_no_moment_at_which_the_clock_was_right() {
    let judge = Judge::new(Policy::System, None, &boot("b"), T, 0);
    let Kept { anchor, boot: of, chip_ahead_ms, is_exchanged } = judge.kept(&after(0), &boot("b"));
    assert_eq!((anchor.wall, of.as_str()), (T, ""));
    let again = Some(Kept { anchor, boot: of, chip_ahead_ms, is_exchanged });
    let with_chip = Boot { battery_clock: Some(T + HOUR), ..boot("c") };
    let mut judge = Judge::new(Policy::Synchronised, again, &with_chip, T + HOUR, 0);
    assert_eq!(look(&mut judge, &after(HOUR)).0, ClockTrust::Unknown);
    assert_eq!(judge.kept(&synchronised(after(0)), &boot("b")).boot, "b");
}

#[test]
fn a_program_that_is_started_again_in_the_same_boot_goes_on_believing() {
    let mut judge = Judge::new(Policy::Synchronised, kept(T, "b", 0), &boot("b"), T + HOUR, 3_600_000);
    assert_eq!(look(&mut judge, &after(HOUR)), (ClockTrust::Holdover, Some(460)));
    let mut judge = Judge::new(Policy::Synchronised, kept(T, "b", 0), &boot("c"), T + HOUR, 3_600_000);
    assert_eq!(look(&mut judge, &after(HOUR)).0, ClockTrust::Unknown);
    let mut judge = Judge::new(Policy::Synchronised, kept(T, "", 0), &boot(""), T + HOUR, 3_600_000);
    assert_eq!(
        look(&mut judge, &after(HOUR)).0,
        ClockTrust::Unknown,
        "a boot without a name is no boot that is known"
    );
}

#[test]
fn a_battery_clock_carries_what_was_kept_over_a_power_cut_and_a_dead_one_does_not() {
    let with_chip = |says: UnixMs| Boot { battery_clock: Some(says), ..boot("b") };
    let off_for = |days: i64, chip: UnixMs| {
        let mut judge =
            Judge::new(Policy::Synchronised, kept(T - days * DAY, "a", 5), &with_chip(chip), T, 0);
        look(&mut judge, &after(0))
    };
    assert_eq!(off_for(1, T + 20_000), (ClockTrust::Holdover, Some(8_740)));
    assert_eq!(off_for(60, T), (ClockTrust::Unknown, None), "too long ago");
    // The chip woke up in 2000, and the system set its clock to the last instant that it had written down.
    assert_eq!(off_for(1, UnixMs::from_seconds(946_684_800)), (ClockTrust::Unknown, None));
    let mut judge = Judge::new(Policy::Synchronised, None, &with_chip(T), T, 0);
    assert_eq!(look(&mut judge, &after(0)).0, ClockTrust::Unknown, "nobody ever kept it right");
}

#[test]
fn a_chip_that_was_wrong_when_the_clock_was_right_carries_nothing() {
    // In local time, never set, or unknown: the kernel set the clock from it, so they agree at every boot.
    let with_chip = Boot { battery_clock: Some(T), ..boot("b") };
    for (ahead, trust) in [
        (Some(7 * HOUR), ClockTrust::Unknown),
        (Some(-2_001), ClockTrust::Unknown),
        (None, ClockTrust::Unknown),
        (Some(-900), ClockTrust::Holdover),
    ] {
        let kept = kept(T - DAY, "a", 5).map(|kept| Kept { chip_ahead_ms: ahead, ..kept });
        let mut judge = Judge::new(Policy::Synchronised, kept, &with_chip, T, 0);
        assert_eq!(look(&mut judge, &after(0)).0, trust, "{ahead:?}");
    }
    let look = Look { chip: Some(T + 7 * HOUR), ..synchronised(after(0)) };
    assert_eq!(fresh().kept(&look, &boot("b")).chip_ahead_ms, Some(7 * HOUR));
}

#[test]
fn a_board_that_nobody_keeps_goes_by_the_exchange_wherever_its_own_clock_stands() {
    for off_ms in [0, 40 * DAY, -40 * DAY] {
        for below in [false, true] {
            let mut judge = fresh();
            told(&mut judge, HOUR, off_ms, 100);
            let own = Look { is_above_hard_floor: !below, is_above_floors: !below, ..after(2 * HOUR) };
            let verdict = judge.look(&own);
            let standing = Standing { trust: ClockTrust::Trusted, source: ClockSource::Exchange };
            // An hour's drift is 360 ms.
            assert_eq!((verdict.standing, verdict.error_ms), (standing, Some(460)));
            let goes_by = verdict.exchange.map(|exchange| exchange.wall_at(own.boot_ms));
            assert_eq!(goes_by, Some(own.wall + off_ms));
        }
    }
}

#[test]
fn the_exchange_is_trusted_held_over_and_given_up_as_its_bound_grows() {
    let mut judge = fresh();
    told(&mut judge, 0, DAY, 200);
    let stands = |judge: &mut Judge, ms: i64| {
        let Standing { trust, source } = judge.look(&after(ms)).standing;
        (trust, source)
    };
    assert_eq!(stands(&mut judge, 5 * HOUR), (ClockTrust::Trusted, ClockSource::Exchange));
    assert_eq!(stands(&mut judge, 6 * HOUR), (ClockTrust::Holdover, ClockSource::Held));
    assert_eq!(stands(&mut judge, 30 * DAY), (ClockTrust::Holdover, ClockSource::Held));
    assert_eq!(stands(&mut judge, 36 * DAY), (ClockTrust::Unknown, ClockSource::Unknown));
    // Too long a way to be trusted from the beginning.
    told(&mut judge, 36 * DAY, DAY, TRUSTED_MAX_MS + 1);
    assert_eq!(stands(&mut judge, 36 * DAY), (ClockTrust::Holdover, ClockSource::Held));
}

#[test]
fn a_systems_clock_that_jumps_moves_nothing_while_the_exchange_is_fresh() {
    let mut judge = fresh();
    told(&mut judge, 0, 0, 100);
    let before = judge.look(&after(HOUR));
    for by in [5 * HOUR, -5 * HOUR, 60_000] {
        let jumped = Look { wall: T + HOUR + by, ..after(HOUR) };
        assert_eq!(judge.look(&jumped), before);
    }
}

#[test]
fn of_two_clocks_that_are_held_over_the_one_with_the_smaller_bound_counts() {
    let mut judge = fresh();
    judge.look(&synchronised(after(0)));
    told(&mut judge, HOUR, 0, 5_000);
    let verdict = judge.look(&after(10 * HOUR));
    assert_eq!((verdict.error_ms, verdict.exchange), (Some(3_700), None), "a time service, ten hours ago");
    told(&mut judge, 9 * HOUR, 0, 2_500);
    let verdict = judge.look(&after(10 * HOUR));
    assert_eq!(verdict.error_ms, Some(2_860), "the controller, an hour ago");
    assert!(verdict.exchange.is_some());
    assert_eq!(verdict.standing, Standing { trust: ClockTrust::Holdover, source: ClockSource::Held });
}

#[test]
fn a_time_service_goes_before_the_exchange_and_a_contradiction_before_both() {
    let agreed = |judge: &mut Judge| judge.look(&synchronised(after(HOUR)));
    let mut judge = fresh();
    told(&mut judge, 0, 400, 100);
    let verdict = agreed(&mut judge);
    let trusted = Standing { trust: ClockTrust::Trusted, source: ClockSource::System };
    assert_eq!((verdict.standing, verdict.exchange, verdict.ahead_ms), (trusted, None, None));

    // One minute apart: one of them is wrong, by so much at the most.
    told(&mut judge, 0, -60_000, 100);
    let verdict = agreed(&mut judge);
    assert_eq!(verdict.standing, Standing { trust: ClockTrust::Holdover, source: ClockSource::System });
    assert_eq!((verdict.error_ms, verdict.ahead_ms, verdict.exchange), (Some(60_100), Some(60_000), None));

    // Twelve hours apart: nobody knows whether it is night.
    told(&mut judge, 0, 12 * HOUR, 100);
    let verdict = agreed(&mut judge);
    assert_eq!(verdict.standing, Standing { trust: ClockTrust::Unknown, source: ClockSource::System });
    assert_eq!(verdict.ahead_ms, Some(-12 * HOUR));

    // The next round finds that the controller's clock was put right.
    told(&mut judge, HOUR, 0, 100);
    assert_eq!(agreed(&mut judge).standing, trusted);
}

#[test]
fn where_the_controller_alone_is_believed_no_time_service_counts() {
    let mut judge = Judge::new(Policy::Controller, None, &boot("b"), T, 0);
    assert_eq!(look(&mut judge, &synchronised(after(0))), (ClockTrust::Unknown, None));
    told(&mut judge, 0, 12 * HOUR, 100);
    let verdict = judge.look(&synchronised(after(0)));
    assert_eq!(verdict.standing, Standing { trust: ClockTrust::Trusted, source: ClockSource::Exchange });
    assert_eq!(verdict.ahead_ms, None);
}

#[test]
fn a_program_that_is_started_again_in_the_same_boot_goes_on_by_the_exchange() {
    let mut judge = fresh();
    told(&mut judge, 0, 12 * HOUR, 100);
    let chip = Look { chip: Some(T + HOUR), ..after(HOUR) };
    let kept = judge.kept(&chip, &boot("b"));
    assert_eq!(kept.anchor, Anchor { wall: T + 13 * HOUR, boot_ms: 3_600_000, error_ms: 460 });
    assert_eq!((kept.boot.as_str(), kept.is_exchanged, kept.chip_ahead_ms), ("b", true, Some(-12 * HOUR)));
    let mut judge = Judge::new(Policy::Synchronised, Some(kept.clone()), &boot("b"), T + HOUR, 3_600_000);
    assert_eq!(look(&mut judge, &after(2 * HOUR)), (ClockTrust::Trusted, Some(820)));
    let mut judge = Judge::new(Policy::Synchronised, Some(kept), &boot("c"), T + HOUR, 0);
    assert_eq!(look(&mut judge, &after(2 * HOUR)), (ClockTrust::Unknown, None), "another boot's clock");
}
