//! 26. Certificates: refused with the reason, but for the private CA that is configured.

use std::{
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::certificates::{Authority, GOOD, Leaf};
use crate::harness::{Options, Ran, Stage, each};

/// A stage whose one server speaks TLS with this certificate, and whether the CA is configured.
fn stage(folder: &Path, name: &str, wants_client: bool, configured: bool) -> Stage {
    let ca = folder.join("ca.pem");
    let provider = if configured { format!("ca_file = {ca:?}\n") } else { String::new() };
    let tls = Some(Authority(folder).acceptor(name, wants_client));
    Stage::with(&Options { providers: 1, provider, tls, ..Options::default() })
}

/// Refused: nothing but handshakes arrived, and the reason is told.
#[track_caller]
fn is_refused(stage: &Stage, ran: &Ran, reason: &[&str]) {
    stage.holds(ran);
    ran.expect(&[3]).says(&["sso-a"]);
    let told = reason.iter().any(|word| ran.stderr.to_lowercase().contains(word));
    assert!(told, "the reason is none of {reason:?}: {ran}");
    assert!(stage.servers[0].seen().is_empty(), "a request came before the handshake was accepted");
}

#[test]
#[ignore = "gauntlet"]
fn case_26_certificates_that_are_no_good() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority(folder.path());
    authority.make();
    authority.self_signed();
    for leaf in [
        GOOD,
        Leaf { name: "expired", days: -1, ..GOOD },
        Leaf { name: "other", alternative: "DNS:other.example", ..GOOD },
        Leaf { name: "usage", usage: "clientAuth", ..GOOD },
    ] {
        authority.sign(&leaf);
    }
    let variants: [(&str, bool, &[&str]); 6] = [
        ("self", true, &["unknownissuer", "unknown issuer", "self-signed", "self signed", "causedasendentity"]),
        ("self", false, &["unknownissuer", "unknown issuer", "self-signed", "self signed", "causedasendentity"]),
        ("expired", true, &["expired"]),
        ("other", true, &["not valid for name", "notvalidforname", "name"]),
        ("usage", true, &["usage", "purpose", "eku"]),
        ("good", false, &["unknownissuer", "unknown issuer"]),
    ];
    each(
        &variants,
        |variant| format!("{} {}", variant.0, variant.1),
        |(name, configured, reason)| {
            let stage = stage(folder.path(), name, false, *configured);
            let ran = stage.isolate();
            is_refused(&stage, &ran, reason);
            assert!(stage.servers[0].handshakes_refused() > 0, "nobody tried: {ran}");
        },
    );
}

#[test]
#[ignore = "gauntlet"]
fn case_26_the_private_ca_that_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority(folder.path());
    authority.make();
    authority.sign(&GOOD);
    let stage = stage(folder.path(), "good", false, true);
    let ran = stage.isolate();
    stage.holds(&ran);
    ran.expect(&[0]);
    stage.converges(0);
}

/// The server wants a certificate of ours, and we have none.
#[test]
#[ignore = "gauntlet"]
fn case_26_a_client_certificate_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority(folder.path());
    authority.make();
    authority.sign(&GOOD);
    let stage = stage(folder.path(), "good", true, true);
    let ran = stage.isolate();
    is_refused(&stage, &ran, &["certificate"]);
}

/// The same with one of ours configured.
#[test]
#[ignore = "gauntlet"]
fn case_26_mutual_tls() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority(folder.path());
    authority.make();
    authority.sign(&GOOD);
    authority.sign(&Leaf { name: "client", usage: "clientAuth", ..GOOD });
    let path = |file: &str| folder.path().join(file);
    let provider = format!(
        "ca_file = {:?}\nclient_cert = {:?}\nclient_key = {{ file = {:?} }}\n",
        path("ca.pem"),
        path("client.pem"),
        path("client.key")
    );
    let tls = Some(authority.acceptor("good", true));
    let stage = Stage::with(&Options { providers: 1, provider, tls, ..Options::default() });
    let ran = stage.isolate();
    stage.holds(&ran);
    ran.expect(&[0]);
    stage.converges(0);
}

