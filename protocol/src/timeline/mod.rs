//! The rules that turn documents into sound: a specification, and the pure functions that hold it. The node's player and
//! the controller's [`preflight`] call the same functions; tests and receipts name the rules by their numbers.
//!
//! # Words
//! A **document** is the plan or the [alerts](crate::alert) of an area on the node's path, or the node's own. An **item** of it starts by its [`Start`];
//! each planned start is an **occurrence**, whose planned instant is its **nominal start**. What sounds for an occurrence,
//! from the first sample to the last, is its **session**; the sounds in it are its **parts**. An occurrence is **near** from
//! [`NEAR_MS`] before its nominal start (a board whose amplifier warms up slowly takes longer), **due** from its nominal start,
//! and its **limit** is its nominal start plus the item's `start_within_ms`. All instants are the node's wall clock.
//!
//! # D. What counts
//! - **D1** A node's documents are the alerts of the areas of its path, widest first, then their plans, widest first, then its own
//!   document.
//! - **D2** An item id that several documents hold counts once, as the first of them has it.
//! - **D3** A document that was applied holds until a newer one takes its place, over every boot. Its occurrences have nominal starts before the document, and the key that signed it, expire; an item's
//!   from `valid_from` on and before `valid_until`. The limit of an occurrence of alerts lies before that expiry, whatever its item
//!   tolerates ([`items_until`](crate::alert::AreaAlerts::items_until)).
//! - **D4** A document may come that has an item otherwise in the same revision: a schedule was moved, or a controller that was
//!   restored from a backup gave a revision's number again. What waits, waits as the item is from then on, and leaves where that does
//!   not start then. What is ordered, sounds, or was heard and waits to be taken up again goes on if the same is heard of the item;
//!   else it ends as [`Reason::Withdrawn`], and so does what was due and leaves.
//!
//! # S. Starts
//! - **S1** [`Start::At`] is one start at that instant.
//! - **S2** [`Start::Cron`] is read on local wall-clock time in the document's zone, as crontab(5) reads it.
//! - **S3** A wall time that the clocks skip starts at the first instant after the gap. Several such times are one start.
//! - **S4** A wall time that comes twice starts at its first coming only.
//! - **S5** A start does not exist when its local date (in the document's zone) is one of the item's excluded dates, or lies in
//!   a calendar that the item names. A calendar's days are its own and those of the calendars that it includes, at any depth. A
//!   document whose calendars include one another in a loop, or name one that is not there, is refused where it is made
//!   ([`check_calendars`]); a node that is given it anyway takes each calendar once and an unknown one as empty.
//! - **S6** An item's occurrences ascend strictly. An [occurrence's id](occurrence_id) is a hash of item, revision and nominal
//!   start: the same on every machine.
//!
//! # W. Whose occurrences
//! - **W1** An occurrence is a node's when its limit is at or after the instant at which the node first applied the item, as it
//!   is, from the document that counts (D2), and its nominal start at most seven days back.
//! - **W2** What has ended does not begin again: not after a power cut, not when the clock goes back. Once an occurrence has
//!   sounded, no other revision of the item sounds for the same nominal start. (R2 has the one exception.)
//!
//! # O. Order
//! [`Occurrence::precedence`] is a total order without ties. Of two occurrences, first goes
//! - **O1** the higher class: emergency, priority, normal;
//! - **O2** then the higher authority, which is the place of its document's area on the path, widest first, and the node's own document
//!   last. Among *priority*
//!   items the commune decides: an area whose plan says `own_priority_first` goes before all wider areas ([`Authority`]);
//! - **O3** then, of emergencies, the higher severity;
//! - **O4** then the earlier nominal start;
//! - **O5** then the smaller occurrence id.
//!
//! # N. Sessions
//! - **N1** A session is: the chime before, if the item has one; all tracks that the village hears, as often as the item's
//!   repeats say; the chime after. There are [`PART_PAUSE_MS`] of silence between two parts, and the repeats' `gap_ms` instead
//!   between two rounds.
//! - **N2** Which tracks a village hears, in which order, is [`Item::heard`]. Where there is none, the occurrence ends as
//!   [`Reason::NoTrackForLanguage`] when it is due. Where the village's languages change while a session is on, the parts to come
//!   that it no longer hears are passed over, and none is added.
//! - **N3** An occurrence waits for the audio of all these tracks. From its *last call* on, shortly before its limit, and for an
//!   emergency at the latest [`EMERGENCY_LACK_MS`] after it was due and the node knew of it, it starts with those that are there, and ends as
//!   partial ([`last_call`]). A chime that is not there is left out, and nothing is lacking.
//! - **N4** A part that cannot be decoded, or whose object is not whole any more, is passed over; the session goes on with the next one and ends as partial.
//! - **N5** A session has one intent and one receipt, however many parts it has.
//!
//! # T. Turns
//! - **T1** One sound at a time.
//! - **T2** When the speaker is free, the first in order of those that are near and could start is next; it sounds at its
//!   nominal start, or at once if that has passed. That is settled [`ORDER_AHEAD_MS`] before it begins. A lower one does not begin while
//!   a near one that goes before it is about to.
//!   An occurrence *could start* when its audio is there (N3), the guards let it (G), and its start is not after its limit.
//! - **T3** What does not get its turn waits, and ends when its limit has passed. If another session was on while it was due, its
//!   receipt names the last such as the `winner`; the reason is [`Reason::Yielded`] where one that goes before it sounded. A session is
//!   on from the instant at which it is settled that it begins up to, and including, that at which it ends.
//!
//! # C. Cutting
//! - **C1** An emergency that is due and could start stops a session of a lower class.
//! - **C2** An emergency that is due and could start stops another emergency's session if it goes before it *and* its severity is
//!   higher ([`Occurrence::cuts`]).
//! - **C3** An emergency *supersedes* the emergencies whose bulletin it updates or cancels, if its own authority (O2) is not lower
//!   and their nominal start is not later ([`supersedes`]). One that cancels does so when it is due, even if its own sound
//!   is not there yet; one that updates does so once it is due and could start. What is superseded, sounding or waiting, ends
//!   as [`Reason::Superseded`] with the `winner`, and is not taken up again.
//! - **C4** Nothing else cuts a session: other classes never cut one another.
//!
//! # I. Interruption
//! A session is interrupted by an emergency (C1, C2), or because the node lost power or was stopped. What then happens is the
//! item's [`AfterInterruption`]:
//! - **I1** *drop*: it ends as partial.
//! - **I2** *resume*: it waits again, with the parts from the interrupted one on (from that part's beginning: speech from the middle
//!   of a sentence is not understood). *restart*: it waits again with all its parts.
//! - **I3** An occurrence is taken up again at most once, and begins then at the latest at its limit plus the length of its whole
//!   session: had nothing interrupted it, it could have sounded until then. A second interruption, or no turn by then, ends it; so do
//!   the guards, which judge what is left of it. A session that yields before its first sample was not interrupted: it waits on.
//! - **I4** The reason of an interrupted session that ends is [`Reason::Yielded`] with the `winner`, or [`Reason::Interrupted`]
//!   after a power cut. One that was taken up and sounds to its end was played; its receipt counts all that sounded from the
//!   first start on, and still names the `winner`.
//!
//! # G. Guards
//! What a node does not do, whatever is signed ([`Guards`]). Each of a node's documents may state guards, which hold for
//! everything that the node plays, whichever document it comes from; and so may the board's own configuration, which no signer reaches.
//! - **G1** Each guard of each document and of the board holds, in the zone that comes with it: the strictest decides. Without guards
//!   nothing is forbidden.
//! - **G2** *Longest session*: a session that is longer, pauses included, does not begin.
//! - **G3** *Quiet hours*: no moment of a session, pauses and [`QUIET_MARGIN_MS`] after it included, lies in quiet hours. What is on when they begin after all
//!   (the clock was set, a sound is longer than its manifest says) is stopped and ends as [`Reason::QuietHours`],
//!   but for the last [`QUIET_MARGIN_MS`] of them: what was to begin at their end may do so a millisecond early.
//! - **G4** *Minutes a day* of a class: sound of the class on one local day, pauses not counted, stays within them. A session
//!   counts for the day on which it began, with what sounded; with its planned length while that is not known (it was on when the power
//!   went). The day is that of its record, even where a clock that was ahead dated it and the day is still to come: no trouble with a
//!   clock makes a budget larger.
//! - **G5** *Sessions a day*: of all classes but emergencies, by the local day on which they began.
//! - **G6** *Volume ceiling*: the volume is the smaller of the document's and the ceiling; the node's state tells the result.
//! - **G7** An emergency passes G3, G4 and G5, and nothing else; it counts towards neither G4 nor G5.
//! - **G8** Guards are judged when a session would begin. If they forbid that now but allow it by the limit, the occurrence waits for
//!   that; if not, it ends at once when it is due and the speaker is free, with the reason of the first rule in the order G2 to G5
//!   that forbids it: [`Reason::TooLong`], [`Reason::QuietHours`], [`Reason::MinutesSpent`], [`Reason::SessionsSpent`].
//!   *A refusal goes before lateness:* what the guards allow at no instant from now to the limit ends by their reason, even where the
//!   board could not have begun by the limit either. A board does not warm its amplifier for what it may not sound, so that it is
//!   cold is the refusal's consequence; and who planned the start can mend a rule, or the plan, but not a tolerance that was never the
//!   cause.
//!
//! # X. Orders
//! - **X1** A live [order](crate::command::Order) ends what it names, of what sounds and of what is due and waits: at once, as
//!   [`Reason::Stopped`], whatever the item's policy is. What is planned for later stays planned.
//! - **X2** It is believed by its signature (emergency key, node within the key's area), for at most a minute, and obeyed once.
//! - **X3** While the clock is unknown it is believed if it names the node's present boot; and if it is valid by the floored clock and
//!   newer than what was obeyed. The second is no more than whoever holds back messages can do anyway, for an order only silences.
//!
//! # K. Clock
//! - **K1** While the clock is [`ClockTrust::Unknown`](crate::report::ClockTrust::Unknown) nothing begins by the plan; what sounds goes on.
//! - **K2** A limit that passes meanwhile has passed: the clock is floored, so it may be behind the truth, but not ahead.
//!
//! # R. Receipts
//! - **R1** Each occurrence of a node ends in exactly one receipt. (Two exceptions are in `docs/protocol.md`, section 7: many
//!   occurrences that passed at once, and those that were called missed while the clock was ahead.)
//! - **R2** The intent is on the disk before the first sample, also of a session that is taken up again; the receipt comes after the last.
//!   *One exception:* while the disk has no room an emergency sounds although neither its intent nor its document is there. Both become
//!   durable, in their order, as soon as there is room. Of what had no room by the time the power goes or the program ends, nothing is
//!   known at the next boot: the occurrence may begin again from its start, at each boot, as long as its limit allows, and a document
//!   that was newer has to come again. W2, I3 and R1 hold for what is on the disk.
//! - **R3** Each receipt names the digest of the one before it (`previous`): a hole or a change shows.
//! - **R4** The reason of an occurrence whose limit has passed is the first that applies: [`Reason::TooLate`] if that was before
//!   this boot, [`Reason::ClockUnknown`], [`Reason::NoTrackForLanguage`], [`Reason::SpeakerFailed`], [`Reason::Yielded`], the guard that
//!   held it (G8), [`Reason::AudioIncomplete`], else [`Reason::TooLate`].
//!
//! [`Item::heard`]: crate::plan::Item::heard
//! [`Reason::NoTrackForLanguage`]: crate::receipt::Reason::NoTrackForLanguage
//! [`Reason::Yielded`]: crate::receipt::Reason::Yielded
//! [`Reason::Superseded`]: crate::receipt::Reason::Superseded
//! [`Reason::Interrupted`]: crate::receipt::Reason::Interrupted
//! [`Reason::Withdrawn`]: crate::receipt::Reason::Withdrawn
//! [`Reason::Stopped`]: crate::receipt::Reason::Stopped
//! [`Reason::QuietHours`]: crate::receipt::Reason::QuietHours
//! [`Reason::TooLong`]: crate::receipt::Reason::TooLong
//! [`Reason::MinutesSpent`]: crate::receipt::Reason::MinutesSpent
//! [`Reason::SessionsSpent`]: crate::receipt::Reason::SessionsSpent
//! [`Reason::TooLate`]: crate::receipt::Reason::TooLate
//! [`Reason::ClockUnknown`]: crate::receipt::Reason::ClockUnknown
//! [`Reason::SpeakerFailed`]: crate::receipt::Reason::SpeakerFailed
//! [`Reason::AudioIncomplete`]: crate::receipt::Reason::AudioIncomplete

