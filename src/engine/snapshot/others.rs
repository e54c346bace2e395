//! The identities that no bot has.

use std::{
    ops::{Index, Range},
    sync::Arc,
};

use crate::{
    domain::{Identity, IdentityId},
    engine::Listing,
};

/// Identities in the listings that they came in: there may be half a million, and none is copied.
#[derive(Debug, Clone, Default)]
pub struct Others {
    listings: Vec<Arc<Listing>>,
    /// Of which listing, and where in it.
    places: Vec<(u32, u32)>,
}

impl Others {
    /// Those at these places of these listings.
    pub(in crate::engine) fn new(listings: Vec<Arc<Listing>>, places: Vec<(u32, u32)>) -> Self {
        Self { listings, places }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Identity> {
        self.range(0..self.len())
    }

    /// Those of the numbers from one to before another.
    ///
    /// # Panics
    /// The range ends behind the last.
    pub fn range(&self, range: Range<usize>) -> impl Iterator<Item = &Identity> {
        self.places[range].iter().map(|place| self.at(*place))
    }

    /// The number of one.
    pub fn find(&self, id: &IdentityId) -> Option<usize> {
        // By id as a rule.
        let found = self.places.binary_search_by(|place| self.at(*place).id.cmp(id)).ok();
        found.or_else(|| self.iter().position(|identity| identity.id == *id))
    }

    fn at(&self, (listing, at): (u32, u32)) -> &Identity {
        &self.listings[listing as usize].identities[at as usize]
    }
}

impl Index<usize> for Others {
    type Output = Identity;

    fn index(&self, number: usize) -> &Identity {
        self.at(self.places[number])
    }
}

impl From<Vec<Identity>> for Others {
    /// In that order.
    fn from(identities: Vec<Identity>) -> Self {
        let places = (0..u32::try_from(identities.len()).unwrap_or(u32::MAX)).map(|at| (0, at)).collect();
        Self { listings: vec![Arc::new(Listing { identities, gaps: Vec::new() })], places }
    }
}
