//! The end in good order.

use std::time::Duration;

use super::{ServeError, Shell, notify};
use crate::clock::trust::Look;

/// How long what sounds may take to stop: a little more than the core waits for the speaker.
const SILENCE_LIMIT: Duration = Duration::from_secs(7);

impl Shell {
    /// Stops what sounds, writes its receipt, takes leave of the broker, closes everything.
    pub(super) async fn stop(mut self) -> Result<(), ServeError> {
        tracing::info!("the node stops");
        notify::stopping();
        self.is_stopping = true;
        let now = self.now();
        self.core.handle_shutdown(now);
        self.act().await?;
        match tokio::time::timeout(SILENCE_LIMIT, self.fall_silent()).await {
            Ok(silent) => silent?,
            Err(_) => {
                tracing::warn!("the speaker did not stop in time; its receipt is written at the next start")
            }
        }
        self.release_speaker();
        self.keep_clock(&Look::at(&self.clock)).await;
        self.links.close().await;
        // Nobody takes the cache's events any more: without their channel the thread cannot wait for room in it.
        drop((self.jobs, self.stored));
        let thread = self.cache_thread;
        if !matches!(tokio::task::spawn_blocking(move || thread.join()).await, Ok(Ok(()))) {
            tracing::error!("the audio cache did not end well");
        }
        // What still has no room on the disk is found out anew at the next boot.
        while !self.waiting.is_empty() {
            if let Err(error) = self.waiting.write_next(&mut self.store).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the disk is full: something is not kept"
                );
                break;
            }
        }
        self.store.close().await?;
        Ok(())
    }

    async fn fall_silent(&mut self) -> Result<(), ServeError> {
        while !self.core.is_silent() {
            let input = self.next().await;
            if self.handle(input).await?.is_break() {
                break;
            }
            self.act().await?;
        }
        Ok(())
    }
}
