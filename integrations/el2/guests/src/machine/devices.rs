//! The platform, found once when the guest starts.

use dtoolkit::fdt::Fdt;
use spin::Once;

use crate::platform::Platform;

static PLATFORM: Once<Platform> = Once::new();

/// The platform of this VM; before [`find`], that of a VM without a device tree.
pub(super) fn platform() -> &'static Platform {
    PLATFORM.get().unwrap_or(&Platform::DEFAULT)
}

/// Reads the device tree at this address, if it is not 0 and one is there.
///
/// # Safety
/// Whoever started the guest put a device tree there, or 0 into `address`; nobody changes it, nor
/// the RAM disk that it names.
pub(super) unsafe fn find(address: u64) {
    // SAFETY: promised by the caller.
    if let Some(tree) = unsafe { tree(address) } {
        PLATFORM.call_once(|| Platform::of(tree));
    }
}

/// The RAM disk that the device tree names.
pub fn ramdisk() -> Option<&'static [u8]> {
    let [start, end] = platform().ramdisk?;
    let pointer = core::ptr::with_exposed_provenance::<u8>(start);
    // SAFETY: promised to `find`.
    Some(unsafe { core::slice::from_raw_parts(pointer, end - start) })
}

/// # Safety
/// As for [`find`].
unsafe fn tree(address: u64) -> Option<Fdt<'static>> {
    let pointer = core::ptr::with_exposed_provenance::<u8>(usize::try_from(address).ok()?);
    if address == 0 || !address.is_multiple_of(8) {
        return None;
    }
    // SAFETY: promised by the caller.
    unsafe { Fdt::from_raw(pointer) }.ok()
}
