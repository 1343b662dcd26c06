//! An engine as a subprocess: text in, one sound file out, bounded in time and size.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::SynthesisError;
use super::answer::MAX_ANSWER_BYTES;

const MAX_MESSAGE_BYTES: u64 = 64 * 1_024;
const MAX_MESSAGE_CHARS: usize = 500;

/// A program that speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// Name or path.
    pub(super) path: PathBuf,
    /// The command that installs it.
    pub(super) install: &'static str,
    /// Longest time for one sentence.
    pub(super) timeout: Duration,
}

impl Program {
    /// Runs it once and gives what it wrote.
    pub(super) async fn run<I, S>(&self, arguments: I, input: &str) -> Result<Vec<u8>, SynthesisError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let program = &self.path;
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| {
                if source.kind() == io::ErrorKind::NotFound {
                    SynthesisError::EngineMissing { program: program.clone(), install: self.install, source }
                } else {
                    failed(program, "starting it", source)
                }
            })?;
        let name = || program.display().to_string();
        // Dropping the future at the time-out drops the child, which kills it.
        let output = tokio::time::timeout(self.timeout, talk(program, child, input))
            .await
            .map_err(|_elapsed| SynthesisError::TimedOut { engine: name(), limit: self.timeout })??;
        // Before the status: whoever floods the pipe dies of its end being closed.
        if output.stdout.len() > MAX_ANSWER_BYTES {
            let reason = format!("more than {MAX_ANSWER_BYTES} bytes for one sentence");
            return Err(SynthesisError::BadAudio { engine: name(), reason });
        }
        if output.status.success() {
            return Ok(output.stdout);
        }
        let message =
            String::from_utf8_lossy(&output.stderr).trim().chars().take(MAX_MESSAGE_CHARS).collect();
        Err(SynthesisError::EngineFailed { program: program.clone(), status: output.status, message })
    }
}

/// Feeds the text and takes the sound at the same time: with one after the other both pipes fill up.
async fn talk(program: &Path, mut child: Child, input: &str) -> Result<Output, SynthesisError> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        let Some(mut stdin) = stdin else { return Ok(()) };
        match stdin.write_all(input.as_bytes()).await {
            // An engine that fails early closes its input; its exit status says why.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    };
    let sound = read_all(stdout, MAX_ANSWER_BYTES as u64 + 1);
    let messages = read_all(stderr, MAX_MESSAGE_BYTES);
    let (fed, stdout, stderr) = tokio::join!(feed, sound, messages);
    fed.map_err(|source| failed(program, "giving it the text", source))?;
    let stdout = stdout.map_err(|source| failed(program, "taking its sound", source))?;
    let stderr = stderr.map_err(|source| failed(program, "taking its messages", source))?;
    let status = child.wait().await.map_err(|source| failed(program, "waiting for it", source))?;
    Ok(Output { status, stdout, stderr })
}

async fn read_all<R: tokio::io::AsyncRead + Unpin>(pipe: Option<R>, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(limit).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

fn failed(program: &Path, action: &'static str, source: io::Error) -> SynthesisError {
    SynthesisError::EngineIo { program: program.to_owned(), action, source }
}
