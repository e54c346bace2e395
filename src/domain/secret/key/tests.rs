use base64::prelude::BASE64_STANDARD;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};

use super::*;
use crate::domain::{ClaimKind, recognise};

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = encoded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn told(text: &str) -> Vec<String> {
    let answers = recognise(text);
    let key = answers.iter().find(|answer| answer.rule == "private-key").expect("a key");
    let public = key.claims.iter().filter(|claim| claim.kind == ClaimKind::PublicKey);
    public.map(|claim| claim.value.raw().to_owned()).collect()
}

fn spki(der: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(der)))
}

/// The key of RFC 8037, appendix A: published, hence of no use to anybody.
fn published() -> (Vec<u8>, Vec<u8>) {
    let decode = |text| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    let seed = decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let public = decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    let header = hex::decode("302e020100300506032b657004220420").unwrap();
    ([header, seed].concat(), public)
}

#[test]
fn an_ed25519_key_has_the_thumbprint_of_the_rfc() {
    let (der, public) = published();
    let claims = told(&pem("PRIVATE KEY", &der));
    assert!(claims.contains(&"jkt:kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".to_owned()), "{claims:?}");
    let header = hex::decode("302a300506032b6570032100").unwrap();
    assert!(claims.contains(&spki(&[header, public].concat())), "{claims:?}");
    // Escaped, as inside JSON or an environment variable, and with the line ends of another system.
    let text = pem("PRIVATE KEY", &der);
    assert_eq!(told(&text.replace('\n', "\\n")), claims);
    assert_eq!(told(&text.replace('\n', "\r\n")), claims);
}

#[test]
fn openssh_keys_tell_their_public_half_even_when_encrypted() {
    let (der, public) = published();
    let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    let blob = [string(b"ssh-ed25519"), string(&public)].concat();
    let head = [b"openssh-key-v1\0".to_vec(), string(b"aes256-ctr"), string(b"bcrypt"), string(&[7; 24])].concat();
    let file = [head, 1_u32.to_be_bytes().to_vec(), string(&blob), string(&[9; 64])].concat();
    let claims = told(&pem("OPENSSH PRIVATE KEY", &file));
    assert_eq!(claims.len(), 1);
    assert!(claims[0].starts_with("SHA256:"));
    assert!(told(&pem("PRIVATE KEY", &der)).contains(&claims[0]), "ssh and PKCS#8 agree");
    for cut in 0..file.len() - 64 {
        told(&pem("OPENSSH PRIVATE KEY", &file[..cut]));
    }
}

#[test]
fn rsa_keys_are_read_in_both_forms() {
    // Only its form matters: a modulus of 1024 bits that nobody can use.
    let modulus = [&[0_u8][..], &[0xC3; 128]].concat();
    let number = |bytes: &[u8]| match bytes.len() {
        length @ 0..128 => [&[2, u8::try_from(length).unwrap()][..], bytes].concat(),
        length => [&[2, 0x81, u8::try_from(length).unwrap()][..], bytes].concat(),
    };
    let others = [3_u8, 5, 7, 11, 13, 17].map(|small| number(&[small])).concat();
    let inside = [number(&[0]), number(&modulus), number(&[1, 0, 1]), others].concat();
    let der = [&[0x30, 0x81, u8::try_from(inside.len()).unwrap()][..], &inside].concat();
    let claims = told(&pem("RSA PRIVATE KEY", &der));
    let header = hex::decode("30819f300d06092a864886f70d010101050003818d00308189028181").unwrap();
    let expected = spki(&[header, modulus, vec![2, 3, 1, 0, 1]].concat());
    assert!(claims.len() == 3 && claims.contains(&expected), "{claims:?}");
    let algorithm = AlgorithmIdentifierRef { oid: RSA, parameters: Some(pkcs8::der::AnyRef::NULL) };
    let octets = pkcs8::der::asn1::OctetStringRef::new(&der).unwrap();
    let wrapped = PrivateKeyInfoRef::new(algorithm, octets).to_der().unwrap();
    assert_eq!(told(&pem("PRIVATE KEY", &wrapped)), claims);
}

#[test]
fn elliptic_curve_keys_tell_the_point_that_is_beside_them() {
    let random = SystemRandom::new();
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random).unwrap();
    let header = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
    let expected = spki(&[header, pair.public_key().as_ref().to_vec()].concat());
    let claims = told(&pem("PRIVATE KEY", der.as_ref()));
    assert!(claims.len() == 3 && claims.contains(&expected), "{claims:?}");
}

#[test]
fn what_is_no_key_tells_nothing() {
    for text in [
        pem("PRIVATE KEY", b"nothing"),
        pem("ENCRYPTED PRIVATE KEY", &[0x30, 0x82, 0xff, 0xff]),
        "-----BEGIN EC PRIVATE KEY-----".to_owned(),
        pem("RSA PRIVATE KEY", &[]),
    ] {
        assert_eq!(told(&text), Vec::<String>::new());
    }
}
