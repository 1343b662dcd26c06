//! A fleet in virtual time: nodes that ask as the real ones do, on lines that lose.

use std::collections::{BTreeMap, BTreeSet};

use loa_protocol::area::AreaPath;
use loa_protocol::ids::AreaId;
use loa_protocol::transfer::Bitmap;
use proptest::prelude::*;

use super::*;

const WALL: UnixMs = UnixMs(1_800_000_000_000);
const HOUR_MS: i64 = 3_600_000;
const SECOND_US: u64 = 1_000_000;
/// A node waits so long for the next block of what it asked for.
const PATIENCE_US: u64 = 10 * SECOND_US;
const BLOCK: u64 = BLOCK_SIZE_BYTES as u64;

fn object(name: &str) -> ObjectHash {
    ObjectHash::of(name.as_bytes())
}

/// A board.
#[derive(Debug)]
struct Board {
    node: NodeId,
    path: AreaPath,
    bytes_s: u64,
    hears_waves: bool,
    /// What it lacks, by object, with the deadline: the earliest is asked for.
    lacking: BTreeMap<(UnixMs, ObjectHash), BTreeSet<u32>>,
    /// What it asked for last: what has yet to come, and until when it waits.
    want: Option<(ObjectHash, BTreeSet<u32>)>,
    asks_at_us: u64,
    came: Vec<u64>,
    wasted: u64,
    is_on: bool,
}

/// The whole of it.
struct World {
    bulk: Bulk,
    boards: Vec<Board>,
    now_us: u64,
    loss_percent: u64,
    seed: u64,
    sent: Vec<Sending>,
}

impl World {
    fn new(total_bytes_s: Option<u64>) -> Self {
        let bulk = Bulk::new(total_bytes_s);
        Self { bulk, boards: Vec::new(), now_us: 0, loss_percent: 0, seed: 1, sent: Vec::new() }
    }

    /// Boards in villages of ten, which begin to ask within some time.
    fn add(&mut self, count: usize, bytes_s: u64, hears_waves: bool, spread_us: u64) {
        for _ in 0..count {
            let number = self.boards.len();
            let areas = ["tinh".to_owned(), format!("thon-{}", number / 10)];
            let path = AreaPath::new(areas.iter().map(|a| AreaId::new(a.as_str()).unwrap()).collect());
            let asks_at_us = self.now_us + self.random(spread_us.max(1));
            self.boards.push(Board {
                node: NodeId::new(format!("cum-{number}")).unwrap(),
                path: path.unwrap(),
                bytes_s,
                hears_waves,
                lacking: BTreeMap::new(),
                want: None,
                asks_at_us,
                came: Vec::new(),
                wasted: 0,
                is_on: true,
            });
        }
    }

    /// All boards need an object of so many blocks.
    fn plan(&mut self, name: &str, blocks: u32, due_in_ms: i64) {
        for board in &mut self.boards {
            board.lacking.insert((WALL + due_in_ms, object(name)), (0..blocks).collect());
        }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % below
    }

    fn is_done(&self) -> bool {
        self.boards.iter().all(|board| !board.is_on || board.lacking.is_empty())
    }

    /// Lets time pass until everybody on has everything, or until then.
    fn run_until(&mut self, end_us: u64) {
        while !self.is_done() && self.now_us < end_us {
            for index in 0..self.boards.len() {
                if self.boards[index].is_on && self.boards[index].asks_at_us <= self.now_us {
                    self.ask(index);
                }
            }
            let asks = self.boards.iter().filter(|board| board.is_on && !board.lacking.is_empty());
            let next_ask = asks.map(|board| board.asks_at_us).min().unwrap_or(end_us);
            match self.bulk.next(self.now_us) {
                Next::Send(sending) => {
                    self.deliver(&sending);
                    self.sent.push(sending);
                }
                Next::WaitUntil { at_us } => {
                    assert!(at_us > self.now_us, "it waits for what has passed");
                    self.now_us = at_us.min(next_ask).min(end_us);
                }
                Next::Idle => self.now_us = next_ask.min(end_us),
            }
        }
    }

