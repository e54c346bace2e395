//! Tables of files: what is taken, what is refused, and where the message points.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::{
    Config, ConfigError, Notice, ProviderSettings, SecretReference, Sources, layer::Layer, load, load::merge, starter,
};
use crate::domain::Policy;

const THEMES: &[&str] = &["dusk", "paper", "mono"];

const KEYCLOAK: &str = r#"
[[provider]]
name = "corp-sso"
kind = "keycloak"
base_url = "https://sso.example.com"
realm = "corp"
client_id = "estop"
client_secret = { env = "ESTOP_SSO_SECRET" }
"#;

fn read(text: &str) -> Result<(Config, Vec<Notice>), ConfigError> {
    merge(None, Some(Layer::read(Path::new("/conf/user.toml"), text)?), THEMES)
}

fn both(system: &str, user: &str) -> Result<Config, ConfigError> {
    let system = Layer::read(Path::new("/conf/system.toml"), system)?;
    let user = Layer::read(Path::new("/conf/user.toml"), user)?;
    merge(Some(system), Some(user), THEMES).map(|(config, _)| config)
}

#[test]
fn the_contracts_example_is_taken() {
    let text = r##"
[console]
theme = "dusk"
read_only = false
protected = ["corp-sso:0b1f"]
approver_group = "ir-leads"
responder_group = "ir"
fallback_dir = "/srv/estop"
[select]
names = ["*-bot", "copilot-*"]
attributes = ["estop.bot"]
[[provider]]
name = "corp-sso"
kind = "keycloak"
base_url = "https://sso.example.com"
realm = "corp"
client_id = "estop"
client_secret = { env = "ESTOP_SSO_SECRET" }
ca_file = "corp-ca.pem"
client_cert = "estop.pem"
client_key = { file = "estop.key" }
proxy = "http://proxy:3128"
[[provider]]
name = "docs-db"
kind = "postgres"
url = "postgres://estop@db.example.com:5432/docs?sslmode=verify-full"
password = { file = "docs-db.secret" }
[[bot]]
name = "knowledge"
owner = "kb-team"
contact = "#kb-oncall"
environment = "production"
identities = ["corp-sso:knowledge-bot", "docs-db:kb_reader"]
"##;
    let (config, notices) = read(text).unwrap();
    assert!(notices.is_empty());
    let ProviderSettings::Keycloak(keycloak) = &config.providers[0].settings else { panic!("not a Keycloak") };
    assert_eq!(keycloak.auth_realm, "corp");
    assert_eq!(keycloak.server.ca_file.as_deref(), Some(Path::new("/conf/corp-ca.pem")));
    let identity = keycloak.server.client_identity.as_ref().unwrap();
    assert_eq!(identity.cert, Path::new("/conf/estop.pem"));
    assert_eq!(identity.key, SecretReference::File("/conf/estop.key".into()));
    let ProviderSettings::Postgres(postgres) = &config.providers[1].settings else { panic!("not a PostgreSQL") };
    assert_eq!((postgres.host.as_str(), postgres.port, postgres.user.as_str()), ("db.example.com", 5432, "estop"));
    assert_eq!((postgres.database.as_str(), postgres.tls), ("docs", true));
    assert_eq!(postgres.password, Some(SecretReference::File("/conf/docs-db.secret".into())));
    assert_eq!(config.bots[0].identities[1].to_string(), "docs-db:kb_reader");
    assert_eq!(config.console.protected[0].native(), "0b1f");
}

