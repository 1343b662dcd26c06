//! The thread that works on the cache, so that a slow memory card never holds up a decision.
//!
//! ```text
//! event loop ── first: what is to play ──────> cache thread ── StoreEvent (bounded) ──> event loop
//!            └─ queue: what is downloaded ───>    └─ when idle: hashes one whole object after the other
//! ```
//!
//! # Invariants
//! - A sound that is due never waits for a download: jobs about sounds have a queue of their own, which is looked at before
//!   each job. Within each queue, jobs are done in the order in which they were sent.
//! - Each whole object found at boot is hashed once, before it plays or when the thread is idle, whichever comes first. A
//!   job waits for at most one object's hash.
//! - An object plays only after its hash was right: one whose file could not be read is hashed again before it plays.
//! - Whoever waits for room in the job queue, or for an answer, must go on taking events: the thread waits for room for
//!   those.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use loa_node_core::StoreEvent;
use loa_protocol::ids::ObjectHash;
use loa_protocol::time::UnixMs;
use loa_protocol::transfer::Manifest;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

use super::{Cache, CacheError};

/// Jobs of downloads that can wait: the blocks that the core lets be under way, and as much again for what begins, ends and
/// drops objects. A full queue holds up the event loop.
pub const QUEUE: usize = 64;
/// Jobs about sounds that can wait; the event loop asks for one sound at a time.
pub const FIRST: usize = 8;
/// Events that can wait.
pub const EVENTS: usize = 64;

/// Something to do on the cache.
#[derive(Debug)]
pub enum Job {
    /// [`Cache::begin`]. After a failure, of which the event tells, blocks of the object are passed over.
    Begin(Arc<Manifest>),
    /// [`Cache::store_block`].
    StoreBlock {
        /// The object.
        object: ObjectHash,
        /// Number of the block.
        index: u32,
        /// Where it lies.
        offset_bytes: u32,
        /// The block.
        bytes: Vec<u8>,
    },
    /// [`Cache::finish`].
    Finish(ObjectHash),
    /// [`Cache::drop_object`].
    Drop(ObjectHash),
    /// Answered when everything sent before it is done.
    Reached(oneshot::Sender<()>),
    /// Makes sure that an object is what its name says, takes note of its use, and answers with its path; without one it is
    /// corrupt or cannot be read, and the event says so.
    ForPlaying {
        /// The object.
        object: ObjectHash,
        /// When it is used.
        now: UnixMs,
        /// Answered in any case.
        path: oneshot::Sender<Option<PathBuf>>,
    },
    /// Hashes an object again when there is nothing else to do: it could not be decoded.
    Suspect(ObjectHash),
}

/// The way to the cache thread.
#[derive(Clone, Debug)]
pub struct Jobs {
    first: mpsc::Sender<Job>,
    queue: mpsc::Sender<Job>,
}

impl Jobs {
    /// The queue that a job goes into; see [`QUEUE`] and [`FIRST`] for when it is full.
    #[must_use]
    pub fn queue_of(&self, job: &Job) -> &mpsc::Sender<Job> {
        match job {
            Job::ForPlaying { .. } | Job::Suspect(_) => &self.first,
            Job::Begin(_) | Job::StoreBlock { .. } | Job::Finish(_) | Job::Drop(_) | Job::Reached(_) => {
                &self.queue
            }
        }
    }
}

/// Starts the thread. It ends when all [`Jobs`] are dropped and done.
///
/// # Errors
/// When the system gives no thread.
pub fn start(
    cache: Cache,
    unverified: BTreeSet<ObjectHash>,
) -> std::io::Result<(Jobs, mpsc::Receiver<StoreEvent>, std::thread::JoinHandle<()>)> {
    let (first, incoming_first) = mpsc::channel(FIRST);
    let (queue, incoming_queue) = mpsc::channel(QUEUE);
    let (outgoing, events) = mpsc::channel(EVENTS);
    let incoming = Incoming {
        first: incoming_first,
        queue: incoming_queue,
        executor: tokio::runtime::Builder::new_current_thread().build()?,
    };
    let worker = Worker {
        cache,
        unverified,
        unreadable: BTreeSet::new(),
        lost: BTreeSet::new(),
        refused: BTreeSet::new(),
        events: outgoing,
    };
    let thread = std::thread::Builder::new().name("cache".into()).spawn(move || worker.run(incoming))?;
    Ok((Jobs { first, queue }, events, thread))
}

/// The thread's end of [`Jobs`].
struct Incoming {
    first: mpsc::Receiver<Job>,
    queue: mpsc::Receiver<Job>,
    /// Waits for both queues at once.
    executor: Runtime,
}

impl Incoming {
    /// A job that is there already.
    fn poll(&mut self) -> Option<Job> {
        self.first.try_recv().or_else(|_| self.queue.try_recv()).ok()
    }

