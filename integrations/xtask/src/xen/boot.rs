//! Boots Xen with its domains.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::console::XEN;
use super::device_tree::{self, Domain};
use super::modules::{self, Module};
use super::source;
use crate::emulator::{self, BOARD, Machine, Run};
use crate::failure::{AtPath, Failure, Result};
use crate::process;

const DUMP_LIMIT: Duration = Duration::from_secs(20);
/// Everything is told, and dom0 is as small as the others.
const COMMAND_LINE: &str = "loglvl=all guest_loglvl=all dom0_mem=64M dom0_max_vcpus=1 bootscrub=0";

/// A guest before it has a place in RAM.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    pub(super) image: PathBuf,
    pub(super) argument: u64,
}

/// Xen, and what it starts: dom0 first.
#[derive(Clone, Debug)]
pub(super) struct Setup<'a> {
    /// Of the run: its files are called so.
    pub(super) name: &'a str,
    pub(super) hypervisor: &'a Path,
    pub(super) options: String,
    pub(super) guests: Vec<Guest>,
    /// For dom0.
    pub(super) ramdisk: Option<PathBuf>,
}

impl Setup<'_> {
    /// Boots and shows the console, which goes to a file too.
    pub(super) fn boot(&self, machine: &Machine) -> Result<Run> {
        let (domains, ramdisk) = self.domains(machine)?;
        let Some((dom0, others)) = domains.split_first() else {
            return Err(Failure::failed("Xen has no domain to start"));
        };
        let command_line = format!("{COMMAND_LINE} {}", self.options);
        let tree = self.machine_tree(machine)?;
        let tree = device_tree::describe(&tree, &command_line, dom0, ramdisk.as_ref(), others)?;
        let file = self.file("dtb");
        fs::write(&file, tree).at("write", &file)?;
        println!("xen: the console goes to {}", self.file("log").display());
        let modules: Vec<_> = domains.iter().map(|domain| &domain.module).chain(&ramdisk).collect();
        emulator::watch(self.command(machine, &file, &modules), machine.timeout, XEN, true)
    }

    /// The domains, and where the RAM disk is.
    fn domains(&self, machine: &Machine) -> Result<(Vec<Domain>, Option<Module>)> {
        let files = self.guests.iter().map(|guest| &guest.image).chain(&self.ramdisk);
        let mut modules = modules::place(&files.cloned().collect::<Vec<_>>(), machine)?;
        let ramdisk = modules.split_off(self.guests.len()).pop();
        let guests = modules.into_iter().zip(&self.guests);
        let domain = |(module, guest): (_, &Guest)| Domain { module, argument: guest.argument };
        Ok((guests.map(domain).collect(), ramdisk))
    }

    /// The device tree that QEMU makes for the machine.
    fn machine_tree(&self, machine: &Machine) -> Result<Vec<u8>> {
        let file = self.file("machine.dtb");
        let mut dump = machine.base();
        dump.args(BOARD).args(["-serial", "none"]);
        dump.arg("-machine").arg(format!("dumpdtb={}", emulator::escaped(&file)));
        let output = process::output(&mut dump, DUMP_LIMIT)?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::failed(format!("QEMU gives no device tree: {why}")));
        }
        fs::read(&file).at("read", &file)
    }

    fn command(&self, machine: &Machine, tree: &Path, modules: &[&Module]) -> Command {
        let log = emulator::escaped(&self.file("log"));
        let mut command = machine.base();
        // After a panic Xen restarts the machine: that is an end, too.
        command.args(BOARD).arg("-no-reboot");
        command.arg("-chardev").arg(format!("stdio,id=console,signal=off,logfile={log}"));
        command.args(["-serial", "chardev:console"]);
        command.arg("-kernel").arg(self.hypervisor).arg("-dtb").arg(tree);
        for module in modules {
            command.arg("-device").arg(emulator::loader(&module.file, module.address));
        }
        command.args(&machine.extra);
        command
    }

    fn file(&self, extension: &str) -> PathBuf {
        source::home().join(format!("{}.{extension}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qemu_gets_xen_its_tree_and_the_images() {
        let setup = Setup {
            name: "trial",
            hypervisor: Path::new("xen"),
            options: String::new(),
            guests: Vec::new(),
            ramdisk: None,
        };
        let module = Module { file: "dom,0.bin".into(), address: 0x5000_0000, size: 4096 };
        let machine = Machine { cpus: 2, ..Machine::default() };
        let command = setup.command(&machine, Path::new("trial.dtb"), &[&module]);
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        let line = words.join(" ");
        for part in [
            "-smp 2 -m 1024M",
            "-M virt,virtualization=on,gic-version=3 -cpu cortex-a57 -no-reboot",
            "-kernel xen -dtb trial.dtb",
            "loader,file=dom,,0.bin,addr=0x50000000,force-raw=on",
            "trial.log",
        ] {
            assert!(line.contains(part), "{line}");
        }
    }

    #[test]
    fn a_run_without_domains_is_refused() {
        let setup = Setup {
            name: "none",
            hypervisor: Path::new("xen"),
            options: String::new(),
            guests: Vec::new(),
            ramdisk: None,
        };
        assert!(setup.boot(&Machine::default()).is_err());
    }
}
