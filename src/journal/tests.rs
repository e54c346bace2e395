//! The writer against disks that fail, and against images that crashes and intruders leave.

mod claims;
mod failing;
mod fallback;
mod faulty;
mod format;
mod images;

use super::{Body, Record, Recorded, Verification, fixture::*, sink::MemorySink};

fn image(bytes: &[u8]) -> MemorySink {
    let memory = MemorySink::default();
    memory.memory().segments[0] = bytes.to_vec();
    memory
}

fn read(memory: &MemorySink) -> Recorded {
    let segments = memory.memory().segments.iter().map(|bytes| ("memory".into(), bytes.clone())).collect();
    Recorded::from_segments(segments)
}

/// `verify` on bytes: it reads files only.
fn verified_bytes(bytes: &[u8]) -> Verification {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, bytes).unwrap();
    super::verify(file.path())
}

/// Opens an image as another process, appends one line, and gives back what there is then.
async fn go_on(memory: &MemorySink) -> Recorded {
    let journal = journal(2, memory, memory.clone()).expect("an image of a crash opens");
    journal.commit(vec![sweep(1)]).await.expect("and goes on");
    read(memory)
}

fn line_starts(bytes: &[u8]) -> Vec<usize> {
    std::iter::once(0).chain(bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1)).collect()
}

fn round(record: &Record) -> Option<u32> {
    match record.body.known() {
        Some(Body::SweepRound { round, .. }) => Some(*round),
        _ => None,
    }
}
