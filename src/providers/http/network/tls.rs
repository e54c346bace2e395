//! Why a TLS handshake failed, as a sentence.

use rustls::{CertificateError, Error, PeerIncompatible};

/// What is wrong, and at whose end.
pub(super) fn reason(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => format!("the server's certificate {}", fault(error)),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => "the server speaks no TLS 1.2 or 1.3".to_owned(),
        Error::PeerIncompatible(_) => "the server's TLS and ours have nothing in common".to_owned(),
        Error::AlertReceived(rustls::AlertDescription::CertificateRequired) => {
            "the server wants a certificate of the client".to_owned()
        }
        Error::AlertReceived(rustls::AlertDescription::ProtocolVersion) => {
            "the server speaks no TLS 1.2 or 1.3".to_owned()
        }
        Error::AlertReceived(alert) => format!("the server ended the TLS handshake with the alert {alert:?}"),
        Error::InvalidMessage(_) => "the server does not speak TLS at that port".to_owned(),
        Error::NoCertificatesPresented => "the server shows no certificate".to_owned(),
        other => format!("TLS failed: {other}"),
    }
}

fn fault(error: &CertificateError) -> String {
    use CertificateError as Fault;
    match error {
        Fault::Expired | Fault::ExpiredContext { .. } => "has expired".to_owned(),
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => "is not valid yet".to_owned(),
        Fault::Revoked => "was revoked".to_owned(),
        Fault::UnknownIssuer => {
            "is from an unknown issuer: name a CA of your own in `ca_file`, if that is whose it is".to_owned()
        }
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => "is for another name".to_owned(),
        Fault::InvalidPurpose | Fault::InvalidPurposeContext { .. } => WRONG_USAGE.to_owned(),
        Fault::BadSignature => "has a signature that does not fit".to_owned(),
        Fault::BadEncoding => "cannot be read".to_owned(),
        Fault::Other(other) => match format!("{:?}", other.0).as_str() {
            // The verifier of the platform keeps the type to itself.
            "EkuError" => WRONG_USAGE.to_owned(),
            "CaUsedAsEndEntity" => "is that of an issuer, not of a server (self-signed?)".to_owned(),
            _ => format!("is not accepted: {}", other.0),
        },
        other => format!("is not accepted: {other}"),
    }
}

const WRONG_USAGE: &str = "is not for servers: its extended key usage names another purpose";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_a_sentence() {
        for (error, said) in [
            (Error::InvalidCertificate(CertificateError::Expired), "the server's certificate has expired"),
            (
                Error::InvalidCertificate(CertificateError::NotValidForName),
                "the server's certificate is for another name",
            ),
            (
                Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
                "the server speaks no TLS 1.2 or 1.3",
            ),
            (
                Error::AlertReceived(rustls::AlertDescription::CertificateRequired),
                "the server wants a certificate of the client",
            ),
            (Error::NoCertificatesPresented, "the server shows no certificate"),
        ] {
            assert_eq!(reason(&error), said);
        }
    }
}