    fn ask(&mut self, index: usize) {
        let audience = self.boards.iter().filter(|board| board.hears_waves).count();
        let board = &mut self.boards[index];
        board.asks_at_us = self.now_us + PATIENCE_US;
        let left_us = |deadline: &UnixMs| (deadline.since(WALL) * 10).clamp(0, 20_000_000) as u64;
        let Some(((deadline, object), lacking)) = board.lacking.first_key_value() else {
            board.asks_at_us = u64::MAX;
            return;
        };
        if board.hears_waves {
            board.asks_at_us += left_us(deadline);
        }
        let base = *lacking.first().unwrap();
        let mut bits = Bitmap::empty(1024);
        lacking.iter().for_each(|block| bits.insert(block - base));
        let want = Want {
            object: *object,
            base,
            lacking: bits.as_bytes().to_vec(),
            window: 4,
            deadline: *deadline,
            hears_waves: board.hears_waves,
        };
        board.want = Some((*object, want.blocks().into_iter().collect()));
        let facts = Facts { path: board.path.clone(), top: 0, audience, bytes_s: board.bytes_s };
        self.bulk.want(&board.node.clone(), &want, facts, WALL + (self.now_us / 1_000) as i64, self.now_us);
    }

    fn deliver(&mut self, sending: &Sending) {
        for index in 0..self.boards.len() {
            let lost = self.loss_percent > 0 && self.random(100) < self.loss_percent;
            let now_us = self.now_us;
            let board = &mut self.boards[index];
            let is_for_it = match &sending.to {
                To::Node(node) => *node == board.node,
                To::Area { area, .. } => {
                    board.hears_waves
                        && board.path.areas().contains(area)
                        && board.want.as_ref().is_some_and(|(object, _)| *object == sending.object)
                }
            };
            if !is_for_it || !board.is_on {
                continue;
            }
            board.came.push(now_us);
            if lost {
                continue;
            }
            let found = board.lacking.iter_mut().find(|((_, object), _)| *object == sending.object);
            let Some((key, lacking)) = found.map(|(key, lacking)| (*key, lacking)) else {
                board.wasted += BLOCK;
                continue;
            };
            if !lacking.remove(&sending.index) {
                board.wasted += BLOCK;
            }
            let is_whole = lacking.is_empty();
            let by_wave = matches!(sending.to, To::Area { .. });
            let ends_here = lacking.iter().all(|block| *block < sending.index);
            if is_whole {
                board.lacking.remove(&key);
                (board.want, board.asks_at_us) = (None, now_us);
                continue;
            }
            let Some((object, blocks)) = &mut board.want else { continue };
            if *object != sending.object {
                continue;
            }
            blocks.remove(&sending.index);
            board.asks_at_us = match (by_wave, blocks.is_empty()) {
                (true, _) if ends_here => now_us + SECOND_US / 2,
                (true, _) => now_us + 2 * SECOND_US,
                (false, true) => now_us,
                (false, false) => now_us + PATIENCE_US,
            };
        }
    }

    fn blocks_sent(&self) -> usize {
        self.sent.len()
    }

    fn wasted_share(&self) -> f64 {
        let wasted: u64 = self.boards.iter().map(|board| board.wasted).sum();
        let came: usize = self.boards.iter().map(|board| board.came.len()).sum();
        wasted as f64 / (came as u64 * BLOCK) as f64
    }

    /// No line had more than its bound in any time. Beyond the burst, a wave may begin on top of it, with a burst of its own.
    fn check_lines(&self) {
        for board in &self.boards {
            for (from, at_us) in board.came.iter().enumerate().step_by(7) {
                for (to, until_us) in board.came.iter().enumerate().skip(from).step_by(5) {
                    let bytes = (to - from) as u64 * BLOCK;
                    let flows = board.bytes_s * (until_us - at_us) / SECOND_US;
                    let bound = flows + board.bytes_s / roster::BURST_PARTS + 4 * BLOCK;
                    assert!(bytes <= bound, "{}: {bytes} bytes in {} µs", board.node, until_us - at_us);
                }
            }
        }
    }
}

#[test]
fn many_nodes_get_one_wave_in_which_each_block_goes_once() {
    let mut world = World::new(None);
    world.add(100, 375_000, true, 3 * SECOND_US);
    world.plan("o", 64, HOUR_MS);
    world.run_until(120 * SECOND_US);
    assert!(world.is_done());
    assert_eq!((world.bulk.waves(), world.blocks_sent()), (1, 64));
    assert!(world.wasted_share() == 0.0);
    let seconds = world.now_us as f64 / SECOND_US as f64;
    assert!(
        seconds < 8.0,
        "at three quarters of their lines it takes under 4 s, and 3 s to gather: {seconds}"
    );
    world.check_lines();
}

#[test]
fn few_nodes_are_served_at_once_each_by_itself() {
    let mut world = World::new(None);
    world.add(19, 375_000, true, 1);
    world.plan("o", 8, HOUR_MS);
    world.run_until(30 * SECOND_US);
    assert!(world.is_done());
    assert_eq!((world.bulk.waves(), world.blocks_sent()), (0, 19 * 8));
    assert!(world.now_us < SECOND_US, "nobody waits for others who cannot come: {} µs", world.now_us);
}

