//! What `--trace` prints: each FF-A call with its reply.

use core::sync::atomic::{AtomicBool, Ordering};

use ffa_abi::{Call, Regs, Version};

use super::console::log;

static ON: AtomicBool = AtomicBool::new(false);

/// Prints calls from now on.
pub(super) fn enable() {
    ON.store(true, Ordering::Relaxed);
}

/// Prints one call, if calls are printed.
pub(super) fn call(vm: u16, vcpu: u16, call: &Regs, reply: &Regs) {
    if !ON.load(Ordering::Relaxed) {
        return;
    }
    let version = Version::V1_2;
    match Call::decode(call, version) {
        Ok(call) => log!("vm{vm}.{vcpu}: {call} -> {}", call.display_reply(reply, version)),
        Err(error) => log!("vm{vm}.{vcpu}: {error} -> {:#x} {:#x}", reply.w(0), reply.w(2)),
    }
}
