//! The real binary, with a configuration, secrets and a state directory of its own.

use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use crate::lab::keycloak::{Operator, Realm};
use crate::lab::postgres::{Role, Server};

/// No run takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(3);

/// A responder's host: what is configured, and what estop keeps there.
pub struct Estop {
    home: TempDir,
    /// All that any run has printed, to be searched for secrets.
    said: Mutex<String>,
}

impl Estop {
    /// With this configuration; secrets are added by name.
    pub fn new(config: &str) -> Result<Self> {
        let estop = Self { home: tempfile::tempdir()?, said: Mutex::default() };
        std::fs::DirBuilder::new().mode(0o700).create(estop.state())?;
        estop.configure(config)?;
        Ok(estop)
    }

    /// Every bot of a realm by its attribute, under the provider `sso`; `more` goes to the end of the configuration.
    pub fn of_realm(realm: &Realm, more: &str) -> Result<Self> {
        let estop = Self::new(&format!("{SELECT}\n{}\n{more}", keycloak("sso", realm, &realm.operator)))?;
        estop.secret(&realm.operator.client_id, &realm.operator.secret)?;
        Ok(estop)
    }

    /// Replaces the configuration.
    pub fn configure(&self, config: &str) -> Result<()> {
        self.write("config.toml", config, 0o600)
    }

    /// Puts a secret where the configuration refers to it.
    pub fn secret(&self, name: &str, secret: &str) -> Result<()> {
        self.write(&secret_file(name), secret, 0o600)
    }

    /// Writes a file beside the configuration.
    pub fn write(&self, name: &str, content: &str, mode: u32) -> Result<()> {
        let path = self.home.path().join(name);
        std::fs::write(&path, content).with_context(|| path.display().to_string())?;
        // Whatever the umask of whoever runs the tests is.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
        Ok(())
    }

    /// Where the journals are.
    pub fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// A command with `--json`, to its end.
    pub async fn run(&self, arguments: &[&str]) -> Result<Ran> {
        let child = self.start(&[&["--json"], arguments].concat())?;
        let ran = self.finish(child, arguments).await?;
        ran.parsed()
    }

    /// The same for people, without `--json`.
    pub async fn plain(&self, arguments: &[&str]) -> Result<Ran> {
        self.finish(self.start(arguments)?, arguments).await
    }

    /// With `--json`, and this on standard input.
    pub async fn given(&self, input: &str, arguments: &[&str]) -> Result<Ran> {
        self.fed(input, &[&["--json"], arguments].concat()).await?.parsed()
    }

    /// For people, and this on standard input.
    pub async fn given_plain(&self, input: &str, arguments: &[&str]) -> Result<Ran> {
        self.fed(input, arguments).await
    }

