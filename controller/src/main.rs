//! `loa-controller`: the broadcast controller of a commune or a province.

mod cli_preflight;
mod cli_speech;

use std::fs::{File, TryLockError};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use cli_preflight::PreflightArgs;
use cli_speech::SpeechCommand;
use loa_controller::app::Controller;
use loa_controller::config::Config;
use loa_controller::domain::area::AreaDraft;
use loa_controller::domain::node::{LineClass, NodeDraft};
use loa_controller::domain::role::{ClassSet, Principal, Role};
use loa_controller::enrol::{BrokerAddress, Enrolments};
use loa_controller::identity::Authority;
use loa_controller::services::{Clock, Nudges, ServiceError, Services, UserDraft};
use loa_controller::store::Store;
use loa_controller::trust::Trust;
use loa_protocol::bulletin::Class;
use loa_protocol::ids::{AreaId, NodeId};
use tracing_subscriber::EnvFilter;

/// The broadcast controller for village loudspeakers.
#[derive(Debug, Parser)]
#[command(name = "loa-controller", version)]
struct Cli {
    /// Configuration file (TOML); every key may also be given as LOA_SECTION_KEY in the environment.
    #[arg(long, global = true, env = "LOA_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the controller until SIGTERM or Ctrl-C.
    Run,
    /// Places.
    #[command(subcommand)]
    Area(AreaCommand),
    /// Loudspeakers.
    #[command(subcommand)]
    Node(NodeCommand),
    /// People.
    #[command(subcommand)]
    User(UserCommand),
    /// Copies the SQLite file of the data folder into the empty PostgreSQL database of `database.url`.
    MoveToPostgres,
    /// Says what will sound, where, how long, and what is refused by which rule.
    Preflight(PreflightArgs),
    /// How texts are read aloud.
    #[command(subcommand)]
    Speech(SpeechCommand),
}