#[test]
fn who_comes_late_joins_and_gets_the_beginning_afterwards() {
    let mut world = World::new(None);
    world.add(60, 375_000, true, SECOND_US);
    world.add(40, 375_000, true, 1);
    // They come in the middle of the wave of the others.
    world.boards[60..].iter_mut().for_each(|board| board.asks_at_us = 26 * SECOND_US);
    world.plan("o", 64, HOUR_MS);
    world.run_until(120 * SECOND_US);
    assert!(world.is_done());
    assert_eq!(world.bulk.waves(), 2);
    assert!(world.blocks_sent() < 2 * 64, "{} blocks", world.blocks_sent());
    assert!(world.wasted_share() <= 0.02, "{}", world.wasted_share());
}

#[test]
fn thin_lines_are_filled_singly_beside_the_wave_of_the_others() {
    let mut world = World::new(None);
    world.add(30, 375_000, true, SECOND_US);
    world.add(30, 6_000, false, SECOND_US);
    world.plan("o", 16, 8 * HOUR_MS);
    world.run_until(20 * SECOND_US);
    assert!(world.boards[..30].iter().all(|board| board.lacking.is_empty()), "thin lines hold nobody up");
    world.run_until(120 * SECOND_US);
    assert!(world.is_done());
    let thin = world.sent.iter().filter(|sending| matches!(sending.to, To::Node(_))).count();
    assert_eq!(thin, 30 * 16);
    world.check_lines();
}

#[test]
fn what_is_needed_soon_overtakes_a_wave() {
    let mut world = World::new(None);
    world.add(50, 375_000, true, 1);
    world.plan("later", 512, 8 * HOUR_MS);
    world.run_until(20 * SECOND_US);
    assert!(!world.is_done());
    let before = world.blocks_sent();
    world.plan("soon", 32, HOUR_MS / 60);
    world.boards.iter_mut().for_each(|board| board.asks_at_us = 0);
    world.run_until(60 * SECOND_US);
    let last_soon = world.sent.iter().rposition(|sending| sending.object == object("soon")).unwrap();
    let others = world.sent[before..last_soon].iter().filter(|s| s.object == object("later")).count();
    let first_soon = world.sent.iter().position(|sending| sending.object == object("soon")).unwrap();
    let during = world.sent[first_soon..last_soon].iter().filter(|s| s.object == object("later")).count();
    assert_eq!(during, 0, "while it goes nothing else does");
    assert!(others <= 40, "{others} blocks of the other while they asked");
    world.run_until(600 * SECOND_US);
    assert!(world.is_done());
}

#[test]
fn all_lines_together_have_a_bound_too() {
    let total = 2_000_000;
    let mut world = World::new(Some(total));
    world.add(40, 9_000_000, true, 1);
    world.add(40, 9_000_000, false, 1);
    world.plan("o", 32, HOUR_MS);
    world.run_until(300 * SECOND_US);
    assert!(world.is_done());
    let bytes = (80 * 32) as u64 * BLOCK;
    let least_us = (bytes - total / roster::BURST_PARTS) * SECOND_US / total - 40 * BLOCK * SECOND_US / total;
    assert!(world.now_us >= least_us, "{} µs for {bytes} bytes", world.now_us);
}

#[test]
fn a_wave_ends_when_nobody_waits_for_it_any_more() {
    let mut world = World::new(None);
    world.add(30, 375_000, true, 1);
    world.plan("o", 512, HOUR_MS);
    world.run_until(12 * SECOND_US);
    let nodes: Vec<NodeId> = world.boards.iter().map(|board| board.node.clone()).collect();
    nodes.iter().for_each(|node| world.bulk.gone(node));
    assert_eq!(world.bulk.next(world.now_us), Next::Idle);
    assert!(world.bulk.passes.is_empty() && world.bulk.books.is_empty());
    // They come back with half of it.
    let half = world.boards[0].lacking.values().next().unwrap().len();
    assert!((100..500).contains(&half), "{half}");
    world.boards.iter_mut().for_each(|board| board.asks_at_us = 0);
    world.run_until(200 * SECOND_US);
    assert!(world.is_done());
    assert_eq!(world.blocks_sent(), 512, "nothing went twice");
}

