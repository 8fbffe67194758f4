//! Hypercalls of Xen (`xen/include/public`: arch-arm.h, xen.h), with the MMU off: an address is
//! what Xen takes it for.

use core::arch::asm;

use crate::toolstack::{Context, Domctl, Hypervisor, Sysctl, halves};

mod memory;

const CONSOLE_IO: u64 = 18;
const SYSCTL: u64 = 35;
const DOMCTL: u64 = 36;

/// `CONSOLEIO_write`.
const WRITE: u64 = 0;

/// Makes a hypercall.
///
/// # Safety
/// 1. Memory that the arguments name is the caller's, and Xen may do with it what the call says.
unsafe fn hypercall(number: u64, arguments: [u64; 3]) -> i64 {
    let [first, second, third] = arguments;
    let result: i64;
    // SAFETY: by 1; a call keeps all registers but those that pass arguments and the number.
    unsafe {
        asm!(
            "hvc #0xea1",
            inout("x0") first => result,
            inout("x1") second => _,
            inout("x2") third => _,
            out("x3") _,
            out("x4") _,
            inout("x16") number => _,
            options(nostack)
        );
    }
    result
}

/// Writes to Xen's console. Of a domain other than dom0 it shows whole lines only.
pub fn write(text: &[u8]) {
    let arguments = [WRITE, text.len() as u64, text.as_ptr() as u64];
    // SAFETY: 1. Xen reads the text. Nothing can be done about a failure: there is no other
    // console.
    unsafe { hypercall(CONSOLE_IO, arguments) };
}

/// Xen, to its toolstack.
#[derive(Debug)]
pub struct Xen;

impl Hypervisor for Xen {
    fn domctl(&self, call: &mut Domctl) -> i64 {
        let arguments = [core::ptr::from_mut(call) as u64, 0, 0];
        // SAFETY: 1. Xen reads and writes the structure. Of the calls that pass further addresses
        // a domain's own are made by `set_vcpu`.
        unsafe { hypercall(DOMCTL, arguments) }
    }

    fn sysctl(&self, call: &mut Sysctl) -> i64 {
        let arguments = [core::ptr::from_mut(call) as u64, 0, 0];
        // SAFETY: 1. Xen reads and writes the structure, in which there are no addresses.
        unsafe { hypercall(SYSCTL, arguments) }
    }

    fn populate(&self, domain: u16, frames: &[u64], order: u32) -> i64 {
        memory::populate(domain, frames, order)
    }

    fn write_page(&self, domain: u16, frame: u64, bytes: &[u8]) -> i64 {
        memory::write_page(domain, frame, bytes)
    }

    fn set_vcpu(&self, domain: u16, context: &Context) -> i64 {
        let mut payload = [0; 32];
        [payload[2], payload[3]] = halves(core::ptr::from_ref(context) as u64);
        self.domctl(&mut Domctl::new(Domctl::SET_VCPU, domain, payload))
    }
}
