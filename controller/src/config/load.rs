//! Reading the layers and checking what they say together.

use std::path::Path;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::keys::{KEYS, KeyKind, nearest};
use super::{BrokerMode, Config, ConfigError};

const ENVIRONMENT: &str = "the environment";

impl Config {
    /// Reads defaults, then `file` when there is one, then the `LOA_...` variables among `environment`.
    ///
    /// # Errors
    /// The first problem found: see [`ConfigError`].
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        if let Some(path) = file {
            figment = figment.merge(read_file(path)?);
        }
        figment = figment.merge(EnvironmentLayer::new(environment)?);
        let mut config: Self = figment.extract().map_err(|e| from_figment(&e))?;
        config.speech.read_secrets().map_err(wrong)?;
        config.check()?;
        Ok(config)
    }

    /// The rules that one value alone cannot break.
    fn check(&self) -> Result<(), ConfigError> {
        let rule = |holds: bool, key: &str, problem: &str| {
            if holds {
                return Ok(());
            }
            Err(ConfigError::Value {
                origin: "the configuration".to_owned(),
                key: key.to_owned(),
                problem: problem.to_owned(),
            })
        };
        let database = self.database.url.reveal();
        let scheme = ["postgres://", "postgresql://"].iter().any(|scheme| database.starts_with(scheme));
        rule(
            database.is_empty() || scheme,
            "database.url",
            "it must begin with postgres://, or be empty for SQLite in `data_dir`",
        )?;
        let url = &self.http.public_url;
        let web = url.is_empty() || url.starts_with("http://") || url.starts_with("https://");
        rule(web, "http.public_url", "it must begin with http:// or https://")?;
        rule(
            !self.http.secure_cookies || url.starts_with("https://"),
            "http.secure_cookies",
            "secure cookies need an https:// address in `http.public_url`, or nobody could sign in",
        )?;
        rule(self.http.request_timeout_s > 0, "http.request_timeout_s", "it must be at least 1")?;
        let external = self.broker.mode == BrokerMode::External;
        let mqtt = self.broker.url.starts_with("mqtt://") || self.broker.url.starts_with("mqtts://");
        rule(
            !external || mqtt,
            "broker.url",
            "an external broker needs mqtts://host:port (or mqtt:// inside a trusted network)",
        )?;
        rule(!self.broker.public_host.is_empty(), "broker.public_host", "nodes need a name or an address")?;
        rule(
            self.broker.packet_max_bytes >= 256 * 1024,
            "broker.packet_max_bytes",
            "an emergency carries up to 128 KiB of sound inline: at least 262144",
        )?;
        let is_open = self.metrics.listen.is_some_and(|listen| !listen.ip().is_loopback());
        rule(
            !is_open || !self.metrics.token.reveal().is_empty(),
            "metrics.token",
            "other machines reach `metrics.listen`: set a token, or listen on 127.0.0.1",
        )?;
        rule((1..=64).contains(&self.speech.workers), "speech.workers", "choose 1 to 64")?;
        rule(
            (80..=300).contains(&self.speech.words_per_minute),
            "speech.words_per_minute",
            "choose 80 to 300",
        )?;
        rule(!self.speech.voice.is_empty(), "speech.voice", "name a voice, such as vi")?;
        rule(
            self.speech.region.parse::<loa_speech::normalize::Region>().is_ok(),
            "speech.region",
            "choose north, central or south",
        )?;
        rule(self.speech.cache_max_mib <= 1024 * 1024, "speech.cache_max_mib", "choose 0 to 1048576")?;
        self.speech.check(&self.listed_languages()?).map_err(wrong)?;
        rule(self.limits.text_max_chars > 0, "limits.text_max_chars", "it must be at least 1")?;
        rule(self.limits.session_idle_min > 0, "limits.session_idle_min", "it must be at least 1")?;
        rule(self.limits.session_max_h > 0, "limits.session_max_h", "it must be at least 1")?;
        rule(self.limits.sign_in_link_h > 0, "limits.sign_in_link_h", "it must be at least 1")?;
        rule(self.limits.enrolment_token_h > 0, "limits.enrolment_token_h", "it must be at least 1")?;
        rule(self.limits.upload_kept_h > 0, "limits.upload_kept_h", "it must be at least 1")?;
        rule(self.limits.sound_kept_days > 0, "limits.sound_kept_days", "it must be at least 1")
    }
}

