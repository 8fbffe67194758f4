//! Snapshots in chunks: a change makes a few chunks anew, and the next snapshot has all others in
//! common with the one before.
//!
//! ```text
//!   root ──▶ head, top   [ a | b | c | d ]      before
//!                          │   │   │   │
//!                          A   B   C   D        chunks
//!                          │     B'  │   │
//!   root ──▶ head', top' [ a | b'| c | d ]      after `splice(1..2)` and one `push`: B is the old
//!                                               snapshot's to free, all others are the new one's
//! ```
//!
//! No chunk is counted. Snapshots follow each other in one line, so a chunk that is replaced can be
//! read through the snapshot that had it last, or through earlier ones, and through no later one: it
//! is freed together with that last one, when every section that began before the replacement has
//! ended. A change costs a copy of the top and the new chunks, whatever else the snapshot has.

use crate::backend::{Backend, DefaultBackend};
use crate::memory::{Footprint, OutOfMemory};
use crate::node::Node;
use crate::sync::AtomicU64;
use crate::writer::{ReplaceError, Writer};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::{Deref, Range};
use core::ptr::NonNull;
use core::sync::atomic::Ordering::Relaxed;

/// A part of a [`Chunked`] snapshot, immutable once it is published. It may be unsized: then its readers
/// need not follow a pointer more.
pub trait Chunk: Footprint {
    /// What the top says of a chunk, so that it can be found or passed over without being read.
    type Summary: Copy;
}

/// An immutable snapshot: a head, and chunks that may be shared with the snapshots before and after.
///
/// Made without chunks, and changed by [`Writer::splice`].
pub struct Chunked<H, K: Chunk + ?Sized> {
    head: H,
    top: Top<K>,
}

/// A chunk in its place, with what the top says of it.
pub struct Entry<K: Chunk + ?Sized> {
    /// What the top says.
    pub summary: K::Summary,
    /// Points to a live chunk, made by `Box::into_raw`.
    chunk: NonNull<K>,
}

struct Top<K: Chunk + ?Sized> {
    entries: Vec<Entry<K>>,
    /// The entries whose chunks go with this top; [`pack`]ed. Changed by a holder of the writers'
    /// lock only. A reader frees nothing by it: it can ask for the footprint, which is a number.
    ///
    /// Invariant: no other top owns them, except that of a snapshot that was not published yet.
    owned: AtomicU64,
}

/// A snapshot under way: the current one with some of its chunks replaced.
///
/// Dropping it changes nothing.
#[must_use = "a splice is published by finish and commit"]
pub struct Splice<'w, 'r, H, K: Chunk + ?Sized, C, B: Backend = DefaultBackend> {
    writer: &'w mut Writer<'r, Chunked<H, K>, C, B>,
    replaced: Range<usize>,
    /// The entries up to where the next chunk goes. Owns the new ones.
    top: Top<K>,
    /// What will be retired: as admitted.
    bytes: usize,
}

/// A spliced snapshot that has its memory and its admission. [`commit`](Self::commit) cannot fail;
/// dropping it changes nothing.
#[must_use = "a spliced snapshot is published by commit"]
pub struct Spliced<'w, 'r, H, K: Chunk + ?Sized, C, B: Backend = DefaultBackend> {
    writer: &'w mut Writer<'r, Chunked<H, K>, C, B>,
    replaced: Range<usize>,
    snapshot: Box<Node<Chunked<H, K>>>,
    /// What will be retired: as admitted.
    bytes: usize,
}

impl<H, K: Chunk + ?Sized> Chunked<H, K> {
    /// A snapshot without chunks.
    #[must_use]
    pub fn new(head: H) -> Self {
        Self { head, top: Top { entries: Vec::new(), owned: AtomicU64::new(0) } }
    }

    /// The head.
    #[inline]
    #[must_use]
    pub fn head(&self) -> &H {
        &self.head
    }

    /// The chunks, in order.
    #[inline]
    #[must_use]
    pub fn entries(&self) -> &[Entry<K>] {
        &self.top.entries
    }
}

