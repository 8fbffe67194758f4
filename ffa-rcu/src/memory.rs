//! Allocation that reports instead of aborting, and the account of what values weigh.

use alloc::alloc::{Layout, alloc};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ptr::NonNull;

/// The allocator had no memory left. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of memory")
    }
}

impl core::error::Error for OutOfMemory {}

/// What a value keeps alive outside itself, so that the limit on retired memory counts it.
pub trait Footprint {
    /// Bytes on the heap that come free with this value, beyond `size_of_val(self)`.
    ///
    /// Asked when the value is retired, and before, whether there is room for it to be.
    fn heap_bytes(&self) -> usize {
        0
    }
}

impl Footprint for () {}
impl Footprint for u32 {}
impl Footprint for u64 {}
impl Footprint for usize {}

impl<T> Footprint for Vec<T> {
    fn heap_bytes(&self) -> usize {
        self.capacity().saturating_mul(size_of::<T>())
    }
}

/// `Box::new` that reports instead of aborting.
///
/// # Errors
///
/// [`OutOfMemory`]; the value is dropped.
pub fn try_box<T>(value: T) -> Result<Box<T>, OutOfMemory> {
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        return Ok(Box::new(value));
    }
    // SAFETY: the layout's size is not zero.
    let place = unsafe { alloc(layout) }.cast::<T>();
    let place = NonNull::new(place).ok_or(OutOfMemory)?;
    // SAFETY: freshly allocated for a `T`, and nobody else's.
    unsafe { place.write(value) };
    // SAFETY: allocated by the global allocator with `T`'s layout, and initialised.
    Ok(unsafe { Box::from_raw(place.as_ptr()) })
}

/// `(0..count).map(make).collect()` that reports instead of aborting.
pub(crate) fn try_collect<T>(
    count: usize,
    make: impl FnMut(usize) -> T,
) -> Result<Vec<T>, OutOfMemory> {
    let mut items = Vec::new();
    items.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
    items.extend((0..count).map(make));
    Ok(items)
}