/// The starter configures nothing as it stands, and is taken whole once the marks are gone.
#[test]
fn the_starter_is_sound_in_both_forms() {
    let (config, _) = read(starter()).unwrap();
    assert!(config.providers.is_empty());
    let live: Vec<&str> = starter()
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .filter(|line| line.starts_with('[') || line.chars().next().is_some_and(char::is_alphabetic))
        .collect();
    let live = live.join("\n");
    let (config, notices) = read(&live).unwrap();
    assert_eq!((config.providers.len(), config.bots.len(), notices.len()), (3, 1, 0));
    for key in super::provider::all_keys() {
        assert!(starter().contains(&format!("\n#{key} = ")), "{key} is not in the starter");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let keycloak = |line: &str| format!("{KEYCLOAK}{line}\n");
    let replaced = |from: &str, to: &str| KEYCLOAK.replace(from, to);
    for (text, line, part) in [
        ("[console]\nthme = \"dusk\"".to_owned(), 2, "did you mean theme?"),
        ("[[providr]]\nname = \"x\"".to_owned(), 1, "did you mean provider?"),
        (keycloak("base_urll = \"x\""), 9, "did you mean base_url?"),
        (keycloak("password = { env = \"X\" }"), 9, "unknown key password"),
        (replaced("kind = \"keycloak\"", "kind = \"keycloack\""), 4, "did you mean keycloak?"),
        (replaced("name = \"corp-sso\"\n", ""), 2, "has no name"),
        (replaced("realm = \"corp\"", "realm = 7"), 6, "realm must be a text"),
        (replaced("realm = \"corp\"", "realm = \" \""), 6, "realm is empty"),
        (replaced("realm = \"corp\"", "realm = \"a\"\nrealm = \"b\""), 7, "duplicate key"),
        (replaced("https://", "http://"), 5, "must be https"),
        (replaced("https://", "https://estop:hunter2@"), 5, "holds a password"),
        (replaced("{ env = \"ESTOP_SSO_SECRET\" }", "\"hunter2\""), 8, "holds the secret itself"),
        (replaced("env = \"ESTOP_SSO_SECRET\"", "env = \"hunter2-!\""), 8, "env takes the name"),
        (replaced("env = ", "enw = "), 8, "did you mean env?"),
        (replaced("{ env = \"ESTOP_SSO_SECRET\" }", "{ env = \"A\", file = \"b\" }"), 8, "exactly one"),
        (keycloak("client_cert = \"a.pem\""), 2, "has no client_key"),
        (keycloak("client_key = { file = \"a.key\" }"), 2, "has no client_cert"),
        (keycloak("client_cert = \"a.pem\"\nclient_key = \"hunter2\""), 10, "holds the secret itself"),
        (replaced("name = \"corp-sso\"", "name = \"a:b\""), 3, "a provider's name"),
        (format!("{KEYCLOAK}{KEYCLOAK}"), 11, "two providers are named corp-sso"),
        (keycloak("[[bot]]\nname = \"a\"\nidentities = [\"corp-sos:x\"]"), 11, "did you mean corp-sso?"),
        (keycloak("[[bot]]\nname = \"a\"\nidentities = [\"x\"]"), 11, "PROVIDER:NATIVE-ID"),
        (keycloak("[[bot]]\nname = \"a\"\n"), 9, "has no identities"),
        (
            keycloak(
                "[[bot]]\nname = \"a\"\nidentities = [\"corp-sso:x\"]\n[[bot]]\nname = \"b\"\nidentities = [\"corp-sso:x\"]",
            ),
            14,
            "already one of a",
        ),
        ("[console]\nread_only = \"no\"".to_owned(), 2, "true or false"),
        ("[console]\nprotected = [3]".to_owned(), 2, "list of texts"),
        ("[[console]]\n".to_owned(), 1, "written as [console]"),
        ("[select]\nnames = [\"a[\"]".to_owned(), 2, "pattern that cannot be read"),
        ("a = hunter2".to_owned(), 1, "no TOML"),
    ] {
        let message = read(&text).map(|_| ()).unwrap_err().to_string();
        assert!(message.starts_with(&format!("/conf/user.toml:{line}: ")), "{message}\n{text}");
        assert!(message.contains(part), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn databases_are_spoken_to_over_tls() {
    let postgres = |url: &str| read(&format!("[[provider]]\nname = \"db\"\nkind = \"postgres\"\nurl = \"{url}\"\n"));
    for (url, tls) in [
        ("postgres://estop@db.example.com/docs", true),
        ("postgresql://estop@db.example.com/docs?sslmode=verify-full", true),
        ("postgres://estop@localhost/docs?sslmode=disable", false),
        ("postgres://estop@[::1]:5433/docs?sslmode=disable", false),
        ("postgres://estop@127.0.0.1:5433/docs", true),
    ] {
        let (config, _) = postgres(url).unwrap();
        let ProviderSettings::Postgres(settings) = &config.providers[0].settings else { panic!("not a PostgreSQL") };
        assert_eq!(settings.tls, tls, "{url}");
    }
    for (url, part) in [
        ("postgres://estop@db.example.com/docs?sslmode=disable", "loopback"),
        ("postgres://estop@db.example.com/docs?sslmode=require", "verify-full"),
        ("postgres://estop@db.example.com/docs?sslmod=disable", "did you mean sslmode?"),
        ("postgres://estop:hunter2@db.example.com/docs", "holds a password"),
        ("postgres://estop@db.example.com/docs?password=hunter2", "holds a password"),
        ("mysql://estop@db.example.com/docs", "postgres://"),
        ("postgres://db.example.com/docs", "names no role"),
        ("postgres://estop@db.example.com", "names no database"),
    ] {
        let message = postgres(url).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains(":4: ") && !message.contains("hunter2"), "{message}");
    }
}

#[test]
fn the_users_file_goes_over_the_systems_and_loosens_nothing() {
    let system = format!(
        "[console]\ntheme = \"paper\"\nread_only = true\nresponder_group = \"ir\"\nprotected = [\"corp-sso:1\"]\n{KEYCLOAK}"
    );
    let config =
        both(&system, "[console]\ntheme = \"mono\"\nread_only = false\nprotected = [\"corp-sso:2\"]\n").unwrap();
    assert_eq!(config.console.theme.as_deref(), Some("mono"));
    assert!(config.console.read_only, "a user file cannot take read_only back");
    assert_eq!(config.console.protected.len(), 2, "protected adds up");
    assert_eq!(config.console.responder_group.as_deref(), Some("ir"));
    assert_eq!(config.files.len(), 2);
    let error = both(&system, "\n[console]\nresponder_group = \"all\"\n").unwrap_err().to_string();
    assert!(error.starts_with("/conf/user.toml:3: ") && error.contains("system-wide"), "{error}");
    let error = both(&system, KEYCLOAK).unwrap_err().to_string();
    assert!(error.starts_with("/conf/user.toml:3: ") && error.contains("two providers"), "{error}");
}

/// Actions and keys are the console's to check; here they keep their place.
#[test]
fn keys_are_kept_as_written_with_their_line() {
    let text = "[console]\nascii = true\n[console.keys]\nisolate = \"x\"\nfilter = [\"/\", \"f\"]\n\nrefresh = false\n";
    let console = read(text).unwrap().0.console;
    let kept: Vec<(&str, Vec<&str>, usize)> = console
        .keys
        .iter()
        .map(|setting| (&*setting.action, setting.keys.iter().map(String::as_str).collect(), setting.line))
        .collect();
    assert_eq!(kept, [("isolate", vec!["x"], 4), ("filter", vec!["/", "f"], 5), ("refresh", vec![], 7)]);
    assert!(console.ascii && !console.mouse && console.color.is_none());
    assert!(console.keys.iter().all(|setting| setting.file == Path::new("/conf/user.toml")));
    // The user's go over the system's, action by action.
    let console =
        both("[console.keys]\nisolate = \"x\"\ntheme = \"T\"\n", "[console.keys]\nisolate = \"z\"\n").unwrap();
    let keys = console.console.keys;
    assert_eq!(
        keys.iter().map(|setting| (&*setting.action, &*setting.keys[0])).collect::<Vec<_>>(),
        [("theme", "T"), ("isolate", "z")]
    );
    for (text, line, says) in [
        ("[console]\nkeys = 3\n", 2, "keys must be a table: [console.keys]"),
        ("[console.keys]\nisolate = 3\n", 2, "isolate must be a text, a list of texts, or false"),
        ("[console.keys]\nisolate = true\n", 2, "isolate must be"),
        ("[console.keys]\nisolate = [\"x\", 3]\n", 2, "must be a list of texts"),
        ("[console]\n\ncolor = \"many\"\n", 3, "color is none of auto, none, 16, 256, rgb"),
        ("[console]\nmouse = \"yes\"\n", 2, "mouse must be true or false"),
    ] {
        let error = read(text).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("/conf/user.toml:{line}: ")) && error.contains(says), "{error}");
    }
}

/// Unset ones stay as built in; what the system's file sets stays, too.
#[test]
fn thresholds_of_findings_are_set_one_by_one() {
    assert_eq!(read("[console]\n").unwrap().0.policy, Policy::default());
    let every = starter_table("findings");
    // What the starter shows are the defaults, and all of them.
    assert_eq!(read(&every).unwrap().0.policy, Policy::default(), "{every}");
    assert_eq!(every.lines().count(), 1 + super::findings::thresholds().len(), "{every}");
    let mut seen = vec![Policy::default()];
    for key in super::findings::thresholds() {
        let policy = read(&format!("[findings]\n{key} = 7\n")).unwrap().0.policy;
        assert!(!seen.contains(&policy), "{key} sets what no other sets");
        seen.push(policy);
    }
    let set = "[findings]\ndormant_days = 30\nbulk_reads = 5\n";
    let policy = both(set, "[findings]\nbulk_minutes = 60\ndormant_days = 30\n").unwrap().policy;
    assert_eq!((policy.dormant, policy.bulk_events), (SignedDuration::from_hours(30 * 24), 5));
    assert_eq!(policy.bulk_within, SignedDuration::from_mins(60));
    for (own, line, says) in [
        ("[findings]\n\ndormant_days = 400\n", 3, "dormant_days is set system-wide"),
        ("[findings]\ndormant = 3\n", 2, "did you mean dormant_days?"),
        ("[findings]\nbulk_minutes = 0\n", 2, "bulk_minutes must be a whole number from 1 to 1440"),
        ("[findings]\nvolume_factor = -2\n", 2, "a whole number from 1"),
        ("[findings]\nvolume_factor = 2.5\n", 2, "a whole number from 1"),
        ("[findings]\nrotate_secret_days = \"90\"\n", 2, "rotate_secret_days must be"),
        ("[[findings]]\n", 1, "written as [findings]"),
    ] {
        let error = both(set, own).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("/conf/user.toml:{line}: ")) && error.contains(says), "{error}");
    }
}

