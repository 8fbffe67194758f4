//! Allocation that reports instead of aborting, and the account of what values weigh.

use alloc::alloc::{Layout, alloc};
use alloc::boxed::Box;
use alloc::string::String;
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

macro_rules! without_heap {
    ($($type:ty),*) => {
        $(impl Footprint for $type {})*
    };
}

without_heap!((), bool, char, u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, &str);

impl Footprint for String {
    fn heap_bytes(&self) -> usize {
        self.capacity()
    }
}

impl<T: Footprint> Footprint for Box<T> {
    fn heap_bytes(&self) -> usize {
        size_of::<T>().saturating_add((**self).heap_bytes())
    }
}

impl<T: Footprint> Footprint for Option<T> {
    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, T::heap_bytes)
    }
}

impl<T: Footprint> Footprint for Vec<T> {
    /// Its elements', too: it looks at each.
    fn heap_bytes(&self) -> usize {
        let room = self.capacity().saturating_mul(size_of::<T>());
        self.iter().map(T::heap_bytes).fold(room, usize::saturating_add)
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

#[cfg(all(test, not(loom)))]
mod tests {
    extern crate std;

    use super::*;
    use std::vec;

    #[test]
    fn what_is_nested_counts() {
        let inner: Vec<Vec<u8>> = vec![vec![0; 100], vec![0; 50]];
        assert_eq!(inner.heap_bytes(), 2 * size_of::<Vec<u8>>() + 150);
        assert_eq!(Box::new(inner).heap_bytes(), 3 * size_of::<Vec<u8>>() + 150);
        assert_eq!((Some(String::from("four")).heap_bytes(), None::<String>.heap_bytes()), (4, 0));
    }
}
