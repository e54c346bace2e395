//! An inventory comes back as it was, or not at all.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::domain::{
    Entries, Fact, Family, Fingerprint, Gap, Holding, HoldingId, HoldingState, Identity, IdentityKind, IdentityState,
    Lane, LeakedSecret, Level, Scope,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn provider() -> ProviderName {
    ProviderName::new("corp-sso")
}

fn identity(number: usize) -> Identity {
    Identity {
        attributes: [("owner".to_owned(), "support".into())].into(),
        hints: [("service-account-user".to_owned(), format!("user {number}"))].into(),
        child_of: Some(Box::new(IdentityId::new(provider(), "a/parent"))),
        last_active_at: Some(at("2026-03-01T02:59:00.123456789Z")),
        ..Identity::new(
            IdentityId::new(provider(), format!("id {number}/%\u{202e}")),
            format!("bot-{number}\u{1b}[2J"),
            IdentityKind::DelegatedIntegration,
            IdentityState::Gated,
        )
    }
}

fn reading(number: usize) -> Reading {
    let identity = identity(number);
    let holding = Holding {
        scopes: vec![Scope {
            resource: "crm".into(),
            verb: "read".into(),
            level: Level::Export,
            mint: true,
            via: None,
        }],
        fingerprint: Fingerprint::parse("sha256:0f1e2d3c4b5a"),
        ..Holding::new(
            HoldingId::new(identity.id.clone(), "client-secret", "sha256:0f1e2d3c4b5a"),
            Lane::Tokens,
            Family::Secret,
            "client secret",
            HoldingState::Live,
        )
    };
    let mut reading = Reading::of(identity, at("2026-03-01T03:00:00.5Z"));
    reading.holdings = vec![holding];
    let facts =
        [("enabled", Fact::Bool(true)), ("not-before", Fact::Int(-7)), ("policy", Fact::Text("any".to_owned()))];
    reading.facts = facts.map(|(name, fact)| (name.to_owned(), fact)).into();
    reading
}

fn parts(identities: usize, readings: usize) -> Vec<Part> {
    let gap = Gap { class: None, what: "events are not stored".to_owned(), permission: Some("view-events".to_owned()) };
    let other = ProviderName::new("docs-db");
    let second = Part {
        name: other.clone(),
        read_at: at("2026-02-28T10:00:00Z"),
        listing: Arc::new(Listing { identities: Vec::new(), gaps: Vec::new() }),
        own: None,
        readings: Vec::new(),
    };
    let first = Part {
        name: provider(),
        read_at: at("2026-03-01T03:00:00Z"),
        listing: Arc::new(Listing { identities: (0..identities).map(identity).collect(), gaps: vec![gap] }),
        own: Some(IdentityId::new(provider(), "estop")),
        readings: (0..readings).map(reading).collect(),
    };
    vec![first, second]
}

fn place() -> (TempDir, Inventory) {
    let directory = tempfile::tempdir().unwrap();
    // A directory that others may write is no place for it.
    let state = directory.path().join("state");
    let inventory = Inventory::at(&state, ["corp-sso at https://sso".to_owned(), "docs-db".to_owned()]);
    (directory, inventory)
}

fn same(one: &[Part], other: &[Part]) -> bool {
    let of =
        |part: &Part| (part.name.clone(), part.read_at, part.listing.clone(), part.own.clone(), part.readings.clone());
    one.iter().map(of).eq(other.iter().map(of))
}

