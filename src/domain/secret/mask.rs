//! Masking by shape, with wider patterns than recognising has: lengths that are not known yet are masked too.
//!
//! ```text
//! ghp_Ab3… ─▶ <github-token:sha256:0f1e2d3c4b5a>      password=hunter2 ─▶ password=<password>
//! ```
//!
//! What is long and random keeps a fingerprint, so that two lines about the same secret can be told to be. What a
//! person may have chosen does not: whoever reads the fingerprint could try words against it. Marks are ASCII without
//! blanks and quotes, so that they fit into any text, and are never masked again.

use std::{borrow::Cow, sync::LazyLock};

use aho_corasick::AhoCorasick;
use regex::{Captures, Regex};

use crate::domain::Fingerprint;

/// A kind of token: the word in its mark, its pattern, and whether words look like it too.
struct Wide {
    kind: &'static str,
    pattern: &'static str,
    /// Whether a match without capitals and with few digits is taken for words: `sk-assistant-production`.
    wordlike: bool,
}

const fn wide(kind: &'static str, pattern: &'static str) -> Wide {
    Wide { kind, pattern, wordlike: false }
}

const fn wordlike(kind: &'static str, pattern: &'static str) -> Wide {
    Wide { kind, pattern, wordlike: true }
}

/// Tried in this order where several begin at one place.
const WIDE: &[Wide] = &[
    wide("pem-block", r"-----BEGIN[^-]*-----(?s:.)*?(?:-----END[^-]{0,80}-----|\z)"),
    wide("github-token", r"(?-u:\b)gh[pousr]_[A-Za-z0-9._-]{20,}"),
    wide("github-token", r"github_pat_[A-Za-z0-9_]{20,}"),
    wide("gitlab-token", r"(?-u:\b)gl(?:pat|dt|rt|rtr|ptt|agent|oas|cbt|soat|ft|imt|ffct|wt)-[A-Za-z0-9_.=-]{16,}"),
    wordlike("gitlab-token", r"(?-u:\b)gl[a-z]{2,6}-[A-Za-z0-9_.=-]{16,}"),
    wide("slack-token", r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{8,}"),
    wide("slack-token", r"(?-u:\b)xapp-[A-Za-z0-9-]{8,}"),
    wide("slack-webhook", r#"hooks\.slack\.com/[^ \t\r\n"'<>\\]+"#),
    wide("teams-webhook", r#"webhook\.office\.com/webhookb2/[^ \t\r\n"'<>\\]+"#),
    wide("secret-key", r"(?-u:\b)sk-(?:proj|svcacct|admin|ant)-[A-Za-z0-9_-]{16,}"),
    wordlike("secret-key", r"(?-u:\b)sk-[A-Za-z0-9_-]{16,}"),
    wide("atlassian-token", r"AT[A-Z]TT3[A-Za-z0-9+/=_-]{16,}"),
    wordlike("huggingface-token", r"(?-u:\b)hf_[A-Za-z0-9_]{16,}"),
    wide("langsmith-key", r"lsv2_[A-Za-z0-9_]{16,}"),
    wide("pinecone-key", r"pcsk_[A-Za-z0-9_]{16,}"),
    wide("npm-token", r"(?-u:\b)npm_[A-Za-z0-9]{30,}"),
    wide("stripe-key", r"(?-u:\b)[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    wordlike("vault-token", r"(?-u:\b)hv[sbr]\.[A-Za-z0-9_-]{16,}"),
    wide("matrix-token", r#"(?-u:\b)sy[trl]_[^ \t\r\n"'<>\\]{16,}"#),
    wide("aws-key-id", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}"),
    wide("aws-bedrock-key", r"ABSK[A-Za-z0-9+/]{40,}={0,2}"),
    wide("google-key", r"AIza[A-Za-z0-9_-]{30,}"),
    wide("google-token", r"ya29\.[A-Za-z0-9_-]{16,}"),
    wide("entra-secret", r"[A-Za-z0-9_~.]{0,3}[0-9]Q~[A-Za-z0-9_~.-]{20,}"),
    wide("json-web-token", r"(?:eyJ|ewo)[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{4,}){1,4}"),
    wide("salesforce-token", r"00D[A-Za-z0-9_]{12}![A-Za-z0-9_.]{16,}"),
];

/// What stands before a value that nobody should see, with the word of its mark. The last group is the value.
const VALUES: &[(&str, &str)] = &[
    (
        "authorization",
        r#"(?i-u:authorization)["']?[ \t]*[:=][ \t]*["']?(?:(?i-u:bearer|basic|ssws|token|digest|negotiate)[ \t]+)?([^ \t\r\n"'&\\]+)"#,
    ),
    ("api-token", r#"(?i-u:x-vault-token|private-token|(?:x-)?api-key)["']?[ \t]*:[ \t]*["']?([^ \t\r\n"'&\\]+)"#),
    ("password", r#"(?i-u:password)=([^ \t\r\n"'&\\]+)"#),
    ("client-secret", r#"(?i-u:client_secret)=([^ \t\r\n"'&\\]+)"#),
    ("token", r#"(?i-u:token)=([^ \t\r\n"'&\\]+)"#),
    ("password", r#""(?i-u:password)"[ \t]*:[ \t]*"([^"\\]+)"#),
    ("client-secret", r#""(?i-u:client_?secret|private_key|secretaccesskey)"[ \t]*:[ \t]*"([^"\\]+)"#),
    ("token", r#""(?i-u:access_token|refresh_token|id_token)"[ \t]*:[ \t]*"([^"\\]+)"#),
    ("password", r#"[a-z][a-z0-9+.-]{1,20}://[^ \t\r\n"'<>/@:\\]*:([^ \t\r\n"'/@\\]+)@"#),
];

/// One of these, in any case, is in every text that has something to mask.
const ANCHORS: &[&str] = &[
    "-----begin",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "gl",
    "xox",
    "xapp-",
    "hooks.slack.com",
    "webhook.office.com",
    "sk-",
    "tt3",
    "hf_",
    "lsv2_",
    "pcsk_",
    "npm_",
    "k_live_",
    "k_test_",
    "hvs.",
    "hvb.",
    "hvr.",
    "syt_",
    "syr_",
    "syl_",
    "akia",
    "asia",
    "abia",
    "acca",
    "absk",
    "aiza",
    "ya29.",
    "q~",
    "eyj",
    "ewo",
    "00d",
    "authorization",
    "x-vault-token",
    "private-token",
    "api-key",
    "password=",
    "client_secret=",
    "token=",
    "password\"",
    "secret\"",
    "private_key\"",
    "secretaccesskey\"",
    "_token\"",
    "://",
];

/// The words that marks of values registered elsewhere have.
pub(super) const REGISTERED: [&str; 3] = ["own-secret", "own-token", "leaked-secret"];

static ANCHOR: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let build = AhoCorasick::builder().ascii_case_insensitive(true).build(ANCHORS);
    build.expect("a few literals make no automaton too big")
});

/// All tokens in one pattern, a group each. What is glued to a token is masked with it.
static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    let each: Vec<String> = WIDE.iter().map(|wide| format!("((?:{})[A-Za-z0-9_]*)", wide.pattern)).collect();
    Regex::new(&each.join("|")).expect("a test compiles every pattern")
});

static VALUE: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let compile = |pattern| Regex::new(pattern).expect("a test compiles every pattern");
    VALUES.iter().map(|(kind, pattern)| (*kind, compile(pattern))).collect()
});

/// Replaces what looks like a secret by a mark with its kind. Masking again changes nothing.
pub fn mask(text: &str) -> Cow<'_, str> {
    if !ANCHOR.is_match(text) {
        return Cow::Borrowed(text);
    }
    let mut text = tokens(text);
    for (kind, pattern) in VALUE.iter() {
        if let Some(masked) = values(&text, kind, pattern) {
            text = Cow::Owned(masked);
        }
    }
    text
}

fn tokens(text: &str) -> Cow<'_, str> {
    replace(text, &TOKENS, |found| {
        let (wide, token) = WIDE.iter().enumerate().find_map(|(at, wide)| Some((wide, found.get(at + 1)?.as_str())))?;
        if wide.wordlike && is_wordlike(token) {
            return None;
        }
        // A full stop behind it belongs to the sentence.
        let bare = token.trim_end_matches('.');
        let mark = format!("<{}:{}>{}", wide.kind, Fingerprint::of(bare.as_bytes()), &token[bare.len()..]);
        Some((found.get(0)?.range(), mark))
    })
}

fn values(text: &str, kind: &str, pattern: &Regex) -> Option<String> {
    let masked = replace(text, pattern, |found| {
        let value = found.get(1)?;
        (!is_mark(value.as_str())).then(|| (value.range(), format!("<{kind}>")))
    });
    match masked {
        Cow::Owned(masked) => Some(masked),
        Cow::Borrowed(_) => None,
    }
}

/// Replaces a part of each match, where the closure says which and by what.
fn replace<'a>(
    text: &'a str,
    pattern: &Regex,
    part: impl Fn(&Captures<'_>) -> Option<(std::ops::Range<usize>, String)>,
) -> Cow<'a, str> {
    let mut out = String::new();
    let mut copied = 0;
    for (range, mark) in pattern.captures_iter(text).filter_map(|found| part(&found)) {
        out.push_str(&text[copied..range.start]);
        out.push_str(&mark);
        copied = range.end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Whether it is lower-case words rather than something random: random text of that length has capitals, or is hex.
fn is_wordlike(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_uppercase()) && text.bytes().filter(u8::is_ascii_digit).count() < 4
}

/// Whether it is a mark of ours.
fn is_mark(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')) else { return false };
    let (kind, fingerprint) = inside.split_once(':').map_or((inside, None), |(kind, rest)| (kind, Some(rest)));
    let known = |kind: &str| {
        WIDE.iter()
            .map(|wide| wide.kind)
            .chain(VALUES.iter().map(|value| value.0))
            .chain(REGISTERED)
            .any(|one| one == kind)
    };
    known(kind) && fingerprint.is_none_or(|text| Fingerprint::parse(text).is_some())
}

#[cfg(test)]
mod tests;