    /// The next job; `None` when there are none left and nobody can send one.
    fn wait(&mut self) -> Option<Job> {
        let Self { first, queue, executor } = self;
        executor.block_on(async {
            tokio::select! {
                biased;
                Some(job) = first.recv() => Some(job),
                Some(job) = queue.recv() => Some(job),
                else => None,
            }
        })
    }
}

struct Worker {
    cache: Cache,
    unverified: BTreeSet<ObjectHash>,
    /// Objects whose file could not be read when it was last hashed. They are tried again only when they are to play: the
    /// idle thread would try them for ever.
    unreadable: BTreeSet<ObjectHash>,
    /// Objects that were reported corrupt and have not been begun anew: one word about each is enough.
    lost: BTreeSet<ObjectHash>,
    /// Objects that could not be begun, until they are dropped or begun anew. Blocks of theirs may be on the way already;
    /// what went wrong has been told.
    refused: BTreeSet<ObjectHash>,
    events: mpsc::Sender<StoreEvent>,
}

impl Worker {
    fn run(mut self, mut jobs: Incoming) {
        loop {
            if let Some(job) = jobs.poll() {
                self.work(job);
            } else if let Some(object) = self.unverified.first().copied() {
                self.verify(object);
            } else {
                match jobs.wait() {
                    Some(job) => self.work(job),
                    None => return,
                }
            }
        }
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Begin(manifest) => {
                self.forget(&manifest.object);
                if let Err(error) = self.cache.begin(&manifest) {
                    self.refused.insert(manifest.object);
                    self.report_failure(manifest.object, &error);
                }
            }
            Job::StoreBlock { object, index, .. } if self.refused.contains(&object) => {
                tracing::debug!(%object, index, "a block of an object that could not be begun");
            }
            Job::StoreBlock { object, index, offset_bytes, bytes } => {
                match self.cache.store_block(&object, offset_bytes, &bytes) {
                    Ok(()) => self.report(StoreEvent::BlockStored { object, index }),
                    Err(error) => self.report_failure(object, &error),
                }
            }
            Job::Finish(object) => match self.cache.finish(&object) {
                Ok(true) => self.report(StoreEvent::ObjectReady { object }),
                // Nothing of it is there: it must be fetched from its beginning.
                Ok(false) | Err(CacheError::NotBegun(_)) => self.report(StoreEvent::ObjectCorrupt { object }),
                Err(error) => self.report_failure(object, &error),
            },
            Job::Drop(object) => {
                self.unverified.remove(&object);
                self.forget(&object);
                if let Err(error) = self.cache.drop_object(&object) {
                    self.report_failure(object, &error.into());
                }
            }
            // Nobody waits any more: the program is ending.
            Job::Reached(done) => drop(done.send(())),
            Job::ForPlaying { object, now, path } => {
                let is_right = self.is_right(object);
                if is_right && let Err(error) = self.cache.touch(&object, now) {
                    tracing::warn!(%object, error = &error as &dyn std::error::Error, "cannot note that an object is used");
                }
                let _ = path.send(is_right.then(|| self.cache.path(&object)));
            }
            Job::Suspect(object) => {
                self.unverified.insert(object);
            }
        }
    }

    /// It begins anew, or is of no interest any more: so is what went wrong with it.
    fn forget(&mut self, object: &ObjectHash) {
        self.unreadable.remove(object);
        self.lost.remove(object);
        self.refused.remove(object);
    }

    /// Whether a whole object is there and was hashed since boot; hashes it if not.
    fn is_right(&mut self, object: ObjectHash) -> bool {
        let is_verified = !self.unverified.contains(&object) && !self.unreadable.contains(&object);
        is_verified && self.cache.path(&object).exists() || self.verify(object)
    }

    /// Whether a whole object's hash is right.
    fn verify(&mut self, object: ObjectHash) -> bool {
        self.unverified.remove(&object);
        self.unreadable.remove(&object);
        match self.cache.verify(&object) {
            Ok(true) => true,
            Ok(false) => {
                if self.lost.insert(object) {
                    tracing::warn!(%object, "an object in the cache had changed on the disk; it is fetched anew");
                    self.report(StoreEvent::ObjectCorrupt { object });
                }
                false
            }
            Err(error) => {
                self.unreadable.insert(object);
                self.report_failure(object, &error.into());
                false
            }
        }
    }

    fn report_failure(&mut self, object: ObjectHash, error: &CacheError) {
        tracing::warn!(%object, error = error as &dyn std::error::Error, "the audio cache failed");
        self.report(if error.is_full() {
            StoreEvent::Full { object }
        } else {
            StoreEvent::Failing { object }
        });
    }

    fn report(&self, event: StoreEvent) {
        if self.events.blocking_send(event).is_err() {
            tracing::debug!(?event, "nobody listens to the cache any more");
        }
    }
}