mod calendar;
mod cron;
mod guards;
mod occurrence;
mod order;
mod preflight;
mod quiet;
mod rules;
mod session;
mod start;
mod zone;

pub(crate) use self::calendar::check_shapes as check_calendar_shapes;

pub use self::calendar::{CALENDARS_MAX, Calendar, CalendarError, DateRange, LocalDate, check_calendars};
pub use self::cron::{CronError, CronPattern};
pub use self::guards::{Aired, Candidate, Guards, Judgement, LocalRange, OwnGuards, QUIET_MARGIN_MS, Watch};
pub use self::occurrence::{Occurrence, Timetable, occurrence_id};
pub use self::order::{Authority, Precedence, Supersession, supersedes};
pub use self::preflight::{Foreseen, Outlook, Past, Sounded, preflight};
pub use self::rules::{AfterInterruption, ItemRules, Repeats, Severity};
pub use self::session::{EMERGENCY_LACK_MS, PART_PAUSE_MS, Part, SessionPlan, last_call, objects_heard};
pub use self::start::Start;

/// How long before its nominal start an occurrence is near (T2), in milliseconds, on a board whose amplifier warms up in
/// two seconds.
pub const NEAR_MS: i64 = 5_000;
/// How long before it begins it is settled whose turn it is (T2), in milliseconds: enough to open a file and fill the decoder's
/// ring.
pub const ORDER_AHEAD_MS: i64 = 1_500;