/// For a while, with a reason, and never for good.
#[test]
fn what_a_house_lives_with_has_a_rule_a_bot_an_end_and_a_reason() {
    let day = |days: i64| {
        let at = Timestamp::now().checked_add(SignedDuration::from_hours(days * 24)).unwrap().to_string();
        at.split_once('T').unwrap().0.to_owned()
    };
    let entry = |rule: &str, until: &str, reason: &str| {
        format!("[[findings.suppress]]\nrule = \"{rule}\"\nbot = \"sales\"\nuntil = \"{until}\"\n{reason}\n")
    };
    let reason = "reason = \"the vendor's next release\"";
    let (config, notices) = read(&entry("F702", &day(30), reason)).unwrap();
    let [one] = &config.policy.suppress[..] else { panic!("{:?}", config.policy.suppress) };
    assert_eq!(
        (one.rule.id().as_str(), one.bot.raw(), one.reason.raw()),
        ("F702", "sales", "the vendor's next release")
    );
    assert!(one.until.to_string().ends_with("T00:00:00Z") && !one.until.to_string().starts_with(&day(30)), "its end");
    assert!(notices.is_empty());
    let (_, notices) = read(&entry("F702", "2024-02-28", reason)).unwrap();
    let over = "F702 of sales was suppressed until 2024-02-29T00:00:00Z: it counts again";
    assert_eq!(notices.iter().map(Notice::sentence).collect::<Vec<_>>(), [over]);
    let both = both(&entry("F702", &day(30), reason), &entry("F101", &day(3), reason)).unwrap();
    assert_eq!(both.policy.suppress.len(), 2, "both files' together");
    for (text, line, says) in [
        (entry("F1203", &day(3), reason), 2, "F1203 tells of an isolation and is never suppressed"),
        (entry("F7021", &day(3), reason), 2, "did you mean F702?"),
        (entry("F702", &day(400), reason), 4, "more than a year ahead"),
        (entry("F702", "soon", reason), 4, "until is no day and no instant"),
        (entry("F702", &day(3), ""), 1, "has no reason"),
        (entry("F702", &day(3), "reason = \" \""), 5, "reason is empty"),
        (entry("F702", &day(3), "why = \"x\""), 5, "unknown key why"),
    ] {
        let error = read(&text).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("/conf/user.toml:{line}: ")) && error.contains(says), "{error}");
    }
}