#[test]
fn what_was_kept_comes_back_as_it_was() {
    let (_directory, inventory) = place();
    assert!(inventory.load().unwrap().is_none(), "nothing is kept yet");
    // Several blocks of each kind, and then fewer than before.
    for (identities, readings) in [(9000, 70), (1, 0), (0, 0)] {
        let parts = parts(identities, readings);
        inventory.keep(&parts).unwrap();
        assert!(same(&inventory.load().unwrap().unwrap(), &parts));
    }
    let mode = fs::metadata(inventory.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let names: Vec<_> = fs::read_dir(inventory.path().parent().unwrap()).unwrap().collect();
    assert_eq!(names.len(), 1, "no other file is left");
}

#[test]
fn what_a_crash_has_left_is_in_nobodys_way() {
    let (_directory, inventory) = place();
    inventory.keep(&parts(1, 1)).unwrap();
    fs::write(inventory.path().with_extension("new"), "half of it").unwrap();
    inventory.keep(&parts(2, 1)).unwrap();
    assert_eq!(inventory.load().unwrap().unwrap()[0].listing.identities.len(), 2);
}

#[test]
fn another_configuration_and_another_version_are_not_taken() {
    let (directory, inventory) = place();
    inventory.keep(&parts(1, 1)).unwrap();
    let state = directory.path().join("state");
    for others in [&["corp-sso at https://sso"][..], &["corp-sso at https://sso.other", "docs-db"], &[]] {
        let other = Inventory::at(&state, others.iter().map(|one| (*one).to_owned()));
        assert_eq!(other.load().unwrap_err(), InventoryError::Other);
    }
    let bytes = fs::read(inventory.path()).unwrap();
    let newer = [&b"estop inventory 2\n"[..], &bytes[18..]].concat();
    fs::write(inventory.path(), newer).unwrap();
    assert_eq!(inventory.load().unwrap_err(), InventoryError::Version);
}

#[test]
fn what_somebody_else_could_have_written_is_not_taken() {
    let (_directory, inventory) = place();
    inventory.keep(&parts(1, 1)).unwrap();
    let path = inventory.path();
    let odd = |why: &str| {
        let error = inventory.load().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    for mode in [0o620, 0o602, 0o666] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        odd("it can be written by others");
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(inventory.load().is_ok());
    // Only root can give a file away.
    if rustix::process::geteuid().is_root() {
        chown(path, Some(12_345), None).unwrap();
        odd("it belongs to user 12345");
        chown(path, Some(0), None).unwrap();
    }
    let away = path.with_extension("elsewhere");
    fs::rename(path, &away).unwrap();
    symlink(&away, path).unwrap();
    odd("it is a symbolic link");
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
    odd("it is not a regular file");
    fs::remove_dir(path).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    odd("it is not a regular file");
    fs::remove_file(path).unwrap();
    let huge = fs::File::create(path).unwrap();
    huge.set_len(u64::try_from(disk::MOST_BYTES).unwrap() + 1).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(inventory.load().unwrap_err(), InventoryError::TooBig);
}

#[test]
fn a_directory_that_others_may_write_gets_none() {
    let (directory, inventory) = place();
    let state = directory.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(inventory.keep(&parts(1, 1)), Err(InventoryError::Odd(_))));
    assert!(!inventory.path().exists());
}

/// Labels are masked; what is named by a secret, or has one as a hint, is left out: a step would name it.
#[test]
fn no_secret_is_kept() {
    let canary = ["c4n4ry", "of", "the", "inventory"].join("-");
    let _leaked = LeakedSecret::new(canary.clone().into());
    let token = format!("{}_{}", "ghp", "Zz9".repeat(12));
    for secret in [&canary, &token] {
        let mut parts = parts(3, 3);
        let mut identities = parts[0].listing.identities.clone();
        identities[0].name = secret.as_str().into();
        identities[0].attributes = [("note".to_owned(), secret.as_str().into())].into();
        identities[1].hints = [("flags".to_owned(), secret.clone())].into();
        identities[2].id = IdentityId::new(provider(), secret.as_str());
        let mut gaps = parts[0].listing.gaps.clone();
        gaps[0].what = format!("{secret} was refused");
        parts[0].listing = Arc::new(Listing { identities, gaps });
        let readings = &mut parts[0].readings;
        readings[0].holdings[0].name = format!("key {secret}").into();
        readings[0].identity.attributes = Entries::from([("note".to_owned(), secret.as_str().into())]);
        readings[1].facts.insert("policy".to_owned(), Fact::Text(secret.clone()));
        readings[2].holdings[0].id = HoldingId::new(identity(2).id, "token", secret.as_str());
        let (_directory, inventory) = place();
        inventory.keep(&parts).unwrap();
        let bytes = fs::read(inventory.path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        let kept = inventory.load().unwrap().unwrap();
        let names: Vec<&str> = kept[0].listing.identities.iter().map(|identity| identity.name.raw()).collect();
        assert_eq!(names.len(), 1, "{names:?}");
        assert!(names[0].starts_with('<') && names[0].ends_with('>'), "{names:?}");
        assert_eq!(kept[0].readings.len(), 1);
        assert!(kept[0].readings[0].holdings[0].name.raw().starts_with("key <"));
    }
}

fn written() -> (Vec<u8>, [u8; 32]) {
    let belongs = [7; 32];
    (format::encode(&parts(40, 5), &belongs).unwrap(), belongs)
}

#[test]
fn a_truncated_file_is_damaged_at_every_length() {
    let (bytes, belongs) = written();
    for length in 0..bytes.len() {
        let error = format::decode(&bytes[..length], &belongs).unwrap_err();
        assert!(matches!(error, InventoryError::Damaged | InventoryError::Version), "{length}: {error}");
    }
    let longer = [&bytes[..], b"\0"].concat();
    assert_eq!(format::decode(&longer, &belongs).unwrap_err(), InventoryError::Damaged);
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let (mut bytes, belongs) = written();
    for at in 0..bytes.len() {
        let bit = 1 << (at % 8);
        bytes[at] ^= bit;
        assert!(format::decode(&bytes, &belongs).is_err(), "byte {at}");
        bytes[at] ^= bit;
    }
    assert!(format::decode(&bytes, &belongs).is_ok());
}

proptest! {
    /// Also where its sums hold, because whoever wrote it has made them.
    #[test]
    fn any_bytes_are_taken_or_refused_and_never_more(
        noise in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        blocks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..4),
    ) {
        let (mut bytes, belongs) = written();
        for (at, byte) in noise {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // New sums over what was changed.
        let mut summed = bytes[..18.min(bytes.len())].to_vec();
        let mut rest = &bytes[18..];
        while let Some(length) = rest.first_chunk().map(|length| u32::from_le_bytes(*length) as usize)
            && let Some(content) = rest.get(8..8 + length)
        {
            summed.extend_from_slice(&rest[..4]);
            summed.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
            summed.extend_from_slice(content);
            rest = &rest[8 + length..];
        }
        let _ = format::decode(&summed, &belongs);
        let mut made = b"estop inventory 1\n".to_vec();
        for block in blocks {
            made.extend_from_slice(&u32::try_from(block.len()).unwrap().to_le_bytes());
            made.extend_from_slice(&crc32fast::hash(&block).to_le_bytes());
            made.extend_from_slice(&block);
        }
        let _ = format::decode(&made, &belongs);
    }
}