#[test]
fn what_is_not_offered_any_more_goes_no_further() {
    let mut world = World::new(None);
    world.add(30, 375_000, true, 1);
    world.plan("o", 512, HOUR_MS);
    world.run_until(12 * SECOND_US);
    world.bulk.retain(|_, _| false);
    assert_eq!(world.bulk.next(world.now_us), Next::Idle);
}

#[test]
fn a_node_that_asks_for_ever_is_slowed_and_shown() {
    let mut world = World::new(None);
    world.add(1, 375_000, true, 1);
    world.plan("o", 4, HOUR_MS);
    // Whatever comes, it asks for the same again.
    let mut answered = 0;
    for second in 0..3_600u64 {
        world.now_us = second * SECOND_US;
        world.ask(0);
        while let Next::Send(_) = world.bulk.next(world.now_us) {
            answered += 1;
        }
    }
    assert!((20..=80).contains(&answered), "{answered} blocks in an hour");
    let stuck = world.bulk.stuck();
    assert_eq!((stuck.len(), stuck[0].node.as_str(), stuck[0].object), (1, "cum-0", object("o")));
    assert!(stuck[0].wants > 1_000);
    // It has gained something: all is well again.
    world.boards[0].lacking.values_mut().next().unwrap().remove(&0);
    world.ask(0);
    assert!(world.bulk.stuck().is_empty());
    assert!(matches!(world.bulk.next(world.now_us), Next::Send(Sending { index: 1, .. })));
}

#[test]
fn nonsense_in_a_want_costs_nothing() {
    let mut world = World::new(None);
    world.add(1, 375_000, true, 1);
    let want = Want {
        object: object("o"),
        base: u32::MAX - 3,
        lacking: vec![0xff; 512],
        window: 16,
        deadline: UnixMs(i64::MIN),
        hears_waves: true,
    };
    let board = &world.boards[0];
    let facts = Facts { path: board.path.clone(), top: 40, audience: usize::MAX, bytes_s: 0 };
    assert_eq!(world.bulk.want(&board.node, &want, facts.clone(), WALL, 0), Taken::Nothing);
    let far = Want { base: 1_020, ..want };
    assert_eq!(world.bulk.want(&board.node, &far, facts, WALL, 0), Taken::Yes);
    let held = world.bulk.next(0);
    assert!(matches!(held, Next::WaitUntil { .. }), "{held:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn everything_arrives_where_a_line_lets_anything_through(
        fibre in 0usize..30,
        mobile in 0usize..40,
        thin in 0usize..6,
        blocks in 1u32..40,
        others in 0u32..20,
        loss_percent in 0u64..60,
        spread_s in 0u64..20,
        total in proptest::option::of(500_000u64..5_000_000),
        seed in 1u64..1_000,
    ) {
        let mut world = World::new(total);
        (world.loss_percent, world.seed) = (loss_percent, seed);
        world.add(fibre, 9_375_000, true, spread_s * SECOND_US);
        world.add(mobile, 375_000, true, spread_s * SECOND_US);
        world.add(thin, 6_000, false, spread_s * SECOND_US);
        world.plan("one", blocks, 8 * HOUR_MS);
        if others > 0 {
            world.plan("two", others, 2 * HOUR_MS);
        }
        world.run_until(6 * 3_600 * SECOND_US);
        prop_assert!(world.is_done());
        world.check_lines();
        if loss_percent == 0 {
            prop_assert!(world.wasted_share() <= 0.02, "{}", world.wasted_share());
        }
    }

    #[test]
    fn heavy_churn_wastes_little(seed in 1u64..10_000) {
        let mut world = World::new(None);
        world.seed = seed;
        world.add(120, 375_000, true, 6 * SECOND_US);
        world.plan("o", 64, HOUR_MS);
        // Every second, some nodes go and others come back with what they had.
        for second in 1..240u64 {
            world.run_until(second * SECOND_US);
            for _ in 0..6 {
                let index = world.random(120) as usize;
                let is_on = !world.boards[index].is_on;
                let now_us = world.now_us;
                let board = &mut world.boards[index];
                (board.is_on, board.want, board.asks_at_us) = (is_on, None, now_us);
                if !is_on {
                    let node = board.node.clone();
                    world.bulk.gone(&node);
                }
            }
        }
        world.boards.iter_mut().for_each(|board| board.is_on = true);
        world.boards.iter_mut().for_each(|board| board.asks_at_us = board.asks_at_us.min(240 * SECOND_US));
        world.run_until(900 * SECOND_US);
        prop_assert!(world.is_done());
        prop_assert!(world.wasted_share() <= 0.10, "{}", world.wasted_share());
        world.check_lines();
    }
}