/// A table of the starter, with its settings switched on.
fn starter_table(name: &str) -> String {
    let lines = starter().lines().skip_while(|line| *line != format!("#[{name}]"));
    let table = lines.take_while(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#'));
    table.fold(String::new(), |text, line| text + line + "\n")
}

/// Whoever owns the second file can make the rules stricter and never weaker.
#[test]
fn a_file_of_ones_own_widens_nothing() {
    let system = format!("[console]\napprover_group = \"leads\"\ncollateral_cap = 2\n{KEYCLOAK}");
    for (own, cap) in [("", 2), ("[console]\ncollateral_cap = 99\n", 2), ("[console]\ncollateral_cap = 0\n", 0)] {
        let console = both(&system, own).unwrap().console;
        assert_eq!(console.collateral_cap, Some(cap), "{own}");
        assert_eq!(console.approver_group.as_deref(), Some("leads"), "{own}");
    }
    for own in ["approver_group = \"everybody\"", "approver_group = \"\"", "collateral_cap = -1"] {
        let error = both(&system, &format!("[console]\n{own}\n")).unwrap_err().to_string();
        assert!(error.starts_with("/conf/user.toml:2: "), "{own}: {error}");
    }
    let stricter = both(KEYCLOAK, "[console]\nresponder_group = \"ir\"\n").unwrap().console;
    assert_eq!(stricter.responder_group.as_deref(), Some("ir"));
}

/// A file that is named takes the place of the user's, never of the system's.
#[test]
fn no_flag_leads_past_the_systems_file() {
    let named = Path::new("/tmp/mine.toml");
    let sources = Sources::usual(Some(named));
    assert_eq!(sources.system, Path::new("/etc/estop/config.toml"));
    assert_eq!(sources.user.as_deref(), Some(named));
}

#[test]
fn an_unknown_theme_is_a_notice() {
    let (config, notices) = read("[console]\ntheme = \"dask\"").unwrap();
    assert_eq!(config.console.theme, None);
    assert!(notices[0].sentence().contains("did you mean dusk?"), "{notices:?}");
}

#[test]
fn files_are_looked_at_before_they_are_read() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    let sources = |named| Sources { system: directory.path().join("none.toml"), user: Some(path.clone()), named };
    assert!(load(&sources(false), THEMES).unwrap().is_none(), "no file is no configuration");
    assert!(load(&sources(true), THEMES).is_err(), "a named file must be there");
    std::fs::write(&path, "").unwrap();
    let (config, _) = load(&sources(true), THEMES).unwrap().unwrap();
    assert!(config.providers.is_empty(), "an empty file is a configuration without providers");
    std::fs::write(&path, vec![b'#'; 10 * 1024 * 1024]).unwrap();
    assert!(load(&sources(true), THEMES).unwrap_err().to_string().contains("1 MiB"));
    std::fs::write(&path, b"# \xff\xfe").unwrap();
    assert!(load(&sources(true), THEMES).unwrap_err().to_string().contains("as text"));
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
    assert!(load(&sources(true), THEMES).unwrap_err().to_string().contains("chmod o-w"));
    let directory_as_file = Sources { user: Some(directory.path().into()), ..sources(true) };
    assert!(load(&directory_as_file, THEMES).unwrap_err().to_string().contains("regular file"));
}

#[test]
fn a_rate_is_a_whole_number_of_any_kind_of_provider() {
    let read = |value: &str| read(&format!("{KEYCLOAK}requests_per_second = {value}\n"));
    let rate = |value: &str| read(value).expect("taken").0.providers[0].requests_per_second;
    assert_eq!(rate("20"), Some(20));
    assert_eq!(rate("0x1_0"), Some(16));
    let postgres = "[[provider]]\nname = \"db\"\nkind = \"postgres\"\nurl = \"postgres://e@localhost/d\"\n";
    let (config, _) = self::read(&format!("{postgres}requests_per_second = 1\n")).expect("taken");
    assert_eq!(config.providers[0].requests_per_second, Some(1));
    for value in ["0", "-1", "1.5", "\"20\"", "100001", "99999999999999999999"] {
        let error = read(value).expect_err(value).to_string();
        assert!(error.contains("requests_per_second must be a whole number from 1 to 100000"), "{value}: {error}");
    }
}