/// One that cannot be used, or that the server's CA did not sign: refused with the reason, and nobody is asked.
#[test]
#[ignore = "gauntlet"]
fn case_26_client_certificates_that_are_no_good() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority(folder.path());
    authority.make();
    authority.self_signed();
    authority.sign(&GOOD);
    authority.sign(&Leaf { name: "client", usage: "clientAuth", ..GOOD });
    authority.sign(&Leaf { name: "another", usage: "clientAuth", ..GOOD });
    authority.sign(&Leaf { name: "ended", usage: "clientAuth", days: -1, ..GOOD });
    authority.sign(&Leaf { name: "open", usage: "clientAuth", ..GOOD });
    let open = folder.path().join("open.key");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(folder.path().join("text.pem"), "hello").unwrap();
    let variants: [(&str, &str, &[&str]); 7] = [
        ("self.pem", "self.key", &["alert", "certificate"]),
        ("ended.pem", "ended.key", &["alert", "expired"]),
        ("client.pem", "another.key", &["client_key"]),
        ("open.pem", "open.key", &["0644"]),
        ("text.pem", "client.key", &["text.pem"]),
        ("client.pem", "text.pem", &["text.pem"]),
        ("client.pem", "missing.key", &["missing.key"]),
    ];
    each(
        &variants,
        |(cert, key, _)| format!("{cert} {key}"),
        |(cert, key, reason)| {
            let path = |file: &str| folder.path().join(file);
            let provider = format!(
                "ca_file = {:?}\nclient_cert = {:?}\nclient_key = {{ file = {:?} }}\n",
                path("ca.pem"),
                path(cert),
                path(key)
            );
            let tls = Some(authority.acceptor("good", true));
            let stage = Stage::with(&Options { providers: 1, provider, tls, ..Options::default() });
            let ran = stage.isolate();
            is_refused(&stage, &ran, reason);
        },
    );
}

/// `openssl s_server` that speaks nothing newer than TLS 1.1; killed with the case.
struct OldServer(Child, u16);

impl OldServer {
    fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let child = Command::new("openssl")
            .args([
                "s_server",
                "-tls1_1",
                "-cipher",
                "ALL:@SECLEVEL=0",
                "-cert",
                "good.pem",
                "-key",
                "good.key",
                "-www",
            ])
            .args(["-accept", &format!("127.0.0.1:{port}")])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "s_server does not listen");
            std::thread::yield_now();
        }
        Self(child, port)
    }
}

impl Drop for OldServer {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
#[ignore = "gauntlet"]
fn case_26_nothing_newer_than_tls_1_1() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority(folder.path());
    authority.make();
    authority.sign(&GOOD);
    let old = OldServer::start(folder.path());
    let stage = stage(folder.path(), "good", false, true);
    let text = std::fs::read_to_string(stage.home().join("config.toml")).unwrap();
    stage.configure(&text.replace(&format!(":{}\"", stage.servers[0].port), &format!(":{}\"", old.1)));
    let ran = stage.isolate();
    is_refused(&stage, &ran, &["protocol", "version", "handshake"]);
}

/// Plain http to another host is refused before anything is asked, and so is every switch that turns checking off.
#[test]
#[ignore = "gauntlet"]
fn case_26_plain_http_and_switches() {
    let stage = Stage::with(&Options { providers: 1, ..Options::default() });
    let text = std::fs::read_to_string(stage.home().join("config.toml")).unwrap();
    let local = format!("http://127.0.0.1:{}", stage.servers[0].port);
    for wrong in [
        text.replace(&local, "http://sso.example"),
        text.replace(&local, "http://192.0.2.1:8080"),
        text.replace(&local, "http://127.0.0.1.example"),
        text.replace("realm = ", "insecure = true\nrealm = "),
        text.replace("realm = ", "verify = false\nrealm = "),
        text.replace("realm = ", "tls_skip_verify = true\nrealm = "),
    ] {
        assert_ne!(wrong, text);
        stage.configure(&wrong);
        let ran = stage.isolate();
        ran.expect(&[2]).says(&["config.toml:"]);
        assert!(stage.servers[0].seen().is_empty() && stage.journals().is_empty());
    }
}
