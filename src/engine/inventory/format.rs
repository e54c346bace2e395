//! The bytes of an inventory.
//!
//! ```text
//! "estop inventory 1\n"  block: head  block  block …      block: length, CRC-32 (both 4 bytes, little-endian), content
//! head: of which providers it is, each with its time, and what each further block holds
//! ```
//!
//! Blocks are taken in side by side. Everything is checked: no byte that is not as it was written is taken.

use std::{
    num::NonZero,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde::{Deserialize, Serialize};

use super::{
    InventoryError, Part,
    disk::MOST_BYTES,
    row::{At, Row, reading_of},
};
use crate::{
    domain::{Gap, Identity, IdentityId, ProviderName, Reading},
    engine::Listing,
};

/// What a file begins with; the number is the format's version. It rises with every change of what is kept, also of the
/// order of an enum's variants.
const MAGIC: &[u8] = b"estop inventory 1\n";
/// The same of any version.
const OF_ANY_VERSION: &[u8] = b"estop inventory ";
/// Bytes before a block's content.
const BLOCK_HEAD: usize = 8;
/// Identities in a block.
const ROWS: usize = 4096;
/// Readings in a block.
const READINGS: usize = 32;
/// More threads than that are not used: keys and strikes need processors too.
const MAX_THREADS: usize = 8;

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    belongs: [u8; 32],
    parts: Vec<PartHead>,
    blocks: Vec<BlockHead>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PartHead {
    name: ProviderName,
    read_at: At,
    gaps: Vec<Gap>,
    own: Option<String>,
}

/// What a block holds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct BlockHead {
    /// Of which provider, by its place in the head.
    part: usize,
    holds: Holds,
    count: usize,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Holds {
    Identities,
    Readings,
}

/// A block, taken in.
enum Content {
    Identities(Vec<Identity>),
    Readings(Vec<Reading>),
}

/// The bytes of what was read.
pub fn encode(parts: &[Part], belongs: &[u8; 32]) -> Result<Vec<u8>, InventoryError> {
    let mut head = Head { belongs: *belongs, parts: Vec::new(), blocks: Vec::new() };
    let mut blocks = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        head.parts.push(PartHead {
            name: part.name.clone(),
            read_at: part.read_at.into(),
            gaps: part.listing.gaps.iter().map(masked).collect(),
            own: part.own.as_ref().map(|own| own.native().to_owned()),
        });
        for identities in part.listing.identities.chunks(ROWS) {
            let rows: Vec<Row<'_>> = identities.iter().filter_map(Row::of).collect();
            head.blocks.push(BlockHead { part: at, holds: Holds::Identities, count: rows.len() });
            block(&mut blocks, &rows)?;
        }
        for readings in part.readings.chunks(READINGS) {
            let texts: Vec<String> = readings.iter().filter_map(reading_of).collect();
            head.blocks.push(BlockHead { part: at, holds: Holds::Readings, count: texts.len() });
            block(&mut blocks, &texts)?;
        }
    }
    let mut bytes = MAGIC.to_vec();
    block(&mut bytes, &head)?;
    bytes.append(&mut blocks);
    if bytes.len() > MOST_BYTES { Err(InventoryError::TooBig) } else { Ok(bytes) }
}

fn masked(gap: &Gap) -> Gap {
    Gap { what: crate::domain::redact(&gap.what).into_owned(), ..gap.clone() }
}

fn block<T: Serialize>(bytes: &mut Vec<u8>, content: &T) -> Result<(), InventoryError> {
    let content = postcard::to_stdvec(content).map_err(|error| InventoryError::Io(error.to_string()))?;
    let length = u32::try_from(content.len()).map_err(|_| InventoryError::TooBig)?;
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&content).to_le_bytes());
    bytes.extend_from_slice(&content);
    Ok(())
}