pub(super) fn wrong((key, problem): (String, String)) -> ConfigError {
    ConfigError::Value { origin: "the configuration".to_owned(), key, problem }
}

fn read_file(path: &Path) -> Result<figment::providers::Data<Toml>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let dict: Dict = Toml::from_str(&text)
        .map_err(|e| ConfigError::Syntax { path: path.to_owned(), problem: e.to_string() })?;
    let mut leaves = Vec::new();
    collect_leaves("", &dict, &mut leaves);
    for key in leaves {
        if !KEYS.iter().any(|known| known.path == key) {
            let nearest = nearest(&key).map(str::to_owned);
            return Err(ConfigError::UnknownKey { origin: path.display().to_string(), key, nearest });
        }
    }
    Ok(Toml::file_exact(path))
}

fn collect_leaves(prefix: &str, dict: &Dict, leaves: &mut Vec<String>) {
    for (name, value) in dict {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value.as_dict() {
            // A known key that holds a table is a wrong value, not a group of keys.
            Some(inner) if !KEYS.iter().any(|known| known.path == path) => {
                collect_leaves(&path, inner, leaves);
            }
            _ => leaves.push(path),
        }
    }
}

/// The `LOA_...` variables as a nested dictionary.
struct EnvironmentLayer(Dict);

impl EnvironmentLayer {
    fn new(environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut root = Dict::new();
        for (variable, text) in environment {
            let other = OTHER_VARIABLES.contains(&variable.as_str()) || variable.starts_with("LOA_NODE_");
            if !variable.starts_with("LOA_") || other {
                continue;
            }
            let Some(key) = KEYS.iter().find(|key| key.variable() == variable) else {
                let dotted = variable.trim_start_matches("LOA_").to_ascii_lowercase();
                let nearest =
                    nearest(&dotted.replacen('_', ".", 1)).or_else(|| nearest(&dotted)).and_then(|path| {
                        KEYS.iter().find(|key| key.path == path).map(super::keys::Key::variable)
                    });
                return Err(ConfigError::UnknownKey {
                    origin: ENVIRONMENT.to_owned(),
                    key: variable,
                    nearest,
                });
            };
            let value = read_value(key.kind, &text).map_err(|problem| ConfigError::Value {
                origin: ENVIRONMENT.to_owned(),
                key: variable.clone(),
                problem,
            })?;
            insert(&mut root, key.path, value);
        }
        Ok(Self(root))
    }
}

/// Variables of other parts of the product that share the prefix, besides the nodes' `LOA_NODE_...`.
const OTHER_VARIABLES: &[&str] = &["LOA_LOG", "LOA_CONFIG"];

fn read_value(kind: KeyKind, text: &str) -> Result<Value, String> {
    match kind {
        KeyKind::Text => Ok(Value::from(text)),
        KeyKind::Integer => text
            .parse::<u64>()
            .map(Value::from)
            .map_err(|_| format!("{text:?} is not a whole number of zero or more")),
        KeyKind::Flag => {
            text.parse::<bool>().map(Value::from).map_err(|_| format!("{text:?} is not true or false"))
        }
        KeyKind::List => {
            Ok(Value::from(text.split(',').map(|t| t.trim().to_owned()).collect::<Vec<String>>()))
        }
        KeyKind::Tables => Err("it holds tables, which only the configuration file can".to_owned()),
    }
}

fn insert(root: &mut Dict, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            root.insert(path.to_owned(), value);
        }
        Some((group, rest)) => {
            let entry = root.entry(group.to_owned()).or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = entry {
                insert(inner, rest, value);
            }
        }
    }
}

