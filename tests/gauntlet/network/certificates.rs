//! Certificates for case 26, made by `openssl`, and what stands in front of a fault server with them.

use std::{path::Path, process::Command, sync::Arc};

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use tokio_rustls::TlsAcceptor;

/// A private CA in a folder.
pub struct Authority<'a>(pub &'a Path);

/// One server's certificate.
pub struct Leaf {
    pub name: &'static str,
    /// `IP:127.0.0.1`.
    pub alternative: &'static str,
    /// `serverAuth`.
    pub usage: &'static str,
    /// `openssl x509 -days`; negative: it has ended.
    pub days: i32,
}

pub const GOOD: Leaf = Leaf { name: "good", alternative: "IP:127.0.0.1", usage: "serverAuth", days: 30 };

impl Authority<'_> {
    /// Its key and certificate: `ca.key`, `ca.pem`.
    pub fn make(&self) {
        self.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 \
             -subj /CN=gauntlet-ca -addext basicConstraints=critical,CA:TRUE",
        );
    }

    /// `NAME.key` and `NAME.pem`, signed by it.
    pub fn sign(&self, leaf: &Leaf) {
        let Leaf { name, alternative, usage, days } = leaf;
        let extensions = format!("subjectAltName={alternative}\nextendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n");
        std::fs::write(self.0.join(format!("{name}.ext")), extensions).unwrap();
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"
        ));
        // A certificate that has ended: openssl's `-days` takes no negative number everywhere, dates always.
        let dates = if *days < 0 {
            "-not_before 20200101000000Z -not_after 20200201000000Z".to_owned()
        } else {
            format!("-days {days}")
        };
        let signed = self.try_openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem {dates} -extfile {name}.ext"
        ));
        if !signed {
            assert!(*days < 0, "openssl does not sign {name}");
            self.sign_as_of(name);
        }
    }

    /// Where openssl knows no dates for `x509 -req`: in the past, by another clock.
    fn sign_as_of(&self, name: &str) {
        let words = format!(
            "2020-01-01 openssl x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem \
             -days 30 -extfile {name}.ext"
        );
        let words = words.split_whitespace();
        let output = Command::new("faketime").args(words).current_dir(self.0).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// `self.key` and `self.pem`, signed by nobody.
    pub fn self_signed(&self) {
        self.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout self.key -out self.pem -days 30 \
             -subj /CN=self -addext subjectAltName=IP:127.0.0.1",
        );
    }

    /// TLS with a certificate; with client certificates where asked for.
    pub fn acceptor(&self, name: &str, wants_client: bool) -> TlsAcceptor {
        rustls::crypto::ring::default_provider().install_default().ok();
        let read = |file: &str| CertificateDer::pem_file_iter(self.0.join(file)).unwrap().map(Result::unwrap);
        let key = PrivateKeyDer::from_pem_file(self.0.join(format!("{name}.key"))).unwrap();
        let builder = ServerConfig::builder();
        let builder = if wants_client {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(read("ca.pem"));
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let config = builder.with_single_cert(read(&format!("{name}.pem")).collect(), key).unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    fn openssl(&self, words: &str) {
        assert!(self.try_openssl(words), "openssl {words}");
    }

    fn try_openssl(&self, words: &str) -> bool {
        let output = Command::new("openssl").args(words.split_whitespace()).current_dir(self.0).output().unwrap();
        output.status.success()
    }
}
