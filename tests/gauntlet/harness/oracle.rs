//! What must hold after every case, O1 to O10. O7 and O8 belong to the cases with a terminal.

use std::{collections::BTreeMap, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use estop::tabletop::keycloak::{Credential, CredentialKind};
use secrecy::ExposeSecret as _;

use super::{
    journals::is_regular,
    ran::Ran,
    server::Server,
    stage::{RESUME, Stage},
    world::NEIGHBOUR,
};

/// Retries of one pass and rounds of a sweep, as configured.
const REPEATS: usize = 4 + 10;
/// O9: no run needs more memory than this, in KiB.
const PEAK_KIB: u64 = 150 * 1024;
/// O9: nor more CPU time, in ticks of 10 ms.
const CPU_TICKS: u64 = 3_000;

impl Stage {
    /// O1, O2, O4, O5, O6, O9 and O10 after a run that ended by itself.
    #[track_caller]
    pub fn holds(&self, ran: &Ran) {
        self.no_false_success(ran);
        self.intent_first();
        self.bounded_repeats(0);
        self.sound_journals(&[0]);
        self.no_secrets();
        self.bounded(ran);
        self.honest(ran);
    }

    /// O3: the faults are taken away, resume is run: all dead, nothing left open; then everything else once more.
    #[track_caller]
    pub fn converges(&self, crashes: usize) -> Ran {
        self.heal();
        let mut ran = self.run(&RESUME);
        for _ in 0..2 {
            if ran.code == Some(0) {
                break;
            }
            ran = self.run(&RESUME);
        }
        assert_eq!(ran.code, Some(0), "O3: resume does not finish: {ran}");
        assert_eq!(self.alive(), [], "O3: alive after resume: {ran}");
        let status = self.run(&["--json", "status"]);
        let open = status.lines().iter().any(|line| line.to_string().contains("\"unfinished\":true"));
        assert!(!open, "O3: unfinished after resume: {status}");
        self.no_false_success(&ran);
        self.intent_first();
        self.bounded_repeats(crashes + 2);
        self.sound_journals(&[0]);
        self.no_secrets();
        self.nothing_else_was_touched();
        ran
    }

    /// What of the bot is alive, anywhere.
    pub fn alive(&self) -> Vec<(String, Credential)> {
        let of = |server: &Server| {
            let name = server.name.clone();
            server.alive().into_iter().map(move |one| (name.clone(), one)).collect::<Vec<_>>()
        };
        self.servers.iter().flat_map(of).collect()
    }

    /// O1: whatever exit code, outcome line or journal call confirmed is dead in truth.
    #[track_caller]
    pub fn no_false_success(&self, ran: &Ran) {
        let dark = ran.outcomes().iter().any(|line| line["outcome"] == "dark" || line["outcome"] == "dark-at");
        let claims_all = dark || (ran.code == Some(0) && !ran.outcomes().is_empty());
        if claims_all {
            assert_eq!(self.alive(), [], "O1: called dark, and alive: {ran}");
        }
        let mut by_provider: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for claim in self.claims().into_values() {
            by_provider.entry(claim.provider.clone()).or_default().push(claim);
        }
        for server in &self.servers {
            let claims = by_provider.remove(&server.name).unwrap_or_default();
            let alive = server.alive();
            if !claims.is_empty() && claims.iter().all(|claim| claim.state == "verified") {
                assert_eq!(alive, [], "O1: {}: all verified, and alive: {claims:#?} {ran}", server.name);
            }
            for claim in claims.iter().filter(|claim| claim.state == "verified") {
                let contradicts = alive.iter().find(|one| kills(&claim.action, &claim.target, one));
                assert_eq!(contradicts, None, "O1: {}: verified, and alive: {claim:?} {ran}", server.name);
            }
        }
    }

    /// O2, the cheap check: when a change arrived, its intent was on disk.
    #[track_caller]
    pub fn intent_first(&self) {
        for server in &self.servers {
            for seen in server.changes() {
                assert!(seen.on_record, "O2: {}: no intent on disk for {seen:?}", server.name);
            }
        }
    }

    /// O4: per credential one key, and not more requests than retries, rounds and crashes explain.
    #[track_caller]
    pub fn bounded_repeats(&self, crashes: usize) {
        for server in &self.servers {
            let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for seen in server.changes() {
                assert!(seen.bearer, "a change without estop's own token: {seen:?}");
                let key = seen.key.clone().unwrap_or_else(|| panic!("O4: without a key: {seen:?}"));
                by_key.entry(key).or_default().push(format!("{} {}", seen.method, seen.path));
            }
            for (key, requests) in &by_key {
                assert!(requests.iter().all(|one| *one == requests[0]), "O4: one key for several things: {requests:?}");
                let most = 1 + crashes + REPEATS;
                assert!(requests.len() <= most, "O4: {} of {key}, not {most}: {}", requests.len(), requests[0]);
            }
        }
        for (step, claim) in self.claims() {
            assert!(!claim.key.is_empty(), "O4: {step} is on record without an intent");
        }
    }

    /// O5: every journal verifies with one of these codes.
    #[track_caller]
    pub fn sound_journals(&self, codes: &[i32]) {
        for journal in self.journals() {
            let ran = self.run(&["journal", "verify", journal.to_str().unwrap()]);
            assert!(ran.code.is_some_and(|code| codes.contains(&code)), "O5: {}: {ran}", journal.display());
        }
    }

    /// Everything that may never be seen outside a request to its own host.
    pub fn canaries(&self) -> Vec<String> {
        let of = |server: &Server| {
            let (_, secret) = server.keycloak.operator().unwrap();
            let mut all = server.loot.canaries();
            all.push(secret.expose_secret().to_owned());
            all.extend(server.bearers());
            all
        };
        self.servers.iter().flat_map(of).collect()
    }

    /// O6: no canary, plain, base64 or URL-encoded, in any output or in the state directory.
    #[track_caller]
    pub fn no_secrets(&self) {
        let forms: Vec<String> = self.canaries().iter().flat_map(|canary| forms(canary)).collect();
        let clean = |place: &str, bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            let found = forms.iter().find(|form| text.contains(form.as_str()));
            assert!(found.is_none(), "O6: a canary in {place}");
        };
        for ran in self.said.lock().unwrap().iter() {
            clean(&ran.command, ran.stdout.as_bytes());
            clean(&ran.command, ran.stderr.as_bytes());
        }
        for place in self.places() {
            for file in files(&place) {
                clean(&file.display().to_string(), &std::fs::read(&file).unwrap_or_default());
            }
        }
    }

    /// O9: memory and CPU time. Wall time is each case's own.
    #[track_caller]
    pub fn bounded(&self, ran: &Ran) {
        assert!(ran.peak_kib < PEAK_KIB, "O9: {} KiB: {ran}", ran.peak_kib);
        assert!(ran.cpu_ticks < CPU_TICKS, "O9: {} ticks of CPU time: {ran}", ran.cpu_ticks);
    }

    /// O10: not everything confirmed: a non-zero exit and a sentence that says what.
    #[track_caller]
    pub fn honest(&self, ran: &Ran) {
        let panicked = ran.stderr.contains("panicked") || ran.stdout.contains("panicked");
        assert!(!panicked, "O10: a panic: {ran}");
        assert!(ran.code.is_some(), "O10: killed: {ran}");
        if ran.code == Some(0) {
            return;
        }
        assert!(ran.stderr.lines().any(|line| line.starts_with("estop: ")), "O10: no sentence: {ran}");
        for line in ran.outcomes() {
            let counts = &line["counts"];
            let owed = ["refused", "unreachable", "unknown", "manual", "still_live"].iter();
            let owed: u64 = owed.filter_map(|name| counts[name].as_u64()).sum();
            let told = line["reasons"].as_array().map_or(0, Vec::len) + line["alive"].as_array().map_or(0, Vec::len);
            assert!(owed == 0 || told > 0, "O10: {owed} open and no reason: {line}");
        }
    }

    /// The neighbour's sessions are as they were.
    #[track_caller]
    pub fn nothing_else_was_touched(&self) {
        for server in &self.servers {
            assert!(server.keycloak.client_uuid(NEIGHBOUR).is_some());
            let touched: Vec<_> = server
                .changes()
                .into_iter()
                .filter(|seen| server.keycloak.client_uuid(NEIGHBOUR).is_some_and(|id| seen.path.contains(&id)))
                .collect();
            assert!(touched.is_empty(), "{}: the neighbour was touched: {touched:?}", server.name);
        }
    }
}

/// Whether a step's success means that this credential is dead.
fn kills(action: &str, target: &str, one: &Credential) -> bool {
    let whose = target.rsplit(" of ").next().unwrap_or_default();
    let own = one.user.as_deref().is_some_and(|user| user == whose);
    match action {
        "disable-client" => !matches!(one.kind, CredentialKind::ExchangedToken),
        "end-session" => own && one.kind == CredentialKind::RefreshToken,
        "end-offline-session" => own && one.kind == CredentialKind::OfflineToken,
        _ => false,
    }
}

fn forms(canary: &str) -> Vec<String> {
    let url: String = url::form_urlencoded::byte_serialize(canary.as_bytes()).collect();
    vec![canary.to_owned(), BASE64_STANDARD.encode(canary), BASE64_URL_SAFE_NO_PAD.encode(canary), url]
}

/// Every file under a folder.
pub fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else if is_regular(&path) {
            found.push(path);
        }
    }
    found
}