impl<K: Chunk + ?Sized> Deref for Entry<K> {
    type Target = K;

    #[inline]
    fn deref(&self) -> &K {
        // SAFETY: live, by the field's invariant: whoever can reach the entry does so through a
        // snapshot that is not freed, and the chunk is not freed before that.
        unsafe { self.chunk.as_ref() }
    }
}

// SAFETY: an entry gives `&K` and its summary, and whoever owns its chunk drops the `K`.
unsafe impl<K: Chunk + Send + Sync + ?Sized> Send for Entry<K> where K::Summary: Send {}
// SAFETY: as above.
unsafe impl<K: Chunk + Send + Sync + ?Sized> Sync for Entry<K> where K::Summary: Sync {}

impl<K: Chunk + ?Sized> Top<K> {
    fn owned(&self) -> &[Entry<K>] {
        // Relaxed: ordered by the writers' lock, and at the end by the drop.
        self.entries.get(unpack(self.owned.load(Relaxed))).unwrap_or(&[])
    }

    fn own(&self, entries: Range<usize>) {
        self.owned.store(pack(&entries), Relaxed);
    }
}

impl<K: Chunk + ?Sized> Drop for Top<K> {
    fn drop(&mut self) {
        for entry in self.owned() {
            // SAFETY: made by `Box::into_raw`; by the invariant nobody else frees it, and since this
            // top is dropped nobody reads it: either it was never published, and then owns only
            // what no other top has, or its readers have left, and with them those of the tops
            // before.
            drop(unsafe { Box::from_raw(entry.chunk.as_ptr()) });
        }
    }
}

impl<H: Footprint, K: Chunk + ?Sized> Footprint for Chunked<H, K> {
    /// The head's, the top, and the chunks that no later snapshot has.
    fn heap_bytes(&self) -> usize {
        self.bytes_with(chunk_bytes(self.top.owned()))
    }
}

impl<H: Footprint, K: Chunk + ?Sized> Chunked<H, K> {
    fn bytes_with(&self, chunks: usize) -> usize {
        let top = self.top.entries.capacity().saturating_mul(size_of::<Entry<K>>());
        self.head.heap_bytes().saturating_add(top).saturating_add(chunks)
    }
}

fn chunk_bytes<K: Chunk + ?Sized>(entries: &[Entry<K>]) -> usize {
    let bytes =
        entries.iter().map(|entry| size_of_val::<K>(entry).saturating_add(entry.heap_bytes()));
    bytes.fold(0, usize::saturating_add)
}

impl<'r, H: Footprint, K: Chunk + ?Sized, C, B: Backend> Writer<'r, Chunked<H, K>, C, B> {
    /// Begins a snapshot in which other chunks, about `room` of them, stand in place of those in
    /// `replaced`.
    ///
    /// A range beyond the end is cut.
    ///
    /// # Errors
    ///
    /// [`ReplaceError`].
    pub fn splice(
        &mut self,
        replaced: Range<usize>,
        room: usize,
    ) -> Result<Splice<'_, 'r, H, K, C, B>, ReplaceError> {
        let snapshot = &self.root().value;
        let old = &snapshot.top.entries;
        let end = replaced.end.min(old.len());
        let replaced = replaced.start.min(end)..end;
        let kept = old.get(..replaced.start).unwrap_or(&[]);
        let doomed = chunk_bytes(old.get(replaced.clone()).unwrap_or(&[]));
        let node = size_of::<Node<Chunked<H, K>>>();
        let bytes = node.saturating_add(snapshot.bytes_with(doomed));
        self.admit(bytes)?;

        let mut entries = Vec::new();
        reserve(&mut entries, (old.len() - replaced.len()).saturating_add(room))?;
        append(&mut entries, kept.iter().map(Entry::share))?;
        let top = Top { entries, owned: AtomicU64::new(0) };
        top.own(replaced.start..replaced.start);
        Ok(Splice { writer: self, replaced, top, bytes })
    }
}

