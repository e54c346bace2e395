//! Redaction by value: the secrets that this process knows leave it nowhere but in a request to their own host.
//!
//! ```text
//! configured secret, own token, leaked secret ─▶ register ─▶ each form that it can leave in
//! text on its way out ─▶ redact: known values, then shapes (mask) ─▶ text with marks
//! ```
//!
//! The forms are kept in memory that is wiped. That is why they are searched for here and not by an automaton, which
//! would keep copies that are not. One pass looks at each pair of bytes; only where a form begins with it is more
//! compared.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    sync::{PoisonError, RwLock},
};

use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::mask::mask;

/// A shorter secret would be found in every second word, and guessed without our help.
const MIN_BYTES: usize = 6;
/// The same of one made of nothing but lower-case letters, such as a password that is the name of its database.
const MIN_WORD: usize = 12;
/// A form of base64 that is shorter says too little.
const MIN_BASE64: usize = 8;
/// Configured secrets that are kept; beyond it the oldest gives way.
const MAX_CONFIGURED: usize = 256;
/// The same of access tokens, whose older ones have ended.
const MAX_OBTAINED: usize = 16;

/// Sets of characters that are left as they are in addresses: RFC 3986, browsers' components, and forms.
const LEFT: [&AsciiSet; 4] = [
    NON_ALPHANUMERIC,
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~'),
    &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'!')
        .remove(b'\'')
        .remove(b'(')
        .remove(b')')
        .remove(b'*'),
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*'),
];

/// One form of a secret.
struct Needle {
    id: u64,
    label: &'static str,
    form: Zeroizing<String>,
}

/// Known secrets, and how to find them in a text.
pub struct Redactor {
    /// The longest first: where one is part of another, the whole is replaced.
    needles: Vec<Needle>,
    /// The pairs of bytes that forms begin with, a bit each.
    starts: Vec<u64>,
    next: u64,
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new()
    }
}

impl Redactor {
    /// Knows none.
    pub const fn new() -> Self {
        Self { needles: Vec::new(), starts: Vec::new(), next: 0 }
    }

    /// Learns a secret, and by which word it is marked. The answer forgets it; `None`: it is too short, or a word.
    pub fn learn(&mut self, label: &'static str, secret: &str) -> Option<u64> {
        let word = secret.bytes().all(|byte| byte.is_ascii_lowercase());
        if secret.len() < if word { MIN_WORD } else { MIN_BYTES } {
            return None;
        }
        let id = self.next;
        self.next += 1;
        self.needles.extend(forms(secret).into_iter().map(|form| Needle { id, label, form: Zeroizing::new(form) }));
        self.needles.sort_by_key(|needle| std::cmp::Reverse(needle.form.len()));
        self.index();
        Some(id)
    }

    /// Forgets a secret.
    pub fn forget(&mut self, id: u64) {
        self.needles.retain(|needle| needle.id != id);
        self.index();
    }

    /// Forgets the oldest of a label where there are more than so many.
    fn limit(&mut self, label: &'static str, most: usize) {
        let ids: BTreeSet<u64> =
            self.needles.iter().filter(|needle| needle.label == label).map(|needle| needle.id).collect();
        if let Some(oldest) = ids.first().filter(|_| ids.len() > most) {
            self.forget(*oldest);
        }
    }

    /// Replaces every known secret, in every form.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.needles.is_empty() {
            return Cow::Borrowed(text);
        }
        let bytes = text.as_bytes();
        let mut out = String::new();
        let (mut at, mut copied) = (0, 0);
        while at + 1 < bytes.len() {
            let pair = pair(bytes[at], bytes[at + 1]);
            let begins = self.starts[pair / 64] & 1 << (pair % 64) != 0;
            let found =
                begins.then(|| self.needles.iter().find(|needle| bytes[at..].starts_with(needle.form.as_bytes())));
            match found.flatten() {
                // A form begins with ASCII or is the secret itself, so both ends are at characters.
                Some(needle) => {
                    out.push_str(&text[copied..at]);
                    out.push('<');
                    out.push_str(needle.label);
                    out.push('>');
                    at += needle.form.len();
                    copied = at;
                }
                None => at += 1,
            }
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(&text[copied..]);
        Cow::Owned(out)
    }

    fn index(&mut self) {
        self.starts = vec![0; 1024];
        for needle in &self.needles {
            let bytes = needle.form.as_bytes();
            let pair = pair(bytes[0], bytes[1]);
            self.starts[pair / 64] |= 1 << (pair % 64);
        }
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} forms)", self.needles.len())
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