#[derive(Debug, Subcommand)]
enum AreaCommand {
    /// Adds an area and prints its id.
    Add {
        /// Its name, as people write it.
        name: String,
        /// The word for its level: tỉnh, xã, thôn ...
        #[arg(long)]
        level: String,
        /// Id of the area above; none for the topmost.
        #[arg(long)]
        parent: Option<AreaId>,
        /// Languages spoken there (vi, kpm, cma ...), the preferred first; none: those of the area above.
        #[arg(long, value_delimiter = ',')]
        languages: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
enum NodeCommand {
    /// Adds a loudspeaker and prints the enrolment token for its board, once.
    Add {
        /// Its name, as people write it.
        name: String,
        /// Id of the area in which it stands.
        #[arg(long)]
        area: AreaId,
        /// The maker's serial number of the one board that may use the token.
        #[arg(long, default_value = "")]
        serial: String,
    },
    /// Makes a fresh token for a loudspeaker whose board is replaced.
    Token {
        /// Its id.
        id: NodeId,
    },
    /// Makes a loudspeaker's certificate worthless. A running controller ends its session within seconds.
    Revoke {
        /// Its id.
        id: NodeId,
        /// Why, for the audit log.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Adds a person and prints a link to sign in with, once.
    Add(UserAdd),
    /// Makes a fresh link for a person who has lost the passphrase.
    Link {
        /// The name by which they sign in.
        login: String,
    },
}

#[derive(Debug, Args)]
struct UserAdd {
    /// The name by which they sign in.
    login: String,
    /// Their own name.
    #[arg(long)]
    name: String,
    /// What they do: author, approver, technician, admin; each with `@AREA` for one area and below.
    #[arg(long = "role", required = true)]
    roles: Vec<String>,
    /// They may also write or approve emergencies.
    #[arg(long)]
    emergency: bool,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    // A matter of text alone: it needs no configuration.
    if let Command::Speech(SpeechCommand::Normalize(asked)) = &cli.command {
        return cli_speech::normalize(asked);
    }
    let quiet = if matches!(cli.command, Command::Run) { "info" } else { "warn" };
    let filter = EnvFilter::try_from_env("LOA_LOG").unwrap_or_else(|_| EnvFilter::new(quiet));
    let is_terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(is_terminal)
        .with_writer(std::io::stderr)
        .init();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        anyhow::bail!("another TLS provider was installed first");
    }
    let environment = std::env::vars().filter(|(key, _)| !["LOA_CONFIG", "LOA_LOG"].contains(&key.as_str()));
    let config = Config::load(cli.config.as_deref(), environment)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(execute(cli.command, config)).map_err(in_words)
}

/// A refusal of a service in the words that people get, field by field; everything else as it is, with its causes.
fn in_words(error: anyhow::Error) -> anyhow::Error {
    let said = match error.downcast_ref::<ServiceError>() {
        Some(ServiceError::Invalid(errors)) => {
            let fields = errors.iter().map(|error| format!("{}: {}", error.field, error.message.en));
            fields.collect::<Vec<_>>().join("\n")
        }
        // What failed here is for the operator to see whole.
        Some(refusal) if refusal.message().code != "internal" => refusal.message().en.into_owned(),
        Some(_) | None => return error,
    };
    anyhow::Error::msg(said)
}

async fn execute(command: Command, config: Config) -> anyhow::Result<()> {
    match command {
        Command::Run => run(config).await,
        Command::Area(command) => area(command, &open(&config).await?).await,
        Command::Node(command) => node(command, &config).await,
        Command::User(command) => user(command, &config).await,
        Command::MoveToPostgres => move_to_postgres(&config).await,
        Command::Preflight(asked) => cli_preflight::preflight(asked, &open(&config).await?).await,
        Command::Speech(SpeechCommand::Normalize(asked)) => cli_speech::normalize(&asked),
        Command::Speech(SpeechCommand::Export(asked)) => {
            cli_speech::export(asked, &open(&config).await?).await
        }
    }
}

/// Keeps every other controller off the folder for as long as the file is open: two that sign plans from one database
/// would each undo what the other sent.
fn claim(data_dir: &Path) -> anyhow::Result<File> {
    let path = data_dir.join("controller.lock");
    let cannot = || format!("cannot write {}: is the folder this user's own?", path.display());
    std::fs::create_dir_all(data_dir).with_context(cannot)?;
    let file = File::create(&path).with_context(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => anyhow::bail!(
            "another loa-controller runs on {}: stop it first, or set data_dir to another folder",
            data_dir.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
    }
}

async fn run(config: Config) -> anyhow::Result<()> {
    let _claim = claim(&config.data_dir)?;
    let keys = config.data_dir.join("keys");
    let controller = Controller::start(config).await?;
    if let Some(seed) = Trust::root_seed_path(&keys) {
        tracing::warn!(
            "the root key lies in {}: move it to a safe place without network; only a change of keys needs it",
            seed.display()
        );
    }
    println!("{}", controller.base_url());
    let broken = tokio::select! {
        ended = signalled() => ended.map(|()| false)?,
        () = controller.broken() => true,
    };
    controller.stop().await;
    anyhow::ensure!(!broken, "a part of the controller ended by itself; the log says which");
    Ok(())
}

async fn signalled() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        ended = tokio::signal::ctrl_c() => ended?,
    }
    Ok(())
}

async fn open(config: &Config) -> anyhow::Result<Services> {
    Ok(Services::open(config, Clock::machine(), Nudges::default()).await?)
}

async fn move_to_postgres(config: &Config) -> anyhow::Result<()> {
    anyhow::ensure!(!config.database.url.is_empty(), "set `database.url` to the PostgreSQL database first");
    let _claim = claim(&config.data_dir)?;
    let file = config.data_dir.join("controller.db");
    anyhow::ensure!(file.exists(), "there is no {} to copy", file.display());
    let from = Store::open(&file).await?;
    let to = Store::connect(&config.database.url).await?;
    for (table, rows) in from.copy_to(&to).await? {
        println!("{rows:>10} {table}");
    }
    eprintln!("copied; {} stays as it is and is read no more while `database.url` is set", file.display());
    Ok(())
}

async fn area(command: AreaCommand, services: &Services) -> anyhow::Result<()> {
    let AreaCommand::Add { name, level, parent, languages } = command;
    let draft = AreaDraft { name, level, languages, zone: String::new() };
    let area = services.areas.create(&Principal::operator(), parent.as_ref(), &draft).await?;
    println!("{}", area.id);
    Ok(())
}

async fn node(command: NodeCommand, config: &Config) -> anyhow::Result<()> {
    let services = open(config).await?;
    let operator = Principal::operator();
    let id = match command {
        NodeCommand::Add { name, area, serial } => {
            let draft = NodeDraft { name, area, serial, volume_percent: None, line: LineClass::default() };
            services.nodes.create(&operator, &draft).await?.id
        }
        NodeCommand::Token { id } => id,
        NodeCommand::Revoke { id, reason } => {
            services.nodes.revoke(&operator, &id, &reason).await?;
            println!("{id}");
            return Ok(());
        }
    };
    let token = enrolments(config, &services)?.issue(&operator, &id).await?;
    println!("{}", token.text);
    eprintln!(
        "node {id}; on its board run: loa-node enrol TOKEN  (the token works once, until {})",
        token.expires
    );
    Ok(())
}

fn enrolments(config: &Config, services: &Services) -> anyhow::Result<Enrolments> {
    let now = services.clock().now();
    let authority = Authority::open_or_create(&config.data_dir.join("ca"), now)?;
    let anchor = authority.trust_anchor(config.tenant.clone());
    let trust = Arc::new(Trust::open_or_create(&config.data_dir.join("keys"), &anchor, now)?);
    Ok(Enrolments {
        nodes: services.nodes.clone(),
        clock: services.clock().clone(),
        authority: Arc::new(authority),
        trust,
        base_url: config.http.base_url(config.http.listen),
        broker: BrokerAddress { host: config.broker.public_host.clone(), port: config.broker.public_port },
    })
}

async fn user(command: UserCommand, config: &Config) -> anyhow::Result<()> {
    let services = open(config).await?;
    let operator = Principal::operator();
    let id = match command {
        UserCommand::Add(add) => {
            // Everything is read before anything is written: a person without roles would be in the way of a second try.
            let mut grants = Vec::new();
            for grant in &add.roles {
                let (role, area) = match grant.split_once('@') {
                    Some((role, area)) => (role, Some(AreaId::new(area)?)),
                    None => (grant.as_str(), None),
                };
                if let Some(area) = &area {
                    services.areas.get(&operator, area).await?;
                }
                let role: Role = role.parse().with_context(|| format!("--role {grant}"))?;
                grants.push((role, area));
            }
            let draft = UserDraft { login: add.login, display_name: add.name, home: None };
            let user = services.users.create(&operator, &draft).await?;
            let classes =
                if add.emergency { ClassSet::ALL } else { ClassSet::of([Class::Normal, Class::Priority]) };
            for (role, area) in grants {
                services.users.grant(&operator, &user.id, role, area.as_ref(), classes).await?;
            }
            user.id
        }
        UserCommand::Link { login } => services.users.by_login(&operator, &login).await?.user.id,
    };
    let link = services.users.issue_sign_in_link(&operator, &id).await?;
    println!("{}/welcome/{}", config.http.base_url(config.http.listen), link.reveal());
    Ok(())
}