impl Provider for EnvironmentLayer {
    fn metadata(&self) -> Metadata {
        Metadata::named(ENVIRONMENT)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.0.clone())]))
    }
}

fn from_figment(error: &figment::Error) -> ConfigError {
    let origin = error.metadata.as_ref().map_or_else(
        || "the configuration".to_owned(),
        |m| m.source.as_ref().map_or_else(|| m.name.to_string(), ToString::to_string),
    );
    ConfigError::Value { origin, key: error.path.join("."), problem: error.kind.to_string() }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn problem(text: &str, pairs: &[(&str, &str)]) -> String {
        let file = file(text);
        Config::load(Some(file.path()), variables(pairs)).unwrap_err().to_string()
    }

    #[test]
    fn environment_goes_over_the_file_and_the_file_over_the_defaults() {
        let file = file(
            "tenant = \"lam-dong\"\n[http]\nlisten = \"127.0.0.1:1\"\nsecure_cookies = false\n[speech]\nworkers = 3\n",
        );
        let config = Config::load(
            Some(file.path()),
            variables(&[
                ("LOA_HTTP_LISTEN", "127.0.0.1:0"),
                ("LOA_BROKER_PASSWORD", "12345"),
                ("LOA_SPEECH_LANGUAGES", "vi, en"),
                ("HOME", "/nowhere"),
            ]),
        )
        .unwrap();
        assert_eq!(config.tenant.as_str(), "lam-dong");
        assert_eq!(config.http.listen.port(), 0);
        assert_eq!(config.speech.workers, 3);
        assert_eq!(config.speech.words_per_minute, 120);
        assert_eq!(config.speech.languages, ["vi", "en"]);
        assert_eq!(config.broker.password.reveal(), "12345", "digits stay text where text is meant");
        assert!(!format!("{config:?}").contains("12345"));
    }

    #[test]
    fn an_operator_lists_a_language_that_the_table_lacks() {
        let file = file("[[languages]]\ncode = \"qaa\"\nvi = \"Rơ Năm\"\n");
        let languages = Config::load(Some(file.path()), []).unwrap().listed_languages().unwrap();
        let added = languages.get("qaa").unwrap();
        assert_eq!((added.vi.as_str(), added.en.as_str()), ("Rơ Năm", "Rơ Năm"));
        assert!(languages.get("kpm").is_some());
    }

    #[test]
    fn nothing_set_is_a_working_configuration() {
        let config = Config::load(None, []).unwrap();
        assert_eq!(config.zone, chrono_tz::Tz::Asia__Ho_Chi_Minh);
        assert_eq!(config.http.base_url(config.http.listen), "http://127.0.0.1:8080");
    }

    #[test]
    fn unknown_keys_are_refused_with_the_nearest_name() {
        let text = problem("[http]\nlissten = \"127.0.0.1:1\"", &[]);
        assert!(text.contains("`http.lissten`") && text.contains("did you mean `http.listen`"), "{text}");
        let text = problem("words_per_minut = 3", &[]);
        assert!(text.contains("`speech.words_per_minute`"), "{text}");
        let text = problem("", &[("LOA_HTTP_PUBLIC_ULR", "x")]);
        assert!(text.contains("LOA_HTTP_PUBLIC_ULR") && text.contains("`LOA_HTTP_PUBLIC_URL`"), "{text}");
        let text = problem("qqqqqqq = 1", &[]);
        assert!(text.contains("The keys are data_dir, tenant"), "{text}");
    }

    #[test]
    fn every_error_names_its_place_and_key() {
        for (text, pairs, parts) in [
            ("[http]\nlisten = 5", &[][..], &["`http.listen`", ".tmp"][..]),
            ("zone = \"Asia/Da_Lat\"", &[], &["`zone`", "Asia/Da_Lat"]),
            ("tenant = \"Lâm Đồng\"", &[], &["`tenant`", "a-z"]),
            ("", &[("LOA_SPEECH_WORKERS", "two")], &["LOA_SPEECH_WORKERS", "whole number"]),
            ("", &[("LOA_SPEECH_WORKERS", "0")], &["`speech.workers`", "1 to 64"]),
            ("[broker]\nmode = \"external\"", &[], &["`broker.url`", "mqtts://"]),
            ("[http]\nsecure_cookies = true", &[], &["`http.secure_cookies`", "https://"]),
            ("[http", &[], &["not valid TOML"]),
            ("[database]\nurl = \"mysql://a\"", &[], &["`database.url`", "postgres://"]),
            ("[speech]\nlanguages = [\"vi\", \"kho\"]", &[], &["`speech.languages`", "kpm (K'Ho)"]),
            (
                "[speech]\nlanguages = [\"vi\", \"kpm\"]",
                &[],
                &["`speech.languages`", "no engine has a voice"],
            ),
            ("[[languages]]\ncode = \"qaa\"\nvi = \" \"", &[], &["`languages[0].vi`", "Enter a name"]),
            ("[[languages]]\ncode = \"x-ro\"\nvi = \"Rơ\"", &[], &["`languages[0].code`", "qaa to qtz"]),
            ("[[languages]]\ncode = \"kpm\"\nvi = \"Cơ Ho\"", &[], &["in the table already: K'Ho"]),
            ("", &[("LOA_LANGUAGES", "kpm")], &["only the configuration file"]),
        ] {
            let message = problem(text, pairs);
            for part in parts {
                assert!(message.contains(part), "{message:?} should contain {part:?}");
            }
        }
        let missing = Config::load(Some(Path::new("/nowhere/loa.toml")), []).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/loa.toml"), "{missing}");
    }

    #[test]
    fn engines_are_declared_and_put_in_order() {
        let secrets = file("khoa-trong-tep\n");
        let file = file(&format!(
            r#"
            [[speech.engines]]
            name = "fpt"
            kind = "fpt"
            secret = "khoa-bi-mat"

            [[speech.engines]]
            name = "azure"
            kind = "azure"
            region = "southeastasia"
            secret_file = "{}"

            [[speech.engines]]
            name = "piper"
            kind = "piper"
            voices = [{{ id = "/opt/piper/vi.onnx", label = "Giọng Lan" }}]

            [[speech.orders]]
            language = "vi"
            engines = ["fpt", "piper"]

            [[speech.orders]]
            language = "vi"
            area = "da-don"
            engines = ["azure"]
            "#,
            secrets.path().display()
        ));
        let config = Config::load(Some(file.path()), []).unwrap();
        let [fpt, azure, piper] = &config.speech.engines[..] else { panic!("{config:?}") };
        assert_eq!(fpt.voices()[0].id, "banmai");
        assert_eq!(azure.secret.reveal(), "khoa-trong-tep");
        assert_eq!(piper.voices()[0].label_vi, "Giọng Lan");
        let shown = format!("{config:?}");
        assert!(!shown.contains("khoa-bi-mat") && !shown.contains("khoa-trong-tep"), "{shown}");
    }

    #[test]
    fn each_kind_is_declared_with_what_it_needs() {
        for (kind, needs) in [
            ("piper", "voices = [{ id = \"/opt/piper/vi.onnx\" }]"),
            ("piper-http", "voices = [{ id = \"vi_VN-vais1000-medium\" }]"),
            ("openai", "url = \"http://127.0.0.1:8000\""),
            ("fpt", "secret = \"bi-mat\""),
            ("viettel", "secret = \"bi-mat\""),
            ("vbee", "secret = \"bi-mat\"\napp_id = \"7\"\nvoices = [{ id = \"hn_female\" }]"),
            ("google", "secret = \"bi-mat\""),
            ("azure", "secret = \"bi-mat\"\nregion = \"southeastasia\""),
        ] {
            let file = file(&format!("[[speech.engines]]\nname = \"may\"\nkind = \"{kind}\"\n{needs}\n"));
            let config =
                Config::load(Some(file.path()), []).unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert!(!config.speech.engines[0].voices().is_empty(), "{kind}");
        }
    }

    #[test]
    fn engines_that_can_not_work_are_refused() {
        const FPT: &str = "[[speech.engines]]\nname = \"fpt\"\nkind = \"fpt\"\nsecret = \"bi-mat\"\n";
        let order = |rest: &str| format!("{FPT}[[speech.orders]]\n{rest}");
        let engine = |rest: &str| format!("[[speech.engines]]\n{rest}");
        for (text, parts) in [
            (engine("name = \"a\"\nkind = \"ftp\""), &["kind", "\"ftp\"", "piper-http"][..]),
            (engine("name = \"a\"\nkind = \"espeak-ng\""), &["always there"]),
            (engine("name = \"a\"\nkind = \"fpt\""), &["speech.engines[0].secret", "needs `secret`"]),
            (
                engine("name = \"a\"\nkind = \"fpt\"\nsecret_file = \"/no/such\""),
                &["secret_file", "/no/such"],
            ),
            (engine("name = \"a\"\nkind = \"fpt\"\nsecrett = \"bi-mat\""), &["secrett", "`secret`"]),
            (engine("name = \"a\"\nkind = \"azure\"\nsecret = \"bi-mat\""), &["region"]),
            (engine("name = \"a\"\nkind = \"piper\""), &["voices", "at least one voice"]),
            (
                engine("name = \"a\"\nkind = \"vbee\"\nsecret = \"bi-mat\"\nvoices = [{ id = \"x\" }]"),
                &["app_id"],
            ),
            (engine("name = \"a\"\nkind = \"openai\"\nurl = \"file:///x\""), &["https://host:port"]),
            (engine("name = \"espeak-ng\"\nkind = \"openai\""), &["embedded"]),
            (format!("{FPT}{FPT}"), &["speech.engines[1].name", "another engine"]),
            (
                order("language = \"vi\"\nengines = [\"ftp\"]"),
                &["speech.orders[0].engines", "not declared", "espeak-ng, fpt"],
            ),
            (
                order("language = \"km\"\nengines = [\"fpt\"]"),
                &["speech.orders[0].language", "speech.languages"],
            ),
            (order("language = \"en\"\nengines = [\"fpt\"]"), &["no voice that speaks \"en\""]),
            (order("language = \"vi\"\nengines = []"), &["at least one engine"]),
            (order("language = \"vi\"\narea = \"Đạ Đờn\"\nengines = [\"fpt\"]"), &["speech.orders[0].area"]),
        ] {
            let message = problem(&text, &[]);
            for part in parts {
                assert!(message.contains(part), "{message:?} should contain {part:?}");
            }
            assert!(!message.contains("bi-mat"), "{message}");
        }
        let message = problem("", &[("LOA_SPEECH_ENGINES", "fpt")]);
        assert!(message.contains("only the configuration file"), "{message}");
    }

    #[test]
    fn the_list_of_keys_is_the_structs() {
        for group in ["", "database", "http", "broker", "clock", "metrics", "speech", "limits"] {
            let path = if group.is_empty() { "qq".to_owned() } else { format!("{group}.qq") };
            let error = Figment::new()
                .merge(figment::providers::Serialized::default(&path, 1))
                .extract::<Config>()
                .unwrap_err();
            let figment::error::Kind::UnknownField(_, fields) = &error.kind else {
                panic!("{error}");
            };
            let listed: Vec<&str> = KEYS
                .iter()
                .filter_map(|key| match key.path.rsplit_once('.') {
                    None => group.is_empty().then_some(key.path),
                    Some((g, name)) => (g == group).then_some(name),
                })
                .collect();
            let groups = ["database", "http", "broker", "clock", "metrics", "speech", "limits"];
            let fields: Vec<&str> = fields.iter().copied().filter(|f| !groups.contains(f)).collect();
            assert_eq!(listed, fields, "group {group:?}");
        }
    }
}