/// Every form that a secret may have in a text.
fn forms(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::from([secret.to_owned(), hex::encode(secret), hex::encode_upper(secret)]);
    for before in 0..3 {
        forms.extend(base64_inside(&BASE64_STANDARD_NO_PAD, secret, before));
        forms.extend(base64_inside(&BASE64_URL_SAFE_NO_PAD, secret, before));
    }
    for left in LEFT {
        let upper = utf8_percent_encode(secret, left).to_string();
        for encoded in [upper.replace("%20", "+"), upper] {
            forms.insert(lower_hex(&encoded));
            forms.insert(encoded);
        }
    }
    // A string always becomes JSON.
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default();
    forms.insert(json.replace('/', "\\/"));
    forms.insert(json.to_owned());
    forms.retain(|form| form.len() >= MIN_BYTES);
    forms
}

/// The characters that depend on the secret alone, whatever stands before and behind it in the same base64.
fn base64_inside(engine: &impl base64::Engine, secret: &str, before: usize) -> Option<String> {
    let bytes = Zeroizing::new([&[0; 2][..before], secret.as_bytes()].concat());
    let encoded = engine.encode(&bytes);
    let skipped = [0, 2, 3][before];
    let end = encoded.len() - usize::from(bytes.len() % 3 != 0);
    encoded.get(skipped..end).filter(|inside| inside.len() >= MIN_BASE64).map(str::to_owned)
}

fn lower_hex(encoded: &str) -> String {
    let mut left = 0;
    let lower = |character: char| {
        left = if character == '%' { 3_usize } else { left };
        let inside = left > 0;
        left = left.saturating_sub(1);
        if inside { character.to_ascii_lowercase() } else { character }
    };
    encoded.chars().map(lower).collect()
}

static KNOWN: RwLock<Redactor> = RwLock::new(Redactor::new());

/// As long as it is kept, the secret is known to [`redact`].
#[derive(Debug)]
pub(super) struct Registration(Option<u64>);

impl Registration {
    pub(super) fn of(label: &'static str, secret: &str) -> Self {
        Self(KNOWN.write().unwrap_or_else(PoisonError::into_inner).learn(label, secret))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            KNOWN.write().unwrap_or_else(PoisonError::into_inner).forget(id);
        }
    }
}

/// A secret of estop's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnSecret {
    /// It was configured.
    Configured,
    /// It was obtained with one that was: an access token.
    Obtained,
}

/// Makes a secret of estop's own known to [`redact`] for the life of the process; of access tokens the newest few.
pub fn register(kind: OwnSecret, secret: &str) {
    let (label, most) = match kind {
        OwnSecret::Configured => ("own-secret", MAX_CONFIGURED),
        OwnSecret::Obtained => ("own-token", MAX_OBTAINED),
    };
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let there = known.needles.iter().any(|needle| needle.label == label && needle.form.as_str() == secret);
    if !there && known.learn(label, secret).is_some() {
        known.limit(label, most);
    }
}

/// A text on its way out: secrets that this process knows are replaced, then whatever looks like one.
pub fn redact(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).redact(text);
    match known {
        Cow::Borrowed(text) => mask(text),
        Cow::Owned(text) => match mask(&text) {
            Cow::Owned(masked) => Cow::Owned(masked),
            Cow::Borrowed(_) => Cow::Owned(text),
        },
    }
}

/// The same of JSON text: string by string, so that it stays JSON.
pub fn redact_json(json: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(quote) = json[at..].find('"') {
        let start = at + quote + 1;
        let Some(end) = string_end(json, start) else { break };
        if let Some(redacted) = redact_literal(&json[start..end]) {
            out.push_str(&json[copied..start]);
            out.push_str(&redacted);
            copied = end;
        }
        at = end + 1;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    out.push_str(&json[copied..]);
    Cow::Owned(out)
}

/// Where the string ends that begins here.
fn string_end(json: &str, start: usize) -> Option<usize> {
    let mut escaped = false;
    json.as_bytes()[start..]
        .iter()
        .position(|byte| match byte {
            b'"' if !escaped => true,
            b'\\' => {
                escaped = !escaped;
                false
            }
            _ => {
                escaped = false;
                false
            }
        })
        .map(|length| start + length)
}

/// What is between a string's quotes; `None`: nothing to redact.
fn redact_literal(inside: &str) -> Option<String> {
    if !inside.contains('\\') {
        return match redact(inside) {
            Cow::Owned(redacted) => Some(redacted),
            Cow::Borrowed(_) => None,
        };
    }
    let text: String = serde_json::from_str(&format!("\"{inside}\"")).ok()?;
    let redacted = match redact(&text) {
        Cow::Owned(redacted) => serde_json::to_string(&redacted).ok()?,
        Cow::Borrowed(_) => return None,
    };
    Some(redacted.trim_start_matches('"').strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests;