    async fn fed(&self, input: &str, arguments: &[&str]) -> Result<Ran> {
        let mut command = self.command(arguments);
        let mut child = command.arg("--config").arg(self.config()).stdin(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        // A command that has read enough hangs up.
        stdin.write_all(input.as_bytes()).await.ok();
        drop(stdin);
        self.finish(child, arguments).await
    }

    /// For people, on a host where nobody has written a configuration.
    pub async fn unconfigured(&self, arguments: &[&str]) -> Result<Ran> {
        self.finish(self.command(arguments).spawn()?, arguments).await
    }

    /// Where the configuration is.
    pub fn config(&self) -> PathBuf {
        self.home.path().join("config.toml")
    }

    /// Begins a command and leaves it to the caller.
    pub fn start(&self, arguments: &[&str]) -> Result<Child> {
        let mut command = self.command(arguments);
        command.arg("--config").arg(self.config()).spawn().context("the binary does not start")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_estop"));
        command.arg("--state-dir").arg(self.state());
        // Nothing of whoever runs the tests: no configuration of theirs, no proxy, no locale.
        command.args(arguments).env_clear().env("HOME", self.home.path()).env("LANG", "C.UTF-8");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    async fn finish(&self, child: Child, arguments: &[&str]) -> Result<Ran> {
        let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let output = ended.with_context(|| format!("estop {arguments:?} does not end"))??;
        let ran = Ran {
            command: arguments.join(" "),
            code: output.status.code().with_context(|| format!("estop {arguments:?}: {}", output.status))?,
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
            lines: Vec::new(),
        };
        self.heard(&format!("{}{}", ran.stdout, ran.stderr));
        Ok(ran)
    }

    /// Adds to what was printed.
    pub fn heard(&self, text: &str) {
        self.said.lock().expect("no holder panics").push_str(text);
    }

    /// Everything that estop has printed or written, by place.
    pub fn everything(&self) -> Result<Vec<(String, String)>> {
        let mut all = vec![("the output".to_owned(), self.said.lock().expect("no holder panics").clone())];
        for path in files(&self.state())? {
            let content = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
            all.push((path.display().to_string(), content));
        }
        Ok(all)
    }

    /// The journals of incidents, oldest first.
    pub fn journals(&self) -> Result<Vec<PathBuf>> {
        let mut journals = files(&self.state().join("journal"))?;
        let is_incident =
            |path: &Path| path.extension().is_some_and(|end| end == "jsonl") && !path.ends_with("host.jsonl");
        journals.retain(|path| is_incident(path));
        journals.sort();
        Ok(journals)
    }

    /// Every line of the journals of incidents.
    pub fn records(&self) -> Result<Vec<Value>> {
        let mut records = Vec::new();
        for path in self.journals()? {
            for line in std::fs::read_to_string(&path)?.lines() {
                records.push(serde_json::from_str(line).with_context(|| path.display().to_string())?);
            }
        }
        Ok(records)
    }
}

/// Every chatbot of the lab realm, and nothing else of it.
pub const SELECT: &str = "[select]\nattributes = [\"chatbot=true\"]\n";

/// A realm as a provider, read and cut by this operator.
pub fn keycloak(name: &str, realm: &Realm, operator: &Operator) -> String {
    keycloak_at(name, &realm.admin.base_url, &realm.name, &operator.client_id)
}

/// The same with every part free.
pub fn keycloak_at(name: &str, base_url: &str, realm: &str, client_id: &str) -> String {
    let file = secret_file(client_id);
    format!(
        "[[provider]]\nname = \"{name}\"\nkind = \"keycloak\"\nbase_url = \"{base_url}\"\nrealm = \"{realm}\"\n\
         auth_realm = \"master\"\nclient_id = \"{client_id}\"\nclient_secret = {{ file = \"{file}\" }}\n"
    )
}

/// A PostgreSQL server as a provider, as this role.
pub fn postgres(name: &str, server: &Server, role: &Role) -> String {
    let Role { name: user, .. } = role;
    let (port, file) = (server.port, secret_file(user));
    format!(
        "[[provider]]\nname = \"{name}\"\nkind = \"postgres\"\n\
         url = \"postgres://{user}@127.0.0.1:{port}/postgres?sslmode=disable\"\npassword = {{ file = \"{file}\" }}\n"
    )
}

/// One bot with these identities.
pub fn bot(name: &str, identities: &[&str]) -> String {
    format!(
        "[[bot]]\nname = \"{name}\"\nowner = \"kb-team\"\nenvironment = \"production\"\nidentities = {identities:?}\n"
    )
}

fn secret_file(name: &str) -> String {
    format!("{name}.secret")
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

/// What a run said.
pub struct Ran {
    pub command: String,
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    /// Each line of standard output, where `--json` was given.
    pub lines: Vec<Value>,
}

impl Ran {
    fn parsed(mut self) -> Result<Self> {
        for line in self.stdout.lines() {
            let value: Value = serde_json::from_str(line).with_context(|| format!("{self}: no JSON: {line}"))?;
            anyhow::ensure!(value["schema"].is_string() && value["exercise"].is_null(), "{self}: {line}");
            self.lines.push(value);
        }
        Ok(self)
    }

    /// Fails, with all that was said, unless it ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// The one document of a reading command.
    #[track_caller]
    pub fn document(&self) -> &Value {
        assert_eq!(self.lines.len(), 1, "{self}");
        &self.lines[0]
    }

    /// The last line of an isolation: what came of it.
    #[track_caller]
    pub fn outcome(&self) -> &Value {
        let last = self.lines.last().unwrap_or(&Value::Null);
        assert_eq!(last["schema"], "estop.outcome/1", "{self}");
        last
    }

    /// Fails unless one sentence on standard error has all of these.
    #[track_caller]
    pub fn says(&self, parts: &[&str]) -> &Self {
        let has_all = |line: &str| line.starts_with("estop: ") && parts.iter().all(|part| line.contains(part));
        assert!(self.stderr.lines().any(has_all), "no sentence with {parts:?}: {self}");
        self
    }

    /// Fails if anything that a terminal acts upon, or an unexplained failure, was printed.
    #[track_caller]
    pub fn is_calm(&self) -> &Self {
        let all = format!("{}{}", self.stdout, self.stderr);
        let acts = |c: char| {
            c != '\n'
                && (c.is_control()
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        };
        assert!(!all.contains(acts), "{self:?}");
        assert!(!all.contains("panicked") && !all.contains("error of estop's own"), "{self}");
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "estop {} = {}\n{}--\n{}", self.command, self.code, self.stdout, self.stderr)
    }
}

impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}