impl<'w, 'r, H, K: Chunk + ?Sized, C, B: Backend> Splice<'w, 'r, H, K, C, B> {
    /// Appends a chunk to the replacement.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`], where there are more chunks than there is room for; the chunk is dropped.
    pub fn push(&mut self, summary: K::Summary, chunk: Box<K>) -> Result<(), OutOfMemory> {
        reserve(&mut self.top.entries, 1)?;
        let chunk = NonNull::from(Box::leak(chunk));
        self.top.entries.push(Entry { summary, chunk });
        self.top.own(self.replaced.start..self.top.entries.len());
        Ok(())
    }

    /// The chunks that are replaced.
    #[must_use]
    pub fn replaced(&self) -> &[Entry<K>] {
        let old = &self.writer.root().value.top.entries;
        old.get(self.replaced.clone()).unwrap_or(&[])
    }

    /// The summary of the last entry so far: of the chunk pushed last, or of the one before the
    /// replaced ones.
    #[must_use]
    pub fn last(&self) -> Option<&K::Summary> {
        self.top.entries.last().map(|entry| &entry.summary)
    }

    /// Has the chunks after the replaced ones follow, each with its summary as `adjust` changes it.
    ///
    /// # Errors
    ///
    /// [`ReplaceError::OutOfMemory`].
    pub fn finish(
        mut self,
        head: H,
        mut adjust: impl FnMut(&mut K::Summary),
    ) -> Result<Spliced<'w, 'r, H, K, C, B>, ReplaceError> {
        let old = &self.writer.root().value.top.entries;
        let after = old.get(self.replaced.end..).unwrap_or(&[]);
        let adjusted = after.iter().map(|entry| {
            let mut entry = entry.share();
            adjust(&mut entry.summary);
            entry
        });
        append(&mut self.top.entries, adjusted)?;
        let snapshot = Node::try_new(Chunked { head, top: self.top })?;
        Ok(Spliced { writer: self.writer, replaced: self.replaced, snapshot, bytes: self.bytes })
    }
}

impl<H: Footprint, K: Chunk + ?Sized, C, B: Backend> Spliced<'_, '_, H, K, C, B> {
    /// Publishes the snapshot and retires the one before, with the chunks that were replaced.
    pub fn commit(self) {
        let new = &self.snapshot.value.top;
        let old = &self.writer.root().value.top;
        // From here on the old top owns what only it has. No reader frees by this, and the writers'
        // lock keeps whoever frees the old one away until it is retired. Nothing until the swap can
        // panic: the new snapshot, dropped by an unwinding, would free what the old one still shows.
        old.own(self.replaced);
        new.own(0..new.entries.len());
        self.writer.swap(self.snapshot, self.bytes);
    }
}

impl<K: Chunk + ?Sized> Entry<K> {
    /// The same chunk in another top, which does not own it.
    fn share(&self) -> Self {
        Self { summary: self.summary, chunk: self.chunk }
    }
}

/// Makes room for so many entries more, up to as many as [`pack`] can name.
fn reserve<K: Chunk + ?Sized>(entries: &mut Vec<Entry<K>>, more: usize) -> Result<(), OutOfMemory> {
    if entries.len().saturating_add(more) > MOST_ENTRIES {
        return Err(OutOfMemory);
    }
    entries.try_reserve(more).map_err(|_| OutOfMemory)
}

/// Appends without the code that would grow the vector on the way, and abort where it cannot.
fn append<K: Chunk + ?Sized>(
    entries: &mut Vec<Entry<K>>,
    more: impl ExactSizeIterator<Item = Entry<K>>,
) -> Result<(), OutOfMemory> {
    reserve(entries, more.len())?;
    entries.extend(more);
    Ok(())
}

const MOST_ENTRIES: usize = u32::MAX as usize;

/// Start in the upper half, end in the lower: neither is more than [`MOST_ENTRIES`].
fn pack(entries: &Range<usize>) -> u64 {
    (entries.start as u64) << 32 | entries.end as u64
}

#[expect(clippy::cast_possible_truncation, reason = "each half was packed from a usize")]
fn unpack(entries: u64) -> Range<usize> {
    let end = entries & u64::from(u32::MAX);
    (entries >> 32) as usize..end as usize
}