/// What was read, from its bytes.
pub fn decode(bytes: &[u8], belongs: &[u8; 32]) -> Result<Vec<Part>, InventoryError> {
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
        let other = bytes.starts_with(OF_ANY_VERSION);
        return Err(if other { InventoryError::Version } else { InventoryError::Damaged });
    };
    let head = content(cut(&mut rest).ok_or(InventoryError::Damaged)?).ok_or(InventoryError::Damaged)?;
    let head: Head = postcard::from_bytes(head).map_err(|_| InventoryError::Damaged)?;
    if head.belongs != *belongs {
        return Err(InventoryError::Other);
    }
    parts(head, rest).ok_or(InventoryError::Damaged)
}

fn parts(head: Head, mut rest: &[u8]) -> Option<Vec<Part>> {
    let mut blocks = Vec::new();
    for block in head.blocks {
        let of = &head.parts.get(block.part)?.name;
        blocks.push((block, of, cut(&mut rest)?));
    }
    if !rest.is_empty() {
        return None;
    }
    let mut listed: Vec<(Vec<Identity>, Vec<Reading>)> = head.parts.iter().map(|_| Default::default()).collect();
    for (at, content) in side_by_side(&blocks)? {
        match content {
            Content::Identities(mut identities) => listed[at].0.append(&mut identities),
            Content::Readings(mut readings) => listed[at].1.append(&mut readings),
        }
    }
    let part = |(part, (identities, readings)): (PartHead, _)| {
        Some(Part {
            read_at: part.read_at.time()?,
            own: part.own.map(|own| IdentityId::new(part.name.clone(), own)),
            listing: Arc::new(Listing { identities, gaps: part.gaps }),
            name: part.name,
            readings,
        })
    };
    head.parts.into_iter().zip(listed).map(part).collect()
}

/// The next block, head included.
fn cut<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(*rest.first_chunk()?);
    let (block, behind) = rest.split_at_checked(usize::try_from(length).ok()?.checked_add(BLOCK_HEAD)?)?;
    *rest = behind;
    Some(block)
}

/// A block's content, where it is as it was written.
fn content(block: &[u8]) -> Option<&[u8]> {
    let (head, content) = block.split_at_checked(BLOCK_HEAD)?;
    let sum = u32::from_le_bytes(*head.last_chunk()?);
    (crc32fast::hash(content) == sum).then_some(content)
}

/// Takes blocks in on as many threads as there are processors; what each holds, in their order.
fn side_by_side(blocks: &[(BlockHead, &ProviderName, &[u8])]) -> Option<Vec<(usize, Content)>> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS).min(blocks.len());
    let next = AtomicUsize::new(0);
    let taken: Mutex<Vec<Option<Content>>> = Mutex::new(blocks.iter().map(|_| None).collect());
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((head, provider, bytes)) = blocks.get(at) else { return };
            let content = take(*head, provider, bytes);
            let whole = content.is_some();
            taken.lock().unwrap_or_else(PoisonError::into_inner)[at] = content;
            if !whole {
                // Nothing of a damaged file is taken: the rest need not be looked at.
                next.store(blocks.len(), Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let taken = taken.into_inner().unwrap_or_else(PoisonError::into_inner);
    blocks.iter().zip(taken).map(|((head, ..), content)| Some((head.part, content?))).collect()
}

fn take(head: BlockHead, provider: &ProviderName, block: &[u8]) -> Option<Content> {
    let content = content(block)?;
    match head.holds {
        Holds::Identities => {
            let rows: Vec<Row<'_>> = postcard::from_bytes(content).ok()?;
            let identities: Option<Vec<Identity>> = rows.into_iter().map(|row| row.identity(provider)).collect();
            identities.filter(|identities| identities.len() == head.count).map(Content::Identities)
        }
        Holds::Readings => {
            let texts: Vec<&str> = postcard::from_bytes(content).ok()?;
            let read = |text: &&str| serde_json::from_str::<Reading>(text).ok();
            let readings: Option<Vec<Reading>> = texts.iter().map(read).collect();
            let of = |reading: &Reading| reading.identity.id.provider() == provider;
            readings.filter(|all| all.len() == head.count && all.iter().all(of)).map(Content::Readings)
        }
    }
}
