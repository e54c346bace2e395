//! The table of rules, in the order in which they are tried.

mod cloud;
mod read;

mod saas;

pub(super) use read::{ANY_STANDARD, ANY_URL};

use super::rule::Rule;

/// All rules.
pub(super) fn all() -> impl Iterator<Item = Rule> {
    saas::RULES.iter().chain(cloud::RULES).copied()
}

#[cfg(test)]
mod tests;
