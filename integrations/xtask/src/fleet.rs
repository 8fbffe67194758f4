//! The VMs of one run and what they share: from options to a bundle.

use std::ffi::OsString;

use ffa_el2::bundle::{self, Bundle, MAX_VMS, PolicyKind};

use crate::arguments;
use crate::failure::{Failure, Result};
use crate::guest::Guest;
use crate::number;
use crate::vm::Vm;

/// The options that describe VMs, for the help of the commands that have them.
pub(crate) const OPTIONS_HELP: &str = "\
  --vm FILE[,key=value]...  A VM; repeat for more: their ids are 1, 2, ... in this order.
                            FILE is a raw binary, entered at its load address at EL1 with the
                            stage-1 MMU off. Sizes like 4M, 1G; addresses like 0x40000000
      mem=4M                its memory
      base=0x40000000       where its memory starts
      load=BASE+0x200000    where FILE is loaded and entered
      vcpus=1               1 to 4; the first starts, the others wait for PSCI CPU_ON
      props=direct+indirect+notify
                            FF-A properties: also direct2, none, direct-receive, direct-send,
                            direct2-receive, direct2-send
      uuid=U                its FF-A UUID (nil)
      name=NAME             for messages (FILE without extension)
      arg=N                 handed over in x1 (0)
      dtb=0                 1: a small device tree in x0, else x0 is 0
      life=MS               killed after so many milliseconds (0: never)
      restarts=N            how often it is created again after a reset or the end of its life (0)
  --policy POLICY           vm-to-sp: VMs see secure partitions only (default);
                            allow-all: everybody sees everybody (insecure)
  --trace                   Print each FF-A call and its reply, decoded";

/// Memory that the hypervisor needs for itself, below and above the bundle.
const HYPERVISOR_MEMORY: u64 = 64 << 20;
const RAM_START: u64 = 0x4000_0000;

/// VMs with their images, and the options of the run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fleet {
    pub(crate) guests: Vec<Guest>,
    pub(crate) options: bundle::Options,
}

/// What the options say before any file is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct FleetOptions {
    vms: Vec<String>,
    options: bundle::Options,
}

impl FleetOptions {
    /// Takes an option if it is one that describes VMs; false if it is another.
    pub(crate) fn take(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool> {
        match name {
            "vm" => self.vms.push(arguments::text(parser.value()?)?),
            "policy" => self.options.policy = policy(&parser.value()?)?,
            "trace" => self.options.trace = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.vms.is_empty()
    }

    pub(crate) fn options(&self) -> bundle::Options {
        self.options
    }

    /// Checks every VM and reads its image.
    pub(crate) fn load(&self) -> Result<Fleet> {
        if self.vms.len() > MAX_VMS {
            return Err(Failure::usage(format!(
                "{} VMs are too many: {MAX_VMS} can run",
                self.vms.len()
            )));
        }
        let load = |(index, text): (usize, &String)| {
            let id = index + 1;
            let vm = Vm::parse(text)
                .map_err(|why| Failure::usage(format!("--vm {text} (VM {id}): {why}")))?;
            Guest::load(vm)
        };
        let guests = self.vms.iter().enumerate().map(load).collect::<Result<_>>()?;
        Ok(Fleet { guests, options: self.options })
    }
}

impl Fleet {
    /// The bundle for the loader.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let vms: Vec<bundle::Vm<'_>> = self.guests.iter().map(record).collect();
        Bundle::encode(self.options, &vms).map_err(|why| Failure::usage(why.to_string()))
    }

    /// Checks that the VMs fit into a machine with so many bytes of RAM.
    pub(crate) fn check_memory(&self, ram: u64, bundle: u64) -> Result<()> {
        // The hypervisor gives each VM one piece of physical memory, of a power of two.
        let whole = |size: u64| size.checked_next_power_of_two().unwrap_or(u64::MAX);
        let sizes = self.guests.iter().map(|guest| whole(guest.vm.memory));
        let vms = sizes.fold(0, u64::saturating_add);
        let bundle_end = ffa_el2::bundle::ADDRESS - RAM_START + bundle;
        let all = vms.saturating_add(bundle).saturating_add(HYPERVISOR_MEMORY);
        let need = bundle_end.max(all);
        if need <= ram {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "--memory {} is too small: VMs with {}, their images and the hypervisor need {}",
            number::size(ram),
            number::size(vms),
            number::size(need.div_ceil(1 << 20).saturating_mul(1 << 20))
        )))
    }
}

fn record(guest: &Guest) -> bundle::Vm<'_> {
    let vm = &guest.vm;
    bundle::Vm {
        name: &vm.name,
        image: &guest.image,
        memory_base: vm.base,
        memory_size: vm.memory,
        load_address: vm.load,
        argument: vm.argument,
        vcpus: vm.vcpus,
        properties: vm.properties,
        uuid: vm.uuid,
        life_ms: vm.life_ms,
        restarts: vm.restarts,
        dtb: vm.dtb,
    }
}

fn policy(name: &OsString) -> Result<PolicyKind> {
    match name.to_str() {
        Some("vm-to-sp") => Ok(PolicyKind::VmToSp),
        Some("allow-all") => Ok(PolicyKind::AllowAll),
        _ => Err(Failure::usage(format!(
            "--policy {}: there is no such policy (vm-to-sp, allow-all)",
            name.to_string_lossy()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(memory: u64, count: usize) -> Fleet {
        let vm = Vm { memory, ..Vm::new("guest.bin") };
        let guest = Guest { vm, image: b"\x1f\x20\x03\xd5".to_vec() };
        Fleet { guests: vec![guest; count], ..Fleet::default() }
    }

    #[test]
    fn a_bundle_says_what_the_options_said() {
        let mut fleet = fleet(4 << 20, 2);
        fleet.options.trace = true;
        fleet.guests[1].vm = Vm::parse("b.bin,vcpus=2,arg=9,life=5,restarts=6,name=bee").unwrap();
        let bytes = fleet.encode().unwrap();
        let bundle = Bundle::parse(&bytes).unwrap();
        assert!(bundle.options().trace);
        let vms: Vec<_> = bundle.vms().collect();
        assert_eq!((vms[0].name, vms[0].vcpus, vms[0].load_address), ("guest", 1, 0x4020_0000));
        assert_eq!((vms[1].name, vms[1].vcpus, vms[1].argument), ("bee", 2, 9));
        assert_eq!((vms[1].life_ms, vms[1].restarts), (5, 6));
        assert_eq!(vms[1].image, b"\x1f\x20\x03\xd5");
    }

    #[test]
    fn no_vm_is_no_bundle() {
        assert!(matches!(Fleet::default().encode(), Err(Failure::Usage(_))));
    }

    #[test]
    fn vms_must_fit_into_the_machine() {
        assert_eq!(fleet(4 << 20, 16).check_memory(1 << 30, 1 << 20), Ok(()));
        assert!(fleet(64 << 20, 16).check_memory(1 << 30, 1 << 20).is_err());
        let why = fleet(4 << 20, 1).check_memory(128 << 20, 4096).unwrap_err().to_string();
        assert!(why.contains("--memory 128M is too small"), "{why}");
        assert!(fleet(u64::MAX, 1).check_memory(1 << 30, 1).is_err());
    }

    #[test]
    fn policies_have_names() {
        assert_eq!(policy(&"vm-to-sp".into()), Ok(PolicyKind::VmToSp));
        assert_eq!(policy(&"allow-all".into()), Ok(PolicyKind::AllowAll));
        assert!(policy(&"all".into()).is_err());
    }
}
